"""Symbolic expressions as a hash-consed graph.

Equal expressions are one object, so common subexpressions are shared for free and every pass
(derivative, substitution, code generation) visits each node once. SymPy gives the same derivatives
(the tests compare them) at several hundred times the cost for a model of this size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

#: The closed list of functions of the model language, with their number of arguments.
FUNCTIONS = {
    "exp": 1, "log": 1, "sqrt": 1, "abs": 1, "floor": 1, "tanh": 1, "min": 2, "max": 2,
}  # fmt: skip
COMPARISONS = {"lt": 2, "le": 2, "gt": 2, "ge": 2, "eq": 2, "ne": 2}
LOGIC = {"and": 2, "or": 2, "not": 1}
_CALLABLE = {**FUNCTIONS, **COMPARISONS, **LOGIC}

#: Operation, places of the arguments, name and value of nodes.
Table = list[tuple[str, tuple[int, ...], str, float]]


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Expression:
    """One node: an operation with arguments, a named symbol, or a constant.

    ``operation`` is ``"constant"``, ``"symbol"``, ``"select"`` (condition, if true, if false), one of
    add, sub, mul, div, pow, neg, or a key of ``FUNCTIONS``, ``COMPARISONS``, ``LOGIC``. Nodes compare by
    identity.

    >>> x = symbol("x")
    >>> (x * x) is (x * x)
    True
    """

    operation: str
    arguments: tuple[Expression, ...] = ()
    name: str = ""
    value: float = 0.0

    def __add__(self, other: Expression | float) -> Expression:
        return add(self, as_expression(other))

    def __radd__(self, other: float) -> Expression:
        return add(as_expression(other), self)

    def __sub__(self, other: Expression | float) -> Expression:
        return subtract(self, as_expression(other))

    def __rsub__(self, other: float) -> Expression:
        return subtract(as_expression(other), self)

    def __mul__(self, other: Expression | float) -> Expression:
        return multiply(self, as_expression(other))

    def __rmul__(self, other: float) -> Expression:
        return multiply(as_expression(other), self)

    def __truediv__(self, other: Expression | float) -> Expression:
        return divide(self, as_expression(other))

    def __rtruediv__(self, other: float) -> Expression:
        return divide(as_expression(other), self)

    def __pow__(self, other: Expression | float) -> Expression:
        return power(self, as_expression(other))

    def __neg__(self) -> Expression:
        return negate(self)

    def __reduce__(self) -> tuple[object, ...]:
        # Flat, because pickling nodes inside nodes would end in a RecursionError for long expressions.
        return _last, (to_table([self])[0],)

    @property
    def is_constant(self) -> bool:
        """Whether this node is a number."""
        return self.operation == "constant"

    def equals(self, number: float) -> bool:
        """Whether this node is exactly the given number."""
        return self.operation == "constant" and self.value == number


_nodes: WeakValueDictionary[tuple[Any, ...], Expression] = WeakValueDictionary()


def _node(
    operation: str, arguments: tuple[Expression, ...] = (), name: str = "", value: float = 0.0
) -> Expression:
    key = (operation, tuple(map(id, arguments)), name, value, math.copysign(1.0, value))
    found = _nodes.get(key)
    if found is None:
        found = Expression(operation, arguments, name, value)
        _nodes[key] = found
    return found


def to_table(roots: Sequence[Expression]) -> tuple[Table, list[int]]:
    """All nodes under the roots in rows, arguments before their users, and the places of the roots."""
    nodes = topological(roots)
    position = {node: index for index, node in enumerate(nodes)}
    rows = [(n.operation, tuple(position[a] for a in n.arguments), n.name, n.value) for n in nodes]
    return rows, [position[root] for root in roots]


def from_table(rows: Table) -> list[Expression]:
    """The nodes of a table."""
    nodes: list[Expression] = []
    for operation, arguments, name, value in rows:
        nodes.append(_node(operation, tuple([nodes[index] for index in arguments]), name, value))
    return nodes


def _last(rows: Table) -> Expression:
    return from_table(rows)[-1]


def constant(value: float) -> Expression:
    """A number."""
    return _node("constant", value=float(value))


def symbol(name: str) -> Expression:
    """A named quantity: state, parameter, covariate, definition, ``time`` or ``infusion(state)``."""
    return _node("symbol", name=name)


def as_expression(value: Expression | float) -> Expression:
    """Turn a number into a constant; leave an expression as it is."""
    return value if isinstance(value, Expression) else constant(value)


def add(left: Expression, right: Expression) -> Expression:
    """Sum."""
    if left.is_constant and right.is_constant:
        return constant(left.value + right.value)
    if left.equals(0.0):
        return right
    if right.equals(0.0):
        return left
    return _node("add", (left, right))


def subtract(left: Expression, right: Expression) -> Expression:
    """Difference."""
    if left.is_constant and right.is_constant:
        return constant(left.value - right.value)
    if right.equals(0.0):
        return left
    if left.equals(0.0):
        return negate(right)
    if left is right:
        return constant(0.0)
    return _node("sub", (left, right))


def multiply(left: Expression, right: Expression) -> Expression:
    """Product."""
    if left.is_constant and right.is_constant:
        return constant(left.value * right.value)
    if left.equals(0.0) or right.equals(0.0):
        return constant(0.0)
    if left.equals(1.0):
        return right
    if right.equals(1.0):
        return left
    if left.equals(-1.0):
        return negate(right)
    if right.equals(-1.0):
        return negate(left)
    return _node("mul", (left, right))


def divide(left: Expression, right: Expression) -> Expression:
    """Quotient."""
    if left.is_constant and right.is_constant and right.value != 0.0:
        return constant(left.value / right.value)
    if left.equals(0.0) and not right.equals(0.0):
        return left
    if right.equals(1.0):
        return left
    return _node("div", (left, right))


def power(base: Expression, exponent: Expression) -> Expression:
    """Power; small whole exponents become products when code is generated."""
    if exponent.equals(0.0):
        return constant(1.0)
    if exponent.equals(1.0):
        return base
    if (
        base.is_constant
        and exponent.is_constant
        and (base.value > 0.0 or (exponent.value.is_integer() and base.value))
    ):
        try:
            return constant(base.value**exponent.value)
        except OverflowError:
            pass
    return _node("pow", (base, exponent))


def negate(argument: Expression) -> Expression:
    """Negative."""
    if argument.is_constant:
        return constant(-argument.value)
    if argument.operation == "neg":
        return argument.arguments[0]
    return _node("neg", (argument,))


def call(function: str, *arguments: Expression) -> Expression:
    """Apply a function, comparison or logical operation by name; numbers are folded."""
    if _CALLABLE.get(function) != len(arguments):
        raise ValueError(f"{function!r} with {len(arguments)} arguments is not in the model language")
    node = _node(function, arguments)
    if function in FUNCTIONS and all(argument.is_constant for argument in arguments):
        with np.errstate(all="ignore"):
            value = float(_NUMERIC[function](*(argument.value for argument in arguments)))
        if math.isfinite(value):
            return constant(value)
    return node


def select(condition: Expression, if_true: Expression, if_false: Expression) -> Expression:
    """``if_true`` where the condition holds, else ``if_false``."""
    if condition.is_constant:
        return if_true if condition.value else if_false
    return if_true if if_true is if_false else _node("select", (condition, if_true, if_false))


def topological(roots: Iterable[Expression]) -> list[Expression]:
    """All nodes under the roots, each once, arguments before their users."""
    ordered: list[Expression] = []
    seen: set[int] = set()
    stack: list[tuple[Expression, bool]] = [(root, False) for root in reversed(list(roots))]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            ordered.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((argument, False) for argument in reversed(node.arguments))
    return ordered


@lru_cache(maxsize=1024)
def _evaluation_order(root: Expression) -> tuple[Expression, ...]:
    return tuple(topological([root]))


def symbols(*roots: Expression) -> set[str]:
    """Names of all symbols under the roots."""
    return {node.name for node in topological(roots) if node.operation == "symbol"}


def rebuild(node: Expression, arguments: tuple[Expression, ...]) -> Expression:
    """The same operation on other arguments, simplified."""
    builder = _BUILDERS.get(node.operation)
    return builder(*arguments) if builder else call(node.operation, *arguments)


def substitute(roots: Iterable[Expression], replacements: Mapping[str, Expression]) -> list[Expression]:
    """Replace symbols by expressions in several roots at once (replacements are not substituted again)."""
    roots = list(roots)
    done: dict[Expression, Expression] = {}
    for node in topological(roots):
        if node.operation == "symbol":
            done[node] = replacements.get(node.name, node)
        elif node.operation == "constant":
            done[node] = node
        else:
            done[node] = rebuild(node, tuple(done[argument] for argument in node.arguments))
    return [done[root] for root in roots]


def differentiate(root: Expression, name: str) -> Expression:
    """Partial derivative with respect to one symbol, treating the others as independent."""
    zero, one, two = constant(0.0), constant(1.0), constant(2.0)
    slope: dict[Expression, Expression] = {}
    for node in topological([root]):
        inner = [slope[argument] for argument in node.arguments]
        if node.operation == "symbol":
            slope[node] = one if node.name == name else zero
        elif all(part.equals(0.0) for part in inner):
            slope[node] = zero
        else:
            slope[node] = _derivative(node, inner, two)
    return slope[root]


def _derivative(node: Expression, inner: list[Expression], two: Expression) -> Expression:
    operation, a = node.operation, node.arguments
    match operation:
        case "add":
            return inner[0] + inner[1]
        case "sub":
            return inner[0] - inner[1]
        case "mul":
            return inner[0] * a[1] + a[0] * inner[1]
        case "div":
            return inner[0] / a[1] - (node / a[1]) * inner[1]
        case "neg":
            return -inner[0]
        case "pow" if inner[1].equals(0.0):
            return a[1] * power(a[0], a[1] - 1.0) * inner[0]
        case "pow":
            # d(b^p) = p b^(p-1) db + b^p ln(b) dp; the logarithm is guarded because 0^p has slope 0 in p.
            guarded = select(call("gt", a[0], constant(0.0)), call("log", a[0]), constant(0.0))
            return a[1] * power(a[0], a[1] - 1.0) * inner[0] + node * guarded * inner[1]
        case "exp":
            return node * inner[0]
        case "log":
            return inner[0] / a[0]
        case "sqrt":
            return inner[0] / (two * node)
        case "tanh":
            return (1.0 - node * node) * inner[0]
        case "abs":
            return select(call("lt", a[0], constant(0.0)), -inner[0], inner[0])
        case "min":
            return select(call("le", a[0], a[1]), inner[0], inner[1])
        case "max":
            return select(call("ge", a[0], a[1]), inner[0], inner[1])
        case "select":
            return select(a[0], inner[1], inner[2])
        case _:  # floor, comparisons and logic are flat almost everywhere
            return constant(0.0)


def evaluate(root: Expression, values: Mapping[str, Any]) -> Any:
    """Value of an expression with numbers or arrays for its symbols (arrays broadcast).

    >>> float(evaluate(symbol("x") ** 2 + 1.0, {"x": 3.0}))
    10.0
    """
    done: dict[Expression, Any] = {}
    with np.errstate(all="ignore"):
        for node in _evaluation_order(root):
            if node.operation == "constant":
                done[node] = node.value
            elif node.operation == "symbol":
                done[node] = values[node.name]
            else:
                done[node] = _NUMERIC[node.operation](*(done[argument] for argument in node.arguments))
    return done[root]


_BUILDERS: dict[str, Callable[..., Expression]] = {
    "add": add, "sub": subtract, "mul": multiply, "div": divide, "pow": power, "neg": negate,
    "select": select,
}  # fmt: skip

_NUMERIC: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide, "pow": np.float_power,
    "neg": np.negative, "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "abs": np.abs, "floor": np.floor,
    "tanh": np.tanh, "min": np.minimum, "max": np.maximum, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
    "and": np.logical_and, "or": np.logical_or, "not": np.logical_not, "select": np.where,
}  # fmt: skip
