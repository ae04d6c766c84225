"""Solving one state at all nodes of a step: (INVERSE - h D) Z = h f - h D Z_before.

Outside feedback loops nothing is there before: f is taken at the start and the solution is exact.

Where D is one number for the whole step, the modes of INVERSE make this four small systems. Where it differs
from node to node the matrix is factorised, without pivoting: INVERSE is factorised without growth, and a
slope below zero only adds to its diagonal.
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine.cascade._method import COLLOCATION, INVERSE, MODE_NUMBERS, MODES, STAGES, TO_MODES
from rekindle.engine.lanes._lanes import FLAGS, LaneKind, intrinsic, keep_apart, load, store

#: Numbers that one factorised matrix takes.
FACTORS = STAGES * STAGES


def multiply_add(builder: ir.IRBuilder, left: Any, right: Any, added: Any) -> Any:
    """left * right + added, rounded once where the processor can."""
    return builder.fadd(builder.fmul(left, right, flags=FLAGS), added, flags=FLAGS)


def _function(module: ir.Module, name: str, kind: LaneKind, values: int, pointers: int, result: Any) -> Any:
    signature = ir.FunctionType(result, [kind.type] * values + [kind.pointer] * pointers)
    function = ir.Function(module, signature, name)
    keep_apart(function)
    return function, ir.IRBuilder(function.append_basic_block())


def emit_factor(module: ir.Module, kind: LaneKind) -> ir.Function:
    """``void factor(h, D[7], factors[49])``; the diagonal is stored inverted."""
    function, b = _function(module, "cascade_factor", kind, 1, 2, ir.VoidType())
    step, slopes, factors = function.args
    rows = [[kind.number(value) for value in row] for row in INVERSE]
    for i in range(STAGES):
        rows[i][i] = b.fsub(rows[i][i], b.fmul(step, load(b, slopes, i), flags=FLAGS), flags=FLAGS)
    eliminate(b, kind, rows, factors)
    b.ret_void()
    return function


def eliminate(b: ir.IRBuilder, kind: LaneKind, rows: list[list[Any]], factors: Any) -> None:
    """Factorise a matrix without pivoting into ``factors``; the diagonal is stored inverted."""
    size = len(rows)
    for pivot in range(size):
        rows[pivot][pivot] = b.fdiv(kind.number(1.0), rows[pivot][pivot])
        for row in range(pivot + 1, size):
            factor = b.fneg(b.fmul(rows[row][pivot], rows[pivot][pivot]))
            rows[row][pivot] = factor
            for column in range(pivot + 1, size):
                rows[row][column] = multiply_add(b, factor, rows[pivot][column], rows[row][column])
    for i in range(size):
        for j in range(size):
            store(b, rows[i][j] if j <= i else b.fneg(rows[i][j]), factors, i * size + j)


def substitute_back(b: ir.IRBuilder, values: list[Any], factors: Any) -> None:
    """Solve with what ``eliminate`` has stored; ``values`` becomes the solution."""
    size = len(values)
    for column in range(size):
        for row in range(column + 1, size):
            factor = load(b, factors, row * size + column)
            values[row] = multiply_add(b, factor, values[column], values[row])
    for column in reversed(range(size)):
        values[column] = b.fmul(values[column], load(b, factors, column * size + column))
        for row in range(column):
            factor = load(b, factors, row * size + column)
            values[row] = multiply_add(b, factor, values[column], values[row])


def emit_solve(module: ir.Module, kind: LaneKind) -> ir.Function:
    """``solve(h, y, rates[7], D[7], factors[49], Z[7], Y[7])``: Z and Y = y + Z, rates being those at y."""
    function, b = _function(module, "cascade_solve", kind, 2, 5, ir.VoidType())
    step, start, rates, _, factors, increments, states = function.args
    values = [b.fmul(step, load(b, rates, i), flags=FLAGS) for i in range(STAGES)]
    substitute_back(b, values, factors)
    _finish(b, kind, start, None, values, increments, states)
    return function


def emit_shift(module: ir.Module, kind: LaneKind) -> ir.Function:
    """``void shift(h, D, factors[7])``: what solving in modes needs for one slope D."""
    function, b = _function(module, "cascade_shift", kind, 2, 1, ir.VoidType())
    step, slope, factors = function.args
    moved = b.fmul(step, slope)
    shifted = [b.fsub(kind.number(float(real)), moved) for real, _ in MODE_NUMBERS]
    sizes = [
        multiply_add(b, real, real, kind.number(float(imaginary**2))) if imaginary else real
        for real, (_, imaginary) in zip(shifted, MODE_NUMBERS, strict=True)
    ]
    for pair, (inverse, (_, imaginary)) in enumerate(
        zip(_inverses(b, kind, sizes), MODE_NUMBERS, strict=True)
    ):
        if not imaginary:
            store(b, inverse, factors, 2 * pair)
            continue
        store(b, b.fmul(shifted[pair], inverse), factors, 2 * pair)
        store(b, b.fmul(kind.number(float(imaginary)), inverse), factors, 2 * pair + 1)
    b.ret_void()
    return function


def _inverses(b: ir.IRBuilder, kind: LaneKind, values: list[Any]) -> list[Any]:
    """Reciprocals with one division, which costs as much as some thirty products.

    The values are at least 1 and their product overflows only for slopes that no step size could follow.
    """
    products = [values[0]]
    for value in values[1:]:
        products.append(b.fmul(products[-1], value))
    rest = b.fdiv(kind.number(1.0), products[-1])
    inverses = []
    for value, before in zip(reversed(values[1:]), reversed(products[:-1]), strict=True):
        inverses.append(b.fmul(rest, before))
        rest = b.fmul(rest, value)
    return [rest, *reversed(inverses)]


def emit_solve_in_modes(module: ir.Module, kind: LaneKind, *, swept: bool) -> ir.Function:
    """``solve`` for one slope in all nodes, read from D[0], with the factors of ``shift``.

    What is ``swept`` takes the rates at the Y that it finds, and returns the largest change of Z.
    """
    name = "cascade_sweep_in_modes" if swept else "cascade_solve_in_modes"
    function, b = _function(module, name, kind, 2, 5, kind.type if swept else ir.VoidType())
    step, start, rates, slopes, factors, increments, states = function.args
    before = [load(b, increments, i) for i in range(STAGES)] if swept else None
    slope, right = load(b, slopes, 0), []
    for i in range(STAGES):
        rate = load(b, rates, i)
        if before is not None:
            rate = b.fsub(rate, b.fmul(slope, before[i], flags=FLAGS), flags=FLAGS)
        right.append(b.fmul(step, rate))
    modes = [combination(b, kind, row, right) for row in TO_MODES]
    for pair, (_, imaginary) in enumerate(MODE_NUMBERS):
        i = 2 * pair
        first = load(b, factors, i)
        if not imaginary:
            modes[i] = b.fmul(first, modes[i])
            continue
        second = load(b, factors, i + 1)
        modes[i], modes[i + 1] = (
            b.fsub(
                b.fmul(first, modes[i], flags=FLAGS), b.fmul(second, modes[i + 1], flags=FLAGS), flags=FLAGS
            ),
            multiply_add(b, second, modes[i], b.fmul(first, modes[i + 1], flags=FLAGS)),
        )
    values = [combination(b, kind, row, modes) for row in MODES]
    _finish(b, kind, start, before, values, increments, states)
    return function


def emit_explicit(module: ir.Module, kind: LaneKind, *, swept: bool) -> ir.Function:
    """The same for a state whose rate does not depend on itself."""
    name = "cascade_swept_sum" if swept else "cascade_sum"
    function, b = _function(module, name, kind, 2, 5, kind.type if swept else ir.VoidType())
    step, start, rates, _, _, increments, states = function.args
    before = [load(b, increments, i) for i in range(STAGES)] if swept else None
    slopes = [b.fmul(step, load(b, rates, i), flags=FLAGS) for i in range(STAGES)]
    values = [combination(b, kind, row, slopes) for row in COLLOCATION]
    _finish(b, kind, start, before, values, increments, states)
    return function


def combination(builder: ir.IRBuilder, kind: LaneKind, weights: Any, values: Any) -> Any:
    """Sum of known weights times values."""
    total = builder.fmul(kind.number(float(weights[0])), values[0], flags=FLAGS)
    for weight, value in zip(weights[1:], values[1:], strict=True):
        total = multiply_add(builder, kind.number(float(weight)), value, total)
    return total


def greater(builder: ir.IRBuilder, left: Any, right: Any) -> Any:
    """The greater of two numbers, the second if either is undefined: one instruction where there is one."""
    return builder.select(builder.fcmp_ordered(">", left, right), left, right)


def _finish(
    b: ir.IRBuilder, kind: LaneKind, start: Any, before: Any, values: Any, increments: Any, states: Any
) -> None:
    largest = kind.number(0.0)
    for i in range(STAGES):
        store(b, values[i], increments, i)
        store(b, b.fadd(start, values[i]), states, i)
        if before is not None:
            largest = greater(b, intrinsic(b, "llvm.fabs", b.fsub(values[i], before[i])), largest)
    if before is None:
        b.ret_void()
    else:
        b.ret(largest)
