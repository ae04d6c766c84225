"""The collocation polynomial between the nodes and beyond the step: u(t + s h) = y + sum_j weights_j Z_j."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine.cascade._method import NODES, PLACES, STAGES, WEIGHTS
from rekindle.engine.lanes._lanes import (
    DOUBLE,
    POINTER,
    SCALAR,
    LaneKind,
    keep_apart,
    number,
    place,
    store,
)


def polynomial_weights(b: ir.IRBuilder, kind: LaneKind, position: Any) -> list[Any]:
    """Weights of the increments at a share of the step, which may differ between lanes."""
    gaps = [b.fsub(position, kind.number(node)) for node in NODES]
    left, right = [position], [kind.number(1.0)]
    for gap in gaps[:-1]:
        left.append(b.fmul(left[-1], gap))
    for gap in reversed(gaps[1:]):
        right.append(b.fmul(right[-1], gap))
    return [
        b.fmul(kind.number(float(weight)), b.fmul(left[i], right[STAGES - 1 - i]))
        for i, weight in enumerate(WEIGHTS)
    ]


def emit_weights(module: ir.Module) -> ir.Function:
    """``void weights(s, weights[7])``."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [DOUBLE, POINTER]), "cascade_weights")
    keep_apart(function)
    b = ir.IRBuilder(function.append_basic_block())
    position, weights = function.args
    for i, weight in enumerate(polynomial_weights(b, SCALAR, position)):
        store(b, weight, weights, i)
    b.ret_void()
    return function


def emit_extrapolation(module: ir.Module) -> ir.Function:
    """``void extrapolate(ratio, weights)``: what continues a step to the nodes of the next one.

    ``ratio`` is the size of the next step in units of this one. The weight of increment j at node i stands at
    PLACES j + i and gives the increment of the next step, which counts from the end of this one.
    """
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [DOUBLE, POINTER]), "cascade_extrapolate")
    keep_apart(function)
    b = ir.IRBuilder(function.append_basic_block())
    ratio, weights = function.args
    nodes = LaneKind(PLACES)
    shares = ir.Constant(nodes.type, [number(node) for node in (*NODES, 0.0)])
    position = b.fadd(nodes.number(1.0), b.fmul(nodes.spread(b, ratio), shares))
    found = polynomial_weights(b, nodes, position)
    found[-1] = b.fsub(found[-1], nodes.number(1.0))
    for j, weight in enumerate(found):
        store(b, weight, b.bitcast(place(b, weights, j * PLACES), nodes.pointer), 0)
    b.ret_void()
    return function
