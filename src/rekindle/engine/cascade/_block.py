"""What a cascade plan consists of: blocks of expressions, and feedback loops that are swept."""

from __future__ import annotations

from dataclasses import dataclass, field

from rekindle.modelling import Expression

#: Prefix of the names of subexpressions that one block keeps for later ones.
SHARED = "shared "


@dataclass
class Block:
    """Expressions evaluated at every node, then the state that is solved with them.

    Attributes:
        rates: state -> derivative.
        slopes: state -> derivative of the rate with respect to the state, where it varies inside a step.
        kept: number of a shared subexpression -> its expression.
        entries: couplings of a linear loop; they are kept behind the shared subexpressions.
        updates: the state solved afterwards; None for a block that only prepares a loop.
        together: the states of a linear loop solved afterwards.
        standing: states that the block takes as they are at the start of the step; its rates are those of
            these states and are used up at once.
        loop: number of the feedback loop that the block is swept in; None outside.
        alone: the block is evaluated at one node only.
    """

    rates: dict[int, Expression] = field(default_factory=dict)
    slopes: dict[int, Expression] = field(default_factory=dict)
    kept: dict[int, Expression] = field(default_factory=dict)
    entries: dict[int, Expression] = field(default_factory=dict)
    updates: int | None = None
    together: tuple[int, ...] = ()
    standing: tuple[int, ...] = ()
    loop: int | None = None
    alone: bool = False

    @property
    def roots(self) -> list[Expression]:
        """All expressions of the block: rates, slopes, kept ones."""
        return [*self.rates.values(), *self.slopes.values(), *self.kept.values(), *self.entries.values()]

    @property
    def solved(self) -> tuple[int, ...]:
        """States solved after the block."""
        return self.together if self.updates is None else (self.updates,)


@dataclass(frozen=True)
class Loop:
    """States swept together: what is evaluated once before, and one block for each state.

    What comes before includes the first state's rate, so that the first sweep begins with solving it. Slopes
    are those of one node: they only have to make the sweeps converge.
    """

    slopes: Block
    before: Block
    sweep: tuple[Block, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, in the order in which they are first evaluated."""
        return (self.slopes, self.before, *self.sweep)

    @property
    def states(self) -> tuple[int, ...]:
        """States of the loop in the order in which they are solved."""
        return tuple(block.updates for block in self.sweep if block.updates is not None)
