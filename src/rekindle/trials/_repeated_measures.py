"""The mixed model for repeated measures (MMRM) with an unstructured covariance, and a random-intercept one.

Fixed effects of both: visit, arm by visit, baseline by visit. Unstructured: every visit has its own variance
and every pair its own covariance, the model that trials of antidepressants pre-specify; missing visits are
taken as missing at random. It is fitted by restricted maximum likelihood with the EM algorithm (Laird and
Ware 1982, 10.2307/2529876), for want of a maintained library that fits this covariance. Degrees of freedom
are those of the analysis of covariance at the visit: exact without missing visits, an approximation to
Kenward and Roger otherwise. The random-intercept model is fitted by statsmodels; it assumes equal
correlations, so its interval is too short where early and late scores are less alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rekindle.errors import SolverError
from rekindle.trials._estimate import UNKNOWN, Estimate, by_t
from rekindle.trials._extra import require_analysis

Array = NDArray[np.float64]

_TOLERANCE = 1e-9
_MOST_ROUNDS = 5000
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
    groups = _groups(y, table)
    if any(len(group.rows) == 0 for group in groups) or not _estimable(y, table):
        return [UNKNOWN] * y.shape[1]
    covariance = np.diag(np.nanvar(y, axis=0) + 1e-6)
    for _ in range(_MOST_ROUNDS):
        effects, spread = _effects(groups, covariance, y.shape[1])
        fitted = _next_covariance(groups, covariance, effects, spread, len(y))
        moved = np.abs(fitted - covariance).max() / np.abs(covariance).max()
        covariance = fitted
        if moved < _TOLERANCE:
            break
    else:
        raise SolverError(
            "RK-SOL-050",
            given=f"a mixed model of {len(y)} people and {y.shape[1]} visits did not converge",
            why="Too few people with the same visits",
            remedy="Use more people, fewer visits, or the analysis locf",
        )
    effects, spread = _effects(groups, covariance, y.shape[1])
    found = []
    for visit in range(y.shape[1]):
        place, seen = visit * _COLUMNS + _ARM, int(np.isfinite(y[:, visit]).sum())
        se = math.sqrt(spread[place, place])
        found.append(by_t(float(effects[visit, _ARM]), se, seen - _COLUMNS, seen, level))
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


@dataclass(frozen=True)
class _Group:
    """People with the same visits: places of these, scores, fixed-effect rows, cross products."""

    seen: NDArray[np.int64]
    rows: Array
    table: Array
    square: Array


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


def _groups(y: Array, table: Array) -> list[_Group]:
    patterns, which = np.unique(np.isfinite(y), axis=0, return_inverse=True)
    found = []
    for number, pattern in enumerate(patterns):
        chosen = which.ravel() == number
        rows = table[chosen]
        found.append(_Group(np.nonzero(pattern)[0], y[chosen][:, pattern], rows, rows.T @ rows))
    return found


def _inverse(group: _Group, covariance: Array) -> Array:
    """Inverse of the covariance of the visits that were made, with zeros elsewhere."""
    found = np.zeros_like(covariance)
    place = np.ix_(group.seen, group.seen)
    found[place] = np.linalg.inv(covariance[place])
    return found


def _effects(groups: list[_Group], covariance: Array, visits: int) -> tuple[Array, Array]:
    """Generalised least squares: effects (visits, columns) and the covariance of their vector."""
    normal = np.zeros((visits * _COLUMNS, visits * _COLUMNS))
    right = np.zeros((visits, _COLUMNS))
    for group in groups:
        weight = _inverse(group, covariance)
        normal += np.kron(weight, group.square)
        right += weight[:, group.seen] @ group.rows.T @ group.table
    spread = np.linalg.inv(normal)
    effects: Array = (spread @ right.ravel()).reshape(visits, _COLUMNS)
    return effects, np.asarray(spread)


def _next_covariance(
    groups: list[_Group], covariance: Array, effects: Array, spread: Array, people: int
) -> Array:
    """Expected residual products given the scores, with the uncertainty of the effects (REML)."""
    visits = len(covariance)
    blocks = spread.reshape(visits, _COLUMNS, visits, _COLUMNS)
    total = np.zeros_like(covariance)
    for group in groups:
        gain = covariance @ _inverse(group, covariance)
        residual = np.zeros((len(group.rows), visits))
        residual[:, group.seen] = group.rows - group.table @ effects[group.seen].T
        products = residual.T @ residual + np.einsum("apbq,pq->ab", blocks, group.square)
        total += gain @ products @ gain.T + len(group.rows) * (covariance - gain @ covariance)
    return np.asarray((total + total.T) / (2.0 * people))
