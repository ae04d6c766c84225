"""Records that many people share, but for their amounts and covariates.

A population receives one regimen, so that a record for each person and dose would say the same thing a
thousand times. A schedule holds each record once, and what differs as arrays over the people; the records of
a person are made from it when somebody looks at them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._event_table import EventTable
from rekindle.engine._records import Record
from rekindle.errors import EventError
from rekindle.modelling import Model

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Schedule:
    """Records of some people.

    Attributes:
        records: those of the first person.
        amounts: place of a record -> amounts (people,), where they differ.
        covariates: place of a record -> name -> values (people,), where they differ.
    """

    records: tuple[Record, ...]
    amounts: Mapping[int, Array]
    covariates: Mapping[int, Mapping[str, Array]]

    @cached_property
    def repeats(self) -> bool:
        """Whether a covariate that differs between people is stated more than once."""
        stated = [name for record in self.records for name in record.covariates]
        return any(stated.count(name) > 1 for own in self.covariates.values() for name in own)

    def record(self, place: int, person: int) -> Record:
        """One record of one person."""
        found = self.records[place]
        if place in self.amounts:
            found = replace(found, amount=float(self.amounts[place][person]))
        if place in self.covariates:
            own = {name: float(values[person]) for name, values in self.covariates[place].items()}
            found = replace(found, covariates={**found.covariates, **own})
        return found


class SharedRecords(Sequence[Record]):
    """The records of one person of a schedule, made when they are looked at."""

    __slots__ = ("person", "schedule")

    def __init__(self, schedule: Schedule, person: int) -> None:
        self.schedule, self.person = schedule, person

    def __len__(self) -> int:
        return len(self.schedule.records)

    @overload
    def __getitem__(self, place: int) -> Record: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Record]: ...

    def __getitem__(self, place: int | slice) -> Record | Sequence[Record]:
        if isinstance(place, slice):
            return tuple(self)[place]
        return self.schedule.record(range(len(self))[place], self.person)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash((id(self.schedule), self.person))

    def __reduce__(self) -> tuple[Any, ...]:
        # On its own, without everybody else's numbers.
        return tuple, (tuple(self),)


class Same:
    """Something long that is compared often: the same if it is equal, which its hash mostly decides."""

    __slots__ = ("content", "hashed")

    def __init__(self, content: Hashable) -> None:
        self.content, self.hashed = content, hash(content)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Same) and self.content == other.content)

    def __hash__(self) -> int:
        return self.hashed


def shared_schedule(records: Sequence[Record]) -> Schedule | None:
    """The schedule whose people can be stepped together, if the records are those of one."""
    if isinstance(records, SharedRecords) and not records.schedule.repeats:
        return records.schedule
    return None


def differently_timed(people: Iterable[Sequence[Record]]) -> Iterator[Sequence[Record]]:
    """Records of people whose doses may begin or end at other times than those of the people before."""
    seen: set[int] = set()
    for records in people:
        if isinstance(records, SharedRecords):
            schedule = records.schedule
            if id(schedule) in seen:
                continue
            if not any(schedule.records[place].rate > 0.0 for place in schedule.amounts):
                seen.add(id(schedule))
        yield records


def schedule_table(
    rows: Sequence[Mapping[str, Any]], people: Sequence[str], model: Model, *, extrapolate: bool = False
) -> EventTable:
    """The event table of people who share their rows.

    Args:
        rows: as ``EventTable.from_rows`` takes them, without ID. AMT and covariates may be arrays (people,).
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

    def table(person: int) -> EventTable:
        own = [{name: _own(value, person) for name, value in row.items()} for row in rows]
        return EventTable.from_rows(
            [{"ID": people[person], **row} for row in own], model, extrapolate=extrapolate
        )

    first = table(0)
    if len(people) == 1:
        return first
    for person in sorted(_stand_ins(rows, first.carry, people) - {0}):
        table(person)
    arrays = [{n: v for n, v in row.items() if isinstance(v, np.ndarray)} for row in rows]
    schedule = Schedule(
        tuple(first.subjects[people[0]]),
        {place: row["AMT"] for place, row in enumerate(arrays) if "AMT" in row},
        {
            place: {name: values for name, values in row.items() if name != "AMT"}
            for place, row in enumerate(arrays)
            if row.keys() - {"AMT"}
        },
    )
    shared = {person: SharedRecords(schedule, place) for place, person in enumerate(people)}
    return EventTable(shared, first.carry)


def joined(tables: Sequence[EventTable], people: Iterable[str]) -> EventTable:
    """One table of the people of several, in the order of ``people``."""
    every = {person: records for table in tables for person, records in table.subjects.items()}
    return EventTable({person: every[person] for person in people}, tables[0].carry)


def _own(value: Any, person: int) -> Any:
    return float(value[person]) if isinstance(value, np.ndarray) else value


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
            found |= {int(np.argmin(array)), int(np.argmax(array))}
        if arrays and name not in ("AMT", *carry):
            differs = np.any([np.not_equal(value, values[0]) for value in values[1:]], axis=0)
            found |= set(np.flatnonzero(np.broadcast_to(differs, (len(people),)))[:1].tolist())
    return found


def amounts_at(people: Sequence[Sequence[Record]], place: int) -> tuple[Array, Array]:
    """Amounts and rates of one record of people who share their schedule, shape (people,)."""
    shared = _shared(people)
    if shared is None:
        own = [records[place] for records in people]
        return np.array([one.amount for one in own]), np.array([one.rate for one in own])
    schedule, places = shared
    record = schedule.records[place]
    own_amounts = schedule.amounts.get(place)
    amounts = np.full(len(people), record.amount) if own_amounts is None else own_amounts[places]
    return amounts, np.full(len(people), record.rate)


def covariates_at(people: Sequence[Sequence[Record]], place: int) -> dict[str, Array]:
    """Covariates of one record of people who share their schedule, shape (people,) each."""
    shared = _shared(people)
    if shared is None:
        own = [records[place].covariates for records in people]
        return {name: np.array([values[name] for values in own]) for name in own[0]}
    schedule, places = shared
    columns = schedule.covariates.get(place, {})
    return {
        name: columns[name][places] if name in columns else np.full(len(people), value)
        for name, value in schedule.records[place].covariates.items()
    }


def _shared(people: Sequence[Sequence[Record]]) -> tuple[Schedule, list[int]] | None:
    first = people[0]
    if not isinstance(first, SharedRecords):
        return None
    places = []
    for records in people:
        if not isinstance(records, SharedRecords) or records.schedule is not first.schedule:
            return None
        places.append(records.person)
    return first.schedule, places
