"""When the sessions of an arm take place."""

from __future__ import annotations

import math

from rekindle.evidence._data import assumption
from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence.outcomes import _notes as notes

#: Drugs taken every day: what people expect begins with the first dose.
DAILY_DRUGS = ("ssri", "paroxetine", "placebo_oral")


def session_times(row: Row, *, acute: bool, remarks: list[str]) -> tuple[float, ...]:
    """Starts of the sessions, h from the first dose; what had to be assumed is added to the remarks.

    Raises:
        EvidenceError: session days that cannot be read, or a course whose sessions are not stated.

    >>> session_times(Row(2, {"session_days": "0;3;7"}), acute=False, remarks=[])
    (0.0, 72.0, 168.0)
    """
    if row.text("session_days"):
        return _stated(row)
    if row.word("drug") in DAILY_DRUGS:
        return (0.0,)
    if acute:
        remarks.append("no sessions are stated: one is simulated")
        return (0.0,)
    if notes.has_label_schedule(row):
        remarks.append("label schedule: twice weekly for four weeks, weekly for four, then every two weeks")
        return _label_schedule()
    series = notes.series(row)
    if series is None:
        raise not_simulated(
            f"line {row.number}: the sessions are not stated",
            remedy="Fill session_days, for example 0;3;7;10",
        )
    return _series(*series, maintenance=notes.has_maintenance(row), remarks=remarks)


def _stated(row: Row) -> tuple[float, ...]:
    try:
        days = [float(part) for part in row.text("session_days").split(";")]
    except ValueError:
        days = [math.nan]
    if not (all(map(math.isfinite, days)) and days[0] == 0.0 and days == sorted(set(days))):
        raise not_simulated(
            f'line {row.number}: session_days is "{row.text("session_days")}"',
            allowed="Rising days with the first dose on day 0, separated by semicolons",
        )
    return tuple(24.0 * day for day in days)


def _label_schedule() -> tuple[float, ...]:
    twice, weekly = int(assumption("label_twice_weekly")), int(assumption("label_weekly"))
    days = [7.0 * week + gap for week in range(twice) for gap in (0.0, 3.0)]
    days += [7.0 * (twice + week) for week in range(weekly)]
    while days[-1] < 7.0 * assumption("label_weeks"):
        days.append(days[-1] + assumption("label_interval"))
    return tuple(24.0 * day for day in days)


def _series(count: int, days: float, *, maintenance: bool, remarks: list[str]) -> tuple[float, ...]:
    gap = days / (count - 1) if count > 1 else days
    found = [gap * place for place in range(count)]
    remarks.append(f"{count} sessions spread evenly over {days:g} days (assumed)")
    if maintenance:
        remarks.append("then weekly (assumed)")
        while found[-1] < 7.0 * assumption("label_weeks"):
            found.append(found[-1] + 7.0)
    return tuple(24.0 * day for day in found)
