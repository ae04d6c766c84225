"""exp and log for the inside of a step, where numbers outside the normal range need not be told apart.

exp stays between exp(-700) and exp(700), and log takes numbers below the normal range as if they were at its
edge. Otherwise both are as exact as the usual ones, and treat zeros, infinities and undefined numbers alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.code._arithmetic import MAGIC, Numbers
from rekindle.engine.lanes._lane_math import LN2_HIGH, LN2_LOW, call_math, reduced
from rekindle.engine.lanes._lanes import kind_of

_EXP_TERMS = 13
_LOG_TERMS = 11
_FARTHEST = 700.0


def _exp(n: Numbers, x: Any) -> Any:
    x = n.choose(n.compare(">", x, _FARTHEST), _FARTHEST, x)
    x = n.choose(n.compare("<", x, -_FARTHEST), -_FARTHEST, x)
    k, r = reduced(n, x)
    series = n.polynomial(r, [1.0 / math.factorial(i) for i in range(2, _EXP_TERMS)])
    return n.mul(n.add(n.fma(n.mul(r, r), series, r), 1.0), n.two_to(n.add(k, MAGIC)))


def _log(n: Numbers, x: Any) -> Any:
    root = n.kind.whole(0x3FE6A09E667F3BCD)
    # The bias is taken off only after the shift, which keeps what is shifted positive.
    raised = n.builder.add(n.builder.sub(n.bits(x), root), n.kind.whole(1023 << 52))
    exponent = n.builder.lshr(raised, n.kind.whole(52))
    whole = n.from_bits(n.builder.or_(exponent, n.kind.whole(0x4330000000000000)))
    k = n.sub(whole, 2.0**52 + 1023.0)
    part = n.builder.and_(raised, n.kind.whole((1 << 52) - 1))
    f = n.sub(n.from_bits(n.builder.add(part, root)), 1.0)
    s = n.div(f, n.add(f, 2.0))
    z = n.mul(s, s)
    series = n.mul(z, n.polynomial(z, [2.0 / (2 * i + 1) for i in range(1, _LOG_TERMS)]))
    half = n.mul(n.mul(f, 0.5), f)
    inner = n.fma(k, LN2_LOW, n.mul(s, n.add(half, series)))
    result = n.fma(k, LN2_HIGH, n.sub(f, n.sub(half, inner)))
    result = n.choose(n.compare("<", x, math.inf), result, x)  # infinity and undefined stay themselves
    result = n.choose(n.compare("<", x, 0.0), math.nan, result)
    return n.choose(n.compare("==", x, 0.0), -math.inf, result)


_FUNCTIONS: dict[str, Callable[[Numbers, Any], Any]] = {"exp": _exp, "log": _log}


def call_quick_math(builder: ir.IRBuilder, name: str, *values: Any) -> Any:
    """Apply a function of the model language by name; those without a quicker form are exact."""
    if name not in _FUNCTIONS:
        return call_math(builder, name, *values)
    kind = kind_of(values[0])
    full_name = f"quick_{name}_{kind.lanes}"
    function = builder.module.globals.get(full_name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(kind.type, [kind.type]), full_name)
        function.linkage = "internal"
        inner = Numbers(ir.IRBuilder(function.append_basic_block()), kind)
        inner.builder.ret(_FUNCTIONS[name](inner, *function.args))
    return builder.call(function, values)
