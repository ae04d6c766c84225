"""What is read off the sessions of each simulated person of an arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence._data import assumption
from rekindle.evidence.outcomes._arm import Setup
from rekindle.evidence.outcomes._simulation import Course
from rekindle.trials import rating_scale

Array = NDArray[np.float64]
Times = tuple[float, ...]


@dataclass(frozen=True)
class Level:
    """An output at times, rated on a scale if one is named, less its value at the start if asked for.

    ``error`` is the SD of one person's measurement error, the same at all times and 0 on average.
    """

    output: str
    at: Times
    scale: str = ""
    above_start: bool = False
    error: float = 0.0

    @property
    def outputs(self) -> tuple[str, ...]:
        """The output."""
        return (self.output,)

    def times(self, setup: Setup) -> Times:
        """Its times and the start."""
        return (*self.at, 0.0)

    def values(self, course: Course) -> Array:
        """Shape (people, times)."""
        found = self._rated(course, self.at)
        return found - self._rated(course, (0.0,)) if self.above_start else found

    def _rated(self, course: Course, times: Times) -> Array:
        found = course.at(self.output, times)
        noise = course.noise(f"{self.scale} {self.output} {times[0]:g}")
        if not self.scale:
            errors = self.error * noise.standard_normal((len(found), 1))
            return np.asarray(found + errors - errors.mean())
        return rating_scale(self.scale).rate(found, noise)


@dataclass(frozen=True)
class SessionPeak:
    """Highest value of an output in each session, shape (people, sessions), rated if a scale is named."""

    output: str
    until_h: float
    scale: str = ""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The output."""
        return (self.output,)

    def times(self, setup: Setup) -> Times:
        """A fine grid after the start of every session."""
        return tuple(time for start in self._starts(setup) for time in acute_grid(start))

    def values(self, course: Course) -> Array:
        """Shape (people, sessions)."""
        starts = self._starts(course.setup)
        peaks = np.stack([course.at(self.output, acute_grid(start)).max(axis=1) for start in starts], axis=1)
        if not self.scale:
            return np.asarray(peaks)
        return rating_scale(self.scale).rate(peaks, course.noise(f"{self.scale} peaks"))

    def _starts(self, setup: Setup) -> Times:
        return sessions_until(setup, self.until_h)


@dataclass(frozen=True)
class SessionChance:
    """Probability in each session that people report something, read when its exposure is complete."""

    output: str
    until_h: float

    @property
    def outputs(self) -> tuple[str, ...]:
        """The output."""
        return (self.output,)

    def times(self, setup: Setup) -> Times:
        """Some hours after the start of every session."""
        return tuple(start + assumption("acute_window") for start in sessions_until(setup, self.until_h))

    def values(self, course: Course) -> Array:
        """Shape (people, sessions)."""
        return course.at(self.output, self.times(course.setup))


@dataclass(frozen=True)
class AnySession:
    """Whether something happens in at least one session: probability, or 1 and 0 above a threshold."""

    of: SessionPeak | SessionChance
    above: float | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The output."""
        return self.of.outputs

    def times(self, setup: Setup) -> Times:
        """Those of the sessions."""
        return self.of.times(setup)

    def values(self, course: Course) -> Array:
        """Shape (people, 1)."""
        found = self.of.values(course)
        chance = found if self.above is None else np.asarray(found > self.above, dtype=float)
        return np.asarray(1.0 - np.prod(1.0 - chance, axis=1, keepdims=True))


def acute_grid(start: float) -> Times:
    """Times at which the peak of a session is looked for, h."""
    step, window = assumption("acute_step"), assumption("acute_window")
    return tuple(start + step * place for place in range(round(window / step) + 1))


def sessions_until(setup: Setup, until_h: float) -> Times:
    """Starts of the sessions that begin before a time; the first one always."""
    return tuple(start for start in setup.session_starts if start < until_h) or setup.session_starts[:1]
