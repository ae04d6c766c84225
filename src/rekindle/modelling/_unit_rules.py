"""How units combine: sums, products, powers and functions of checked values."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from rekindle.errors import ModelError, UnitError
from rekindle.modelling._expression import (
    Expression,
    add,
    call,
    constant,
    divide,
    multiply,
    negate,
    power,
    subtract,
)
from rekindle.modelling._lexer import Token, refusal
from rekindle.modelling._notation import shortened
from rekindle.units import PURE, Unit, describe_dimension, parse_unit

#: exp(700) is finite; beyond it 1/(1 + exp(-x)) would be 0, but its slope inf/inf.
_LARGEST_EXPONENT = 700.0
_LARGEST_UNIT_POWER = 12


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression with its unit; ``unit`` None is the literal 0, which fits any unit."""

    expression: Expression
    unit: Unit | None
    condition: bool = False


def unit_of(token: Token) -> Unit:
    """Unit of a unit token.

    Raises:
        ModelError: the text between the brackets is no unit.
    """
    try:
        return parse_unit(token.text)
    except UnitError as error:
        raise refusal(token, "RK-MOD-014", f"{token} is not a unit ({error})") from error


def convert_to(value: Typed, unit: Unit, token: Token, left: str) -> Expression:
    """Expression in the unit of the left side, with the factor inserted where scales differ.

    Raises:
        ModelError: another dimension, or a condition.
    """
    refuse_conditions(token, value)
    if value.unit is None or value.unit.same_scale(unit):
        return value.expression
    if not value.unit.same_dimension(unit):
        raise refusal(
            token,
            "RK-MOD-018",
            f"{left} has the unit {shown(unit)}, but its right side has {shown(value.unit)}",
            allowed="Both sides must have the same dimension",
            why="An equation that does not balance is wrong",
            remedy="Check the units of the parameters, or give a number its unit: 70[kg]",
        )
    try:
        return multiply(constant(value.unit.conversion_to(unit)), value.expression)
    except UnitError as error:
        raise refusal(token, "RK-MOD-018", f"{left} cannot be converted ({error})") from error


def common_unit(token: Token, left: Typed, right: Typed) -> Unit | None:
    """The one unit of two values that are added, compared or chosen from."""
    refuse_conditions(token, left, right)
    if left.unit is None or right.unit is None:
        return left.unit or right.unit
    if left.unit.same_scale(right.unit):
        return left.unit
    same_dimension = left.unit.same_dimension(right.unit)
    raise refusal(
        token,
        "RK-MOD-016",
        f'"{shortened(left.expression)}" has the unit {shown(left.unit)} '
        f'and "{shortened(right.expression)}" has {shown(right.unit)}',
        allowed=f'Both sides of "{token.text}" must have the same unit and scale',
        remedy=f"Declare a definition with a unit, such as x [{left.unit.text}] = ..., which converts"
        if same_dimension
        else "Check the units of the parameters, or give a number its unit: 70[kg]",
    )


def product(token: Token, left: Typed, right: Typed) -> Typed:
    """Product or quotient."""
    refuse_conditions(token, left, right)
    if token.text == "/" and right.expression.equals(0.0):
        raise refusal(token, "RK-MOD-028", "this is a division by zero")
    divides = token.text == "/"
    expression = (divide if divides else multiply)(left.expression, right.expression)
    if left.unit is None or right.unit is None:
        return Typed(expression, None)
    if right.unit.is_number:
        return Typed(expression, left.unit)
    try:
        return Typed(expression, left.unit / right.unit if divides else left.unit * right.unit)
    except UnitError as error:
        raise refusal(token, "RK-MOD-017", f"the unit of this product is not usable ({error})") from error


def raised(token: Token, base: Typed, exponent: Typed) -> Typed:
    """Power: any exponent of a pure number, a whole constant exponent of anything else."""
    require_pure(token, exponent)
    refuse_conditions(token, base)
    expression = power(base.expression, exponent.expression)
    if base.unit is None or base.unit.is_number:
        return Typed(expression, PURE)
    if not exponent.expression.is_constant or not exponent.expression.value.is_integer():
        raise refusal(
            token,
            "RK-MOD-017",
            f'"{shortened(base.expression)}" with the unit {shown(base.unit)} has a power '
            "that is not a whole number",
            allowed="Only pure numbers have such powers",
            remedy="Divide by a reference value first, such as (weight/70[kg])^0.75",
        )
    if abs(exponent.expression.value) > _LARGEST_UNIT_POWER:
        raise refusal(
            token,
            "RK-MOD-017",
            f"a unit is raised to {exponent.expression.value:g}",
            allowed=f"Powers of units up to {_LARGEST_UNIT_POWER}",
        )
    return Typed(expression, _unit_power(token, base.unit, Fraction(int(exponent.expression.value))))


def _unit_power(token: Token, unit: Unit, exponent: Fraction) -> Unit:
    try:
        return unit**exponent
    except UnitError as error:
        raise refusal(
            token, "RK-MOD-017", f"a power of {shown(unit)} is not a usable unit ({error})"
        ) from error


def applied(token: Token, values: list[Typed]) -> Typed:
    """A function of numbers; those that the language adds become expressions of the others."""
    refuse_conditions(token, *values)
    first, x, one = values[0], values[0].expression, constant(1.0)
    match token.text:
        case "abs":
            return Typed(call("abs", x), first.unit)
        case "sqrt":
            return Typed(call("sqrt", x), first.unit and _unit_power(token, first.unit, Fraction(1, 2)))
        case "min" | "max":
            return _extreme(token, values)
        case "positive":
            return Typed(call("max", x, constant(0.0)), first.unit)
        case "hill":
            return _hill(token, *values)
    require_pure(token, first)
    match token.text:
        case "logistic":
            bounded = call("min", negate(x), constant(_LARGEST_EXPONENT))
            return Typed(divide(one, add(one, call("exp", bounded))), PURE)
        case "logit":
            return Typed(call("log", divide(x, subtract(one, x))), PURE)
        case _:
            return Typed(call(token.text, x), PURE)


def _extreme(token: Token, values: list[Typed]) -> Typed:
    total = values[0]
    for value in values[1:]:
        unit = common_unit(token, total, value)
        total = Typed(call(token.text, total.expression, value.expression), unit)
    return total


def _hill(token: Token, x: Typed, half: Typed, exponent: Typed) -> Typed:
    """x^n/(half^n + x^n), which is 0 for the slightly negative x that a solver can try."""
    common_unit(token, x, half)
    require_pure(token, exponent)
    if half.expression.equals(0.0):
        raise refusal(
            token, "RK-MOD-028", "hill() is half of its maximum at zero", remedy="Give a positive value"
        )
    ratio = call("max", divide(x.expression, half.expression), constant(0.0))
    above = power(ratio, exponent.expression)
    return Typed(divide(above, add(constant(1.0), above)), PURE)


def require_pure(token: Token, value: Typed) -> None:
    """Refuse what is not a pure number."""
    refuse_conditions(token, value)
    if value.unit is None or value.unit.is_number:
        return
    raise refusal(
        token,
        "RK-MOD-017",
        f'"{shortened(value.expression)}" has the unit {shown(value.unit)}, '
        f'but "{token.text}" needs a pure number',
        remedy="Declare a definition with the unit [1], which converts"
        if not value.unit.dimension
        else "Divide by a value of the same unit, such as weight/70[kg]",
    )


def refuse_conditions(token: Token, *values: Typed) -> None:
    """Refuse conditions where numbers are expected."""
    for value in values:
        if value.condition:
            raise refusal(
                token,
                "RK-MOD-020",
                f'"{shortened(value.expression)}" is a condition where a number is expected',
                remedy="Turn it into a number: if(condition, 1, 0)",
            )


def require_condition(token: Token, value: Typed) -> Expression:
    """The expression of a value that must be a condition."""
    if not value.condition:
        raise not_a_condition(token, value)
    return value.expression


def not_a_condition(token: Token, value: Typed) -> ModelError:
    """Error for a number in the place of a condition."""
    return refusal(
        token,
        "RK-MOD-020",
        f'"{shortened(value.expression)}" is a number where a condition is expected',
        allowed="Comparisons joined with and, or, not",
        remedy='Write for example "x > 0"',
    )


def shown(unit: Unit) -> str:
    """Unit with its dimension, for messages."""
    return f"[{unit.text}] ({describe_dimension(unit)})"
