"""Everybody of a run in columns: who shares records keeps one tuple of them, parameters are one array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._records import Record
from rekindle.engine._whole_files import fingerprint

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Subject:
    """What the engine needs of one person.

    Attributes:
        person: identifier.
        records: the records in the order of the table.
        parameters: values (occasions, parameters) in the model's order; the last row holds for later ones.
        times: requested output times, or None for the times of the observation records.
        carry: carry rule of each covariate.
    """

    person: str
    records: tuple[Record, ...]
    parameters: Array
    times: Array | None
    carry: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Subjects(Sequence[Subject]):
    """What the engine needs of everybody.

    Attributes:
        people: identifiers.
        courses: the different tuples of records.
        course: number of each person's among them.
        parameters: values (people, occasions, parameters) in the model's order; the last occasion holds for
            later ones.
        times: requested output times, or None for the times of the observation records.
        carry: carry rule of each covariate.
    """

    people: tuple[str, ...]
    courses: tuple[tuple[Record, ...], ...]
    course: Whole
    parameters: Array
    times: Array | None
    carry: Mapping[str, str]

    @classmethod
    def from_records(
        cls,
        records: Mapping[str, tuple[Record, ...]],
        parameters: Array,
        times: Array | None,
        carry: Mapping[str, str],
    ) -> Subjects:
        """People by their records; tuples count as shared when they are the same object."""
        known: dict[int, int] = {}
        course = np.array([known.setdefault(id(own), len(known)) for own in records.values()], np.int64)
        courses = tuple({id(own): own for own in records.values()}.values())
        return cls(tuple(records), courses, course, parameters, times, carry)

    @classmethod
    def of(cls, subjects: Sequence[Subject]) -> Subjects:
        """The same people in columns; they share output times and carry rules."""
        if isinstance(subjects, Subjects):
            return subjects
        first, occasions = subjects[0], max(len(subject.parameters) for subject in subjects)
        rows = np.arange(occasions)
        parameters = np.array([own.parameters[np.minimum(rows, len(own.parameters) - 1)] for own in subjects])
        records = {subject.person: subject.records for subject in subjects}
        return cls.from_records(records, parameters, first.times, first.carry)

    def take(self, places: Sequence[int] | Whole) -> Subjects:
        """Some of them."""
        if len(places) == len(self) and list(places) == list(range(len(self))):
            return self
        chosen = np.asarray(places, np.int64)
        course = self.course[chosen]
        kept, own = np.unique(course, return_inverse=True)
        return Subjects(
            tuple(self.people[place] for place in places),
            tuple(self.courses[number] for number in kept),
            own,
            self.parameters[chosen],
            self.times,
            self.carry,
        )

    def __len__(self) -> int:
        return len(self.people)

    @overload
    def __getitem__(self, place: int) -> Subject: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Subject]: ...
    def __getitem__(self, place: int | slice) -> Subject | Sequence[Subject]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        return Subject(
            self.people[place],
            self.courses[self.course[place]],
            self.parameters[place],
            self.times,
            self.carry,
        )

    @cached_property
    def content(self) -> tuple[Any, ...]:
        """The same for the same people, however they are kept, for digests."""
        digests = [fingerprint(records) for records in self.courses]
        own = [digests[number] for number in self.course]
        return self.people, own, self.parameters, self.times, self.carry

    @cached_property
    def rows(self) -> Whole:
        """How many rows of outputs each person has."""
        if self.times is not None:
            return np.full(len(self), len(self.times), np.int64)
        asked = [sum(record.asks for record in records) for records in self.courses]
        return np.array(asked, np.int64)[self.course]

    def all_output_times(self) -> Array:
        """Times of all rows, person by person."""
        if self.times is not None:
            return np.tile(self.times, len(self))
        asked = [[record.time for record in records if record.asks] for records in self.courses]
        return np.array([time for number in self.course for time in asked[number]], dtype=float)

    def by_record(self, place: int, name: str) -> Any:
        """An attribute of the record at one place: a number if it is the same for all, else one a person."""
        own = [getattr(records[place], name) for records in self.courses]
        return own[0] if len(own) == 1 else np.array(own)[self.course]

    def covariates_by_record(self, place: int) -> dict[str, Any]:
        """Covariate values that the record at one place states, as in ``by_record``."""
        own = [records[place].covariates for records in self.courses]
        if len(own) == 1:
            return dict(own[0])
        return {name: np.array([values[name] for values in own])[self.course] for name in own[0]}
