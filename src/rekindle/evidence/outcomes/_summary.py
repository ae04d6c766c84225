"""From numbers of people to the one number that a trial reports, for the crowd or for arms drawn from it."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]

_RESAMPLES = 1000
_COUNTS = 4000
#: Summaries that are percentages of people.
SHARES = ("share", "session_share")


def summarise(kind: str, weights: Array, values: Array, others: Array | None, other_weights: Array) -> Array:
    """Summaries of arms, one for each row of weights.

    Args:
        kind: mean, share (in %), largest_mean (over columns), session_share (in %, mean over columns),
            difference, effect_size, own_effect_size (before and after) or median.
        weights: shape (arms, people), how often each person is in an arm.
        values: shape (people, columns); not a number for people who do not count.
        others: the same for the control arm, or for the time before.
        other_weights: weights of ``others``.

    >>> summarise("mean", np.ones((1, 2)), np.array([[1.0], [3.0]]), None, np.ones((1, 2))).tolist()
    [2.0]
    """
    if kind == "median":
        return np.array([_median(values[:, 0], row) for row in weights])
    mean = _mean(weights, values)
    if kind == "largest_mean":
        return np.asarray(mean.max(axis=1))
    if kind == "mean":
        return np.asarray(mean[:, 0])
    if kind in SHARES:
        return np.asarray(100.0 * mean.mean(axis=1))
    assert others is not None, "comparisons have two sides"
    gap = mean[:, 0] - _mean(other_weights, others)[:, 0]
    if kind == "difference":
        return np.asarray(gap)
    variance = _variance(other_weights, others)
    if kind == "effect_size":
        variance = (variance + _variance(weights, values)) / 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(-gap / np.sqrt(variance))


def arm_reports(
    kind: str,
    values: Array,
    others: Array | None,
    subjects: int,
    *,
    paired: bool,
    generator: Generator,
    model_sd: float = 0.0,
) -> tuple[Array, float]:
    """What many arms of this many people would report, and their SD by the choice of people and raters.

    ``model_sd`` is what is not known of the number itself: parameters, and differences between studies.

    Counts of people follow from the share in the crowd, which is a sample itself. Other numbers are those of
    arms drawn from the crowd; a size below that of the arm accounts for the crowd being a sample.
    """
    count = len(values)
    if kind in SHARES:
        share = float(_mean(np.ones((1, count)), values).mean())
        return _counted(share, count, subjects, generator, model_sd)
    size, known = subjects, int((~np.isnan(values[:, 0])).sum())
    if kind == "difference" and known < count:
        # An arm of people selected in a run-in: more are drawn, so that as many as reported are left.
        size = round(size * count / max(known, 1))
    size = max(2, round(1.0 / (1.0 / size + 1.0 / count)))
    weights = _draw(size, count, generator)
    other = weights if paired or others is None else _draw(size, count, generator)
    found = summarise(kind, weights, values, others, other)
    found = found[~np.isnan(found)]
    people = float(np.std(found)) if np.isfinite(found).all() and len(found) else float("nan")
    return found + model_sd * generator.standard_normal(len(found)), people


def _counted(
    share: float, count: int, subjects: int, generator: Generator, model_sd: float
) -> tuple[Array, float]:
    """Percentages of people; half a person is added on both sides of the crowd (Jeffreys prior)."""
    shares = generator.beta(count * share + 0.5, count * (1.0 - share) + 0.5, _COUNTS)
    people = 100.0 * float(np.sqrt(np.var(shares) + np.mean(shares * (1.0 - shares)) / subjects))
    shares = np.clip(shares + model_sd / 100.0 * generator.standard_normal(_COUNTS), 0.0, 1.0)
    return np.asarray(100.0 * generator.binomial(subjects, shares) / subjects), people


def _draw(size: int, count: int, generator: Generator) -> Array:
    """How often each person of the crowd is in each of many arms."""
    return generator.multinomial(size, np.full(count, 1.0 / count), size=_RESAMPLES).astype(float)


def _mean(weights: Array, values: Array) -> Array:
    known = np.isfinite(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((weights @ np.where(known, values, 0.0)) / (weights @ known.astype(float)))


def _variance(weights: Array, values: Array) -> Array:
    """Variance of the first column within each arm, with the correction for its size."""
    mean = _mean(weights, values)[:, 0]
    size = weights @ np.isfinite(values[:, 0]).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((_mean(weights, values**2)[:, 0] - mean**2) * size / (size - 1.0))


def _median(values: Array, weights: Array) -> float:
    known = ~np.isnan(values) & (weights > 0.0)
    if not known.any():
        return float("nan")
    order = np.argsort(values[known], kind="stable")
    heights = np.cumsum(weights[known][order])
    return float(values[known][order][np.searchsorted(heights, heights[-1] / 2.0)])
