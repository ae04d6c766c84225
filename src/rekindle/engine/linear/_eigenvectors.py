"""Eigenvalues and eigenvectors of blocks that are triangular in their loops, for many people at once.

People are the last axis of all arrays, so that numbers that are worked on together lie together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bits = NDArray[np.bool_]

#: Above this condition number of the eigenvectors the modal form would lose more than half of the digits.
_WORST_CONDITION = 1e8


def eigen(matrix: Array, reached: Bits, sizes: Sequence[int]) -> tuple[Array, Array, Array, Bits]:
    """Rates, eigenvectors, their inverse and whether they can be used.

    Args:
        matrix: shape (size, size, people), upstream states first.
        reached: which state reaches which.
        sizes: states of each loop.
    """
    size, _, people = matrix.shape
    rates, vectors, inverse = np.zeros((size, people)), np.zeros(matrix.shape), np.zeros(matrix.shape)
    usable = np.ones(people, dtype=bool)
    loops = [slice(int(end) - own, int(end)) for end, own in zip(np.cumsum(sizes), sizes, strict=True)]
    with np.errstate(all="ignore"):
        for place, loop in enumerate(loops):
            rates[loop], vectors[loop, loop], fine = _eigen_of_loop(matrix[loop, loop])
            usable &= fine
            for later in loops[place + 1 :]:
                if reached[later.start, loop.start]:
                    vectors[later, loop] = _continued(matrix, vectors, rates[loop], loop, later)
        vectors /= np.sqrt(np.einsum("ijp,ijp->jp", vectors, vectors))
        usable &= np.isfinite(vectors).all(axis=(0, 1))
        vectors[:, :, ~usable] = np.eye(size)[:, :, None]
        for loop in loops:
            # Eigenvectors are triangular in the loops, and so is their inverse.
            inverse[loop, loop], independent = _inverse(vectors[loop, loop])
            usable &= independent
            before = slice(0, loop.start)
            push = np.einsum("ijp,jmp->imp", vectors[loop, before], inverse[before, before])
            inverse[loop, before] = -np.einsum("ijp,jmp->imp", inverse[loop, loop], push)
        # The product of the Frobenius norms bounds the condition number and costs less.
        squares = (np.einsum("ijp,ijp->p", part, part) for part in (vectors, inverse))
        doubtful = np.flatnonzero(~(np.sqrt(np.prod(list(squares), axis=0)) <= _WORST_CONDITION) & usable)
    if len(doubtful):
        usable[doubtful] &= np.linalg.cond(_people_first(vectors[:, :, doubtful])) <= _WORST_CONDITION
    return rates, vectors, inverse, usable


def _people_first(matrices: Array) -> Array:
    return np.ascontiguousarray(matrices.transpose(2, 0, 1))


def _eigen_of_loop(matrix: Array) -> tuple[Array, Array, Bits]:
    size, _, people = matrix.shape
    if size == 1:
        return matrix[:, 0], np.ones((1, 1, people)), np.ones(people, dtype=bool)
    if size == 2:
        return _eigen_of_pair(matrix)
    rates, vectors = np.linalg.eig(_people_first(matrix))
    return rates.real.T, vectors.real.transpose(1, 2, 0), np.asarray((rates.imag == 0.0).all(axis=1))


def _eigen_of_pair(matrix: Array) -> tuple[Array, Array, Bits]:
    """The same for two states that reach each other, by the quadratic formula without cancellation."""
    (a, b), (c, d) = matrix
    half, square = 0.5 * (a - d), 0.25 * (a - d) ** 2 + b * c
    root = np.copysign(np.sqrt(np.maximum(square, 0.0)), half)
    # The larger part of the half difference and the root is the one that is known to all digits.
    far = half + root
    rates, vectors = np.array([d + far, d - b * c / far]), np.array([[far, -b], [c, far]])
    apart = (b == 0.0) & (c == 0.0)
    rates[:, apart], vectors[:, :, apart] = np.array([a, d])[:, apart], np.eye(2)[:, :, None]
    return rates, vectors, np.asarray(apart | ((square >= 0.0) & (far != 0.0)))


def _inverse(matrix: Array) -> tuple[Array, Bits]:
    """Inverse, and for whom there is one."""
    size = len(matrix)
    if size == 1:
        return 1.0 / matrix, np.asarray(matrix[0, 0] != 0.0)
    if size == 2:
        (a, b), (c, d) = matrix
        determinant = a * d - b * c
        return np.array([[d, -b], [-c, a]]) / determinant, np.asarray(determinant != 0.0)
    rows = _people_first(matrix)
    independent = np.linalg.det(rows) != 0.0
    rows[~independent] = np.eye(size)
    return np.asarray(np.linalg.inv(rows).transpose(1, 2, 0)), np.asarray(independent)


def _continued(matrix: Array, vectors: Array, rates: Array, loop: slice, later: slice) -> Array:
    """Entries (later, loop, people) of a loop's eigenvectors in a loop downstream of it."""
    before = slice(loop.start, later.start)
    push = np.einsum("ijp,jmp->imp", matrix[later, before], vectors[before, loop])
    own, size = matrix[later, later], later.stop - later.start
    if size == 1:
        return np.where(push == 0.0, 0.0, push / (rates - own[0])[None])
    if size == 2:
        first, second = rates - own[0, 0], rates - own[1, 1]
        determinant = first * second - own[0, 1] * own[1, 0]
        upper = second * push[0] + own[0, 1] * push[1]
        lower = first * push[1] + own[1, 0] * push[0]
        return np.where(determinant == 0.0, np.nan, np.array([upper, lower]) / determinant)
    shifted = _people_first(own)[:, None]
    shifted = rates.T[:, :, None, None] * np.eye(size) - shifted
    singular = np.linalg.det(shifted) == 0.0
    solved = np.full((*shifted.shape[:3], 1), np.nan)
    solved[~singular] = np.linalg.solve(shifted[~singular], push.transpose(2, 1, 0)[~singular][..., None])
    return np.asarray(solved[..., 0].transpose(2, 1, 0))
