"""Quantities at the boundary: read a unit, convert a number, refuse what has no unit.

>>> convert(2.0, "week", "h")
336.0
>>> parse_quantity("0.5 mg/kg").unit
'mg/kg'
"""

from rekindle.units._parse import (
    Quantity,
    conversion_factor,
    convert,
    describe_dimension,
    parse_quantity,
    parse_unit,
)
from rekindle.units._unit import PURE, Unit

__all__ = [
    "PURE",
    "Quantity",
    "Unit",
    "conversion_factor",
    "convert",
    "describe_dimension",
    "parse_quantity",
    "parse_unit",
]
