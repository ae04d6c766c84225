"""Eigenvalues and eigenvectors of the linear block for many people at once.

The active states (those that a dose, a source or an event has reached) fall into blocks that do not touch
each other, and a block into loops of states that reach each other, from upstream to downstream. Eigenvalues
are found loop by loop and eigenvectors continued downstream, which is cheaper than one large decomposition
and keeps equal eigenvalues of two branches apart.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.linear._eigenvectors import eigen

Array = NDArray[np.float64]
Bits = NDArray[np.bool_]

#: Block and its entries -> rates, eigenvectors, their inverse, and whether they can be used.
Known = dict[tuple[tuple[int, ...], bytes], tuple[Array, Array, Array, Bits]]

#: Eigenvalues smaller than this share of the largest count as zero.
_ZERO_RATE = 1e-13


@dataclass(frozen=True)
class Decomposition:
    """Blocks of active states with their modes.

    Attributes:
        order: active states, block by block, upstream first.
        blocks: first position and one past the last of each block.
        ends: for each position one past the last of its loop; eigenvectors and their inverse are 0 beyond.
        rates: shape (active states, people).
        vectors, inverse: one array (people, size, size) a block.
        usable: people whose modal form keeps its digits.
    """

    order: NDArray[np.int64]
    blocks: tuple[tuple[int, int], ...]
    ends: tuple[int, ...]
    rates: Array
    vectors: tuple[Array, ...]
    inverse: tuple[Array, ...]
    usable: Bits


class Pattern:
    """Which state reaches which in a linear block.

    Args:
        size: number of states.
        entries: positions (row, column) of the entries that can be non-zero.
    """

    def __init__(self, size: int, entries: Collection[tuple[int, int]]) -> None:
        self.size = size
        self.rows = np.array([row for row, _ in entries], dtype=int)
        self.columns = np.array([column for _, column in entries], dtype=int)
        reached = np.eye(size, dtype=bool)
        reached[self.rows, self.columns] = True
        for middle in range(size):
            reached |= np.outer(reached[:, middle], reached[middle, :])
        self._reached = reached
        self._entries: dict[tuple[int, ...], NDArray[np.int64]] = {}
        self._groups: dict[bytes, list[list[list[int]]]] = {}

    def active(self, touched: Bits) -> Bits:
        """States that can differ from zero when some have been touched."""
        return np.asarray(self._reached[:, touched].any(axis=1))

    def loops(self, active: Bits) -> list[list[list[int]]]:
        """Blocks of active states, each as its loops from upstream to downstream."""
        key = active.tobytes()
        if key not in self._groups:
            self._groups[key] = [
                [[group[place] for place in loop] for loop in _loops(self._reached[np.ix_(group, group)])]
                for group in self.blocks(active)
            ]
        return self._groups[key]

    def blocks(self, active: Bits) -> list[list[int]]:
        """Active states in groups that do not touch each other."""
        label = {int(state): int(state) for state in np.flatnonzero(active)}
        for row, column in zip(self.rows.tolist(), self.columns.tolist(), strict=True):
            if row in label and column in label and label[row] != label[column]:
                old, new = label[row], label[column]
                label = {state: new if own == old else own for state, own in label.items()}
        groups: dict[int, list[int]] = {}
        for state, own in label.items():
            groups.setdefault(own, []).append(state)
        return list(groups.values())

    def decompose(self, entries: Array, active: Bits, known: Known | None = None) -> Decomposition:
        """Decompose the active part.

        Args:
            entries: shape (entries, people).
            active: states that can differ from zero.
            known: blocks that were decomposed before, for the same people; new ones are added.
        """
        people = entries.shape[1]
        known = {} if known is None else known
        usable = np.asarray(np.isfinite(entries).all(axis=0))
        finite = entries if usable.all() else np.where(usable, entries, 0.0)
        chains = self.loops(active)
        groups = [[state for loop in chain for state in loop] for chain in chains]
        parts = []
        for group, chain in zip(groups, chains, strict=True):
            inside = self._inside(group)
            key = (tuple(group), finite[inside].tobytes())
            if key not in known:
                place = {state: position for position, state in enumerate(group)}
                matrix = np.zeros((len(group), len(group), people))
                for entry in inside.tolist():
                    matrix[place[self.rows[entry]], place[self.columns[entry]]] = finite[entry]
                known[key] = eigen(matrix, self._reached[np.ix_(group, group)], [len(loop) for loop in chain])
            parts.append(known[key])
        ends = np.cumsum([len(group) for group in groups], dtype=int)
        rates = np.concatenate([part[0] for part in parts]) if parts else np.zeros((0, people))
        for part in parts:
            usable &= part[3]
        if len(rates):
            limit = _ZERO_RATE * np.maximum(1.0, np.abs(rates).max(axis=0))
            rates = np.where(np.abs(rates) <= limit, 0.0, rates)
        return Decomposition(
            np.array([state for group in groups for state in group], dtype=np.int64),
            tuple((int(end) - len(group), int(end)) for end, group in zip(ends, groups, strict=True)),
            _loop_ends(chains),
            rates,
            tuple(part[1].transpose(2, 0, 1) for part in parts),
            tuple(part[2].transpose(2, 0, 1) for part in parts),
            usable,
        )

    def _inside(self, group: list[int]) -> NDArray[np.int64]:
        """Entries within a block."""
        key = tuple(group)
        if key not in self._entries:
            both = np.isin(self.rows, group) & np.isin(self.columns, group)
            self._entries[key] = np.flatnonzero(both)
        return self._entries[key]


def _loops(reached: Bits) -> list[list[int]]:
    """States that reach each other, upstream first."""
    upstream = reached.sum(axis=1)
    mutual = reached & reached.T
    seen: set[int] = set()
    found = []
    for state in np.argsort(upstream, kind="stable").tolist():
        if state not in seen:
            loop = np.flatnonzero(mutual[state]).tolist()
            seen.update(loop)
            found.append(loop)
    return found


def _loop_ends(chains: Sequence[Sequence[Sequence[int]]]) -> tuple[int, ...]:
    """For each position one past the last of its loop."""
    ends: list[int] = []
    for loop in (loop for chain in chains for loop in chain):
        ends += [len(ends) + len(loop)] * len(loop)
    return tuple(ends)


def pack(
    parts: Sequence[Decomposition], forced: Sequence[int], people: int
) -> tuple[NDArray[np.int64], Array, list[int]]:
    """Structure, rows of numbers and the start of each decomposition, as ``_linear_lanes`` reads them."""
    structure: list[int] = []
    rows: list[Array] = []
    starts: list[int] = []
    for part in parts:
        starts.append(len(structure))
        count = len(part.order)
        place = {int(state): position for position, state in enumerate(part.order)}
        columns = np.zeros((5, count), np.int64)
        columns[0] = part.order
        first_rate = sum(len(row) for row in rows)
        rows.append(part.rates)
        at = first_rate + count
        for column, source in ((3, part.vectors), (4, part.inverse)):
            for (first, last), block in zip(part.blocks, source, strict=True):
                size = last - first
                columns[1, first:last], columns[2, first:last] = first, part.ends[first:last]
                columns[column, first:last] = at + size * np.arange(size)
                rows.append(block.transpose(1, 2, 0).reshape(size * size, people))
                at += size * size
        structure += [count, first_rate, *columns.ravel().tolist(), *(place.get(s, -1) for s in forced)]
    table = np.concatenate(rows) if rows else np.zeros((0, people))
    return np.array(structure or [0], np.int64), np.ascontiguousarray(table), starts
