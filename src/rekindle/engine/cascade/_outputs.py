"""Outputs of cascade collocation: the polynomial of a step, read at the times that lie in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.cascade._method import PLACES, STAGES
from rekindle.engine.cascade._solve import multiply_add
from rekindle.engine.cascade._step import StepFunctions
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.lanes._lanes import DOUBLE, INTEGER, index, load, place, store


class Outputs:
    """Writes the states at the output times, one step after the other.

    Args:
        builder: where the code goes; it stands before the steps.
        functions: what the steps call.
        at: the steps' memory by name.
        arrays: states at the start of the step, number of times, times, and where the states go.
    """

    def __init__(
        self, builder: ir.IRBuilder, functions: StepFunctions, at: Mapping[str, Any], *arrays: Any
    ) -> None:
        self.builder, self.functions, self.at = builder, functions, at
        self.y, self.count, self.times, self.states = arrays
        self.written = variable(builder, INTEGER)
        self.weights = variable(builder, DOUBLE, STAGES)
        builder.store(index(0), self.written)

    def write(self, t: Any, h: Any, arrival: Any) -> None:
        """Everything from ``t`` to ``arrival`` that is not written yet."""
        b = self.builder
        head, check, body, after = (
            b.append_basic_block(name) for name in ("outputs", "check", "output", "written")
        )
        b.branch(head)
        b.position_at_end(head)
        written = b.load(self.written)
        b.cbranch(b.icmp_signed("<", written, self.count), check, after)
        b.position_at_end(check)
        time = load(b, self.times, written)
        b.cbranch(b.fcmp_ordered("<=", time, arrival), body, after)
        b.position_at_end(body)
        self._write_one(written, b.fdiv(b.fsub(time, t), h))
        b.store(b.add(written, index(1)), self.written)
        b.branch(head)
        b.position_at_end(after)

    def _write_one(self, number: Any, position: Any) -> None:
        b, kind, states = self.builder, self.functions.kind, len(self.functions.states)
        b.call(self.functions.weights, [position, self.weights])
        weights = [kind.spread(b, load(b, self.weights, j)) for j in range(STAGES)]
        first = b.mul(number, index(states))
        with counted_loop(b, states) as state:
            own = place(b, self.at["increments"], b.mul(state, index(PLACES)))
            value = load(b, self.y, state)
            for j in range(STAGES):
                value = multiply_add(b, weights[j], load(b, own, j), value)
            store(b, value, self.states, b.add(first, state))
