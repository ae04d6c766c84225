"""The compiled loop of steps of cascade collocation, over one interval without events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.cascade._known import KnownFunctions
from rekindle.engine.cascade._method import END_SLOPE, PLACES, STAGES, START
from rekindle.engine.cascade._outputs import Outputs
from rekindle.engine.cascade._sizes import PER_OCTAVE, StepSizes
from rekindle.engine.cascade._solve import combination
from rekindle.engine.cascade._step import NOT_CONVERGED, StepFunctions
from rekindle.engine.cascade._switches import emit_switches
from rekindle.engine.cascade._watch import Watch, emit_watch
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.lanes._lanes import (
    DOUBLE,
    INTEGER,
    INTEGERS,
    POINTER,
    index,
    intrinsic,
    load,
    number,
    place,
    store,
)
from rekindle.engine.rodas import _contract as contract
from rekindle.modelling import Expression

#: Control slots of this solver: first steps accepted in the last two segments, sweeps, and whether the next
#: segment goes on after a peak or a switch.
FIRST_STEP, EARLIER_FIRST_STEP, SWEEPS, GOES_ON = 8, 9, 10, 11

_SAFETY, _SHRINK, _GROW = 0.9, 0.1, 4.0
#: After a rejected step at most, and where feedback loops do not converge.
_LEAST_SHRINK, _FAILED_SHRINK = 0.8, 0.35
#: Distance from a switch, in units of what rounding makes of the time.
_MARGIN = 16.0
#: Share of the interval that the first step tries when nothing is known.
_FIRST_SHARE = 1.0 / 16.0


class StepLoop:
    def __init__(
        self,
        module: ir.Module,
        functions: StepFunctions,
        watched: Sequence[Expression],
        turning: Sequence[Expression],
    ) -> None:
        kind, states, forcings = functions.kind, functions.states, functions.forcings
        arguments = [kind.pointer] * 5 + [INTEGERS, INTEGER, DOUBLE, DOUBLE, POINTER, INTEGER, POINTER]
        signature = ir.FunctionType(INTEGER, arguments + [kind.pointer] * 3)
        self.function = ir.Function(module, signature, "integrate")
        (
            self.y, self.hoisted, self.rates, self.coefficients, self.lines, self.spans, self.modes,
            self.start, self.end, self.control, *output, self.peak_slopes, self.before,
        ) = self.function.args  # fmt: skip
        self.kind, self.functions, self.states = kind, functions, len(states)
        self.builder = builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.memory = functions.memory.reserve(builder)
        self.at = functions.memory.at(builder, *self.memory)
        modal = [self.rates, self.coefficients, self.lines, self.spans, self.modes]
        self.known = KnownFunctions(module, builder, modal, len(forcings), kind, PER_OCTAVE + 1)
        self.watch: Watch | None = None
        if watched:
            code = emit_watch(module, states, forcings, watched, kind)
            arrays = [self.at["values"], self.at["known"], self.hoisted, self.peak_slopes]
            self.watch = Watch(builder, code, arrays, len(forcings), kind)
        self.wait = emit_switches(module, turning, forcings, kind) if turning else None
        self.sizes = StepSizes(module, builder)
        self.t, self.last_h, self.shifted = (variable(builder, DOUBLE) for _ in range(3))
        self.failed = variable(builder, ir.IntType(1))
        builder.store(ir.IntType(1)(0), self.failed)
        self.goes_on = load(builder, self.control, GOES_ON)
        self.outputs = Outputs(builder, functions, self.at, self.y, *output)
        self._emit()

    # ---- the loop ---------------------------------------------------------------------------------

    def _emit(self) -> None:
        b, kind = self.builder, self.kind
        self.tolerances = tuple(
            kind.spread(b, load(b, self.control, slot)) for slot in (contract.ABSOLUTE, contract.RELATIVE)
        )
        b.store(self.start, self.t)
        b.store(number(0.0), self.shifted)
        store(b, number(0.0), self.control, GOES_ON)
        self.known.at_start(self.at["known"])
        self.stop, self.after = self._goal()
        b.call(self.functions.begin, [self.y, self.hoisted, *self.memory])
        self._first_size()
        b.store(load(b, self.control, contract.STEP), self.last_h)
        if self.watch is not None:
            self._look_at_start(self.watch)
        loop = b.append_basic_block("step")
        b.branch(loop)
        b.position_at_end(loop)
        self._step(loop)

    def _goal(self) -> tuple[Any, Any]:
        """Where the last step ends, and the time that it then is.

        It ends just before a switch, so that rounding leaves no node behind it, and goes on just after it.
        """
        b = self.builder
        if self.wait is None:
            return self.end, self.end
        switch = b.fadd(self.start, b.call(self.wait, [self.at["known"], self.lines, self.hoisted]))
        margin = b.fmul(self._resolution(self.start), number(_MARGIN))
        stop, after = b.fsub(switch, margin), b.fadd(switch, margin)
        inside = b.and_(
            b.fcmp_ordered(">", stop, b.fadd(self.start, margin)), b.fcmp_ordered("<", stop, self.end)
        )
        after = b.select(b.fcmp_ordered("<", b.fadd(after, margin), self.end), after, self.end)
        return b.select(inside, stop, self.end), b.select(inside, after, self.end)

    def _resolution(self, t: Any) -> Any:
        """What rounding makes of a time between here and the end."""
        b = self.builder
        sizes = [intrinsic(b, "llvm.fabs", time) for time in (t, self.end)]
        return b.fmul(number(4e-16), intrinsic(b, "llvm.maxnum", *sizes))

    def _first_size(self) -> None:
        """What the segment before the last could have begun with, because doses start and end in turn.

        After a peak or a switch it is the last size.
        """
        b = self.builder
        span = b.fsub(self.end, self.start)
        size = b.fmul(span, number(_FIRST_SHARE))
        for slot in (contract.STEP, FIRST_STEP, EARLIER_FIRST_STEP):
            known = load(b, self.control, slot)
            size = b.select(b.fcmp_ordered(">", known, number(0.0)), known, size)
        size = b.select(self._goes_on, load(b, self.control, contract.STEP), size)
        self.sizes.choose(size)

    @property
    def _goes_on(self) -> Any:
        return self.builder.fcmp_ordered("!=", self.goes_on, number(0.0))

    def _leave(self, status: int) -> None:
        b = self.builder
        store(b, b.load(self.t), self.control, contract.TIME_NOW)
        done = b.fadd(load(b, self.control, SWEEPS), load(b, self.at["sweeps"], 0))
        store(b, done, self.control, SWEEPS)
        b.ret(index(status))

    def _step(self, loop: ir.Block) -> None:
        b = self.builder
        t = b.load(self.t)
        remaining = b.fsub(self.stop, t)
        resolution = self._resolution(t)
        with b.if_then(b.fcmp_ordered("<=", remaining, resolution)):
            store(b, b.load(self.sizes.h), self.control, contract.STEP)
            b.store(self.after, self.t)
            if self.wait is not None:
                with b.if_then(b.fcmp_ordered("<", self.after, self.end)):
                    store(b, number(1.0), self.control, GOES_ON)
                    self._leave(contract.PAUSED)
            self._leave(contract.FINISHED)
        wanted = b.load(self.sizes.h)
        is_last = b.fcmp_ordered(">=", wanted, b.fmul(remaining, number(1.0 - 1e-9)))
        h = b.select(is_last, remaining, wanted)
        with b.if_then(b.fcmp_unordered("<", h, resolution)):
            self._leave(contract.STEP_COLLAPSED)
        taken = b.fadd(load(b, self.control, contract.STEPS), number(1.0))
        store(b, taken, self.control, contract.STEPS)
        most = load(b, self.control, contract.MOST_STEPS)
        with b.if_then(b.fcmp_ordered(">", taken, most)):
            self._leave(contract.TOO_MANY_STEPS)
        errors, table = self._solve(t, h)
        error = self.kind.most(b, errors)
        # An eighth root: the error falls with the eighth power of the step size.
        root = error
        for _ in range(3):
            root = intrinsic(b, "llvm.sqrt", root)
        factor = b.fdiv(number(_SAFETY), root)
        lost = b.fcmp_ordered("==", self.kind.lane(b, errors, 0), number(NOT_CONVERGED))
        with b.if_then(b.or_(lost, b.fcmp_ordered(">", error, number(1.0)))):
            smallest, largest = number(_SHRINK), number(_LEAST_SHRINK)
            shrink = intrinsic(b, "llvm.maxnum", intrinsic(b, "llvm.minnum", factor, largest), smallest)
            self._reject(h, b.select(lost, number(_FAILED_SHRINK), shrink), loop)
            b.position_at_end(b.append_basic_block("unreached"))
        self._accept(t, h, factor, is_last, wanted, table, loop)

    def _solve(self, t: Any, h: Any) -> tuple[Any, Any]:
        """Each lane's error, and the table of exponentials of the step."""
        b, functions = self.builder, self.functions
        table = self.known.at_nodes(b.fsub(t, self.start), h, self.sizes.slot(h), self.at["known"])
        ratio = b.fdiv(h, b.load(self.last_h))
        follows = b.fcmp_ordered("!=", load(b, self.at["has_previous"], 0), number(0.0))
        with b.if_then(b.and_(follows, b.fcmp_ordered("!=", ratio, load(b, self.at["ratio"], 0)))):
            store(b, ratio, self.at["ratio"], 0)
            b.call(functions.extrapolate, [ratio, self.at["extrapolation"]])
        wide = self.kind.spread(b, h)
        with b.if_then(b.fcmp_ordered("!=", h, b.load(self.shifted))):
            b.call(functions.shifts, [wide, *self.memory])
            b.store(h, self.shifted)
        step = [self.y, self.hoisted, wide, *self.tolerances, *self.memory]
        return b.call(functions.solve, step), table

    def _reject(self, h: Any, factor: Any, loop: ir.Block) -> None:
        b = self.builder
        count = b.fadd(load(b, self.control, contract.REJECTED), number(1.0))
        store(b, count, self.control, contract.REJECTED)
        b.store(ir.IntType(1)(1), self.failed)
        self.sizes.choose(b.fmul(h, factor))
        tiny = b.fmul(number(1e-13), b.fsub(self.end, self.start))
        with b.if_then(b.fcmp_ordered("<", b.load(self.sizes.h), tiny)):
            self._leave(contract.NOT_FINITE)
        b.branch(loop)

    def _accept(
        self, t: Any, h: Any, factor: Any, is_last: Any, wanted: Any, table: Any, loop: ir.Block
    ) -> None:
        b = self.builder
        arrival = b.select(is_last, self.after, b.fadd(t, h))
        self.outputs.write(t, h, arrival)
        is_first = b.fcmp_ordered("==", load(b, self.at["has_previous"], 0), number(0.0))
        with b.if_then(b.and_(is_first, b.not_(self._goes_on))):
            store(b, load(b, self.control, FIRST_STEP), self.control, EARLIER_FIRST_STEP)
            store(b, b.fmul(h, factor), self.control, FIRST_STEP)
        turned = None if self.watch is None else self._look(self.watch, t, table)
        self._go_to_the_end(h)
        self.known.fade(table)
        # Just after a rejected step the next one would fail where that one did.
        most = b.select(b.load(self.failed), number(1.0), number(_GROW))
        b.store(ir.IntType(1)(0), self.failed)
        grown = b.fmul(h, intrinsic(b, "llvm.minnum", factor, most))
        # A last step that was cut short says little about the size that the equations need.
        self.sizes.choose(b.select(is_last, intrinsic(b, "llvm.maxnum", wanted, grown), grown))
        b.store(h, self.last_h)
        b.store(arrival, self.t)
        if turned is not None:
            with b.if_then(turned):
                self._leave_at_peak()
        b.branch(loop)

    def _go_to_the_end(self, h: Any) -> None:
        """Move the states to the end of the step and remember what the next step needs."""
        b, kind, plan = self.builder, self.kind, self.functions.plan
        per_step = b.fdiv(kind.number(1.0), kind.spread(b, h))
        with counted_loop(b, self.states) as i:
            own = place(b, self.at["increments"], b.mul(i, index(PLACES)))
            z = [load(b, own, j) for j in range(STAGES)]
            store(b, b.fmul(combination(b, kind, END_SLOPE, z), per_step), self.at["start_slopes"], i)
            store(b, b.fadd(load(b, self.y, i), z[-1]), self.y, i)
        for state in plan.swept:
            with counted_loop(b, state * PLACES + STAGES, state * PLACES) as i:
                store(b, load(b, self.at["increments"], i), self.at["previous"], i)
        store(b, number(1.0), self.at["has_previous"], 0)

    # ---- peaks ------------------------------------------------------------------------------------

    def _look_at_start(self, watch: Watch) -> None:
        """Leave at once where a slope turned between the segments."""
        with self.builder.if_then(watch.turned_at_start(self.known.modal, self.known.tables)):
            self._remember(self.start)
            self._leave_at_peak()
        watch.keep(START, waiting=True)

    def _look(self, watch: Watch, t: Any, table: Any) -> Any:
        """Whether a slope turned in any lane; if not, what is watched from here on starts at the end."""
        turned = watch.turned_inside(self.known.modal, table)
        with self.builder.if_else(turned) as (found, nothing):
            with found:
                self._remember(t)
            with nothing:
                watch.keep(STAGES - 1, waiting=False)
        return turned

    def _remember(self, time: Any) -> None:
        b = self.builder
        store(b, self.kind.spread(b, time), self.before, 0)
        with counted_loop(b, self.states) as i:
            store(b, load(b, self.y, i), self.before, b.add(i, index(1)))

    def _leave_at_peak(self) -> None:
        b = self.builder
        store(b, b.load(self.sizes.h), self.control, contract.STEP)
        store(b, number(1.0), self.control, GOES_ON)
        self._leave(contract.PEAK)
