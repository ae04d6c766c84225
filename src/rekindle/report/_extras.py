"""Optional packages: a clear refusal before any work is done."""

from __future__ import annotations

from importlib.util import find_spec

from rekindle.errors import OutputError

#: Extra of this package -> the modules that it brings.
EXTRAS = {
    "analysis": ("SALib", "statsmodels"),
    "cluster": ("distributed",),
    "report": ("matplotlib", "jinja2"),
    "parquet": ("pyarrow",),
    "sbml": ("libsbml",),
    "reading": ("textstat",),
}


def require_extra(extra: str) -> None:
    """Refuse to go on when the packages of an optional extra are not installed.

    Raises:
        OutputError: naming the missing packages and the command that installs them.

    >>> require_extra("report")
    """
    missing = [name for name in EXTRAS[extra] if find_spec(name) is None]
    if missing:
        raise OutputError(
            "RK-OUT-020",
            given=f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
            why="The result asked for cannot be written without it",
            remedy=f"Run: pip install 'rekindle[{extra}]'",
        )
