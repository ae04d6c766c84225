"""What came of people, in columns: outputs of everybody in one array, what the solver did, who failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.records._subjects import Subjects
from rekindle.engine.running._result_memory import room_for

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

#: Number of lanes of somebody who was run on a graphics card; 0 is the general driver.
ON_CARD = -1
#: What is counted for each person; what a lane group took is counted with its first person.
COUNTS = ("steps", "rejected", "cycles", "lanes", "groups")


@dataclass(frozen=True)
class SubjectResult:
    """Outputs (rows, outputs) of one person with their times, and what it took; see ``COUNTS``."""

    times: Array
    values: Array
    steps: int
    rejected: int
    cycles: int
    lanes: int = 0
    groups: int = 0


@dataclass(frozen=True)
class Failure:
    """Why a person could not be finished: the parts of a ``SolverError``."""

    code: str
    given: str
    allowed: str
    why: str
    remedy: str


@dataclass(frozen=True)
class ProgramResults(Sequence["SubjectResult | None"]):
    """What a program gave for people who share their output times; None for whom it could not finish.

    Attributes:
        times: shape (rows,).
        values: shape (people, rows, outputs).
        counts: shape (people, 5), see ``COUNTS``.
        fine: who was finished.
    """

    times: Array
    values: Array
    counts: Whole
    fine: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.fine)

    @overload
    def __getitem__(self, place: int) -> SubjectResult | None: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[SubjectResult | None]: ...
    def __getitem__(self, place: int | slice) -> SubjectResult | Sequence[SubjectResult | None] | None:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        if not self.fine[place]:
            return None
        return SubjectResult(self.times, self.values[place], *map(int, self.counts[place]))


@dataclass(frozen=True)
class Outcomes:
    """Results of people in a certain order.

    Attributes:
        starts: first row of each person and one past the last of all, shape (people + 1,).
        values: shape (rows, outputs).
        counts: shape (people, 5), see ``COUNTS``.
        failures: place -> why there is no result; its rows are NaN.
    """

    starts: Whole
    values: Array
    counts: Whole
    failures: dict[int, Failure] = field(default_factory=dict)

    @classmethod
    def empty(cls, subjects: Subjects, outputs: int) -> Outcomes:
        """Room for the results of people."""
        starts = np.concatenate([[0], np.cumsum(subjects.rows)])
        counts = np.zeros((len(subjects), len(COUNTS)), np.int64)
        return cls(starts, room_for(int(starts[-1]), outputs), counts)

    def __len__(self) -> int:
        return len(self.counts)

    def of(self, place: int) -> Array:
        """Outputs (rows, outputs) of one person."""
        return self.values[self.starts[place] : self.starts[place + 1]]

    @cached_property
    def _even(self) -> bool:
        """Whether everybody has equally many rows."""
        rows = np.diff(self.starts)
        return bool((rows == rows[0]).all())

    def together(self) -> Array:
        """Outputs (people, rows, outputs) of people with equally many rows."""
        people, outputs = len(self), self.values.shape[1]
        return self.values.reshape(people, len(self.values) // people, outputs)

    def part(self, first: int, last: int) -> Outcomes:
        """The rooms of people next to each other; what is written there is written here."""
        starts = self.starts[first : last + 1]
        return Outcomes(starts - starts[0], self.values[starts[0] : starts[-1]], self.counts[first:last])

    def put(self, places: Sequence[int], own: Outcomes) -> None:
        """Take over the results of some people, unless they were written into a part of this."""
        self.failures.update({places[place]: failure for place, failure in own.failures.items()})
        if np.may_share_memory(own.values, self.values):
            return
        self.counts[places] = own.counts
        if self._even:
            self.together()[places] = own.together()
            return
        for place, target in enumerate(places):
            self.of(target)[:] = own.of(place)

    def put_one(self, place: int, own: SubjectResult | Failure) -> None:
        """Take over the result of one person."""
        if isinstance(own, Failure):
            self.failures[place] = own
            self.of(place)[:] = np.nan
        else:
            self.of(place)[:] = own.values
            self.counts[place] = [getattr(own, name) for name in COUNTS]

    def finished(self) -> Iterator[int]:
        """Places of those who have a result."""
        return (place for place in range(len(self)) if place not in self.failures)
