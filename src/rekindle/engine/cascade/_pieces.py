"""What a step calls again and again, emitted once: the blocks of the plan, and solving a state with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.cascade._block import Block
from rekindle.engine.cascade._block_code import emit_block
from rekindle.engine.cascade._linear_loop_code import LinearLoopCode
from rekindle.engine.cascade._linear_loops import LinearLoop, Operator
from rekindle.engine.cascade._memory import StepMemory
from rekindle.engine.cascade._method import MIDDLE, PLACES, STAGES
from rekindle.engine.cascade._plan import Plan
from rekindle.engine.cascade._solve import (
    FACTORS,
    emit_explicit,
    emit_factor,
    emit_shift,
    emit_solve,
    emit_solve_in_modes,
)
from rekindle.engine.code._hoist import HOISTED
from rekindle.engine.lanes._lanes import LaneKind, index, load, place, store


class Pieces:
    """Functions of one plan, and calls of them.

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
        self.module, self.plan, self.states, self.forcings, self.kind = module, plan, states, forcings, kind
        self.memory = StepMemory(plan, len(states), len(forcings), kind)
        blocks = [b for s in plan.steps for b in ([s] if isinstance(s, Block) else s.blocks)]
        self._blocks = {
            id(block): emit_block(module, f"cascade_block_{i}", block, states, forcings, kind)
            for i, block in enumerate(blocks)
            if block.roots
        }
        self._made: dict[Any, ir.Function] = {}
        self._loops = {
            id(operator): LinearLoopCode(
                module, f"cascade_loop_{i}", operator.shape, kind, self._function(emit_factor)
            )
            for i, operator in enumerate(plan.operators)
        }

    def _function(self, emit: Callable[..., ir.Function], **how: bool) -> ir.Function:
        key = (emit, *how.values())
        if key not in self._made:
            self._made[key] = emit(self.module, self.kind, **how)
        return self._made[key]

    def has_one_slope(self, state: int) -> bool:
        """Whether a state is solved with one slope for all nodes."""
        return state in self.plan.fixed or state in self.plan.swept & self.plan.varying


class Work:
    """Calls of the pieces inside one function.

    Args:
        pieces: what is called.
        builder: of that function.
        arrays: addresses of the working memory.
        hoisted: address of what stays constant between events.
        y: address of the states at the start of the step.
        h: step size of each lane; None where no step is taken.
    """

    def __init__(
        self,
        pieces: Pieces,
        builder: ir.IRBuilder,
        arrays: dict[str, Any],
        hoisted: Any,
        y: Any,
        h: Any = None,
    ) -> None:
        self.pieces, self.builder, self.at, self.hoisted = pieces, builder, arrays, hoisted
        self.y, self.h = y, h
        self.plan, self.kind = pieces.plan, pieces.kind

    def of(self, array: str, state: int, first: int = 0) -> Any:
        """Address of a state's numbers at the nodes, from ``first`` on."""
        return place(self.builder, self.at[array], state * PLACES + first)

    def read(self, array: str, state: int, node: int) -> Any:
        """A state's number at one node."""
        return load(self.builder, self.at[array], state * PLACES + node)

    def read_hoisted(self, name: str) -> Any:
        """What stays constant between events."""
        return load(self.builder, self.hoisted, int(name[len(HOISTED) :]))

    def evaluate(self, block: Block, first: int = 0, last: int = STAGES) -> None:
        """A block at some places."""
        if block.roots:
            names = ("values", "known", "shared", "passing" if block.standing else "rates", "slopes")
            arguments = [*(self.at[name] for name in names), self.hoisted, self.y, index(first), index(last)]
            self.builder.call(self.pieces._blocks[id(block)], arguments)

    def factors(self, state: int) -> Any:
        """Address of what solving a state needs."""
        return place(self.builder, self.at["factors"], self.pieces.memory.factors[state] * FACTORS)

    def shift(self, state: int) -> None:
        """Prepare solving a state with the slope of its middle node."""
        function = self.pieces._function(emit_shift)
        self.builder.call(function, [self.h, self.read("slopes", state, MIDDLE), self.factors(state)])

    def factorise(self, state: int) -> None:
        """Prepare solving a state with the slopes of all nodes."""
        function = self.pieces._function(emit_factor)
        self.builder.call(function, [self.h, self.of("slopes", state), self.factors(state)])

    def update(self, state: int, start: Any) -> Any:
        """Solve a state with the rates that have been evaluated; the largest change if it is swept."""
        one_slope, made = self.pieces.has_one_slope(state), self.pieces._function
        swept = state in self.plan.swept
        if one_slope:
            function = made(emit_solve_in_modes, swept=swept)
        elif state in self.plan.varying:
            function = made(emit_solve)
        else:
            function = made(emit_explicit, swept=swept)
        slopes = self.of("slopes", state, MIDDLE if one_slope else 0)
        memory = [self.of("rates", state), slopes, self.factors(state)]
        memory += [self.of(name, state) for name in ("increments", "values")]
        return self.builder.call(function, [self.h, start, *memory])

    def update_twin(self, state: int, start: Any) -> None:
        """Solve a state whose factors others share, with the rates that it would have standing still."""
        twin = self.plan.twins[state]
        memory = [self.at["passing"], self.of("slopes", twin), self.factors(twin)]
        memory += [self.of(name, state) for name in ("increments", "values")]
        self.builder.call(self.pieces._function(emit_solve), [self.h, start, *memory])

    def prepare_loops(self, operator: Operator) -> None:
        """Prepare solving linear loops with couplings that have been evaluated."""
        self.builder.call(self.pieces._loops[id(operator)].prepare, [self.h, *self._of_loops(operator)])

    def update_loop(self, loop: LinearLoop) -> None:
        """Solve a linear loop with the rates that it would have standing still."""
        memory = [*self._of_loops(loop.operator), self.at["passing"]]
        memory += [self.at["increments"], self.at["values"], self.y]
        states = [index(state) for state in loop.states]
        self.builder.call(self.pieces._loops[id(loop.operator)].solve, [self.h, *memory, *states])

    def _of_loops(self, operator: Operator) -> list[Any]:
        memory = self.pieces.memory
        couplings = place(self.builder, self.at["shared"], memory.couplings)
        return [couplings, place(self.builder, self.at["loop_factors"], memory.operators[id(operator)])]

    def hold(self, state: int, start: Any) -> None:
        """Let a state stand at its start in all nodes."""
        for node in range(STAGES):
            store(self.builder, start, self.of("values", state, node), 0)
