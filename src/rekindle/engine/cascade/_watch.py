"""Slopes of what peak events watch, at the nodes of a collocation step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from rekindle.engine._derivation import SLOPE
from rekindle.engine.cascade._method import PLACES, STAGES, START
from rekindle.engine.cascade._solve import multiply_add
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.code._emit import emit
from rekindle.engine.code._hoist import HOISTED
from rekindle.engine.code._powers import with_quick_powers
from rekindle.engine.lanes._lanes import INTEGER, INTEGERS, LaneKind, index, keep_apart, load, store
from rekindle.modelling import Expression, symbols


@dataclass(frozen=True)
class WatchCode:
    """``steepness(rates, coefficients, lines, spans, modes, faded, table, slopes, start)``: slopes of the
    watched forcings at all nodes, or at place START; ``look(states, forcings, slopes, hoisted, result, first,
    last)``: slopes of the watched expressions at places from ``first`` on."""

    steepness: ir.Function
    look: ir.Function
    forcings: tuple[int, ...]
    peaks: int


class Watch:
    """What the loop of steps sees of the watched slopes.

    Args:
        builder: of the loop.
        code: what is called.
        arrays: values of states and forcings at all places, what is hoisted, and the slope of each watched
            expression where it was last seen (minus infinity: waits to be seen again).
        forcings: number of forcings.
        kind: numbers that the code works on.
    """

    def __init__(
        self, builder: ir.IRBuilder, code: WatchCode, arrays: Sequence[Any], forcings: int, kind: LaneKind
    ) -> None:
        self.builder, self.code, self.kind = builder, code, kind
        self.values, self.known, self.hoisted, self.last = arrays
        self.steepness = variable(builder, kind.type, forcings * PLACES)
        self.seen = variable(builder, kind.type, code.peaks * PLACES)

    def turned_at_start(self, modal: Sequence[Any], table: Any) -> Any:
        """Whether a slope turned in any lane between two segments."""
        self.builder.call(self.code.steepness, [*modal, table, self.steepness, ir.IntType(1)(1)])
        self._look(START, PLACES)
        return self._turned([START])

    def turned_inside(self, modal: Sequence[Any], table: Any) -> Any:
        """Whether a slope turned in any lane from node to node of a step."""
        self.builder.call(self.code.steepness, [*modal, table, self.steepness, ir.IntType(1)(0)])
        self._look(0, STAGES)
        return self._turned(range(STAGES))

    def keep(self, place: int, *, waiting: bool) -> None:
        """Remember the slopes at a place; those that wait may go on waiting."""
        b = self.builder
        for p in range(self.code.peaks):
            new = load(b, self.seen, p * PLACES + place)
            if waiting:
                old = load(b, self.last, p)
                new = b.select(b.fcmp_ordered("==", old, self.kind.number(-float("inf"))), old, new)
            store(b, new, self.last, p)

    def _look(self, first: int, last: int) -> None:
        arguments = [self.values, self.known, self.steepness, self.hoisted, self.seen]
        self.builder.call(self.code.look, [*arguments, index(first), index(last)])

    def _turned(self, places: Sequence[int]) -> Any:
        b, none = self.builder, self.kind.number(0.0)
        found: Any = None
        for p in range(self.code.peaks):
            old = load(b, self.last, p)
            for place in places:
                new = load(b, self.seen, p * PLACES + place)
                here = b.and_(b.fcmp_ordered(">", old, none), b.fcmp_ordered("<=", new, none))
                found = here if found is None else b.or_(found, here)
                old = new
        return self.kind.any(b, found)


def emit_watch(
    module: ir.Module,
    states: Sequence[str],
    forcings: Sequence[str],
    watched: Sequence[Expression],
    kind: LaneKind,
) -> WatchCode:
    """Emit both.

    Args:
        module: where they go.
        states: names of the nonlinear states.
        forcings: names of the known functions of time.
        watched: slopes of the watched expressions, with constants hoisted.
        kind: numbers that the code works on.
    """
    watched = with_quick_powers(watched)
    names = symbols(*watched)
    steep = tuple(i for i, name in enumerate(forcings) if SLOPE + name in names)
    look = _emit_look(module, states, forcings, watched, kind)
    return WatchCode(_emit_steepness(module, steep, kind), look, steep, len(watched))


def _emit_look(
    module: ir.Module,
    states: Sequence[str],
    forcings: Sequence[str],
    watched: Sequence[Expression],
    kind: LaneKind,
) -> ir.Function:
    signature = ir.FunctionType(ir.VoidType(), [kind.pointer] * 5 + [INTEGER, INTEGER])
    function = ir.Function(module, signature, "cascade_look")
    keep_apart(function)
    b = ir.IRBuilder(function.append_basic_block())
    state_values, forcing_values, slopes, hoisted, result, first, last = function.args
    places = {name: (state_values, i) for i, name in enumerate(states)}
    places |= {name: (forcing_values, i) for i, name in enumerate(forcings)}
    places |= {SLOPE + name: (slopes, i) for i, name in enumerate(forcings)}
    with counted_loop(b, last, first) as node:

        def read(name: str) -> Any:
            if name.startswith(HOISTED):
                return load(b, hoisted, int(name[len(HOISTED) :]))
            base, place = places[name]
            return load(b, base, b.add(node, index(place * PLACES)))

        for place, value in enumerate(emit(b, watched, read, kind, quick=True)):
            store(b, value, result, b.add(node, index(place * PLACES)))
    b.ret_void()
    return function


def _emit_steepness(module: ir.Module, steep: Sequence[int], kind: LaneKind) -> ir.Function:
    arguments = [kind.pointer] * 3 + [INTEGERS, INTEGER] + [kind.pointer] * 3 + [ir.IntType(1)]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), "cascade_steepness")
    keep_apart(function)
    b = ir.IRBuilder(function.append_basic_block())
    rates, coefficients, lines, spans, modes, faded, table, slopes, start = function.args
    totals = [variable(b, kind.type) for _ in range(STAGES)]
    for forcing in steep:
        gradient = load(b, lines, 2 * forcing + 1)
        for total in totals:
            b.store(gradient, total)
        first, last = load(b, spans, 2 * forcing), load(b, spans, 2 * forcing + 1)
        row = b.mul(modes, index(forcing))
        with counted_loop(b, last, first) as mode:
            weight = b.fmul(load(b, coefficients, b.add(row, mode)), load(b, faded, mode))
            weight = b.fmul(weight, load(b, rates, mode))
            with b.if_else(start) as (at_start, at_nodes):
                with at_start:
                    b.store(b.fadd(b.load(totals[0]), weight), totals[0])
                with at_nodes:
                    for i, total in enumerate(totals):
                        term = load(b, table, b.add(b.mul(mode, index(PLACES)), index(i)))
                        b.store(multiply_add(b, weight, term, b.load(total)), total)
        with b.if_else(start) as (at_start, at_nodes):
            with at_start:
                store(b, b.load(totals[0]), slopes, forcing * PLACES + START)
            with at_nodes:
                for i, total in enumerate(totals):
                    store(b, b.load(total), slopes, forcing * PLACES + i)
    b.ret_void()
    return function
