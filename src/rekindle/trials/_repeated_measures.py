"""The mixed model for repeated measures (MMRM) with an unstructured covariance, and a random-intercept one.

Fixed effects of both: visit, arm by visit, baseline by visit. The unstructured covariance is the one that
trials of antidepressants pre-specify, with the inference of Kenward and Roger. The random-intercept model is
fitted by statsmodels; it assumes equal correlations, so its interval is too short where early and late scores
are less alike.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rekindle.trials._estimate import UNKNOWN, Estimate, by_t
from rekindle.trials._extra import require_analysis
from rekindle.trials._kenward_roger import kenward_roger
from rekindle.trials._unstructured import fit_unstructured

Array = NDArray[np.float64]

#: Columns of the fixed effects at a visit: mean, arm, baseline.
_COLUMNS, _ARM = 3, 1


def mmrm(scores: ArrayLike, baseline: ArrayLike, active: ArrayLike, level: float = 0.95) -> list[Estimate]:
    """Difference between two arms at every visit, unstructured covariance.

    Args:
        scores: scores or changes, shape (people, visits); missing ones are not a number.
        baseline: score at entry of each person.
        active: whether each person is in the active arm.
        level: of the intervals.

    Returns:
        One estimate a visit, active minus control.

    Raises:
        SolverError: no convergence.
    """
    y, table = _prepared(scores, baseline, active)
    if min(table[:, _ARM].sum(), (1.0 - table[:, _ARM]).sum()) < 2 or len(y) <= y.shape[1] + _COLUMNS:
        return [UNKNOWN] * y.shape[1]
    if not _estimable(y, table):
        return [UNKNOWN] * y.shape[1]
    fit = fit_unstructured(y, table)
    spread, freedom = kenward_roger(fit)
    found = []
    for visit in range(y.shape[1]):
        place, seen = visit * _COLUMNS + _ARM, int(np.isfinite(y[:, visit]).sum())
        se = math.sqrt(spread[place, place])
        found.append(by_t(float(fit.effects[visit, _ARM]), se, float(freedom[place]), seen, level))
    return found


def random_intercept(
    scores: ArrayLike, baseline: ArrayLike, active: ArrayLike, level: float = 0.95
) -> list[Estimate]:
    """Difference between two arms at every visit from statsmodels' MixedLM with a random person effect.

    Arguments and result as in ``mmrm``; intervals and p use the normal distribution.

    Raises:
        OutputError: the extra ``analysis`` is not installed.
    """
    require_analysis()
    from statsmodels.regression.mixed_linear_model import MixedLM

    y, table = _prepared(scores, baseline, active)
    visits = y.shape[1]
    person, visit = np.nonzero(np.isfinite(y))
    design = np.zeros((len(person), visits * _COLUMNS))
    for column in range(_COLUMNS):
        design[np.arange(len(person)), visit * _COLUMNS + column] = table[person, column]
    fit = MixedLM(y[person, visit], design, groups=person).fit(reml=True)
    found = []
    for place in range(visits):
        value = float(fit.fe_params[place * _COLUMNS + _ARM])
        se = float(fit.bse_fe[place * _COLUMNS + _ARM])
        found.append(by_t(value, se, math.inf, int(np.isfinite(y[:, place]).sum()), level))
    return found


def _prepared(scores: ArrayLike, baseline: ArrayLike, active: ArrayLike) -> tuple[Array, Array]:
    y = np.asarray(scores, dtype=float)
    table = np.column_stack(
        [np.ones(len(y)), np.asarray(active, dtype=float), np.asarray(baseline, dtype=float)]
    )
    table[:, 2] -= table[:, 2].mean()
    known = np.isfinite(y).any(axis=1)
    return y[known], table[known]


def _estimable(y: Array, table: Array) -> bool:
    seen = np.isfinite(y)
    return all(np.linalg.matrix_rank(table[one]) == _COLUMNS and one.sum() > _COLUMNS for one in seen.T)
