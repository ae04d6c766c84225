"""The optional package behind mixed models and survival analyses."""

from __future__ import annotations

from importlib.util import find_spec

from rekindle.errors import OutputError


def require_analysis() -> None:
    """Refuse to go on without statsmodels.

    Raises:
        OutputError: it is not installed.
    """
    if find_spec("statsmodels") is None:
        raise OutputError(
            "RK-OUT-020",
            given="statsmodels is not installed",
            why="The result asked for cannot be computed without it",
            remedy="Run: pip install 'rekindle[analysis]'",
        )
