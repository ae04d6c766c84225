"""Fit of a linear model to repeated scores with an unstructured covariance: restricted maximum likelihood.

Every visit has its own variance and every pair its own covariance; missing visits are taken as missing at
random. The EM algorithm (Laird and Ware 1982, 10.2307/2529876), for want of a maintained library for this
covariance in Python.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import SolverError

Array = NDArray[np.float64]

_TOLERANCE = 1e-9
_MOST_ROUNDS = 5000


@dataclass(frozen=True)
class Group:
    """People with the same visits: places of these, scores, fixed-effect rows, cross products."""

    seen: NDArray[np.int64]
    rows: Array
    table: Array
    square: Array

    def weight(self, covariance: Array) -> Array:
        """Inverse of the covariance of the visits that were made, with zeros elsewhere."""
        found = np.zeros_like(covariance)
        place = np.ix_(self.seen, self.seen)
        found[place] = np.linalg.inv(covariance[place])
        return found


@dataclass(frozen=True)
class Fit:
    """Effects (visits, columns), the covariance of their vector, and that of the scores (visits, visits)."""

    groups: tuple[Group, ...]
    effects: Array
    spread: Array
    covariance: Array


def fit_unstructured(scores: Array, table: Array) -> Fit:
    """Fit with every column of ``table`` (people, columns) having its own effect at every visit.

    Args:
        scores: shape (people, visits); missing ones are not a number.
        table: fixed effects of every person.

    Raises:
        SolverError: no convergence.
    """
    groups, people = _groups(scores, table), len(scores)
    covariance = np.diag(np.nanvar(scores, axis=0) + 1e-6)
    for _ in range(_MOST_ROUNDS):
        effects, spread = _effects(groups, covariance, table.shape[1])
        fitted = _next_covariance(groups, covariance, effects, spread, people)
        moved = np.abs(fitted - covariance).max() / np.abs(covariance).max()
        covariance = fitted
        if moved < _TOLERANCE:
            return Fit(groups, *_effects(groups, covariance, table.shape[1]), covariance)
    raise SolverError(
        "RK-SOL-050",
        given=f"a mixed model of {people} people and {scores.shape[1]} visits did not converge",
        why="Too few people with the same visits",
        remedy="Use more people, fewer visits, or the analysis locf",
    )


def _groups(scores: Array, table: Array) -> tuple[Group, ...]:
    patterns, which = np.unique(np.isfinite(scores), axis=0, return_inverse=True)
    found = []
    for number, pattern in enumerate(patterns):
        chosen = which.ravel() == number
        rows = table[chosen]
        found.append(Group(np.nonzero(pattern)[0], scores[chosen][:, pattern], rows, rows.T @ rows))
    return tuple(found)


def _effects(groups: tuple[Group, ...], covariance: Array, columns: int) -> tuple[Array, Array]:
    """Generalised least squares: effects and the covariance of their vector."""
    visits = len(covariance)
    normal = np.zeros((visits * columns, visits * columns))
    right = np.zeros((visits, columns))
    for group in groups:
        weight = group.weight(covariance)
        normal += np.kron(weight, group.square)
        right += weight[:, group.seen] @ group.rows.T @ group.table
    spread = np.linalg.inv(normal)
    effects: Array = (spread @ right.ravel()).reshape(visits, columns)
    return effects, np.asarray(spread)


def _next_covariance(
    groups: tuple[Group, ...], covariance: Array, effects: Array, spread: Array, people: int
) -> Array:
    """Expected residual products given the scores, with the uncertainty of the effects (REML)."""
    visits, columns = effects.shape
    blocks = spread.reshape(visits, columns, visits, columns)
    total = np.zeros_like(covariance)
    for group in groups:
        gain = covariance @ group.weight(covariance)
        residual = np.zeros((len(group.rows), visits))
        residual[:, group.seen] = group.rows - group.table @ effects[group.seen].T
        products = residual.T @ residual + np.einsum("apbq,pq->ab", blocks, group.square)
        total += gain @ products @ gain.T + len(group.rows) * (covariance - gain @ covariance)
    return np.asarray((total + total.T) / (2.0 * people))
