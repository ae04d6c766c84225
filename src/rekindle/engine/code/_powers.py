"""Powers written so that they are quick to evaluate in the lanes of a vector."""

from __future__ import annotations

from collections.abc import Sequence

from rekindle.modelling import Expression, call, constant, rebuild, select, topological

_SMALLEST_BASE = 1e-300


def with_quick_powers(roots: Sequence[Expression]) -> list[Expression]:
    """Write x^p as exp(p log x) where p is not a small whole number or a half.

    A library's power is exact to the last digit at several times the cost; here it only has to be better than
    the tolerance. The logarithm is taken of ``_SMALLEST_BASE`` where the base has decayed to nothing, because
    its slope is infinite at 0, and so is 1/x for the smallest numbers; the power is 0 there.
    """
    done: dict[Expression, Expression] = {}
    smallest = constant(_SMALLEST_BASE)
    for node in topological(roots):
        arguments = tuple(done[argument] for argument in node.arguments)
        plain = node.operation != "pow" or (
            arguments[1].is_constant and (2 * arguments[1].value).is_integer()
        )
        if not arguments:
            done[node] = node
        elif plain:
            done[node] = rebuild(node, arguments)
        else:
            base, exponent = arguments
            nothing = call("lt", call("abs", base), smallest)
            power = call("exp", exponent * call("log", select(nothing, smallest, base)))
            vanishes = call("and", nothing, call("gt", exponent, constant(0.0)))
            done[node] = select(vanishes, constant(0.0), power)
    return [done[root] for root in roots]
