"""From expressions to LLVM: straight-line double-precision code for a list of expressions, in lanes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.lanes._lane_math import call_math
from rekindle.engine.lanes._lanes import FLAGS, SCALAR, LaneKind, kind_of
from rekindle.engine.lanes._quick_math import call_quick_math
from rekindle.modelling import Expression, topological

_COMPARISON = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_LARGEST_UNROLLED_POWER = 8


def emit(
    builder: ir.IRBuilder,
    roots: Sequence[Expression],
    read: Callable[[str], Any],
    kind: LaneKind = SCALAR,
    *,
    quick: bool = False,
) -> list[Any]:
    """Emit code for all roots, each shared node once; ``read`` gives the value of a symbol.

    ``quick`` takes exp and log from ``_quick_math``.
    """
    values: dict[Expression, Any] = {}
    for node in topological(roots):
        values[node] = _emit_node(builder, node, values, read, kind, quick)
    return [values[root] for root in roots]


def _emit_node(
    builder: ir.IRBuilder,
    node: Expression,
    values: dict[Expression, Any],
    read: Callable[[str], Any],
    kind: LaneKind,
    quick: bool,
) -> Any:
    operation = node.operation
    arguments = [values[argument] for argument in node.arguments]
    match operation:
        case "constant":
            return kind.number(node.value)
        case "symbol":
            return read(node.name)
        case "add":
            return builder.fadd(*arguments, flags=FLAGS)
        case "sub":
            return builder.fsub(*arguments, flags=FLAGS)
        case "mul":
            return builder.fmul(*arguments, flags=FLAGS)
        case "div":
            return builder.fdiv(*arguments, flags=FLAGS)
        case "neg":
            return builder.fneg(arguments[0])
        case "pow":
            return _power(builder, node, arguments, kind)
        case "select":
            return builder.select(_truth(builder, arguments[0]), arguments[1], arguments[2])
        case "and":
            return builder.and_(*(_truth(builder, value) for value in arguments))
        case "or":
            return builder.or_(*(_truth(builder, value) for value in arguments))
        case "not":
            return builder.not_(_truth(builder, arguments[0]))
        case _ if operation in _COMPARISON:
            return builder.fcmp_ordered(_COMPARISON[operation], *arguments)
        case _ if quick:
            return call_quick_math(builder, operation, *arguments)
        case _:
            return call_math(builder, operation, *arguments)


def _truth(builder: ir.IRBuilder, value: Any) -> Any:
    """A condition as one bit a lane; a number counts as true when it is not zero."""
    kind = kind_of(value)
    return builder.fcmp_unordered("!=", value, kind.number(0.0)) if value.type == kind.type else value


def _power(builder: ir.IRBuilder, node: Expression, arguments: list[Any], kind: LaneKind) -> Any:
    exponent = node.arguments[1]
    if exponent.is_constant and exponent.value == 0.5:
        return call_math(builder, "sqrt", arguments[0])
    whole = exponent.is_constant and exponent.value == math.floor(exponent.value)
    if not whole or abs(exponent.value) > _LARGEST_UNROLLED_POWER:
        return call_math(builder, "pow", *arguments)
    count = int(abs(exponent.value))
    product = None
    square = arguments[0]
    while count:
        if count & 1:
            product = square if product is None else builder.fmul(product, square, flags=FLAGS)
        count >>= 1
        if count:
            square = builder.fmul(square, square, flags=FLAGS)
    return product if exponent.value > 0 else builder.fdiv(kind.number(1.0), product, flags=FLAGS)
