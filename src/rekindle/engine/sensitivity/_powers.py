"""Slopes of powers at zero."""

from __future__ import annotations

from rekindle.modelling import Expression, call, constant, rebuild, select, topological


def with_finite_powers(root: Expression) -> Expression:
    """Write x^p as 0 where x is not positive and p is negative.

    The slope of x^n with n below 1 is infinite at zero, where a concentration rests until the first dose; its
    tangent is zero there, and so is their product.

    >>> from rekindle.modelling import evaluate, symbol
    >>> slope = with_finite_powers(symbol("x") ** symbol("p"))
    >>> [float(evaluate(slope, {"x": 0.0, "p": p})) for p in (-0.5, 0.0, 0.5)]
    [0.0, 1.0, 0.0]
    """
    zero = constant(0.0)
    done: dict[Expression, Expression] = {}
    for node in topological([root]):
        arguments = tuple(done[argument] for argument in node.arguments)
        done[node] = rebuild(node, arguments) if arguments else node
        if node.operation == "pow" and not (arguments[1].is_constant and arguments[1].value >= 0.0):
            base, exponent = arguments
            defined = call("or", call("gt", base, zero), call("ge", exponent, zero))
            whole = exponent.is_constant and exponent.value.is_integer()
            done[node] = done[node] if whole else select(defined, done[node], zero)
    return done[root]
