"""Units: exact conversions, refusals, agreement of the short table with pint."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekindle.errors import UnitError
from rekindle.units import Quantity, Unit, convert, parse_quantity, parse_unit
from rekindle.units._atoms import COMMON, EXTRAS, _from_pint, parse_atom


@pytest.mark.parametrize("word", sorted(set(COMMON) - set(EXTRAS)))
def test_short_table_agrees_with_pint(word):
    from_table, from_pint = parse_atom(word), _from_pint(word)
    assert from_pint is not None
    assert (from_table.dimension, from_table.ratio) == (from_pint.dimension, from_pint.ratio)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (1.0, "mg/L", "ng/mL", 1000.0),
        (1.0, "ng/mL", "ug/L", 1.0),
        (84.0, "mg", "g", 0.084),
        (1.0, "week", "h", 168.0),
        (1.0, "year", "d", 365.25),
        (2.0, "1/min", "1/h", 120.0),
        (3.0, "uM", "umol/L", 3.0),
        (3.0, "µM", "nmol/mL", 3.0),
        (50.0, "%", "1", 0.5),
        (1.0, "kPa", "mmHg", 1000 / 133.322387415),
        (0.5, "mg/kg", "ug/g", 0.5),
        (1.0, "L/h/kg", "mL/(min*kg)", 1000 / 60),
        (1.0, "score", "points", 1.0),
        (4.0, "h^0.5", "min^0.5", 4 * 60**0.5),
        (1.0, "10^9/L", "1/uL", 1000.0),
    ],
)
def test_conversions(value, source, target, expected):
    assert convert(value, source, target) == pytest.approx(expected, rel=1e-15)


def test_conversion_of_decimal_scales_is_exact():
    assert convert(1.0, "mg/L", "ng/mL") == 1000.0
    assert convert(1.0, "ng/mL", "mg/L") == 1e-3


@pytest.mark.parametrize(
    ("source", "target"), [("mg", "mL"), ("mg", "mg/kg"), ("1/h", "h"), ("points", "1"), ("umol/L", "mg/L")]
)
def test_other_dimension_is_refused(source, target):
    with pytest.raises(UnitError, match="RK-UNI-007") as caught:
        convert(1.0, source, target)
    assert source in str(caught.value)
    assert target in str(caught.value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mgg", "RK-UNI-001"), ("degC", "RK-UNI-002"), ("dB", "RK-UNI-001"),
        ("", "RK-UNI-003"), ("  ", "RK-UNI-003"),
        ("mg/", "RK-UNI-008"), ("mg//L", "RK-UNI-008"), ("mg^", "RK-UNI-008"), ("mg^x", "RK-UNI-008"),
        ("(mg", "RK-UNI-008"), ("mg)", "RK-UNI-008"), ("0", "RK-UNI-008"), ("mg^999999999", "RK-UNI-008"),
        ("(" * 150 + "mg", "RK-UNI-008"),
        ("mg" * 500, "RK-UNI-008"), ("m^(1/0)", "RK-UNI-008"), ("$", "RK-UNI-008"),
    ],
)  # fmt: skip
def test_refused_units(text, code):
    with pytest.raises(UnitError, match=code):
        parse_unit(text)


def test_unknown_unit_names_the_nearest():
    with pytest.raises(UnitError, match='did you mean "points"'):
        parse_unit("pionts")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("84 mg", Quantity(84.0, "mg")),
        ("0.5mg/kg", Quantity(0.5, "mg/kg")),
        (" 1e-3 g ", Quantity(1e-3, "g")),
        ("-2 points", Quantity(-2.0, "points")),
        ("3 1/h", Quantity(3.0, "1/h")),
        ("40 min", Quantity(40.0, "min")),
    ],
)
def test_quantities(text, expected):
    assert parse_quantity(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("84", "RK-UNI-005"), ("mg", "RK-UNI-004"), ("", "RK-UNI-004"), ("1e999 mg", "RK-UNI-004"),
        ("nan mg", "RK-UNI-004"), ("0,5 mg", "RK-UNI-006"),
        ("84 5", "RK-UNI-006"), ("84 mgs per day", "RK-UNI-001"),
    ],
)  # fmt: skip
def test_refused_quantities(text, code):
    with pytest.raises(UnitError, match=code):
        parse_quantity(text)


def test_arithmetic_keeps_text_readable():
    assert (parse_unit("mg/L") * parse_unit("L")).text == "mg"
    assert (parse_unit("L/h") / parse_unit("L")).text == "1/h"
    assert (parse_unit("mg") / parse_unit("mg")).is_number
    assert (parse_unit("mg") ** Fraction(1, 2) * parse_unit("mg") ** Fraction(1, 2)).same_scale(
        parse_unit("mg")
    )
    assert not parse_unit("mL/L").is_number
    assert parse_unit("mL/L").same_dimension(parse_unit("1"))


_units = st.sampled_from(sorted(COMMON)).map(parse_unit)
_powers = st.fractions(min_value=-3, max_value=3, max_denominator=4)


@given(_units, _units, _powers)
def test_units_form_a_group(first: Unit, second: Unit, power: Fraction):
    assert (first * second).same_scale(second * first)
    assert (first * second / second).same_scale(first)
    assert ((first * second) ** power).same_scale(first**power * second**power)
    assert (first / first).is_number


@given(_units, st.floats(1e-6, 1e6))
def test_conversion_there_and_back(unit: Unit, value: float):
    base = {"mass": "kg", "substance": "nmol", "time": "week"}.get(
        unit.dimension[0][0] if unit.dimension else ""
    )
    if base and unit.same_dimension(parse_unit(base)):
        assert convert(convert(value, unit.text, base), base, unit.text) == pytest.approx(value, rel=1e-14)


@given(st.one_of(st.text(max_size=30), st.text("mgLh/*^()- 0123456789.%µ²", max_size=30)))
def test_hostile_text_is_refused_or_read(text):
    for reader in (parse_unit, parse_quantity):
        try:
            reader(text)
        except UnitError:
            continue
