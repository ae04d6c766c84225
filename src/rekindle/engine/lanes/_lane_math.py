"""Elementary functions as straight-line code, the same for one double and for vectors.

LLVM turns ``llvm.exp`` of a vector into one library call a lane, so that exp, log, pow and tanh are written
out here: reduction of the argument, a polynomial, and the exponent put back through the bits. Each is within
2 units in the last place and treats infinities, numbers below the normal range and undefined ones as the C
library does; the tests compare all of it with the library.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.code._arithmetic import MAGIC, Numbers
from rekindle.engine.lanes._lanes import intrinsic, kind_of

_INTRINSIC = {
    "sqrt": "llvm.sqrt", "abs": "llvm.fabs", "floor": "llvm.floor",
    "min": "llvm.minnum", "max": "llvm.maxnum",
}  # fmt: skip
#: ln 2 in two parts; the first ends in zeros, so that its product with an exponent is exact.
LN2_HIGH = float.fromhex("0x1.62e42feep-1")
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_EXP_TERMS = 14
_LOG_TERMS = 11
_INF = math.inf


def call_math(builder: ir.IRBuilder, name: str, *values: Any) -> Any:
    """Apply a function of the model language by name to values of one kind."""
    if name in _INTRINSIC:
        return intrinsic(builder, _INTRINSIC[name], *values)
    kind = kind_of(values[0])
    full_name = f"math_{name}_{kind.lanes}"
    function = builder.module.globals.get(full_name)
    if function is None:
        signature = ir.FunctionType(kind.type, [kind.type] * len(values))
        function = ir.Function(builder.module, signature, full_name)
        function.linkage = "internal"
        inner = Numbers(ir.IRBuilder(function.append_basic_block()), kind)
        inner.builder.ret(_FUNCTIONS[name](inner, *function.args))
    return builder.call(function, values)


def reduced(n: Numbers, x: Any) -> tuple[Any, Any]:
    """Nearest whole number k to x / ln 2 and the remainder x - k ln 2."""
    shifted = n.fma(x, 1.0 / math.log(2.0), MAGIC)
    k = n.sub(shifted, MAGIC)
    return k, n.fma(k, -LN2_LOW, n.fma(k, -LN2_HIGH, x))


def _scaled(n: Numbers, value: Any, k: Any) -> Any:
    """Value times 2^k in two factors, so that results below the normal range are rounded once."""
    first = n.fma(k, 0.5, MAGIC)
    second = n.add(n.sub(k, n.sub(first, MAGIC)), MAGIC)
    return n.mul(n.mul(value, n.two_to(first)), n.two_to(second))


def _expm1_of_remainder(n: Numbers, r: Any) -> Any:
    series = n.polynomial(r, [1.0 / math.factorial(k) for k in range(2, _EXP_TERMS)])
    return n.fma(n.mul(r, r), series, r)


def _clamped(n: Numbers, x: Any, low: float, high: float) -> Any:
    x = n.choose(n.compare(">", x, high), high, x)
    return n.choose(n.compare("<", x, low), low, x)


def _exp(n: Numbers, x: Any) -> Any:
    k, r = reduced(n, _clamped(n, x, -746.0, 710.0))
    return _scaled(n, n.add(_expm1_of_remainder(n, r), 1.0), k)


def decay(builder: ir.IRBuilder, x: Any) -> Any:
    """exp for loops: written out in place, for arguments up to 700; below -600 it stays at exp(-600),
    so that products with it are not below the normal range, where arithmetic is slow."""
    n = Numbers(builder, kind_of(x))
    k, r = reduced(n, n.choose(n.compare("<", x, -600.0), -600.0, x))
    value = n.bits(n.add(_expm1_of_remainder(n, r), 1.0))
    exponent = builder.shl(n.bits(n.add(k, MAGIC)), n.kind.whole(52))
    return n.from_bits(builder.add(value, exponent))


def _mantissa(n: Numbers, x: Any) -> tuple[Any, Any]:
    """Exponent k and f with x = 2^k (1 + f) and 1 + f between sqrt(1/2) and sqrt(2), for positive x."""
    small = n.compare("<", x, 2.0**-1022)
    bits = n.bits(n.choose(small, n.mul(x, 2.0**54), x))
    root = n.kind.whole(0x3FE6A09E667F3BCD)
    # The bias is taken off only after the shift, which keeps what is shifted positive.
    raised = n.builder.add(n.builder.sub(bits, root), n.kind.whole(1023 << 52))
    exponent = n.builder.lshr(raised, n.kind.whole(52))
    whole = n.from_bits(n.builder.or_(exponent, n.kind.whole(0x4330000000000000)))
    k = n.sub(whole, 2.0**52 + 1023.0)
    part = n.builder.and_(raised, n.kind.whole((1 << 52) - 1))
    f = n.sub(n.from_bits(n.builder.add(part, root)), 1.0)
    return n.sub(k, n.choose(small, 54.0, 0.0)), f


def _log(n: Numbers, x: Any) -> Any:
    k, f = _mantissa(n, x)
    s = n.div(f, n.add(f, 2.0))
    z = n.mul(s, s)
    series = n.mul(z, n.polynomial(z, [2.0 / (2 * i + 1) for i in range(1, _LOG_TERMS)]))
    half = n.mul(n.mul(f, 0.5), f)
    inner = n.fma(k, LN2_LOW, n.mul(s, n.add(half, series)))
    result = n.fma(k, LN2_HIGH, n.sub(f, n.sub(half, inner)))
    return _log_edges(n, x, result)


def _log_edges(n: Numbers, x: Any, result: Any) -> Any:
    result = n.choose(n.compare("<", x, _INF), result, x)  # infinity and undefined stay themselves
    result = n.choose(n.compare("<", x, 0.0), math.nan, result)
    return n.choose(n.compare("==", x, 0.0), -_INF, result)


def _sum(n: Numbers, high: Any, low: Any) -> tuple[Any, Any]:
    """Rounded sum and what rounding lost, for |high| >= |low|."""
    total = n.add(high, low)
    return total, n.sub(low, n.sub(total, high))


def _product(n: Numbers, left: Any, right: Any) -> tuple[Any, Any]:
    product = n.mul(left, right)
    return product, n.fma_exact(left, right, n.builder.fneg(product))


def _log_in_two_parts(n: Numbers, x: Any) -> tuple[Any, Any]:
    """log x with about 68 bits, because pow multiplies its error by up to 700."""
    k, f = _mantissa(n, x)
    u = n.add(f, 2.0)
    u_low = n.sub(f, n.sub(u, 2.0))
    s = n.div(f, u)
    s_low = n.div(n.fma(n.builder.fneg(s), u_low, n.fma_exact(n.builder.fneg(s), u, f)), u)
    z, z_low = _product(n, s, s)
    z_low = n.fma(n.mul(s, 2.0), s_low, z_low)
    # 2/3 is not a double: its missing part is 2/3 - fl(2/3) = 2^-54 * 2/3 rounded.
    third, third_low = 2.0 / 3.0, 2.0**-53 / 3.0
    series = n.mul(n.mul(z, z), n.polynomial(z, [2.0 / (2 * i + 1) for i in range(2, _LOG_TERMS + 1)]))
    q, q_low = _product(n, z, third)
    q_low = n.add(n.fma(z, third_low, n.mul(z_low, third)), q_low)
    q, q_low = _sum(n, q, n.add(q_low, series))
    # log(1 + f) = s (2 + q)
    a, a_low = _sum(n, n.value(2.0), q)
    a_low = n.add(a_low, q_low)
    high, low = _product(n, s, a)
    low = n.add(low, n.fma(s, a_low, n.mul(s_low, a)))
    whole, whole_low = n.mul(k, LN2_HIGH), n.mul(k, LN2_LOW)
    # Whichever of the two is larger comes first.
    total, lost = _two_sum(n, whole, high)
    return _sum(n, total, n.add(n.add(lost, low), whole_low))


def _two_sum(n: Numbers, left: Any, right: Any) -> tuple[Any, Any]:
    total = n.add(left, right)
    part = n.sub(total, left)
    return total, n.add(n.sub(left, n.sub(total, part)), n.sub(right, part))


def _pow(n: Numbers, x: Any, y: Any) -> Any:
    size = n.magnitude(x)
    high, low = _log_in_two_parts(n, size)
    p, p_low = _product(n, y, high)
    p_low = n.fma(y, low, p_low)
    finite = n.compare("<", n.magnitude(p), 1000.0)
    result = _exp_of_two_parts(n, p, n.choose(finite, p_low, 0.0))
    edge = n.builder.or_(n.compare("==", size, 0.0), n.compare("==", size, _INF))
    grows = n.builder.xor(n.compare("==", size, 0.0), n.compare(">", y, 0.0))
    result = n.choose(edge, n.choose(grows, _INF, 0.0), result)
    result = n.choose(_sign_matters(n, x, y), n.builder.fneg(result), result)
    whole = n.compare("==", intrinsic(n.builder, "llvm.floor", y), y)
    undefined = n.builder.and_(
        n.builder.and_(n.compare("<", x, 0.0), n.compare(">", x, -_INF)), n.builder.not_(whole)
    )
    result = n.choose(undefined, math.nan, result)
    one = n.builder.or_(n.compare("==", x, 1.0), n.compare("==", y, 0.0))
    lone = n.builder.and_(n.compare("==", x, -1.0), n.compare("==", n.magnitude(y), _INF))
    missing = n.builder.fcmp_unordered("uno", x, y)
    result = n.choose(missing, n.add(x, y), result)
    return n.choose(n.builder.or_(one, lone), 1.0, result)


def _sign_matters(n: Numbers, x: Any, y: Any) -> Any:
    """Whether the base has a minus sign and the exponent is odd."""
    half = n.mul(y, 0.5)
    whole = n.compare("==", intrinsic(n.builder, "llvm.floor", y), y)
    odd = n.builder.and_(whole, n.compare("!=", intrinsic(n.builder, "llvm.floor", half), half))
    negative = n.builder.icmp_signed("<", n.bits(x), n.kind.whole(0))
    return n.builder.and_(odd, negative)


def _exp_of_two_parts(n: Numbers, high: Any, low: Any) -> Any:
    k, r = reduced(n, _clamped(n, high, -1000.0, 1000.0))
    value = n.add(_expm1_of_remainder(n, n.add(r, low)), 1.0)
    return _scaled(n, value, k)


def _tanh(n: Numbers, x: Any) -> Any:
    twice = n.mul(n.magnitude(x), 2.0)
    k, r = reduced(n, n.choose(n.compare(">", twice, 44.0), 44.0, twice))
    power = n.two_to(n.add(k, MAGIC))
    rise = n.fma(power, _expm1_of_remainder(n, r), n.sub(power, 1.0))
    size = n.div(rise, n.add(rise, 2.0))
    return intrinsic(n.builder, "llvm.copysign", size, x)


_FUNCTIONS: dict[str, Callable[..., Any]] = {"exp": _exp, "log": _log, "pow": _pow, "tanh": _tanh}
