"""Feedback loops whose rates are linear in the states of the loop: solved directly, without sweeps.

Tangents of a feedback loop are the most frequent ones. A few states are torn out so that the others follow
from each other in order; how those answer to the torn ones is found once a step (once a step size where it
is constant between events) and serves all loops with the same couplings, such as the tangents of one loop
with respect to several parameters.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from rekindle.engine.cascade._block import Block
from rekindle.modelling import Expression, constant, differentiate, symbols

#: The matrix of the torn states grows with the cube of their number; above this, sweeping is cheaper.
_MOST_TORN = 3
#: Loops with more states are swept: too many sets of torn states would have to be tried.
_MOST_STATES = 16

Couplings = dict[tuple[int, int], Expression]


@dataclass(frozen=True)
class Shape:
    """Which state of a loop acts on which, by their places in the loop.

    Attributes:
        order: places of the states that follow from each other, once ``torn`` is known.
        torn: places of the others.
        entries: (row, column) -> number of the coupling; every state has its own slope there.
    """

    order: tuple[int, ...]
    torn: tuple[int, ...]
    entries: Mapping[tuple[int, int], int]


@dataclass(frozen=True, eq=False)
class Operator:
    """The couplings of one or more loops.

    Attributes:
        shape: which state acts on which.
        block: evaluates the couplings, which are kept from ``first`` on.
        fixed: the couplings are constant between events.
        leaders: states of the first of the loops.
    """

    shape: Shape
    block: Block
    fixed: bool
    leaders: tuple[int, ...]


@dataclass(frozen=True)
class LinearLoop:
    """States of a loop that are solved together.

    Attributes:
        states: in the order that places in the shape refer to.
        operator: their couplings.
        right: rates of the states as if they stood still.
    """

    states: tuple[int, ...]
    operator: Operator
    right: Block

    @property
    def is_first(self) -> bool:
        """Whether this loop evaluates the couplings, for itself and the loops after it."""
        return self.states == self.operator.leaders

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Blocks in the order in which they are evaluated."""
        return (self.operator.block, self.right) if self.is_first else (self.right,)


def couplings(names: Sequence[str], rates: Sequence[Expression]) -> Couplings | None:
    """Slopes of the rates of a loop with respect to its states; None if the rates are not linear in them.

    >>> from rekindle.modelling import symbol
    >>> a, b, k = symbol("a"), symbol("b"), symbol("k")
    >>> sorted(couplings(["a", "b"], [k * b - a, a]))
    [(0, 0), (0, 1), (1, 0)]
    >>> couplings(["a", "b"], [k * b - a, a * a])
    """
    found: Couplings = {}
    for row, rate in enumerate(rates):
        used = symbols(rate) & set(names)
        for column, name in enumerate(names):
            if name not in used:
                continue
            slope = differentiate(rate, name)
            if symbols(slope) & set(names):
                return None
            if not slope.equals(0.0):
                found[row, column] = slope
    return found


def tear(size: int, pairs: set[tuple[int, int]]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The order of the states of a loop and the few that have to be torn out for it; None if it takes many.

    >>> tear(3, {(0, 1), (1, 0), (1, 2), (2, 1)})
    ((0, 2), (1,))
    """
    if size > _MOST_STATES:
        return None
    for count in range(1, _MOST_TORN + 1):
        for torn in combinations(range(size), count):
            order = _in_order([i for i in range(size) if i not in torn], pairs)
            if order is not None:
                return order, torn
    return None


def _in_order(places: Sequence[int], pairs: set[tuple[int, int]]) -> tuple[int, ...] | None:
    ordered: list[int] = []
    left = list(places)
    while left:
        ready = [i for i in left if not any((i, j) in pairs for j in left if j != i)]
        if not ready:
            return None
        ordered += ready
        left = [i for i in left if i not in ready]
    return tuple(ordered)


class LinearLoops:
    """Linear loops with their couplings, which loops of the same equations share."""

    def __init__(self, moving: Collection[str]) -> None:
        self.moving = set(moving)
        self.operators: dict[tuple[object, ...], Operator] = {}
        self.entries = 0

    def loop(
        self,
        members: Sequence[int],
        names: Sequence[str],
        rates: Sequence[Expression],
        own: Mapping[int, Expression],
    ) -> LinearLoop | None:
        """The loop, if it is linear and few states have to be torn out."""
        found = couplings(names, rates)
        parts = None if found is None else tear(len(members), set(found))
        if found is None or parts is None:
            return None
        for i in range(len(members)):
            found.setdefault((i, i), constant(0.0))
        key = tuple(sorted((pair, id(entry)) for pair, entry in found.items()))
        if key not in self.operators:
            numbers = {pair: self.entries + i for i, pair in enumerate(found)}
            self.entries += len(found)
            block = Block(entries={numbers[pair]: entry for pair, entry in found.items()})
            fixed = not symbols(*found.values()) & self.moving
            self.operators[key] = Operator(Shape(*parts, numbers), block, fixed, tuple(members))
        right = Block(dict(zip(members, rates, strict=True)), dict(own), together=tuple(members))
        return LinearLoop(tuple(members), self.operators[key], right)
