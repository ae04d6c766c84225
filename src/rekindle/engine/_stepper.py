"""The compiled integration loop: Rodas5P over one interval without events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from rekindle.engine import _rodas5p as method
from rekindle.engine._control_flow import counted_loop, variable
from rekindle.engine._emit import DOUBLE, INTEGER, POINTER, index, intrinsic, load, number, store
from rekindle.engine._forcing import emit_forcing

#: What ``integrate`` returns.
FINISHED, PEAK, STEP_COLLAPSED, NOT_FINITE, TOO_MANY_STEPS = range(5)
#: Positions in the control array of ``integrate``: in and out.
STEP, RELATIVE, ABSOLUTE, TIME_NOW, STEPS, REJECTED, MOST_STEPS, WATCH = range(8)

_SAFETY, _SHRINK, _GROW = 0.9, 0.1, 8.0


@dataclass(frozen=True)
class StepFunctions:
    """The model's own functions that the loop calls, and their sizes."""

    right_hand_side: ir.Function  # (y, forcing, hoisted, rates)
    slopes: ir.Function  # (y, forcing, forcing slopes, hoisted, jacobian, time slope)
    factor: ir.Function
    solve: ir.Function
    peaks: ir.Function  # (y, forcing, forcing slopes, hoisted, peak slopes)
    states: int
    forcings: int
    modes: int
    jacobian: int
    factors: int
    peak_count: int


def _table(module: ir.Module, name: str, rows: Sequence[Sequence[float]]) -> ir.GlobalVariable:
    flat = [value for row in rows for value in (*row, *(0.0,) * (method.STAGES - len(row)))]
    kind = ir.ArrayType(DOUBLE, len(flat))
    table = ir.GlobalVariable(module, kind, name)
    table.initializer = ir.Constant(kind, [number(value) for value in flat])
    table.global_constant = True
    table.linkage = "internal"
    return table


def emit_integrate(module: ir.Module, parts: StepFunctions) -> ir.Function:
    """Emit ``int64 integrate(y, hoisted, rates, coefficients, lines, modes, t0, t1, control, n_out, t_out,
    y_out, peak_slopes, before)``.

    ``y`` is advanced in place. ``peak_slopes`` carries the last slope of each watched expression from call to
    call; minus infinity is a peak that waits for its slope to be seen again. When control[WATCH] is set and a
    slope turns from positive to not positive the loop stops with ``PEAK``; ``before`` then holds time and
    state at the start of the step that contains the peak.
    """
    return _IntegrateEmitter(module, parts).function


class _IntegrateEmitter:
    def __init__(self, module: ir.Module, parts: StepFunctions) -> None:
        self.parts = parts
        arguments = [POINTER] * 5 + [INTEGER, DOUBLE, DOUBLE, POINTER, INTEGER] + [POINTER] * 4
        self.function = ir.Function(module, ir.FunctionType(INTEGER, arguments), "integrate")
        (
            self.y, self.hoisted, self.rates, self.coefficients, self.lines, self.modes, self.start,
            self.end, self.control, self.output_count, self.output_times, self.output_states,
            self.peak_slopes, self.before,
        ) = self.function.args  # fmt: skip
        self.builder = builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.forcing = emit_forcing(module, parts.forcings)
        self.stage_weights = _table(module, "stage_weights", method.STAGE_WEIGHTS)
        self.coupling = _table(module, "coupling", method.COUPLING)
        self.dense = _table(module, "dense_output", method.DENSE_OUTPUT)
        self.nodes = _table(module, "nodes", [method.NODES])
        self.time_weights = _table(module, "time_weights", [method.TIME_WEIGHTS])
        n = parts.states
        self.stages = variable(builder, DOUBLE, method.STAGES * n)
        self.argument, self.increment, self.time_slope, self.updated = (
            variable(builder, DOUBLE, n) for _ in range(4)
        )
        self.jacobian = variable(builder, DOUBLE, parts.jacobian)
        self.factors = variable(builder, DOUBLE, parts.factors)
        self.values = variable(builder, DOUBLE, parts.forcings)
        self.slopes = variable(builder, DOUBLE, parts.forcings)
        self.exponentials = variable(builder, DOUBLE, parts.modes)
        self.new_peaks = variable(builder, DOUBLE, parts.peak_count)
        self.t, self.h, self.error = (variable(builder, DOUBLE) for _ in range(3))
        self.written = variable(builder, INTEGER)
        self._emit()

    def _cell(self, table: ir.GlobalVariable, position: Any) -> Any:
        return self.builder.load(self.builder.gep(table, [index(0), position]))

    def _set_control(self, slot: int, value: Any) -> None:
        store(self.builder, value, self.control, slot)

    def _leave(self, status: int) -> None:
        self._set_control(TIME_NOW, self.builder.load(self.t))
        self.builder.ret(index(status))

    def _copy(self, source: Any, target: Any) -> None:
        with counted_loop(self.builder, self.parts.states) as i:
            store(self.builder, load(self.builder, source, i), target, i)

    def _update_forcing(self, time: Any) -> None:
        builder = self.builder
        tau = builder.fsub(time, self.start)
        builder.call(
            self.forcing,
            [
                tau,
                self.rates,
                self.coefficients,
                self.lines,
                self.modes,
                self.exponentials,
                self.values,
                self.slopes,
            ],
        )

    def _emit(self) -> None:
        builder = self.builder
        builder.store(self.start, self.t)
        builder.store(index(0), self.written)
        builder.store(load(builder, self.control, STEP), self.h)
        self._update_forcing(self.start)
        with builder.if_then(builder.fcmp_ordered("<=", builder.load(self.h), number(0.0))):
            self._first_step()
        if self.parts.peak_count:
            self._check_peaks(self.y, starting=True)
        loop = builder.append_basic_block("loop")
        builder.branch(loop)
        builder.position_at_end(loop)
        self._step(loop)

    def _first_step(self) -> None:
        """1 % of the time in which the state would change by its own size (Hairer and Wanner II.4)."""
        builder = self.builder
        builder.call(self.parts.right_hand_side, [self.y, self.values, self.hoisted, self.increment])
        size, speed = variable(builder, DOUBLE), variable(builder, DOUBLE)
        builder.store(number(0.0), size)
        builder.store(number(0.0), speed)
        with counted_loop(builder, self.parts.states) as i:
            value = load(builder, self.y, i)
            scale = self._scale(value, value)
            for source, largest in ((value, size), (load(builder, self.increment, i), speed)):
                ratio = builder.fdiv(intrinsic(builder, "llvm.fabs", source), scale)
                builder.store(intrinsic(builder, "llvm.maxnum", builder.load(largest), ratio), largest)
        span = builder.fsub(self.end, self.start)
        ratio = builder.fdiv(builder.load(size), builder.load(speed))
        guess = builder.fmul(number(0.01), ratio)
        fallback = builder.fmul(number(1e-3), span)
        usable = builder.and_(
            builder.fcmp_ordered(">", guess, builder.fmul(number(1e-6), span)),
            builder.fcmp_ordered("<", guess, span),
        )
        builder.store(builder.select(usable, guess, fallback), self.h)

    def _scale(self, old: Any, new: Any) -> Any:
        builder = self.builder
        largest = intrinsic(
            builder, "llvm.maxnum", intrinsic(builder, "llvm.fabs", old), intrinsic(builder, "llvm.fabs", new)
        )
        relative = builder.fmul(load(builder, self.control, RELATIVE), largest)
        return builder.fadd(load(builder, self.control, ABSOLUTE), relative)

    def _step(self, loop: ir.Block) -> None:
        builder = self.builder
        t = builder.load(self.t)
        remaining = builder.fsub(self.end, t)
        resolution = builder.fmul(
            number(4e-16),
            intrinsic(
                builder,
                "llvm.maxnum",
                intrinsic(builder, "llvm.fabs", t),
                intrinsic(builder, "llvm.fabs", self.end),
            ),
        )
        with builder.if_then(builder.fcmp_ordered("<=", remaining, resolution)):
            self._set_control(STEP, builder.load(self.h))
            builder.store(self.end, self.t)
            self._leave(FINISHED)
        wanted = builder.load(self.h)
        is_last = builder.fcmp_ordered(">=", wanted, builder.fmul(remaining, number(1.0 - 1e-9)))
        h = builder.select(is_last, remaining, wanted)
        with builder.if_then(builder.fcmp_unordered("<", h, resolution)):
            self._leave(STEP_COLLAPSED)
        taken = builder.fadd(load(builder, self.control, STEPS), number(1.0))
        self._set_control(STEPS, taken)
        with builder.if_then(builder.fcmp_ordered(">", taken, load(builder, self.control, MOST_STEPS))):
            self._leave(TOO_MANY_STEPS)
        self._stages(t, h)
        self._measure_error()
        error = builder.load(self.error)
        fifth = intrinsic(builder, "llvm.pow", error, number(-1.0 / method.ORDER))
        factor = builder.fmul(number(_SAFETY), fifth)
        with builder.if_then(builder.fcmp_unordered(">", error, number(1.0))):
            self._reject(h, factor, loop)
        self._accept(t, h, factor, is_last, wanted, loop)

    def _stages(self, t: Any, h: Any) -> None:
        builder, parts = self.builder, self.parts
        n = index(parts.states)
        self._update_forcing(t)
        builder.call(
            parts.slopes, [self.y, self.values, self.slopes, self.hoisted, self.jacobian, self.time_slope]
        )
        weight = builder.fdiv(number(1.0 / method.GAMMA), h)
        builder.call(parts.factor, [weight, self.jacobian, self.factors])
        per_step = builder.fdiv(number(1.0), h)
        with counted_loop(builder, method.STAGES) as stage:
            row = builder.mul(stage, index(method.STAGES))
            self._combine(self.stage_weights, row, stage, self.y)
            # Stages 1 and 7, 8 see the forcing of the step's start and end, which is there already.
            moved = builder.and_(
                builder.icmp_signed(">", stage, index(0)), builder.icmp_signed("<", stage, index(6))
            )
            with builder.if_then(moved):
                self._update_forcing(builder.fadd(t, builder.fmul(self._cell(self.nodes, stage), h)))
            own = builder.gep(self.stages, [builder.mul(stage, n)])
            builder.call(parts.right_hand_side, [self.argument, self.values, self.hoisted, own])
            lever = builder.fmul(h, self._cell(self.time_weights, stage))
            with counted_loop(builder, parts.states) as i:
                moved_by = builder.fmul(lever, load(builder, self.time_slope, i))
                store(builder, builder.fadd(load(builder, own, i), moved_by), own, i)
            self._combine_into(own, row, stage, per_step)
            builder.call(parts.solve, [self.factors, own])

    def _combine(self, table: ir.GlobalVariable, row: Any, stage: Any, base: Any) -> None:
        """argument = base + sum_j table[row + j] K_j over the stages before this one."""
        builder = self.builder
        self._copy(base, self.argument)
        with counted_loop(builder, stage) as j:
            weight = self._cell(table, builder.add(row, j))
            source = builder.gep(self.stages, [builder.mul(j, index(self.parts.states))])
            with counted_loop(builder, self.parts.states) as i:
                term = builder.fmul(weight, load(builder, source, i))
                store(builder, builder.fadd(load(builder, self.argument, i), term), self.argument, i)

    def _combine_into(self, own: Any, row: Any, stage: Any, per_step: Any) -> None:
        builder = self.builder
        with counted_loop(builder, stage) as j:
            weight = builder.fmul(per_step, self._cell(self.coupling, builder.add(row, j)))
            source = builder.gep(self.stages, [builder.mul(j, index(self.parts.states))])
            with counted_loop(builder, self.parts.states) as i:
                term = builder.fmul(weight, load(builder, source, i))
                store(builder, builder.fadd(load(builder, own, i), term), own, i)

    def _measure_error(self) -> None:
        """Largest error over the states in units of the tolerance; also the new state."""
        builder = self.builder
        builder.store(number(0.0), self.error)
        last = builder.gep(self.stages, [index((method.STAGES - 1) * self.parts.states)])
        with counted_loop(builder, self.parts.states) as i:
            change = load(builder, last, i)
            new = builder.fadd(load(builder, self.argument, i), change)
            store(builder, new, self.updated, i)
            ratio = builder.fdiv(
                intrinsic(builder, "llvm.fabs", change), self._scale(load(builder, self.y, i), new)
            )
            worst = builder.load(self.error)
            # An unordered comparison lets a NaN through, so that it is seen as an error above one.
            larger = builder.fcmp_unordered(">", ratio, worst)
            builder.store(builder.select(larger, ratio, worst), self.error)
            hopeless = builder.fcmp_unordered("uno", worst, worst)
            builder.store(builder.select(hopeless, worst, builder.load(self.error)), self.error)

    def _reject(self, h: Any, factor: Any, loop: ir.Block) -> None:
        builder = self.builder
        self._set_control(REJECTED, builder.fadd(load(builder, self.control, REJECTED), number(1.0)))
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
            self._leave(NOT_FINITE)
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
            store(builder, t, self.before, 0)
            with counted_loop(builder, self.parts.states) as i:
                store(builder, load(builder, self.y, i), self.before, builder.add(i, index(1)))
        self._copy(self.updated, self.y)
        builder.store(arrival, self.t)
        if self.parts.peak_count:
            self._check_peaks(self.y, starting=False)
        builder.branch(loop)

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
        rest = builder.fsub(number(1.0), s)
        target = builder.gep(self.output_states, [builder.mul(written, index(self.parts.states))])
        with counted_loop(builder, self.parts.states) as i:
            bends = []
            for power in range(3):
                bend = number(0.0)
                for j in range(method.STAGES):
                    increment = load(builder, self.stages, builder.add(index(j * self.parts.states), i))
                    weight = self._cell(self.dense, index(power * method.STAGES + j))
                    bend = builder.fadd(bend, builder.fmul(weight, increment))
                bends.append(bend)
            inner = builder.fadd(bends[0], builder.fmul(s, builder.fadd(bends[1], builder.fmul(s, bends[2]))))
            curve = builder.fadd(load(builder, self.updated, i), builder.fmul(rest, inner))
            value = builder.fadd(builder.fmul(rest, load(builder, self.y, i)), builder.fmul(s, curve))
            store(builder, value, target, i)
        builder.store(builder.add(written, index(1)), self.written)
        builder.branch(head)
        builder.position_at_end(after)

    def _check_peaks(self, state: Any, *, starting: bool) -> None:
        """Stop when a watched slope turns from positive to not positive."""
        builder = self.builder
        builder.call(self.parts.peaks, [state, self.values, self.slopes, self.hoisted, self.new_peaks])
        watching = builder.fcmp_ordered("!=", load(builder, self.control, WATCH), number(0.0))
        for p in range(self.parts.peak_count):
            old, new = load(builder, self.peak_slopes, p), load(builder, self.new_peaks, p)
            turned = builder.and_(
                builder.fcmp_ordered(">", old, number(0.0)), builder.fcmp_ordered("<=", new, number(0.0))
            )
            with builder.if_then(builder.and_(watching, turned)):
                if starting:
                    store(builder, self.start, self.before, 0)
                    with counted_loop(builder, self.parts.states) as i:
                        store(builder, load(builder, state, i), self.before, builder.add(i, index(1)))
                self._leave(PEAK)
        for p in range(self.parts.peak_count):
            new = load(builder, self.new_peaks, p)
            if starting:
                old = load(builder, self.peak_slopes, p)
                waits = builder.fcmp_ordered("==", old, number(float("-inf")))
                new = builder.select(builder.and_(watching, waits), old, new)
            store(builder, new, self.peak_slopes, p)
