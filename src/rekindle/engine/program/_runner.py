"""Code that carries out the operations of a program for a lane group."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine.code._arithmetic import Numbers
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.code._model_code import ModelCode
from rekindle.engine.lanes._lane_frame import Frame
from rekindle.engine.lanes._lane_journey import PeakCode
from rekindle.engine.lanes._lanes import INTEGER, INTEGERS, POINTER, index, load, place, store
from rekindle.engine.lanes._linear_lanes import LinearCode
from rekindle.engine.program._movement import Movement, Running
from rekindle.engine.program._operations import ADD, EVENT, MOVE, RESET, SET, WIDTH
from rekindle.engine.rodas import _contract as contract


class Runner:
    """Emits ``run``.

    Args:
        module: where it goes.
        frame: arrays of one group.
        prologue: what depends on the constants alone.
        model, linear, integrate, peaks: what moving calls.
    """

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
        self.prologue, self.model = prologue, model
        arguments = [
            INTEGERS, INTEGER, POINTER, POINTER, POINTER, POINTER, INTEGERS, INTEGER, POINTER, INTEGERS,
            POINTER, INTEGER, POINTER, POINTER,
        ]  # fmt: skip
        function = ir.Function(module, ir.FunctionType(INTEGER, arguments), "run")
        (
            operations, count, self.moments, self.values, constants, modal, structures, self.stride,
            output_times, output_rows, results, person_stride, control, scratch,
        ) = function.args  # fmt: skip
        self.builder = builder = ir.IRBuilder(function.append_basic_block())
        self.n = Numbers(builder, self.kind)
        memory = variable(builder, self.kind.type, frame.layout.size)
        self.at = frame.layout.all(builder, memory)
        spans = variable(builder, INTEGER, 2 * max(frame.forcings, 1))
        self.changed = variable(builder, INTEGER)
        running = Running(
            frame, model, linear, integrate, peaks, self.at, spans, self.moments, modal, structures,
            self.stride, output_times, output_rows, results, person_stride, control,
            builder.bitcast(scratch, self.kind.pointer),
        )  # fmt: skip
        self.movement = Movement(builder, running)
        self._start(constants)
        with counted_loop(builder, count) as i:
            self._operation(place(builder, operations, builder.mul(i, index(WIDTH))))
        builder.ret(index(contract.FINISHED))

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

    def _move(self, *fields: Any) -> None:
        self._refresh()
        self.movement.emit(*fields)

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
