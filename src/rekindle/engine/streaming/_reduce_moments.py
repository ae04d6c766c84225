"""Mean, standard deviation and extremes over people, a piece of the population at a time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_KEPT = ("count", "known", "mean", "squares", "least", "greatest")


class Moments:
    """Moments of a row of cells; NaN is left out, and infinity counts for the extremes only.

    The numbers depend on the order of merging in their last bits, so that pieces are merged in order.

    Attributes:
        count: finite numbers of each cell.
        known: numbers other than NaN.

    >>> moments = Moments(1)
    >>> moments.update(np.array([[1.0], [3.0], [np.nan]]))
    >>> float(moments.mean[0]), round(float(moments.deviation()[0]), 4)
    (2.0, 1.4142)
    """

    def __init__(self, cells: int) -> None:
        self.count = np.zeros(cells, dtype=np.int64)
        self.known = np.zeros(cells, dtype=np.int64)
        self.mean, self.squares = np.zeros(cells), np.zeros(cells)
        self.least, self.greatest = np.full(cells, np.inf), np.full(cells, -np.inf)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(array.nbytes for array in self.arrays().values())

    def update(self, values: Array) -> None:
        """Add numbers of shape (people, cells)."""
        part = Moments(len(self.count))
        finite, missing = np.isfinite(values), np.isnan(values)
        part.count, part.known = finite.sum(axis=0), (~missing).sum(axis=0)
        part.mean = np.where(finite, values, 0.0).sum(axis=0) / np.maximum(part.count, 1)
        part.squares = (np.where(finite, values - part.mean, 0.0) ** 2).sum(axis=0)
        part.least = np.where(missing, np.inf, values).min(axis=0, initial=np.inf)
        part.greatest = np.where(missing, -np.inf, values).max(axis=0, initial=-np.inf)
        self.merge(part)

    def merge(self, other: Moments) -> None:
        """Add what another accumulator of the same cells holds."""
        total = self.count + other.count
        share = other.count / np.maximum(total, 1)
        apart = other.mean - self.mean
        self.mean = self.mean + apart * share
        self.squares = self.squares + other.squares + apart**2 * (self.count * share)
        self.count, self.known = total, self.known + other.known
        self.least = np.minimum(self.least, other.least)
        self.greatest = np.maximum(self.greatest, other.greatest)

    def average(self) -> Array:
        """Mean of each cell; NaN without numbers."""
        return np.where(self.count > 0, self.mean, np.nan)

    def deviation(self) -> Array:
        """Standard deviation (divisor n - 1) of each cell; NaN below two numbers."""
        return np.where(self.count > 1, np.sqrt(self.squares / np.maximum(self.count - 1, 1)), np.nan)

    def extremes(self) -> tuple[Array, Array]:
        """Least and greatest of each cell; NaN without numbers."""
        empty = self.known == 0
        return np.where(empty, np.nan, self.least), np.where(empty, np.nan, self.greatest)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What has to be kept to go on later."""
        return {name: getattr(self, name) for name in _KEPT}

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Take up what ``arrays`` gave."""
        for name in _KEPT:
            setattr(self, name, np.array(arrays[name]))
