"""Properties of the regimen floor: any text is read or refused, and what is written is read back."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from rekindle.errors import RegimenError, UnitError
from rekindle.regimen import DRUGS, Dose, Regimen, Session, find_product, parse_regimen, products

WORDS = [
    *DRUGS,
    *[
        "iv",
        "nasal",
        "oral",
        "film",
        "im",
        "spray",
        "mg",
        "mg/kg",
        "mg/kg/h",
        "g",
        "h",
        "min",
        "days",
        "weeks",
        "over",
        "for",
        "after",
        "at",
        "on",
        "day",
        "starting",
    ],
    *[
        "once",
        "twice",
        "three",
        "times",
        "daily",
        "weekly",
        "every",
        "other",
        "q",
        "x",
        "then",
        "and",
        ",",
        ";",
        "/",
        "0",
        "1",
        "4",
        "28",
        "84",
        "0.5",
        "-1",
        "1e9",
        "1e308",
    ],
    *["1e-308", "1e999", "nan", "inf", "100000", "biweekly", "monthly", "µg", "×", "(", "ß"],
    "\n",
    "nasal spray",
]
PHRASES = (
    """
ketamine|0.5 mg/kg over 40 min|esketamine 84 mg nasal|84 mg|ketamine 1 mg im|weekly x 4|twice weekly x 4 weeks
on days 1, 4|then|, then|at 6 h|starting day 9|q 8 h x 3|none|saline over 1 h|; 1 mg over 20 s|daily x 1e5
0.1 mg/kg/h for 2 h|once|after 3 h|weekly
""".strip()
    .replace("\n", "|")
    .split("|")
)
HOSTILE = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=8).map("".join),
    st.lists(st.sampled_from(PHRASES), max_size=5).map(" ".join),
    st.tuples(st.sampled_from(PHRASES), st.text(max_size=10), st.sampled_from(PHRASES)).map(" ".join),
)
NAMES = st.one_of(st.none(), st.sampled_from([*DRUGS, *products(), "nasal", "iv"]), st.text(max_size=8))


@settings(max_examples=600, deadline=None)
@given(HOSTILE, NAMES, NAMES)
def test_any_text_is_read_or_refused(text, drug, product):
    try:
        regimen = parse_regimen(text, drug=drug, product=product)
    except (RegimenError, UnitError) as error:
        assert error.code.startswith("RK-")
        assert str(error).startswith(error.code)
    else:
        assert parse_regimen(regimen.to_text()) == regimen
        assert regimen.describe()
        assert "\n" not in regimen.describe()


numbers = st.floats(min_value=1e-6, max_value=1e6, allow_subnormal=False)
gaps = st.one_of(st.sampled_from([24.0, 168.0, 72.0, 96.0, 48.0, 336.0, 12.0]), st.floats(0.5, 2000.0))
minutes = st.one_of(st.integers(1, 240).map(lambda whole: whole / 60), st.floats(1 / 60, 4.0))


@st.composite
def visits(draw, product):
    if product.device_mg is not None:
        return (Dose(product.device_mg * draw(st.integers(1, 5)), "mg"),)
    doses, end = [], 0.0
    for index in range(draw(st.integers(1, 3))):
        unit = draw(st.sampled_from(["mg", "mg/kg"])) if product.per_kg else "mg"
        duration = draw(minutes) if product.needs_duration else None
        pause = 0.0 if product.needs_duration and draw(st.booleans()) else draw(st.floats(0.1, 2.0))
        offset = 0.0 if index == 0 else end + pause
        doses.append(Dose(draw(numbers), unit, duration, offset))
        end = offset + (duration or 0.0)
    return tuple(doses)


@st.composite
def regimens(draw):
    product = draw(st.sampled_from(list(products().values())))
    drug = draw(st.sampled_from([drug for drug in product.drugs if drug != "saline"]))
    choices = draw(st.lists(visits(product), min_size=1, max_size=3))
    sessions, time = [], draw(st.one_of(st.just(0.0), st.sampled_from([24.0, 6.0]), st.floats(0, 500)))
    for _ in range(draw(st.integers(1, 5))):
        doses, gap = draw(st.sampled_from(choices)), draw(gaps)
        length = doses[-1].offset_h + (doses[-1].duration_h or 0.0) + 1.0
        for _ in range(draw(st.integers(1, 6))):
            sessions.append(Session(time, doses))
            time += max(gap, math.ceil(length))
    return Regimen.of(drug=drug, product=product, sessions=sessions)


@settings(max_examples=300, deadline=None)
@given(regimens())
def test_what_is_written_is_read_back(regimen):
    text = regimen.to_text()
    assert parse_regimen(text) == regimen
    assert parse_regimen(text).to_text() == text
    assert parse_regimen(text.upper().replace(" ", "  ")) == regimen


@settings(max_examples=200, deadline=None)
@given(regimens())
def test_a_regimen_that_exists_obeys_the_rules(regimen):
    times = [session.time_h for session in regimen.sessions]
    assert times == sorted(set(times))
    assert regimen.duration_h >= times[-1]
    for session in regimen.sessions:
        for dose in session.doses:
            assert dose.amount > 0
            assert (dose.duration_h is not None) == regimen.product.needs_duration
            assert dose.duration_h is None or dose.duration_h >= regimen.product.minimum_duration_h


@given(st.integers(1, 50))
def test_device_times_are_five_minutes_apart(count):
    times = find_product("nasal").device_times(28.0 * count)
    assert len(times) == count
    assert all(math.isclose(later - earlier, 5 / 60) for earlier, later in pairwise(times))


@given(st.floats(min_value=1e-3, max_value=1e5))
def test_a_device_dose_is_a_multiple_or_names_one_that_is(dose):
    device = find_product("nasal")
    try:
        count = device.device_count(dose)
    except RegimenError as error:
        named = error.allowed.removeprefix("Nearest allowed: ").replace(" mg", "").split(" or ")
        assert all(device.device_count(float(choice)) for choice in named if float(choice) < 1e5)
        assert min(abs(float(choice) - dose) for choice in named) <= 28
    else:
        assert math.isclose(28 * count, dose, rel_tol=1e-8)


@given(
    st.integers(1, 60), st.sampled_from(["daily", "weekly", "twice weekly", "three times weekly", "q 8 h"])
)
def test_a_count_and_its_time_agree(weeks, frequency):
    per_week = {"daily": 7, "weekly": 1, "twice weekly": 2, "three times weekly": 3, "q 8 h": 21}[frequency]
    by_time = parse_regimen(f"ketamine 1 mg im {frequency} x {weeks} weeks, then weekly x 1")
    by_count = parse_regimen(f"ketamine 1 mg im {frequency} x {weeks * per_week}, then weekly x 1")
    assert by_time == by_count
    assert by_time.sessions[-1].time_h == 168.0 * weeks
