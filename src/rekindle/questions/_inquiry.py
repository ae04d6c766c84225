"""What a question simulates with: people, arms, and parameters drawn from the calibration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import Trajectory
from rekindle.errors import ParameterError
from rekindle.people import (
    Course,
    Person,
    Population,
    Setting,
    Stream,
    course_model,
    default_variability,
    random_generator,
    simulate_courses,
)
from rekindle.therapy import (
    ParameterSet,
    calibrated_mechanisms,
    control_response,
    default_parameters,
    is_ketamine,
    parameter_draws,
)
from rekindle.trials import Treatment

Array = NDArray[np.float64]
Courses = Mapping[str, Trajectory]
Progress = Callable[[int, int], None]

#: Share of people, of groups of people or of parameter draws inside an interval.
LEVEL = 0.9


@dataclass(frozen=True)
class Arm:
    """A treatment in a setting.

    Attributes:
        treatment: what is given.
        control: control class of the setting; None for no natural course.
        belief: believed probability of active treatment; None takes that of the setting.
        switches: structural choices of the model.
        parameters: values that replace all others.
    """

    treatment: Treatment
    control: str | None
    belief: float | None = None
    switches: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Crowd:
    """People, and the parameters of the model that they are simulated with."""

    people: Sequence[Person]
    parameters: ParameterSet


@dataclass(frozen=True)
class Ensemble:
    """Courses of everybody, and of fewer people at the same and at drawn parameters."""

    best: Courses
    reference: Courses
    draws: tuple[Courses, ...]

    def band(self, curve: Callable[[Courses], Array]) -> tuple[Array, Array, Array]:
        """A curve of everybody, with the interval that the uncertainty of the parameters gives it."""
        value = curve(self.best)
        if not self.draws:
            return value, value, value
        misses = np.array([curve(one) for one in self.draws]) - curve(self.reference)
        low, high = np.quantile(misses, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        return value, value + low, value + high


@dataclass(frozen=True)
class Inquiry:
    """How a question is to be answered.

    Attributes:
        people: virtual people.
        seed: seed of all random numbers.
        workers: processes; the numbers do not depend on it.
        draws: parameter sets drawn from the calibration; 0 for none.
        few: people simulated at each of them; the same people for all.
        mechanism: hypothesis that carries the mood effect.
        progress: called with (per cent done, 100).

    Raises:
        ParameterError: fewer than two people, or a negative number of draws.
    """

    people: int = 200
    seed: int = 1
    workers: int = 1
    draws: int = 16
    few: int = 40
    mechanism: str = "disinhibition"
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.people < 2 or self.few < 2 or self.draws < 0:
            raise ParameterError(
                "RK-PAR-261",
                given=f"{self.people} people, {self.draws} draws with {self.few} people",
                allowed="At least 2 people, and 0 or more draws",
            )

    def group(self, count: int | None = None, **facts: Any) -> list[Person]:
        """Virtual people; ``facts`` are the same for everybody."""
        return list(Population(self.people if count is None else count, self.seed, fixed=facts))

    def parameter_draws(self) -> list[ParameterSet]:
        """Sets drawn by ``rekindle.therapy.parameter_draws``; none for a mechanism without a calibration."""
        if self.mechanism not in calibrated_mechanisms():
            return []
        generator = random_generator(self.seed, 0, 0, 0, Stream.PARAMETERS, "calibration")
        return parameter_draws(self.mechanism, self.draws, generator)

    def ensemble_of(
        self, arms: Mapping[str, Arm], times: Sequence[float], outputs: Sequence[str], *, share: float = 0.6
    ) -> Ensemble:
        """Every arm with the same people, everybody at first and then fewer at drawn parameters.

        Args:
            arms: name -> arm.
            times: when outputs are read (h).
            outputs: names of outputs.
            share: see ``ensemble``.
        """

        def simulate(crowd: Crowd) -> Courses:
            return {name: self.simulate(arm, crowd, times, outputs) for name, arm in arms.items()}

        return self.ensemble(simulate, share=share)

    def ensemble(self, simulate: Callable[[Crowd], Courses], *, share: float = 0.6, **facts: Any) -> Ensemble:
        """Simulate everybody, then fewer people at drawn parameters.

        Args:
            simulate: the courses of a crowd, by name of the arm.
            share: part of the whole answer that this is, for the progress.
            facts: fields of ``Person`` that are the same for everybody.
        """
        best, sets = default_parameters(self.mechanism), self.parameter_draws()
        few = self.group(min(self.few, self.people), **facts) if sets else []
        work = self.people + len(few) * (len(sets) + 1)
        done = 0

        def run(people: Sequence[Person], parameters: ParameterSet) -> Courses:
            nonlocal done
            found = simulate(Crowd(people, parameters))
            done += len(people)
            self.tell(share * done / work)
            return found

        everybody = run(self.group(**facts), best)
        if not sets:
            return Ensemble(everybody, everybody, ())
        return Ensemble(everybody, run(few, best), tuple(run(few, one) for one in sets))

    def simulate(self, arm: Arm, crowd: Crowd, times: Sequence[float], outputs: Sequence[str]) -> Trajectory:
        """One arm of a crowd at shared times (h)."""
        people = arm.treatment.people(list(crowd.people))
        regimen, compound = arm.treatment.read()
        switches = {"mechanism": self.mechanism, **arm.switches}
        model = course_model(regimen, compound, people, **switches)
        values: dict[str, float] = {}
        if arm.control is not None:
            values |= control_response(arm.control, mechanism=self.mechanism).parameters
        if compound is None or is_ketamine(compound):
            values |= crowd.parameters.pharmacokinetics
        values |= crowd.parameters.values
        values |= crowd.parameters.control.get(arm.control or "", {})
        values |= arm.parameters
        known = default_variability("D1", mechanism=self.mechanism)
        return simulate_courses(
            {person: [Course(regimen)] for person in people},
            times=times,
            model=model,
            setting=Setting(arm.control, arm.belief),
            variability=known.with_spread(crowd.parameters.spread),
            extra_rows=arm.treatment.extra_rows(arm.control),
            outputs=[name for name in outputs if name in model.outputs],
            parameters={name: value for name, value in values.items() if name in model.parameters},
            seed=self.seed,
            workers=self.workers,
        )

    def tell(self, share: float) -> None:
        """Report how much of the answer is done, from 0 to 1."""
        if self.progress is not None:
            self.progress(round(100 * share), 100)
