"""Everybody of a run in columns: who shares records keeps one tuple of them, parameters are one array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.records._records import Record
from rekindle.engine.records._shared_records import Schedule, SharedRecords
from rekindle.engine.running._whole_files import fingerprint

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
    records: Sequence[Record]
    parameters: Array
    times: Array | None
    carry: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Subjects(Sequence[Subject]):
    """What the engine needs of everybody.

    Attributes:
        people: identifiers.
        courses: the different schedules.
        course: number of each person's among them.
        member: place of each person among the people of that schedule.
        parameters: values (people, occasions, parameters) in the model's order; the last occasion holds for
            later ones.
        times: requested output times, or None for the times of the observation records.
        carry: carry rule of each covariate.
    """

    people: tuple[str, ...]
    courses: tuple[Schedule, ...]
    course: Whole
    member: Whole
    parameters: Array
    times: Array | None
    carry: Mapping[str, str]

    @classmethod
    def from_records(
        cls,
        records: Mapping[str, Sequence[Record]],
        parameters: Array,
        times: Array | None,
        carry: Mapping[str, str],
    ) -> Subjects:
        """People by their records; tuples count as shared when they are the same object."""
        known: dict[int, tuple[int, Schedule]] = {}
        course, member = np.empty((2, len(records)), np.int64)
        for place, own in enumerate(records.values()):
            # Most people share a tuple; asking an abstract class about each takes longer than all the rest.
            if type(own) is not tuple and isinstance(own, SharedRecords) and not own.schedule.repeats:
                key, member[place] = id(own.schedule), own.person
                schedule = own.schedule
            else:
                key, member[place] = id(own), 0
                schedule = known[key][1] if key in known else Schedule(tuple(own), {}, {})
            course[place], _ = known.setdefault(key, (len(known), schedule))
        courses = tuple(schedule for _, schedule in known.values())
        return cls(tuple(records), courses, course, member, parameters, times, carry)

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
            self.member[chosen],
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
            self.courses[self.course[place]].of(int(self.member[place])),
            self.parameters[place],
            self.times,
            self.carry,
        )

    @cached_property
    def content(self) -> tuple[Any, ...]:
        """The same for the same people, however they are kept, for digests."""
        digests = [None if one.differs else fingerprint(one.records) for one in self.courses]
        own = [
            digests[number] or fingerprint(self.courses[number].of(member))
            for number, member in zip(self.course.tolist(), self.member.tolist(), strict=True)
        ]
        return self.people, own, self.parameters, self.times, self.carry

    @cached_property
    def rows(self) -> Whole:
        """How many rows of outputs each person has."""
        if self.times is not None:
            return np.full(len(self), len(self.times), np.int64)
        asked = [sum(record.asks for record in one.records) for one in self.courses]
        return np.array(asked, np.int64)[self.course]

    def observation_times(self) -> Array:
        """Times of all observation records, person by person."""
        asked = [one.all_times()[:, [record.asks for record in one.records]] for one in self.courses]
        places = zip(self.course.tolist(), self.member.tolist(), strict=True)
        return np.concatenate([asked[number][member % len(asked[number])] for number, member in places])

    def by_record(self, place: int, name: str) -> Any:
        """An attribute of the record at one place: a number if it is the same for all, else one a person."""
        alike = [getattr(one.records[place], name) for one in self.courses]
        differing = {number: one.differing(name, place) for number, one in enumerate(self.courses)}
        return self._spread(alike, differing)

    def covariates_by_record(self, place: int) -> dict[str, Any]:
        """Covariate values that the record at one place states, as in ``by_record``."""
        stated = [one.records[place].covariates for one in self.courses]
        differing = [one.covariates.get(place, {}) for one in self.courses]
        return {
            name: self._spread(
                [own[name] for own in stated], {number: own.get(name) for number, own in enumerate(differing)}
            )
            for name in stated[0]
        }

    def _spread(self, alike: Sequence[Any], differing: Mapping[int, Array | None]) -> Any:
        """Numbers of the courses for everybody, with those in which the people of a course differ."""
        arrays = {number: values for number, values in differing.items() if values is not None}
        if len(alike) == 1:
            return arrays[0][self.member] if arrays else alike[0]
        found = np.array(alike)[self.course]
        for number, values in arrays.items():
            chosen = self.course == number
            found[chosen] = values[self.member[chosen]]
        return found
