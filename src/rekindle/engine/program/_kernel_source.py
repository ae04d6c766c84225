"""The code of a program runner, generated: what ``Kernel`` has compiled where it is not kept already."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine._derivation import Derivation
from rekindle.engine.cascade import _stepper as cascade
from rekindle.engine.cascade._lane_step import emit_lane_step
from rekindle.engine.code._emit import emit
from rekindle.engine.code._hoist import hoist_groups
from rekindle.engine.code._model_code import emit_model, model_roots
from rekindle.engine.code._powers import with_quick_powers
from rekindle.engine.code._step_functions import (
    WatchFunctions,
    emit_prologue,
    emit_step_functions,
    emit_watch_functions,
)
from rekindle.engine.lanes._lane_frame import Frame
from rekindle.engine.lanes._lane_journey import emit_peak_handler
from rekindle.engine.lanes._lanes import (
    INTEGER,
    POINTER,
    LaneKind,
    index,
    load,
    place,
    store,
)
from rekindle.engine.lanes._linear_lanes import emit_linear
from rekindle.engine.program._runner import Runner
from rekindle.engine.rodas._rodas_step import emit_step
from rekindle.engine.rodas._stepper import emit_integrate


class KernelSource:
    """The generated program runner of a system for a number of lanes.

    Args:
        derivation: the system and what follows from it; it has no ramps.
        lanes: people in a group.
        integrator: "L1" for Rodas5P, "L2" for cascade collocation.
    """

    def __init__(self, derivation: Derivation, lanes: int, integrator: str = "L1") -> None:
        self.derivation, self.lanes, self.integrator = derivation, lanes, integrator

    def module(self) -> ir.Module:
        """Generate the code: ``run``, which carries out a program, and ``matrix``."""
        derivation, lanes = self.derivation, self.lanes
        kind = LaneKind(lanes)
        module = ir.Module("rekindle_lanes")
        parts: WatchFunctions
        cascaded = self.integrator == "L2"
        steps = (
            {"peaks": derivation.peak_slopes, **cascade.cascade_roots(derivation)}
            if cascaded
            else {name: with_quick_powers(roots) for name, roots in derivation.step_roots.items()}
        )
        hoisted_roots, hoisted = hoist_groups(
            {**steps, **model_roots(derivation)}, set(derivation.constant_index)
        )
        prologue = emit_prologue(module, derivation, hoisted, kind)
        model = emit_model(module, derivation, hoisted_roots, kind)
        forced = sum(name in derivation.system.linear for name in derivation.forcings)
        linear = emit_linear(module, len(derivation.system.linear), forced, kind)
        if cascaded:
            parts = emit_watch_functions(module, derivation, hoisted_roots["peaks"], kind)
            functions = cascade.emit_step_functions(module, derivation, hoisted_roots, kind)
            turning = cascade.known_switches(derivation, hoisted_roots)
            integrate = cascade.emit_cascade(module, functions, hoisted_roots["peaks"], turning)
            step = emit_lane_step(module, functions, parts) if parts.peak_count else None
        else:
            parts = own = emit_step_functions(module, derivation, hoisted_roots, kind, quick=True)
            step = emit_step(module, own, kind)
            integrate = emit_integrate(module, own, kind, step)
        frame = Frame(derivation, parts, len(hoisted), kind)
        peaks = emit_peak_handler(module, frame, step, linear, model) if step and parts.peak_count else None
        Runner(module, frame, prologue, model, linear, integrate, peaks)
        _emit_matrix(module, derivation, kind)
        return module


def _emit_matrix(module: ir.Module, derivation: Derivation, kind: LaneKind) -> None:
    """``void matrix(constants, stride, entries)``: rows of one number a person, for one lane group."""
    signature = ir.FunctionType(ir.VoidType(), [POINTER, INTEGER, POINTER])
    function = ir.Function(module, signature, "matrix")
    constants, stride, entries = function.args
    builder = ir.IRBuilder(function.append_basic_block())

    def row(base: Any, position: int) -> Any:
        where = place(builder, base, builder.mul(stride, index(position)))
        return builder.bitcast(where, kind.pointer)

    found: dict[str, Any] = {}

    def read(name: str) -> Any:
        if name not in found:
            found[name] = load(builder, row(constants, derivation.constant_index[name]), 0)
        return found[name]

    for position, value in enumerate(emit(builder, list(derivation.system.matrix.values()), read, kind)):
        store(builder, value, row(entries, position), 0)
    builder.ret_void()
