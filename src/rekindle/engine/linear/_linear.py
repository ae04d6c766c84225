"""Exact solution of the linear block: x' = A x + b with A and b constant between events.

By eigenvalues where they are real and the eigenvectors well conditioned; otherwise by the exponential of
the augmented matrix [[A, b], [0, 0]]. States that no dose and no source reaches are left out.

References:
    Moler C, Van Loan C (2003) Nineteen dubious ways to compute the exponential of a matrix, twenty-five
    years later. SIAM Rev 45:3-49. doi:10.1137/S00361445024180
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Above this condition number of the eigenvectors the modal form would lose more than half of the digits.
_WORST_CONDITION = 1e8
#: Eigenvalues smaller than this share of the largest count as zero.
_ZERO_RATE = 1e-13


@dataclass(frozen=True, slots=True)
class Modes:
    """x(tau) = lines[:, 0] + lines[:, 1] tau + coefficients @ exp(rates tau), for all states of the block."""

    rates: Array
    coefficients: Array
    lines: Array

    def at(self, tau: Array) -> Array:
        """States (times, states) at times since the start of the interval."""
        curves = np.exp(np.multiply.outer(tau, self.rates)) @ self.coefficients.T
        return np.asarray(curves + self.lines[:, 0] + np.multiply.outer(tau, self.lines[:, 1]))


@dataclass(frozen=True, slots=True)
class AugmentedExponential:
    """The same interval by matrix exponentials, for blocks without a usable modal form."""

    matrix: Array
    source: Array
    initial: Array

    def at(self, tau: Array) -> Array:
        """States (times, states) at times since the start of the interval."""
        from scipy.linalg import expm

        size = len(self.initial)
        augmented = np.zeros((size + 1, size + 1))
        augmented[:size, :size] = self.matrix
        augmented[:size, size] = self.source
        start = np.append(self.initial, 1.0)
        if not len(tau):
            return np.empty((0, size))
        distinct, back = np.unique(tau, return_inverse=True)
        exponentials = expm(augmented[None, :, :] * distinct[:, None, None])
        return np.asarray((exponentials @ start)[back, :size])


class LinearBlock:
    """Solves intervals of one linear block and remembers the last decomposition.

    Args:
        size: number of states.
        pattern: positions (row, column) of the entries that can be non-zero.
    """

    def __init__(self, size: int, pattern: Collection[tuple[int, int]]) -> None:
        self.size = size
        reached = np.eye(size, dtype=bool)
        for row, column in pattern:
            reached[row, column] = True
        for middle in range(size):
            reached |= np.outer(reached[:, middle], reached[middle, :])
        self._reached = reached
        self._rows = np.array([row for row, _ in pattern], dtype=int)
        self._columns = np.array([column for _, column in pattern], dtype=int)
        self._decompositions: dict[bytes, tuple[Array, Array, Array] | None] = {}

    def matrix(self, entries: Array) -> Array:
        """The matrix A from the values of its entries, in the order of the pattern."""
        matrix = np.zeros((self.size, self.size))
        matrix[self._rows, self._columns] = entries
        return matrix

    def solve(self, entries: Array, source: Array, initial: Array) -> Modes | AugmentedExponential:
        """Solution of one interval from its start."""
        sources = (initial != 0.0) | (source != 0.0)
        active = np.asarray(self._reached[:, sources].any(axis=1))
        if not active.any():
            return Modes(np.empty(0), np.empty((self.size, 0)), np.zeros((self.size, 2)))
        parts = self._decompose(entries, active)
        if parts is None:
            return AugmentedExponential(self.matrix(entries), source, initial)
        rates, vectors, inverse = parts
        start, drive = inverse @ initial[active], inverse @ source[active]
        still = np.abs(rates) <= _ZERO_RATE * max(1.0, float(np.abs(rates).max()))
        safe = np.where(still, 1.0, rates)
        level = np.where(still, 0.0, drive / safe)
        coefficients = np.zeros((self.size, len(rates)))
        coefficients[active] = vectors * np.where(still, 0.0, start + level)
        lines = np.zeros((self.size, 2))
        lines[active, 0] = vectors @ np.where(still, start, -level)
        lines[active, 1] = vectors @ np.where(still, drive, 0.0)
        return Modes(rates, coefficients, lines)

    def _decompose(self, entries: Array, active: NDArray[np.bool_]) -> tuple[Array, Array, Array] | None:
        key = entries.tobytes() + active.tobytes()
        if key not in self._decompositions:
            if len(self._decompositions) > 64:
                self._decompositions.clear()
            self._decompositions[key] = self._eigen(self.matrix(entries)[np.ix_(active, active)])
        return self._decompositions[key]

    @staticmethod
    def _eigen(matrix: Array) -> tuple[Array, Array, Array] | None:
        if not np.isfinite(matrix).all():
            return None
        rates, vectors = np.linalg.eig(matrix)
        if np.iscomplexobj(rates) and np.abs(rates.imag).max() > 0.0:
            return None
        vectors = np.asarray(vectors.real)
        if np.linalg.cond(vectors) > _WORST_CONDITION:
            return None
        return np.asarray(rates.real), vectors, np.linalg.inv(vectors)
