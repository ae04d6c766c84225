"""Records that many people share, but for their times, amounts and covariates.

A population receives one regimen, so that a record for each person and dose would say the same thing a
thousand times. A schedule holds each record once, and what differs as arrays over the people; the records of
a person are made from it when somebody looks at them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.records._records import Record

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Schedule:
    """Records of some people.

    Attributes:
        records: those of the first person.
        amounts: place of a record -> amounts (people,), where they differ.
        covariates: place of a record -> name -> values (people,), where they differ.
        times: place of a record -> times (people,), where they differ; records of a person stay in order.
    """

    records: tuple[Record, ...]
    amounts: Mapping[int, Array]
    covariates: Mapping[int, Mapping[str, Array]]
    times: Mapping[int, Array] = field(default_factory=dict)

    @property
    def differs(self) -> bool:
        """Whether anything is not the same for all."""
        return bool(self.amounts or self.covariates or self.times)

    @cached_property
    def repeats(self) -> bool:
        """Whether a covariate that differs between people is stated more than once."""
        stated = [name for record in self.records for name in record.covariates]
        return any(stated.count(name) > 1 for own in self.covariates.values() for name in own)

    def all_times(self) -> Array:
        """Times of the records (people, records); one row if they are the same for all."""
        return by_person([self.times.get(place, record.time) for place, record in enumerate(self.records)])

    def differing(self, name: str, place: int) -> Array | None:
        """Amounts or times (people,) of the record at one place; None if they are the same for all."""
        return {"amount": self.amounts, "time": self.times}.get(name, {}).get(place)

    def of(self, person: int) -> tuple[Record, ...]:
        """All records of one person."""
        if not self.differs:
            return self.records
        return tuple(self.record(place, person) for place in range(len(self.records)))

    def record(self, place: int, person: int) -> Record:
        """One record of one person."""
        found = self.records[place]
        if place in self.times:
            found = replace(found, time=float(self.times[place][person]))
        if place in self.amounts:
            found = replace(found, amount=float(self.amounts[place][person]))
        if place in self.covariates:
            own = {name: float(values[person]) for name, values in self.covariates[place].items()}
            found = replace(found, covariates={**found.covariates, **own})
        return found


def by_person(numbers: Sequence[float | Array]) -> Array:
    """Numbers and arrays (people,) as rows (people, numbers); one row if none is an array."""
    people = max((len(one) for one in numbers if isinstance(one, np.ndarray)), default=1)
    found = np.empty((people, len(numbers)))
    for column, one in enumerate(numbers):
        found[:, column] = one
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


def differently_timed(people: Iterable[Sequence[Record]]) -> Iterator[Sequence[Record]]:
    """Records of people whose doses may begin or end at other times than those of the people before."""
    seen: set[int] = set()
    for records in people:
        if isinstance(records, SharedRecords):
            schedule = records.schedule
            if id(schedule) in seen:
                continue
            if not (schedule.times or any(schedule.records[place].rate > 0.0 for place in schedule.amounts)):
                seen.add(id(schedule))
        yield records
