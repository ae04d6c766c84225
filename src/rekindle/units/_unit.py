"""One unit of measure: its dimension and its exact size in the coherent base."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from rekindle.errors import UnitError

Powers = tuple[tuple[str, Fraction], ...]
#: How far two sizes may differ and still be one scale; exact sizes are equal, roots of sizes are not.
_SAME = Fraction(1, 10**12)
_LARGEST_POWER = 48


@dataclass(frozen=True)
class Unit:
    """A unit of measure.

    ``dimension`` lists base dimensions with their powers, ``ratio`` is the exact size in the coherent base
    (gram, metre, second, mole, kelvin, points, ...), ``parts`` are the atoms the text was built of.

    >>> from rekindle.units import parse_unit
    >>> (parse_unit("mg/L") * parse_unit("L/h")).text
    'mg/h'
    >>> parse_unit("mg/L").same_scale(parse_unit("ug/mL"))
    True
    """

    text: str
    dimension: Powers = ()
    ratio: Fraction = Fraction(1)
    parts: Powers = field(default=(), repr=False, compare=False)

    @cached_property
    def factor(self) -> float:
        """Size in the coherent base as a float."""
        return float(self.ratio)

    @property
    def is_number(self) -> bool:
        """Whether this is the unit 1 of pure numbers."""
        return not self.dimension and self.ratio == 1

    def same_dimension(self, other: Unit) -> bool:
        """Whether one can be converted into the other."""
        return self.dimension == other.dimension

    def same_scale(self, other: Unit) -> bool:
        """Whether numbers in both units are the same numbers."""
        return self.dimension == other.dimension and abs(self.ratio - other.ratio) <= _SAME * self.ratio

    def conversion_to(self, other: Unit) -> float:
        """Factor by which a number in this unit is multiplied to be in the other (same dimension assumed)."""
        if self.same_scale(other):
            return 1.0
        with suppress(OverflowError):
            factor = float(self.ratio / other.ratio)
            if factor:
                return factor
        raise UnitError(
            "RK-UNI-009",
            given=f'the factor from "{self.text}" to "{other.text}" is beyond what a number can hold',
        )

    def __mul__(self, other: Unit) -> Unit:
        parts = _bounded(_sum(self.parts, other.parts))
        return _build(self.ratio * other.ratio, _sum(self.dimension, other.dimension), parts)

    def __truediv__(self, other: Unit) -> Unit:
        return self * other**-1

    def __pow__(self, power: int | Fraction) -> Unit:
        power = Fraction(power)
        whole = power.denominator == 1
        parts = _bounded(_scaled(self.parts, power))
        try:
            ratio = Fraction(self.ratio**power if whole else float(self.ratio) ** float(power))
        except OverflowError as error:
            raise UnitError(
                "RK-UNI-009", given=f'"{self.text}" to the power {power} has no usable size'
            ) from error
        return _build(ratio, _scaled(self.dimension, power), parts)


#: The unit of pure numbers.
PURE = Unit("1")


def atom(text: str, dimension: dict[str, int], ratio: Fraction) -> Unit:
    """A unit that is written as one word."""
    powers = tuple(sorted((name, Fraction(power)) for name, power in dimension.items() if power))
    return Unit(text, powers, ratio, ((text, Fraction(1)),))


def _sum(left: Powers, right: Powers) -> Powers:
    total = dict(left)
    for name, power in right:
        total[name] = total.get(name, Fraction(0)) + power
    return tuple(sorted((name, power) for name, power in total.items() if power))


def _scaled(powers: Powers, factor: Fraction) -> Powers:
    return tuple((name, power * factor) for name, power in powers) if factor else ()


def _bounded(parts: Powers) -> Powers:
    """Refuse powers that no equation has: repeated squaring would make sizes of unbounded length."""
    if any(abs(power) > _LARGEST_POWER for _, power in parts):
        raise UnitError(
            "RK-UNI-010",
            given=f'unit "{_written(parts)}" has a power beyond {_LARGEST_POWER}',
            remedy="Divide by a reference value of the same unit first",
        )
    return parts


def _build(ratio: Fraction, dimension: Powers, parts: Powers) -> Unit:
    return Unit(_written(parts), dimension, ratio, parts)


def _written(parts: Powers) -> str:
    """Text of atoms with powers: first those above the stroke, then those below it."""
    above = "*".join(_raised(name, power) for name, power in parts if power > 0)
    return (above or "1") + "".join("/" + _raised(name, -power) for name, power in parts if power < 0)


def _raised(name: str, power: Fraction) -> str:
    if power == 1:
        return name
    return f"{name}^{power.numerator}" if power.denominator == 1 else f"{name}^{float(power):.6g}"
