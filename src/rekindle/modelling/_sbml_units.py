"""Unit definitions of SBML as texts of units."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from rekindle.errors import UnitError
from rekindle.modelling._mathml import load_libsbml
from rekindle.units import parse_unit

_KINDS = {
    "second": "s", "litre": "L", "liter": "L", "metre": "m", "meter": "m", "gram": "g", "kilogram": "kg",
    "mole": "mol", "kelvin": "K", "dimensionless": "1", "ampere": "A", "candela": "cd", "hertz": "Hz",
    "newton": "N", "pascal": "Pa", "joule": "J", "watt": "W", "volt": "V", "coulomb": "C",
}  # fmt: skip
#: Words that read better than a number times a base unit.
_WORDS = (
    "s", "min", "h", "d", "week", "mol", "mmol", "umol", "nmol", "pmol", "L", "dL", "mL", "uL", "kg", "g",
    "mg", "ug", "ng", "pg", "m", "cm",
)  # fmt: skip
_LONGEST_NUMBER = 40


def unit_text(sbml_model: Any, name: str) -> str:
    """Text of a unit that a document names, ``"1"`` for a pure number.

    Raises:
        UnitError: no name, or a unit that the language of units cannot say.
    """
    definition = sbml_model.getUnitDefinition(name) if name else None
    if definition is None and name in _KINDS:
        return _KINDS[name]
    if definition is None or definition.getNumUnits() == 0:
        problem = f'the SBML unit "{name}" is not defined' if name else "no unit is declared"
        raise UnitError("RK-UNI-003", given=problem)
    text = ""
    for number in range(definition.getNumUnits()):
        part, power = _part(definition.getUnit(number))
        if part == "1" or not power:
            continue
        raised = part if abs(power) == 1 else f"{part}^{_decimal(abs(power))}"
        text = f"{text or '1'}/{raised}" if power < 0 else f"{text}*{raised}" if text else raised
    parse_unit(text or "1")
    return text or "1"


def _part(unit: Any) -> tuple[str, Fraction]:
    libsbml = load_libsbml()
    kind = libsbml.UnitKind_toString(unit.getKind())
    if kind not in _KINDS:
        raise UnitError("RK-UNI-001", given=f'the SBML unit "{kind}" has no counterpart')
    scale, exponent = unit.getScale(), unit.getExponentAsDouble()
    if abs(scale) > _LONGEST_NUMBER or not -12 <= exponent <= 12:
        raise UnitError("RK-UNI-010", given=f'the SBML unit "{kind}" has an unusable scale or exponent')
    size = Fraction(repr(unit.getMultiplier())) * Fraction(10) ** scale
    if size <= 0:
        raise UnitError("RK-UNI-010", given=f'the SBML unit "{kind}" has the size {float(size)}')
    power = Fraction(repr(exponent))
    word = _KINDS[kind]
    if size == 1:
        return word, power
    whole = size * parse_unit(word).ratio
    for candidate in _WORDS:
        other = parse_unit(candidate)
        if other.ratio == whole and other.dimension == parse_unit(word).dimension:
            return candidate, power
    number = _decimal(size)
    return (f"({number}*{word})" if word != "1" else number), power


def _decimal(number: Fraction) -> str:
    text = f"{float(number):.20f}".rstrip("0").rstrip(".")
    if Fraction(text) != number or len(text) > _LONGEST_NUMBER:
        text = _exact(number)
    return text


def _exact(number: Fraction) -> str:
    below = number.denominator
    digits = 0
    while below != 1 and digits <= _LONGEST_NUMBER:
        digits += 1
        below = (number * 10**digits).denominator
    if below != 1 or number >= 10**_LONGEST_NUMBER:
        raise UnitError("RK-UNI-010", given="an SBML unit has a size that cannot be written in decimals")
    whole = str(int(number * 10**digits)).rjust(digits + 1, "0")
    return f"{whole[:-digits]}.{whole[-digits:]}" if digits else whole
