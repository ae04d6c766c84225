"""The order in which the cascade solver works through the equations of a system.

States are grouped by feedback (the strongly connected components of the Jacobian's pattern) and taken
upstream first. A state outside every loop whose rate is linear in itself is solved directly, and so is a loop
that is linear in its states (``_linear_loops``); the others are swept until they stand still. The expressions
of each state form a block that is evaluated at all nodes of a step; what a later block needs again and what
has not changed in between is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rekindle.engine.cascade._block import Block, Loop
from rekindle.engine.cascade._components import components
from rekindle.engine.cascade._linear_loops import LinearLoop, LinearLoops, Operator
from rekindle.engine.cascade._sharing import Sharing
from rekindle.modelling import Expression, differentiate, symbols

#: With so many states of one constant slope, factorising its matrix is cheaper than solving in modes.
_WORTH_FACTORISING = 3


@dataclass(frozen=True)
class Plan:
    """What to evaluate and solve in which order.

    Attributes:
        steps: single blocks and loops, upstream first.
        operators: couplings of the linear loops.
        twins: state -> the first state solved directly with the same slope, whose factors it shares.
        slope_of: state -> another state that has the same slope with respect to itself.
        fixed: state -> slope of its rate with respect to itself, for those where it is constant between
            events and not zero.
        varying: states where that slope varies inside a step.
        swept: states that are iterated.
        shared: number of subexpressions kept from block to block.
        entries: number of couplings of linear loops, which are kept behind them.
    """

    steps: tuple[Block | Loop | LinearLoop, ...]
    operators: tuple[Operator, ...]
    twins: Mapping[int, int]
    slope_of: Mapping[int, int]
    fixed: Mapping[int, Expression]
    varying: frozenset[int]
    swept: frozenset[int]
    shared: int
    entries: int


def own_slopes(states: Sequence[str], rates: Sequence[Expression]) -> list[Expression]:
    """Derivative of every rate with respect to its own state."""
    return [differentiate(rate, name) for name, rate in zip(states, rates, strict=True)]


def make_plan(
    states: Sequence[str],
    rates: Sequence[Expression],
    slopes: Sequence[Expression],
    forcings: Collection[str],
) -> Plan:
    """Order the equations and decide what is solved how.

    Args:
        states: names, upstream first.
        rates: derivative of each state, constants hoisted.
        slopes: derivative of each rate with respect to its own state, constants hoisted.
        forcings: names of the known functions of time.
    """
    place = {name: i for i, name in enumerate(states)}
    moving = {*states, *forcings}
    varying = frozenset(i for i, slope in enumerate(slopes) if symbols(slope) & moving)
    fixed = {i: s for i, s in enumerate(slopes) if i not in varying and not s.equals(0.0)}
    groups = components({name: symbols(rates[i]) & set(states) for i, name in enumerate(states)})
    steps: list[Block | Loop | LinearLoop] = []
    swept: set[int] = set()
    linear = LinearLoops(moving)
    for number, group in enumerate(groups):
        members = [place[name] for name in group]
        alone = len(members) == 1 and states[members[0]] not in symbols(slopes[members[0]])
        own = {i: slopes[i] for i in members if i in varying}
        if alone:
            (state,) = members
            steps.append(Block({state: rates[state]}, own, updates=state))
        elif found := linear.loop(members, [states[i] for i in members], [rates[i] for i in members], own):
            steps.append(found)
        else:
            swept.update(members)
            sweep = tuple(Block({i: rates[i]}, updates=i, loop=number) for i in members)
            first = members[0]
            steps.append(Loop(Block({}, own, alone=True), Block({first: rates[first]}), sweep))
    twins = _twins(steps, slopes, fixed)
    slope_of = dict(twins)
    for step in steps:
        if isinstance(step, LinearLoop):
            slope_of.update(zip(step.states, step.operator.leaders, strict=True))
    for block in [step if isinstance(step, Block) else step.blocks[-1] for step in steps]:
        if block.updates in twins or block.together:
            block.standing = block.solved
            block.slopes = {i: slope for i, slope in block.slopes.items() if slope_of[i] == i}
    shared = Sharing(states, moving, steps).share()
    for operator in linear.operators.values():
        block = operator.block
        block.kept |= {shared + number: entry for number, entry in block.entries.items()}
        block.entries = {}
    return Plan(
        tuple(steps), tuple(linear.operators.values()), twins, slope_of, fixed, varying, frozenset(swept),
        shared, linear.entries,
    )  # fmt: skip


def _twins(
    steps: Sequence[Block | Loop | LinearLoop], slopes: Sequence[Expression], fixed: Collection[int]
) -> dict[int, int]:
    """States solved directly whose factors are worth sharing, and the first with the same slope."""
    groups: dict[Expression, list[int]] = {}
    for step in steps:
        if isinstance(step, Block) and step.updates is not None and not slopes[step.updates].equals(0.0):
            groups.setdefault(slopes[step.updates], []).append(step.updates)
    return {
        state: group[0]
        for group in groups.values()
        if len(group) >= (_WORTH_FACTORISING if group[0] in fixed else 2)
        for state in group
    }
