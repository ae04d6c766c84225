"""Exact meanings of the regimen language, the rules of the products, and what is refused."""

from __future__ import annotations

import csv
import dataclasses
import subprocess
import sys
from importlib.resources import files

import pytest

import rekindle.regimen as regimen_floor
from rekindle.errors import RegimenError
from rekindle.regimen import DRUGS, Dose, Regimen, Session, find_product, parse_regimen, products

KETAMINE = "ketamine 0.5 mg/kg over 40 min"


def days(text: str, **names: str) -> list[int]:
    return [session.day for session in parse_regimen(text, **names).sessions]


def refused(text: str, **names: str) -> RegimenError:
    with pytest.raises(RegimenError) as caught:
        parse_regimen(text, **names)
    return caught.value


def caret_column(error: RegimenError) -> int:
    """Column of the caret in the text shown above it."""
    lines = str(error).splitlines()
    return next(line for line in lines if line.strip() == "^").index("^") - 4


def test_public_names_are_pinned():
    assert regimen_floor.__all__ == [
        "DRUGS", "Dose", "Product", "Regimen", "Session", "find_product", "parse_regimen", "products",
    ]  # fmt: skip
    assert DRUGS == ("ketamine", "esketamine", "arketamine", "midazolam", "saline", "none")


class TestVisits:
    def test_infusion_per_kilogram(self):
        regimen = parse_regimen("0.5 mg/kg over 40 min", drug="ketamine")
        assert regimen.product.name == "iv_infusion"
        assert regimen.sessions == (Session(0.0, (Dose(0.5, "mg/kg", 40 / 60, 0.0),)),)
        assert regimen.duration_h == 40 / 60

    def test_steps_follow_without_a_gap(self):
        text = "0.14 mg/kg/h for 1 h; 0.28 mg/kg/h for 30 min; 0.57 mg/kg/h for 1 h"
        (session,) = parse_regimen(text, drug="esketamine").sessions
        assert session.doses == (
            Dose(0.14, "mg/kg", 1.0, 0.0),
            Dose(0.14, "mg/kg", 0.5, 1.0),
            Dose(0.57, "mg/kg", 1.0, 1.5),
        )

    @pytest.mark.parametrize(
        ("text", "amount", "hours"),
        [("20 mg/h for 2 h", 40.0, 2.0), ("5 mg over 30 min", 5.0, 0.5), ("0.1 mg/min for 60 min", 6.0, 1.0)],
    )
    def test_rates_and_amounts_of_the_evidence_tables(self, text, amount, hours):
        (session,) = parse_regimen(text, drug="ketamine", product="iv").sessions
        assert session.doses == (Dose(amount, "mg", hours),)

    def test_later_step_after_a_pause(self):
        regimen = parse_regimen("ketamine 10 mg over 30 min; 20 mg over 1 h after 90 min")
        assert [dose.offset_h for dose in regimen.sessions[0].doses] == [0.0, 1.5]
        assert regimen.duration_h == 2.5

    @pytest.mark.parametrize("text", ["ketamine 0.05 g im", "KETAMINE 50000 ug IM", "im ketamine 50mg once"])
    def test_masses_cases_and_spacing(self, text):
        regimen = parse_regimen(text)
        assert (regimen.drug, regimen.product.name) == ("ketamine", "im_injection")
        assert regimen.sessions[0].doses[0].amount == pytest.approx(50.0, rel=1e-15)

    def test_names_may_stand_anywhere_around_the_dose(self):
        texts = [
            "ketamine iv 0.5 mg/kg over 40 min weekly x 2",
            "ketamine 0.5 mg/kg iv over 40 min weekly x 2",
            "0.5 mg/kg intravenous infusion over 40 min, ketamine, weekly x 2",
            "0.5 mg/kg over 40 min weekly x 2 ketamine iv",
            "Ketamine 0.5mg/kg solution-for-infusion OVER 40min,\n weekly × 2 doses",
        ]
        assert len({parse_regimen(text) for text in texts}) == 1

    def test_saline_has_sessions_and_no_drug(self):
        regimen = parse_regimen("saline over 40 min, twice weekly x 4 weeks")
        assert len(regimen.sessions) == 8
        assert regimen.sessions[0].doses == (Dose(0.0, "mg", 40 / 60),)
        assert refused("saline 0.5 mg/kg over 40 min").code == "RK-REG-009"
        assert refused("saline weekly x 4").code == "RK-REG-013"

    def test_none_has_nothing(self):
        for regimen in (parse_regimen("none"), Regimen.of(drug="none"), parse_regimen("none", drug="none")):
            assert (regimen.sessions, regimen.duration_h, regimen.describe()) == ((), 0.0, "no treatment")
        assert refused("none weekly x 4").code == "RK-REG-023"
        with pytest.raises(RegimenError, match="RK-REG-023"):
            Regimen.of(drug="ketamine", product="iv")


class TestSchedules:
    @pytest.mark.parametrize(
        ("schedule", "expected"),
        [
            ("", [1]),
            ("once", [1]),
            ("on days 1, 4, 8, 11", [1, 4, 8, 11]),
            ("days 2 and 5", [2, 5]),
            ("twice weekly x 4 weeks", [1, 4, 8, 11, 15, 18, 22, 25]),
            ("twice a week x 5", [1, 4, 8, 11, 15]),
            ("twice weekly x 10 days", [1, 4, 8]),
            ("twice weekly x 1e-12 h", [1]),
            ("three times weekly x 2 weeks", [1, 3, 5, 8, 10, 12]),
            ("thrice weekly x 4", [1, 3, 5, 8]),
            ("weekly x 4", [1, 8, 15, 22]),
            ("weekly for 3 weeks", [1, 8, 15]),
            ("every 2 weeks x 3", [1, 15, 29]),
            ("every week x 2", [1, 8]),
            ("every other day x 3", [1, 3, 5]),
            ("once daily x 3 days", [1, 2, 3]),
            ("q24h x3", [1, 2, 3]),
            ("q 24 h x 3 doses", [1, 2, 3]),
            ("weekly x 2 starting day 3", [3, 10]),
            ("starting day 3", [3]),
            ("twice weekly x 4 weeks, then weekly x 4", [1, 4, 8, 11, 15, 18, 22, 25, 29, 36, 43, 50]),
            ("twice weekly x 3 then weekly x 2", [1, 4, 8, 11, 18]),
            ("every 2 weeks x 3 weeks then daily x 2", [1, 15, 29, 30]),
            ("on days 1, 4, then weekly x 2 starting on day 8", [1, 4, 8, 15]),
        ],
    )
    def test_days(self, schedule, expected):
        assert days(f"{KETAMINE} {schedule}") == expected

    def test_hours(self):
        def hours(schedule):
            return [session.time_h for session in parse_regimen(f"ketamine 10 mg im {schedule}").sessions]

        assert hours("every 8 h x 9") == [8.0 * index for index in range(9)]
        assert hours("twice daily x 2 days") == [0.0, 12.0, 24.0, 36.0]
        assert hours("every 40 min x 2 h") == pytest.approx([0, 2 / 3, 4 / 3])
        assert hours("at 6 h") == [6.0]
        assert hours("once at 6 h") == [6.0]
        assert hours("at 0 h, 90 min, 1 day") == [0.0, 1.5, 24.0]
        assert hours("on days 1, 3 at 6 h") == [6.0, 54.0]
        assert hours("weekly x 2 at 2 h") == [2.0, 170.0]
        assert hours("weekly x 2 starting day 2 at 2 h") == [26.0, 194.0]

    def test_dose_changes_with_then_and_is_repeated_without(self):
        text = "56 mg twice weekly x 4 weeks, then 84 mg weekly x 4, then every 2 weeks x 8"
        regimen = parse_regimen(text, product="nasal")
        amounts = [session.doses[0].amount for session in regimen.sessions]
        assert amounts == [56.0] * 8 + [84.0] * 12
        assert [s.day for s in regimen.sessions][8:14] == [29, 36, 43, 50, 57, 71]

    @pytest.mark.parametrize(
        ("schedule", "code", "place"),
        [
            ("weekly x 0", "RK-REG-026", "0"),
            ("weekly x 2.5", "RK-REG-026", "2.5"),
            ("weekly x -1", "RK-REG-026", "-1"),
            ("weekly", "RK-REG-025", ""),
            ("weekly x", "RK-REG-031", ""),
            ("q 24 x 7", "RK-REG-028", "24"),
            ("every 0 h x 3", "RK-REG-015", "0 h"),
            ("every 30 min x 3", "RK-REG-018", "every"),
            ("weekly x 100001", "RK-REG-019", "100001"),
            ("daily x 1e4 weeks", "RK-REG-020", "1e4"),
            ("every 1 min x 80 years", "RK-REG-031", "years"),
            ("weekly x 6000", "RK-REG-020", "weekly"),
            ("on days 1, 4, 4", "RK-REG-027", "4"),
            ("on days 0, 4", "RK-REG-027", "0"),
            ("on days 1.5", "RK-REG-027", "1.5"),
            ("on days 1 at 30 h", "RK-REG-015", "30"),
            ("at 5 h, 2 h", "RK-REG-018", "at"),
            ("biweekly x 4", "RK-REG-030", "biweekly"),
            ("monthly x 4", "RK-REG-030", "monthly"),
            ("wekly x 4", "RK-REG-031", "wekly"),
            ("on days 1, 4, then weekly x 4", "RK-REG-034", "weekly"),
            ("once then weekly x 4", "RK-REG-034", "weekly"),
            ("weekly x 4 then daily x 2 starting day 3", "RK-REG-018", "daily"),
            ("weekly x 4 weekly x 4", "RK-REG-031", "weekly"),
            ("weekly x 4, then", "RK-REG-031", ""),
            ("weekly x 4 (or so)", "RK-REG-024", "("),
        ],
    )
    def test_refused_with_the_place(self, schedule, code, place):
        text = f"ketamine 1 mg/kg over 40 min {schedule}"
        error = refused(text)
        assert error.code == code
        if len(text) < 70:
            assert caret_column(error) == (text.rindex(place) if place else len(text))

    def test_the_nearest_word_is_named(self):
        assert '"wekly"; did you mean "weekly"' in str(refused(f"{KETAMINE} wekly x 4"))
        assert '"ketamin"; did you mean "ketamine"' in str(refused("ketamin 5 mg im"))


class TestDoses:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("ketamine 84 im", "RK-REG-001"),
            ("ketamine 84", "RK-REG-001"),
            ("ketamine 0,5 mg/kg im", "RK-REG-001"),
            ("ketamine 5 ml im", "RK-REG-029"),
            ("ketamine 5 mg/l im", "RK-REG-029"),
            ("ketamine 0 mg im", "RK-REG-009"),
            ("ketamine -5 mg im", "RK-REG-009"),
            ("ketamine nan mg im", "RK-REG-009"),
            ("ketamine inf mg im", "RK-REG-009"),
            ("ketamine 1e999 mg im", "RK-REG-009"),
            ("ketamine 5 mg for 2 h", "RK-REG-031"),
            ("ketamine 5 mg/h over 2 h", "RK-REG-031"),
            ("ketamine 5 mg over 40", "RK-REG-028"),
            ("ketamine 5 mg over 0 min", "RK-REG-015"),
            ("ketamine 5 mg over 40 mg", "RK-REG-029"),
            ("", "RK-REG-031"),
            ("ketamine", "RK-REG-008"),
            ("ketamine im", "RK-REG-033"),
            ("ketamine im weekly x 4", "RK-REG-033"),
            ("5 mg im", "RK-REG-012"),
            ("0.5 mg/kg over 40 min", "RK-REG-012"),
            ("ketamine 50 mg", "RK-REG-008"),
            ("ketamine esketamine 5 mg im", "RK-REG-032"),
            ("ketamine 5 mg im sc", "RK-REG-032"),
            ("ketamine 5 mg im; 5 mg", "RK-REG-017"),
            ("ketamine 5 mg over 1 h; 5 mg over 1 h after 30 min", "RK-REG-017"),
            ("ketamine 5 mg im after 1 h", "RK-REG-021"),
            ("k" * 1_000_000, "RK-REG-024"),
            ("1" * 1_000_000 + " mg im", "RK-REG-024"),
        ],
    )
    def test_refused_in_few_words(self, text, code):
        error = refused(text)
        assert error.code == code
        assert len(str(error)) < 1000

    def test_arguments_and_text_must_agree(self):
        assert refused("ketamine 5 mg im", drug="esketamine").code == "RK-REG-032"
        assert refused("ketamine 5 mg im", product="oral").code == "RK-REG-032"
        assert refused("5 mg im", drug="ketamin").code == "RK-REG-003"
        assert refused("5 mg", drug="ketamine", product="imm").code == "RK-REG-004"
        assert parse_regimen("ketamine 5 mg oral", product="oral_er").product.name == "oral_extended_release"
        assert parse_regimen("ketamine 5 mg", product=find_product("sc")).product.name == "sc_injection"

    def test_a_long_text_is_shown_in_part(self):
        error = refused(KETAMINE + ", weekly x 2" + ", then daily x 2" * 50 + " wekly")
        assert max(len(line) for line in str(error).splitlines()[:3]) < 100
        assert "wekly" in str(error).splitlines()[1]


class TestProducts:
    def test_table(self):
        assert list(products()) == [
            "iv_infusion", "nasal_28mg_device", "oral_solution", "oral_extended_release", "sublingual_wafer",
            "oral_thin_film", "im_injection", "sc_injection", "rectal",
        ]  # fmt: skip
        rows = list(csv.DictReader((files("rekindle.regimen") / "products.csv").open(encoding="utf-8")))
        assert {row["mark"] for row in rows} <= {"seen", "derived", "calibrated", "assumed", "recalled"}
        assert all(row["source"] and row["description"] for row in rows)

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("iv", "iv_infusion"), ("IV", "iv_infusion"), ("solution_for_infusion", "iv_infusion"),
            ("nasal", "nasal_28mg_device"), ("nasal_spray_28mg_device", "nasal_28mg_device"),
            ("Nasal spray", "nasal_28mg_device"), ("oral", "oral_solution"),
            ("oral_er", "oral_extended_release"),
            ("oral_prolonged_release_tablet", "oral_extended_release"), ("sl", "sublingual_wafer"),
            ("sublingual-wafer", "sublingual_wafer"), ("oral thin film", "oral_thin_film"),
            ("im", "im_injection"), ("solution_for_injection", "im_injection"), ("sc", "sc_injection"),
            ("rectal", "rectal"),
        ],
    )  # fmt: skip
    def test_aliases(self, name, expected):
        assert find_product(name).name == expected

    def test_a_route_narrows_a_formulation(self):
        assert find_product("solution_for_injection", route="sc").name == "sc_injection"
        assert find_product("oral_thin_film", route="sl").name == "oral_thin_film"
        with pytest.raises(RegimenError, match="RK-REG-005"):
            find_product("oral_solution", route="iv")

    def test_every_word_leads_back_to_its_route(self):
        for product in products().values():
            for word in product.words:
                assert product in [find_product(word, route=product.route), product]
            assert find_product(product.word) == product == find_product(product.name)

    def test_devices(self):
        device = find_product("nasal")
        assert device.device_times(28.0) == (0.0,)
        assert device.device_times(84.0) == (0.0, 5 / 60, 10 / 60)
        assert find_product("im").device_times(84.0) == (0.0,)
        assert parse_regimen("84 mg nasal").duration_h == 10 / 60

    @pytest.mark.parametrize(
        ("dose", "nearest"),
        [
            ("85 mg", "84 mg or 112 mg"),
            ("60 mg", "56 mg or 84 mg"),
            ("10 mg", "28 mg"),
            ("83.99 mg", "56 mg or 84 mg"),
        ],
    )
    def test_other_amounts_name_the_nearest_allowed(self, dose, nearest):
        error = refused(f"esketamine {dose} nasal")
        assert error.code == "RK-REG-010"
        assert f"Nearest allowed: {nearest}." in str(error)

    def test_devices_are_one_dose_and_not_per_kilogram(self):
        assert refused("1 mg/kg nasal").code == "RK-REG-011"
        assert refused("28 mg nasal; 28 mg after 5 min").code == "RK-REG-022"
        assert refused("84 mg nasal every 5 min x 3").code == "RK-REG-018"
        assert refused("2800028 mg nasal").code == "RK-REG-019"
        assert refused("1e300 mg nasal").code == "RK-REG-019"

    @pytest.mark.parametrize("text", ["ketamine 84 mg nasal", "ketamine 50 mg nasal_atomizer"])
    def test_another_nasal_product_says_what_must_be_given(self, text):
        error = refused(text)
        assert error.code == "RK-REG-006"
        for needed in ("nasal fraction", "absorption rate", "swallowed fraction"):
            assert needed in str(error)

    def test_film_holds_esketamine_only(self):
        assert refused("ketamine 50 mg film").code == "RK-REG-007"
        assert parse_regimen("50 mg film").drug == "esketamine"

    def test_only_an_infusion_takes_and_needs_a_duration(self):
        assert refused("ketamine 0.5 mg/kg iv").code == "RK-REG-013"
        for word in ("oral", "oral_er", "sl", "im", "sc", "rectal"):
            error = refused(f"ketamine 50 mg {word} over 2 h")
            assert error.code == "RK-REG-014"
            assert "silently ignored" in str(error)
        assert refused("84 mg nasal over 10 min").code == "RK-REG-014"

    def test_a_push_is_widened_with_a_warning(self):
        regimen = parse_regimen(
            "ketamine 0.1 mg/kg over 5 s; 0.4 mg/kg over 40 min; 6 mg/h for 1 h, weekly x 2"
        )
        doses = regimen.sessions[1].doses
        assert [dose.duration_h for dose in doses] == [1 / 60, 40 / 60, 1.0]
        assert [dose.offset_h for dose in doses] == pytest.approx([0.0, 1 / 60, 41 / 60])
        assert len(regimen.warnings) == 1
        assert "5 s was widened to 1 min" in regimen.warnings[0]
        assert parse_regimen("ketamine 0.1 mg/kg over 1 min").warnings == ()


class TestRegimen:
    def test_python_construction_has_the_same_checks(self):
        visit = Session(0, (Dose(84, "mg"),))
        regimen = Regimen.of(drug="esketamine", product="nasal", sessions=[visit])
        assert regimen == parse_regimen("84 mg nasal")
        assert regimen.text == "esketamine nasal 84 mg, once"
        for drug, product, session, code in [
            ("ketamine", "nasal", visit, "006"),
            ("esketamine", "iv", visit, "013"),
            ("esketamine", None, visit, "008"),
            ("heroin", "iv", visit, "003"),
            ("esketamine", "nasal", Session(0, (Dose(50, "mg"),)), "010"),
        ]:
            with pytest.raises(RegimenError, match=f"RK-REG-{code}"):
                Regimen.of(drug=drug, product=product, sessions=[session])
        with pytest.raises(RegimenError, match="RK-REG-018"):
            Regimen.of(drug="esketamine", product="nasal", sessions=[visit, visit])
        short = Session(0, (Dose(10, "mg", duration_h=0.001),))
        assert Regimen.of(drug="ketamine", product="iv", sessions=[short]).warnings
        with pytest.raises(RegimenError, match="RK-REG-016"):
            Regimen("", "ketamine", find_product("iv"), (short,))

    def test_doses_and_sessions_check_themselves(self):
        for wrong in (
            lambda: Dose(-1, "mg"),
            lambda: Dose(float("nan"), "mg"),
            lambda: Dose(1, "mL"),
            lambda: Dose(1, "mg", duration_h=0),
            lambda: Dose(1, "mg", offset_h=-1),
            lambda: Session(-1, (Dose(1, "mg"),)),
            lambda: Session(0, ()),
            lambda: Session(0, (Dose(1, "mg", offset_h=1),)),
        ):
            with pytest.raises(RegimenError):
                wrong()

    def test_frozen_and_hashable(self):
        regimen = parse_regimen(f"{KETAMINE} weekly x 2")
        with pytest.raises(dataclasses.FrozenInstanceError):
            regimen.drug = "esketamine"
        assert hash(regimen) == hash(parse_regimen(regimen.to_text()))

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (KETAMINE, "ketamine 0.5 mg/kg IV over 40 min; 1 session"),
            (
                f"{KETAMINE}, twice weekly x 4 weeks, then weekly x 4",
                "ketamine 0.5 mg/kg IV over 40 min; 12 sessions over 50 days: "
                "twice weekly for 4 weeks, then weekly",
            ),
            (
                "56 mg nasal twice weekly x 4 weeks, then 84 mg weekly x 4",
                "esketamine nasal; 12 sessions over 50 days: "
                "56 mg twice weekly for 4 weeks, then 84 mg weekly",
            ),
            (
                "saline over 40 min, on days 1, 2, 5",
                "saline IV over 40 min; 3 sessions over 5 days: on days 1, 2, 5",
            ),
            ("ketamine 10 mg im every 8 h x 9", "ketamine 10 mg IM; 9 sessions over 3 days: every 8 h"),
        ],
    )
    def test_sentences(self, text, sentence):
        assert parse_regimen(text).describe() == str(parse_regimen(text)) == sentence

    @pytest.mark.parametrize(
        ("schedule", "canonical"),
        [
            ("on days 1, 4, 8, 11", "twice weekly x 4"),
            ("on days 1, 8, 15, 29, 43, 57", "weekly x 2, then every 2 weeks x 4"),
            ("on days 1, 2, 5", "on days 1, 2, 5"),
            ("twice weekly x 4 weeks, then weekly x 4", "twice weekly x 8, then weekly x 4"),
            ("three times weekly x 2 weeks then daily x 3", "three times weekly x 6, then daily x 3"),
            ("weekly x 3 starting day 3", "weekly x 3 starting day 3"),
            ("at 6 h", "at 6 h"),
        ],
    )
    def test_canonical_texts(self, schedule, canonical):
        text = parse_regimen(f"{KETAMINE} {schedule}").to_text()
        assert text == f"ketamine iv 0.5 mg/kg over 40 min, {canonical}"

    def test_the_longest_course_is_quick(self):
        regimen = parse_regimen("ketamine 1 mg im every 8 h x 100000")
        assert len(regimen.sessions) == 100_000
        assert regimen.to_text() == "ketamine im 1 mg, every 8 h x 100000"
        error = refused("ketamine 1 mg im every 8 h x 100000, then daily x 1")
        assert error.code == "RK-REG-019"


def test_every_regimen_of_the_evidence_grammar_is_read():
    for text in ("0.14 mg/kg/h for 1 h; 0.28 mg/kg/h for 1 h", "5 mg over 30 min;10 mg over 1200 s"):
        assert parse_regimen(text, drug="esketamine", product="solution_for_infusion").sessions


def test_import_stays_light():
    code = (
        "import sys; from rekindle.regimen import parse_regimen; parse_regimen('ketamine 1 mg/kg over 1 h');"
        "print(*{'pint', 'pandas', 'scipy', 'numpy', 'llvmlite'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
