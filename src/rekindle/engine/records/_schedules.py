"""Who can be run together: people whose records do the same things in one order, and at the same times.

The order is enough for one program, in which every person has times of their own; to be stepped together
people must share the times too.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from rekindle.engine.program._agenda import TIME_DIGITS, between_restarts
from rekindle.engine.records._records import Record
from rekindle.engine.records._subjects import Subjects

_SHARED = attrgetter("kind", "state", "occasion", "event", "duration", "interval", "additional")


def people_by_schedule(subjects: Subjects) -> dict[Any, list[list[int]]]:
    """Places of people by what they must share for one program, in groups that also share their times.

    None for whom only the general driver serves. Times are shared by all whose output times are requested:
    which of these come between whose records would differ.
    """
    found: dict[Any, dict[bytes, list[int]]] = {}
    groups: list[list[list[int]]] = []
    kinds: list[list[int]] = []
    for course in subjects.courses:
        # Each schedule is hashed once, however many people share it.
        schedule = schedule_of(course.records)
        times, kind = np.unique(course.all_times(), axis=0, return_inverse=True)
        kinds.append(kind.ravel().tolist())
        groups.append([])
        for own in times:
            order = own if subjects.times is not None else np.sign(np.round(np.diff(own), TIME_DIGITS))
            key = None if schedule is None else (schedule, order.tobytes())
            groups[-1].append(found.setdefault(key, {}).setdefault(b"" if key is None else own.tobytes(), []))
    for place, (number, member) in enumerate(
        zip(subjects.course.tolist(), subjects.member.tolist(), strict=True)
    ):
        own_kinds = kinds[number]
        groups[number][own_kinds[member % len(own_kinds)]].append(place)
    return {key: [one for one in own.values() if one] for key, own in found.items() if any(own.values())}


def schedule_of(records: Sequence[Record]) -> tuple[Any, ...] | None:
    """What people must share besides the order of their times; None if only the general driver serves."""
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
