"""Read units, quantities and convert between them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from rekindle.errors import UnitError
from rekindle.units._atoms import parse_atom
from rekindle.units._unit import PURE, Unit

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<word>[^\W\d²³][^\W²³]*|%)|(?P<power>\^|\*\*)|(?P<sign>[*·/()+-])|(?P<square>[²³]))"
)
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*\Z", re.DOTALL)
_LONGEST_TEXT, _LARGEST_POWER, _DEEPEST = 200, 12, 10
_EXAMPLES = 'Units are written like "mg", "ng/mL", "L/h/kg", "1/h", "h^0.5", "points"'


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit, as they were written.

    >>> Quantity(0.5, "g").to("mg")
    500.0
    """

    value: float
    unit: str

    def to(self, unit: str) -> float:
        """Value in another unit.

        Raises:
            UnitError: another dimension.
        """
        return convert(self.value, self.unit, unit)


@lru_cache(maxsize=4096)
def parse_unit(text: str) -> Unit:
    """Read a unit such as ``"mg/L"``, ``"1/h"`` or ``"ng*h/mL"``; strokes are read from left to right.

    Raises:
        UnitError: an unknown word, or a text that is not a unit.

    >>> parse_unit("L/h/kg").factor == parse_unit("mL/(h*g)").factor
    True
    """
    if not text.strip():
        raise UnitError(
            "RK-UNI-003",
            given="a unit is missing",
            allowed=_EXAMPLES,
            why="A bare number once meant mg in one file and mg/kg in another",
            remedy='Write the unit; a pure number has the unit "1"',
        )
    unit = _UnitReader(text).read()
    return Unit(text.strip(), unit.dimension, unit.ratio, unit.parts)


def parse_quantity(text: str) -> Quantity:
    """Read a number with a unit; a number alone is refused.

    Raises:
        UnitError: no number, no unit or an unknown unit.

    >>> parse_quantity("84 mg")
    Quantity(value=84.0, unit='mg')
    """
    match = _NUMBER.match(text)
    if not match or not math.isfinite(float(match[1])):
        raise UnitError(
            "RK-UNI-004",
            given=f'"{text}" is not a number with a unit',
            allowed='Write it like "84 mg" or "0.5 mg/kg", with a decimal point',
        )
    value, unit = float(match[1]), match[2]
    if not unit:
        raise UnitError(
            "RK-UNI-005",
            given=f'"{text.strip()}" has no unit',
            allowed='Write it like "84 mg" or "0.5 mg/kg"',
            why="A bare number once meant mg in one file and mg/kg in another",
        )
    two_numbers = unit[0].isdigit() and unit != "1" and not unit.startswith("1/")
    if two_numbers or unit[0] in ".,":
        raise UnitError(
            "RK-UNI-006",
            given=f'"{text.strip()}" holds two numbers or a decimal comma',
            allowed='Write one number with a decimal point and a unit, like "0.5 mg/kg"',
        )
    parse_unit(unit)
    return Quantity(value, unit)


def convert(value: float, from_unit: str, to_unit: str) -> float:
    """Convert a number to another unit of the same dimension.

    Raises:
        UnitError: the units have different dimensions.

    >>> convert(1.5, "mg/L", "ng/mL")
    1500.0
    """
    return value * conversion_factor(from_unit, to_unit)


@lru_cache(maxsize=4096)
def conversion_factor(from_unit: str, to_unit: str) -> float:
    """Factor that converts numbers from one unit to another.

    Raises:
        UnitError: the units have different dimensions.
    """
    source, target = parse_unit(from_unit), parse_unit(to_unit)
    if not source.same_dimension(target):
        raise UnitError(
            "RK-UNI-007",
            given=f'"{from_unit}" ({describe_dimension(source)}) cannot be converted to "{to_unit}" '
            f"({describe_dimension(target)})",
            why="They measure different things",
        )
    return source.conversion_to(target)


def describe_dimension(unit: Unit) -> str:
    """Dimension of a unit in words, for messages.

    >>> describe_dimension(parse_unit("mg/L"))
    'length^-3 mass'
    """
    words = (name if power == 1 else f"{name}^{power}" for name, power in unit.dimension)
    return " ".join(words) or "a pure number"


class _UnitReader:
    """Recursive descent over ``product = power {("*" | "·" | "/" | nothing) power}``."""

    def __init__(self, text: str) -> None:
        self.text, self.position, self.depth = text, 0, 0
        if len(text) > _LONGEST_TEXT:
            raise self.refusal("it is too long")

    def read(self) -> Unit:
        unit = self.product()
        if self.peek()[1]:
            raise self.refusal(f'unexpected "{self.peek()[1]}"')
        return unit

    def product(self) -> Unit:
        unit = self.powered()
        while True:
            kind, word = self.peek()
            if word in ("*", "·", "/"):
                self.take()
                right = self.powered()
                unit = unit / right if word == "/" else unit * right
            elif kind == "word":
                unit = unit * self.powered()
            else:
                return unit

    def powered(self) -> Unit:
        unit = self.base()
        kind, word = self.peek()
        if kind == "square":
            self.take()
            return unit ** (2 if word == "²" else 3)
        if kind == "power":
            self.take()
            return unit ** self.exponent()
        return unit

    def base(self) -> Unit:
        kind, word = self.take()
        if kind == "word":
            return parse_atom(word)
        if kind == "number":
            value = Fraction(word)
            if not value:
                raise self.refusal("it holds a zero")
            return PURE if value == 1 else Unit(word, (), value, ((word, Fraction(1)),))
        if word == "(" and self.depth < _DEEPEST:
            self.depth += 1
            unit = self.product()
            if self.take()[1] != ")":
                raise self.refusal('a ")" is missing')
            self.depth -= 1
            return unit
        raise self.refusal(f'unexpected "{word}"' if word else "it ends too early")

    def exponent(self) -> Fraction:
        kind, word = self.take()
        if word == "(":
            power = self.exponent()
            if self.peek()[1] == "/":
                self.take()
                below = self.exponent()
                if not below:
                    raise self.refusal("it divides by zero")
                power /= below
            if self.take()[1] != ")":
                raise self.refusal('a ")" is missing')
        else:
            sign = -1 if word == "-" else 1
            if word in ("-", "+"):
                kind, word = self.take()
            if kind != "number":
                raise self.refusal("the exponent is not a number")
            power = sign * Fraction(word)
        if abs(power) > _LARGEST_POWER:
            raise self.refusal(f"the exponent is beyond {_LARGEST_POWER}")
        return power

    def peek(self) -> tuple[str, str]:
        start = self.position
        token = self.take()
        self.position = start
        return token

    def take(self) -> tuple[str, str]:
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            rest = self.text[self.position :].strip()
            if rest:
                raise self.refusal(f'unexpected "{rest[0]}"')
            return "end", ""
        self.position = match.end()
        kind = str(match.lastgroup)
        return kind, match[kind]

    def refusal(self, reason: str) -> UnitError:
        shown = self.text if len(self.text) <= 40 else self.text[:40] + "..."
        return UnitError("RK-UNI-008", given=f'"{shown}" is not a unit: {reason}', allowed=_EXAMPLES)
