"""What an answer reads of mood: ratings, response, relapse after a course."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import Trajectory
from rekindle.people import Stream, random_generator
from rekindle.questions._draw import at
from rekindle.trials import endpoint, rating_scale

Array = NDArray[np.float64]

MOOD, SCALE = "madrs_latent", "MADRS"


def rated(found: Trajectory, times_h: Sequence[float], seed: int) -> Array:
    """MADRS as raters write it down, shape (people, times); the error of a time is the same in every arm."""
    assert found.grid is not None, "everybody is simulated at the same times"
    scale = rating_scale(SCALE)
    columns = [
        scale.rate(
            found[MOOD][:, at(np.asarray(found.grid), time)],
            random_generator(seed, 0, 0, round(60 * time), Stream.OBSERVATION, SCALE),
        )
        for time in times_h
    ]
    return np.stack(columns, axis=1)


def reached(name: str, found: Trajectory, time_h: float, seed: int) -> Array:
    """1 for people with ``response`` or ``remission`` at a time (h), against their true score at entry."""
    scores = rated(found, [time_h], seed)[:, 0]
    return np.asarray(endpoint(name, SCALE).reached(scores, found[MOOD][:, 0]), dtype=float)


def days_to_relapse(found: Trajectory, last_h: float, visits_h: Sequence[float], seed: int) -> Array:
    """Days from the last session to the first of two visits in a row at or above the limit of relapse.

    Infinite without relapse, nan for people without a response at the first visit.
    """
    scores = rated(found, visits_h, seed)
    high = scores >= endpoint("relapse", SCALE).threshold
    both = high[:, 1:] & high[:, :-1]
    days = (np.asarray(visits_h[:-1]) - last_h) / 24.0
    times = np.where(both.any(axis=1), days[both.argmax(axis=1)], np.inf)
    responded = reached("response", found, visits_h[0], seed) > 0.0
    return np.asarray(np.where(responded, times, np.nan))


def median_relapse(days: Array, limit: float) -> float:
    """Median time to relapse of those who had responded; ``limit`` if half of them never relapse.

    >>> median_relapse(np.array([3.0, 7.0, np.inf, np.nan]), 83.0)
    7.0
    """
    known = days[~np.isnan(days)]
    return float(min(np.median(known), limit)) if len(known) else float("nan")


def without_relapse(days: Array, times: Array) -> Array:
    """Share (%) of those who had responded that is still without relapse at each time (days).

    >>> without_relapse(np.array([3.0, np.inf, np.nan]), np.array([0.0, 3.0])).tolist()
    [100.0, 50.0]
    """
    known = days[~np.isnan(days)]
    if not len(known):
        return np.full(len(times), np.nan)
    return np.asarray(100.0 * (known[:, None] > times).mean(axis=0))
