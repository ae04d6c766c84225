"""Known functions of time at the nodes of a step, from the modes of the exact solution.

Exponentials of a step size are kept in a table; those of twice the size are their squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.cascade._method import NODES, PLACES, STAGES, START
from rekindle.engine.cascade._solve import multiply_add
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.lanes._lanes import (
    DOUBLE,
    INTEGER,
    INTEGERS,
    LaneKind,
    index,
    intrinsic,
    keep_apart,
    load,
    number,
    place,
    store,
)
from rekindle.engine.lanes._quick_math import call_quick_math

#: A mode that has decayed to this share of its start no longer counts.
_FADED = 1e-24


def emit_decay(module: ir.Module, kind: LaneKind) -> ir.Function:
    """``void decay(h, known, rates, modes, faded, table)``: exp(rate c_i h) into ``table``.

    The table holds those of step size ``known``; one of half the size is squared. Modes that have faded
    away are left as they are.
    """
    signature = ir.FunctionType(ir.VoidType(), [DOUBLE, DOUBLE, kind.pointer, INTEGER] + [kind.pointer] * 2)
    function = ir.Function(module, signature, "cascade_decay")
    keep_apart(function)
    b = ir.IRBuilder(function.append_basic_block())
    h, known, rates, modes, faded, table = function.args
    size, wide = variable(b, DOUBLE), kind.spread(b, h)
    head, square, squared = (b.append_basic_block(name) for name in ("head", "square", "squared"))
    b.store(known, size)
    b.branch(head)
    b.position_at_end(head)
    now = b.load(size)
    smaller = b.fcmp_ordered("<", now, b.fmul(number(0.75), h))
    b.cbranch(b.and_(smaller, b.fcmp_ordered(">", now, number(0.0))), square, squared)
    b.position_at_end(square)
    with counted_loop(b, b.mul(modes, index(PLACES))) as i:
        value = load(b, table, i)
        store(b, b.fmul(value, value), table, i)
    b.store(b.fmul(now, number(2.0)), size)
    b.branch(head)
    b.position_at_end(squared)
    with b.if_then(b.fcmp_ordered("!=", now, h)), counted_loop(b, modes) as mode:
        left = kind.largest(b, intrinsic(b, "llvm.fabs", load(b, faded, mode)))
        with b.if_then(b.fcmp_unordered(">", left, number(_FADED))):
            exponent = b.fmul(load(b, rates, mode), wide)
            first = b.mul(mode, index(PLACES))
            for i, node in enumerate(NODES):
                value = call_quick_math(b, "exp", b.fmul(exponent, kind.number(node)))
                store(b, value, table, b.add(first, index(i)))
    b.ret_void()
    return function


def emit_forcing(module: ir.Module, forcings: int, kind: LaneKind) -> ir.Function:
    """``void forcings(tau, h, coefficients, lines, spans, modes, faded, table, values)`` at the nodes.

    A mode counts with coefficient times ``faded``, its decay since the start, times ``table``.
    """
    signature = ir.FunctionType(
        ir.VoidType(), [DOUBLE, DOUBLE] + [kind.pointer] * 2 + [INTEGERS, INTEGER] + [kind.pointer] * 3
    )
    function = ir.Function(module, signature, "cascade_forcings")
    keep_apart(function)
    b = ir.IRBuilder(function.append_basic_block())
    tau, h, *places = function.args
    times = [kind.spread(b, b.fadd(tau, b.fmul(h, number(node)))) for node in NODES]
    coefficients, lines, spans, modes, faded, table, values = places
    totals = [variable(b, kind.type) for _ in NODES]
    with counted_loop(b, forcings) as forcing:
        twice = b.mul(forcing, index(2))
        level, gradient = load(b, lines, twice), load(b, lines, b.add(twice, index(1)))
        for total, time in zip(totals, times, strict=True):
            b.store(multiply_add(b, gradient, time, level), total)
        first, last = load(b, spans, twice), load(b, spans, b.add(twice, index(1)))
        row = b.mul(modes, forcing)
        with counted_loop(b, last, first) as mode:
            weight = b.fmul(load(b, coefficients, b.add(row, mode)), load(b, faded, mode))
            decays = place(b, table, b.mul(mode, index(PLACES)))
            for i, total in enumerate(totals):
                b.store(multiply_add(b, weight, load(b, decays, i), b.load(total)), total)
        own = place(b, values, b.mul(forcing, index(PLACES)))
        for i, total in enumerate(totals):
            store(b, b.load(total), own, i)
    b.ret_void()
    return function


class KnownFunctions:
    """The known functions of time of one segment, for steps that follow each other.

    Args:
        module: where the functions go.
        builder: of the function that takes the steps.
        modal: rates, coefficients, lines, spans and number of the modes.
        forcings: number of known functions.
        kind: numbers that the code works on.
        slots: tables of exponentials kept, one for each kind of step size.
    """

    def __init__(
        self, module: ir.Module, builder: ir.IRBuilder, modal: Sequence[Any], forcings: int, kind: LaneKind,
        slots: int,
    ) -> None:  # fmt: skip
        self.builder, self.kind, self.forcings = builder, kind, forcings
        self.rates, self.coefficients, self.lines, self.spans, self.modes = modal
        self._forcing, self._decay = emit_forcing(module, forcings, kind), emit_decay(module, kind)
        self._size = builder.mul(self.modes, index(PLACES))
        self.tables = builder.alloca(kind.type, builder.mul(self._size, index(slots)))
        self.faded = builder.alloca(kind.type, self.modes)
        self._steps = variable(builder, DOUBLE, slots)
        with counted_loop(builder, slots) as i:
            store(builder, number(0.0), self._steps, i)
        with counted_loop(builder, builder.mul(self._size, index(slots))) as i:
            store(builder, kind.number(0.0), self.tables, i)
        with counted_loop(builder, self.modes) as mode:
            store(builder, kind.number(1.0), self.faded, mode)

    @property
    def modal(self) -> list[Any]:
        """What the functions of the modes take."""
        return [self.rates, self.coefficients, self.lines, self.spans, self.modes, self.faded]

    def at_start(self, known: Any) -> None:
        """Values at the start of the segment, at place START."""
        b, kind = self.builder, self.kind
        total = variable(b, kind.type)
        for forcing in range(self.forcings):
            b.store(load(b, self.lines, 2 * forcing), total)
            first, last = load(b, self.spans, 2 * forcing), load(b, self.spans, 2 * forcing + 1)
            with counted_loop(b, last, first) as mode:
                value = load(b, self.coefficients, b.add(b.mul(self.modes, index(forcing)), mode))
                b.store(b.fadd(b.load(total), value), total)
            store(b, b.load(total), known, forcing * PLACES + START)

    def at_nodes(self, tau: Any, h: Any, slot: Any, known: Any) -> Any:
        """Values at the nodes of a step; the table of exponentials that belongs to it."""
        b = self.builder
        table = place(b, self.tables, b.mul(slot, self._size))
        size = load(b, self._steps, slot)
        with b.if_then(b.fcmp_ordered("!=", h, size)):
            b.call(self._decay, [h, size, self.rates, self.modes, self.faded, table])
            store(b, h, self._steps, slot)
        modal = [self.coefficients, self.lines, self.spans, self.modes, self.faded]
        b.call(self._forcing, [tau, h, *modal, table, known])
        return table

    def fade(self, table: Any) -> None:
        """Go to the end of the step."""
        b = self.builder
        with counted_loop(b, self.modes) as mode:
            end = load(b, table, b.add(b.mul(mode, index(PLACES)), index(STAGES - 1)))
            store(b, b.fmul(load(b, self.faded, mode), end), self.faded, mode)
