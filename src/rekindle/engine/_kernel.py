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

from rekindle.engine import _stepper as stepper
from rekindle.engine._arithmetic import Numbers
from rekindle.engine._control_flow import counted_loop, variable
from rekindle.engine._derivation import Derivation
from rekindle.engine._emit import emit
from rekindle.engine._machine_code import MachineCode
from rekindle.engine._model_code import ModelCode, emit_model, model_roots
from rekindle.engine._processor import Processor
from rekindle.engine._rodas_step import emit_step
from rekindle.engine._step_functions import emit_prologue, emit_step_functions, hoist_groups
from rekindle.engine.cascade import _stepper as cascade
from rekindle.engine.cascade._lane_step import emit_lane_step
from rekindle.engine.lanes._lane_frame import Frame
from rekindle.engine.lanes._lane_journey import PeakCode, emit_peak_handler
from rekindle.engine.lanes._lanes import (
    DOUBLE,
    INTEGER,
    INTEGERS,
    POINTER,
    LaneKind,
    index,
    load,
    place,
    store,
)
from rekindle.engine.lanes._linear_lanes import LinearCode, emit_linear

Array = NDArray[np.float64]

#: Kinds of operation: (MOVE, moment, decomposition, first output, outputs), (ADD, state, value row),
#: (SET, constant, value row), (EVENT, event, moment), (RESET, moment).
MOVE, ADD, SET, EVENT, RESET = range(5)
#: Numbers of an operation.
WIDTH = 5


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
        roots = {**derivation.step_roots, **model_roots(derivation)}
        if self.integrator == "L2":
            roots |= cascade.cascade_roots(derivation)
        hoisted_roots, hoisted = hoist_groups(roots, set(derivation.constant_index))
        prologue = emit_prologue(module, derivation, hoisted, kind)
        model = emit_model(module, derivation, hoisted_roots, kind)
        parts = emit_step_functions(module, derivation, hoisted_roots, kind)
        forced = sum(name in derivation.system.linear for name in derivation.forcings)
        linear = emit_linear(module, len(derivation.system.linear), forced, kind)
        frame = Frame(derivation, parts, len(hoisted), kind)
        if self.integrator == "L2":
            functions = cascade.emit_step_functions(module, derivation, hoisted_roots, kind)
            turning = cascade.known_switches(derivation, hoisted_roots)
            integrate = cascade.emit_cascade(module, functions, hoisted_roots["peaks"], turning)
            step = emit_lane_step(module, functions, parts) if parts.peak_count else None
        else:
            step = emit_step(module, parts, kind)
            integrate = stepper.emit_integrate(module, parts, kind, step)
        peaks = emit_peak_handler(module, frame, step, linear, model) if step and parts.peak_count else None
        _Runner(module, frame, prologue, model, linear, integrate, peaks)
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
        self.library = MachineCode(self.module, key, processor)
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


class _Runner:
    def __init__(
        self,
        module: ir.Module,
        frame: Frame,
        prologue: ir.Function,
        model: ModelCode,
        linear: LinearCode,
        integrate: ir.Function,
        peaks: PeakCode | None,
    ) -> None:
        self.frame, self.kind = frame, frame.kind
        self.prologue, self.model, self.linear, self.integrate, self.peaks = (
            prologue, model, linear, integrate, peaks,
        )  # fmt: skip
        arguments = [
            INTEGERS, INTEGER, POINTER, POINTER, POINTER, POINTER, INTEGERS, INTEGER, POINTER, INTEGERS,
            POINTER, INTEGER, POINTER, POINTER,
        ]  # fmt: skip
        function = ir.Function(module, ir.FunctionType(INTEGER, arguments), "run")
        (
            self.operations, count, self.moments, self.values, constants, self.modal, self.structures,
            self.stride, self.output_times, self.output_rows, self.results, self.person_stride, self.control,
            scratch,
        ) = function.args  # fmt: skip
        self.builder = builder = ir.IRBuilder(function.append_basic_block())
        self.n = Numbers(builder, self.kind)
        self.scratch = builder.bitcast(scratch, self.kind.pointer)
        memory = variable(builder, self.kind.type, frame.layout.size)
        self.at = frame.layout.all(builder, memory)
        self.spans = variable(builder, INTEGER, 2 * max(frame.forcings, 1))
        self.changed, self.begin = variable(builder, INTEGER), variable(builder, DOUBLE)
        self.done, self.modes = variable(builder, INTEGER), variable(builder, INTEGER)
        self._start(constants)
        with counted_loop(builder, count) as i:
            self._operation(place(builder, self.operations, builder.mul(i, index(WIDTH))))
        builder.ret(index(stepper.FINISHED))

    def _vector(self, base: Any, row: Any) -> Any:
        """One number a lane from an array of rows of one number a person."""
        where = place(self.builder, base, self.builder.mul(row, self.stride))
        return load(self.builder, self.builder.bitcast(where, self.kind.pointer), 0)

    def _start(self, constants: Any) -> None:
        builder, frame = self.builder, self.frame
        builder.store(index(1), self.changed)
        with counted_loop(builder, frame.constants) as i:
            store(builder, self._vector(constants, i), self.at["constants"], i)
        self._forget_watched()
        with counted_loop(builder, frame.states) as i:
            store(builder, self.kind.number(0.0), self.at["states"], i)

    def _operation(self, operation: Any) -> None:
        builder = self.builder
        fields = [load(builder, operation, place) for place in range(WIDTH)]
        after = builder.append_basic_block("after")
        unknown = builder.append_basic_block("unknown")
        switch = builder.switch(fields[0], unknown)
        for kind, body in ((ADD, self._add), (SET, self._set), (EVENT, self._event), (RESET, self._reset),
                           (MOVE, self._move)):  # fmt: skip
            block = builder.append_basic_block("operation")
            switch.add_case(index(kind), block)
            builder.position_at_end(block)
            body(*fields[1:])
            builder.branch(after)
        builder.position_at_end(unknown)
        builder.unreachable()
        builder.position_at_end(after)

    def _add(self, state: Any, row: Any, *_: Any) -> None:
        old = load(self.builder, self.at["states"], state)
        store(self.builder, self.n.add(old, self._vector(self.values, row)), self.at["states"], state)

    def _set(self, constant: Any, row: Any, *_: Any) -> None:
        store(self.builder, self._vector(self.values, row), self.at["constants"], constant)
        self.builder.store(index(1), self.changed)

    def _event(self, event: Any, moment: Any, *_: Any) -> None:
        builder = self.builder
        self._refresh()
        after = builder.append_basic_block("after_event")
        switch = builder.switch(event, after)
        for number_, function in enumerate(self.model.events):
            block = builder.append_basic_block("event")
            switch.add_case(index(number_), block)
            builder.position_at_end(block)
            self._replace_states(function, moment)
            builder.branch(after)
        builder.position_at_end(after)

    def _reset(self, moment: Any, *_: Any) -> None:
        self._refresh()
        self._replace_states(self.model.initial, moment)
        self._forget_watched()

    def _forget_watched(self) -> None:
        for p, mark in enumerate(self.frame.marks_at_reset):
            store(self.builder, self.kind.number(mark), self.at["peak_slopes"], p)

    def _replace_states(self, function: ir.Function, moment: Any) -> None:
        builder = self.builder
        time = self.kind.spread(builder, load(builder, self.moments, moment))
        builder.call(function, [time, self.at["states"], self.at["hoisted"], self.at["new_states"]])
        with counted_loop(builder, self.frame.states) as i:
            store(builder, load(builder, self.at["new_states"], i), self.at["states"], i)

    def _refresh(self) -> None:
        """Evaluate what depends on the constants alone, if they changed."""
        builder = self.builder
        with builder.if_then(builder.icmp_signed("!=", builder.load(self.changed), index(0))):
            builder.call(self.prologue, [self.at["constants"], self.at["hoisted"]])
            builder.store(index(0), self.changed)

    # ---- moving -----------------------------------------------------------------------------------

    def _move(self, moment: Any, decomposition: Any, first_output: Any, outputs: Any) -> None:
        builder = self.builder
        self._refresh()
        end = load(builder, self.moments, builder.add(moment, index(1)))
        builder.store(load(builder, self.moments, moment), self.begin)
        builder.store(index(0), self.done)
        loop, stay, go, after = (builder.append_basic_block(name) for name in ("loop", "stay", "go", "moved"))
        builder.cbranch(builder.fcmp_ordered(">", end, builder.load(self.begin)), loop, stay)
        builder.position_at_end(stay)
        with counted_loop(builder, outputs) as k:
            self._write(builder.add(first_output, k))
        builder.branch(after)
        builder.position_at_end(loop)
        structure = place(builder, self.structures, decomposition)
        self._prepare(structure)
        builder.branch(go)
        builder.position_at_end(go)
        self._segment(structure, end, first_output, outputs, loop)
        self._refuse_undefined()
        builder.branch(after)
        builder.position_at_end(after)

    def _prepare(self, structure: Any) -> None:
        builder, frame, at = self.builder, self.frame, self.at
        time = self.kind.spread(builder, builder.load(self.begin))
        modes = index(0)
        if frame.linear:
            builder.call(self.model.source, [time, at["states"], at["hoisted"], at["source"]])
            modes = builder.call(
                self.linear.prepare,
                [
                    at["states"], at["source"], structure, self.modal, self.stride, at["amplitudes"],
                    at["state_lines"], at["rates"], at["coefficients"], at["lines"], self.spans,
                ],
            )  # fmt: skip
        builder.store(modes, self.modes)
        frame.set_clock(builder, at["lines"], self.spans, time)

    def _segment(self, structure: Any, end: Any, first_output: Any, outputs: Any, loop: ir.Block) -> None:
        builder, at, frame = self.builder, self.at, self.frame
        begin, done = builder.load(self.begin), builder.load(self.done)
        first, left = builder.add(first_output, done), builder.sub(outputs, done)
        times = place(builder, self.output_times, first)
        if frame.nonlinear:
            status = builder.call(
                self.integrate,
                [
                    at["nonlinear"], at["hoisted"], at["rates"], at["coefficients"], at["lines"], self.spans,
                    builder.load(self.modes), begin, end, self.control, left, times, self.scratch,
                    at["peak_slopes"], at["before"],
                ],
            )  # fmt: skip
            failed = builder.icmp_signed(">", status, index(stepper.PEAK))
            with builder.if_then(failed):
                builder.ret(status)
            with builder.if_then(builder.icmp_signed("==", status, index(stepper.PAUSED))):
                self._pause(structure, begin, first, left, times)
                builder.branch(loop)
                builder.position_at_end(builder.append_basic_block("unreached"))
            if self.peaks is not None:
                with builder.if_then(builder.icmp_signed("==", status, index(stepper.PEAK))):
                    self._peak(structure, begin, first, left, times)
                    builder.branch(loop)
                    builder.position_at_end(builder.append_basic_block("unreached"))
        self._write_moved(structure, begin, first, left)
        self._evaluate(structure, builder.fsub(end, begin), at["states"])

    def _write_moved(self, structure: Any, begin: Any, first: Any, count: Any) -> None:
        """Write outputs from the stepper's states and the exact ones."""
        builder, at, frame = self.builder, self.at, self.frame
        with counted_loop(builder, count) as k:
            output = builder.add(first, k)
            time = load(builder, self.output_times, output)
            with builder.if_else(builder.fcmp_ordered(">", time, begin)) as (later, now):
                with later:
                    self._evaluate(structure, builder.fsub(time, begin), at["seen"])
                # At the start exactly what is there, without the rounding of the modal form.
                with now, counted_loop(builder, frame.linear) as i:
                    store(builder, load(builder, at["states"], i), at["seen"], i)
            row = place(builder, self.scratch, builder.mul(k, index(frame.nonlinear)))
            with counted_loop(builder, frame.nonlinear) as i:
                target = builder.add(i, index(frame.linear))
                store(builder, load(builder, row, i), at["seen"], target)
            self._write(output, "seen")

    def _evaluate(self, structure: Any, tau: Any, target: Any) -> None:
        if self.frame.linear:
            self.builder.call(
                self.linear.at,
                [
                    structure, self.modal, self.stride, self.at["amplitudes"], self.at["state_lines"],
                    self.kind.spread(self.builder, tau), target,
                ],
            )  # fmt: skip

    def _write(self, output: Any, states: str = "states") -> None:
        builder, kind = self.builder, self.kind
        time = kind.spread(builder, load(builder, self.output_times, output))
        row = load(builder, self.output_rows, output)
        builder.call(
            self.model.write,
            [
                time, self.at[states], self.at["hoisted"], self.results, self.person_stride, row,
                kind.number(1.0),
            ],
        )  # fmt: skip

    def _pause(self, structure: Any, begin: Any, first: Any, left: Any, times: Any) -> None:
        """Outputs up to the stop, and the exact solution from there."""
        builder = self.builder
        stop = load(builder, self.control, stepper.TIME_NOW)
        count = self._passed(left, times, stop, ir.IntType(1)(1))
        self._write_moved(structure, begin, first, count)
        self._evaluate(structure, builder.fsub(stop, begin), self.at["states"])
        builder.store(stop, self.begin)
        builder.store(builder.add(builder.load(self.done), count), self.done)

    def _passed(self, left: Any, times: Any, stop: Any, moved: Any) -> Any:
        """How many outputs have been reached."""
        builder = self.builder
        passed = variable(builder, INTEGER)
        builder.store(index(0), passed)
        with counted_loop(builder, left) as k:
            seen = builder.and_(moved, builder.fcmp_ordered("<=", load(builder, times, k), stop))
            builder.store(builder.add(builder.load(passed), builder.zext(seen, INTEGER)), passed)
        return builder.load(passed)

    def _peak(self, structure: Any, begin: Any, first: Any, left: Any, times: Any) -> None:
        """Outputs up to the stop, then the peaks of all lanes in the last step."""
        assert self.peaks is not None
        builder, at = self.builder, self.at
        stop = load(builder, self.control, stepper.TIME_NOW)
        previous = self.kind.lane(builder, load(builder, at["before"], 0), 0)
        # A peak at the very start stops the stepper before it writes anything.
        moved = builder.fcmp_ordered(">", stop, previous)
        count = self._passed(left, times, stop, moved)
        self._write_moved(structure, begin, first, count)
        rows = place(builder, self.output_rows, first)
        status = builder.call(
            self.peaks.handle,
            [
                self.at["constants"], self.spans, builder.load(self.modes), structure, self.modal,
                self.stride, begin, stop, self.control, count, times, rows, self.results, self.person_stride,
            ],
        )  # fmt: skip
        with builder.if_then(builder.icmp_signed("!=", status, index(stepper.FINISHED))):
            builder.ret(status)
        builder.store(stop, self.begin)
        builder.store(builder.add(builder.load(self.done), count), self.done)

    def _refuse_undefined(self) -> None:
        builder, n = self.builder, self.n
        total = variable(builder, self.kind.type)
        builder.store(self.kind.number(0.0), total)
        with counted_loop(builder, self.frame.states) as i:
            nothing = n.mul(load(builder, self.at["states"], i), 0.0)
            builder.store(n.add(builder.load(total), nothing), total)
        value = builder.load(total)
        lost = self.kind.any(builder, builder.fcmp_unordered("uno", value, value))
        with builder.if_then(lost):
            store(builder, builder.load(self.begin), self.control, stepper.TIME_NOW)
            builder.ret(index(stepper.NOT_FINITE))
