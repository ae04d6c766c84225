"""Expressions: sharing, simplification, derivatives against SymPy, pickling."""

import operator
import pickle

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from rekindle.modelling import (
    add,
    call,
    constant,
    differentiate,
    divide,
    evaluate,
    multiply,
    negate,
    power,
    read_model,
    select,
    substitute,
    subtract,
    symbol,
    symbols,
    to_text,
    topological,
)
from rekindle.modelling._latex import to_latex

X, Y = symbol("x"), symbol("y")
_SYMPY = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "pow": operator.pow, "neg": operator.neg, "exp": sympy.exp, "log": sympy.log, "sqrt": sympy.sqrt,
    "tanh": sympy.tanh,
}  # fmt: skip


def _positive(children):
    """Smooth expressions that are positive for positive symbols, so that powers and logarithms exist."""
    pair = st.tuples(children, children)
    return st.one_of(
        pair.map(lambda p: add(*p)),
        pair.map(lambda p: multiply(*p)),
        pair.map(lambda p: divide(*p)),
        st.tuples(children, st.sampled_from([-2.0, -0.5, 0.5, 0.75, 2.0, 3.0])).map(lambda p: p[0] ** p[1]),
        pair.map(lambda p: power(p[0], call("tanh", p[1]))),
        children.map(lambda c: call("exp", -c)),
        children.map(lambda c: call("sqrt", c)),
        children.map(lambda c: call("tanh", c)),
        children.map(lambda c: call("log", 1.0 + c)),
        children.map(lambda c: subtract(1.0 + c, call("tanh", c))),
    )


_leaves = st.one_of(st.sampled_from([X, Y]), st.floats(0.1, 4.0).map(constant))
_smooth = st.recursive(_leaves, _positive, max_leaves=8)


def _to_sympy(root):
    x = dict(zip("xy", sympy.symbols("x y", positive=True), strict=True))
    done = {}
    for node in topological([root]):
        if node.operation == "constant":
            done[node] = sympy.Float(node.value, 40)
        elif node.operation == "symbol":
            done[node] = x[node.name]
        else:
            done[node] = _SYMPY[node.operation](*(done[argument] for argument in node.arguments))
    return done[root], x


@settings(max_examples=60, deadline=None)
@given(_smooth, st.floats(0.3, 2.5), st.floats(0.3, 2.5))
def test_derivative_agrees_with_sympy(expression, x, y):
    reference, names = _to_sympy(expression)
    for name in "xy":
        at = {names["x"]: sympy.Float(x, 40), names["y"]: sympy.Float(y, 40)}
        expected = float(sympy.diff(reference, names[name]).evalf(30, subs=at))
        found = float(evaluate(differentiate(expression, name), {"x": x, "y": y}))
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9 * max(1.0, abs(expected)))


@pytest.mark.parametrize(
    ("expression", "x", "expected"),
    [
        (call("abs", X - 1.0), 0.5, -1.0),
        (call("abs", X - 1.0), 1.5, 1.0),
        (call("min", 2.0 * X, constant(3.0)), 1.0, 2.0),
        (call("min", 2.0 * X, constant(3.0)), 2.0, 0.0),
        (call("max", X * X, X), 3.0, 6.0),
        (call("floor", X), 1.5, 0.0),
        (select(call("lt", X, constant(1.0)), X**3, -X), 0.5, 0.75),
        (select(call("lt", X, constant(1.0)), X**3, -X), 2.0, -1.0),
    ],
)
def test_derivatives_of_functions_with_corners(expression, x, expected):
    assert evaluate(differentiate(expression, "x"), {"x": x}) == pytest.approx(expected)


def test_power_of_zero_has_a_finite_slope():
    slope = differentiate(power(X, Y), "y")
    assert evaluate(slope, {"x": 0.0, "y": 2.0}) == 0.0


def test_equal_expressions_are_one_object():
    assert call("exp", X * Y + 1.0) is call("exp", X * Y + 1.0)
    assert constant(0.0) is not constant(-0.0)


@pytest.mark.parametrize(
    ("found", "simple"),
    [
        (X + 0.0, X), (0.0 + X, X), (X - 0.0, X), (X - X, constant(0.0)), (X * 1.0, X), (X / 1.0, X),
        (X * 0.0, constant(0.0)), (X**1.0, X), (X**0.0, constant(1.0)), (negate(negate(X)), X),
        (constant(2.0) ** 3.0, constant(8.0)),
        (call("exp", constant(0.0)), constant(1.0)), (0.0 - X, -X), (X * -1.0, -X),
    ],
)  # fmt: skip
def test_simplification(found, simple):
    assert found is simple


def test_arrays_broadcast():
    values = evaluate(select(call("gt", X, Y), X, Y), {"x": np.arange(3.0), "y": 1.0})
    assert values.tolist() == [1.0, 1.0, 2.0]


def test_substitution_is_simultaneous():
    assert substitute([X + 2.0 * Y], {"x": Y, "y": X})[0] is Y + 2.0 * X
    assert symbols(X * Y, constant(3.0)) == {"x", "y"}


def test_very_long_sums_can_be_differentiated_evaluated_and_pickled():
    total = X
    for index in range(20_000):
        total = total + X * float(index + 2)
    assert evaluate(differentiate(total, "x"), {"x": 1.0}) == 1 + sum(range(2, 20_002))
    assert pickle.loads(pickle.dumps(total)) is total


def test_unknown_function_is_refused():
    with pytest.raises(ValueError, match="sinus"):
        call("sinus", X)


@settings(max_examples=100, deadline=None)
@given(_smooth, st.floats(0.3, 2.5), st.floats(0.3, 2.5))
def test_text_means_what_the_expression_means(expression, x, y):
    text = f"model m\ntime [h]\nparameter x [1]\nparameter y [1]\nq [1] = {to_text(expression)}"
    found = evaluate(read_model(text).definitions["q"].expression, {"x": x, "y": y})
    assert found == pytest.approx(float(evaluate(expression, {"x": x, "y": y})), rel=1e-9)
    assert to_latex(expression).count("{") == to_latex(expression).count("}")
