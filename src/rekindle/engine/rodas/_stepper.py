"""The compiled integration loop: Rodas5P over one interval without events, one step sequence a group."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine.code._arithmetic import Numbers
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.code._step_functions import StepFunctions
from rekindle.engine.lanes._lane_math import call_math
from rekindle.engine.lanes._lane_step import LaneStep
from rekindle.engine.lanes._lanes import (
    DOUBLE,
    INTEGER,
    INTEGERS,
    POINTER,
    LaneKind,
    index,
    intrinsic,
    load,
    number,
    place,
    store,
)
from rekindle.engine.rodas import _contract as contract
from rekindle.engine.rodas import _rodas5p as method
from rekindle.engine.rodas._rodas_step import emit_step

_SAFETY, _SHRINK, _GROW = 0.9, 0.1, 8.0


def emit_integrate(
    module: ir.Module, parts: StepFunctions, kind: LaneKind, code: LaneStep | None = None
) -> ir.Function:
    """Emit ``int64 integrate(y, hoisted, rates, coefficients, lines, spans, modes, t0, t1, control, n_out,
    t_out, y_out, peak_slopes, before)``.

    Arrays are (element, lane); times and ``control`` are plain numbers shared by the lanes. ``y`` is advanced
    in place. ``peak_slopes`` carries the last slope of each watched expression from call to call; minus
    infinity is a peak that waits for its slope to be seen again. When control[WATCH] is set and a slope turns
    from positive to not positive in any lane the loop stops with ``PEAK``; ``before`` then holds time and
    state at the start of the step that contains the peak.
    """
    return _Loop(module, parts, kind, code or emit_step(module, parts, kind)).function


class _Loop:
    def __init__(self, module: ir.Module, parts: StepFunctions, kind: LaneKind, code: LaneStep) -> None:
        self.parts, self.kind, self.code = parts, kind, code
        arguments = [kind.pointer] * 5 + [INTEGERS, INTEGER, DOUBLE, DOUBLE, POINTER, INTEGER, POINTER]
        signature = ir.FunctionType(INTEGER, arguments + [kind.pointer] * 3)
        self.function = ir.Function(module, signature, "integrate")
        (
            self.y, self.hoisted, self.rates, self.coefficients, self.lines, self.spans, self.modes,
            self.start, self.end, self.control, self.output_count, self.output_times, self.output_states,
            self.peak_slopes, self.before,
        ) = self.function.args  # fmt: skip
        self.builder = builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.n = Numbers(builder, kind)
        self.work = variable(builder, kind.type, code.work.size)
        self.at = code.work.all(builder, self.work)
        self.new_peaks = variable(builder, kind.type, parts.peak_count)
        self.t, self.h, self.error = (variable(builder, DOUBLE) for _ in range(3))
        self.written = variable(builder, INTEGER)
        self._emit()

    def _set_control(self, slot: int, value: Any) -> None:
        store(self.builder, value, self.control, slot)

    def _leave(self, status: int) -> None:
        self._set_control(contract.TIME_NOW, self.builder.load(self.t))
        self.builder.ret(index(status))

    def _copy(self, count: int, source: Any, target: Any) -> None:
        with counted_loop(self.builder, count) as i:
            store(self.builder, load(self.builder, source, i), target, i)

    def _emit(self) -> None:
        builder = self.builder
        builder.store(self.start, self.t)
        builder.store(index(0), self.written)
        builder.store(load(builder, self.control, contract.STEP), self.h)
        forcing = [self.rates, self.coefficients, self.lines, self.spans, self.modes, self.at["exponentials"]]
        forcing.append(self.hoisted)
        builder.call(
            self.code.forcing, [self.kind.number(0.0), *forcing, self.at["values"], self.at["slopes"]]
        )
        with builder.if_then(builder.fcmp_ordered("<=", builder.load(self.h), number(0.0))):
            self._first_step()
        if self.parts.peak_count:
            self._check_peaks(starting=True)
        loop = builder.append_basic_block("loop")
        builder.branch(loop)
        builder.position_at_end(loop)
        self._step(loop)

    def _first_step(self) -> None:
        """1 % of the time in which the state would change by its own size (Hairer and Wanner II.4)."""
        builder, n, kind = self.builder, self.n, self.kind
        builder.call(
            self.parts.right_hand_side, [self.y, self.at["values"], self.hoisted, self.at["argument"]]
        )
        size, speed = variable(builder, kind.type), variable(builder, kind.type)
        builder.store(kind.number(0.0), size)
        builder.store(kind.number(0.0), speed)
        relative = kind.spread(builder, load(builder, self.control, contract.RELATIVE))
        absolute = kind.spread(builder, load(builder, self.control, contract.ABSOLUTE))
        with counted_loop(builder, self.parts.states) as i:
            value = load(builder, self.y, i)
            scale = n.fma(relative, n.magnitude(value), absolute)
            for source, largest in ((value, size), (load(builder, self.at["argument"], i), speed)):
                ratio = n.div(n.magnitude(source), scale)
                builder.store(intrinsic(builder, "llvm.maxnum", builder.load(largest), ratio), largest)
        span = builder.fsub(self.end, self.start)
        ratio = kind.smallest(builder, n.div(builder.load(size), builder.load(speed)))
        guess = builder.fmul(number(0.01), ratio)
        fallback = builder.fmul(number(1e-3), span)
        usable = builder.and_(
            builder.fcmp_ordered(">", guess, builder.fmul(number(1e-6), span)),
            builder.fcmp_ordered("<", guess, span),
        )
        builder.store(builder.select(usable, guess, fallback), self.h)

    def _step(self, loop: ir.Block) -> None:
        builder = self.builder
        t = builder.load(self.t)
        remaining = builder.fsub(self.end, t)
        sizes = [intrinsic(builder, "llvm.fabs", time) for time in (t, self.end)]
        resolution = builder.fmul(number(4e-16), intrinsic(builder, "llvm.maxnum", *sizes))
        with builder.if_then(builder.fcmp_ordered("<=", remaining, resolution)):
            self._set_control(contract.STEP, builder.load(self.h))
            builder.store(self.end, self.t)
            self._leave(contract.FINISHED)
        wanted = builder.load(self.h)
        is_last = builder.fcmp_ordered(">=", wanted, builder.fmul(remaining, number(1.0 - 1e-9)))
        h = builder.select(is_last, remaining, wanted)
        with builder.if_then(builder.fcmp_unordered("<", h, resolution)):
            self._leave(contract.STEP_COLLAPSED)
        taken = builder.fadd(load(builder, self.control, contract.STEPS), number(1.0))
        self._set_control(contract.STEPS, taken)
        with builder.if_then(
            builder.fcmp_ordered(">", taken, load(builder, self.control, contract.MOST_STEPS))
        ):
            self._leave(contract.TOO_MANY_STEPS)
        self._measure(t, h)
        error = builder.load(self.error)
        fifth = call_math(
            builder, "exp", builder.fmul(call_math(builder, "log", error), number(-1.0 / method.ORDER))
        )
        factor = builder.fmul(number(_SAFETY), fifth)
        with builder.if_then(builder.fcmp_unordered(">", error, number(1.0))):
            self._reject(h, factor, loop)
        self._accept(t, h, factor, is_last, wanted, loop)

    def _measure(self, t: Any, h: Any) -> None:
        """Try a step; its error is the largest of the lanes, undefined when any lane's is."""
        builder, kind = self.builder, self.kind
        errors = builder.call(
            self.code.step,
            [
                self.y, self.hoisted, self.rates, self.coefficients, self.lines, self.spans, self.modes,
                kind.spread(builder, builder.fsub(t, self.start)), kind.spread(builder, h),
                load(builder, self.control, contract.RELATIVE),
                load(builder, self.control, contract.ABSOLUTE), self.work,
            ],
        )  # fmt: skip
        lost = kind.any(builder, builder.fcmp_unordered("uno", errors, errors))
        worst = kind.largest(builder, errors)
        builder.store(builder.select(lost, number(float("nan")), worst), self.error)

    def _reject(self, h: Any, factor: Any, loop: ir.Block) -> None:
        builder = self.builder
        self._set_control(
            contract.REJECTED, builder.fadd(load(builder, self.control, contract.REJECTED), number(1.0))
        )
        error = builder.load(self.error)
        lost = builder.or_(
            builder.fcmp_unordered("uno", error, error),
            builder.fcmp_ordered("==", error, number(float("inf"))),
        )
        shrink = intrinsic(builder, "llvm.maxnum", factor, number(_SHRINK))
        smaller = builder.fmul(h, builder.select(lost, number(_SHRINK), shrink))
        builder.store(smaller, self.h)
        tiny = builder.fcmp_ordered(
            "<", smaller, builder.fmul(number(1e-13), builder.fsub(self.end, self.start))
        )
        with builder.if_then(builder.and_(lost, tiny)):
            self._leave(contract.NOT_FINITE)
        builder.branch(loop)

    def _accept(self, t: Any, h: Any, factor: Any, is_last: Any, wanted: Any, loop: ir.Block) -> None:
        builder = self.builder
        arrival = builder.select(is_last, self.end, builder.fadd(t, h))
        self._write_outputs(t, h, arrival)
        bounded = intrinsic(
            builder, "llvm.minnum", intrinsic(builder, "llvm.maxnum", factor, number(0.2)), number(_GROW)
        )
        grown = builder.fmul(h, bounded)
        # A last step that was cut short says little about the next interval's step size.
        builder.store(
            builder.select(is_last, intrinsic(builder, "llvm.maxnum", wanted, grown), grown), self.h
        )
        if self.parts.peak_count:
            self._remember(t)
        self._copy(self.parts.states, self.at["updated"], self.y)
        self._copy(self.parts.forcings + self.parts.derived, self.at["end_values"], self.at["values"])
        self._copy(self.parts.forcings, self.at["end_slopes"], self.at["slopes"])
        builder.store(arrival, self.t)
        if self.parts.peak_count:
            self._check_peaks(starting=False)
        builder.branch(loop)

    def _remember(self, time: Any) -> None:
        """Keep time and state at the start of a step for whoever looks for a peak inside it."""
        store(self.builder, self.kind.spread(self.builder, time), self.before, 0)
        self._copy(self.parts.states, self.y, place(self.builder, self.before, 1))

    def _write_outputs(self, t: Any, h: Any, arrival: Any) -> None:
        builder = self.builder
        head, body, after = (builder.append_basic_block(name) for name in ("outputs", "output", "written"))
        builder.branch(head)
        builder.position_at_end(head)
        written = builder.load(self.written)
        more = builder.icmp_signed("<", written, self.output_count)
        inside_block = builder.append_basic_block("inside")
        builder.cbranch(more, inside_block, after)
        builder.position_at_end(inside_block)
        moment = load(builder, self.output_times, written)
        builder.cbranch(builder.fcmp_ordered("<=", moment, arrival), body, after)
        builder.position_at_end(body)
        s = builder.fdiv(builder.fsub(moment, t), h)
        target = place(builder, self.output_states, builder.mul(written, index(self.parts.states)))
        builder.call(self.code.dense, [self.y, self.work, self.kind.spread(builder, s), target])
        builder.store(builder.add(written, index(1)), self.written)
        builder.branch(head)
        builder.position_at_end(after)

    def _check_peaks(self, *, starting: bool) -> None:
        """Stop when a watched slope turns from positive to not positive."""
        builder, n, kind = self.builder, self.n, self.kind
        builder.call(
            self.parts.peaks, [self.y, self.at["values"], self.at["slopes"], self.hoisted, self.new_peaks]
        )
        watching = builder.fcmp_ordered("!=", load(builder, self.control, contract.WATCH), number(0.0))
        with counted_loop(builder, self.parts.peak_count) as p:
            old, new = load(builder, self.peak_slopes, p), load(builder, self.new_peaks, p)
            turned = builder.and_(n.compare(">", old, 0.0), n.compare("<=", new, 0.0))
            with builder.if_then(builder.and_(watching, kind.any(builder, turned))):
                if starting:
                    self._remember(self.start)
                self._set_control(contract.STEP, builder.load(self.h))
                self._leave(contract.PEAK)
        with counted_loop(builder, self.parts.peak_count) as p:
            new = load(builder, self.new_peaks, p)
            if starting:
                old = load(builder, self.peak_slopes, p)
                waits = n.compare("==", old, -float("inf"))
                kept = builder.select(waits, old, new)
                new = builder.select(watching, kept, new)
            store(builder, new, self.peak_slopes, p)
