"""Numbers of a comparison with their intervals: in people, in resampled people, and in pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.people import Stream, random_generator
from rekindle.trials._comparison_outcomes import Measure

Array = NDArray[np.float64]

#: Share of people, or of resampled groups of people, inside an interval.
LEVEL = 0.9
_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Result:
    """One number with its interval.

    ``value`` is nan where the outcome does not apply or is not modelled. ``at_least``: the end of the
    simulation came first. ``over`` says what the interval holds: ``people``, ``resampled people`` or
    ``people of the trial``.
    """

    value: float
    low: float
    high: float
    over: str
    at_least: bool = False


def resamples(people: int, seed: int) -> NDArray[np.int64]:
    """Groups of people drawn with replacement, as (groups, places)."""
    generator = random_generator(seed, 0, 0, 0, Stream.RESAMPLING, "comparison")
    return generator.integers(0, people, (_RESAMPLES, people))


def result(measure: Measure, picks: NDArray[np.int64]) -> Result:
    """One outcome of one treatment."""
    over = "resampled people" if measure.resampled else "people"
    if measure.values is None:
        return Result(np.nan, np.nan, np.nan, over)
    values = measure.values
    value = measure.statistic(values)
    spread = np.array([measure.statistic(values[pick]) for pick in picks]) if measure.resampled else values
    at_least = measure.limit is not None and value >= measure.limit - 1e-9
    return Result(value, *_interval(spread), over, at_least)


def difference(measure: Measure, reference: Measure, picks: NDArray[np.int64]) -> Result:
    """One outcome against the reference, within the same people."""
    over = "resampled people" if measure.resampled else "people"
    nothing = Result(np.nan, np.nan, np.nan, over)
    if measure.values is None or reference.values is None:
        return nothing
    if not measure.resampled:
        paired = measure.values - reference.values
        return Result(_tidy(float(np.median(paired))), *_interval(paired), over)
    for one in (measure, reference):
        if one.limit is not None and one.statistic(one.values) >= one.limit - 1e-9:  # type: ignore[arg-type]
            return nothing
    own, other = measure.values, reference.values
    value = measure.statistic(own) - reference.statistic(other)
    spread = np.array([measure.statistic(own[pick]) - reference.statistic(other[pick]) for pick in picks])
    return Result(_tidy(value), *_interval(spread), over)


def _tidy(value: float) -> float:
    """Without the last digits of a solver, which would turn no difference into one of 1e-14."""
    return round(value, 6)


def _interval(spread: Array) -> tuple[float, float]:
    known = spread[np.isfinite(spread)]
    if not len(known):
        return np.nan, np.nan
    tail = round((1 - LEVEL) / 2, 12)
    low, high = np.quantile(known, [tail, 1 - tail])
    return _tidy(float(low)), _tidy(float(high))
