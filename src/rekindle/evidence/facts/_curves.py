"""What is read off courses: effects on what a control leaves, peaks, and when something is over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def bliss_fraction(drug: float, drug_baseline: float, control: float, control_baseline: float) -> float:
    """Share of what a control arm leaves of its baseline that the drug removes.

    >>> bliss_fraction(15.0, 30.0, 24.0, 30.0)
    0.375
    """
    return 1.0 - (drug / drug_baseline) / (control / control_baseline)


def spells(times: Array, values: Array, above: float) -> tuple[Array, Array]:
    """When each course first rises above a level, and when it is last above it (linear between times).

    Args:
        times: shape (times,).
        values: shape (people, times).
        above: the level.

    Returns:
        First and last time, shape (people,); not a number for courses that are never above the level,
        infinite where the end lies behind the last time.

    >>> first, last = spells(np.array([0.0, 1.0, 2.0]), np.array([[0.0, 4.0, 0.0]]), 2.0)
    >>> first.tolist(), last.tolist()
    ([0.5], [1.5])
    """
    first, last = np.full(len(values), np.nan), np.full(len(values), np.nan)
    for place, course in enumerate(values):
        high = np.flatnonzero(course > above)
        if len(high):
            start, end = int(high[0]), int(high[-1])
            first[place] = times[0] if start == 0 else _crossing(times, course, start - 1, above)
            last[place] = np.inf if end == len(times) - 1 else _crossing(times, course, end, above)
    return first, last


def _crossing(times: Array, course: Array, place: int, level: float) -> float:
    """Time between two neighbours at which a course has a level."""
    before, after = course[place], course[place + 1]
    share = (level - before) / (after - before)
    return float(times[place] + share * (times[place + 1] - times[place]))


def largest_mean(times: Array, values: Array) -> tuple[float, float]:
    """Largest value of the mean course and its time.

    >>> largest_mean(np.array([0.0, 1.0]), np.array([[0.0, 2.0], [0.0, 4.0]]))
    (3.0, 1.0)
    """
    mean = values.mean(axis=0)
    place = int(mean.argmax())
    return float(mean[place]), float(times[place])


def constant_hazard(times: Array, horizon: float) -> float:
    """Most probable constant hazard of an event; who has none in time is followed to the horizon.

    Args:
        times: of the event; infinite for none, not a number for people who do not count.
        horizon: end of follow-up in the unit of ``times``.

    >>> constant_hazard(np.array([5.0, np.inf, np.nan]), 15.0)
    0.05
    """
    known = times[~np.isnan(times)]
    return float((known <= horizon).sum() / np.minimum(known, horizon).sum())
