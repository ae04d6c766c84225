"""Subexpressions of a cascade plan that are evaluated once and kept for later blocks."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rekindle.engine.cascade._block import SHARED, Block, Loop
from rekindle.engine.cascade._linear_loops import LinearLoop
from rekindle.modelling import Expression, rebuild, symbol, topological

_CHEAP = ("add", "sub", "mul", "neg")


class Sharing:
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
