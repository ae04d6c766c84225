"""One collocation step as functions, which the loop of steps and lanes that go alone both call."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine.cascade._block import Block
from rekindle.engine.cascade._error import emit_error, emit_scales
from rekindle.engine.cascade._linear_loops import LinearLoop
from rekindle.engine.cascade._method import PLACES, START
from rekindle.engine.cascade._pieces import Pieces, Work
from rekindle.engine.cascade._plan import Plan
from rekindle.engine.cascade._polynomial import emit_extrapolation, emit_weights
from rekindle.engine.cascade._sweep import Sweep, emit_predictors
from rekindle.engine.code._control_flow import counted_loop
from rekindle.engine.code._emit import emit
from rekindle.engine.lanes._lanes import POINTER, LaneKind, keep_apart, load, number, place, store

#: Error of a step whose feedback loops do not converge.
NOT_CONVERGED = -1.0
_FIRST_CONTRACTION = 0.1


class StepFunctions:
    """The functions that take the steps of one plan, emitted once.

    Each works on the memory that ``memory`` describes, in ``vectors`` and ``numbers``.

    Args:
        module: where the functions go.
        plan: order of the work.
        states: names of the nonlinear states.
        forcings: names of the known functions of time.
        kind: numbers that the code works on.

    Attributes:
        begin: ``void (y, hoisted, vectors, numbers)``: rates at the start of a segment; the known functions
            are at place START already.
        shifts: ``void (h, vectors, numbers)``: what depends on the step size alone.
        solve: ``(y, hoisted, h, absolute, relative, vectors, numbers)``: increments of all states and each
            lane's error in units of the tolerance, or NOT_CONVERGED; the known functions are at all nodes.
        weights: of the increments at a share of the step.
        extrapolate: the step before to the nodes of the next one.
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
        self._module, self._pieces = module, Pieces(module, plan, states, forcings, kind)
        self.memory = self._pieces.memory
        self.begin, self.shifts, self.solve = self._emit_begin(), self._emit_shifts(), self._emit_solve()
        self.weights, self.extrapolate = emit_weights(module), emit_extrapolation(module)

    def _function(self, name: str, result: Any, arguments: list[Any]) -> tuple[ir.Function, ir.IRBuilder]:
        signature = ir.FunctionType(result, [*arguments, self.kind.pointer, POINTER])
        function = ir.Function(self._module, signature, name)
        keep_apart(function)
        return function, ir.IRBuilder(function.append_basic_block())

    def _emit_begin(self) -> ir.Function:
        pointer = self.kind.pointer
        function, b = self._function("cascade_start", ir.VoidType(), [pointer, pointer])
        y, hoisted, *memory = function.args
        work = Work(self._pieces, b, self.memory.at(b, *memory), hoisted, y)
        at, plan = work.at, self.plan
        for name, value in (("ratio", 0.0), ("sweeps", 0.0), ("has_previous", 0.0)):
            store(b, number(value), at[name], 0)
        for loop in self.memory.loops.values():
            store(b, number(_FIRST_CONTRACTION), at["contractions"], loop)
        with counted_loop(b, len(self.states) * PLACES) as i:
            store(b, self.kind.number(0.0), at["slopes"], i)
        fixed = emit(b, list(plan.fixed.values()), work.read_hoisted, self.kind)
        for state, value in zip(plan.fixed, fixed, strict=True):
            for i in range(PLACES):
                store(b, value, at["slopes"], state * PLACES + i)
        for state in range(len(self.states)):
            store(b, load(b, y, state), at["values"], state * PLACES + START)
        for step in plan.steps:
            for block in [step] if isinstance(step, Block) else step.blocks:
                work.evaluate(block, START, PLACES)
                for place_of, state in enumerate(block.rates):
                    array, i = ("passing", place_of) if block.standing else ("rates", state)
                    store(b, work.read(array, i, START), at["start_slopes"], state)
        for operator in plan.operators:
            if operator.fixed:
                work.evaluate(operator.block)
        b.ret_void()
        return function

    def _emit_shifts(self) -> ir.Function:
        function, b = self._function("cascade_shifts", ir.VoidType(), [self.kind.type])
        h, *memory = function.args
        work = Work(self._pieces, b, self.memory.at(b, *memory), None, None, h)
        plan = self.plan
        in_loops = {i for step in plan.steps if isinstance(step, LinearLoop) for i in step.states}
        for state in plan.fixed:
            if plan.twins.get(state) == state:
                work.factorise(state)
            elif state not in plan.twins and state not in in_loops:
                work.shift(state)
        for operator in plan.operators:
            if operator.fixed:
                work.prepare_loops(operator)
        b.ret_void()
        return function

    def _emit_solve(self) -> ir.Function:
        kind = self.kind
        predictors = emit_predictors(self._module, kind) if self.plan.swept else None
        arguments = [kind.pointer] * 2 + [kind.type] * 3
        function, b = self._function("cascade_step", kind.type, arguments)
        y, hoisted, h, *control, vectors, numbers = function.args
        tolerances = control[0], control[1]
        work = Work(self._pieces, b, self.memory.at(b, vectors, numbers), hoisted, y, h)
        failed = b.append_basic_block("not_converged")
        emit_scales(work, y, tolerances)
        for step in self.plan.steps:
            if isinstance(step, Block):
                _solve_directly(work, step, y)
            elif isinstance(step, LinearLoop):
                _solve_loop(work, step)
            else:
                assert predictors is not None
                contraction = place(b, work.at["contractions"], self.memory.loops[id(step)])
                Sweep(work, y, predictors, failed).emit(step, contraction)
        b.ret(emit_error(work, y, tolerances))
        b.position_at_end(failed)
        b.ret(kind.number(NOT_CONVERGED))
        return function


def _solve_directly(work: Work, block: Block, y: Any) -> None:
    assert block.updates is not None
    start, twin = load(work.builder, y, block.updates), work.plan.twins.get(block.updates)
    if twin is None:
        work.hold(block.updates, start)
    work.evaluate(block)
    if block.updates in work.plan.varying and (twin is None or twin == block.updates):
        work.factorise(block.updates)
    if twin is None:
        work.update(block.updates, start)
    else:
        work.update_twin(block.updates, start)


def _solve_loop(work: Work, loop: LinearLoop) -> None:
    operator = loop.operator
    if loop.is_first and not operator.fixed:
        work.evaluate(operator.block)
        work.prepare_loops(operator)
    work.evaluate(loop.right)
    work.update_loop(loop)
