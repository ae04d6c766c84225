"""Correlated standard normal numbers, such that adding a name leaves the numbers of the others alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from rekindle.errors import PersonError, nearest
from rekindle.people._tables import read_number, read_provenance, read_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A pivot below this counts as zero: the variable is then a combination of the earlier ones.
_ZERO_PIVOT = 1e-10


@dataclass(frozen=True, slots=True)
class Correlation:
    """Correlation of two random effects (on the scale on which they are normal)."""

    first: str
    second: str
    value: float
    mark: str
    source: str


def read_correlations(path: str | PathLike[str], prefix: str) -> tuple[Correlation, ...]:
    """Read a table with columns ``<prefix>_1, <prefix>_2, correlation, mark, source``.

    Raises:
        PersonError: columns, numbers or marks that cannot be used, a name with itself, a pair given twice.
    """
    columns = (f"{prefix}_1", f"{prefix}_2", "correlation", "mark", "source")
    found: list[Correlation] = []
    for place, row in read_rows(path, columns):
        first, second = row[columns[0]], row[columns[1]]
        pair = {first, second}
        if len(pair) == 1 or any({known.first, known.second} == pair for known in found):
            raise PersonError(
                "RK-PER-006",
                given=f'{place}: correlation of "{first}" with "{second}" is given twice or is with itself',
                remedy="Keep one row for each pair",
            )
        value = read_number(place, row, "correlation", -1, 1)
        found.append(Correlation(first, second, value, *read_provenance(place, row)))
    return tuple(found)


def correlation_root(names: Sequence[str], correlations: Sequence[Correlation]) -> NDArray[np.float64]:
    """Return the lower triangular root L (n x n) of the correlation matrix R = L L^T of ``names``.

    Each row uses only the names before it, so appending a name changes nobody else's numbers. A perfect
    correlation is allowed (two effects that are one); a matrix that no random numbers can have is not.

    Raises:
        PersonError: an unknown name, or correlations that contradict each other.

    >>> correlation_root(["a", "b"], [Correlation("a", "b", 0.6, "assumed", "example")]).round(3)
    array([[1. , 0. ],
           [0.6, 0.8]])
    """
    matrix = np.eye(len(names))
    place = {name: number for number, name in enumerate(names)}
    for item in correlations:
        for name in (item.first, item.second):
            if name not in place:
                raise PersonError(
                    "RK-PER-006",
                    given=f'correlation of "{item.first}" with "{item.second}": "{name}" does not vary'
                    f"{nearest(name, names)}",
                    allowed=f"Names that vary here: {', '.join(names)}",
                )
        row, column = place[item.first], place[item.second]
        matrix[row, column] = matrix[column, row] = item.value
    return _cholesky(matrix, names)


def correlate(root: NDArray[np.float64], normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return correlated numbers (names, people) from independent ones of that shape."""
    found = normals.copy()
    for row in np.flatnonzero((root != np.eye(len(root))).any(axis=1)):
        found[row] = _weighted(root[row], normals)
    return found


def _weighted(weights: NDArray[np.float64], normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over the names, rounded once: the last bits must not depend on a linear algebra library."""
    places = np.flatnonzero(weights)
    parts: NDArray[np.float64] = weights[places, None] * normals[places]
    if len(parts) == 2:
        return np.asarray(parts[0] + parts[1])
    return np.array([math.fsum(own) for own in parts.T.tolist()])


def _cholesky(matrix: NDArray[np.float64], names: Sequence[str]) -> NDArray[np.float64]:
    root = np.zeros_like(matrix)
    for row in range(len(matrix)):
        for column in range(row):
            rest = matrix[row, column] - root[row, :column] @ root[column, :column]
            pivot = root[column, column]
            if pivot == 0 and abs(rest) > math.sqrt(_ZERO_PIVOT):
                raise _contradiction(names[row])
            root[row, column] = rest / pivot if pivot else 0.0
        square = matrix[row, row] - root[row, :row] @ root[row, :row]
        if square < -_ZERO_PIVOT:
            raise _contradiction(names[row])
        root[row, row] = math.sqrt(square) if square > _ZERO_PIVOT else 0.0
    return root


def _contradiction(name: str) -> PersonError:
    return PersonError(
        "RK-PER-007",
        given=f'the correlations of "{name}" contradict those of the names before it',
        allowed="A correlation matrix without negative eigenvalues",
        why="No random numbers have such correlations",
        remedy="Lower the correlations, or state the missing ones",
    )
