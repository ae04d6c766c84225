"""Simulations of the arms that are fitted, each repeated only when a parameter that acts on it moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence.calibration._free_parameters import (
    ANTIDEPRESSANT,
    DRUG,
    EVERYWHERE,
    FreeParameter,
    free_parameters,
    parameter_set,
)
from rekindle.evidence.outcomes._arm import Setup
from rekindle.evidence.outcomes._reading import Reading
from rekindle.evidence.outcomes._simulation import Course, simulate_arm

Array = NDArray[np.float64]
Key = tuple[Setup, str]


@dataclass
class Simulator:
    """Courses of all arms at a point in standard units.

    Args:
        people: virtual people per arm; the same ones at every point.
        seed: seed of all random numbers.
        workers: processes of the engine.
        mechanism: hypothesis that carries the effect on mood.
        progress: called after every simulation.
    """

    people: int
    seed: int
    workers: int
    mechanism: str
    progress: Callable[[], None] | None = None
    _needs: dict[Key, list[Reading]] = field(default_factory=dict)
    _found: dict[tuple[Key, tuple[float, ...]], Course] = field(default_factory=dict)

    def need(self, setup: Setup, name: str, readings: Iterable[Reading]) -> None:
        """Say what will be read off an arm, before anything is simulated."""
        self._needs.setdefault((setup, name), []).extend(readings)

    def course(self, setup: Setup, name: str, standard: Array) -> Course:
        """The arm at a point in standard units."""
        key = (setup, name)
        place = (key, tuple(standard[acts_on(setup)].tolist()))
        if place not in self._found:
            readings = self._needs[key]
            outputs = dict.fromkeys(output for reading in readings for output in reading.outputs)
            times = sorted({time for reading in readings for time in reading.times(setup)})
            self._found[place] = simulate_arm(
                setup,
                tuple(outputs),
                times,
                count=self.people,
                seed=self.seed,
                name=name,
                workers=self.workers,
                parameters=parameter_set(standard.tolist()),
                mechanism=self.mechanism,
            )
            if self.progress is not None:
                self.progress()
        return self._found[place]


def acts_on(setup: Setup) -> list[int]:
    """Places of the free parameters that can change the simulation of an arm."""
    return [place for place, parameter in enumerate(free_parameters()) if _acts(parameter, setup)]


def _acts(parameter: FreeParameter, setup: Setup) -> bool:
    active = any(
        dose.amount > 0
        for phase in setup.phases
        for plan in phase.plans
        for session in plan.sessions
        for dose in session.doses
    )
    groups = {EVERYWHERE, setup.control_class}
    groups |= {DRUG} if active else set()
    groups |= {ANTIDEPRESSANT} if setup.antidepressant else set()
    return parameter.acts_on in groups
