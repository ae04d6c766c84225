"""A group of observed numbers with their predicted means and what may part the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """Numbers of one study, taken as jointly normal.

    Attributes:
        study_id: the study.
        labels: what each number is.
        observed: the numbers, shape (k,).
        predicted: their means under the model.
        sampling: covariance by the choice of people and raters' errors, shape (k, k).
        between: ``mood`` or ``acute`` -> covariance by which a study differs from the model, for a study
            spread of 1, shape (k, k).
    """

    study_id: str
    labels: tuple[str, ...]
    observed: Array
    predicted: Array
    sampling: Array
    between: Mapping[str, Array]

    def covariance(self, spread: Mapping[str, float]) -> Array:
        """Covariance of the misses for an SD of each kind of difference between studies."""
        found = self.sampling.copy()
        for kind, matrix in self.between.items():
            found += spread[kind] ** 2 * matrix
        return found

    def log_likelihood(self, spread: Mapping[str, float]) -> float:
        """Log density of the observed numbers.

        >>> one = Block("A", ("x",), np.array([1.0]), np.array([1.0]), np.array([[1.0]]), {})
        >>> round(one.log_likelihood({}), 4)
        -0.9189
        """
        return normal_log_density(self.observed - self.predicted, self.covariance(spread))


def normal_log_density(residual: Array, covariance: Array) -> float:
    """Log density of a miss under a normal distribution around 0.

    >>> round(normal_log_density(np.array([0.0]), np.array([[1.0]])), 4)
    -0.9189
    """
    root = np.linalg.cholesky(covariance)
    white = np.linalg.solve(root, residual)
    volume = 2.0 * float(np.log(np.diag(root)).sum())
    return -0.5 * (float(white @ white) + volume + len(residual) * float(np.log(2.0 * np.pi)))
