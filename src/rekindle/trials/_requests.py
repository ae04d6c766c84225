"""What has to be simulated for people of a trial, as an event table.

People to whom the same happens in the same order are written down together, whenever it happens to each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import EventTable, joined, schedule_table
from rekindle.modelling import Model
from rekindle.trials._design import Design
from rekindle.trials._enrolment import Participant
from rekindle.trials._sessions import Given, row_times, session_rows

Array = NDArray[np.float64]

_DIGITS = 6


def moment(time_h: float) -> float:
    """A time as requests and readings know it."""
    return round(float(time_h), _DIGITS)


@dataclass(frozen=True, slots=True)
class Request:
    """One person, the sessions to come (time in h, slot, arm, dose in mg), and the times to be read."""

    key: str
    participant: Participant
    sessions: tuple[tuple[float, int, str, float | None], ...]
    times: tuple[float, ...]

    @property
    def content(self) -> tuple[Any, ...]:
        """What the course depends on; two versions of a person with the same parameters may share it."""
        one = self.participant
        return id(one.parameters), self.sessions, tuple(one.changes), tuple(one.periods), self.times


def course_events(design: Design, model: Model, requests: Sequence[Request]) -> EventTable:
    """The events of everybody: facts and their changes, sessions, and readings at the times asked for."""
    alike: dict[tuple[Any, ...], list[_Course]] = {}
    for request in requests:
        course = _course(design, model, request)
        alike.setdefault((course.what, tuple(course.facts)), []).append(course)
    tables = [
        schedule_table(_rows(design, people), [one.key for one in people], model, extrapolate=True)
        for people in alike.values()
    ]
    return joined(tables, [request.key for request in requests])


@dataclass(frozen=True, slots=True)
class _Course:
    """What happens to one person, in order, and when; facts and body weight (kg)."""

    key: str
    what: tuple[tuple[Any, ...], ...]
    times: tuple[float, ...]
    facts: Mapping[str, float]
    weight: float


def _course(design: Design, model: Model, request: Request) -> _Course:
    one = request.participant
    # Sorting keeps the order of equal times.
    times, what = zip(*sorted(_happenings(design, request), key=itemgetter(0)), strict=True)
    facts = {**one.person.covariates(model), **_first_values(one)}
    return _Course(request.key, what, times, facts, one.person.weight_kg)


def _happenings(design: Design, request: Request) -> Iterator[tuple[float, tuple[Any, ...]]]:
    """When what happens after the first facts; of what happens at once, changes come first, readings last."""
    one = request.participant
    for time, covariate, value in one.changes:
        if time > 0.0:
            yield time, (covariate, value)
    periods = sorted(one.periods)
    for time, slot, arm, dose in request.sessions:
        opens = bool(periods) and time >= periods[0]
        if opens:
            periods = [start for start in periods if start > time]
        given = Given(arm, dose, slot, opens)
        for place, after in enumerate(row_times(design, given)):
            yield after + time, (given, place)
    for time in request.times:
        yield moment(time), ()


def _rows(design: Design, people: Sequence[_Course]) -> list[dict[str, Any]]:
    """Rows of people to whom the same happens, with arrays where they differ."""
    weights = np.array([one.weight for one in people])
    sessions = {one[0] for one in people[0].what if one and isinstance(one[0], Given)}
    given = {session: session_rows(design, session, weights) for session in sessions}
    facts = {name: _shared([one.facts[name] for one in people]) for name in people[0].facts}
    rows: list[dict[str, Any]] = [{"TIME": 0.0, "EVID": 2, **facts}]
    for own, times in zip(people[0].what, zip(*(one.times for one in people), strict=True), strict=True):
        match own:
            case (Given() as session, int(place)):
                row = given[session][place]
            case (covariate, value):
                row = {"EVID": 2, covariate: value}
            case _:
                row = {"EVID": 0}
        rows.append({**row, "TIME": _shared(times)})
    return rows


def _shared(values: Sequence[float]) -> float | Array:
    """An array over people, or the number that all of them share."""
    return values[0] if len(set(values)) == 1 else np.array(values, dtype=float)


def _first_values(one: Participant) -> dict[str, float]:
    values = dict.fromkeys((name for _, name, _ in one.changes), 0.0)
    return values | {name: value for time, name, value in one.changes if time <= 0.0}
