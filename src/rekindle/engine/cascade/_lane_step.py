"""One collocation step that begins at each lane's own time, for lanes that have parted at a peak."""

from __future__ import annotations

import llvmlite.ir as ir

from rekindle.engine.cascade._method import NODES, PLACES, STAGES, START
from rekindle.engine.cascade._polynomial import polynomial_weights
from rekindle.engine.cascade._solve import multiply_add
from rekindle.engine.cascade._step import NOT_CONVERGED, StepFunctions
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.code._layout import Layout
from rekindle.engine.code._step_functions import WatchFunctions
from rekindle.engine.lanes._lane_step import LaneStep
from rekindle.engine.lanes._lanes import (
    DOUBLE,
    INTEGER,
    INTEGERS,
    LaneKind,
    index,
    keep_apart,
    load,
    store,
)
from rekindle.engine.linear._forcing import emit_forcing


def emit_lane_step(module: ir.Module, functions: StepFunctions, parts: WatchFunctions) -> LaneStep:
    """Emit a step, its dense output and the forcings.

    Args:
        module: where they go.
        functions: what a step of the cascade calls.
        parts: the model's own functions.
    """
    kind = functions.kind
    values = parts.forcings + parts.derived
    work = Layout(
        increments=parts.states * PLACES, updated=parts.states, values=values, slopes=parts.forcings,
        end_values=values, end_slopes=parts.forcings, exponentials=parts.modes,
    )  # fmt: skip
    forcing = emit_forcing(module, parts, kind, slopes=True)
    arguments = [kind.pointer] * 5 + [INTEGERS, INTEGER, kind.type, kind.type, DOUBLE, DOUBLE, kind.pointer]
    step = ir.Function(module, ir.FunctionType(kind.type, arguments), "cascade_lane_step")
    keep_apart(step)
    _emit_step(step, functions, parts, forcing, work)
    dense = _emit_dense(module, parts.states, kind, work)
    return LaneStep(step, dense, forcing, work, parts, kind, looks=NODES, restep=False)


def _emit_step(
    function: ir.Function,
    functions: StepFunctions,
    parts: WatchFunctions,
    forcing: ir.Function,
    work: Layout,
) -> None:
    kind, b = functions.kind, ir.IRBuilder(function.append_basic_block())
    y, hoisted, *arrays, tau, h, relative, absolute, base = function.args
    at, memory = work.all(b, base), functions.memory.reserve(b)
    own = functions.memory.at(b, *memory)
    for j in range(parts.forcings):
        store(b, load(b, at["values"], j), own["known"], j * PLACES + START)
    nodes = variable(b, kind.type, STAGES)
    for i, node in enumerate(NODES):
        store(b, kind.number(node), nodes, i)
    with counted_loop(b, STAGES) as i:
        time = multiply_add(b, h, load(b, nodes, i), tau)
        b.call(forcing, [time, *arrays, at["exponentials"], hoisted, at["end_values"], at["end_slopes"]])
        for j in range(parts.forcings):
            store(b, load(b, at["end_values"], j), own["known"], b.add(i, index(j * PLACES)))
    b.call(functions.begin, [y, hoisted, *memory])
    b.call(functions.shifts, [h, *memory])
    tolerances = kind.spread(b, absolute), kind.spread(b, relative)
    errors = b.call(functions.solve, [y, hoisted, h, *tolerances, *memory])
    with counted_loop(b, parts.states) as i:
        first = b.mul(i, index(PLACES))
        for j in range(STAGES):
            place = b.add(first, index(j))
            store(b, load(b, own["increments"], place), at["increments"], place)
        last = load(b, own["increments"], b.add(first, index(STAGES - 1)))
        store(b, b.fadd(load(b, y, i), last), at["updated"], i)
    none = kind.number(NOT_CONVERGED)
    b.ret(b.select(b.fcmp_ordered("==", errors, none), kind.number(float("inf")), errors))


def _emit_dense(module: ir.Module, states: int, kind: LaneKind, work: Layout) -> ir.Function:
    """``void dense(y, work, s, result)``: the collocation polynomial at each lane's own share."""
    arguments = [kind.pointer, kind.pointer, kind.type, kind.pointer]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), "cascade_dense")
    keep_apart(function)
    y, base, share, result = function.args
    b = ir.IRBuilder(function.append_basic_block())
    weights = polynomial_weights(b, kind, share)
    increments = work.at(b, base, "increments")
    with counted_loop(b, states) as i:
        first = b.mul(i, index(PLACES))
        value = load(b, y, i)
        for j, weight in enumerate(weights):
            value = multiply_add(b, weight, load(b, increments, b.add(first, index(j))), value)
        store(b, value, result, i)
    b.ret_void()
    return function
