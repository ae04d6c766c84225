"""Expressions with kinks as smooth pieces, for integrators that need derivatives of every order.

Whether ``max(a, b)`` is its first or its second argument is a number, a mode, that stays as it is until an
event changes it: where its gap ``a - b`` passes zero. What rests at a kink (a state that waits at 0 for its
first dose) would make an event of every moment, so every gap is widened by a little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rekindle.modelling import Expression, constant, rebuild, select, symbol, topological

#: By how much gaps are widened; no value is off by more.
SLACK = 1e-10
#: A power of what rises from zero has no derivatives there; below this its base is taken as this.
LOWEST = 1e-9


@dataclass(frozen=True)
class Pieces:
    """Expressions without kinks.

    Attributes:
        roots: the expressions in terms of ``mode_0``, ``mode_1``, ..., each 1 or 0.
        gaps: a mode is 1 while its gap is not negative; a gap may depend on modes that stand before it.
    """

    roots: tuple[Expression, ...]
    gaps: tuple[Expression, ...]


def mode(number: int) -> str:
    """Name of a mode."""
    return f"mode_{number}"


def pieces(roots: Sequence[Expression]) -> Pieces:
    """Replace ``max``, ``min``, ``abs``, comparisons and logic by modes."""
    modes: dict[Expression, Expression] = {}

    def holds(gap: Expression) -> Expression:
        return modes.setdefault(gap + SLACK, symbol(mode(len(modes))))

    smooth: dict[Expression, Expression] = {}
    lifted = _lift(roots)
    for node in topological(lifted):
        smooth[node] = _smooth(node, tuple(smooth[argument] for argument in node.arguments), holds)
    return Pieces(tuple(smooth[root] for root in lifted), tuple(modes))


def _smooth(
    node: Expression, parts: tuple[Expression, ...], holds: Callable[[Expression], Expression]
) -> Expression:
    match node.operation, parts:
        case "constant" | "symbol", _:
            return node
        case "max", (a, b):
            return select(holds(a - b), a, b)
        case "min", (a, b):
            return select(holds(b - a), a, b)
        case "abs", (a,):
            return select(holds(a), a, -a)
        case "gt" | "ge", (a, b):
            return holds(a - b)
        case "lt" | "le", (a, b):
            return holds(b - a)
        case "and", (a, b):
            return a * b
        case "or", (a, b):
            return a + b - a * b
        case "not", (a,):
            return 1.0 - a
        case _:
            return rebuild(node, parts)


def _lift(roots: Sequence[Expression]) -> list[Expression]:
    """Powers of ``max(x, 0)`` become powers of ``max(x, LOWEST)``."""
    done: dict[Expression, Expression] = {}
    for node in topological(roots):
        parts = [done[argument] for argument in node.arguments]
        if node.operation == "pow" and parts[0].operation == "max" and parts[0].arguments[1].equals(0.0):
            parts[0] = rebuild(parts[0], (parts[0].arguments[0], constant(LOWEST)))
        done[node] = rebuild(node, tuple(parts)) if parts else node
    return [done[root] for root in roots]
