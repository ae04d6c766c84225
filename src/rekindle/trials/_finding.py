"""One number of a results section, and how the usual kinds of numbers become one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.trials._estimate import Estimate
from rekindle.trials._shares import number_needed

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Finding:
    """One number of a results section.

    Attributes:
        outcome: what, with scale and threshold.
        day: day of the phase; not a number for results over the whole phase.
        arm: arm, or "active - control".
        value: in ``unit``; infinite for a number needed without a difference, and for a median time that is
            not reached.
        spread: SD between people, or the standard error of a difference.
        low, high: 95 % interval.
        p: two-sided.
        n: people behind it.
    """

    outcome: str
    day: float
    arm: str
    unit: str
    value: float
    spread: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    n: int = 0

    @property
    def key(self) -> tuple[str, float, str]:
        """What makes it the same result in another replicate."""
        return self.outcome, -1.0 if math.isnan(self.day) else self.day, self.arm


def mean_of(outcome: str, day: float, arm: str, values: Array) -> Finding:
    """Mean and SD of the values that are there, in points."""
    seen = values[np.isfinite(values)]
    mean = float(seen.mean()) if len(seen) else math.nan
    spread = float(seen.std(ddof=1)) if len(seen) > 1 else math.nan
    return Finding(outcome, day, arm, "points", mean, spread, n=len(seen))


def share_of(outcome: str, day: float, arm: str, events: float, n: int) -> Finding:
    """Share of people, in per cent; not a number of nobody."""
    return Finding(outcome, day, arm, "%", 100.0 * (events / n) if n else math.nan, n=n)


def difference_of(outcome: str, day: float, arms: str, unit: str, found: Estimate) -> Finding:
    """A difference or ratio with its interval."""
    return Finding(outcome, day, arms, unit, found.value, found.se, found.low, found.high, found.p, found.n)


def needed_of(outcome: str, day: float, arms: str, gap: Estimate) -> Finding:
    """The number needed to treat or to harm behind a difference of shares."""
    needed = number_needed(gap)
    return Finding(outcome, day, arms, "people", needed.value, math.nan, needed.low, needed.high,
                   gap.p, gap.n)  # fmt: skip
