"""A workload's right-hand side for the peers, written out from the same expression graph as our own engine's.

What stays constant between events is worked out once per person (``constants``), for every peer alike, as a
modeller would write it by hand; shared subexpressions are computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._workload import Segment, Workload
from rekindle.modelling import (
    Assignment,
    Expression,
    PeakEvent,
    constant,
    differentiate,
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
        slopes: for every peak that the model watches, how fast what is watched changes; it falls through zero
            at the peak.
    """

    workload: Workload
    states: tuple[str, ...]
    rates: tuple[Expression, ...]
    hoisted: tuple[Expression, ...]
    infused: tuple[str, ...]
    initial: Array
    slopes: tuple[Expression, ...] = ()

    def constants(self, people: Array, segment: Segment) -> Array:
        """Constants (people, hoisted + infused) of one segment."""
        result = np.empty((len(people), len(self.hoisted) + len(self.infused)))
        self._fill(result, range(len(self.hoisted)), people, segment)
        result[:, len(self.hoisted) :] = [segment.rates[name] for name in self.infused]
        return result

    def _fill(self, result: Array, columns: Iterable[int], people: Array, segment: Segment) -> None:
        running = {f"infusion({name})": segment.rates.get(name, 0.0) for name in self.states}
        values = {**self.values(people), **running}
        for column in columns:
            result[:, column] = evaluate(self.hoisted[column], values)

    @cached_property
    def _running(self) -> list[int]:
        """Places of the hoisted constants that change with the infusions."""
        names = {f"infusion({name})" for name in self.states}
        return [place for place, expression in enumerate(self.hoisted) if symbols(expression) & names]

    def values(self, people: Array) -> dict[str, Any]:
        """Parameters and covariates by name; what varies has the shape of ``people`` (..., varied)."""
        columns = {name: people[..., column] for column, name in enumerate(self.workload.varied)}
        return {**self.workload.typical, **columns}

    def jump(self, segment: Segment, values: Mapping[str, Any], state: Array) -> None:
        """Carry out the jumps at the start of a segment on ``state`` (states, ...), in place."""
        for assignments in segment.jumps:
            self._assign(assignments, self._known(values, segment.start, state), state)

    def happen(self, peak: PeakEvent, values: Mapping[str, Any], time: float, state: Array) -> None:
        """Carry out what a peak brings if its condition holds, on ``state`` (states,), in place."""
        known = self._known(values, time, state)
        if peak.condition is None or evaluate(self.workload.model.inline(peak.condition)[0], known):
            self._assign(peak.assignments, known, state)

    def _known(self, values: Mapping[str, Any], time: float, state: Array) -> dict[str, Any]:
        return {**values, "time": time, **dict(zip(self.states, state.copy(), strict=True))}

    def _assign(self, assignments: Sequence[Assignment], known: Mapping[str, Any], state: Array) -> None:
        for assignment in assignments:
            if assignment.state in self.states:
                found = evaluate(self.workload.model.inline(assignment.expression)[0], known)
                state[self.states.index(assignment.state)] = found

    def all_constants(self, people: Array) -> Array:
        """Constants (people, segments, hoisted + infused)."""
        segments = self.workload.segments
        first = self.constants(people, segments[0])
        result = np.repeat(first[:, None, :], len(segments), axis=1)
        for place, segment in enumerate(segments):
            if self._running:
                self._fill(result[:, place], self._running, people, segment)
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


def translate(
    roots: Sequence[Expression], values: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
) -> list[Any]:
    """Expressions in terms of another package's symbols, which are looked up by name."""
    done: dict[Expression, Any] = {}
    for node in topological(roots):
        given = [done[argument] for argument in node.arguments]
        if node.operation == "constant":
            done[node] = node.value
        elif node.operation == "symbol":
            done[node] = values[node.name]
        else:
            done[node] = functions[node.operation](*given)
    return [done[root] for root in roots]


def equations(workload: Workload, *, events: bool = False) -> Equations:
    """Write out the equations of a workload.

    Args:
        workload: model, doses and times.
        events: whether the peer carries out jumps and peaks.

    Raises:
        ValueError: the workload has events that the peer would leave out.
    """
    model = workload.model
    if model.crossings or not (events or (all(not s.jumps for s in workload.segments) and not model.peaks)):
        raise ValueError(f"workload {workload.name} has events that this peer does not know")
    rates = dict(zip(model.derivatives, model.inline(*model.derivatives.values()), strict=True))
    states = list(workload.states)
    for name in states:  # grows while it is walked: whatever a wanted state depends on
        states += sorted(symbols(rates[name]) & set(rates) - set(states))
    infused = tuple(name for name in states if any(name in s.rates for s in workload.segments))
    hoisted: dict[Expression, Expression] = {}
    moving = {*states, "time"}
    written = {name: _hoist(rates[name], moving, hoisted) for name in states}
    watched = [model.inline(peak.expression)[0] for peak in model.peaks.values()]
    partial = [{n: _hoist(differentiate(w, n), moving, hoisted) for n in (*states, "time")} for w in watched]
    for place, name in enumerate(infused):
        written[name] = written[name] + symbol(f"{_CONSTANT}{len(hoisted) + place}")
    speed = {**written, "time": constant(1.0)}
    slopes = [sum((part[n] * speed[n] for n in speed), constant(0.0)) for part in partial]
    initial = [float(evaluate(model.inline(model.states[n].initial)[0], workload.typical)) for n in states]
    return Equations(
        workload, tuple(states), tuple(written.values()), tuple(hoisted), infused, np.array(initial),
        tuple(slopes),
    )  # fmt: skip


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
