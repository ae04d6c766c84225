"""What the calibration is held against: the rows of a table of outcomes that may be fitted."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rekindle.errors import EvidenceError, RekindleError
from rekindle.evidence._row import Row
from rekindle.evidence._table import Source, read_arms
from rekindle.evidence.outcomes._read import read_outcome
from rekindle.evidence.outcomes._target import OutcomeTarget

_FOLDER = Path(__file__).parent / "data"
#: Columns that say which rows are left out; an empty cell means all.
_PLACE = ("study_id", "arm_id", "outcome", "time_h")


@dataclass(frozen=True)
class Target:
    """One published number: what is simulated for it, its value, its spread and the people behind it."""

    row: Row
    outcome: OutcomeTarget
    value: float
    sd: float | None
    se: float | None
    subjects: int


@dataclass(frozen=True)
class StudyTargets:
    """The numbers of one study, which belong together: its arms differ from the model in common ways."""

    study_id: str
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class LeftOut:
    """A row that is not fitted, and why."""

    row: Row
    reason: str


def read_targets(source: Source) -> tuple[tuple[StudyTargets, ...], tuple[LeftOut, ...]]:
    """Rows with role ``calibrate`` by study, and every other row with the reason why it is not fitted.

    Raises:
        EvidenceError: a row of unknown weight, or no row that can be fitted.

    >>> from rekindle.evidence import development_outcomes
    >>> studies, left_out = read_targets(development_outcomes())
    >>> any(study.study_id == "DALY2018_P1" for study in studies)
    True
    """
    studies: dict[str, list[Target]] = {}
    left_out: list[LeftOut] = []
    for row in read_arms(source).rows:
        reason = _reason(row)
        if not reason:
            try:
                target = _target(row)
            except EvidenceError as problem:
                if problem.code == "RK-EVI-030":
                    raise
                reason = str(problem)
            except RekindleError as problem:
                reason = str(problem)
            else:
                studies.setdefault(row.text("study_id"), []).append(target)
        if reason:
            left_out.append(LeftOut(row, reason))
    if not studies:
        raise EvidenceError(
            "RK-EVI-031",
            given="the table has no row that can be fitted",
            allowed="Rows with role calibrate whose arm can be simulated",
        )
    return tuple(StudyTargets(study, tuple(rows)) for study, rows in studies.items()), tuple(left_out)


def _reason(row: Row) -> str:
    if row.fault:
        return row.fault
    if row.word("role") != "calibrate":
        return f'role is "{row.text("role")}"'
    for known in _rows("left_out.csv"):
        if all(known[column] in ("", row.text(column)) for column in _PLACE):
            return known["reason"]
    return ""


def _target(row: Row) -> Target:
    outcome, value = read_outcome(row), row.number_of("value")
    if value is None:
        raise EvidenceError("RK-EVI-010", given=f"line {row.number}: no value")
    known = _known_size(row)
    sd = row.positive("sd")
    se = row.positive("se") or (float(known["se"]) if known.get("se") else None)
    stated = row.positive("n_at_time", whole=True) or row.positive("n", whole=True)
    subjects = stated if stated is not None else float(known.get("n") or 0.0)
    if not subjects and sd is None and se is None:
        raise EvidenceError(
            "RK-EVI-030",
            given=f"line {row.number}: {row.word('outcome')} has neither SD nor SE nor a number of people",
            allowed="At least one of the columns sd, se, n, n_at_time",
            why="A number of unknown weight cannot be fitted",
            remedy="Fill one of them, or set the role of the row to check",
        )
    return Target(row, outcome, value, sd, se, int(subjects or outcome.arm.subjects))


def _known_size(row: Row) -> Mapping[str, str]:
    place = row.text("study_id"), row.text("arm_id")
    return next((known for known in _rows("sizes.csv") if (known["study_id"], known["arm_id"]) == place), {})


@cache
def _rows(name: str) -> Sequence[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))
