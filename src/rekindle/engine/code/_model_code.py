"""The model's functions outside the stepper, in lanes: outputs, events, initial values, sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import llvmlite.ir as ir

from rekindle.engine._derivation import Derivation
from rekindle.engine._system import TIME
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.code._emit import emit
from rekindle.engine.code._step_functions import reader
from rekindle.engine.lanes._lanes import (
    DOUBLE,
    INTEGER,
    POINTER,
    LaneKind,
    index,
    keep_apart,
    load,
    place,
    store,
)
from rekindle.modelling import Expression, constant


@dataclass(frozen=True)
class ModelCode:
    """Functions ``void f(time, states, hoisted, result)``, times in lanes, states linear ones first."""

    initial: ir.Function
    source: ir.Function
    events: tuple[ir.Function, ...]
    peaks: tuple[ir.Function, ...]
    write: ir.Function  # (time, states, hoisted, results, person stride, row, mask or null)


def model_roots(derivation: Derivation) -> dict[str, list[Expression]]:
    """Everything that a kernel evaluates besides ``step_roots``, by name."""
    rows, system = derivation.row_roots, derivation.system
    source = [system.source.get(i, constant(0.0)) for i in range(len(system.linear))]
    kept = {name: roots for name, roots in rows.items() if name not in ("dosing", "linear")}
    return {**kept, "source": source}


def emit_model(
    module: ir.Module, derivation: Derivation, roots: Mapping[str, Sequence[Expression]], kind: LaneKind
) -> ModelCode:
    """Emit them from hoisted expressions."""

    def row(name: str) -> ir.Function:
        return _emit_row(module, derivation, name.replace(" ", "_"), roots[name], kind)

    return ModelCode(
        initial=row("initial"),
        source=row("source"),
        events=tuple(row(f"event {name}") for name in derivation.event_names),
        peaks=tuple(row(f"peak {name}") for name in derivation.peak_names),
        write=_emit_write(module, row("outputs"), len(roots["outputs"]), kind),
    )


def _emit_row(
    module: ir.Module, derivation: Derivation, name: str, roots: Sequence[Expression], kind: LaneKind
) -> ir.Function:
    arguments = [kind.type, kind.pointer, kind.pointer, kind.pointer]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), f"row_{name}")
    keep_apart(function)
    time, states, hoisted, results = function.args
    builder = ir.IRBuilder(function.append_basic_block())
    places = {state: (states, i) for i, state in enumerate(derivation.states)}
    stored = reader(builder, places, hoisted)
    values = emit(builder, roots, lambda symbol: time if symbol == TIME else stored(symbol), kind)
    for position, value in enumerate(values):
        store(builder, value, results, position)
    builder.ret_void()
    return function


def _emit_write(module: ir.Module, outputs: ir.Function, count: int, kind: LaneKind) -> ir.Function:
    """``void write(time, states, hoisted, results, person stride, row, mask)``: one row of every lane.

    A lane whose mask is 0 keeps what it has.
    """
    arguments = [kind.type, kind.pointer, kind.pointer, POINTER, INTEGER, INTEGER, kind.type]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), "write_outputs")
    keep_apart(function)
    time, states, hoisted, results, stride, row, mask = function.args
    builder = ir.IRBuilder(function.append_basic_block())
    values = variable(builder, kind.type, count)
    builder.call(outputs, [time, states, hoisted, values])
    flat = builder.bitcast(values, POINTER)
    first = place(builder, results, builder.mul(row, index(count)))
    for lane in range(kind.lanes):
        wanted = builder.fcmp_ordered("!=", kind.lane(builder, mask, lane), ir.Constant(DOUBLE, 0.0))
        with builder.if_then(wanted):
            target = place(builder, first, builder.mul(stride, index(lane)))
            with counted_loop(builder, count) as i:
                value = load(builder, flat, builder.add(builder.mul(i, index(kind.lanes)), index(lane)))
                store(builder, value, target, i)
    builder.ret_void()
    return function
