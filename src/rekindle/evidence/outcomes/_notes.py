"""What the notes of an outcome row mean for its simulation. Only the forms named here are understood."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rekindle.evidence._row import Row

_NUMBER = r"(\d+(?:\.\d+)?)"
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_LEVELS = re.compile(r"dose_levels\s*=\s*([\d.]+(?:;[\d.]+)*)")
_FIRST = re.compile(rf"first dose taken as {_NUMBER} mg")
_MOSTLY = re.compile(rf"mostly {_NUMBER} mg/kg over {_NUMBER} min")
_CONTINUED = re.compile(rf"then {_NUMBER} mg/kg/h; total infusion {_NUMBER}")
_SERIES = re.compile(rf"({_NUMBER}|{'|'.join(_WORDS)}) infusions in {_NUMBER} days")
_RUN_IN = re.compile(rf"after {_NUMBER} daily open-label doses of {_NUMBER} mg")
_THEN = re.compile(rf"(once|twice) (?:a week|weekly) for {_NUMBER} weeks")
_BASELINE = re.compile(rf"baseline about {_NUMBER}(?:\s*(?:-|to)\s*{_NUMBER})?")
_ENTRY = re.compile(rf"entry (?:MADRS|HAMD17|HAM-D17)\s*>=\s*{_NUMBER}", re.IGNORECASE)
_TO_DAY = re.compile(rf"to day {_NUMBER}")
_AT_TIME = re.compile(r"(?:\A|; )mean change at \d")


@dataclass(frozen=True, slots=True)
class RunIn:
    """Daily open-label doses before responders are re-randomised, and what follows for them."""

    doses: int
    dose_mg: float
    sessions_a_week: int
    weeks: int


def dose_levels(row: Row) -> tuple[float, ...]:
    """Levels of a flexible dose, from ``dose_levels=56;84``; empty if there are none.

    >>> dose_levels(Row(2, {"notes": "flexible dose, dose_levels=56;84, x"}))
    (56.0, 84.0)
    """
    found = _LEVELS.search(row.text("notes"))
    return tuple(float(part) for part in found[1].split(";")) if found else ()


def first_dose(row: Row) -> float | None:
    """Dose of the first session where it differs, from ``first dose taken as 56 mg``."""
    return _number(_FIRST, row)


def usual_dose(row: Row) -> tuple[float, float] | None:
    """Dose (mg/kg) and duration (h) of most trials of a pool, from ``mostly 0.5 mg/kg over 40 min``."""
    found = _MOSTLY.search(row.text("notes"))
    return (float(found[1]), float(found[2]) / 60.0) if found else None


def continued_infusion(row: Row) -> tuple[float, float] | None:
    """Rate (mg/kg/h) after a bolus and end of it (h), from ``then 0.4 mg/kg/h; total infusion 176``."""
    found = _CONTINUED.search(row.text("notes"))
    return (float(found[1]), float(found[2]) / 60.0) if found else None


def series(row: Row) -> tuple[int, float] | None:
    """Number of sessions and days that they take, from ``six infusions in 21 days``.

    >>> series(Row(2, {"notes": "six infusions in 21 days then maintenance"}))
    (6, 21.0)
    """
    found = _SERIES.search(row.text("notes").lower())
    if found is None:
        return None
    count = _WORDS.index(found[1]) + 1 if found[1] in _WORDS else int(float(found[1]))
    return (count, float(found[3])) if count > 1 else None


def has_maintenance(row: Row) -> bool:
    """Whether sessions go on after a series."""
    return "then maintenance" in row.text("notes").lower()


def has_label_schedule(row: Row) -> bool:
    """Whether sessions follow the label or a flexible schedule like it."""
    return bool(re.search(r"label schedule|flexible interval", row.text("notes").lower()))


def run_in(row: Row) -> RunIn | None:
    """Run-in of a withdrawal trial; both halves of it must be stated."""
    before, after = _RUN_IN.search(row.text("notes")), _THEN.search(row.text("notes"))
    if before is None or after is None:
        return None
    weekly = 2 if after[1] == "twice" else 1
    return RunIn(int(float(before[1])), float(before[2]), weekly, int(float(after[2])))


def stated_baseline(row: Row) -> float | None:
    """Mean baseline from ``baseline about 37-38``: the middle."""
    found = _BASELINE.search(row.text("notes"))
    return (float(found[1]) + float(found[2] or found[1])) / 2.0 if found else None


def entry_score(row: Row) -> float | None:
    """Score from which patients entered, from ``entry MADRS >= 28``."""
    return _number(_ENTRY, row)


def last_day(row: Row) -> float | None:
    """Last day of assessments, from ``to day 14``."""
    return _number(_TO_DAY, row)


def is_change_at_time(row: Row) -> bool:
    """Whether a change is the one at its time and not the largest."""
    return bool(_AT_TIME.search(row.text("notes")))


def is_before_and_after(row: Row) -> bool:
    """Whether an effect size compares before and after instead of two arms."""
    return "pre-post" in row.text("notes").lower()


def _number(pattern: re.Pattern[str], row: Row) -> float | None:
    found = pattern.search(row.text("notes"))
    return float(found[1]) if found else None
