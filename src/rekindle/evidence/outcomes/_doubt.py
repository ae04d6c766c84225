"""What is not known of a predicted number: the parameters, and what one study shows beyond its design."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import RekindleError
from rekindle.evidence._data import assumption
from rekindle.evidence.outcomes._arm import Setup
from rekindle.evidence.outcomes._reading import Reading
from rekindle.evidence.outcomes._simulation import Course, simulate_arm
from rekindle.evidence.outcomes._study import SHAPE, between_studies, kind_of, moved
from rekindle.evidence.outcomes._summary import SHARES, summarise
from rekindle.evidence.outcomes._target import OutcomeTarget
from rekindle.people import Stream, random_generator
from rekindle.therapy import ParameterSet, calibrated_mechanisms, calibration, parameter_draws

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Simulated:
    """An arm at the most probable parameters; and fewer people of it at those and at drawn parameters."""

    mechanism: str
    course: Course
    reference: Course | None = None
    draws: tuple[Course, ...] = ()


@dataclass(frozen=True)
class Doubt:
    """SDs of a predicted number by what is not known: the parameters, and differences between studies."""

    parameters: float
    studies: float

    @property
    def sd(self) -> float:
        """Both together.

        >>> Doubt(3.0, 4.0).sd
        5.0
        """
        return math.hypot(self.parameters, self.studies)


def simulate_with_doubt(
    setup: Setup,
    name: str,
    readings: Sequence[Reading],
    n_people: int,
    seed: int,
    workers: int,
    mechanism: str,
    draws: int,
) -> Simulated | RekindleError:
    """Simulate an arm for its readings, also at so many drawn parameter sets."""
    outputs = tuple(dict.fromkeys(output for reading in readings for output in reading.outputs))
    times = sorted({time for reading in readings for time in reading.times(setup)})
    few = round(assumption("people_for_parameters"))

    def simulate(count: int, parameters: ParameterSet | None = None) -> Course:
        return simulate_arm(
            setup,
            outputs,
            times,
            count=count,
            seed=seed,
            name=name,
            workers=workers,
            parameters=parameters,
            mechanism=mechanism,
        )

    try:
        course = simulate(setup.crowd_size(n_people))
        if mechanism not in calibrated_mechanisms():
            return Simulated(mechanism, course)
        generator = random_generator(seed, 0, 0, 0, Stream.PARAMETERS, "calibration")
        sets = parameter_draws(mechanism, draws, generator)
        return Simulated(mechanism, course, simulate(few), tuple(simulate(few, one) for one in sets))
    except RekindleError as problem:
        return problem


def model_doubt(target: OutcomeTarget, sides: Sequence[Simulated]) -> Doubt:
    """What is not known of the number of one row."""
    if not all(side.draws for side in sides):
        return Doubt(0.0, 0.0)
    reference = _number(target, [_of(side.reference) for side in sides])
    drawn = np.array(
        [_number(target, [side.draws[turn] for side in sides]) for turn in range(len(sides[0].draws))]
    )
    misses = drawn[np.isfinite(drawn)] - reference
    parameters = float(np.sqrt(np.mean(misses**2))) if len(misses) and math.isfinite(reference) else 0.0
    return Doubt(parameters, _study_sd(target, sides))


def _study_sd(target: OutcomeTarget, sides: Sequence[Simulated]) -> float:
    kind = kind_of(target.reading)
    here = [side.course for side in sides]
    before = _number(target, here)
    slopes = []
    for arm in dict.fromkeys((setup, name) for setup, name, _ in target.sides):
        pairs = [
            moved(course, kind) if (setup, name) == arm else (course, 0.0)
            for course, (setup, name, _) in zip(here, target.sides, strict=True)
        ]
        step = max(by for _, by in pairs)
        slopes.append((_number(target, [course for course, _ in pairs]) - before) / step)
    if not np.isfinite(slopes).all():
        return 0.0
    spread = calibration(sides[0].mechanism).study_spread
    own = spread[SHAPE] if target.summary in SHARES else 0.0
    return math.hypot(own, spread[kind] * math.sqrt(float(between_studies(np.array([slopes]))[0, 0])))


def _number(target: OutcomeTarget, courses: Sequence[Course]) -> float:
    values, *rest = (
        reading.values(course) for course, (_, _, reading) in zip(courses, target.sides, strict=True)
    )
    everybody = np.ones((1, len(values)))
    return float(summarise(target.summary, everybody, values, rest[0] if rest else None, everybody)[0])


def _of(course: Course | None) -> Course:
    assert course is not None, "drawn together with the draws"
    return course
