"""Working memory of the steps of one plan, the same for whoever takes them."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine.cascade._block import Loop
from rekindle.engine.cascade._linear_loop_code import factors_of
from rekindle.engine.cascade._linear_loops import LinearLoop
from rekindle.engine.cascade._method import PLACES, STAGES
from rekindle.engine.cascade._plan import Plan
from rekindle.engine.cascade._solve import FACTORS
from rekindle.engine.code._control_flow import variable
from rekindle.engine.code._layout import Layout
from rekindle.engine.lanes._lanes import DOUBLE, LaneKind


class StepMemory:
    """Which arrays a step works on.

    In lanes, PLACES numbers for each state: ``values``, ``increments``, ``rates``, ``slopes`` of the rates
    with respect to their own states, and ``previous``, the increments of the step before; as many for each
    known function of time, ``known``, for each ``shared`` subexpression, with the couplings of linear loops
    behind them, and for the rates of states that stand still, ``passing``. One number for each state:
    ``start_slopes``, at the start of the step, and ``scales``, one over the tolerance. ``factors`` and
    ``loop_factors`` hold what solving needs. Plain numbers: ``extrapolation``, weights that continue the step
    before, for its ``ratio`` of step sizes; ``contractions`` of the loops; ``sweeps`` so far;
    ``has_previous``.

    Args:
        plan: order of the work.
        states: number of nonlinear states.
        forcings: number of known functions of time.
        kind: numbers that the code works on.
    """

    def __init__(self, plan: Plan, states: int, forcings: int, kind: LaneKind) -> None:
        self.kind = kind
        loops = [step for step in plan.steps if isinstance(step, Loop)]
        self.loops = {id(loop): place for place, loop in enumerate(loops)}
        sizes = [factors_of(operator.shape) for operator in plan.operators]
        #: Where the factors of each linear loop begin, and where its couplings do.
        self.operators = {id(o): sum(sizes[:i]) for i, o in enumerate(plan.operators)}
        self.couplings = plan.shared * PLACES
        #: Which of the factors each state has; twins share theirs, and linear loops have their own.
        in_loops = {i for step in plan.steps if isinstance(step, LinearLoop) for i in step.states}
        alone = [i for i in range(states) if plan.twins.get(i, i) == i and i not in in_loops]
        self.factors = {state: place for place, state in enumerate(alone)}
        widest = max((len(operator.leaders) for operator in plan.operators), default=1)
        own = states * PLACES
        self.vectors = Layout(
            values=own, increments=own, rates=own, slopes=own, previous=own, known=forcings * PLACES,
            shared=(plan.shared + plan.entries) * PLACES, passing=widest * PLACES,
            loop_factors=sum(sizes), factors=len(alone) * FACTORS, start_slopes=states, scales=states,
        )  # fmt: skip
        self.numbers = Layout(
            extrapolation=STAGES * PLACES, contractions=len(loops), ratio=1, sweeps=1, has_previous=1
        )

    def reserve(self, builder: ir.IRBuilder) -> tuple[Any, Any]:
        """Space for both kinds of numbers in the function that takes the steps."""
        vectors = variable(builder, self.kind.type, self.vectors.size)
        return vectors, variable(builder, DOUBLE, self.numbers.size)

    def at(self, builder: ir.IRBuilder, vectors: Any, numbers: Any) -> dict[str, Any]:
        """Addresses by name."""
        return {**self.vectors.all(builder, vectors), **self.numbers.all(builder, numbers)}
