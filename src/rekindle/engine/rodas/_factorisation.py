"""Sparse LU factorisation of W = w I - J as straight-line code, fixed by the pattern of the Jacobian.

No pivoting: the step size makes W diagonally dominant where it matters, and a pivot that fails gives a
non-finite increment, which the step control treats as a rejected step.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.lanes._lanes import FLAGS, SCALAR, LaneKind, keep_apart, load, store


class Factorisation:
    """Pattern of L and U for a Jacobian pattern, and the emitters of ``factor`` and ``solve``.

    Args:
        size: number of equations.
        pattern: positions (row, column) of the Jacobian's non-zero entries, in the order they are stored.
    """

    def __init__(self, size: int, pattern: Iterable[tuple[int, int]], kind: LaneKind = SCALAR) -> None:
        self.size, self.kind = size, kind
        self.pattern = tuple(pattern)
        filled = {(i, i) for i in range(size)} | set(self.pattern)
        for pivot in range(size):
            below = [row for row in range(pivot + 1, size) if (row, pivot) in filled]
            right = [column for column in range(pivot + 1, size) if (pivot, column) in filled]
            filled |= {(row, column) for row in below for column in right}
        self.slots = {position: slot for slot, position in enumerate(sorted(filled))}

    def emit_factor(self, module: ir.Module) -> ir.Function:
        """``void factor(w, jacobian, lu)``; the diagonal is stored inverted."""
        kind = ir.FunctionType(ir.VoidType(), [self.kind.type, self.kind.pointer, self.kind.pointer])
        function = ir.Function(module, kind, "factor")
        keep_apart(function)
        builder = ir.IRBuilder(function.append_basic_block())
        weight, jacobian, factors = function.args
        entries: dict[tuple[int, int], Any] = {(i, i): weight for i in range(self.size)}
        for slot, position in enumerate(self.pattern):
            slope = load(builder, jacobian, slot)
            entries[position] = builder.fsub(entries.get(position, self.kind.number(0.0)), slope)
        for pivot in range(self.size):
            inverse = builder.fdiv(self.kind.number(1.0), entries[pivot, pivot])
            entries[pivot, pivot] = inverse
            right = [column for column in range(pivot + 1, self.size) if (pivot, column) in entries]
            for row in range(pivot + 1, self.size):
                if (row, pivot) not in entries:
                    continue
                factor = builder.fmul(entries[row, pivot], inverse)
                entries[row, pivot] = factor
                for column in right:
                    change = builder.fmul(factor, entries[pivot, column], flags=FLAGS)
                    old = entries.get((row, column), self.kind.number(0.0))
                    entries[row, column] = builder.fsub(old, change, flags=FLAGS)
        for position, slot in self.slots.items():
            store(builder, entries[position], factors, slot)
        builder.ret_void()
        return function

    def emit_solve(self, module: ir.Module) -> ir.Function:
        """``void solve(lu, b)``: overwrite b with the solution."""
        kind = ir.FunctionType(ir.VoidType(), [self.kind.pointer] * 2)
        function = ir.Function(module, kind, "solve")
        keep_apart(function)
        builder = ir.IRBuilder(function.append_basic_block())
        factors, right_side = function.args
        values = [load(builder, right_side, row) for row in range(self.size)]
        for row in range(self.size):
            for column in range(row):
                if (row, column) in self.slots:
                    factor = load(builder, factors, self.slots[row, column])
                    product = builder.fmul(factor, values[column], flags=FLAGS)
                    values[row] = builder.fsub(values[row], product, flags=FLAGS)
        for row in reversed(range(self.size)):
            for column in range(row + 1, self.size):
                if (row, column) in self.slots:
                    factor = load(builder, factors, self.slots[row, column])
                    product = builder.fmul(factor, values[column], flags=FLAGS)
                    values[row] = builder.fsub(values[row], product, flags=FLAGS)
            values[row] = builder.fmul(values[row], load(builder, factors, self.slots[row, row]))
        for row, value in enumerate(values):
            store(builder, value, right_side, row)
        builder.ret_void()
        return function
