"""Quantiles over people in bounded memory: counts in bins that become coarser only as they must.

A bin holds the numbers that share the leading bits of their floating-point form, so its width is relative to
the number. A cell (one time of one output, say) starts with all bits, that is exactly, and drops trailing
bits while it has more bins than it may. The number of bits it ends with depends on the set of numbers alone:
dropping bits never adds bins, so no part of the data can need more dropping than the whole. Sketches are
therefore the same whatever the order in which numbers came or sketches were merged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

#: Bins of a cell. With fewer, the exponents alone might not fit, and infinity would share a bin.
FEWEST_BINS = 4096
_MAGNITUDE = np.int64(0x7FFF_FFFF_FFFF_FFFF)
_INFINITE = np.int64(0x7FF0_0000_0000_0000)
_ABSENT = _MAGNITUDE


class QuantileSketch:
    """Counts of numbers for a row of cells; NaN is left out, infinity is a number like others.

    Args:
        cells: number of independent cells.
        bins: most bins of a cell.

    >>> sketch = QuantileSketch(1)
    >>> sketch.update(np.array([[1.0], [2.0], [4.0]]))
    >>> sketch.quantiles([0.5])[0].tolist()
    [[2.0]]
    """

    def __init__(self, cells: int, bins: int = FEWEST_BINS) -> None:
        self.cells, self.bins = cells, bins
        self.shifts = np.zeros(cells, dtype=np.int64)
        self._keys = [np.empty(0, dtype=np.int64) for _ in range(cells)]
        self._counts = [np.empty(0, dtype=np.int64) for _ in range(cells)]
        self._waiting: list[Whole] = []

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        own = sum(keys.nbytes + counts.nbytes for keys, counts in zip(self._keys, self._counts, strict=True))
        return own + sum(block.nbytes for block in self._waiting) + self.shifts.nbytes

    def update(self, values: Array) -> None:
        """Add numbers of shape (people, cells)."""
        self._waiting.append(_keys_of(values))
        if sum(map(len, self._waiting)) >= self.bins:
            self._compact()

    def merge(self, other: QuantileSketch) -> None:
        """Add what another sketch of the same cells holds."""
        if any(map(len, other._keys)):
            other._compact()
            for cell in range(self.cells):
                self._add(cell, other._keys[cell], other._counts[cell], int(other.shifts[cell]))
        self._waiting += other._waiting
        if sum(map(len, self._waiting)) >= self.bins:
            self._compact()

    def quantiles(self, shares: Sequence[float]) -> tuple[Array, Array]:
        """Quantiles (shares, cells), interpolated between ranks, and the most they may be off."""
        self._compact()
        found = [self._of_cell(cell, np.asarray(shares, dtype=float)) for cell in range(self.cells)]
        return np.array([one[0] for one in found]).T, np.array([one[1] for one in found]).T

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What has to be kept to go on later."""
        self._compact()
        return {
            "shifts": self.shifts,
            "sizes": np.array([len(keys) for keys in self._keys], dtype=np.int64),
            "keys": np.concatenate([np.empty(0, dtype=np.int64), *self._keys]),
            "counts": np.concatenate([np.empty(0, dtype=np.int64), *self._counts]),
        }

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Take up what ``arrays`` gave."""
        ends = np.cumsum(arrays["sizes"])[:-1]
        self.shifts = np.array(arrays["shifts"], dtype=np.int64)
        self._keys = np.split(np.array(arrays["keys"], dtype=np.int64), ends)
        self._counts = np.split(np.array(arrays["counts"], dtype=np.int64), ends)
        self._waiting = []

    def _compact(self) -> None:
        if not self._waiting:
            return
        numbers = np.sort(np.concatenate(self._waiting).T.copy(), axis=1)
        self._waiting = []
        for cell, own in enumerate(numbers):
            shift = int(self.shifts[cell])
            found = own[: np.searchsorted(own, _ABSENT)] >> shift
            self._add(cell, *_count(found, np.ones(len(found), dtype=np.int64)), shift)

    def _add(self, cell: int, keys: Whole, counts: Whole, shift: int) -> None:
        common = max(shift, int(self.shifts[cell]))
        both = np.concatenate([self._keys[cell] >> (common - self.shifts[cell]), keys >> (common - shift)])
        keys, counts = _gather(both, np.concatenate([self._counts[cell], counts]))
        more = _needed_shift(keys, self.bins)
        if more:
            keys, counts = _count(keys >> more, counts)
        self._keys[cell], self._counts[cell], self.shifts[cell] = keys, counts, common + more

    def _of_cell(self, cell: int, shares: Array) -> tuple[Array, Array]:
        keys, counts = self._keys[cell], self._counts[cell]
        if not len(keys):
            return np.full(len(shares), np.nan), np.full(len(shares), np.nan)
        ranks = np.cumsum(counts)
        place = shares * (ranks[-1] - 1)
        lower = np.floor(place).astype(np.int64)
        share = place - lower
        shift = self.shifts[cell]
        first = _edges(keys[np.searchsorted(ranks, lower, side="right")], shift)
        upper = np.minimum(lower + 1, ranks[-1] - 1)
        second = _edges(keys[np.searchsorted(ranks, upper, side="right")], shift)
        low = _between(first[0], second[0], share)
        high = _between(first[1], second[1], share)
        same = low == high
        with np.errstate(invalid="ignore"):
            return np.where(same, low, 0.5 * low + 0.5 * high), np.where(same, 0.0, 0.5 * high - 0.5 * low)


def _keys_of(values: Array) -> Whole:
    """Whole numbers in the order of the values; ``_ABSENT`` for NaN."""
    plain = np.ascontiguousarray(values, dtype=np.float64) + 0.0  # adding makes one zero of both
    bits = plain.view(np.int64)
    keys = np.where(bits < 0, ~(bits & _MAGNITUDE), bits)
    return np.where(np.isnan(plain), _ABSENT, keys)


def _values_of(keys: Whole) -> Array:
    held = np.clip(keys, ~_INFINITE, _INFINITE)
    magnitudes = np.where(held < 0, ~held, held).view(np.float64)
    return np.where(held < 0, -magnitudes, magnitudes)


def _edges(keys: Whole, shift: np.int64) -> tuple[Array, Array]:
    """Least and greatest number of bins."""
    low = keys << shift
    return _values_of(low), _values_of(low | ((np.int64(1) << shift) - 1))


def _between(first: Array, second: Array, share: Array) -> Array:
    # No weight on the second must mean just that, even where it is infinite.
    with np.errstate(invalid="ignore"):
        mixed = first + share * (second - first)
    return np.where((share == 0.0) | (first == second), first, mixed)


def _gather(keys: Whole, counts: Whole) -> tuple[Whole, Whole]:
    """Distinct keys in order, with their counts added up."""
    order = np.argsort(keys, kind="stable")
    return _count(keys[order], counts[order])


def _count(keys: Whole, counts: Whole) -> tuple[Whole, Whole]:
    """Distinct keys of some in order, with their counts added up."""
    if not len(keys):
        return keys, counts
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[starts], np.add.reduceat(counts, starts)


def _needed_shift(keys: Whole, bins: int) -> int:
    """Fewest trailing bits to drop until the distinct ordered keys fill no more than some bins."""
    low, high = 0, 52
    if len(keys) <= bins:
        return 0
    while low < high:
        middle = (low + high) // 2
        moved = keys >> middle
        if 1 + np.count_nonzero(moved[1:] != moved[:-1]) <= bins:
            high = middle
        else:
            low = middle + 1
    return low
