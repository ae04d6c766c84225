"""How each simulated person moves the number that a study reports: the sampling error of related numbers.

A reported number is close to a mean over people, number + mean of influences. Numbers of the same people
therefore have the covariance of their influences over the number of people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_LN2 = 0.6931471805599453


@dataclass(frozen=True)
class Side:
    """Readings of one arm, shape (people, columns): not a number for people who do not count."""

    arm: str
    values: Array


@dataclass(frozen=True)
class Summary:
    """A number of a study and the influence of the people of each arm on it."""

    value: float
    influences: dict[str, Array]


def summarise_people(kind: str, sides: list[Side], *, paired: bool, horizon: float) -> Summary:
    """The number that a row reports, for one or two sides.

    Args:
        kind: as in ``OutcomeTarget.summary``, or ``log_sd``.
        sides: the arm, and what it is compared with.
        paired: both sides are the same people.
        horizon: end of follow-up, for the median time to an event.
    """
    first = sides[0]
    if kind == "median":
        return _median(first, horizon)
    mean, influence = _mean(first.values)
    if kind == "mean":
        return Summary(float(mean[0]), {first.arm: influence[:, 0]})
    if kind == "largest_mean":
        place = int(np.argmax(mean))
        return Summary(float(mean[place]), {first.arm: influence[:, place]})
    if kind in ("share", "session_share"):
        return Summary(100.0 * float(mean.mean()), {first.arm: 100.0 * influence.mean(axis=1)})
    if kind == "log_sd":
        spread = float(np.nanstd(first.values[:, 0]))
        own = np.where(np.isfinite(first.values[:, 0]), (influence[:, 0] / spread) ** 2 - 1.0, 0.0) / 2.0
        return Summary(float(np.log(spread)), {first.arm: own})
    return _compared(kind, sides, mean, influence, paired=paired)


def _compared(kind: str, sides: list[Side], mean: Array, influence: Array, *, paired: bool) -> Summary:
    first, second = sides
    other_mean, other = _mean(second.values)
    gap, sign = float(mean[0] - other_mean[0]), 1.0
    if kind != "difference":
        variance = float(np.nanvar(second.values[:, 0]))
        if kind == "effect_size":
            variance = (variance + float(np.nanvar(first.values[:, 0]))) / 2.0
        sign = -1.0 / float(np.sqrt(variance))
    if paired or first.arm == second.arm:
        return Summary(sign * gap, {first.arm: sign * (influence[:, 0] - other[:, 0])})
    return Summary(sign * gap, {first.arm: sign * influence[:, 0], second.arm: -sign * other[:, 0]})


def _mean(values: Array) -> tuple[Array, Array]:
    """Mean of each column, and the influence of each person on it."""
    known = np.isfinite(values)
    share = np.maximum(known.mean(axis=0), 1e-9)
    mean = np.where(known, values, 0.0).mean(axis=0) / share
    return mean, np.where(known, values - mean, 0.0) / share


def _median(side: Side, horizon: float) -> Summary:
    """Median time to an event at a constant hazard: events over time at risk, which is smooth in both."""
    times = side.values[:, 0]
    known = ~np.isnan(times)
    share = max(float(known.mean()), 1e-9)
    at_risk = np.where(known, np.minimum(times, horizon), 0.0)
    events = np.where(known, (times < horizon).astype(float), 0.0)
    time, count = float(at_risk.mean()), float(events.mean()) + 0.5 / len(times)
    influence = _LN2 * (
        (at_risk - known * time / share) / count - time * (events - known * count / share) / count**2
    )
    return Summary(_LN2 * time / count, {side.arm: influence})
