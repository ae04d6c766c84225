"""A workload's right-hand side for the peers, written out from the same expression graph as our own engine's.

What stays constant between events is worked out once per person (``constants``), for every peer alike, as a
modeller would write it by hand; shared subexpressions are computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._workload import Segment, Workload
from rekindle.modelling import (
    Expression,
    constant,
    divide,
    evaluate,
    multiply,
    rebuild,
    symbol,
    symbols,
    topological,
)

Array = NDArray[np.float64]

_OPERATORS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_CONSTANT = "constant_"


@dataclass(frozen=True)
class Equations:
    """Rates of a workload's states.

    Attributes:
        states: names in the order of the state vector; those of the workload come first.
        rates: one expression a state, in terms of states and ``constant_0``, ``constant_1``, ...
        hoisted: what those constants stand for, in terms of parameters.
        infused: states that doses run into; their rates stand after the hoisted constants.
    """

    workload: Workload
    states: tuple[str, ...]
    rates: tuple[Expression, ...]
    hoisted: tuple[Expression, ...]
    infused: tuple[str, ...]
    initial: Array

    def constants(self, people: Array, segment: Segment) -> Array:
        """Constants (people, hoisted + infused) of one segment."""
        result = np.empty((len(people), len(self.hoisted) + len(self.infused)))
        values: dict[str, Any] = {n: p.value for n, p in self.workload.model.parameters.items()}
        values |= {n: c.default for n, c in self.workload.model.covariates.items()}
        values |= {name: people[:, column] for column, name in enumerate(self.workload.varied)}
        for column, expression in enumerate(self.hoisted):
            result[:, column] = evaluate(expression, values)
        result[:, len(self.hoisted) :] = [segment.rates[name] for name in self.infused]
        return result

    def all_constants(self, people: Array) -> Array:
        """Constants (people, segments, hoisted + infused)."""
        segments = self.workload.segments
        first = self.constants(people, segments[0])
        result = np.repeat(first[:, None, :], len(segments), axis=1)
        for place, segment in enumerate(segments):
            result[:, place, len(self.hoisted) :] = [segment.rates[name] for name in self.infused]
        return result

    def source(self, name: str, arguments: str, head: str, write: str, tail: str = "pass") -> str:
        """Python text of a function; ``write`` is a template with ``{place}`` and ``{value}``."""
        lines = [f"def {name}({arguments}):", *(f"    {line}" for line in head.split("\n"))]
        names: dict[Expression, str] = {}
        for node in topological(self.rates):
            names[node] = self._text(node, names)
            if node.operation not in ("constant", "symbol"):
                variable = f"v{len(lines)}"
                lines.append(f"    {variable} = {names[node]}")
                names[node] = variable
        lines += [
            f"    {write.format(place=place, value=names[rate])}" for place, rate in enumerate(self.rates)
        ]
        return "\n".join([*lines, f"    {tail}", ""])

    def _text(self, node: Expression, names: Mapping[Expression, str]) -> str:
        given = [names[argument] for argument in node.arguments]
        if node.operation == "constant":
            return repr(node.value)
        if node.operation == "symbol":
            if node.name.startswith(_CONSTANT):
                return f"c[{node.name[len(_CONSTANT) :]}]"
            return f"y[{self.states.index(node.name)}]"
        if node.operation in _OPERATORS:
            return f"{given[0]} {_OPERATORS[node.operation]} {given[1]}"
        if node.operation == "neg":
            return f"-{given[0]}"
        if node.operation == "pow":
            exponent = node.arguments[1]
            if exponent.is_constant and exponent.value in (2.0, 3.0, 4.0):
                return "*".join([given[0]] * int(exponent.value))
            return f"{given[0]}**{given[1]}"
        return f"m.{node.operation}({', '.join(given)})"

    def translate(self, values: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> list[Any]:
        """The rates in terms of another package's symbols; ``constant_i`` and states are looked up."""
        done: dict[Expression, Any] = {}
        for node in topological(self.rates):
            given = [done[argument] for argument in node.arguments]
            if node.operation == "constant":
                done[node] = node.value
            elif node.operation == "symbol":
                done[node] = values[node.name]
            else:
                done[node] = functions[node.operation](*given)
        return [done[rate] for rate in self.rates]


def equations(workload: Workload) -> Equations:
    """Write out the equations of a workload."""
    model = workload.model
    rates = dict(zip(model.derivatives, model.inline(*model.derivatives.values()), strict=True))
    states = list(workload.states)
    for name in states:  # grows while it is walked: whatever a wanted state depends on
        states += sorted(symbols(rates[name]) & set(rates) - set(states))
    infused = tuple(name for name in states if any(name in s.rates for s in workload.segments))
    hoisted: dict[Expression, Expression] = {}
    wanted = [rates[name] for name in states]
    written = [_hoist(rate, set(states), hoisted) for rate in wanted]
    for place, name in enumerate(infused):
        row = states.index(name)
        written[row] = written[row] + symbol(f"{_CONSTANT}{len(hoisted) + place}")
    typical = {name: parameter.value for name, parameter in model.parameters.items()}
    typical |= {name: covariate.default for name, covariate in model.covariates.items()}
    initial = [float(evaluate(model.inline(model.states[name].initial)[0], typical)) for name in states]
    return Equations(workload, tuple(states), tuple(written), tuple(hoisted), infused, np.array(initial))


def _hoist(root: Expression, states: set[str], hoisted: dict[Expression, Expression]) -> Expression:
    """Replace the largest parts of an expression that no state enters by constants."""
    moving: dict[Expression, bool] = {}
    for node in topological([root]):
        own = node.operation == "symbol" and node.name in states
        moving[node] = own or any(moving[argument] for argument in node.arguments)

    def still(node: Expression) -> Expression:
        if node.is_constant:
            return node
        if node not in hoisted:
            hoisted[node] = symbol(f"{_CONSTANT}{len(hoisted)}")
        return hoisted[node]

    done: dict[Expression, Expression] = {}
    for node in topological([root]):
        if node.operation == "div" and moving[node] and not moving[node.arguments[1]]:
            # A product with the inverse: what a careful modeller writes, and what no compiler may do for him.
            over, under = node.arguments
            done[node] = multiply(done[over], still(divide(constant(1.0), under)))
        elif moving[node] and node.arguments:
            parts = tuple(done[a] if moving[a] else still(a) for a in node.arguments)
            done[node] = rebuild(node, parts)
        elif moving[node]:
            done[node] = node
    return done[root] if moving[root] else still(root)
