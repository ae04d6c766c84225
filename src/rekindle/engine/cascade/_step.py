"""Code that solves the equations of one step, upstream first, and measures how well."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine._control_flow import counted_loop, variable
from rekindle.engine._emit import emit
from rekindle.engine._hoist import HOISTED
from rekindle.engine.cascade._blocks import PLACES, START, emit_block, emit_weights
from rekindle.engine.cascade._method import DECAY_SHARE, DEFECT_SHARE, END_SLOPE, NODES, STAGES, START_SLOPE
from rekindle.engine.cascade._plan import Block, Loop, Plan
from rekindle.engine.cascade._solve import (
    FACTORS,
    combination,
    emit_explicit,
    emit_factor,
    emit_shift,
    emit_solve,
    emit_solve_in_modes,
    multiply_add,
)
from rekindle.engine.lanes._lanes import (
    DOUBLE,
    FLAGS,
    INTEGER,
    LaneKind,
    index,
    intrinsic,
    load,
    number,
    place,
    store,
)

#: Sweeps after which a step counts as not converging.
MOST_SWEEPS = 12
#: Share of the tolerance that may be left of the difference between sweeps.
_LEFT_OVER = 0.02
_SLOWEST = 0.9
#: The node whose slope stands for the step in a sweep.
MIDDLE = 3


class StepFunctions:
    """The functions that the steps of one plan call, emitted once.

    Args:
        module: where the functions go.
        plan: order of the work.
        states: names of the nonlinear states.
        forcings: names of the known functions of time.
        kind: numbers that the code works on.
    """

    def __init__(
        self,
        module: ir.Module,
        plan: Plan,
        states: tuple[str, ...],
        forcings: tuple[str, ...],
        kind: LaneKind,
    ) -> None:
        self.plan, self.states, self.forcings, self.kind = plan, states, forcings, kind
        blocks = [b for s in plan.steps for b in ([s] if isinstance(s, Block) else s.blocks)]
        self.blocks = {
            id(block): emit_block(module, f"cascade_block_{i}", block, states, forcings, kind)
            for i, block in enumerate(blocks)
            if block.roots
        }
        self.factor, self.solve = emit_factor(module, kind), emit_solve(module, kind)
        self.shift, self.solve_in_modes = emit_shift(module, kind), emit_solve_in_modes(module, kind)
        self.explicit, self.weights = emit_explicit(module, kind), emit_weights(module)


class StepCode:
    """Code and working memory for the steps of one plan, inside one function.

    Args:
        functions: what it calls.
        builder: of the function that takes the steps, at its start.
    """

    def __init__(self, functions: StepFunctions, builder: ir.IRBuilder) -> None:
        self.functions, self.builder = functions, builder
        self.plan, self.kind = plan, kind = functions.plan, functions.kind
        self.count, self.forcing_count = len(functions.states), len(functions.forcings)
        self.values, self.increments, self.rates, self.slopes, self.previous = (
            variable(builder, kind.type, self.count * PLACES) for _ in range(5)
        )
        self.known = variable(builder, kind.type, self.forcing_count * PLACES)
        self.shared = variable(builder, kind.type, plan.shared * PLACES)
        self.factors = variable(builder, kind.type, self.count * FACTORS)
        self.start_slopes, self.scales = (variable(builder, kind.type, self.count) for _ in range(2))
        self.extrapolation = variable(builder, DOUBLE, STAGES * STAGES)
        self.ratio = variable(builder, DOUBLE)
        self.contractions = {
            id(step): variable(builder, DOUBLE) for step in plan.steps if isinstance(step, Loop)
        }
        self.sweeps, self.total_sweeps = variable(builder, INTEGER), variable(builder, INTEGER)
        self.has_previous = variable(builder, INTEGER)

    # ---- before the first step --------------------------------------------------------------------

    def emit_start(self, y: Any, hoisted: Any) -> None:
        """Rates at the start of the segment; the known functions are at place START already."""
        b = self.builder
        self.hoisted = hoisted
        b.store(number(0.0), self.ratio)
        for contraction in self.contractions.values():
            b.store(number(0.1), contraction)
        for counter in (self.total_sweeps, self.has_previous):
            b.store(index(0), counter)
        with counted_loop(b, self.count * PLACES) as i:
            store(b, self.kind.number(0.0), self.slopes, i)
        fixed = emit(b, list(self.plan.fixed.values()), self._read_hoisted, self.kind)
        for state, value in zip(self.plan.fixed, fixed, strict=True):
            for i in range(PLACES):
                store(b, value, self.slopes, state * PLACES + i)
        for state in range(self.count):
            store(b, load(b, y, state), self.values, state * PLACES + START)
        for step in self.plan.steps:
            for block in [step] if isinstance(step, Block) else step.blocks:
                self._evaluate(block, START, PLACES)
        for state in range(self.count):
            store(b, load(b, self.rates, state * PLACES + START), self.start_slopes, state)

    def _read_hoisted(self, name: str) -> Any:
        return load(self.builder, self.hoisted, int(name[len(HOISTED) :]))

    def _evaluate(self, block: Block, first: int, last: int) -> None:
        if block.roots:
            arguments = [self.values, self.known, self.shared, self.rates, self.slopes, self.hoisted]
            self.builder.call(self.functions.blocks[id(block)], [*arguments, index(first), index(last)])

    # ---- one step ---------------------------------------------------------------------------------

    def emit_shifts(self, wide_h: Any) -> None:
        """What depends on the step size alone, which may differ between lanes."""
        self.wide_h = wide_h
        for state in self.plan.fixed:
            self._shift(state)

    def emit_solution(self, y: Any, wide_h: Any, control: tuple[Any, Any], failed: ir.Block) -> None:
        """Increments of all states; ``control`` holds the absolute and relative tolerance."""
        b = self.builder
        self.wide_h = wide_h
        for state in self.plan.swept:
            start = load(b, y, state)
            scale = self._scale(start, start, control)
            store(b, b.fdiv(self.kind.number(1.0), scale), self.scales, state)
        b.store(index(0), self.sweeps)
        for step in self.plan.steps:
            if isinstance(step, Block):
                self._solve_directly(step, y)
            else:
                self._sweep(step, y, failed)

    def _at(self, memory: Any, state: int, width: int = PLACES) -> Any:
        return place(self.builder, memory, state * width)

    def _shift(self, state: int) -> None:
        slope = load(self.builder, self.slopes, state * PLACES + MIDDLE)
        arguments = [self.wide_h, slope, self._at(self.factors, state, FACTORS)]
        self.builder.call(self.functions.shift, arguments)

    def _factorise(self, state: int) -> None:
        arguments = [self.wide_h, self._at(self.slopes, state), self._at(self.factors, state, FACTORS)]
        self.builder.call(self.functions.factor, arguments)

    def _solve_directly(self, block: Block, y: Any) -> None:
        b, state = self.builder, block.updates
        assert state is not None
        start = load(b, y, state)
        for i in range(STAGES):
            store(b, start, self.values, state * PLACES + i)
            store(b, self.kind.number(0.0), self.increments, state * PLACES + i)
        self._evaluate(block, 0, STAGES)
        if state in self.plan.varying:
            self._factorise(state)
        self._update(state, start)

    def _update(self, state: int, start: Any) -> Any:
        one_slope = state in self.plan.fixed or state in self.plan.swept & self.plan.varying
        code = self.functions
        moves = code.solve if state in self.plan.varying else code.explicit
        function = code.solve_in_modes if one_slope else moves
        slopes = place(self.builder, self.slopes, state * PLACES + (MIDDLE if one_slope else 0))
        memory = [self._at(self.rates, state), slopes]
        memory += [self._at(self.factors, state, FACTORS)]
        memory += [self._at(m, state) for m in (self.increments, self.values)]
        return self.builder.call(function, [self.wide_h, start, *memory])

    # ---- feedback loops ---------------------------------------------------------------------------

    def _sweep(self, loop: Loop, y: Any, failed: ir.Block) -> None:
        b, kind, contraction = self.builder, self.kind, self.contractions[id(loop)]
        for state in loop.states:
            self._predict(state, load(b, y, state))
        self._evaluate(loop.slopes, MIDDLE, MIDDLE + 1)
        self._evaluate(loop.before, 0, STAGES)
        for state in loop.states:
            if state in self.plan.varying:
                self._shift(state)
        count, last = variable(b, INTEGER), variable(b, DOUBLE)
        b.store(index(0), count)
        b.store(number(0.0), last)
        again, next_sweep, done = (b.append_basic_block(name) for name in ("sweep", "next_sweep", "swept"))
        b.branch(again)
        b.position_at_end(again)
        largest = kind.number(0.0)
        for block in loop.sweep:
            if block is not loop.sweep[0]:
                self._evaluate(block, 0, STAGES)
            assert block.updates is not None
            change = self._update(block.updates, load(b, y, block.updates))
            change = b.fmul(change, load(b, self.scales, block.updates))
            largest = intrinsic(b, "llvm.maxnum", largest, change)
        change = kind.largest(b, largest)
        number_done = b.add(b.load(count), index(1))
        b.store(number_done, count)
        b.store(b.add(b.load(self.total_sweeps), index(1)), self.total_sweeps)
        before = b.load(last)
        b.store(change, last)
        with b.if_then(b.fcmp_ordered(">", before, number(0.0))):
            b.store(b.fdiv(change, before), contraction)
            bad = b.fcmp_unordered(">", change, b.fmul(before, number(_SLOWEST)))
            late = b.icmp_signed(">=", number_done, index(3))
            endless = b.icmp_signed(">=", number_done, index(MOST_SWEEPS))
            small = b.fcmp_ordered("<=", change, number(_LEFT_OVER))
            stuck = b.and_(b.or_(b.and_(bad, late), endless), b.not_(small))
            b.cbranch(stuck, failed, after := b.append_basic_block("converging"))
            b.position_at_end(after)
        rate = intrinsic(b, "llvm.minnum", b.load(contraction), number(_SLOWEST))
        rate = intrinsic(b, "llvm.maxnum", rate, number(1e-3))
        left = b.fdiv(b.fmul(change, rate), b.fsub(number(1.0), rate))
        b.cbranch(b.fcmp_unordered(">", left, number(_LEFT_OVER)), next_sweep, done)
        b.position_at_end(next_sweep)
        self._evaluate(loop.sweep[0], 0, STAGES)
        b.branch(again)
        b.position_at_end(done)

    def emit_extrapolation(self, ratio: Any) -> None:
        """Weights that continue the previous step's polynomial to this one's nodes."""
        b = self.builder
        with b.if_then(b.fcmp_ordered("!=", ratio, b.load(self.ratio))):
            b.store(ratio, self.ratio)
            for i, node in enumerate(NODES):
                position = b.fadd(number(1.0), b.fmul(ratio, number(node)))
                row = place(b, self.extrapolation, i * STAGES)
                b.call(self.functions.weights, [position, row])
                last = load(b, row, STAGES - 1)
                store(b, b.fsub(last, number(1.0)), row, STAGES - 1)

    def _predict(self, state: int, start: Any) -> None:
        b, kind = self.builder, self.kind
        with b.if_else(b.icmp_signed("==", b.load(self.has_previous), index(0))) as (first, later):
            with first:
                decay = b.fmul(self.wide_h, load(b, self.slopes, state * PLACES + START))
                decay = intrinsic(b, "llvm.maxnum", b.fneg(decay), kind.number(0.0))
                slope = b.fmul(self.wide_h, load(b, self.start_slopes, state))
                for i, node in enumerate(NODES):
                    below = multiply_add(b, kind.number(node), decay, kind.number(1.0))
                    guess = b.fdiv(b.fmul(kind.number(node), slope), below)
                    self._guess(state, i, start, guess)
            with later:
                old = [load(b, self.previous, state * PLACES + j) for j in range(STAGES)]
                with counted_loop(b, STAGES) as i:
                    row = b.mul(i, index(STAGES))
                    total = kind.number(0.0)
                    for j in range(STAGES):
                        weight = kind.spread(b, load(b, self.extrapolation, b.add(row, index(j))))
                        total = multiply_add(b, weight, old[j], total)
                    self._guess(state, i, start, total)

    def _guess(self, state: int, node: Any, start: Any, guess: Any) -> None:
        b = self.builder
        where = b.add(index(state * PLACES), index(node) if isinstance(node, int) else node)
        store(b, guess, self.increments, where)
        store(b, b.fadd(start, guess), self.values, where)

    # ---- error ------------------------------------------------------------------------------------

    def _scale(self, old: Any, new: Any, control: tuple[Any, Any]) -> Any:
        b = self.builder
        sizes = [intrinsic(b, "llvm.fabs", value) for value in (old, new)]
        absolute, relative = control
        return multiply_add(b, relative, intrinsic(b, "llvm.maxnum", *sizes), absolute)

    def emit_error(self, y: Any, control: tuple[Any, Any]) -> tuple[Any, Any]:
        """Each lane's largest error in units of the tolerance, and whether it is above 1 or undefined.

        The collocation polynomial's slope at the start of the step differs from the rate there; that defect
        bounds the error inside the step, less what the state's own decay takes away.
        """
        b, kind = self.builder, self.kind
        largest, bad = kind.number(0.0), None
        for state in range(self.count):
            z = [load(b, self.increments, state * PLACES + j) for j in range(STAGES)]
            slope = combination(b, kind, START_SLOPE, z)
            expected = b.fmul(self.wide_h, load(b, self.start_slopes, state), flags=FLAGS)
            defect = intrinsic(b, "llvm.fabs", b.fsub(slope, expected, flags=FLAGS))
            scale = self._scale(load(b, y, state), b.fadd(load(b, y, state), z[-1]), control)
            if state in self.plan.fixed or state in self.plan.varying:
                where = 0 if state not in self.plan.swept else MIDDLE
                decay = b.fmul(self.wide_h, load(b, self.slopes, state * PLACES + where))
                decay = intrinsic(b, "llvm.maxnum", b.fneg(decay), kind.number(0.0))
                decay = b.fmul(decay, kind.number(DECAY_SHARE))
                scale = multiply_add(b, scale, decay, scale)
            error = b.fdiv(b.fmul(defect, kind.number(DEFECT_SHARE)), scale)
            above = b.fcmp_unordered(">", error, kind.number(1.0))
            bad = above if bad is None else b.or_(bad, above)
            largest = intrinsic(b, "llvm.maxnum", largest, error)
        return largest, bad

    def emit_accept(self, y: Any) -> None:
        """Move ``y`` to the end of the step and remember what the next step needs."""
        b, kind = self.builder, self.kind
        per_step = b.fdiv(kind.number(1.0), self.wide_h)
        for state in range(self.count):
            z = [load(b, self.increments, state * PLACES + j) for j in range(STAGES)]
            slope = b.fmul(combination(b, kind, END_SLOPE, z), per_step)
            store(b, slope, self.start_slopes, state)
            store(b, b.fadd(load(b, y, state), z[-1]), y, state)
            if state in self.plan.swept:
                for j in range(STAGES):
                    store(b, z[j], self.previous, state * PLACES + j)
        b.store(index(1), self.has_previous)
