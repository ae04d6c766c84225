"""How fast a course comes and how long it lasts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Below this largest median fall there is no course whose half could be timed (points).
_LEAST_FALL = 1.0


def half_time(times: Array, curve: Array) -> float:
    """First time (h) at which a course reaches half of its largest value; nan without a course.

    >>> half_time(np.array([0.0, 2.0, 4.0]), np.array([0.0, 4.0, 4.0]))
    1.0
    """
    largest = float(curve.max())
    if largest < _LEAST_FALL:
        return float("nan")
    return _crossing(times, curve, int(np.argmax(curve >= 0.5 * largest)), 0.5 * largest)


def lasting_days(times: Array, curve: Array, last_h: float) -> float:
    """Days after ``last_h`` until a course falls below half of its largest value; to the end if it does not.

    >>> lasting_days(np.array([0.0, 24.0, 72.0]), np.array([0.0, 4.0, 0.0]), 0.0)
    2.0
    """
    largest = float(curve.max())
    if largest < _LEAST_FALL:
        return float("nan")
    after = np.flatnonzero(times >= last_h - 1e-9)
    best = int(after[np.argmax(curve[after])])
    if curve[best] < 0.5 * largest:
        return 0.0
    below = np.flatnonzero(curve[best:] < 0.5 * largest)
    end = float(times[-1]) if not len(below) else _crossing(times, curve, best + int(below[0]), 0.5 * largest)
    return (end - last_h) / 24.0


def _crossing(times: Array, curve: Array, place: int, level: float) -> float:
    if place == 0:
        return float(times[0])
    before, after = float(curve[place - 1]), float(curve[place])
    share = (level - before) / (after - before)
    return float(times[place - 1] + share * (times[place] - times[place - 1]))
