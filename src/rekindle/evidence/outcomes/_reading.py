"""What is read off the scores of each simulated person of an arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence._data import assumption
from rekindle.evidence.outcomes._arm import Setup
from rekindle.evidence.outcomes._people import Baseline
from rekindle.evidence.outcomes._simulation import Course
from rekindle.trials import Endpoint, endpoint

Array = NDArray[np.float64]
Times = tuple[float, ...]

IMPROVEMENT = "improvement_share"


class Reading(Protocol):
    """Numbers of each person: what must be simulated for them, and how they are read."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Outputs of the model."""
        ...

    def times(self, setup: Setup) -> Times:
        """Times at which they are needed, h."""
        ...

    def values(self, course: Course) -> Array:
        """Numbers, shape (people, k); not a number for people who do not count."""
        ...


@dataclass(frozen=True)
class Score:
    """A rated score: ``form`` is total, change, fall_pct (fall in % of baseline) or entry."""

    baseline: Baseline
    time_h: float
    form: str
    responders_of: RunInResponse | None = None

    outputs = (IMPROVEMENT,)

    def times(self, setup: Setup) -> Times:
        """Its time, and the end of a run-in."""
        return (self.time_h, *(self.responders_of.times(setup) if self.responders_of else ()))

    def values(self, course: Course) -> Array:
        """Shape (people, 1)."""
        entry = course.entry(self.baseline)[:, None]
        score = course.scores(self.baseline, (self.time_h,))
        if self.form == "entry":
            found = entry
        elif self.form == "change":
            found = score - entry
        elif self.form == "fall_pct":
            found = 100.0 * (entry - score) / np.maximum(entry, 1.0)
        else:
            found = score
        if self.responders_of is not None:
            found = np.where(self.responders_of.values(course) > 0.0, found, np.nan)
        return found


@dataclass(frozen=True)
class Reached:
    """Whether a response or remission is there at any of the times (1 or 0)."""

    baseline: Baseline
    rule: Endpoint
    at: Times
    below: bool = False

    outputs = (IMPROVEMENT,)

    def times(self, setup: Setup) -> Times:
        """Its times."""
        return self.at

    def values(self, course: Course) -> Array:
        """Shape (people, 1)."""
        scores = course.scores(self.baseline, self.at)
        flags = (
            scores < self.rule.threshold
            if self.below
            else self.rule.reached(scores, course.entry(self.baseline)[:, None])
        )
        return np.asarray(flags.any(axis=1, keepdims=True), dtype=float)


@dataclass(frozen=True)
class RunInResponse:
    """Response after the last session of the first phase, or of the only one (1 or 0)."""

    baseline: Baseline

    outputs = (IMPROVEMENT,)

    def times(self, setup: Setup) -> Times:
        """One time after the last session of the run-in."""
        phase = setup.phases[0]
        last = phase.plans[0].sessions[-1].time_h
        return (phase.start_h + last + assumption("after_last_session"),)

    def values(self, course: Course) -> Array:
        """Shape (people, 1)."""
        # Rated once for both arms of a comparison: nobody is randomised yet.
        scores = course.scores(self.baseline, self.times(course.setup), shared=True)
        flags = endpoint("response", self.baseline.scale).reached(
            scores, course.entry(self.baseline)[:, None]
        )
        return np.asarray(flags, dtype=float)


@dataclass(frozen=True)
class RelapseTime:
    """Days from the last session to relapse of those who had responded; infinite without one."""

    baseline: Baseline

    outputs = (IMPROVEMENT,)

    def _visits(self, setup: Setup) -> Times:
        last, step = setup.session_starts[-1], assumption("relapse_visit")
        count = int(assumption("relapse_horizon") // step)
        return tuple(last + step * place for place in range(1, count + 1))

    def times(self, setup: Setup) -> Times:
        """The end of the course and every visit after it."""
        return (*RunInResponse(self.baseline).times(setup), *self._visits(setup))

    def values(self, course: Course) -> Array:
        """Shape (people, 1)."""
        visits = self._visits(course.setup)
        high = course.scores(self.baseline, visits) >= endpoint("relapse", self.baseline.scale).threshold
        both = high[:, 1:] & high[:, :-1]
        days = (np.array(visits[:-1]) - course.setup.session_starts[-1]) / 24.0
        found = np.where(both.any(axis=1), days[both.argmax(axis=1)], np.inf)
        responded = RunInResponse(self.baseline).values(course)[:, 0] > 0.0
        return np.asarray(np.where(responded, found, np.nan))[:, None]


@dataclass(frozen=True)
class Item10:
    """Rated MADRS item 10."""

    time_h: float

    outputs = ("madrs_item10",)

    def times(self, setup: Setup) -> Times:
        """Its time."""
        return (self.time_h,)

    def values(self, course: Course) -> Array:
        """Shape (people, 1)."""
        latent = course.at("madrs_item10", (self.time_h,))
        errors = assumption("item10_error") * course.noise(f"item10 {self.time_h:g}").standard_normal(
            latent.shape
        )
        return np.clip(np.round(latent + errors), 0.0, 6.0)
