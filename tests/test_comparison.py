"""Treatments side by side: the same people, exact summaries, and refusals."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekindle.errors import ParameterError, RegimenError
from rekindle.people import Course, Person, Setting, simulate_courses, treatment_model
from rekindle.regimen import parse_regimen
from rekindle.therapy import ssri_records
from rekindle.trials import Comparison, Treatment, compare_treatments, comparison_plan, comparison_plans
from rekindle.trials._course_times import half_time, lasting_days

DOSE = "ketamine 0.5 mg/kg iv over 40 min"
#: Comparisons that need numbers of the user.
NUMBERS = {"ect": {"E_ect": 0.7, "n50_ect": 4.0}, "naltrexone": {"o": 0.5}}


@cache
def shipped(name: str) -> Comparison:
    plan = comparison_plan(name)
    return compare_treatments(
        plan.treatments,
        people=12,
        control_class=plan.control_class,
        parameters=NUMBERS.get(name),
        switches=plan.switches,
        title=plan.title,
        notes=plan.notes,
    )


# ---- the same people ------------------------------------------------------------------------------


def test_the_same_treatment_twice_does_not_differ_at_all() -> None:
    found = compare_treatments(
        [Treatment("a", DOSE), Treatment("b", DOSE)], people=6, control_class="midazolam"
    )
    for name, result in found.differences["b"].items():
        if name != "lasting":
            assert (result.value, result.low, result.high) == (0.0, 0.0, 0.0), name
    assert found.trajectories["a"]["cadss"].tolist() == found.trajectories["b"]["cadss"].tolist()


def test_a_person_is_the_same_alone_and_in_a_group() -> None:
    treatments = [Treatment("iv", DOSE), Treatment("nasal", "esketamine nasal 84 mg")]
    few, many = (compare_treatments(treatments, people=n, seed=5) for n in (2, 5))
    for name in ("iv", "nasal"):
        small, large = few.trajectories[name]["madrs_latent"], many.trajectories[name]["madrs_latent"]
        # People who are stepped together share their steps, so that only the tolerance is promised.
        np.testing.assert_allclose(small, large[:2], rtol=1e-4)


def test_the_number_of_workers_changes_nothing() -> None:
    treatments = [Treatment("one", DOSE), Treatment("two", f"{DOSE}, weekly x 2")]
    one, two = (compare_treatments(treatments, people=4, workers=n) for n in (1, 2))
    assert repr(one.results) == repr(two.results)


def test_the_reference_is_the_first() -> None:
    forth = compare_treatments([Treatment("a", DOSE), Treatment("b", "saline iv over 40 min")], people=5)
    back = compare_treatments([Treatment("b", "saline iv over 40 min"), Treatment("a", DOSE)], people=5)
    assert forth.differences["b"]["dissociation"].value == -back.differences["a"]["dissociation"].value < 0


# ---- outcomes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", comparison_plans())
def test_every_shipped_comparison_runs(name: str) -> None:
    found = shipped(name)
    assert set(found.results) == {one.name for one in found.treatments}
    for own in found.results.values():
        for outcome, result in own.items():
            if np.isfinite(result.value) and found.outcomes[outcome][1] == "%":
                assert 0.0 <= result.low <= result.high <= 100.0
    assert set(found.differences) == {one.name for one in found.treatments[1:] if not one.empirical}


def test_what_is_added_to_the_infusion_changes_mood_and_nothing_acute() -> None:
    ssri = shipped("ketamine_and_ssri").differences["IV ketamine and SSRI"]
    assert ssri["fall_day_28"].value > 1.0 > abs(ssri["fall_day_1"].value)
    training = shipped("psychotherapy").differences["ketamine, training days 1 to 5"]
    assert training["fall_day_7"].value > 1.0
    assert training["dissociation"].value == ssri["dissociation"].value == 0.0


def test_acute_effects_of_electroconvulsive_therapy_are_not_pretended() -> None:
    ect = shipped("ect").results["ECT"]
    assert all(
        np.isnan(ect[name].value) for name in ("dissociation", "systolic_rise", "nausea", "ready_90_min")
    )
    assert ect["visits"].value == 9
    assert ect["exposure"].value == 0.0
    assert ect["fall_day_28"].value > 5.0


def test_later_means_readier_and_more_sessions_more_reports() -> None:
    for own in shipped("routes").results.values():
        assert own["ready_120_min"].value >= own["ready_90_min"].value
    reports = [own["nausea"].value for own in shipped("schedules").results.values()]
    assert reports == sorted(reports)
    assert reports[0] < reports[-1]
    assert [own["visits"].value for own in shipped("schedules").results.values()] == [1, 6, 10]


def test_exposure_is_the_area_under_the_plasma_curve() -> None:
    person = Person("1", weight_kg=70)
    regimen = f"{DOSE}, three times weekly x 2"
    found = compare_treatments([Treatment("two", regimen), Treatment("none", "none")], people=[person])
    times = np.linspace(0.0, 24 * 30.0, 30 * 24 * 60 + 1)
    from rekindle.people import default_variability

    fine = simulate_courses(
        {person: [Course(parse_regimen(regimen))]},
        times=times,
        model=treatment_model(),
        setting=Setting(),
        variability=default_variability("D1"),
        outputs=["ketamine_venous"],
    )
    area = float(np.trapezoid(fine["ketamine_venous"][0], times))
    assert found.results["two"]["exposure"].value == pytest.approx(area, rel=0.01)


def test_onset_and_duration_of_a_triangle() -> None:
    times, curve = np.array([0.0, 24.0, 72.0, 240.0]), np.array([0.0, 10.0, 0.0, 0.0])
    assert half_time(times, curve) == 12.0
    assert lasting_days(times, curve, 0.0) == 2.0
    assert lasting_days(times, curve, 72.0) == 0.0
    assert lasting_days(times[:2], curve[:2], 0.0) == 1.0
    assert np.isnan(half_time(times, 0.01 * curve))
    assert np.isnan(lasting_days(times, 0.01 * curve, 0.0))


@given(st.lists(st.floats(0.0, 40.0), min_size=2, max_size=30), st.floats(1.5, 3.0))
def test_onset_and_duration_do_not_depend_on_the_size(falls: list[float], factor: float) -> None:
    curve = np.array([0.0, *falls])
    times = 24.0 * np.arange(len(curve), dtype=float)
    if curve.max() >= 1.0:
        assert half_time(times, factor * curve) == pytest.approx(half_time(times, curve))
        lasting = lasting_days(times, curve, 0.0)
        assert lasting_days(times, factor * curve, 0.0) == pytest.approx(lasting)
        assert 0.0 <= lasting <= times[-1] / 24.0


def test_rows_besides_the_regimen_reach_the_model() -> None:
    person = Person("1")
    outputs = {}
    for name, rows in {"without": (), "with": ssri_records(2.0)}.items():
        found = simulate_courses(
            {person: [Course(parse_regimen(DOSE))]},
            times=[24.0, 672.0],
            model=treatment_model(),
            setting=Setting(),
            variability=None,
            extra_rows=rows,
            outputs=["ssri_occupancy"],
        )
        outputs[name] = found["ssri_occupancy"][0, -1]
    assert outputs["without"] == 0.0 < outputs["with"]


# ---- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("treatments", "options", "code"),
    [
        ([Treatment("a", DOSE)], {}, "RK-PAR-131"),
        ([Treatment("a", DOSE), Treatment("a", "none")], {}, "RK-PAR-131"),
        ([Treatment("a", DOSE), Treatment("b", DOSE, scale="HAM-D17")], {}, "RK-PAR-132"),
        ([Treatment("a", DOSE), Treatment("b", "none", ect_days=(0.0,))], {}, "RK-PAR-133"),
        (
            [Treatment("a", DOSE), Treatment("b", "none", ect_days=(0.0,))],
            {"parameters": {"E_ect": 0.5}},
            "RK-PAR-133",
        ),
        ([Treatment("a", DOSE), Treatment("b", f"{DOSE}, weekly x 4")], {"duration_days": 21}, "RK-PAR-134"),
        ([Treatment("a", DOSE), Treatment("b", DOSE)], {"duration_days": 7, "days": [28]}, "RK-PAR-135"),
        (
            [Treatment("a", DOSE), Treatment("b", DOSE, ssri_dose_ratio=1.0)],
            {"control_class": "inpatient_new_ad"},
            "RK-PAR-050",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(
    treatments: list[Treatment], options: dict[str, object], code: str
) -> None:
    with pytest.raises(ParameterError) as refusal:
        compare_treatments(treatments, people=2, **options)  # type: ignore[arg-type]
    assert refusal.value.code == code


def test_a_dose_that_nobody_studied_is_refused() -> None:
    with pytest.raises(RegimenError, match="RK-REG-090"):
        compare_treatments(
            [Treatment("a", DOSE), Treatment("b", "ketamine 9 mg/kg iv over 40 min")], people=2
        )


def test_an_unknown_name_brings_the_nearest() -> None:
    with pytest.raises(ParameterError, match='did you mean "routes"'):
        comparison_plan("rotues")


# ---- report and command ---------------------------------------------------------------------------


def test_the_report_holds_every_treatment_and_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from rekindle.report import write_comparison

    found = shipped("ect")
    first, second = write_comparison(found, tmp_path / "a"), write_comparison(found, tmp_path / "b")
    assert {path.name for path in first} == {
        "report.html", "mood.png", "mood.svg", "acute.png", "acute.svg", "response.png", "response.svg",
        "outcomes.csv", "outcomes.parquet", "mood_course.csv", "mood_course.parquet",
    }  # fmt: skip
    page = first[0].read_text(encoding="utf-8")
    for words in (
        "IV ketamine",
        "ECT",
        "never a risk of misuse",
        "assumed",
        "No number for electroconvulsive",
    ):
        assert words in page
    assert all(one.read_bytes() == two.read_bytes() for one, two in zip(first, second, strict=True))


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    from rekindle.cli._main import run

    assert run(["compare", DOSE, "saline iv over 40 min", "--people", "3", "--workers", "1", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    onset = next(row for row in content["outcomes"] if row["outcome"] == "onset")
    assert onset["treatment"] == DOSE
    assert 0.5 < onset["value"] < 12.0
    assert run(["compare", "--list"]) == 0
    assert "schedules" in capsys.readouterr().out
    assert run(["compare", "ect", "--people", "2"]) == 2
    assert "RK-PAR-133" in capsys.readouterr().err
    assert run(["compare", "rotues"]) == 2
    assert "routes" in capsys.readouterr().err
