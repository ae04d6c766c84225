"""The order in which the cascade solver works through the equations of a system.

States are grouped by feedback (the strongly connected components of the Jacobian's pattern) and taken
upstream first. A state outside every loop whose rate is linear in itself is solved directly, and so is a loop
that is linear in its states (``_linear_loops``); the others are swept until they stand still. The expressions
of each state form a block that is evaluated at all nodes of a step; what a later block needs again and what
has not changed in between is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from rekindle.engine.cascade._linear_loops import LinearLoop, Operator, Shape, couplings, tear
from rekindle.modelling import (
    Expression,
    call,
    constant,
    differentiate,
    rebuild,
    select,
    symbol,
    symbols,
    topological,
)

#: Prefix of the names of subexpressions that one block keeps for later ones.
SHARED = "shared "
_CHEAP = ("add", "sub", "mul", "neg")
_SMALLEST_BASE = 1e-300
#: With so many states of one constant slope, factorising its matrix is cheaper than solving in modes.
_WORTH_FACTORISING = 3


@dataclass
class Block:
    """Expressions evaluated at every node, then the state that is solved with them.

    Attributes:
        rates: state -> derivative.
        slopes: state -> derivative of the rate with respect to the state, where it varies inside a step.
        kept: number of a shared subexpression -> its expression.
        entries: couplings of a linear loop; they are kept behind the shared subexpressions.
        updates: the state solved afterwards; None for a block that only prepares a loop.
        together: the states of a linear loop solved afterwards.
        standing: states that the block takes as they are at the start of the step; its rates are those of
            these states and are used up at once.
        loop: number of the feedback loop that the block is swept in; None outside.
        alone: the block is evaluated at one node only.
    """

    rates: dict[int, Expression] = field(default_factory=dict)
    slopes: dict[int, Expression] = field(default_factory=dict)
    kept: dict[int, Expression] = field(default_factory=dict)
    entries: dict[int, Expression] = field(default_factory=dict)
    updates: int | None = None
    together: tuple[int, ...] = ()
    standing: tuple[int, ...] = ()
    loop: int | None = None
    alone: bool = False

    @property
    def roots(self) -> list[Expression]:
        """All expressions of the block: rates, slopes, kept ones."""
        return [*self.rates.values(), *self.slopes.values(), *self.kept.values(), *self.entries.values()]

    @property
    def solved(self) -> tuple[int, ...]:
        """States solved after the block."""
        return self.together if self.updates is None else (self.updates,)


@dataclass(frozen=True)
class Loop:
    """States swept together: what is evaluated once before, and one block for each state.

    What comes before includes the first state's rate, so that the first sweep begins with solving it. Slopes
    are those of one node: they only have to make the sweeps converge.
    """

    slopes: Block
    before: Block
    sweep: tuple[Block, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, in the order in which they are first evaluated."""
        return (self.slopes, self.before, *self.sweep)

    @property
    def states(self) -> tuple[int, ...]:
        """States of the loop in the order in which they are solved."""
        return tuple(block.updates for block in self.sweep if block.updates is not None)


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


def components(uses: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Strongly connected components of a graph, those that others use first.

    >>> components({"a": [], "b": ["a", "c"], "c": ["b"], "d": ["c"]})
    [['a'], ['b', 'c'], ['d']]
    """
    reach = {name: {name, *used} for name, used in uses.items()}
    for middle in uses:
        for name in uses:
            if middle in reach[name]:
                reach[name] |= reach[middle]
    groups: list[list[str]] = []
    placed: set[str] = set()
    while len(placed) < len(uses):
        for name in uses:
            members = [other for other in uses if other in reach[name] and name in reach[other]]
            if name not in placed and reach[name] - set(members) <= placed:
                groups.append(members)
                placed.update(members)
    return groups


def own_slopes(states: Sequence[str], rates: Sequence[Expression]) -> list[Expression]:
    """Derivative of every rate with respect to its own state."""
    return [differentiate(rate, name) for name, rate in zip(states, rates, strict=True)]


def with_quick_powers(roots: Sequence[Expression]) -> list[Expression]:
    """Write x^p as exp(p log x) where p is not a small whole number or a half.

    A library's power is exact to the last digit at several times the cost; here it only has to be better than
    the tolerance. The logarithm is taken of ``_SMALLEST_BASE`` where the base has decayed to nothing, because
    its slope is infinite at 0, and so is 1/x for the smallest numbers; the power is 0 there.
    """
    done: dict[Expression, Expression] = {}
    smallest = constant(_SMALLEST_BASE)
    for node in topological(roots):
        arguments = tuple(done[argument] for argument in node.arguments)
        plain = node.operation != "pow" or (
            arguments[1].is_constant and (2 * arguments[1].value).is_integer()
        )
        if not arguments:
            done[node] = node
        elif plain:
            done[node] = rebuild(node, arguments)
        else:
            base, exponent = arguments
            nothing = call("lt", call("abs", base), smallest)
            power = call("exp", exponent * call("log", select(nothing, smallest, base)))
            vanishes = call("and", nothing, call("gt", exponent, constant(0.0)))
            done[node] = select(vanishes, constant(0.0), power)
    return [done[root] for root in roots]


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
    linear = _LinearLoops(moving)
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
    shared = _Sharing(states, moving, steps).share()
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


class _LinearLoops:
    """Linear loops with their couplings, which loops of the same equations share."""

    def __init__(self, moving: Collection[str]) -> None:
        self.moving = set(moving)
        self.operators: dict[tuple[object, ...], Operator] = {}
        self.entries = 0

    def loop(
        self,
        members: Sequence[int],
        names: Sequence[str],
        rates: Sequence[Expression],
        own: Mapping[int, Expression],
    ) -> LinearLoop | None:
        """The loop, if it is linear and few states have to be torn out."""
        found = couplings(names, rates)
        parts = None if found is None else tear(len(members), set(found))
        if found is None or parts is None:
            return None
        for i in range(len(members)):
            found.setdefault((i, i), constant(0.0))
        key = tuple(sorted((pair, id(entry)) for pair, entry in found.items()))
        if key not in self.operators:
            numbers = {pair: self.entries + i for i, pair in enumerate(found)}
            self.entries += len(found)
            block = Block(entries={numbers[pair]: entry for pair, entry in found.items()})
            fixed = not symbols(*found.values()) & self.moving
            self.operators[key] = Operator(Shape(*parts, numbers), block, fixed, tuple(members))
        right = Block(dict(zip(members, rates, strict=True)), dict(own), together=tuple(members))
        return LinearLoop(tuple(members), self.operators[key], right)


class _Sharing:
    """Finds subexpressions that a later block can take from an earlier one."""

    def __init__(
        self, states: Sequence[str], moving: Collection[str], steps: Sequence[Block | Loop | LinearLoop]
    ) -> None:
        self.blocks: list[Block] = []
        self.members: dict[int, set[str]] = {}
        self.first: set[int] = set()
        for step in steps:
            if isinstance(step, Loop):
                self.first.add(len(self.blocks) + step.blocks.index(step.sweep[0]))
                self.blocks += step.blocks
                loop = step.sweep[0].loop
                assert loop is not None
                self.members[loop] = {states[i] for i in step.states}
                self._prepare(step, self.members[loop], moving)
            elif isinstance(step, LinearLoop):
                self.blocks += step.blocks
            else:
                self.blocks.append(step)
        self.states, self.moving = states, set(moving)
        self.used: dict[Expression, frozenset[str]] = {}
        for node in topological([root for block in self.blocks for root in block.roots]):
            own = {node.name} & self.moving if node.operation == "symbol" else set()
            self.used[node] = frozenset(own).union(*(self.used[a] for a in node.arguments))
        self.numbers: dict[tuple[Expression, int], int] = {}
        self.made: dict[Expression, int] = {}
        self._replaced: dict[tuple[Expression, int], Expression] = {}

    @staticmethod
    def _prepare(loop: Loop, members: set[str], moving: Collection[str]) -> None:
        """Parts of the swept rates that do not change from sweep to sweep are evaluated before."""
        order = topological([root for block in loop.sweep for root in block.roots])
        used: dict[Expression, set[str]] = {}
        for node in order:
            own = {node.name} & set(moving) if node.operation == "symbol" else set()
            used[node] = own.union(*(used[a] for a in node.arguments))
        still = {n for n in order if used[n] and not used[n] & members and _worth_keeping(n)}
        needed = {a for n in order if n not in still for a in n.arguments if a in still}
        needed |= {root for block in loop.sweep for root in block.roots if root in still}
        for place, node in enumerate(n for n in order if n in needed):
            loop.before.kept[-1 - place] = node

    def share(self) -> int:
        """Rewrite the blocks; return how many subexpressions are kept."""
        for number, block in enumerate(self.blocks):
            wanted, block.kept = block.kept, {}
            done: dict[Expression, Expression] = {}
            block.rates = {i: self._take(root, number, done) for i, root in block.rates.items()}
            block.slopes = {i: self._take(root, number, done) for i, root in block.slopes.items()}
            block.entries = {i: self._take(root, number, done) for i, root in block.entries.items()}
            for root in wanted.values():
                self._take(root, number, done)
            self._replaced.update({(node, number): new for node, new in done.items()})
        for (node, number), name in self.numbers.items():
            self.blocks[number].kept[name] = self._replaced[node, number]
            if number in self.first:
                # The first sweep finds the first state's rate evaluated by what comes before the loop.
                self.blocks[number - 1].kept[name] = self._replaced[node, number - 1]
        return len(self.numbers)

    def _take(self, root: Expression, number: int, done: dict[Expression, Expression]) -> Expression:
        """The expression with what earlier blocks have replaced by names."""
        stack = [root]
        while stack:
            node = stack[-1]
            if node in done:
                stack.pop()
                continue
            source = self._source(node, number)
            if source is not None:
                name = self.numbers.setdefault((node, source), len(self.numbers))
                done[node] = symbol(f"{SHARED}{name}")
                continue
            waiting = [a for a in node.arguments if a not in done]
            if waiting:
                stack += waiting
                continue
            arguments = tuple(done[a] for a in node.arguments)
            done[node] = rebuild(node, arguments) if arguments else node
            if not self.blocks[number].alone:
                self.made[node] = number
        return done[root]

    def _source(self, node: Expression, number: int) -> int | None:
        """The earlier block whose value of this node still holds."""
        source = self.made.get(node)
        if source is None or source == number or not self.used[node] or not _worth_keeping(node):
            return None
        used, loop = self.used[node], self.blocks[number].loop
        changed = {self.states[i] for b in self.blocks[source:number] for i in b.solved}
        if loop is not None and self.blocks[source].loop != loop:
            changed |= self.members[loop]
        return None if used & changed else source


def _worth_keeping(node: Expression) -> bool:
    """Whether reading a stored value is cheaper than evaluating again; a condition is not stored."""
    if not node.arguments or node.operation in ("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"):
        return False
    return node.operation not in _CHEAP or any(argument.arguments for argument in node.arguments)
