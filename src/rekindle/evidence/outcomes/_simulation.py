"""Simulate one arm of a trial: its people, sessions, beliefs and background treatment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import EventTable, ParameterTable, solve
from rekindle.evidence._data import assumption
from rekindle.evidence.outcomes._arm import Setup
from rekindle.evidence.outcomes._people import Baseline, entry_scores, study_number, trial_people
from rekindle.modelling import Model
from rekindle.people import (
    Normals,
    Person,
    Stream,
    Variability,
    default_variability,
    draw_crowd,
    draw_evenly,
    random_generator,
)
from rekindle.regimen import Regimen
from rekindle.therapy import (
    ParameterSet,
    control_response,
    default_parameters,
    dose_records,
    therapy_model,
)
from rekindle.trials import rating_scale

Array = NDArray[np.float64]

#: Digits (h) to which two times count as the same moment.
_DIGITS = 9


@dataclass(frozen=True)
class Course:
    """Outputs of everybody in one arm, and the scores that raters write down.

    ``name`` keeps the rating errors of the two arms of a comparison apart.
    """

    setup: Setup
    seed: int
    name: str
    count: int
    times: Mapping[float, int]
    outputs: Mapping[str, Array]
    entries: dict[Baseline, tuple[Array, Array]] = field(default_factory=dict, repr=False)

    def at(self, output: str, times: Sequence[float]) -> Array:
        """Values of an output, shape (people, times)."""
        return self.outputs[output][:, [self.times[moment(time)] for time in times]]

    def entry(self, baseline: Baseline) -> Array:
        """Scores rated at entry."""
        return self._entry(baseline)[0]

    def scores(self, baseline: Baseline, times: Sequence[float], *, shared: bool = False) -> Array:
        """Scores rated at some times, shape (people, times); ``shared`` ones are the same in both arms."""
        true = self._entry(baseline)[1]
        latent = true[:, None] * (1.0 - self.at("improvement_share", times))
        scale = rating_scale(baseline.scale)
        columns = [
            scale.rate(latent[:, place], self.noise(f"{baseline.scale} {time:g}", shared=shared))
            for place, time in enumerate(times)
        ]
        return np.stack(columns, axis=1)

    def noise(self, name: str, *, shared: bool = False) -> np.random.Generator:
        """Numbers for the errors of one assessment, of this arm or of all arms before they part."""
        trial = study_number(self.setup.study_id)
        arm = "" if shared else self.name
        return random_generator(self.seed, trial, 0, 0, Stream.OBSERVATION, f"{arm} {name}")

    def _entry(self, baseline: Baseline) -> tuple[Array, Array]:
        if baseline not in self.entries:
            self.entries[baseline] = entry_scores(baseline, self.setup.study_id, self.count, self.seed)
        return self.entries[baseline]


def moment(time_h: float) -> float:
    """A time as simulations know it."""
    return round(float(time_h), _DIGITS)


def simulate_arm(
    setup: Setup,
    outputs: Sequence[str],
    times: Sequence[float],
    *,
    count: int,
    seed: int,
    name: str,
    workers: int = 1,
    parameters: ParameterSet | None = None,
    mechanism: str = "disinhibition",
) -> Course:
    """Simulate an arm for outputs at times (h); sessions after the last time are left out."""
    model = therapy_model(**_switches(setup), mechanism=mechanism)
    parameters = parameters or default_parameters(mechanism)
    course = control_response(setup.control_class, mechanism=mechanism).parameters
    replaced = {**course, **parameters.pharmacokinetics, **parameters.values}
    replaced |= parameters.control.get(setup.control_class, {})
    moments = sorted({moment(time) for time in times})
    typical = {parameter: value for parameter, value in replaced.items() if parameter in model.parameters}
    variability = _variability(setup).with_spread(parameters.spread)
    variability = variability.with_correlation(parameters.correlation)
    normals = _normals(setup, count, seed, moments[-1])
    crowd = draw_crowd(
        model,
        variability,
        tuple(normals),
        seed=seed,
        trial=study_number(setup.study_id),
        occasions=_occasions(setup, moments[-1]),
        typical=typical,
        normals=tuple(normals.values()),
    )
    drawn = ParameterTable(tuple(normals), crowd.columns(len(normals)))
    trajectory = solve(
        model,
        _events(setup, count, seed, moments[-1], mechanism),
        parameters=drawn,
        times=moments,
        outputs=tuple(outputs),
        tolerance=assumption("solver_tolerance"),
        workers=workers,
    )
    found = {output: np.asarray(trajectory[output]) for output in outputs}
    return Course(setup, seed, name, count, {time: at for at, time in enumerate(moments)}, found)


# Neither events nor random numbers depend on parameters: a fit asks for the same ones hundreds of times.
@lru_cache(maxsize=128)
def _events(setup: Setup, count: int, seed: int, horizon: float, mechanism: str) -> EventTable:
    model = therapy_model(**_switches(setup), mechanism=mechanism)
    people = trial_people(setup, count, seed)
    rows = [row for place, person in enumerate(people) for row in _rows(model, setup, place, person, horizon)]
    return EventTable.from_rows(rows, model, extrapolate=True)


@lru_cache(maxsize=128)
def _normals(setup: Setup, count: int, seed: int, horizon: float) -> dict[str, Normals]:
    people = [person.id for person in trial_people(setup, count, seed)]
    found = draw_evenly(
        _variability(setup),
        people,
        seed=seed,
        trial=study_number(setup.study_id),
        occasions=_occasions(setup, horizon),
    )
    return dict(zip(people, found, strict=True))


def _switches(setup: Setup) -> dict[str, str]:
    return {"session_pressure": "on"} if setup.session_pressure else {}


def _rows(model: Model, setup: Setup, place: int, person: Person, horizon: float) -> list[dict[str, Any]]:
    """Event rows of one person; beliefs may change when a phase begins."""
    known = {
        "ID": person.id,
        **person.covariates(model),
        "ssri_dose_ratio": setup.antidepressant,
    }
    rows: list[dict[str, Any]] = []
    occasion = 1
    for number, phase in enumerate(setup.phases):
        plan = _until(phase.plans[place % len(phase.plans)], horizon - phase.start_h)
        rows.append({"TIME": phase.start_h, "EVID": 2, "believed_probability": phase.believed})
        found = dose_records(
            plan,
            weight_kg=person.weight_kg,
            first_occasion=occasion,
            control=setup.control_class if number == 0 else None,
        )
        rows += [
            {**row, "TIME": row["TIME"] + phase.start_h, "believed_probability": phase.believed}
            for row in found
        ]
        occasion += len(plan.sessions)
    return [{**known, **row} for row in rows]


@lru_cache(maxsize=64)
def _until(plan: Regimen, horizon: float) -> Regimen:
    """The sessions that begin before the last time looked at; the first one always."""
    kept = [session for session in plan.sessions if session.time_h < max(horizon, 1e-9)]
    if len(kept) == len(plan.sessions):
        return plan
    return Regimen.of(
        drug=plan.drug if kept else "none", product=plan.product if kept else None, sessions=kept
    )


def _occasions(setup: Setup, horizon: float) -> int:
    return max(1, sum(start < max(horizon, 1e-9) for start in setup.session_starts))


@cache
def _between_people() -> Variability:
    return default_variability().of(therapy_model()).without("occasion")


@cache
def _all_levels() -> Variability:
    return default_variability().of(therapy_model())


def _variability(setup: Setup) -> Variability:
    """Absorption through the nose or mouth varies between the sessions of one person; the rest does not."""
    routes = {plan.product.route for phase in setup.phases for plan in phase.plans}
    return _all_levels() if routes & {"nasal", "sl"} else _between_people()
