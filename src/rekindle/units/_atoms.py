"""Units that are one word: a short table of the everyday ones, and pint for all others.

Loading pint takes half a second, so that the units that nearly every model uses are listed here; the tests
compare each of them with pint.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from rekindle.errors import UnitError, nearest
from rekindle.units._unit import PURE, Unit, atom

_MASS, _VOLUME, _TIME, _AMOUNT = {"mass": 1}, {"length": 3}, {"time": 1}, {"substance": 1}
_MOLARITY = {"substance": 1, "length": -3}
_PRESSURE = {"mass": 1, "length": -1, "time": -2}
_POINTS = {"points": 1}
_HOUR, _DAY = Fraction(3600), Fraction(86400)
_MILLI, _MICRO, _NANO, _PICO = (Fraction(1, 1000**power) for power in (1, 2, 3, 4))
_LITRE, _MOLAR = _MILLI, Fraction(1000)

#: Everyday units: word -> (dimension, size in gram, metre, second, mole). "score" is another word for points.
COMMON: dict[str, tuple[dict[str, int], Fraction]] = {
    "kg": (_MASS, Fraction(1000)), "g": (_MASS, Fraction(1)), "mg": (_MASS, _MILLI), "ug": (_MASS, _MICRO),
    "µg": (_MASS, _MICRO), "mcg": (_MASS, _MICRO), "ng": (_MASS, _NANO), "pg": (_MASS, _PICO),
    "L": (_VOLUME, _LITRE), "l": (_VOLUME, _LITRE), "dL": (_VOLUME, _LITRE / 10),
    "mL": (_VOLUME, _LITRE * _MILLI), "ml": (_VOLUME, _LITRE * _MILLI), "uL": (_VOLUME, _LITRE * _MICRO),
    "s": (_TIME, Fraction(1)), "min": (_TIME, Fraction(60)), "h": (_TIME, _HOUR), "hr": (_TIME, _HOUR),
    "d": (_TIME, _DAY), "day": (_TIME, _DAY), "week": (_TIME, 7 * _DAY), "year": (_TIME, _DAY * 1461 / 4),
    "minute": (_TIME, Fraction(60)), "minutes": (_TIME, Fraction(60)), "hour": (_TIME, _HOUR),
    "hours": (_TIME, _HOUR), "days": (_TIME, _DAY), "weeks": (_TIME, 7 * _DAY),
    "years": (_TIME, _DAY * 1461 / 4),
    "mol": (_AMOUNT, Fraction(1)), "mmol": (_AMOUNT, _MILLI), "umol": (_AMOUNT, _MICRO),
    "µmol": (_AMOUNT, _MICRO), "nmol": (_AMOUNT, _NANO), "pmol": (_AMOUNT, _PICO),
    "M": (_MOLARITY, _MOLAR), "mM": (_MOLARITY, _MOLAR * _MILLI), "uM": (_MOLARITY, _MOLAR * _MICRO),
    "µM": (_MOLARITY, _MOLAR * _MICRO), "nM": (_MOLARITY, _MOLAR * _NANO),
    "mmHg": (_PRESSURE, Fraction(26664477483, 200000)), "m": ({"length": 1}, Fraction(1)),
    "cm": ({"length": 1}, Fraction(1, 100)), "%": ({}, Fraction(1, 100)),
    "points": (_POINTS, Fraction(1)), "point": (_POINTS, Fraction(1)), "score": (_POINTS, Fraction(1)),
}  # fmt: skip
#: Words of COMMON that pint does not have: a rating-scale point is a dimension of its own.
EXTRAS = ("points", "point", "score")


@lru_cache(maxsize=1024)
def parse_atom(word: str) -> Unit:
    """Unit of one word.

    Raises:
        UnitError: a word that is no unit, or a unit with an offset or a logarithmic scale.
    """
    # The Greek letter mu and the micro sign look alike and mean the same.
    word = word.replace("μ", "µ")
    if word in COMMON:
        return atom(word, *COMMON[word])
    found = _from_pint(word)
    if found is None:
        raise UnitError(
            "RK-UNI-001",
            given=f'"{word}" is not a known unit{nearest(word, COMMON)}',
            allowed='Units are written like "mg", "ng/mL", "L/h/kg", "1/h", "points"',
            why="A number with an unknown unit cannot be converted or checked",
        )
    return found


def _from_pint(word: str) -> Unit | None:
    registry = _registry()
    import pint

    try:
        unit = registry.parse_units(word)
        zero = registry.Quantity(Fraction(0), unit).to_root_units().magnitude
        factor, _ = registry.get_root_units(unit)
        dimension = {name.strip("[]"): int(power) for name, power in unit.dimensionality.items()}
    except (pint.errors.PintError, AttributeError, ValueError, TypeError, ArithmeticError):
        return None
    if zero != 0:
        raise UnitError(
            "RK-UNI-002",
            given=f'unit "{word}" has an offset or a logarithmic scale',
            allowed="Only units that are multiples of a base unit, for example K instead of degC",
            why="Doses and rates in such a unit cannot be added or scaled",
        )
    ratio = Fraction(factor)
    return PURE if not dimension and ratio == 1 else atom(word, dimension, ratio)


@lru_cache(maxsize=1)
def _registry() -> Any:
    from pint import UnitRegistry

    return UnitRegistry(non_int_type=Fraction)
