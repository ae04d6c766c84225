"""Means and differences of means as papers report them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its standard error, interval and two-sided p against no difference.

    ``value`` is not a number where there were too few people.
    """

    value: float
    se: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    n: int = 0


UNKNOWN = Estimate(math.nan)


def welch(active: ArrayLike, control: ArrayLike, level: float = 0.95) -> Estimate:
    """Difference of two means, active minus control, without assuming equal spread (Welch).

    Missing values are left out (observed cases).

    >>> found = welch([1, 2, 3, 4], [2, 4, 6, 8])
    >>> round(found.value, 3), round(found.se, 3)
    (-2.5, 1.443)
    """
    one, two = _known(active), _known(control)
    if len(one) < 2 or len(two) < 2:
        return UNKNOWN
    parts = one.var(ddof=1) / len(one), two.var(ddof=1) / len(two)
    se = math.sqrt(sum(parts))
    if not se > 0.0:
        return Estimate(float(one.mean() - two.mean()), n=len(one) + len(two))
    df = sum(parts) ** 2 / (parts[0] ** 2 / (len(one) - 1) + parts[1] ** 2 / (len(two) - 1))
    return by_t(float(one.mean() - two.mean()), se, df, len(one) + len(two), level)


def paired(active: ArrayLike, control: ArrayLike, level: float = 0.95) -> Estimate:
    """Mean difference within people; those with both values count.

    >>> round(paired([3, 5, 4], [1, 2, 3]).value, 6)
    2.0
    """
    gaps = _known(np.asarray(active, dtype=float) - np.asarray(control, dtype=float))
    if len(gaps) < 2:
        return UNKNOWN
    se = float(gaps.std(ddof=1)) / math.sqrt(len(gaps))
    return by_t(float(gaps.mean()), se, len(gaps) - 1, len(gaps), level)


def ancova(change: ArrayLike, baseline: ArrayLike, active: ArrayLike, level: float = 0.95) -> Estimate:
    """Difference of changes between two arms at equal baseline (least squares).

    Args:
        change: change of each person; missing values are left out.
        baseline: score at entry.
        active: whether the person is in the active arm.
        level: of the interval.

    >>> found = ancova([-8, -6, -3, -1], [30, 26, 31, 25], [True, True, False, False])
    >>> round(found.value, 6)
    -5.0
    """
    y, x = np.asarray(change, dtype=float), np.asarray(baseline, dtype=float)
    arm = np.asarray(active, dtype=float)
    known = np.isfinite(y) & np.isfinite(x)
    y, x, arm = y[known], x[known], arm[known]
    if min(arm.sum(), (1.0 - arm).sum()) < 2 or len(y) < 4:
        return UNKNOWN
    table = np.column_stack([np.ones(len(y)), arm, x])
    if np.linalg.matrix_rank(table) < table.shape[1]:
        table = table[:, :2]
    weights, *_ = np.linalg.lstsq(table, y, rcond=None)
    df = len(y) - table.shape[1]
    error = float(((y - table @ weights) ** 2).sum()) / df
    se = math.sqrt(error * float(np.linalg.inv(table.T @ table)[1, 1]))
    return by_t(float(weights[1]), se, df, len(y), level)


def carried_forward(scores: ArrayLike, baseline: ArrayLike) -> Array:
    """Scores (people, visits) with the last observed one in place of later missing ones (LOCF).

    >>> carried_forward([[20, float("nan"), 12], [float("nan")] * 3], [30, 28]).tolist()
    [[20.0, 20.0, 12.0], [28.0, 28.0, 28.0]]
    """
    filled = np.column_stack([np.asarray(baseline, dtype=float), np.asarray(scores, dtype=float)])
    for place in range(1, filled.shape[1]):
        missing = np.isnan(filled[:, place])
        filled[missing, place] = filled[missing, place - 1]
    return np.array(filled[:, 1:], dtype=float)


def by_t(value: float, se: float, df: float, n: int, level: float) -> Estimate:
    """An estimate with the interval and p of a t distribution."""
    from scipy.stats import t

    if not se > 0.0:
        return Estimate(value, n=n)
    half = float(t.ppf(0.5 + level / 2.0, df)) * se
    p = 2.0 * float(t.sf(abs(value) / se, df))
    return Estimate(value, se, value - half, value + half, p, n)


def _known(values: ArrayLike) -> Array:
    array = np.asarray(values, dtype=float)
    return np.array(array[np.isfinite(array)], dtype=float)
