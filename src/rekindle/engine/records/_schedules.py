"""Who can be stepped together: people whose records come at the same times and do the same things."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from rekindle.engine.program._agenda import between_restarts
from rekindle.engine.records._records import Record
from rekindle.engine.records._subjects import Subjects

_SHARED = attrgetter(
    "time", "kind", "state", "occasion", "event", "duration", "interval", "additional"
)  # fmt: skip


def people_by_schedule(subjects: Subjects) -> dict[Any, list[int]]:
    """Places of people by what they must share to be stepped together; None for whom that is impossible."""
    schedules = [schedule_of(course.records) for course in subjects.courses]
    found: dict[Any, list[int]] = {}
    # Each schedule is hashed once, however many people share it.
    groups = [found.setdefault(schedule, []) for schedule in schedules]
    for place, course in enumerate(subjects.course.tolist()):
        groups[course].append(place)
    return {schedule: places for schedule, places in found.items() if places}


def schedule_of(records: Sequence[Record]) -> tuple[Any, ...] | None:
    """What people must share to be stepped together; None for whom only the general driver serves."""
    if any(record.steady_state for record in records) or len(between_restarts(records)) > 1:
        return None
    rows = []
    for record in records:
        rate = min(record.rate, 1e-300)  # the sign says who gives the length of an infusion
        rows.append((_SHARED(record), rate, tuple(record.covariates)))
    return tuple(rows), _varying(records)


def _varying(records: Sequence[Record]) -> frozenset[str]:
    """Covariates with more than one value."""
    given: dict[str, set[float]] = {}
    for record in records:
        for name, value in record.covariates.items():
            given.setdefault(name, set()).add(value)
    return frozenset(name for name, values in given.items() if len(values) > 1)


def changes(records: Sequence[Record], occasions: int) -> int:
    """How often parameters (of so many occasions) or covariates may change, the start counted too."""
    varying, occasion, found = _varying(records), 1, 1
    for record in records:
        # The parameters of the last occasion hold for later ones.
        next_one = occasion if record.occasion is None else min(record.occasion, occasions)
        found += next_one != occasion or not varying.isdisjoint(record.covariates)
        occasion = next_one
    return found
