"""The compounds of this package, and those of users."""

from __future__ import annotations

from functools import cache
from os import PathLike
from pathlib import Path

from rekindle.therapy._compound import Compound
from rekindle.therapy._compound_names import SHIPPED
from rekindle.therapy._compound_reader import parse_compound, read_file, unknown_compound, with_gaps
from rekindle.therapy._compound_rules import find_gaps, refuse_contradictions, refuse_gaps
from rekindle.therapy._tables import FOLDER


@cache
def compounds() -> dict[str, Compound]:
    """All shipped compounds by name; those with ``gaps`` can be shown but not simulated.

    >>> [name for name, compound in compounds().items() if compound.gaps]
    ['lanicemine']
    """
    known: dict[str, Compound] = {}
    for name in SHIPPED:
        known[name] = _read(FOLDER / "compounds" / f"{name}.toml", known)
    return known


def find_compound(name: str) -> Compound:
    """A shipped compound by name, or one of the user by path (ending in .toml).

    Raises:
        ParameterError: an unknown name, or a file that ``read_compound`` refuses.

    >>> find_compound("memantine").parents[0].value("rho")
    5.0
    """
    if name.endswith(".toml"):
        return read_compound(name)
    if name not in compounds():
        raise unknown_compound(name, compounds())
    return compounds()[name]


def read_compound(path: str | PathLike[str], *, allow_gaps: bool = False) -> Compound:
    """A compound of the user from a TOML file.

    Args:
        path: the file; ``rekindle compound show ketamine --toml`` prints an example.
        allow_gaps: return an incomplete compound with its ``gaps`` instead of refusing it.

    Raises:
        ParameterError: an unknown field, a number without evidence or out of range, fields that contradict
            each other, or (unless ``allow_gaps``) fields that are missing, each with why it matters.
    """
    compound = _read(Path(path), compounds())
    if not allow_gaps:
        refuse_gaps(compound)
    return compound


def _read(path: Path, known: dict[str, Compound]) -> Compound:
    compound = parse_compound(read_file(path), path.name, known)
    refuse_contradictions(compound)
    return with_gaps(compound, find_gaps(compound))


def compound_source(name: str) -> str:
    """The text of a shipped compound's file, or of the user's own.

    Raises:
        ParameterError: an unknown name.

    >>> compound_source("ketamine").splitlines()[1]
    'name = "ketamine"'
    """
    if name.endswith(".toml"):
        read_file(name)
        return Path(name).read_text(encoding="utf-8")
    find_compound(name)
    return (FOLDER / "compounds" / f"{name}.toml").read_text(encoding="utf-8")
