"""Lanes that part at a peak: each goes on by itself, with its assignments, to the end of the common step.

The stepper stops at the end of a step in which a watched slope turned in any lane. From the start of that
step every lane is moved again, now at its own times: to its peak, changed there, and on, by steps as its
tolerance asks for, until all lanes have arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.code._arithmetic import Numbers
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.code._model_code import ModelCode
from rekindle.engine.lanes._lane_frame import Frame
from rekindle.engine.lanes._lane_peaks import PeakFinder
from rekindle.engine.lanes._lane_step import LaneStep
from rekindle.engine.lanes._lanes import (
    DOUBLE,
    INTEGER,
    INTEGERS,
    POINTER,
    index,
    keep_apart,
    load,
    number,
    place,
    store,
)
from rekindle.engine.lanes._linear_lanes import LinearCode
from rekindle.engine.rodas import _contract as contract

_MOST_ROUNDS = 10_000
#: Step sizes of lanes: after a rejected step, after an accepted one, and of a lane that has arrived, as a
#: share of the common step.
_SHRINK, _GROW, _IDLE = 0.4, 3.0, 1e-6


@dataclass(frozen=True)
class PeakCode:
    """``int64 handle(frame, spans, modes, structure, modal, stride, begin, stop, control, count, times, rows,
    results, person stride)``: states, outputs and slopes of all lanes, up to ``stop``."""

    handle: ir.Function


def emit_peak_handler(
    module: ir.Module, frame: Frame, step: LaneStep, linear: LinearCode, model: ModelCode
) -> PeakCode:
    """Emit the handler."""
    return PeakCode(_Journey(module, frame, step, linear, model).function)


class _Journey:
    def __init__(
        self, module: ir.Module, frame: Frame, step: LaneStep, linear: LinearCode, model: ModelCode
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
        self.finder = PeakFinder(builder, step, self.work, self.at["hoisted"])
        self.modes = variable(builder, INTEGER)
        builder.store(modes, self.modes)
        self.stop = self.kind.spread(builder, stop)
        vector, states, peaks = self.kind.type, frame.states, self.parts.peak_count
        #: Clock of the exact solution, present time, and size of the next step of every lane.
        self.origin, self.time, self.size = (variable(builder, vector) for _ in range(3))
        self.y = variable(builder, vector, frame.nonlinear)
        self.there, self.seen = (variable(builder, vector, states + 1) for _ in range(2))
        self.watched = variable(builder, vector, peaks)
        self.rounds = variable(builder, INTEGER)
        self._emit(self.kind.spread(builder, begin), load(builder, self.at["before"], 0))

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
    def _forcing(self) -> list[Any]:
        at = self.at
        return [at["rates"], at["coefficients"], at["lines"], self.spans, self.builder.load(self.modes)]

    def _try_step(self, tau: Any, h: Any) -> Any:
        scratch = self.scratch
        arrays = [scratch["exponentials"], self.at["hoisted"], scratch["values"], scratch["slopes"]]
        self.builder.call(self.step.forcing, [tau, *self._forcing, *arrays])
        control = [load(self.builder, self.control, slot) for slot in (contract.RELATIVE, contract.ABSOLUTE)]
        self._add(contract.STEPS)
        arguments = [self.y, self.at["hoisted"], *self._forcing, tau, h, *control, self.work]
        return self.builder.call(self.step.step, arguments)

    def _add(self, slot: int) -> None:
        value = self.builder.fadd(load(self.builder, self.control, slot), number(1.0))
        store(self.builder, value, self.control, slot)

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

    def _emit(self, origin: Any, previous: Any) -> None:
        builder, n, frame = self.builder, self.n, self.frame
        builder.store(origin, self.origin)
        builder.store(previous, self.time)
        builder.store(n.sub(self.stop, previous), self.size)
        builder.store(index(0), self.rounds)
        self._copy(frame.nonlinear, place(builder, self.at["before"], 1), self.y)
        self._copy(self.parts.peak_count, self.at["peak_slopes"], self.watched)
        with builder.if_then(self.kind.any(builder, n.compare("==", previous, self.stop))):
            self._turn_at_once(n.sub(self.stop, origin))
        head, round_, after = (builder.append_basic_block(name) for name in ("travel", "round", "arrived"))
        builder.branch(head)
        builder.position_at_end(head)
        goes = n.compare("<", builder.load(self.time), self.stop)
        builder.cbranch(self.kind.any(builder, goes), round_, after)
        builder.position_at_end(round_)
        rounds = builder.add(builder.load(self.rounds), index(1))
        builder.store(rounds, self.rounds)
        with builder.if_then(builder.icmp_signed(">", rounds, index(_MOST_ROUNDS))):
            builder.ret(index(contract.STEP_COLLAPSED))
        self._round(goes, n.sub(self.stop, previous))
        builder.branch(head)
        builder.position_at_end(after)
        self._evaluate_linear(n.sub(self.stop, builder.load(self.origin)), self.at["states"])
        self._copy(frame.nonlinear, self.y, self.at["nonlinear"])
        self._copy(self.parts.peak_count, self.watched, self.at["peak_slopes"])
        builder.ret(index(contract.FINISHED))

    def _turn_at_once(self, tau: Any) -> None:
        """A slope that jumped between two segments turns where it stands."""
        builder, n, kind = self.builder, self.n, self.kind
        self.finder.look(self.y, tau, self._forcing)
        turned = self._nowhere()
        for p in range(self.parts.peak_count):
            old, new = load(builder, self.watched, p), load(builder, self.finder.slopes, p)
            turns = builder.and_(n.compare(">", old, 0.0), n.compare("<=", new, 0.0))
            share = builder.select(turns, kind.number(0.0), kind.number(float("inf")))
            store(builder, share, self.finder.shares, p)
            waits = n.compare("==", old, -float("inf"))
            store(builder, builder.select(waits, old, new), self.finder.slopes, p)
            turned = builder.or_(turned, turns)
        self._arrive(builder.not_(self._nowhere()), turned, kind.number(0.0), self.stop, self.y)

    def _nowhere(self) -> Any:
        """A mask without a lane."""
        return self.n.compare("<", self.stop, self.stop)

    def _round(self, goes: Any, whole: Any) -> None:
        """One step of every lane that still goes; it ends at the first peak inside."""
        builder, n, kind, frame = self.builder, self.n, self.kind, self.frame
        time = builder.load(self.time)
        tau = n.sub(time, builder.load(self.origin))
        rest = n.sub(self.stop, time)
        is_last = n.compare(">=", builder.load(self.size), n.mul(rest, 1.0 - 1e-9))
        h = builder.select(is_last, rest, builder.load(self.size))
        h = builder.select(goes, h, n.mul(whole, _IDLE))
        error = self._try_step(tau, h)
        good = builder.and_(goes, n.compare("<=", error, 1.0))
        bad = builder.and_(goes, builder.not_(good))
        with builder.if_then(kind.any(builder, bad)):
            self._add(contract.REJECTED)
        resolution = n.fma(1e-13, n.magnitude(self.stop), 1e-11)
        share = self.finder.find(self.y, tau, h, self.watched, good, resolution, self._forcing)
        turned = self._nowhere()
        for p in range(self.parts.peak_count):
            turns = n.compare("<=", load(builder, self.finder.shares, p), 1.0)
            turned = builder.or_(turned, turns)
        reached = builder.select(turned, n.fma(share, h, time), n.add(time, h))
        ends = builder.or_(
            n.compare(">=", reached, self.stop), builder.and_(is_last, n.compare("==", share, 1.0))
        )
        reached = builder.select(ends, self.stop, reached)
        h = self._to_the_peak(turned, tau, h, share)
        self._write_inside(good, time, reached, h)
        shrunk, grown = n.mul(h, _SHRINK), n.mul(builder.load(self.size), _GROW)
        builder.store(
            builder.select(bad, shrunk, builder.select(turned, builder.load(self.size), grown)), self.size
        )
        tiny = n.compare("<", builder.load(self.size), n.mul(whole, 1e-13))
        with builder.if_then(kind.any(builder, builder.and_(goes, tiny))):
            builder.ret(index(contract.STEP_COLLAPSED))
        nonlinear = place(builder, self.there, frame.linear)
        self.finder.look(nonlinear, n.sub(reached, builder.load(self.origin)), self._forcing)
        self._arrive(good, turned, share, reached, nonlinear)

    def _to_the_peak(self, turned: Any, tau: Any, h: Any, share: Any) -> Any:
        """Nonlinear states where the lanes have got to, in ``there``; the size of the last step tried."""
        builder, n, frame = self.builder, self.n, self.frame
        nonlinear = place(builder, self.there, frame.linear)
        self._copy(frame.nonlinear, self.scratch["updated"], nonlinear)
        size = variable(builder, self.kind.type)
        builder.store(h, size)
        with builder.if_then(self.kind.any(builder, turned)):
            if self.step.restep:
                moves = n.compare(">", share, 0.0)
                shorter = builder.select(moves, n.mul(h, share), h)
                self._try_step(tau, shorter)
                builder.store(shorter, size)
                self._mix(frame.nonlinear, turned, self.scratch["updated"], nonlinear)
                self._mix(frame.nonlinear, builder.not_(moves), self.y, nonlinear)
            else:
                builder.call(self.step.dense, [self.y, self.work, share, self.seen])
                self._mix(frame.nonlinear, turned, self.seen, nonlinear)
        return builder.load(size)

    def _write_inside(self, good: Any, time: Any, reached: Any, h: Any) -> None:
        """Outputs between the last time and the new one; at a peak those before it, for now."""
        builder, kind, n, frame = self.builder, self.kind, self.n, self.frame
        with counted_loop(builder, self.count) as k:
            moment = kind.spread(builder, load(builder, self.times, k))
            inside = builder.and_(n.compare(">=", moment, time), n.compare("<=", moment, reached))
            inside = builder.and_(good, inside)
            with builder.if_then(kind.any(builder, inside)):
                y = place(builder, self.seen, frame.linear)
                share = n.div(n.sub(moment, time), h)
                builder.call(self.step.dense, [self.y, self.work, share, y])
                self._evaluate_linear(n.sub(moment, builder.load(self.origin)), self.seen)
                self._write(k, self.seen, inside)

    def _arrive(self, good: Any, turned: Any, share: Any, reached: Any, nonlinear: Any) -> None:
        """Let lanes be where they have got to, with the assignments of their peaks."""
        builder, kind, n, frame = self.builder, self.kind, self.n, self.frame
        time = builder.select(good, reached, builder.load(self.time))
        builder.store(time, self.time)
        self._mix(self.parts.peak_count, good, self.finder.slopes, self.watched)
        self._mix(frame.nonlinear, good, nonlinear, self.y)
        with builder.if_then(kind.any(builder, turned)):
            self._evaluate_linear(n.sub(time, builder.load(self.origin)), self.there)
            own = place(builder, self.there, frame.linear)
            self._copy(frame.nonlinear, self.y, own)
            self._assign(turned, share, time)
            self._copy(frame.nonlinear, own, self.y)
            with counted_loop(builder, self.count) as k:
                moment = kind.spread(builder, load(builder, self.times, k))
                self._write(k, self.there, builder.and_(turned, n.compare("==", moment, time)))
            self._restart(time)
            if any(isnan(mark) for mark in self.frame.marks_when_fired):
                self._look_again(turned)

    def _look_again(self, turned: Any) -> None:
        """See at once where events stand that moved what they watch."""
        self.finder.look(self.y, self.kind.number(0.0), self._forcing)
        for p in range(self.parts.peak_count):
            old, new = load(self.builder, self.watched, p), load(self.builder, self.finder.slopes, p)
            unseen = self.builder.and_(turned, self.builder.fcmp_unordered("uno", old, old))
            store(self.builder, self.builder.select(unseen, new, old), self.watched, p)

    def _assign(self, turned: Any, share: Any, time: Any) -> None:
        """Change ``there`` where an event has been reached; what it watches has to be seen again."""
        builder, kind, n, frame = self.builder, self.kind, self.n, self.frame
        for p, function in enumerate(self.model.peaks):
            hit = builder.and_(turned, n.compare("==", load(builder, self.finder.shares, p), share))
            with builder.if_then(kind.any(builder, hit)):
                builder.call(function, [time, self.there, self.at["hoisted"], self.seen])
                holds = builder.fcmp_unordered("!=", load(builder, self.seen, 0), kind.number(0.0))
                changed = builder.and_(hit, holds)
                self._mix(frame.states, changed, place(builder, self.seen, 1), self.there)
                slope = load(builder, self.watched, p)
                mark = kind.number(self.frame.marks_when_fired[p])
                mark = builder.select(changed, mark, kind.number(-float("inf")))
                store(builder, builder.select(hit, mark, slope), self.watched, p)

    def _restart(self, time: Any) -> None:
        """The exact solution from where the lanes are, each with its own clock."""
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
        builder.store(time, self.origin)
