"""From parsed nodes to expressions with units: every name is resolved and every unit is checked."""

from __future__ import annotations

import math
from collections.abc import Collection

from rekindle.errors import nearest
from rekindle.modelling._composition import Scope
from rekindle.modelling._expression import (
    FUNCTIONS,
    Expression,
    add,
    call,
    constant,
    negate,
    select,
    subtract,
    symbol,
)
from rekindle.modelling._lexer import Token, refusal
from rekindle.modelling._model import Switch
from rekindle.modelling._syntax import Binary, Call, Chain, Name, Node, Number, Prefix
from rekindle.modelling._unit_rules import (
    Typed,
    applied,
    common_unit,
    product,
    raised,
    refuse_conditions,
    require_condition,
    unit_of,
)
from rekindle.units import PURE, Unit

TIME = "time"
_COMPARISONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
_ARGUMENTS = {**FUNCTIONS, "if": 3, "positive": 1, "logistic": 1, "logit": 1, "hill": 3, "infusion": 1}


class UnitChecker:
    """Resolves and checks expressions against the units of all names known so far."""

    def __init__(self, time_unit: Unit) -> None:
        self.units: dict[str, Unit] = {TIME: time_unit}
        self.states: dict[str, Unit] = {}
        self.switches: dict[str, Switch] = {}
        self.outputs: Collection[str] = ()

    def check(self, node: Node, scope: Scope) -> Typed:
        """Expression and unit of a node.

        Raises:
            ModelError: unknown names, units that do not fit, conditions in the place of numbers.
        """
        match node:
            case Number(_, value, unit):
                return Typed(constant(value), unit_of(unit) if unit else PURE if value else None)
            case Name(token):
                return self._name(token, scope)
            case Prefix(token, operand):
                return _prefixed(token, self.check(operand, scope))
            case Chain():
                return self._chain(node, scope)
            case Binary(token, left, right) if token.text in _COMPARISONS:
                return self._comparison(token, left, right, scope)
            case Binary(token, left, right):
                return _finite(token, raised(token, self.check(left, scope), self.check(right, scope)))
            case Call(token, arguments):
                return _finite(token, self._call(token, arguments, scope))

    def _name(self, token: Token, scope: Scope) -> Typed:
        name = scope.full(token.text)
        unit = self.units.get(name)
        if unit is not None:
            return Typed(symbol(name), unit)
        if name in self.switches:
            raise refusal(
                token,
                "RK-MOD-021",
                f'switch "{name}" is not a number',
                remedy=f"Compare it: {name} == {self.switches[name].options[0]}",
            )
        if name in _ARGUMENTS:
            raise refusal(token, "RK-MOD-010", f'function "{name}" stands without its arguments')
        if name in self.outputs:
            raise refusal(
                token,
                "RK-MOD-010",
                f'output "{name}" cannot be used in an expression',
                remedy="Make a definition of it and let the output return the definition",
            )
        raise refusal(
            token,
            "RK-MOD-010",
            f'"{name}" is not declared{nearest(name, [*self.units, *self.switches])}',
            remedy="Declare it as a parameter, covariate, state or definition",
        )

    def _chain(self, node: Chain, scope: Scope) -> Typed:
        total = self.check(node.first, scope)
        for token, operand in node.rest:
            total = _finite(token, _joined(token, total, self.check(operand, scope)))
        return total

    def _comparison(self, token: Token, left: Node, right: Node, scope: Scope) -> Typed:
        if isinstance(left, Name) and scope.full(left.token.text) in self.switches:
            return self._switch(token, self.switches[scope.full(left.token.text)], right)
        first, second = self.check(left, scope), self.check(right, scope)
        common_unit(token, first, second)
        compared = call(_COMPARISONS[token.text], first.expression, second.expression)
        return Typed(compared, PURE, condition=True)

    def _switch(self, token: Token, switch: Switch, right: Node) -> Typed:
        if not isinstance(right, Name) or token.text not in ("==", "!="):
            raise refusal(
                token,
                "RK-MOD-021",
                f'switch "{switch.name}" can only be compared with its options by == or !=',
                allowed=f"Options: {', '.join(switch.options)}",
            )
        if right.token.text not in switch.options:
            raise refusal(
                right.token,
                "RK-MOD-021",
                f'"{right.token.text}" is not an option of switch "{switch.name}"'
                f"{nearest(right.token.text, switch.options)}",
                allowed=f"Options: {', '.join(switch.options)}",
            )
        same = right.token.text == switch.chosen
        return Typed(constant(float(same == (token.text == "=="))), PURE, condition=True)

    def _call(self, token: Token, arguments: tuple[Node, ...], scope: Scope) -> Typed:
        name = token.text
        count = _ARGUMENTS.get(name)
        if count is None:
            raise refusal(
                token,
                "RK-MOD-019",
                f'"{name}" is not a function{nearest(name, _ARGUMENTS)}',
                allowed=f"Functions: {', '.join(_ARGUMENTS)}",
                remedy="A product is written with *" if scope.full(name) in self.units else "",
            )
        several = name in ("min", "max") and len(arguments) > count
        if len(arguments) != count and not several:
            raise refusal(
                token, "RK-MOD-019", f"{name} has {len(arguments)} arguments", allowed=f"{name} takes {count}"
            )
        if name == "infusion":
            return self._infusion(token, arguments[0], scope)
        if name == "if":
            condition = require_condition(token, self.check(arguments[0], scope))
            first, second = (self.check(argument, scope) for argument in arguments[1:])
            unit = common_unit(token, first, second)
            return Typed(select(condition, first.expression, second.expression), unit)
        return applied(token, [self.check(argument, scope) for argument in arguments])

    def _infusion(self, token: Token, argument: Node, scope: Scope) -> Typed:
        name = scope.full(argument.token.text) if isinstance(argument, Name) else ""
        if name not in self.states:
            raise refusal(
                argument.token,
                "RK-MOD-011",
                f'infusion() needs the name of a state, and "{name or argument.token.text}" is not one'
                f"{nearest(name, self.states)}",
            )
        return Typed(symbol(infusion_symbol(name)), self.states[name] / self.units[TIME])


def infusion_symbol(state: str) -> str:
    """Name of the rate at which doses run into a state."""
    return f"infusion({state})"


def _prefixed(token: Token, operand: Typed) -> Typed:
    if token.text == "not":
        return Typed(_not(require_condition(token, operand)), PURE, condition=True)
    refuse_conditions(token, operand)
    return Typed(negate(operand.expression), operand.unit)


def _joined(token: Token, left: Typed, right: Typed) -> Typed:
    match token.text:
        case "+":
            return Typed(add(left.expression, right.expression), common_unit(token, left, right))
        case "-":
            return Typed(subtract(left.expression, right.expression), common_unit(token, left, right))
        case "*" | "/":
            return product(token, left, right)
        case _:
            sides = require_condition(token, left), require_condition(token, right)
            return Typed(_logic(token.text, *sides), PURE, condition=True)


def _logic(word: str, left: Expression, right: Expression) -> Expression:
    """``and`` or ``or``; a side that a switch has decided disappears."""
    for side, other in ((left, right), (right, left)):
        if side.is_constant:
            return side if bool(side.value) == (word == "or") else other
    return call(word, left, right)


def _not(condition: Expression) -> Expression:
    return constant(float(not condition.value)) if condition.is_constant else call("not", condition)


def _finite(token: Token, value: Typed) -> Typed:
    if value.expression.is_constant and not math.isfinite(value.expression.value):
        raise refusal(token, "RK-MOD-028", "the numbers here give no finite result")
    return value
