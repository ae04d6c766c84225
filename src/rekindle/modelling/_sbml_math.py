"""Mathematics of SBML as expressions of the model language."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from itertools import pairwise
from typing import Any

from rekindle.modelling._expression import (
    Expression,
    add,
    call,
    constant,
    divide,
    multiply,
    negate,
    power,
    select,
    subtract,
)
from rekindle.modelling._mathml import load_libsbml
from rekindle.modelling._sbml_document import unreadable, unsupported

_MOST_NODES = 50_000
_AVOGADRO = 6.02214179e23
_PLAIN = {
    "FUNCTION_EXP": "exp", "FUNCTION_ABS": "abs", "FUNCTION_FLOOR": "floor", "FUNCTION_TANH": "tanh",
}  # fmt: skip
_COMPARISONS = {
    "RELATIONAL_LT": "lt", "RELATIONAL_LEQ": "le", "RELATIONAL_GT": "gt", "RELATIONAL_GEQ": "ge",
    "RELATIONAL_EQ": "eq", "RELATIONAL_NEQ": "ne",
}  # fmt: skip
_LOGIC = ("LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT", "LOGICAL_XOR", "LOGICAL_IMPLIES")
_TRUE, _FALSE = call("eq", constant(0.0), constant(0.0)), call("ne", constant(0.0), constant(0.0))
_CONDITIONS = frozenset(("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"))


class MathReader:
    """Reads MathML; ``name_of`` gives the expression of an SBML identifier, ``time`` that of the time."""

    def __init__(
        self,
        sbml_model: Any,
        name_of: Callable[[str], Expression],
        time: Expression,
        number_with_unit: Callable[[float, str], Expression],
    ) -> None:
        libsbml = load_libsbml()
        self.types = {
            getattr(libsbml, name): name.removeprefix("AST_")
            for name in dir(libsbml)
            if name.startswith("AST_")
        }
        self.name_of, self.time, self.number_with_unit = name_of, time, number_with_unit
        self.functions = {
            function.getId(): function
            for function in (
                sbml_model.getFunctionDefinition(n) for n in range(sbml_model.getNumFunctionDefinitions())
            )
        }
        self.element, self.count, self.open = "", 0, []  # type: str, int, list[str]

    def read(self, node: Any, element: str) -> Expression:
        """Value of the mathematics of an element, which the messages name.

        Raises:
            ModelError: RK-MOD-041 something that the model language does not have.
        """
        self.element, self.count, self.open = element, 0, []
        if node is None:
            raise unsupported(element, "it has no mathematics", "Its value would be undefined")
        return as_number(self._node(node, {}))

    def read_condition(self, node: Any, element: str) -> Expression:
        """The same for a condition."""
        self.element, self.count, self.open = element, 0, []
        if node is None:
            raise unsupported(element, "it has no mathematics", "Its value would be undefined")
        return as_condition(self._node(node, {}))

    def _node(self, node: Any, bound: Mapping[str, Expression]) -> Expression:
        self.count += 1
        if self.count > _MOST_NODES:
            raise unsupported(
                self.element,
                f"its mathematics has more than {_MOST_NODES} parts when functions are written out",
                "Such an expression cannot be read back as text",
            )
        kind = self.types.get(node.getType(), "UNKNOWN")
        if kind in ("INTEGER", "REAL", "REAL_E", "RATIONAL"):
            return self._number(node)
        if kind == "NAME":
            name = node.getName()
            return bound[name] if name in bound else self.name_of(name)
        if kind == "FUNCTION":
            return self._call(node, bound)
        if kind == "FUNCTION_PIECEWISE":
            return self._piecewise(node, bound)
        fixed = {
            "NAME_TIME": self.time, "NAME_AVOGADRO": constant(_AVOGADRO), "CONSTANT_E": constant(math.e),
            "CONSTANT_PI": constant(math.pi), "CONSTANT_TRUE": _TRUE, "CONSTANT_FALSE": _FALSE,
        }  # fmt: skip
        if kind in fixed:
            return fixed[kind]
        arguments = [self._node(node.getChild(n), bound) for n in range(node.getNumChildren())]
        if kind in _LOGIC:
            return self._logic(kind, [as_condition(argument) for argument in arguments])
        return self._operation(kind, [as_number(argument) for argument in arguments], node)

    def _number(self, node: Any) -> Expression:
        value = float(node.getValue())
        if not math.isfinite(value):
            raise unsupported(self.element, f"the number {value}", "Only finite numbers can be computed with")
        return self.number_with_unit(value, node.getUnits()) if node.isSetUnits() else constant(value)

    def _call(self, node: Any, bound: Mapping[str, Expression]) -> Expression:
        name = node.getName()
        function = self.functions.get(name)
        if function is None or function.getMath() is None or name in self.open:
            raise unreadable(f"{self.element} uses the function {name!r}, which is not defined")
        arguments = [self._node(node.getChild(n), bound) for n in range(node.getNumChildren())]
        if function.getNumArguments() != len(arguments):
            raise unreadable(f"{self.element} gives {len(arguments)} arguments to the function {name!r}")
        names = [function.getArgument(n).getName() for n in range(len(arguments))]
        self.open.append(name)
        value = self._node(function.getBody(), dict(zip(names, arguments, strict=True)))
        self.open.pop()
        return value

    def _piecewise(self, node: Any, bound: Mapping[str, Expression]) -> Expression:
        parts = [self._node(node.getChild(n), bound) for n in range(node.getNumChildren())]
        if len(parts) % 2 == 0:
            raise unsupported(
                self.element, "a piecewise without otherwise", "Its value is undefined where no piece holds",
                "Add an otherwise to it",
            )  # fmt: skip
        value = as_number(parts[-1])
        for n in range(len(parts) - 3, -1, -2):
            value = choice(as_condition(parts[n + 1]), as_number(parts[n]), value)
        return value

    def _logic(self, kind: str, arguments: list[Expression]) -> Expression:
        match kind, arguments:
            case "LOGICAL_NOT", [only]:
                return call("not", only)
            case "LOGICAL_IMPLIES", [first, second]:
                return call("or", call("not", first), second)
            case "LOGICAL_AND", _:
                return reduce(lambda a, b: call("and", a, b), arguments) if arguments else _TRUE
            case "LOGICAL_OR", _:
                return reduce(lambda a, b: call("or", a, b), arguments) if arguments else _FALSE
            case "LOGICAL_XOR", _ if arguments:
                return reduce(_either, arguments)
        raise unreadable(f"{self.element}: {kind} with {len(arguments)} arguments")

    def _operation(self, kind: str, a: list[Expression], node: Any) -> Expression:
        if kind in _COMPARISONS and len(a) >= 2:
            pairs = [call(_COMPARISONS[kind], left, right) for left, right in pairwise(a)]
            return reduce(lambda first, second: call("and", first, second), pairs)
        match kind, a:
            case "PLUS", _:
                return reduce(add, a, constant(0.0))
            case "TIMES", _:
                return reduce(multiply, a, constant(1.0))
            case "MINUS", [x]:
                return negate(x)
            case "MINUS", [x, y]:
                return subtract(x, y)
            case "DIVIDE", [x, y]:
                return divide(x, self._not_zero(y))
            case (("POWER" | "FUNCTION_POWER"), [x, y]):
                return power(x, y)
            case "FUNCTION_ROOT", [x]:
                return call("sqrt", x)
            case "FUNCTION_ROOT", [degree, x]:
                return call("sqrt", x) if degree.equals(2.0) else power(x, divide(constant(1.0), degree))
            case "FUNCTION_LN", [x]:
                return call("log", x)
            case "FUNCTION_LOG", [base, x]:
                return divide(call("log", x), call("log", base))
            case "FUNCTION_LOG", [x]:
                return divide(call("log", x), constant(math.log(10.0)))
            case (("FUNCTION_MIN" | "FUNCTION_MAX"), [_, *_]):
                return reduce(lambda x, y: call(kind[-3:].lower(), x, y), a)
            case "FUNCTION_CEILING", [x]:
                return negate(call("floor", negate(x)))
            case (("FUNCTION_SINH" | "FUNCTION_COSH"), [x]):
                up, down = call("exp", x), call("exp", negate(x))
                return divide((subtract if kind.endswith("SINH") else add)(up, down), constant(2.0))
            case _, [x] if kind in _PLAIN:
                return call(_PLAIN[kind], x)
        raise unsupported(
            self.element,
            f"{node.getName() or kind.removeprefix('FUNCTION_').lower()!r} with {len(a)} arguments",
            "The model language has no such function (delays, trigonometric functions and rateOf among them)",
        )

    def _not_zero(self, value: Expression) -> Expression:
        if value.equals(0.0):
            raise unsupported(self.element, "a division by zero", "It has no value")
        return value


def as_number(value: Expression) -> Expression:
    """Where SBML uses a condition as a number, 1 stands for true."""
    return choice(value, constant(1.0), constant(0.0)) if value.operation in _CONDITIONS else value


def as_condition(value: Expression) -> Expression:
    """Where SBML uses a number as a condition, everything but 0 is true."""
    return value if value.operation in _CONDITIONS else call("ne", value, constant(0.0))


def choice(condition: Expression, if_true: Expression, if_false: Expression) -> Expression:
    """A choice; one between true and false of the document is made here."""
    if condition is _TRUE or condition is _FALSE:
        return if_true if condition is _TRUE else if_false
    return select(condition, if_true, if_false)


def _either(left: Expression, right: Expression) -> Expression:
    return call("or", call("and", left, call("not", right)), call("and", call("not", left), right))
