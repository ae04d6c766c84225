"""From expressions to LLVM: straight-line double-precision code for a list of expressions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.ir as ir

from rekindle.modelling import Expression, topological

DOUBLE = ir.DoubleType()
INTEGER = ir.IntType(64)
POINTER = DOUBLE.as_pointer()

_COMPARISON = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_INTRINSIC = {
    "exp": "llvm.exp", "log": "llvm.log", "sqrt": "llvm.sqrt", "abs": "llvm.fabs", "floor": "llvm.floor",
    "min": "llvm.minnum", "max": "llvm.maxnum",
}  # fmt: skip
#: Multiply-add may be fused; nothing else may be reordered, because that can break a library's exp.
_FLAGS = ("contract",)
_LARGEST_UNROLLED_POWER = 8


def number(value: float) -> ir.Constant:
    """A double constant."""
    return ir.Constant(DOUBLE, float(value))


def index(value: int) -> ir.Constant:
    """A 64-bit integer constant."""
    return ir.Constant(INTEGER, value)


def load(builder: ir.IRBuilder, pointer: Any, position: Any) -> Any:
    """Read ``pointer[position]``."""
    return builder.load(builder.gep(pointer, [index(position) if isinstance(position, int) else position]))


def store(builder: ir.IRBuilder, value: Any, pointer: Any, position: Any) -> None:
    """Write ``pointer[position] = value``."""
    where = index(position) if isinstance(position, int) else position
    builder.store(value, builder.gep(pointer, [where]))


def intrinsic(builder: ir.IRBuilder, name: str, *arguments: Any) -> Any:
    """Call a floating-point intrinsic."""
    kind = ir.FunctionType(DOUBLE, [DOUBLE] * len(arguments))
    function = builder.module.declare_intrinsic(name, [DOUBLE], kind)
    return builder.call(function, arguments)


def emit(builder: ir.IRBuilder, roots: Sequence[Expression], read: Callable[[str], Any]) -> list[Any]:
    """Emit code for all roots, each shared node once; ``read`` gives the value of a symbol."""
    values: dict[Expression, Any] = {}
    for node in topological(roots):
        values[node] = _emit_node(builder, node, values, read)
    return [values[root] for root in roots]


def _emit_node(
    builder: ir.IRBuilder, node: Expression, values: dict[Expression, Any], read: Callable[[str], Any]
) -> Any:
    operation = node.operation
    arguments = [values[argument] for argument in node.arguments]
    match operation:
        case "constant":
            return number(node.value)
        case "symbol":
            return read(node.name)
        case "add":
            return builder.fadd(*arguments, flags=_FLAGS)
        case "sub":
            return builder.fsub(*arguments, flags=_FLAGS)
        case "mul":
            return builder.fmul(*arguments, flags=_FLAGS)
        case "div":
            return builder.fdiv(*arguments, flags=_FLAGS)
        case "neg":
            return builder.fneg(arguments[0])
        case "pow":
            return _power(builder, node, arguments)
        case "select":
            return builder.select(
                _truth(builder, node.arguments[0], arguments[0]), arguments[1], arguments[2]
            )
        case "and":
            pair = [_truth(builder, a, v) for a, v in zip(node.arguments, arguments, strict=True)]
            return builder.and_(*pair)
        case "or":
            pair = [_truth(builder, a, v) for a, v in zip(node.arguments, arguments, strict=True)]
            return builder.or_(*pair)
        case "not":
            return builder.not_(_truth(builder, node.arguments[0], arguments[0]))
        case "tanh":
            # tanh x = 1 - 2/(exp 2x + 1): exact to rounding away from 0 and without an extra library call
            twice = builder.fmul(number(2.0), arguments[0])
            below = builder.fadd(intrinsic(builder, "llvm.exp", twice), number(1.0))
            return builder.fsub(number(1.0), builder.fdiv(number(2.0), below))
        case _ if operation in _COMPARISON:
            return builder.fcmp_ordered(_COMPARISON[operation], *arguments)
        case _:
            return intrinsic(builder, _INTRINSIC[operation], *arguments)


def _truth(builder: ir.IRBuilder, node: Expression, value: Any) -> Any:
    """A condition as one bit; a number counts as true when it is not zero."""
    if value.type == DOUBLE:
        return builder.fcmp_unordered("!=", value, number(0.0))
    return value


def _power(builder: ir.IRBuilder, node: Expression, arguments: list[Any]) -> Any:
    exponent = node.arguments[1]
    if exponent.is_constant and exponent.value == 0.5:
        return intrinsic(builder, "llvm.sqrt", arguments[0])
    whole = exponent.is_constant and exponent.value == math.floor(exponent.value)
    if not whole or abs(exponent.value) > _LARGEST_UNROLLED_POWER:
        return intrinsic(builder, "llvm.pow", *arguments)
    count = int(abs(exponent.value))
    product = None
    square = arguments[0]
    while count:
        if count & 1:
            product = square if product is None else builder.fmul(product, square, flags=_FLAGS)
        count >>= 1
        if count:
            square = builder.fmul(square, square, flags=_FLAGS)
    return product if exponent.value > 0 else builder.fdiv(number(1.0), product, flags=_FLAGS)
