"""The model of one mechanism at hand: trials of the outcome table, the typical person, and its algebra."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence._data import assumption, development_outcomes
from rekindle.evidence._row import Row
from rekindle.evidence._table import read_arms
from rekindle.evidence.facts._fact import Fact, Found
from rekindle.evidence.outcomes._arm import Setup
from rekindle.evidence.outcomes._read import read_outcome
from rekindle.evidence.outcomes._reading import Reading
from rekindle.evidence.outcomes._simulation import Course, simulate_arm
from rekindle.evidence.outcomes._summary import summarise
from rekindle.evidence.outcomes._target import OutcomeTarget
from rekindle.modelling import Expression, Model, evaluate, symbol
from rekindle.people import Course as Treatment
from rekindle.people import Person, Setting, simulate_courses
from rekindle.regimen import parse_regimen
from rekindle.therapy import ParameterSet, control_response, therapy_model

Array = NDArray[np.float64]

_STEP_H = 1.0 / 30.0
_SESSION_H = 8.0
#: Times of a session at which acute effects are looked at, h.
SESSION_TIMES = np.round(np.arange(0.0, _SESSION_H + _STEP_H / 2.0, _STEP_H), 9)


class Bench:
    """Everything that facts are read off, for one mechanism; equal questions are simulated once.

    Args:
        mechanism: hypothesis of the mood effect, with its calibration if it has one.
        n_people: people simulated for each arm; fewer for courses of many sessions.
        seed: seed of all random numbers.
        workers: processes of the engine.
        parameters: values that replace those of the calibration.

    >>> round(Bench("disinhibition").value("ssri_occupancy", ssri_dose_ratio=1.0), 2)
    0.8
    """

    def __init__(
        self,
        mechanism: str,
        n_people: int = 100,
        seed: int = 1,
        workers: int = 1,
        parameters: ParameterSet | None = None,
    ) -> None:
        self.mechanism, self.n_people, self.seed, self.workers = mechanism, n_people, seed, workers
        self.parameters = parameters
        self._courses: dict[object, Course] = {}

    # ---- trials ----------------------------------------------------------------------------------

    def target(self, study: str, arm: str, outcome: str, time_h: float | None = None) -> OutcomeTarget:
        """What a row of the shipped table of outcomes observed."""
        return read_outcome(_row(study, arm, outcome, time_h))

    def course(self, setup: Setup, name: str, outputs: Sequence[str], times: Sequence[float]) -> Course:
        """Simulated people of an arm."""
        key = (setup, name, tuple(outputs), tuple(times))
        if key not in self._courses:
            self._courses[key] = simulate_arm(
                setup,
                outputs,
                times,
                count=setup.crowd_size(self.n_people),
                seed=self.seed,
                name=name,
                workers=self.workers,
                parameters=self.parameters,
                mechanism=self.mechanism,
            )
        return self._courses[key]

    def values(self, setup: Setup, name: str, *readings: Reading) -> list[Array]:
        """Readings of one arm, simulated together."""
        outputs = sorted({output for reading in readings for output in reading.outputs})
        times = sorted({time for reading in readings for time in reading.times(setup)})
        course = self.course(setup, name, outputs, times)
        return [reading.values(course) for reading in readings]

    def numbers(self, *targets: OutcomeTarget) -> list[float]:
        """The numbers that rows report, predicted; arms that they share are simulated once."""
        readings: dict[tuple[Setup, str], list[Reading]] = {}
        for target in targets:
            for setup, name, reading in target.sides:
                readings.setdefault((setup, name), []).append(reading)
        found = {arm: iter(self.values(*arm, *own)) for arm, own in readings.items()}
        return [_summary(target, [next(found[side[:2]]) for side in target.sides]) for target in targets]

    def number(self, target: OutcomeTarget) -> float:
        """The number that one row reports, predicted."""
        return self.numbers(target)[0]

    # ---- the typical person ----------------------------------------------------------------------

    def typical(
        self,
        treatment: str,
        times: Sequence[float],
        outputs: Sequence[str],
        *,
        control_class: str | None = None,
        parameters: Mapping[str, float] | None = None,
        extra_rows: Sequence[Mapping[str, Any]] = (),
        **person: Any,
    ) -> dict[str, Array]:
        """Outputs of the typical person, shape (times,); without a control class also without expectancy."""
        moved = {**self._replaced, "EX": 0.0}
        if control_class is not None:
            layer = control_response(control_class, mechanism=self.mechanism).parameters
            own = {} if self.parameters is None else self.parameters.control.get(control_class, {})
            moved = {**layer, **self._replaced, **own}
        found = simulate_courses(
            {Person("1", **person): [Treatment(parse_regimen(treatment))]},
            times=times,
            model=self.model,
            setting=Setting(control_class),
            variability=None,
            extra_rows=extra_rows,
            outputs=tuple(outputs),
            parameters={**moved, **(parameters or {})},
            tolerance=assumption("solver_tolerance"),
        )
        return {name: np.asarray(found[name])[0] for name in outputs}

    # ---- algebra ---------------------------------------------------------------------------------

    @cached_property
    def model(self) -> Model:
        """The calibrated therapy model."""
        return therapy_model(mechanism=self.mechanism)

    def parameter(self, name: str) -> float:
        """A typical parameter value."""
        value = self._replaced.get(name, self.model.parameters[name].value)
        assert value is not None, "no switch that takes a value away is set"
        return value

    def value(self, name: str, **known: float) -> float:
        """A definition or output at given states and covariates; other states are 0, nothing runs in."""
        found = self.model.outputs.get(name)
        return self.expression(symbol(name) if found is None else found.expression, **known)

    def expression(self, expression: Expression, **known: float) -> float:
        """Any expression of the model, likewise."""
        values = dict.fromkeys(self.model.states, 0.0) | {"time": 0.0}
        values |= {f"infusion({state})": 0.0 for state in self.model.states}
        for name, covariate in self.model.covariates.items():
            assert covariate.default is not None, "every covariate of the therapy model has a default"
            values[name] = covariate.default
        values |= {name: self.parameter(name) for name in self.model.parameters}
        return float(evaluate(self.model.inline(expression)[0], {**values, **known}))

    @cached_property
    def _replaced(self) -> dict[str, float]:
        """Values of the typical person that replace those of the calibration."""
        values = {} if self.parameters is None else self.parameters.values
        return {name: value for name, value in values.items() if name in self.model.parameters}


#: How a quantity is computed.
Quantity = Callable[[Bench, Fact], Found]


def _summary(target: OutcomeTarget, sides: Sequence[Array]) -> float:
    values, others = sides[0], sides[1] if len(sides) > 1 else None
    everybody = np.ones((1, len(values)))
    return float(summarise(target.summary, everybody, values, others, everybody)[0])


@cache
def _rows() -> tuple[Row, ...]:
    return read_arms(development_outcomes()).rows


def _row(study: str, arm: str, outcome: str, time_h: float | None) -> Row:
    for row in _rows():
        here = row.text("study_id"), row.text("arm_id"), row.text("outcome")
        if here == (study, arm, outcome) and (time_h is None or row.number_of("time_h") == time_h):
            return row
    raise LookupError(f"the table of outcomes has no {outcome} of {study} {arm} at {time_h}")
