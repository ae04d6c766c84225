"""Moments at which a condition on the time turns over, so that no step has to cross them.

A step across a jump in a rate is refused again and again until it is too short to matter. Where both sides of
a comparison are straight lines in time, such as the time since an event, the moment is known beforehand.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import llvmlite.ir as ir

from rekindle.engine._derivation import Derivation
from rekindle.engine._system import TIME
from rekindle.engine.cascade._method import PLACES, START
from rekindle.engine.cascade._solve import multiply_add
from rekindle.engine.code._emit import emit
from rekindle.engine.code._hoist import HOISTED
from rekindle.engine.lanes._lanes import DOUBLE, LaneKind, keep_apart, load
from rekindle.modelling import Expression, differentiate, symbols, topological

_TURNING = ("lt", "le", "gt", "ge", "min", "max")


def straight_forcings(derivation: Derivation) -> frozenset[str]:
    """Known functions that are straight lines in time between events."""
    system = derivation.system
    curved = {system.linear[row] for row, _ in system.matrix}
    return frozenset({TIME, *system.linear} - curved) & frozenset(derivation.forcings)


def switches(
    roots: Sequence[Expression], straight: Collection[str], moving: Collection[str]
) -> list[Expression]:
    """Differences between the sides of comparisons that are straight lines in time.

    Args:
        roots: where comparisons are looked for, with constants hoisted.
        straight: names of straight lines in time.
        moving: names of everything that changes between events.
    """
    found: dict[Expression, None] = {}
    for node in topological(roots):
        if node.operation not in _TURNING:
            continue
        left, right = node.arguments
        difference = left - right
        own = symbols(difference) & set(moving)
        slopes = [differentiate(difference, name) for name in own]
        if own and own <= set(straight) and not symbols(*slopes) & set(moving):
            found[difference] = None
    return list(found)


def emit_switches(
    module: ir.Module, differences: Sequence[Expression], forcings: Sequence[str], kind: LaneKind
) -> ir.Function:
    """``double wait(known, lines, hoisted)``: time to the first moment when a sign turns in any lane.

    Args:
        module: where it goes.
        differences: what ``switches`` found.
        forcings: names of the known functions of time; their values are at place START.
        kind: numbers that the code works on.
    """
    function = ir.Function(module, ir.FunctionType(DOUBLE, [kind.pointer] * 3), "cascade_wait")
    keep_apart(function)
    known, lines, hoisted = function.args
    b = ir.IRBuilder(function.append_basic_block())

    def read(name: str) -> Any:
        if name.startswith(HOISTED):
            return load(b, hoisted, int(name[len(HOISTED) :]))
        return load(b, known, forcings.index(name) * PLACES + START)

    never = first = kind.number(float("inf"))
    for difference in differences:
        slope = kind.number(0.0)
        for name in sorted(symbols(difference) & set(forcings)):
            (own,) = emit(b, [differentiate(difference, name)], read, kind)
            slope = multiply_add(b, own, load(b, lines, 2 * forcings.index(name) + 1), slope)
        (value,) = emit(b, [difference], read, kind)
        wait = b.fdiv(b.fneg(value), slope)
        wait = b.select(b.fcmp_ordered(">", wait, kind.number(0.0)), wait, never)
        first = b.select(b.fcmp_ordered("<", wait, first), wait, first)
    b.ret(kind.smallest(b, first))
    return function
