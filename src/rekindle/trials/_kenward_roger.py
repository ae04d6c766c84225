"""Small-sample inference of Kenward and Roger (1997, 10.2307/2533558) for an unstructured covariance.

The estimated covariance of the effects is too small because the covariance of the scores is itself estimated;
it is corrected, and every effect gets the degrees of freedom of a t distribution. The covariance is linear in
its elements, so the second derivatives of the method are zero; for one effect the degrees of freedom are
those of Satterthwaite with the expected information.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rekindle.trials._unstructured import Fit

Array = NDArray[np.float64]


def kenward_roger(fit: Fit) -> tuple[Array, Array]:
    """Corrected covariance of the vector of effects, and the degrees of freedom of each effect.

    Without missing visits these are the covariance itself and people less columns.
    """
    spread, slopes = fit.spread, _directions(len(fit.covariance))
    first, doubt, curvature = _pieces(fit, slopes)
    curvature -= np.einsum("iab,ibc->ac", first @ spread, np.tensordot(doubt, first, 1))
    corrected = spread + 2.0 * spread @ curvature @ spread
    moves = np.einsum("ab,ibc,ca->ia", spread, first, spread)
    variance = np.einsum("ia,ij,ja->a", moves, doubt, moves)
    return corrected, 2.0 * np.diag(spread) ** 2 / variance


def _directions(visits: int) -> Array:
    """Derivative of the covariance by each of its elements, shape (elements, visits, visits)."""
    rows, columns = np.tril_indices(visits)
    found = np.zeros((len(rows), visits, visits))
    place = np.arange(len(rows))
    found[place, rows, columns] = found[place, columns, rows] = 1.0
    return found


def _pieces(fit: Fit, slopes: Array) -> tuple[Array, Array, Array]:
    """P, W (inverse of the expected information) and the sum of W Q, in the names of the article.

    Sums over people are sums over groups: a person with facts x brings W (visits) times x x' (columns).
    """
    visits, columns = fit.effects.shape
    blocks = fit.spread.reshape(visits, columns, visits, columns)
    first: Array = np.zeros((len(slopes), *fit.spread.shape))
    information = np.zeros((len(slopes), len(slopes)))
    turned = []
    for group in fit.groups:
        weight = group.weight(fit.covariance)
        steps = weight @ slopes
        turned.append((steps, weight, group.square))
        first -= np.einsum("iab,pq->iapbq", steps @ weight, group.square).reshape(first.shape)
        carried = np.einsum("bqap,pq->ba", blocks, group.square)
        information += _traces(steps, len(group.rows) * steps - 2.0 * steps @ weight @ carried)
    information += _traces(fit.spread @ first, fit.spread @ first)
    doubt = np.asarray(np.linalg.pinv(information / 2.0, hermitian=True), dtype=float)
    curvature: Array = np.zeros_like(fit.spread)
    for steps, weight, square in turned:
        mixed = np.einsum("iab,ibc->ac", steps, np.tensordot(doubt, steps, 1)) @ weight
        curvature += np.kron(mixed, square)
    return first, doubt, curvature


def _traces(one: Array, two: Array) -> Array:
    """Traces of all products of two stacks of matrices."""
    return np.asarray(one.reshape(len(one), -1) @ two.transpose(0, 2, 1).reshape(len(two), -1).T)
