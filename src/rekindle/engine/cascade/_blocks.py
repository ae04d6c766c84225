"""Code for the blocks of a cascade plan, and for the known functions of time at the nodes.

Every quantity is an array of PLACES numbers: one for each node, and one for the start of the segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.ir as ir

from rekindle.engine._control_flow import counted_loop, variable
from rekindle.engine._emit import emit
from rekindle.engine._hoist import HOISTED
from rekindle.engine.cascade._method import NODES, STAGES, WEIGHTS
from rekindle.engine.cascade._plan import SHARED, Block
from rekindle.engine.cascade._solve import multiply_add
from rekindle.engine.lanes._lane_math import call_math
from rekindle.engine.lanes._lanes import (
    DOUBLE,
    INTEGER,
    INTEGERS,
    POINTER,
    SCALAR,
    LaneKind,
    index,
    intrinsic,
    load,
    number,
    store,
)

PLACES = STAGES + 1
START = STAGES
#: A mode that has decayed to this share of its start no longer counts.
_FADED = 1e-24


def emit_block(
    module: ir.Module, name: str, block: Block, states: Sequence[str], forcings: Sequence[str], kind: LaneKind
) -> ir.Function:
    """``void block(states, forcings, shared, rates, slopes, hoisted, first, last)``: places from first on."""
    signature = ir.FunctionType(ir.VoidType(), [kind.pointer] * 6 + [INTEGER, INTEGER])
    function = ir.Function(module, signature, name)
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    state_values, forcing_values, shared, rates, slopes, hoisted, first, last = function.args
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
                else:
                    base, place = places[symbol_name]
                    value = load(builder, base, at(place))
                found[symbol_name] = value
            return found[symbol_name]

        values = iter(emit(builder, block.roots, read, kind))
        for target, numbers in ((rates, block.rates), (slopes, block.slopes), (shared, block.kept)):
            for place in numbers:
                store(builder, next(values), target, at(place))
    builder.ret_void()
    return function


def emit_decay(module: ir.Module, kind: LaneKind) -> ir.Function:
    """``void decay(h, known, rates, modes, faded, table)``: exp(rate c_i h) into ``table``.

    The table holds those of step size ``known``; one of half the size is squared. Modes that have faded
    away are left as they are.
    """
    signature = ir.FunctionType(ir.VoidType(), [DOUBLE, DOUBLE, kind.pointer, INTEGER] + [kind.pointer] * 2)
    function = ir.Function(module, signature, "cascade_decay")
    function.linkage = "internal"
    b = ir.IRBuilder(function.append_basic_block())
    h, known, rates, modes, faded, table = function.args
    size, wide = variable(b, DOUBLE), kind.spread(b, h)
    head, square, squared = (b.append_basic_block(name) for name in ("head", "square", "squared"))
    b.store(known, size)
    b.branch(head)
    b.position_at_end(head)
    now = b.load(size)
    smaller = b.fcmp_ordered("<", now, b.fmul(number(0.75), h))
    b.cbranch(b.and_(smaller, b.fcmp_ordered(">", now, number(0.0))), square, squared)
    b.position_at_end(square)
    with counted_loop(b, b.mul(modes, index(PLACES))) as i:
        value = load(b, table, i)
        store(b, b.fmul(value, value), table, i)
    b.store(b.fmul(now, number(2.0)), size)
    b.branch(head)
    b.position_at_end(squared)
    with b.if_then(b.fcmp_ordered("!=", now, h)), counted_loop(b, modes) as mode:
        left = kind.largest(b, intrinsic(b, "llvm.fabs", load(b, faded, mode)))
        with b.if_then(b.fcmp_unordered(">", left, number(_FADED))):
            exponent = b.fmul(load(b, rates, mode), wide)
            first = b.mul(mode, index(PLACES))
            for i, node in enumerate(NODES):
                value = call_math(b, "exp", b.fmul(exponent, kind.number(node)))
                store(b, value, table, b.add(first, index(i)))
    b.ret_void()
    return function


def emit_forcing(module: ir.Module, forcings: int, kind: LaneKind) -> ir.Function:
    """``void forcings(tau, h, coefficients, lines, spans, modes, faded, table, values)`` at the nodes.

    A mode counts with coefficient times ``faded``, its decay since the start, times ``table``.
    """
    signature = ir.FunctionType(
        ir.VoidType(), [DOUBLE, DOUBLE] + [kind.pointer] * 2 + [INTEGERS, INTEGER] + [kind.pointer] * 3
    )
    function = ir.Function(module, signature, "cascade_forcings")
    function.linkage = "internal"
    b = ir.IRBuilder(function.append_basic_block())
    tau, h, *places = function.args
    times = [kind.spread(b, b.fadd(tau, b.fmul(h, number(node)))) for node in NODES]
    for forcing in range(forcings):
        _emit_sums(b, kind, forcing, times, places)
    b.ret_void()
    return function


def _emit_sums(b: ir.IRBuilder, kind: LaneKind, forcing: int, times: Sequence[Any], places: Any) -> None:
    coefficients, lines, spans, modes, faded, table, values = places
    level, gradient = load(b, lines, 2 * forcing), load(b, lines, 2 * forcing + 1)
    totals = [variable(b, kind.type) for _ in times]
    for total, time in zip(totals, times, strict=True):
        b.store(multiply_add(b, gradient, time, level), total)
    first, last = load(b, spans, 2 * forcing), load(b, spans, 2 * forcing + 1)
    row = b.mul(modes, index(forcing))
    with counted_loop(b, last, first) as mode:
        weight = b.fmul(load(b, coefficients, b.add(row, mode)), load(b, faded, mode))
        for i, total in enumerate(totals):
            term = load(b, table, b.add(b.mul(mode, index(PLACES)), index(i)))
            b.store(multiply_add(b, weight, term, b.load(total)), total)
    for i, total in enumerate(totals):
        store(b, b.load(total), values, forcing * PLACES + i)


def emit_weights(module: ir.Module) -> ir.Function:
    """``void weights(s, weights[7])``: u(t + s h) = y + sum_j weights_j Z_j."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [DOUBLE, POINTER]), "cascade_weights")
    function.linkage = "internal"
    b = ir.IRBuilder(function.append_basic_block())
    position, weights = function.args
    for i, weight in enumerate(polynomial_weights(b, SCALAR, position)):
        store(b, weight, weights, i)
    b.ret_void()
    return function


def polynomial_weights(b: ir.IRBuilder, kind: LaneKind, position: Any) -> list[Any]:
    """Weights of the increments at a share of the step, which may differ between lanes."""
    gaps = [b.fsub(position, kind.number(node)) for node in NODES]
    left, right = [position], [kind.number(1.0)]
    for gap in gaps[:-1]:
        left.append(b.fmul(left[-1], gap))
    for gap in reversed(gaps[1:]):
        right.append(b.fmul(right[-1], gap))
    return [
        b.fmul(kind.number(float(weight)), b.fmul(left[i], right[STAGES - 1 - i]))
        for i, weight in enumerate(WEIGHTS)
    ]
