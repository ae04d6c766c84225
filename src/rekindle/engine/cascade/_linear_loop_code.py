"""Code that solves a linear loop at all nodes of a step.

With Z_i the increments of state i and J_ij the couplings at the nodes, the equations are::

    INVERSE Z_i - h sum_j J_ij Z_j = h f_i

where f_i are the rates as if the loop stood still, in the order of its states. The factors hold, one after
the other: those of each ordered state (49 numbers), its answers to the torn states (7 numbers for each node
of each of them), and those of the matrix of the torn states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.cascade._linear_loops import Shape
from rekindle.engine.cascade._method import INVERSE, PLACES, STAGES
from rekindle.engine.cascade._solve import FACTORS, eliminate, multiply_add, substitute_back
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.lanes._lanes import (
    FLAGS,
    INTEGER,
    LaneKind,
    index,
    keep_apart,
    load,
    place,
    store,
)


def factors_of(shape: Shape) -> int:
    """How many numbers the factors take.

    >>> factors_of(Shape((1,), (0,), {}))
    147
    """
    ordered, torn = len(shape.order), len(shape.torn)
    return FACTORS * (ordered + ordered * torn + torn * torn)


class LinearLoopCode:
    """``void prepare(h, couplings, factors)`` and
    ``void solve(h, couplings, factors, rates, increments, values, y, states...)``.

    Args:
        module: where they go.
        name: of the functions.
        shape: of the loops that they serve.
        kind: numbers that the code works on.
        factor: factorises the matrix of one state.
    """

    def __init__(
        self, module: ir.Module, name: str, shape: Shape, kind: LaneKind, factor: ir.Function
    ) -> None:
        self.shape, self.kind, self.factor = shape, kind, factor
        answers, each = FACTORS * len(shape.order), FACTORS * len(shape.torn)
        self.answers = {state: answers + i * each for i, state in enumerate(shape.order)}
        self.matrix = answers + each * len(shape.order)
        self.prepare = self._prepare(module, f"{name}_prepare")
        self.solve = self._solve(module, f"{name}_solve")

    def _function(self, module: ir.Module, name: str, pointers: int, wholes: int) -> ir.Function:
        kind = self.kind
        arguments = [kind.type] + [kind.pointer] * pointers + [INTEGER] * wholes
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
        keep_apart(function)
        self.builder = ir.IRBuilder(function.append_basic_block())
        return function

    def _coupling(self, row: int, column: int, node: Any) -> Any | None:
        number = self.shape.entries.get((row, column))
        if number is None:
            return None
        where = index(number * PLACES)
        return load(self.builder, self.couplings, self.builder.add(where, node))

    # ---- once for all loops ---------------------------------------------------------------------

    def _prepare(self, module: ir.Module, name: str) -> ir.Function:
        function = self._function(module, name, 2, 0)
        self.step, self.couplings, self.factors = function.args
        b = self.builder
        for place_of, state in enumerate(self.shape.order):
            slopes = place(b, self.couplings, self.shape.entries[state, state] * PLACES)
            b.call(self.factor, [self.step, slopes, place(b, self.factors, place_of * FACTORS)])
        for number, torn in enumerate(self.shape.torn):
            with counted_loop(b, STAGES) as column:
                self._answers(torn, b.add(column, index(number * STAGES)), column)
        eliminate(b, self.kind, self._torn_matrix(), place(b, self.factors, self.matrix))
        b.ret_void()
        return function

    def _answers(self, torn: int, where: Any, column: Any) -> None:
        """How the ordered states answer to a torn one at one node."""
        b, kind = self.builder, self.kind
        known: dict[int, list[Any]] = {}
        for place_of, state in enumerate(self.shape.order):
            right = [kind.number(0.0)] * STAGES
            for other, values in known.items():
                right = self._plus(right, state, other, values)
            own = self._coupling(state, torn, column)
            right = [b.fmul(self.step, value, flags=FLAGS) for value in right]
            if own is not None:
                spread = variable(b, kind.type, STAGES)
                for node in range(STAGES):
                    store(b, right[node], spread, node)
                moved = multiply_add(b, self.step, own, load(b, spread, column))
                store(b, moved, spread, column)
                right = [load(b, spread, node) for node in range(STAGES)]
            substitute_back(b, right, place(b, self.factors, place_of * FACTORS))
            known[state] = right
            first = b.add(index(self.answers[state]), b.mul(where, index(STAGES)))
            for node in range(STAGES):
                store(b, right[node], self.factors, b.add(first, index(node)))

    def _plus(self, right: list[Any], state: int, other: int, values: Sequence[Any]) -> list[Any]:
        """Right-hand sides with what another state of the loop adds."""
        found = []
        for node in range(STAGES):
            slope = self._coupling(state, other, index(node))
            if slope is None:
                return right
            found.append(multiply_add(self.builder, slope, values[node], right[node]))
        return found

    def _torn_matrix(self) -> list[list[Any]]:
        b, torn = self.builder, self.shape.torn
        rows = []
        for row, state in enumerate(torn):
            for node in range(STAGES):
                entries = []
                for column, other in enumerate(torn):
                    for inner in range(STAGES):
                        value = self.kind.number(float(INVERSE[node][inner]) if row == column else 0.0)
                        moved = None
                        if node == inner:
                            moved = self._coupling(state, other, index(node))
                        for ordered in self.shape.order:
                            slope = self._coupling(state, ordered, index(node))
                            if slope is not None:
                                answer = self._answer(ordered, column * STAGES + inner, node)
                                moved = (
                                    b.fmul(slope, answer, flags=FLAGS)
                                    if moved is None
                                    else multiply_add(b, slope, answer, moved)
                                )
                        if moved is not None:
                            value = b.fsub(value, b.fmul(self.step, moved, flags=FLAGS), flags=FLAGS)
                        entries.append(value)
                rows.append(entries)
        return rows

    def _answer(self, state: int, column: int, node: int) -> Any:
        return load(self.builder, self.factors, self.answers[state] + column * STAGES + node)

    # ---- one loop -------------------------------------------------------------------------------

    def _solve(self, module: ir.Module, name: str) -> ir.Function:
        size = len(self.shape.order) + len(self.shape.torn)
        function = self._function(module, name, 6, size)
        self.step, self.couplings, self.factors, rates, increments, values, y, *states = function.args
        b = self.builder
        first = [b.mul(state, index(PLACES)) for state in states]
        known: dict[int, list[Any]] = {}

        def right(state: int) -> list[Any]:
            found = [load(b, rates, state * PLACES + node) for node in range(STAGES)]
            for other in self.shape.order:
                if other in known:
                    found = self._plus(found, state, other, known[other])
            return [b.fmul(self.step, value, flags=FLAGS) for value in found]

        for place_of, state in enumerate(self.shape.order):
            own = right(state)
            substitute_back(b, own, place(b, self.factors, place_of * FACTORS))
            known[state] = own
        torn = [value for state in self.shape.torn for value in right(state)]
        substitute_back(b, torn, place(b, self.factors, self.matrix))
        for state in self.shape.order:
            for column, value in enumerate(torn):
                known[state] = [
                    multiply_add(b, self._answer(state, column, node), value, known[state][node])
                    for node in range(STAGES)
                ]
        for number, state in enumerate(self.shape.torn):
            known[state] = torn[number * STAGES : (number + 1) * STAGES]
        for state, found in known.items():
            start = load(b, y, states[state])
            for node, value in enumerate(found):
                where = b.add(first[state], index(node))
                store(b, value, increments, where)
                store(b, b.fadd(start, value), values, where)
        b.ret_void()
        return function
