"""Cascade collocation over one interval without events: the compiled loop of steps.

Step sizes are powers of the square root of two, so that what depends on the step size alone is often reused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import llvmlite.ir as ir

from rekindle.engine import _stepper as contract
from rekindle.engine._control_flow import counted_loop, variable
from rekindle.engine._derivation import Derivation
from rekindle.engine.cascade._blocks import PLACES, START, emit_decay, emit_forcing
from rekindle.engine.cascade._method import STAGES
from rekindle.engine.cascade._plan import make_plan, own_slopes, with_quick_powers
from rekindle.engine.cascade._solve import multiply_add
from rekindle.engine.cascade._step import StepCode, StepFunctions
from rekindle.engine.cascade._watch import Watch, emit_watch
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
from rekindle.modelling import Expression

#: Control slots of this solver: first steps accepted in the last two segments, sweeps, and whether the next
#: segment goes on after a peak.
FIRST_STEP, EARLIER_FIRST_STEP, SWEEPS, GOES_ON = 8, 9, 10, 11

_PER_OCTAVE = 2
_OCTAVES = 64
_SAFETY, _SHRINK, _GROW = 0.9, 0.1, 4.0
_FAILED_SHRINK = 0.35
#: Share of the interval that the first step tries when nothing is known.
_FIRST_SHARE = 1.0 / 16.0
_RATES, _SLOPES = "cascade rates", "cascade slopes"


def cascade_roots(derivation: Derivation) -> dict[str, list[Expression]]:
    """Expressions to hoist: rates, and their slopes with respect to their own states."""
    system = derivation.system
    rates = with_quick_powers(system.right_hand_side)
    return {_RATES: rates, _SLOPES: own_slopes(system.nonlinear, rates)}


def emit_step_functions(
    module: ir.Module, derivation: Derivation, roots: Mapping[str, Sequence[Expression]], kind: LaneKind
) -> StepFunctions:
    """Emit what the steps call.

    Args:
        module: where it goes.
        derivation: the system's states and forcings.
        roots: what ``cascade_roots`` asked for, with constants hoisted.
        kind: numbers that the code works on.
    """
    states = derivation.system.nonlinear
    plan = make_plan(states, roots[_RATES], roots[_SLOPES], derivation.forcings)
    return StepFunctions(module, plan, states, derivation.forcings, kind)


def emit_cascade(
    module: ir.Module, functions: StepFunctions, watched: Sequence[Expression] = ()
) -> ir.Function:
    """Emit ``integrate`` with the signature and the meaning of the Rodas5P loop.

    Args:
        module: where it goes.
        functions: what the steps call.
        watched: slopes of what peak events watch, with constants hoisted.
    """
    return _Loop(module, functions, watched).function


class _Loop:
    def __init__(self, module: ir.Module, functions: StepFunctions, watched: Sequence[Expression]) -> None:
        kind, states, forcings = functions.kind, functions.states, functions.forcings
        arguments = [kind.pointer] * 5 + [INTEGERS, INTEGER, DOUBLE, DOUBLE, POINTER, INTEGER, POINTER]
        signature = ir.FunctionType(INTEGER, arguments + [kind.pointer] * 3)
        self.function = ir.Function(module, signature, "integrate")
        (
            self.y, self.hoisted, self.rates, self.coefficients, self.lines, self.spans, self.modes,
            self.start, self.end, self.control, self.output_count, self.output_times,
            self.output_states, self.peak_slopes, self.before,
        ) = self.function.args  # fmt: skip
        self.kind, self.count, self.forcing_count = kind, len(states), len(forcings)
        self.builder = builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.code = StepCode(functions, builder)
        self.forcing, self.decay = emit_forcing(module, len(forcings), kind), emit_decay(module, kind)
        self.watch: Watch | None = None
        if watched:
            code = emit_watch(module, states, forcings, watched, kind)
            arrays = [self.code.values, self.code.known, self.hoisted, self.peak_slopes]
            self.watch = Watch(builder, code, arrays, len(forcings), kind)
        # One table of exponentials for each step size of an octave, and one for sizes outside the grid.
        self.table_size = builder.mul(self.modes, index(PLACES))
        self.tables = builder.alloca(kind.type, builder.mul(self.table_size, index(_PER_OCTAVE + 1)))
        self.faded = builder.alloca(kind.type, self.modes)
        self.table_steps = variable(builder, DOUBLE, _PER_OCTAVE + 1)
        self.t, self.h, self.last_h, self.shifted = (variable(builder, DOUBLE) for _ in range(4))
        self.failed = variable(builder, ir.IntType(1))
        builder.store(ir.IntType(1)(0), self.failed)
        self.goes_on = load(builder, self.control, GOES_ON)
        self.written, self.level = variable(builder, INTEGER), variable(builder, INTEGER)
        self.output_weights = variable(builder, DOUBLE, STAGES)
        self.levels = self._level_table(module)
        self._emit()

    def _level_table(self, module: ir.Module) -> ir.GlobalVariable:
        count = _OCTAVES * _PER_OCTAVE
        # Octaves are exact, so that a table of exponentials can be squared.
        sizes = [
            2.0 ** (k // _PER_OCTAVE) * 2.0 ** (k % _PER_OCTAVE / _PER_OCTAVE)
            for k in range(-count, count + 1)
        ]
        kind = ir.ArrayType(DOUBLE, len(sizes))
        table = ir.GlobalVariable(module, kind, "cascade_step_sizes")
        table.initializer = ir.Constant(kind, [number(size) for size in sizes])
        table.global_constant = True
        table.linkage = "internal"
        return table

    def _size(self, level: Any) -> Any:
        return self.builder.load(self.builder.gep(self.levels, [index(0), level]))

    # ---- the loop ---------------------------------------------------------------------------------

    def _emit(self) -> None:
        b, kind = self.builder, self.kind
        self.tolerances = tuple(
            kind.spread(b, load(b, self.control, slot)) for slot in (contract.ABSOLUTE, contract.RELATIVE)
        )
        b.store(self.start, self.t)
        b.store(index(0), self.written)
        with counted_loop(b, _PER_OCTAVE + 1) as i:
            store(b, number(0.0), self.table_steps, i)
        with counted_loop(b, b.mul(self.table_size, index(_PER_OCTAVE + 1))) as i:
            store(b, kind.number(0.0), self.tables, i)
        with counted_loop(b, self.modes) as mode:
            store(b, kind.number(1.0), self.faded, mode)
        b.store(index(_OCTAVES * _PER_OCTAVE), self.level)
        b.store(number(0.0), self.shifted)
        store(b, number(0.0), self.control, GOES_ON)
        self._known_at_start()
        self.code.emit_start(self.y, self.hoisted)
        self._first_size()
        b.store(load(b, self.control, contract.STEP), self.last_h)
        if self.watch is not None:
            self._look_at_start(self.watch)
        loop = b.append_basic_block("step")
        b.branch(loop)
        b.position_at_end(loop)
        self._step(loop)

    def _known_at_start(self) -> None:
        b, kind = self.builder, self.kind
        total = variable(b, kind.type)
        for forcing in range(self.forcing_count):
            b.store(load(b, self.lines, 2 * forcing), total)
            first, last = load(b, self.spans, 2 * forcing), load(b, self.spans, 2 * forcing + 1)
            with counted_loop(b, last, first) as mode:
                value = load(b, self.coefficients, b.add(b.mul(self.modes, index(forcing)), mode))
                b.store(b.fadd(b.load(total), value), total)
            store(b, b.load(total), self.code.known, forcing * PLACES + START)

    def _first_size(self) -> None:
        """What the segment before the last could have begun with, because doses start and end in turn.

        After a peak it is the last size.
        """
        b = self.builder
        span = b.fsub(self.end, self.start)
        size = b.fmul(span, number(_FIRST_SHARE))
        for slot in (contract.STEP, FIRST_STEP, EARLIER_FIRST_STEP):
            known = load(b, self.control, slot)
            size = b.select(b.fcmp_ordered(">", known, number(0.0)), known, size)
        size = b.select(self._goes_on, load(b, self.control, contract.STEP), size)
        self._choose(size)

    @property
    def _goes_on(self) -> Any:
        return self.builder.fcmp_ordered("!=", self.goes_on, number(0.0))

    def _choose(self, wanted: Any) -> None:
        """The largest size of the grid that is not above the wanted one."""
        b = self.builder
        for sign in ("down", "up"):
            head, move, after = (b.append_basic_block(sign) for _ in range(3))
            b.branch(head)
            b.position_at_end(head)
            level = b.load(self.level)
            other = b.add(level, index(-1 if sign == "down" else 1))
            if sign == "down":
                goes = b.and_(
                    b.fcmp_ordered(">", self._size(level), wanted), b.icmp_signed(">", level, index(0))
                )
            else:
                inside = b.icmp_signed("<", level, index(2 * _OCTAVES * _PER_OCTAVE - 1))
                goes = b.and_(b.fcmp_ordered("<=", self._size(other), wanted), inside)
            b.cbranch(goes, move, after)
            b.position_at_end(move)
            b.store(other, self.level)
            b.branch(head)
            b.position_at_end(after)
        b.store(self._size(b.load(self.level)), self.h)

    def _leave(self, status: int) -> None:
        b = self.builder
        store(b, b.load(self.t), self.control, contract.TIME_NOW)
        done = b.uitofp(b.load(self.code.total_sweeps), DOUBLE)
        store(b, b.fadd(load(b, self.control, SWEEPS), done), self.control, SWEEPS)
        b.ret(index(status))

    def _step(self, loop: ir.Block) -> None:
        b = self.builder
        t = b.load(self.t)
        remaining = b.fsub(self.end, t)
        sizes = [intrinsic(b, "llvm.fabs", time) for time in (t, self.end)]
        resolution = b.fmul(number(4e-16), intrinsic(b, "llvm.maxnum", *sizes))
        with b.if_then(b.fcmp_ordered("<=", remaining, resolution)):
            store(b, b.load(self.h), self.control, contract.STEP)
            b.store(self.end, self.t)
            self._leave(contract.FINISHED)
        wanted = b.load(self.h)
        is_last = b.fcmp_ordered(">=", wanted, b.fmul(remaining, number(1.0 - 1e-9)))
        h = b.select(is_last, remaining, wanted)
        with b.if_then(b.fcmp_unordered("<", h, resolution)):
            self._leave(contract.STEP_COLLAPSED)
        taken = b.fadd(load(b, self.control, contract.STEPS), number(1.0))
        store(b, taken, self.control, contract.STEPS)
        most = load(b, self.control, contract.MOST_STEPS)
        with b.if_then(b.fcmp_ordered(">", taken, most)):
            self._leave(contract.TOO_MANY_STEPS)
        failed = b.append_basic_block("not_converged")
        self._solve(t, h, failed)
        errors, above = self.code.emit_error(self.y, self.tolerances)
        error, bad = self.kind.largest(b, errors), self.kind.any(b, above)
        # An eighth root: the error falls with the eighth power of the step size.
        root = error
        for _ in range(3):
            root = intrinsic(b, "llvm.sqrt", root)
        factor = b.fdiv(number(_SAFETY), root)
        accepted, rejected = b.append_basic_block("accepted"), b.append_basic_block("rejected")
        b.cbranch(bad, rejected, accepted)
        b.position_at_end(failed)
        self._reject(h, number(_FAILED_SHRINK), loop)
        b.position_at_end(rejected)
        # A lane without a number leaves nothing to learn from the error.
        usable = b.fcmp_ordered(">", error, number(1.0))
        shrink = intrinsic(
            b, "llvm.maxnum", intrinsic(b, "llvm.minnum", factor, number(0.8)), number(_SHRINK)
        )
        self._reject(h, b.select(usable, shrink, number(_SHRINK)), loop)
        b.position_at_end(accepted)
        self._accept(t, h, factor, is_last, wanted, loop)

    def _solve(self, t: Any, h: Any, failed: ir.Block) -> None:
        b, code = self.builder, self.code
        level = b.load(self.level)
        on_grid = b.fcmp_ordered("==", h, self._size(level))
        slot = b.select(on_grid, b.and_(level, index(_PER_OCTAVE - 1)), index(_PER_OCTAVE))
        self.table = place(b, self.tables, b.mul(slot, self.table_size))
        known = load(b, self.table_steps, slot)
        with b.if_then(b.fcmp_ordered("!=", h, known)):
            b.call(self.decay, [h, known, self.rates, self.modes, self.faded, self.table])
            store(b, h, self.table_steps, slot)
        arguments = [self.coefficients, self.lines, self.spans, self.modes, self.faded, self.table]
        b.call(self.forcing, [b.fsub(t, self.start), h, *arguments, code.known])
        with b.if_then(b.icmp_signed("!=", b.load(code.has_previous), index(0))):
            code.emit_extrapolation(b.fdiv(h, b.load(self.last_h)))
        wide = self.kind.spread(b, h)
        with b.if_then(b.fcmp_ordered("!=", h, b.load(self.shifted))):
            code.emit_shifts(wide)
            b.store(h, self.shifted)
        code.emit_solution(self.y, wide, self.tolerances, failed)

    def _reject(self, h: Any, factor: Any, loop: ir.Block) -> None:
        b = self.builder
        count = b.fadd(load(b, self.control, contract.REJECTED), number(1.0))
        store(b, count, self.control, contract.REJECTED)
        b.store(ir.IntType(1)(1), self.failed)
        self._choose(b.fmul(h, factor))
        tiny = b.fmul(number(1e-13), b.fsub(self.end, self.start))
        with b.if_then(b.fcmp_ordered("<", b.load(self.h), tiny)):
            self._leave(contract.NOT_FINITE)
        b.branch(loop)

    def _accept(self, t: Any, h: Any, factor: Any, is_last: Any, wanted: Any, loop: ir.Block) -> None:
        b = self.builder
        arrival = b.select(is_last, self.end, b.fadd(t, h))
        self._write_outputs(t, h, arrival)
        is_first = b.icmp_signed("==", b.load(self.code.has_previous), index(0))
        with b.if_then(b.and_(is_first, b.not_(self._goes_on))):
            store(b, load(b, self.control, FIRST_STEP), self.control, EARLIER_FIRST_STEP)
            store(b, b.fmul(h, factor), self.control, FIRST_STEP)
        turned = None if self.watch is None else self._look(self.watch, t)
        self.code.emit_accept(self.y)
        with counted_loop(b, self.modes) as mode:
            end = load(b, self.table, b.add(b.mul(mode, index(PLACES)), index(STAGES - 1)))
            store(b, b.fmul(load(b, self.faded, mode), end), self.faded, mode)
        # Just after a rejected step the next one would fail where that one did.
        most = b.select(b.load(self.failed), number(1.0), number(_GROW))
        b.store(ir.IntType(1)(0), self.failed)
        grown = b.fmul(h, intrinsic(b, "llvm.minnum", factor, most))
        # A last step that was cut short says little about the size that the equations need.
        self._choose(b.select(is_last, intrinsic(b, "llvm.maxnum", wanted, grown), grown))
        b.store(h, self.last_h)
        b.store(arrival, self.t)
        if turned is not None:
            with b.if_then(turned):
                self._leave_at_peak()
        b.branch(loop)

    # ---- peaks ------------------------------------------------------------------------------------

    def _look_at_start(self, watch: Watch) -> None:
        """Leave at once where a slope turned between the segments."""
        with self.builder.if_then(watch.turned_at_start(self._modal, self.tables)):
            self._remember(self.start)
            self._leave_at_peak()
        watch.keep(START, waiting=True)

    def _look(self, watch: Watch, t: Any) -> Any:
        """Whether a slope turned in any lane; if not, what is watched from here on starts at the end."""
        turned = watch.turned_inside(self._modal, self.table)
        with self.builder.if_else(turned) as (found, nothing):
            with found:
                self._remember(t)
            with nothing:
                watch.keep(STAGES - 1, waiting=False)
        return turned

    @property
    def _modal(self) -> list[Any]:
        return [self.rates, self.coefficients, self.lines, self.spans, self.modes, self.faded]

    def _remember(self, time: Any) -> None:
        b = self.builder
        store(b, self.kind.spread(b, time), self.before, 0)
        with counted_loop(b, self.count) as i:
            store(b, load(b, self.y, i), self.before, b.add(i, index(1)))

    def _leave_at_peak(self) -> None:
        b = self.builder
        store(b, b.load(self.h), self.control, contract.STEP)
        store(b, number(1.0), self.control, GOES_ON)
        self._leave(contract.PEAK)

    def _write_outputs(self, t: Any, h: Any, arrival: Any) -> None:
        b, kind, code = self.builder, self.kind, self.code
        head, body, after = (b.append_basic_block(name) for name in ("outputs", "output", "written"))
        b.branch(head)
        b.position_at_end(head)
        written = b.load(self.written)
        check = b.append_basic_block("check")
        b.cbranch(b.icmp_signed("<", written, self.output_count), check, after)
        b.position_at_end(check)
        time = load(b, self.output_times, written)
        b.cbranch(b.fcmp_ordered("<=", time, arrival), body, after)
        b.position_at_end(body)
        position = b.fdiv(b.fsub(time, t), h)
        b.call(code.functions.weights, [position, self.output_weights])
        weights = [kind.spread(b, load(b, self.output_weights, j)) for j in range(STAGES)]
        first = b.mul(written, index(self.count))
        for state in range(self.count):
            value = load(b, self.y, state)
            for j in range(STAGES):
                value = multiply_add(b, weights[j], load(b, code.increments, state * PLACES + j), value)
            store(b, value, self.output_states, b.add(first, index(state)))
        b.store(b.add(written, index(1)), self.written)
        b.branch(head)
        b.position_at_end(after)
