"""Known functions of time in the integration loop: the exactly solved states, ramps and time itself."""

from __future__ import annotations

import llvmlite.ir as ir

from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.code._step_functions import WatchFunctions
from rekindle.engine.lanes._lane_math import decay
from rekindle.engine.lanes._lanes import (
    FLAGS,
    INTEGER,
    INTEGERS,
    LaneKind,
    index,
    keep_apart,
    load,
    place,
    store,
)


def emit_forcing(module: ir.Module, parts: WatchFunctions, kind: LaneKind, *, slopes: bool) -> ir.Function:
    """``void forcing(tau, rates, coefficients, lines, spans, modes, exponentials, hoisted, values[,
    slopes])``.

    value_j = line_j0 + line_j1 tau + sum over m in span_j of coefficient_jm exp(rate_m tau), and its slope.
    What the model derives from the values alone follows them.
    """
    arrays = [kind.pointer] * 3 + [INTEGERS, INTEGER] + [kind.pointer] * (4 if slopes else 3)
    signature = ir.FunctionType(ir.VoidType(), [kind.type, *arrays])
    function = ir.Function(module, signature, "forcing_with_slopes" if slopes else "forcing")
    keep_apart(function)
    builder = ir.IRBuilder(function.append_basic_block())
    tau, rates, coefficients, lines, spans, modes, exponentials, hoisted, values, *steep = function.args
    with counted_loop(builder, modes) as mode:
        exponent = builder.fmul(load(builder, rates, mode), tau)
        store(builder, decay(builder, exponent), exponentials, mode)
    total, slope = variable(builder, kind.type), variable(builder, kind.type)
    with counted_loop(builder, parts.forcings) as j:
        twice = builder.mul(j, index(2))
        following = builder.add(twice, index(1))
        gradient = load(builder, lines, following)
        straight = builder.fmul(gradient, tau, flags=FLAGS)
        builder.store(builder.fadd(load(builder, lines, twice), straight, flags=FLAGS), total)
        builder.store(gradient, slope)
        own = place(builder, coefficients, builder.mul(modes, j))
        with counted_loop(builder, load(builder, spans, following), load(builder, spans, twice)) as mode:
            term = builder.fmul(load(builder, own, mode), load(builder, exponentials, mode), flags=FLAGS)
            builder.store(builder.fadd(builder.load(total), term, flags=FLAGS), total)
            if steep:
                steeper = builder.fmul(term, load(builder, rates, mode), flags=FLAGS)
                builder.store(builder.fadd(builder.load(slope), steeper, flags=FLAGS), slope)
        store(builder, builder.load(total), values, j)
        if steep:
            store(builder, builder.load(slope), steep[0], j)
    if parts.derived:
        builder.call(parts.derive, [values, hoisted])
    builder.ret_void()
    return function
