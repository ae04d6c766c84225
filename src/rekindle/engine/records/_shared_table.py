"""Event tables of people who share their records but for times, amounts and covariates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rekindle.engine.records._event_table import EventTable
from rekindle.engine.records._records import COLUMNS, DOSE
from rekindle.engine.records._shared_records import Schedule, SharedRecords, by_person
from rekindle.errors import EventError
from rekindle.modelling import Model

#: Columns besides covariates in which people may differ.
_OWN = ("TIME", "AMT")


def schedule_table(
    rows: Sequence[Mapping[str, Any]], people: Sequence[str], model: Model, *, extrapolate: bool = False
) -> EventTable:
    """The event table of people who share their rows.

    Args:
        rows: as ``EventTable.from_rows`` takes them, without ID. TIME, AMT and covariates may be arrays
            (people,); a row with an array AMT is a dose unless EVID says otherwise.
        people: identifiers.
        model: the model that the table drives.
        extrapolate: accept covariates outside the model's validated range.

    Raises:
        EventError: see ``EventTable.from_rows``.

    >>> from rekindle import load_model
    >>> text = "model m\\ntime [h]\\nstate C [mg]\\nd/dt(C) = -0.1[1/h]*C\\noutput A [mg] = C"
    >>> rows = [dict(TIME=0, AMT=np.array([30.0, 45.0]), CMT="C")]
    >>> table = schedule_table(rows, ["1", "2"], load_model(text))
    >>> [record.amount for record in table.subjects["2"]]
    [45.0]
    """
    rows = [{"EVID": DOSE, **row} if isinstance(row.get("AMT"), np.ndarray) else row for row in rows]

    def table(person: int, chosen: Iterable[int]) -> EventTable:
        own = {
            place + 1: {name: _own(value, person) for name, value in rows[place].items()} for place in chosen
        }
        numbered = [(number, {"ID": people[person], **row}) for number, row in own.items()]
        return EventTable.from_numbered(numbered, model, extrapolate=extrapolate)

    first = table(0, range(len(rows)))
    if len(people) == 1:
        return first
    for person in _whose_times_are_wrong(rows):
        table(person, range(len(rows)))
    telling = [place for place, row in enumerate(rows) if _tells(row)]
    for person in sorted(_stand_ins(rows, first.carry, people) - {0}):
        table(person, telling)
    arrays = [{n: v for n, v in row.items() if isinstance(v, np.ndarray)} for row in rows]
    schedule = Schedule(
        tuple(first.subjects[people[0]]),
        {place: row["AMT"] for place, row in enumerate(arrays) if "AMT" in row},
        {
            place: {name: values for name, values in row.items() if name not in _OWN}
            for place, row in enumerate(arrays)
            if row.keys() - {*_OWN}
        },
        {place: row["TIME"] for place, row in enumerate(arrays) if "TIME" in row},
    )
    shared = {person: SharedRecords(schedule, place) for place, person in enumerate(people)}
    return EventTable(shared, first.carry)


def joined(tables: Sequence[EventTable], people: Iterable[str]) -> EventTable:
    """One table of the people of several, in the order of ``people``."""
    every = {person: records for table in tables for person, records in table.subjects.items()}
    return EventTable({person: every[person] for person in people}, tables[0].carry)


def _own(value: Any, person: int) -> Any:
    return float(value[person]) if isinstance(value, np.ndarray) else value


def _tells(row: Mapping[str, Any]) -> bool:
    """Whether a row says something besides the time that may be wrong in one of the people alone."""
    return any(
        name not in COLUMNS or isinstance(value, np.ndarray) for name, value in row.items() if name != "TIME"
    )


def _whose_times_are_wrong(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """The first of those whose times decrease or are not finite, if there is anybody."""
    times = by_person([row["TIME"] for row in rows])
    wrong = ~np.isfinite(times).all(axis=1) | (times[:, 1:] < times[:, :-1]).any(axis=1)
    return [int(person) for person in np.flatnonzero(wrong)[:1]]


def _stand_ins(
    rows: Sequence[Mapping[str, Any]], carry: Mapping[str, str], people: Sequence[str]
) -> set[int]:
    """Places of people who stand for all.

    Checks of numbers are of ranges, so that the least and the greatest pass them for the others; that a
    covariate may not change without a carry rule is checked in somebody for whom it does.
    """
    columns: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    found: set[int] = set()
    for name, values in columns.items():
        arrays = [value for value in values if isinstance(value, np.ndarray)]
        for array in arrays:
            if np.isnan(array).any():
                raise EventError(
                    "RK-EVT-012",
                    given=f"person {people[int(np.argmax(np.isnan(array)))]}: {name} is nan",
                    allowed="Finite numbers only",
                )
            if name == "TIME":
                continue
            found |= {int(np.argmin(array)), int(np.argmax(array))}
        if arrays and name not in (*_OWN, *carry):
            differs = np.any([np.not_equal(value, values[0]) for value in values[1:]], axis=0)
            found |= set(np.flatnonzero(np.broadcast_to(differs, (len(people),)))[:1].tolist())
    return found
