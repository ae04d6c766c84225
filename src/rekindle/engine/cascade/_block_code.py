"""Code for the blocks of a cascade plan: the expressions of one state at the nodes of a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.cascade._block import SHARED, Block
from rekindle.engine.cascade._method import PLACES
from rekindle.engine.code._control_flow import counted_loop
from rekindle.engine.code._emit import emit
from rekindle.engine.code._hoist import HOISTED
from rekindle.engine.lanes._lanes import INTEGER, LaneKind, index, keep_apart, load, store


def emit_block(
    module: ir.Module, name: str, block: Block, states: Sequence[str], forcings: Sequence[str], kind: LaneKind
) -> ir.Function:
    """``void block(states, forcings, shared, rates, slopes, hoisted, y, first, last)``: places from first on.

    Rates of states that stand still come one after the other, those of other states at their places.
    """
    signature = ir.FunctionType(ir.VoidType(), [kind.pointer] * 7 + [INTEGER, INTEGER])
    function = ir.Function(module, signature, name)
    keep_apart(function)
    builder = ir.IRBuilder(function.append_basic_block())
    state_values, forcing_values, shared, rates, slopes, hoisted, y, first, last = function.args
    standing = {states[i]: i for i in block.standing}
    places: dict[str, tuple[Any, int]] = {s: (forcing_values, i) for i, s in enumerate(forcings)}
    places |= {s: (state_values, i) for i, s in enumerate(states)}
    with counted_loop(builder, last, first) as node:
        found: dict[str, Any] = {}

        def at(number: int) -> Any:
            return builder.add(node, index(number * PLACES))

        def read(symbol_name: str) -> Any:
            if symbol_name not in found:
                if symbol_name.startswith(HOISTED):
                    value = load(builder, hoisted, int(symbol_name[len(HOISTED) :]))
                elif symbol_name.startswith(SHARED):
                    value = load(builder, shared, at(int(symbol_name[len(SHARED) :])))
                elif symbol_name in standing:
                    value = load(builder, y, standing[symbol_name])
                else:
                    base, place = places[symbol_name]
                    value = load(builder, base, at(place))
                found[symbol_name] = value
            return found[symbol_name]

        values = iter(emit(builder, block.roots, read, kind, quick=True))
        rate_places = range(len(block.rates)) if block.standing else block.rates
        for target, numbers in ((rates, rate_places), (slopes, block.slopes), (shared, block.kept)):
            for place in numbers:
                store(builder, next(values), target, at(place))
    builder.ret_void()
    return function
