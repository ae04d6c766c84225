"""The exactly solved states in lanes: their solution from a given state, its forcings, its values.

The eigenvalues and eigenvectors are found beforehand (``_modal``). What is in which array::

    structure: count, row of the first rate, then for each active state: its number, first and one past the
               last mode of its block that reaches it, first row of its eigenvector entries, first row of
               the inverse's; then for each linear forcing its place among the active states, or -1
    modal:     rows of one number a person; row k of a lane group begins at ``modal + k * stride``
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.code._arithmetic import Numbers
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.lanes._lane_math import decay
from rekindle.engine.lanes._lanes import (
    INTEGER,
    INTEGERS,
    POINTER,
    LaneKind,
    index,
    keep_apart,
    load,
    number,
    place,
    store,
)

#: Modes whose share of every forcing stays below this are not passed to the stepper.
_NEGLIGIBLE = 1e-20
#: Numbers at the head of a structure, and arrays of one entry an active state after it.
HEAD, COLUMNS = 2, 5


@dataclass(frozen=True)
class LinearCode:
    """``prepare`` finds the solution from a state, ``at`` evaluates it.

    ``int64 prepare(x, source, structure, modal, stride, amplitudes, state_lines, rates, coefficients, lines,
    spans)`` returns the number of modes passed on;
    ``void at(structure, modal, stride, amplitudes, state_lines, tau, x)``.
    """

    prepare: ir.Function
    at: ir.Function


def emit_linear(module: ir.Module, states: int, forced: int, kind: LaneKind) -> LinearCode:
    """Emit both for a number of linear states and of forcings among them."""
    return LinearCode(_Prepare(module, states, forced, kind).function, _emit_at(module, states, kind))


class _Structure:
    """Reads the arrays of one decomposition."""

    def __init__(
        self, builder: ir.IRBuilder, kind: LaneKind, structure: Any, modal: Any, stride: Any
    ) -> None:
        self.builder, self.kind, self.structure = builder, kind, structure
        self.modal, self.stride = modal, stride
        self.count = load(builder, structure, 0)
        self.first_rate = load(builder, structure, 1)

    def _column(self, column: int, position: Any) -> Any:
        start = self.builder.add(self.builder.mul(self.count, index(column)), index(HEAD))
        return load(self.builder, self.structure, self.builder.add(start, position))

    def state(self, position: Any) -> Any:
        return self._column(0, position)

    def block(self, position: Any) -> tuple[Any, Any]:
        return self._column(1, position), self._column(2, position)

    def forced(self, j: Any) -> Any:
        return self._column(COLUMNS, j)

    def _row(self, row: Any) -> Any:
        where = place(self.builder, self.modal, self.builder.mul(row, self.stride))
        value = self.builder.load(self.builder.bitcast(where, self.kind.pointer))
        value.align = 8
        return value

    def rate(self, mode: Any) -> Any:
        return self._row(self.builder.add(self.first_rate, mode))

    def entry(self, column: int, position: Any, inner: Any) -> Any:
        """Entry ``inner`` of a row of the eigenvectors (column 3) or of their inverse (column 4)."""
        first, _ = self.block(position)
        return self._row(self.builder.add(self._column(column, position), self.builder.sub(inner, first)))


class _Prepare:
    def __init__(self, module: ir.Module, states: int, forced: int, kind: LaneKind) -> None:
        self.kind, self.forced = kind, forced
        arguments = [kind.pointer] * 2 + [INTEGERS, POINTER, INTEGER] + [kind.pointer] * 5 + [INTEGERS]
        self.function = ir.Function(module, ir.FunctionType(INTEGER, arguments), "linear_prepare")
        keep_apart(self.function)
        (
            self.x, self.source, structure, modal, stride, self.amplitudes, self.state_lines, self.rates,
            self.coefficients, self.lines, self.spans,
        ) = self.function.args  # fmt: skip
        self.builder = builder = ir.IRBuilder(self.function.append_basic_block())
        self.n = Numbers(builder, kind)
        self.s = _Structure(builder, kind, structure, modal, stride)
        self.levels, self.drifts = (variable(builder, kind.type, states) for _ in range(2))
        self.full = variable(builder, kind.type, states * max(forced, 1))
        self.first = variable(builder, INTEGER, states + 1)
        self.states = states
        with counted_loop(builder, self.s.count) as mode:
            self._mode(mode)
        with counted_loop(builder, self.s.count) as position:
            self._state_line(position)
        builder.ret(self._forcings() if forced else index(0))

    def _total(self, count: int) -> list[Any]:
        totals = [variable(self.builder, self.kind.type) for _ in range(count)]
        for total in totals:
            self.builder.store(self.kind.number(0.0), total)
        return totals

    def _mode(self, mode: Any) -> None:
        """Amplitude of a mode: what decays with its rate, and the level and drift that stay."""
        builder, n = self.builder, self.n
        start, drive = self._total(2)
        first, last = self.s.block(mode)
        with counted_loop(builder, last, first) as inner:
            entry, state = self.s.entry(4, mode, inner), self.s.state(inner)
            builder.store(n.fma(entry, load(builder, self.x, state), builder.load(start)), start)
            builder.store(n.fma(entry, load(builder, self.source, state), builder.load(drive)), drive)
        rate = self.s.rate(mode)
        still = n.compare("==", rate, 0.0)
        begin, push = builder.load(start), builder.load(drive)
        level = n.div(push, n.choose(still, 1.0, rate))
        store(builder, n.choose(still, 0.0, n.add(begin, level)), self.amplitudes, mode)
        store(builder, n.choose(still, begin, builder.fneg(level)), self.levels, mode)
        store(builder, n.choose(still, push, 0.0), self.drifts, mode)

    def _state_line(self, position: Any) -> None:
        builder, n = self.builder, self.n
        level, drift = self._total(2)
        first, last = self.s.block(position)
        with counted_loop(builder, last, first) as mode:
            entry = self.s.entry(3, position, mode)
            builder.store(n.fma(entry, load(builder, self.levels, mode), builder.load(level)), level)
            builder.store(n.fma(entry, load(builder, self.drifts, mode), builder.load(drift)), drift)
        twice = builder.mul(position, index(2))
        store(builder, builder.load(level), self.state_lines, twice)
        store(builder, builder.load(drift), self.state_lines, builder.add(twice, index(1)))

    def _forcings(self) -> Any:
        """Coefficients of the forcings over the modes that matter to any of them."""
        builder, n, kind = self.builder, self.n, self.kind
        with counted_loop(builder, self.s.count) as mode:
            store(builder, index(0), self.first, mode)
        with counted_loop(builder, self.forced) as j, self._modes_of(j) as (mode, position):
            coefficient = n.mul(self.s.entry(3, position, mode), load(builder, self.amplitudes, mode))
            store(builder, coefficient, self.full, builder.add(builder.mul(j, index(self.states)), mode))
            size = kind.largest(builder, n.magnitude(coefficient))
            with builder.if_then(builder.fcmp_ordered(">", size, number(_NEGLIGIBLE))):
                store(builder, index(1), self.first, mode)
        count = variable(builder, INTEGER)
        builder.store(index(0), count)
        with counted_loop(builder, self.s.count) as mode:
            kept, before = load(builder, self.first, mode), builder.load(count)
            store(builder, self.s.rate(mode), self.rates, before)  # overwritten by the next one if not kept
            store(builder, before, self.first, mode)
            builder.store(builder.add(before, kept), count)
        modes = builder.load(count)
        store(builder, modes, self.first, self.s.count)
        with counted_loop(builder, self.forced) as j:
            self._compact(j, modes)
        return modes

    @contextmanager
    def _modes_of(self, j: Any) -> Iterator[tuple[Any, Any]]:
        """Run the body for every mode of a forcing whose state is active."""
        position = self.s.forced(j)
        with self.builder.if_then(self.builder.icmp_signed(">=", position, index(0))):
            first, last = self.s.block(position)
            with counted_loop(self.builder, last, first) as mode:
                yield mode, position

    def _compact(self, j: Any, modes: Any) -> None:
        builder, kind = self.builder, self.kind
        twice = builder.mul(j, index(2))
        following = builder.add(twice, index(1))
        for where in (twice, following):
            store(builder, index(0), self.spans, where)
            store(builder, kind.number(0.0), self.lines, where)
        with self._modes_of(j) as (mode, position):
            target = load(builder, self.first, mode)
            full = load(builder, self.full, builder.add(builder.mul(j, index(self.states)), mode))
            is_kept = builder.icmp_signed(">", load(builder, self.first, builder.add(mode, index(1))), target)
            with builder.if_then(is_kept):
                store(builder, full, self.coefficients, builder.add(builder.mul(j, modes), target))
        position = self.s.forced(j)
        with builder.if_then(builder.icmp_signed(">=", position, index(0))):
            first, last = self.s.block(position)
            store(builder, load(builder, self.first, first), self.spans, twice)
            store(builder, load(builder, self.first, last), self.spans, following)
            for part, where in enumerate((twice, following)):
                source = builder.add(builder.mul(position, index(2)), index(part))
                store(builder, load(builder, self.state_lines, source), self.lines, where)


def _emit_at(module: ir.Module, states: int, kind: LaneKind) -> ir.Function:
    arguments = [INTEGERS, POINTER, INTEGER, kind.pointer, kind.pointer, kind.type, kind.pointer]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), "linear_at")
    keep_apart(function)
    structure, modal, stride, amplitudes, state_lines, tau, x = function.args
    builder = ir.IRBuilder(function.append_basic_block())
    n, s = Numbers(builder, kind), _Structure(builder, kind, structure, modal, stride)
    curves = variable(builder, kind.type, states)
    total = variable(builder, kind.type)
    with counted_loop(builder, states) as i:  # states that nothing has reached
        store(builder, kind.number(0.0), x, i)
    with counted_loop(builder, s.count) as mode:
        curve = decay(builder, n.mul(s.rate(mode), tau))
        store(builder, n.mul(curve, load(builder, amplitudes, mode)), curves, mode)
    with counted_loop(builder, s.count) as position:
        twice = builder.mul(position, index(2))
        drift = load(builder, state_lines, builder.add(twice, index(1)))
        builder.store(n.fma(drift, tau, load(builder, state_lines, twice)), total)
        first, last = s.block(position)
        with counted_loop(builder, last, first) as mode:
            entry = s.entry(3, position, mode)
            builder.store(n.fma(entry, load(builder, curves, mode), builder.load(total)), total)
        store(builder, builder.load(total), x, s.state(position))
    builder.ret_void()
    return function
