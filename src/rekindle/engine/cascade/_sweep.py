"""Feedback loops of a step: predicted from the step before, then swept until they stand still."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine.cascade._block import Loop
from rekindle.engine.cascade._method import MIDDLE, NODES, PLACES, STAGES, START
from rekindle.engine.cascade._pieces import Work
from rekindle.engine.cascade._solve import greater, multiply_add
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.lanes._lanes import (
    DOUBLE,
    INTEGER,
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

#: Sweeps after which a step counts as not converging.
MOST_SWEEPS = 12
#: Share of the tolerance that may be left of the difference between sweeps.
_LEFT_OVER = 0.02
_SLOWEST = 0.9


def emit_predictors(module: ir.Module, kind: LaneKind) -> tuple[ir.Function, ir.Function]:
    """``begin(h, y, rate, slope, Z, Y)`` without a step before; ``follow(y, previous, weights, Z, Y)``."""
    return _emit_begin(module, kind), _emit_follow(module, kind)


def _emit_begin(module: ir.Module, kind: LaneKind) -> ir.Function:
    signature = ir.FunctionType(ir.VoidType(), [kind.type] * 4 + [kind.pointer] * 2)
    function = ir.Function(module, signature, "cascade_begin")
    keep_apart(function)
    h, start, rate, slope, increments, values = function.args
    b = ir.IRBuilder(function.append_basic_block())
    decay = greater(b, b.fneg(b.fmul(h, slope)), kind.number(0.0))
    rise = b.fmul(h, rate)
    for i, node in enumerate(NODES):
        below = multiply_add(b, kind.number(node), decay, kind.number(1.0))
        guess = b.fdiv(b.fmul(kind.number(node), rise), below)
        store(b, guess, increments, i)
        store(b, b.fadd(start, guess), values, i)
    b.ret_void()
    return function


def _emit_follow(module: ir.Module, kind: LaneKind) -> ir.Function:
    arguments = [kind.type, kind.pointer, POINTER, kind.pointer, kind.pointer]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), "cascade_follow")
    keep_apart(function)
    start, previous, weights, increments, values = function.args
    b = ir.IRBuilder(function.append_basic_block())
    old = [load(b, previous, j) for j in range(STAGES)]
    with counted_loop(b, STAGES) as i:
        column = place(b, weights, i)
        total = kind.number(0.0)
        for j in range(STAGES):
            total = multiply_add(b, kind.spread(b, load(b, column, j * PLACES)), old[j], total)
        store(b, total, increments, i)
        store(b, b.fadd(start, total), values, i)
    b.ret_void()
    return function


class Sweep:
    """Emits the sweeps of one loop.

    Args:
        work: calls inside the function that takes the step.
        y: address of the states at the start of the step.
        predictors: what ``emit_predictors`` gave.
        failed: where to go if a loop does not converge.
    """

    def __init__(
        self, work: Work, y: Any, predictors: tuple[ir.Function, ir.Function], failed: ir.Block
    ) -> None:
        self.work, self.builder, self.kind = work, work.builder, work.kind
        self.y, self.predictors, self.failed = y, predictors, failed
        self.count, self.last = variable(self.builder, INTEGER), variable(self.builder, DOUBLE)

    def emit(self, loop: Loop, contraction: Any) -> None:
        """Sweep a loop; ``contraction`` is the address of what a sweep leaves of a difference."""
        b, work = self.builder, self.work
        self._predict(loop)
        work.evaluate(loop.slopes, MIDDLE, MIDDLE + 1)
        work.evaluate(loop.before)
        for state in loop.states:
            if state in work.plan.varying:
                work.shift(state)
        b.store(index(0), self.count)
        b.store(number(0.0), self.last)
        again, next_sweep, done = (b.append_basic_block(name) for name in ("sweep", "next_sweep", "swept"))
        b.branch(again)
        b.position_at_end(again)
        change = self._once(loop)
        self._judge(change, contraction)
        rate = intrinsic(b, "llvm.minnum", load(b, contraction, 0), number(_SLOWEST))
        rate = intrinsic(b, "llvm.maxnum", rate, number(1e-3))
        left = b.fdiv(b.fmul(change, rate), b.fsub(number(1.0), rate))
        b.cbranch(b.fcmp_unordered(">", left, number(_LEFT_OVER)), next_sweep, done)
        b.position_at_end(next_sweep)
        work.evaluate(loop.sweep[0])
        b.branch(again)
        b.position_at_end(done)

    def _predict(self, loop: Loop) -> None:
        b, work = self.builder, self.work
        begin, follow = self.predictors
        known = b.fcmp_ordered("!=", load(b, work.at["has_previous"], 0), number(0.0))
        with b.if_else(known) as (later, first):
            with later:
                for state in loop.states:
                    old = [work.of("previous", state), work.at["extrapolation"]]
                    b.call(follow, [load(b, self.y, state), *old, *self._targets(state)])
            with first:
                for state in loop.states:
                    rate, slope = load(b, work.at["start_slopes"], state), work.read("slopes", state, START)
                    b.call(begin, [work.h, load(b, self.y, state), rate, slope, *self._targets(state)])

    def _targets(self, state: int) -> list[Any]:
        return [self.work.of("increments", state), self.work.of("values", state)]

    def _once(self, loop: Loop) -> Any:
        """One sweep; the largest change in units of the tolerance."""
        b, work = self.builder, self.work
        largest = self.kind.number(0.0)
        for block in loop.sweep:
            if block is not loop.sweep[0]:
                work.evaluate(block)
            assert block.updates is not None
            change = work.update(block.updates, load(b, self.y, block.updates))
            largest = greater(b, b.fmul(change, load(b, work.at["scales"], block.updates)), largest)
        store(b, b.fadd(load(b, work.at["sweeps"], 0), number(1.0)), work.at["sweeps"], 0)
        b.store(b.add(b.load(self.count), index(1)), self.count)
        return self.kind.most(b, largest)

    def _judge(self, change: Any, contraction: Any) -> None:
        """Learn from the second sweep on; leave if the sweeps do not converge."""
        b = self.builder
        before, count = b.load(self.last), b.load(self.count)
        b.store(change, self.last)
        with b.if_then(b.fcmp_ordered(">", before, number(0.0))):
            store(b, b.fdiv(change, before), contraction, 0)
            bad = b.fcmp_unordered(">", change, b.fmul(before, number(_SLOWEST)))
            late = b.icmp_signed(">=", count, index(3))
            endless = b.icmp_signed(">=", count, index(MOST_SWEEPS))
            small = b.fcmp_ordered("<=", change, number(_LEFT_OVER))
            stuck = b.and_(b.or_(b.and_(bad, late), endless), b.not_(small))
            b.cbranch(stuck, self.failed, after := b.append_basic_block("converging"))
            b.position_at_end(after)
