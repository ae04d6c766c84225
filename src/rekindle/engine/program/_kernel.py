"""Machine code that carries out the whole program of a lane group in one call.

A program is a list of operations (kind, two to four numbers) that all people of a group share, with one value
a person where they differ. See ``_program`` for how it is made from an event table.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cached_property
from typing import Any

import llvmlite.ir as ir
import numpy as np
from numpy.typing import NDArray

from rekindle.engine._derivation import Derivation
from rekindle.engine.cascade import _stepper as cascade
from rekindle.engine.cascade._lane_step import emit_lane_step
from rekindle.engine.code._emit import emit
from rekindle.engine.code._machine_code import FULL, LIGHT, MachineCode
from rekindle.engine.code._model_code import emit_model, model_roots
from rekindle.engine.code._powers import with_quick_powers
from rekindle.engine.code._processor import Processor
from rekindle.engine.code._step_functions import (
    WatchFunctions,
    emit_prologue,
    emit_step_functions,
    emit_watch_functions,
    hoist_groups,
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
from rekindle.engine.rodas import _stepper as stepper
from rekindle.engine.rodas._rodas_step import emit_step

Array = NDArray[np.float64]


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
            integrate = stepper.emit_integrate(module, own, kind, step)
        frame = Frame(derivation, parts, len(hoisted), kind)
        peaks = emit_peak_handler(module, frame, step, linear, model) if step and parts.peak_count else None
        Runner(module, frame, prologue, model, linear, integrate, peaks)
        _emit_matrix(module, derivation, kind)
        return module


class Kernel(KernelSource):
    """The same, compiled for this processor.

    Args:
        derivation, lanes, integrator: as for ``KernelSource``.
        processor: compile for another level of this processor's instructions.
    """

    def __init__(
        self,
        derivation: Derivation,
        lanes: int,
        integrator: str = "L1",
        processor: Processor | None = None,
    ) -> None:
        super().__init__(derivation, lanes, integrator)
        key = f"{integrator} {lanes} lanes {derivation.system.digest}"
        self.library = MachineCode(self.module, key, processor, LIGHT if integrator == "L2" else FULL)
        pointer, whole = ctypes.c_void_p, ctypes.c_int64
        self.run: Callable[..., int] = self.library.function(
            "run",
            whole,
            [pointer, whole, *[pointer] * 5, whole, pointer, pointer, pointer, whole, pointer, pointer],
        )

    def matrix(self, constants: Array) -> Array:
        """Entries (entries, people) of the linear block for constants (constants, people)."""
        count, people = len(self.derivation.system.matrix), constants.shape[1]
        padded = -(-people // self.lanes) * self.lanes
        spread = constants[:, np.minimum(np.arange(padded), people - 1)] if padded > people else constants
        given = np.ascontiguousarray(spread)
        result = np.empty((count, padded))
        for start in range(0, padded, self.lanes):
            shift = 8 * start
            self._matrix(given.ctypes.data + shift, padded, result.ctypes.data + shift)
        return result[:, :people]

    @cached_property
    def _matrix(self) -> Callable[..., None]:
        pointer = ctypes.c_void_p
        function: Callable[..., None] = self.library.function(
            "matrix", None, [pointer, ctypes.c_int64, pointer]
        )
        return function


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
