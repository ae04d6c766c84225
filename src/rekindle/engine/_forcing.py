"""Known functions of time in the integration loop: the exactly solved states, ramps and time itself."""

from __future__ import annotations

import llvmlite.ir as ir

from rekindle.engine._control_flow import counted_loop, variable
from rekindle.engine._emit import DOUBLE, INTEGER, POINTER, index, intrinsic, load, store


def emit_forcing(module: ir.Module, forcings: int) -> ir.Function:
    """``void forcing(tau, rates, coefficients, lines, modes, exponentials, values, slopes)``.

    value_j = line_j0 + line_j1 tau + sum_m coefficient_jm exp(rate_m tau), and its slope.
    """
    kind = ir.FunctionType(
        ir.VoidType(), [DOUBLE, POINTER, POINTER, POINTER, INTEGER, POINTER, POINTER, POINTER]
    )
    function = ir.Function(module, kind, "forcing")
    builder = ir.IRBuilder(function.append_basic_block())
    tau, rates, coefficients, lines, modes, exponentials, values, slopes = function.args
    with counted_loop(builder, modes) as mode:
        exponent = builder.fmul(load(builder, rates, mode), tau)
        store(builder, intrinsic(builder, "llvm.exp", exponent), exponentials, mode)
    total, slope = variable(builder, DOUBLE), variable(builder, DOUBLE)
    for position in range(forcings):
        gradient = load(builder, lines, 2 * position + 1)
        builder.store(builder.fadd(load(builder, lines, 2 * position), builder.fmul(gradient, tau)), total)
        builder.store(gradient, slope)
        with counted_loop(builder, modes) as mode:
            place = builder.add(builder.mul(modes, index(position)), mode)
            term = builder.fmul(load(builder, coefficients, place), load(builder, exponentials, mode))
            builder.store(builder.fadd(builder.load(total), term), total)
            steep = builder.fmul(term, load(builder, rates, mode))
            builder.store(builder.fadd(builder.load(slope), steep), slope)
        store(builder, builder.load(total), values, position)
        store(builder, builder.load(slope), slopes, position)
    builder.ret_void()
    return function
