"""Code that moves a lane group from one moment to the next and writes the outputs on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.code._arithmetic import Numbers
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.code._model_code import ModelCode
from rekindle.engine.lanes._lane_frame import Frame
from rekindle.engine.lanes._lane_journey import PeakCode
from rekindle.engine.lanes._lanes import DOUBLE, INTEGER, index, load, place, store
from rekindle.engine.lanes._linear_lanes import LinearCode
from rekindle.engine.rodas import _contract as contract


@dataclass(frozen=True)
class Running:
    """What a program is carried out with: functions, then addresses and numbers inside ``run``.

    Attributes:
        at: arrays of the frame by name.
        spans: modes that each known function of time consists of.
        moments, modal, structures, output_times, output_rows: tables of the program.
        stride: people in a row of the program's numbers.
        results: rows of outputs of the first lane; those of the next begin ``person_stride`` later.
        control: what the stepper takes and gives.
        scratch: states at the outputs of one move.
    """

    frame: Frame
    model: ModelCode
    linear: LinearCode
    integrate: ir.Function
    peaks: PeakCode | None
    at: dict[str, Any]
    spans: Any
    moments: Any
    modal: Any
    structures: Any
    stride: Any
    output_times: Any
    output_rows: Any
    results: Any
    person_stride: Any
    control: Any
    scratch: Any


class Movement:
    """Emits moves.

    Args:
        builder: of ``run``.
        run: what is moved with what.
    """

    def __init__(self, builder: ir.IRBuilder, run: Running) -> None:
        self.builder, self.run = builder, run
        self.frame, self.kind, self.at = run.frame, run.frame.kind, run.at
        self.n = Numbers(builder, self.kind)
        self.begin, self.done = variable(builder, DOUBLE), variable(builder, INTEGER)
        self.modes = variable(builder, INTEGER)

    def emit(self, moment: Any, decomposition: Any, first_output: Any, outputs: Any) -> None:
        """Move from a moment to the next one; outputs at times on the way."""
        builder = self.builder
        end = load(builder, self.run.moments, builder.add(moment, index(1)))
        builder.store(load(builder, self.run.moments, moment), self.begin)
        builder.store(index(0), self.done)
        loop, stay, go, after = (builder.append_basic_block(name) for name in ("loop", "stay", "go", "moved"))
        builder.cbranch(builder.fcmp_ordered(">", end, builder.load(self.begin)), loop, stay)
        builder.position_at_end(stay)
        with counted_loop(builder, outputs) as k:
            self._write(builder.add(first_output, k))
        builder.branch(after)
        builder.position_at_end(loop)
        structure = place(builder, self.run.structures, decomposition)
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
            builder.call(self.run.model.source, [time, at["states"], at["hoisted"], at["source"]])
            modes = builder.call(
                self.run.linear.prepare,
                [
                    at["states"], at["source"], structure, self.run.modal, self.run.stride, at["amplitudes"],
                    at["state_lines"], at["rates"], at["coefficients"], at["lines"], self.run.spans,
                ],
            )  # fmt: skip
        builder.store(modes, self.modes)
        frame.set_clock(builder, at["lines"], self.run.spans, time)

    def _segment(self, structure: Any, end: Any, first_output: Any, outputs: Any, loop: ir.Block) -> None:
        builder, at, frame = self.builder, self.at, self.frame
        begin, done = builder.load(self.begin), builder.load(self.done)
        first, left = builder.add(first_output, done), builder.sub(outputs, done)
        times = place(builder, self.run.output_times, first)
        if frame.nonlinear:
            status = builder.call(
                self.run.integrate,
                [
                    at["nonlinear"], at["hoisted"], at["rates"], at["coefficients"], at["lines"],
                    self.run.spans, builder.load(self.modes), begin, end, self.run.control, left, times,
                    self.run.scratch,
                    at["peak_slopes"], at["before"],
                ],
            )  # fmt: skip
            failed = builder.icmp_signed(">", status, index(contract.PEAK))
            with builder.if_then(failed):
                builder.ret(status)
            with builder.if_then(builder.icmp_signed("==", status, index(contract.PAUSED))):
                self._pause(structure, begin, first, left, times)
                builder.branch(loop)
                builder.position_at_end(builder.append_basic_block("unreached"))
            if self.run.peaks is not None:
                with builder.if_then(builder.icmp_signed("==", status, index(contract.PEAK))):
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
            time = load(builder, self.run.output_times, output)
            with builder.if_else(builder.fcmp_ordered(">", time, begin)) as (later, now):
                with later:
                    self._evaluate(structure, builder.fsub(time, begin), at["seen"])
                # At the start exactly what is there, without the rounding of the modal form.
                with now, counted_loop(builder, frame.linear) as i:
                    store(builder, load(builder, at["states"], i), at["seen"], i)
            row = place(builder, self.run.scratch, builder.mul(k, index(frame.nonlinear)))
            with counted_loop(builder, frame.nonlinear) as i:
                target = builder.add(i, index(frame.linear))
                store(builder, load(builder, row, i), at["seen"], target)
            self._write(output, "seen")

    def _evaluate(self, structure: Any, tau: Any, target: Any) -> None:
        if self.frame.linear:
            self.builder.call(
                self.run.linear.at,
                [
                    structure, self.run.modal, self.run.stride, self.at["amplitudes"], self.at["state_lines"],
                    self.kind.spread(self.builder, tau), target,
                ],
            )  # fmt: skip

    def _write(self, output: Any, states: str = "states") -> None:
        builder, kind = self.builder, self.kind
        time = kind.spread(builder, load(builder, self.run.output_times, output))
        row = load(builder, self.run.output_rows, output)
        builder.call(
            self.run.model.write,
            [
                time, self.at[states], self.at["hoisted"], self.run.results, self.run.person_stride, row,
                kind.number(1.0),
            ],
        )  # fmt: skip

    def _pause(self, structure: Any, begin: Any, first: Any, left: Any, times: Any) -> None:
        """Outputs up to the stop, and the exact solution from there."""
        builder = self.builder
        stop = load(builder, self.run.control, contract.TIME_NOW)
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
        assert self.run.peaks is not None
        builder, at = self.builder, self.at
        stop = load(builder, self.run.control, contract.TIME_NOW)
        previous = self.kind.lane(builder, load(builder, at["before"], 0), 0)
        # A peak at the very start stops the stepper before it writes anything.
        moved = builder.fcmp_ordered(">", stop, previous)
        count = self._passed(left, times, stop, moved)
        self._write_moved(structure, begin, first, count)
        rows = place(builder, self.run.output_rows, first)
        status = builder.call(
            self.run.peaks.handle,
            [
                self.at["constants"], self.run.spans, builder.load(self.modes), structure, self.run.modal,
                self.run.stride, begin, stop, self.run.control, count, times, rows, self.run.results,
                self.run.person_stride,
            ],
        )  # fmt: skip
        with builder.if_then(builder.icmp_signed("!=", status, index(contract.FINISHED))):
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
            store(builder, builder.load(self.begin), self.run.control, contract.TIME_NOW)
            builder.ret(index(contract.NOT_FINITE))
