"""From people and what they receive to the engine's tables: events and drawn parameters.

People who receive the same are treated together: their records are shared, their parameters drawn at once.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import EventTable, ParameterTable, joined, schedule_table
from rekindle.people._draw import draw_crowd
from rekindle.people._person import Person
from rekindle.people._treatment import Course, Setting, crowd_rows, typical_parameters
from rekindle.people._variability import Variability

if TYPE_CHECKING:
    from rekindle.modelling import Model

Array = NDArray[np.float64]

#: Routes whose absorption varies between the occasions of one person.
_VARYING_ROUTES = ("nasal", "sl")


def course_tables(
    courses: Mapping[Person, Sequence[Course]],
    *,
    model: Model,
    setting: Setting,
    variability: Variability | None,
    model_name: str = "D1",
    extra_rows: Sequence[Mapping[str, Any]] = (),
    parameters: Mapping[str, float] | None = None,
    seed: int = 1,
    trial: int | Mapping[str, int] = 0,
) -> tuple[EventTable, ParameterTable]:
    """What the engine takes of people who each receive their own courses: events and drawn parameters.

    ``extra_rows`` are further rows of an event table without ID, the same for everybody. See
    ``simulate_people`` for the rest.
    """
    extrapolate = any(person.extrapolations for person in courses)
    alike: dict[Hashable, list[Person]] = {}
    for person, own in courses.items():
        alike.setdefault(_what_is_shared(model, person, own), []).append(person)
    tables = []
    for people in alike.values():
        rows = crowd_rows(model, people, courses[people[0]], setting, model_name, extra_rows)
        tables.append(schedule_table(rows, [p.id for p in people], model, extrapolate=extrapolate))
    events = joined(tables, [person.id for person in courses])
    return events, _drawn(courses, model, setting, variability, parameters or {}, seed, trial)


def _what_is_shared(model: Model, person: Person, courses: Sequence[Course]) -> Hashable:
    """What people have in common whose records differ in amounts and covariates alone."""
    plan = tuple((id(course.regimen), course.start_h) for course in courses)
    return plan, tuple(person.covariates(model))


def _drawn(
    courses: Mapping[Person, Sequence[Course]],
    model: Model,
    setting: Setting,
    variability: Variability | None,
    given: Mapping[str, float],
    seed: int,
    trial: int | Mapping[str, int],
) -> ParameterTable:
    stated = {*setting.parameters(model), *given}
    known = Variability(()) if variability is None else variability.around(model, stated)
    between = known.without("occasion")
    alike: dict[tuple[Any, ...], list[Person]] = {}
    for person, own in courses.items():
        routes = frozenset(course.regimen.product.route for course in own)
        occasions = max(1, sum(len(course.regimen.sessions) for course in own))
        replicate = trial if isinstance(trial, int) else trial[person.id]
        alike.setdefault((person.co_medication, routes, occasions, replicate), []).append(person)
    identifiers: list[str] = []
    parts: list[tuple[int, Mapping[str, Array]]] = []
    for (_, routes, occasions, replicate), people in alike.items():
        own_ids = [person.id for person in people]
        drawn = draw_crowd(
            model,
            known if routes & set(_VARYING_ROUTES) else between,
            own_ids,
            seed=seed,
            trial=replicate,
            occasions=occasions,
            typical=typical_parameters(model, people[0], routes, setting, given),
        )
        identifiers += own_ids
        parts.append((len(people), drawn.columns(len(people))))
    return ParameterTable(tuple(identifiers), _stacked(model, parts))


def _stacked(model: Model, parts: Sequence[tuple[int, Mapping[str, Array]]]) -> dict[str, Array]:
    """Columns of all people, from numbers of people and theirs; who lacks one has the value of the model."""
    stacked = {}
    for name in dict.fromkeys(name for _, part in parts for name in part):
        usual = model.parameters[name].value
        columns = [
            part[name] if name in part else np.full((size, 1), np.nan if usual is None else usual)
            for size, part in parts
        ]
        most = max(column.shape[1] for column in columns)
        # The last occasion holds for later ones.
        stacked[name] = np.concatenate(
            [column[:, np.minimum(np.arange(most), column.shape[1] - 1)] for column in columns]
        )
    return stacked
