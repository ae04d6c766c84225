"""Peak events in lanes: each lane's own peak inside one step, its assignments, and the way to the step's end.

The stepper stops at the end of a step in which a watched slope turned in any lane. The lanes then part: every
lane that turned is stepped to its own peak, which is found by stepping to trial times (regula falsi, guarded
by bisection), changed there, and stepped on to the end of the common step, in as many parts as its tolerance
asks for. The other lanes keep what they have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from rekindle.engine import _stepper as stepper
from rekindle.engine._arithmetic import Numbers
from rekindle.engine._control_flow import counted_loop, variable
from rekindle.engine._derivation import Derivation
from rekindle.engine._lanes import (
    DOUBLE,
    INTEGER,
    INTEGERS,
    POINTER,
    LaneKind,
    index,
    intrinsic,
    keep_apart,
    load,
    number,
    place,
    store,
)
from rekindle.engine._layout import Layout
from rekindle.engine._linear_lanes import LinearCode
from rekindle.engine._model_code import ModelCode
from rekindle.engine._rodas_step import StepCode
from rekindle.engine._step_functions import StepFunctions
from rekindle.engine._system import TIME

_MOST_TRIALS, _MOST_ROUNDS, _MOST_PARTS = 90, 100, 1 << 16


class Frame:
    """The memory of a running lane group."""

    def __init__(self, derivation: Derivation, parts: StepFunctions, hoisted: int, kind: LaneKind) -> None:
        system = derivation.system
        self.parts, self.kind = parts, kind
        self.linear, self.nonlinear = len(system.linear), len(system.nonlinear)
        self.states, self.constants = len(system.states), len(system.constants)
        self.forcings = parts.forcings
        self.time_forcing = derivation.forcings.index(TIME) if TIME in derivation.forcings else None
        self.layout = Layout(
            constants=self.constants, hoisted=hoisted, states=self.linear, nonlinear=self.nonlinear,
            new_states=self.states + 1, seen=self.states, source=self.linear, amplitudes=self.linear,
            state_lines=2 * self.linear, rates=self.linear + 1, coefficients=self.linear * self.forcings,
            lines=2 * self.forcings, peak_slopes=parts.peak_count, before=self.nonlinear + 1,
        )  # fmt: skip

    def set_clock(self, builder: ir.IRBuilder, lines: Any, spans: Any, time: Any) -> None:
        """Let the forcing ``time`` start from a time, if there is one."""
        if self.time_forcing is not None:
            for part, value in enumerate((time, self.kind.number(1.0))):
                store(builder, value, lines, 2 * self.time_forcing + part)
                store(builder, index(0), spans, 2 * self.time_forcing + part)


@dataclass(frozen=True)
class PeakCode:
    """``int64 handle(frame, spans, modes, structure, modal, stride, begin, stop, control, count, times, rows,
    results, person stride)``: states, outputs and slopes of the lanes that turned, up to ``stop``."""

    handle: ir.Function


def emit_peak_handler(
    module: ir.Module, frame: Frame, step: StepCode, linear: LinearCode, model: ModelCode
) -> PeakCode:
    """Emit the handler."""
    return PeakCode(_Handler(module, frame, step, linear, model).function)


class _Handler:
    def __init__(
        self, module: ir.Module, frame: Frame, step: StepCode, linear: LinearCode, model: ModelCode
    ) -> None:
        self.frame, self.step, self.linear, self.model = frame, step, linear, model
        self.kind, self.parts = frame.kind, frame.parts
        arguments = [
            self.kind.pointer, INTEGERS, INTEGER, INTEGERS, POINTER, INTEGER, DOUBLE, DOUBLE, POINTER,
            INTEGER, POINTER, INTEGERS, POINTER, INTEGER,
        ]  # fmt: skip
        self.function = ir.Function(module, ir.FunctionType(INTEGER, arguments), "handle_peaks")
        keep_apart(self.function)
        (
            base, self.spans, modes, self.structure, self.modal, self.stride, begin, stop, self.control,
            self.count, self.times, self.rows, self.results, self.person_stride,
        ) = self.function.args  # fmt: skip
        self.builder = builder = ir.IRBuilder(self.function.append_basic_block())
        self.n = Numbers(builder, self.kind)
        self.at = frame.layout.all(builder, base)
        self.work = variable(builder, self.kind.type, step.work.size)
        self.scratch = step.work.all(builder, self.work)
        self.modes = variable(builder, INTEGER)
        builder.store(modes, self.modes)
        self.stop = self.kind.spread(builder, stop)
        vector = self.kind.type
        count, states, peaks = frame.nonlinear, frame.states, self.parts.peak_count
        self.origin, self.left, self.peak_time = (variable(builder, vector) for _ in range(3))
        self.left_y, self.y = variable(builder, vector, count), variable(builder, vector, count)
        self.there, self.trial_states = (variable(builder, vector, states + 1) for _ in range(2))
        self.old, self.new, self.trial, self.roots = (variable(builder, vector, peaks) for _ in range(4))
        self.active = variable(builder, vector)
        self.rounds = variable(builder, INTEGER)
        self._emit(begin, load(builder, self.at["before"], 0))

    # ---- pieces -----------------------------------------------------------------------------------

    def _copy(self, count: int, source: Any, target: Any) -> None:
        with counted_loop(self.builder, count) as i:
            store(self.builder, load(self.builder, source, i), target, i)

    def _mix(self, count: int, mask: Any, source: Any, target: Any) -> None:
        """Copy the lanes of a mask."""
        with counted_loop(self.builder, count) as i:
            new = self.builder.select(mask, load(self.builder, source, i), load(self.builder, target, i))
            store(self.builder, new, target, i)

    def _evaluate_linear(self, tau: Any, target: Any) -> None:
        if self.frame.linear:
            self.builder.call(
                self.linear.at,
                [
                    self.structure, self.modal, self.stride, self.at["amplitudes"], self.at["state_lines"],
                    tau, target,
                ],
            )  # fmt: skip

    @property
    def _forcing_arrays(self) -> list[Any]:
        at = self.at
        return [at["rates"], at["coefficients"], at["lines"], self.spans, self.builder.load(self.modes)]

    def _start_forcing(self, tau: Any) -> None:
        """Forcings at the start of a step from there."""
        scratch = self.scratch
        self.builder.call(
            self.step.forcing,
            [
                tau,
                *self._forcing_arrays,
                scratch["exponentials"],
                self.at["hoisted"],
                scratch["values"],
                scratch["slopes"],
            ],
        )

    def _try_step(self, y: Any, tau: Any, h: Any) -> Any:
        control = [load(self.builder, self.control, slot) for slot in (stepper.RELATIVE, stepper.ABSOLUTE)]
        self._count(stepper.STEPS)
        arguments = [y, self.at["hoisted"], *self._forcing_arrays, tau, h, *control, self.work]
        return self.builder.call(self.step.step, arguments)

    def _count(self, slot: int) -> None:
        value = self.builder.fadd(load(self.builder, self.control, slot), number(1.0))
        store(self.builder, value, self.control, slot)

    def _slopes(self, y: Any, which: str, target: Any) -> None:
        values, slopes = ("end_values", "end_slopes") if which == "end" else ("values", "slopes")
        self.builder.call(
            self.parts.peaks,
            [y, self.scratch[values], self.scratch[slopes], self.at["hoisted"], target],
        )

    def _is_active(self) -> Any:
        return self.n.compare("!=", self.builder.load(self.active), 0.0)

    def _turned(self, p: Any) -> Any:
        builder, n = self.builder, self.n
        rose = n.compare(">", load(builder, self.old, p), 0.0)
        falls = n.compare("<=", load(builder, self.new, p), 0.0)
        return builder.and_(self._is_active(), builder.and_(rose, falls))

    def _write(self, k: Any, states: Any, mask: Any) -> None:
        builder, kind = self.builder, self.kind
        with builder.if_then(kind.any(builder, mask)):
            time = kind.spread(builder, load(builder, self.times, k))
            chosen = builder.select(mask, kind.number(1.0), kind.number(0.0))
            row = load(builder, self.rows, k)
            builder.call(
                self.model.write,
                [time, states, self.at["hoisted"], self.results, self.person_stride, row, chosen],
            )

    # ---- the way ----------------------------------------------------------------------------------

    def _emit(self, begin: Any, previous: Any) -> None:
        builder, kind, n, frame = self.builder, self.kind, self.n, self.frame
        peaks = self.parts.peak_count
        origin = kind.spread(builder, begin)
        builder.store(origin, self.origin)
        builder.store(previous, self.left)
        builder.store(kind.number(1.0), self.active)
        builder.store(index(0), self.rounds)
        self._copy(frame.nonlinear, place(builder, self.at["before"], 1), self.left_y)
        self._copy(peaks, self.at["peak_slopes"], self.old)
        self._start_forcing(n.sub(self.stop, origin))
        self._slopes(self.at["nonlinear"], "start", self.new)
        instant = n.compare("==", previous, self.stop)
        with counted_loop(builder, peaks) as p:
            old, new = load(builder, self.old, p), load(builder, self.new, p)
            waits = builder.and_(instant, n.compare("==", old, -float("inf")))
            store(builder, builder.select(waits, old, new), self.at["peak_slopes"], p)
        self._evaluate_linear(n.sub(self.stop, origin), self.at["states"])
        loop, round_, after = (builder.append_basic_block(name) for name in ("loop", "round", "after"))
        builder.branch(loop)
        builder.position_at_end(loop)
        any_turned = variable(builder, ir.IntType(1))
        builder.store(ir.IntType(1)(0), any_turned)
        with counted_loop(builder, peaks) as p:
            found = kind.any(builder, self._turned(p))
            builder.store(builder.or_(builder.load(any_turned), found), any_turned)
        builder.cbranch(builder.load(any_turned), round_, after)
        builder.position_at_end(round_)
        rounds = builder.add(builder.load(self.rounds), index(1))
        builder.store(rounds, self.rounds)
        with builder.if_then(builder.icmp_signed(">", rounds, index(_MOST_ROUNDS))):
            builder.ret(index(stepper.STEP_COLLAPSED))
        self._round()
        builder.branch(loop)
        builder.position_at_end(after)
        builder.ret(index(stepper.FINISHED))

    def _round(self) -> None:
        """The earliest peak of every lane that turned, and the way from it to the end of the step."""
        builder, kind, n = self.builder, self.kind, self.n
        left, origin = builder.load(self.left), builder.load(self.origin)
        self._start_forcing(n.sub(left, origin))
        builder.store(self.stop, self.peak_time)
        turned_number = variable(builder, kind.type)
        builder.store(kind.number(0.0), turned_number)
        with counted_loop(builder, self.parts.peak_count) as p:
            turned = self._turned(p)
            builder.store(
                builder.select(turned, kind.number(1.0), builder.load(turned_number)), turned_number
            )
            store(builder, kind.number(float("inf")), self.roots, p)
            with builder.if_then(kind.any(builder, turned)):
                root = self._refine(p, turned)
                store(builder, builder.select(turned, root, kind.number(float("inf"))), self.roots, p)
                earlier = builder.and_(turned, n.compare("<", root, builder.load(self.peak_time)))
                builder.store(builder.select(earlier, root, builder.load(self.peak_time)), self.peak_time)
        turned = n.compare("!=", builder.load(turned_number), 0.0)
        self._go_to_peak(turned)
        self._assign(turned)
        self._go_on(turned)

    def _refine(self, p: Any, turned: Any) -> Any:
        """Time at which a slope turns, in every lane of the mask."""
        builder, kind, n = self.builder, self.kind, self.n
        left, origin = builder.load(self.left), builder.load(self.origin)
        a, b, fa, fb, side = (variable(builder, kind.type) for _ in range(5))
        for where, value in ((a, left), (b, self.stop), (fa, load(builder, self.old, p)),
                             (fb, load(builder, self.new, p)), (side, kind.number(0.0))):  # fmt: skip
            builder.store(value, where)
        resolution = n.fma(1e-13, n.magnitude(self.stop), 1e-11)
        trials = variable(builder, INTEGER)
        builder.store(index(0), trials)
        head, body, after = (builder.append_basic_block(name) for name in ("refine", "trial", "refined"))
        builder.branch(head)
        builder.position_at_end(head)
        low, high = builder.load(a), builder.load(b)
        is_open = builder.and_(turned, n.compare(">", n.sub(high, low), resolution))
        trial = builder.load(trials)
        few = builder.icmp_signed("<", trial, index(_MOST_TRIALS))
        builder.cbranch(builder.and_(kind.any(builder, is_open), few), body, after)
        builder.position_at_end(body)
        builder.store(builder.add(trial, index(1)), trials)
        f_low, f_high, last = builder.load(fa), builder.load(fb), builder.load(side)
        middle = n.mul(n.add(low, high), 0.5)
        line = n.sub(high, n.div(n.mul(f_high, n.sub(high, low)), n.sub(f_high, f_low)))
        margin = n.mul(resolution, 0.25)
        line = intrinsic(builder, "llvm.maxnum", line, n.add(low, margin))
        line = intrinsic(builder, "llvm.minnum", line, n.sub(high, margin))
        bisects = builder.icmp_signed("==", builder.srem(trial, index(4)), index(3))
        time = builder.select(bisects, middle, line)
        self._try_step(self.left_y, n.sub(left, origin), n.sub(time, left))
        self._slopes(self.scratch["updated"], "end", self.trial)
        slope = load(builder, self.trial, p)
        rises = builder.and_(is_open, n.compare(">", slope, 0.0))
        falls = builder.and_(is_open, n.builder.not_(n.compare(">", slope, 0.0)))
        half_high = builder.and_(rises, n.compare(">", last, 0.0))
        half_low = builder.and_(falls, n.compare("<", last, 0.0))
        builder.store(builder.select(rises, time, low), a)
        builder.store(builder.select(falls, time, high), b)
        kept_low = builder.select(half_low, n.mul(f_low, 0.5), f_low)
        kept_high = builder.select(half_high, n.mul(f_high, 0.5), f_high)
        builder.store(builder.select(rises, slope, kept_low), fa)
        builder.store(builder.select(falls, slope, kept_high), fb)
        builder.store(
            builder.select(rises, kind.number(1.0), builder.select(falls, kind.number(-1.0), last)), side
        )
        builder.branch(head)
        builder.position_at_end(after)
        return builder.load(b)

    def _go_to_peak(self, turned: Any) -> None:
        """States of the lanes that turned at their peaks, in ``there``; slopes there in ``trial``."""
        builder, n, frame = self.builder, self.n, self.frame
        left, origin, time = (builder.load(where) for where in (self.left, self.origin, self.peak_time))
        moves = n.compare(">", time, left)
        self._try_step(self.left_y, n.sub(left, origin), n.choose(moves, n.sub(time, left), 1.0))
        nonlinear = place(builder, self.there, frame.linear)
        self._copy(frame.nonlinear, self.left_y, nonlinear)
        self._mix(frame.nonlinear, moves, self.scratch["updated"], nonlinear)
        self._start_forcing(n.sub(time, origin))
        self._slopes(nonlinear, "start", self.trial)
        self._evaluate_linear(n.sub(time, origin), self.there)

    def _assign(self, turned: Any) -> None:
        builder, kind, n, frame = self.builder, self.kind, self.n, self.frame
        time = builder.load(self.peak_time)
        for position, function in enumerate(self.model.peaks):
            hit = builder.and_(turned, n.compare("==", load(builder, self.roots, position), time))
            with builder.if_then(kind.any(builder, hit)):
                builder.call(function, [time, self.there, self.at["hoisted"], self.trial_states])
                holds = builder.fcmp_unordered("!=", load(builder, self.trial_states, 0), kind.number(0.0))
                changed = builder.and_(hit, holds)
                self._mix(frame.states, changed, place(builder, self.trial_states, 1), self.there)
            slope = load(builder, self.trial, position)
            slope = builder.select(hit, kind.number(-float("inf")), slope)
            store(builder, slope, self.old, position)

    def _go_on(self, turned: Any) -> None:
        """From the peaks to the end of the step, which becomes the lanes' present."""
        builder, kind, n, frame = self.builder, self.kind, self.n, self.frame
        time = builder.load(self.peak_time)
        rest = n.sub(self.stop, time)
        goes = builder.and_(turned, n.compare(">", rest, 0.0))
        stays = builder.and_(turned, n.builder.not_(n.compare(">", rest, 0.0)))
        self._restart(time)
        nonlinear = place(builder, self.there, frame.linear)
        with counted_loop(builder, self.count) as k:
            moment = kind.spread(builder, load(builder, self.times, k))
            self._write(k, self.there, builder.and_(stays, n.compare("==", moment, time)))
        self._mix(frame.states, stays, self.there, self.at["states"])
        peak_slopes = self.at["peak_slopes"]
        self._mix(self.parts.peak_count, stays, self.old, peak_slopes)
        self._copy(frame.nonlinear, nonlinear, self.left_y)
        builder.store(builder.select(goes, kind.number(1.0), kind.number(0.0)), self.active)
        builder.store(time, self.left)
        builder.store(time, self.origin)
        with builder.if_then(kind.any(builder, goes)):
            self._in_parts(goes, time, rest)
            self._mix(frame.nonlinear, goes, self.y, self.at["nonlinear"])
            self._evaluate_linear(rest, self.trial_states)
            self._mix(frame.linear, goes, self.trial_states, self.at["states"])
            self._slopes(self.y, "start", self.new)
            self._mix(self.parts.peak_count, goes, self.new, peak_slopes)

    def _restart(self, time: Any) -> None:
        """The exact solution from the peaks on, each lane with its own clock."""
        builder, at, frame = self.builder, self.at, self.frame
        if frame.linear:
            builder.call(self.model.source, [time, self.there, at["hoisted"], at["source"]])
            modes = builder.call(
                self.linear.prepare,
                [
                    self.there, at["source"], self.structure, self.modal, self.stride, at["amplitudes"],
                    at["state_lines"], at["rates"], at["coefficients"], at["lines"], self.spans,
                ],
            )  # fmt: skip
            builder.store(modes, self.modes)
        frame.set_clock(builder, at["lines"], self.spans, time)

    def _in_parts(self, goes: Any, time: Any, rest: Any) -> None:
        """Step over the rest in 1, 2, 4, ... equal parts until every lane keeps its tolerance."""
        builder, kind, n, frame = self.builder, self.kind, self.n, self.frame
        parts, j = variable(builder, INTEGER), variable(builder, INTEGER)
        builder.store(index(1), parts)
        again, head, body, good, bad, after = (
            builder.append_basic_block(name) for name in ("again", "head", "part", "good", "bad", "arrived")
        )
        builder.branch(again)
        builder.position_at_end(again)
        builder.store(index(0), j)
        self._copy(frame.nonlinear, self.left_y, self.y)
        self._start_forcing(kind.number(0.0))
        builder.branch(head)
        builder.position_at_end(head)
        part, count = builder.load(j), builder.load(parts)
        builder.cbranch(builder.icmp_signed("<", part, count), body, after)
        builder.position_at_end(body)
        share = builder.fdiv(number(1.0), builder.sitofp(count, DOUBLE))
        h = n.mul(n.choose(goes, rest, 1.0), kind.spread(builder, share))
        tau = n.mul(h, kind.spread(builder, builder.sitofp(part, DOUBLE)))
        error = self._try_step(self.y, tau, h)
        too_large = builder.fcmp_unordered(">", error, kind.number(1.0))
        builder.cbranch(kind.any(builder, builder.and_(goes, too_large)), bad, good)
        builder.position_at_end(bad)
        builder.store(builder.mul(count, index(2)), parts)
        self._count(stepper.REJECTED)
        with builder.if_then(builder.icmp_signed(">", count, index(_MOST_PARTS))):
            builder.ret(index(stepper.STEP_COLLAPSED))
        builder.branch(again)
        builder.position_at_end(good)
        last = builder.icmp_signed("==", builder.add(part, index(1)), count)
        self._write_part(goes, time, tau, h, last)
        self._copy(frame.nonlinear, self.scratch["updated"], self.y)
        self._copy(frame.forcings + self.parts.derived, self.scratch["end_values"], self.scratch["values"])
        self._copy(frame.forcings, self.scratch["end_slopes"], self.scratch["slopes"])
        builder.store(builder.add(part, index(1)), j)
        builder.branch(head)
        builder.position_at_end(after)

    def _write_part(self, goes: Any, time: Any, tau: Any, h: Any, last: Any) -> None:
        builder, kind, n, frame = self.builder, self.kind, self.n, self.frame
        with counted_loop(builder, self.count) as k:
            age = n.sub(kind.spread(builder, load(builder, self.times, k)), time)
            until = n.add(tau, h)
            ends = builder.select(last, kind.number(float("inf")), until)
            inside = builder.and_(n.compare(">=", age, tau), n.compare("<=", age, ends))
            inside = builder.and_(goes, inside)
            with builder.if_then(kind.any(builder, inside)):
                y = place(builder, self.trial_states, frame.linear)
                builder.call(self.step.dense, [self.y, self.work, n.div(n.sub(age, tau), h), y])
                self._evaluate_linear(age, self.trial_states)
                self._write(k, self.trial_states, inside)
