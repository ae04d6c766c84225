"""The data files of the evidence floor."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "data"


def development_arms() -> Path:
    """Path of the table of published pharmacokinetic arms that ships with the package.

    >>> development_arms().name
    'pk_arms.csv'
    """
    return _FOLDER / "pk_arms.csv"


@cache
def assumption(name: str) -> float:
    """A number of ``assumptions.csv``, in the unit stated there.

    >>> assumption("weight")
    70.0
    """
    return {row["name"]: float(row["value"]) for row in _rows("assumptions.csv")}[name]


@cache
def co_medication_records() -> dict[str, str]:
    """Interacting drug -> name of its record in the therapy's interactions.

    >>> co_medication_records()["rifampin"]
    'rifampicin'
    """
    return {row["name"]: row["acts_as"] for row in _rows("co_medications.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
