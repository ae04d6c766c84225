"""Predictions of arm tables: exact values of the default set, every row accounted for, honest refusals."""

from __future__ import annotations

import csv
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rekindle.errors import EvidenceError, OutputError
from rekindle.evidence import VERDICTS, Prediction, development_arms, predict_arms
from rekindle.evidence._data import co_medication_records
from rekindle.evidence.plasma._grid import panels, quadrature
from rekindle.evidence.plasma._notes import Term, _term
from rekindle.therapy import interaction_names, mechanism_weights, uncertain_pharmacokinetics

PARTS = ("se_people", "se_assay", "se_parameters")
ADDED = ("predicted", "predicted_low", "predicted_high", "ratio", *PARTS, "verdict", "reason")


@pytest.fixture(scope="module")
def development() -> Prediction:
    return predict_arms(development_arms(), n_people=30)


def arm(**changes: Any) -> dict[str, Any]:
    """Row of an infusion of 10 mg esketamine over 30 min, 68 kg, with changes."""
    row: dict[str, Any] = {
        "study_id": "A", "arm_id": "iv", "n": 17, "weight_kg": 68, "age_years": 23, "drug": "esketamine",
        "formulation": "solution_for_infusion", "route": "iv", "dose": 10, "dose_unit": "mg",
        "infusion_min": 30, "devices": "", "co_medication": "", "sampling_site": "venous",
        "analyte": "s_ketamine",
        "statistic": "concentration", "time_h": 0.5, "value": 56, "unit": "ng/mL", "dispersion": "",
        "dispersion_kind": "", "notes": "", "regimen": "",
    }  # fmt: skip
    return row | changes


def nasal(**changes: Any) -> dict[str, Any]:
    shared = {
        "formulation": "nasal_spray_28mg_device", "route": "nasal", "dose": 84, "devices": 3,
        "infusion_min": "", "statistic": "cmax", "time_h": "", "weight_kg": 74, "arm_id": "nasal",
    }  # fmt: skip
    return arm(**{**shared, **changes})


def predict_one(row: dict[str, Any], n_people: int = 2) -> dict[str, Any]:
    return dict(predict_arms([row], n_people=n_people).rows[0])


def value_of(row: dict[str, Any]) -> float:
    result = predict_one(row)
    assert result["verdict"] != "not_simulated", result["reason"]
    return float(result["predicted"])


def reason_of(row: dict[str, Any]) -> str:
    result = predict_one(row)
    assert result["verdict"] == "not_simulated"
    assert result["predicted"] is None
    assert result["ratio"] is None
    return str(result["reason"])


# ---- the development table ---------------------------------------------------------------------------------


def test_every_development_row_comes_back_in_order_with_all_its_cells(development: Prediction) -> None:
    with development_arms().open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        before = list(reader)
        columns = tuple(reader.fieldnames or ())
    assert development.columns == (*columns, *ADDED)
    assert [{column: row[column] for column in columns} for row in development.rows] == before
    assert development.verdicts == {"pass": 0, "fail": 0, "no_band": 114, "not_simulated": 0}
    for row in development.rows:
        low, predicted, high = (row[name] for name in ("predicted_low", "predicted", "predicted_high"))
        assert isinstance(low, float)
        assert isinstance(predicted, float)
        assert isinstance(high, float)
        assert 0.0 < low <= predicted <= high < math.inf


# The table of checks in the design of the parameter set: (study, arm, analyte, statistic) -> values of D1.
D1 = [
    ("PerezRuixo2021", "nasal_28mg_18to60y", "s_ketamine", "cmax", [42.86]),
    ("PerezRuixo2021", "nasal_28mg_18to60y", "s_ketamine", "auc_0_24", [147.96]),
    ("PerezRuixo2021", "nasal_28mg_18to60y", "s_norketamine", "cmax", [56.21]),
    ("PerezRuixo2021", "nasal_28mg_18to60y", "s_norketamine", "auc_0_24", [347.3]),
    ("PerezRuixo2021", "nasal_56mg_18to60y", "s_ketamine", "cmax", [71.54]),
    ("PerezRuixo2021", "nasal_56mg_18to60y", "s_ketamine", "auc_0_24", [253.1]),
    ("PerezRuixo2021", "nasal_84mg_18to60y", "s_ketamine", "cmax", [100.1]),
    ("PerezRuixo2021", "nasal_84mg_18to60y", "s_ketamine", "auc_0_24", [358.2]),
    ("PerezRuixo2021", "nasal_84mg_18to60y", "s_norketamine", "cmax", [171.4]),
    ("PerezRuixo2021", "nasal_84mg_18to60y", "s_norketamine", "auc_0_24", [986.6]),
    ("SpravatoLabel", "nasal_84mg", "s_ketamine", "bioavailability", [43.7753]),
    ("SpravatoLabel", "iv", "s_ketamine", "clearance", [95.1973]),
    ("SpravatoLabel", "iv", "s_ketamine", "half_life", [7.3491]),
    ("Otto2021", "iv_10mg_30min", "s_ketamine", "concentration",
     [53.3841, 27.8402, 15.4071, 10.2, 4.90022, 3.6, 2.1, 1.44249]),
    ("Otto2021", "iv_10mg_30min", "s_norketamine", "concentration",
     [11.5387, 21.5934, 21.1558, 17.5, 11.8098, 9.9, 7.4, 5.72569]),
    ("Simons2022", "iv_20mg_after_film50", "s_ketamine", "cmax", [250.0]),
    ("Simons2022", "film_50mg", "s_ketamine", "cmax", [74.5]),
    ("Simons2022", "film_50mg", "s_ketamine", "tmax", [17.0]),
    ("Simons2022", "film_50mg", "s_ketamine", "auc_0_6", [139.0]),
    ("Simons2022", "film_50mg", "s_norketamine", "cmax", [216.0]),
    ("Simons2022", "film_50mg", "s_norketamine", "tmax", [54.0]),
    ("Simons2022", "film_50mg", "s_norketamine", "auc_0_6", [559.0]),
    ("Simons2022", "film_50mg", "s_hnk", "cmax", [78.0]),
    ("Simons2022", "film_50mg", "s_hnk", "tmax", [96.0]),
    ("Simons2022", "film_50mg", "s_hnk", "auc_0_6", [364.0]),
    ("Rolan2014", "sl_wafer_25mg", "ketamine", "bioavailability", [32.66]),
    ("Rolan2014", "sl_wafer_25mg", "ketamine", "tmax", [0.83]),
    ("Hasan2021", "iv_5mg", "s_ketamine", "cmax", [13.0]),
    ("Hasan2021", "iv_5mg", "r_ketamine", "cmax", [15.0]),
    ("Hasan2021", "iv_5mg", "s_hnk", "ratio", [15.6845 / 10.5045]),
    ("Hasan2021", "iv_5mg", "r_hnk", "ratio", [30.1624 / 12.1682]),
    ("Hasan2021", "oral_pr_40mg", "s_ketamine", "bioavailability", [15.8908]),
    ("Hasan2021", "oral_pr_40mg", "r_ketamine", "bioavailability", [19.5974]),
    ("Wang2019", "iv_racemate_1mgkg_bolus", "r_ketamine", "ratio", [82.1813 / 95.1973]),
    ("Anaesthesist1984", "im_0.5mgkg", "ketamine", "cmax", [154.0]),
    ("Peltoniemi2012_rifampicin", "iv_0.1mgkg", "s_ketamine", "ratio", [0.859]),
    ("Peltoniemi2012_rifampicin", "oral_0.3mgkg", "s_ketamine", "ratio", [0.142]),
    ("Noppers2011_rifampicin", "iv_2h", "s_norketamine", "ratio", [0.52]),
    ("SpravatoLabel", "nasal_84mg_rifampicin", "s_ketamine", "ratio", [0.799, 0.660]),
]  # fmt: skip


@pytest.mark.parametrize(("study", "name", "analyte", "statistic", "values"), D1)
def test_typical_values_are_those_of_the_design(
    development: Prediction, study: str, name: str, analyte: str, statistic: str, values: list[float]
) -> None:
    key = {"study_id": study, "arm_id": name, "analyte": analyte, "statistic": statistic}
    found = [row for row in development.rows if all(row[column] == text for column, text in key.items())]
    predicted = [row["predicted"] for row in found]
    for value, expected in zip(predicted, values, strict=True):
        exact = len(f"{expected:g}".replace(".", "")) >= 6
        assert value == pytest.approx(expected, rel=1e-5 if exact else 0.02)


def test_stepwise_infusion_is_sampled_before_the_rate_changes(development: Prediction) -> None:
    ratios = [
        float(str(row["ratio"]))
        for row in development.rows
        if row["study_id"] == "Kamp2020b"
        and row["analyte"] == "s_ketamine"
        and float(str(row["time_h"])) >= 0.25
    ]
    assert (min(ratios), max(ratios)) == pytest.approx((0.79, 1.33), abs=0.01)


# ---- areas, peaks, slopes ----------------------------------------------------------------------------------


@given(rate=st.floats(0.05, 45.0), start=st.floats(0.0, 1.0))
@settings(max_examples=30)
def test_quadrature_integrates_exponentials_from_any_break(rate: float, start: float) -> None:
    times, weights = quadrature(panels([0.0, start], [24.0]))
    after = times > start
    area = weights[after] @ np.exp(-rate * (times[after] - start))
    assert area == pytest.approx(1.0 / rate, rel=1e-6)


def test_area_to_infinity_equals_the_closed_form() -> None:
    whole = arm(statistic="auc_inf", time_h="", unit="ng*h/mL", weight_kg=70)
    assert value_of(whole) == pytest.approx(105.045, rel=1e-5)
    assert value_of({**whole, "analyte": "s_norketamine"}) == pytest.approx(173.310, rel=1e-5)
    assert value_of({**whole, "analyte": "s_hnk"}) == pytest.approx(156.845, rel=1e-5)
    assert value_of({**whole, "analyte": "s_dhnk"}) == pytest.approx(307.692, rel=1e-5)
    nasal_area = nasal(statistic="auc_inf", unit="ng*h/mL")
    assert value_of(nasal_area) == pytest.approx(370.496, rel=1e-5)
    # Arterial areas are larger by dose / flow.
    assert value_of({**whole, "sampling_site": "arterial"}) == pytest.approx(105.045 + 10_000 / 455, rel=1e-5)


def test_the_same_arm_in_other_words_gives_the_same() -> None:
    plain = value_of(arm())
    assert value_of(arm(regimen="10 mg over 30 min", dose="", infusion_min="")) == pytest.approx(
        plain, rel=1e-9
    )
    assert value_of(arm(regimen="20 mg/h for 1800 s")) == pytest.approx(plain, rel=1e-9)
    assert value_of(arm(regimen="5 mg over 15 min ; 5 mg over 0.25 h")) == pytest.approx(plain, rel=1e-6)
    assert value_of(arm(dose=10 / 68, dose_unit="mg/kg")) == pytest.approx(plain, rel=1e-9)
    assert value_of(arm(unit="ug/L")) == pytest.approx(plain, rel=1e-9)
    assert value_of(arm(unit="nmol/mL")) == pytest.approx(plain / 237.73, rel=1e-9)
    assert value_of(nasal(dose="")) == pytest.approx(value_of(nasal(devices="")), rel=1e-9)
    assert value_of(arm(formulation="solution_for_injection")) == pytest.approx(plain, rel=1e-9)


def test_times_of_the_peak() -> None:
    first = nasal(statistic="tmax", unit="min", value=40)
    last = {**first, "notes": "time counted from the LAST device (add 10 min for time from the first device)"}
    assert value_of(first) == pytest.approx(49.7, abs=0.1)
    assert value_of(last) == pytest.approx(value_of(first) - 10.0, abs=1e-6)
    assert value_of(arm(statistic="tmax", unit="h", value=0.5)) == pytest.approx(0.5, abs=1e-6)


def test_an_earlier_dose_in_the_notes_is_given() -> None:
    alone = arm(regimen="20 mg over 20 min", statistic="cmax", sampling_site="arterial", weight_kg=73)
    notes = "infusion started 6 h after a 50 mg oral thin film in the same subject, so simulate both doses"
    both = predict_one({**alone, "notes": notes})
    assert both["predicted"] == pytest.approx(value_of(alone) + 5.2268, abs=0.5)
    assert "50 mg oral thin film, 6 h earlier" in both["reason"]
    assert "no time of it" in reason_of({**alone, "arm_id": "iv_after_film50"})


def test_two_films_are_twice_one() -> None:
    one = arm(formulation="oral_thin_film", route="sl", dose=50, infusion_min="", statistic="cmax")
    assert value_of({**one, "dose": 100}) == pytest.approx(2.0 * value_of(one), rel=1e-9)
    assert "Whole films" in reason_of({**one, "dose": 75})


def test_only_what_does_not_depend_on_the_infusion_time_is_predicted_without_it() -> None:
    push = arm(infusion_min="", value=1)
    assert "no infusion time" in reason_of({**push, "statistic": "cmax"})
    assert "no infusion time" in reason_of({**push, "statistic": "auc_0_6", "unit": "ng*h/mL"})
    assert value_of({**push, "statistic": "clearance", "unit": "mL/min", "weight_kg": 70}) == pytest.approx(
        95.1973 * 1000 / 60, rel=1e-5
    )
    area = {**push, "statistic": "auc_inf", "unit": "ng*h/mL", "weight_kg": 70}
    assert value_of(area) == pytest.approx(105.045, rel=1e-5)
    assert "no dose" in reason_of({**area, "dose": ""})
    assert value_of({**area, "dose": "", "statistic": "half_life", "unit": "h"}) == pytest.approx(
        7.349, rel=1e-3
    )


def test_a_ratio_does_not_need_the_dose() -> None:
    notes = "RATIO: auc_inf with rifampicin / auc_inf without; published as a 14 % decrease"
    ratio = arm(
        dose="", infusion_min="", statistic="ratio", unit="ratio", co_medication="rifampicin", notes=notes
    )
    assert value_of(ratio) == pytest.approx(0.859, abs=5e-4)
    peak = {**ratio, "notes": "RATIO: cmax with rifampicin / cmax without;"}
    assert "no infusion time" in reason_of(peak)
    assert "co_medication is" in reason_of({**ratio, "co_medication": "ticlopidine"})
    assert "do not define the ratio" in reason_of({**ratio, "notes": "a 14 % decrease"})


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("auc_inf with rifampicin", Term("auc_inf", "", "rifampicin")),
        (" auc_inf without", Term("auc_inf", "", "")),
        ("auc_0_5 s_hnk ", Term("auc_0_5", "s_hnk", None)),
        ("clearance s_ketamine, both measured after the racemate", Term("clearance", "s_ketamine", None)),
        ("cmax of hnk with grapefruit juice", Term("cmax", "hnk", "grapefruit_juice")),
        ("the area", Term("the", "area", None)),
        ("14 %", None),
        ("auc_inf with", None),
    ],
)
def test_terms_of_ratios(text: str, term: Term | None) -> None:
    assert _term(text) == term


def test_co_medications_act_by_their_records() -> None:
    assert set(co_medication_records().values()) <= set(interaction_names())
    plain = arm(
        formulation="oral_solution", route="oral", infusion_min="", statistic="auc_inf", unit="ng*h/mL"
    )
    inhibited = predict_one({**plain, "co_medication": "ticlopidine"})
    assert inhibited["predicted"] > 1.5 * value_of(plain)
    assert "low confidence" in inhibited["reason"]
    refused = reason_of({**plain, "co_medication": "rifampicn"})
    assert 'did you mean "rifampicin"' in refused


# ---- verdicts ----------------------------------------------------------------------------------------------


def test_verdicts_follow_the_bounds_on_the_ratio() -> None:
    assert predict_one(arm())["verdict"] == "no_band"
    assert predict_one(arm(pass_low="", pass_high=""))["verdict"] == "no_band"
    assert predict_one(arm(pass_low=0.75, pass_high=1.33))["verdict"] == "pass"
    assert predict_one(arm(pass_low=1.1, pass_high=1.33))["verdict"] == "fail"
    assert predict_one(arm(pass_low="", pass_high=0.5))["verdict"] == "fail"
    row = predict_one(arm(pass_low=0.75, pass_high=1.33))
    assert row["ratio"] == pytest.approx(53.3841 / 56, rel=1e-5)


def test_interval_targets_pass_inside_the_interval() -> None:
    target = nasal(
        statistic="tmax", unit="min", value="", dispersion="20 to 40", dispersion_kind="interval",
        notes="from the last device",
    )  # fmt: skip
    assert predict_one(target)["verdict"] == "no_band"
    inside = predict_one({**target, "pass_low": "", "pass_high": ""})
    assert (inside["verdict"], inside["ratio"]) == ("pass", None)
    assert predict_one({**target, "dispersion": "20 to 30", "pass_low": ""})["verdict"] == "fail"
    assert "dispersion" in reason_of({**target, "dispersion": "20-40"})


# ---- intervals ---------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_and_other_rows_do_not_matter() -> None:
    rows = [arm(), nasal(), arm(study_id="B", weight_kg=90)]
    every = predict_arms(rows, n_people=15)
    assert every.to_csv() == predict_arms(rows, n_people=15).to_csv()
    assert every.to_csv() == predict_arms(rows, n_people=15, workers=2).to_csv()
    alone = predict_arms([rows[1]], n_people=15).rows[0]
    assert {name: alone[name] for name in ADDED} == {name: every.rows[1][name] for name in ADDED}
    other = predict_arms(rows, n_people=15, seed=2)
    assert other.rows[0]["predicted"] == every.rows[0]["predicted"]
    assert other.rows[0]["predicted_high"] != every.rows[0]["predicted_high"]


def test_larger_arms_have_narrower_intervals() -> None:
    few, many = (predict_one(arm(n=size), n_people=60) for size in (4, 40))
    for part in ("se_people", "se_assay"):
        assert 0.01 * many["predicted"] < many[part] < 0.6 * few[part]
    assert many["se_parameters"] == few["se_parameters"]
    widths = [row["predicted_high"] - row["predicted_low"] for row in (few, many)]
    assert widths[1] < widths[0]


def test_an_interval_is_as_wide_as_its_parts_together() -> None:
    row = predict_one(arm(n=30), n_people=200)
    together = math.sqrt(sum((row[part] / row["predicted"]) ** 2 for part in PARTS))
    width = math.log(row["predicted_high"] / row["predicted_low"])
    assert width == pytest.approx(2 * 1.645 * together, rel=0.2)


def test_a_predicted_clearance_is_as_uncertain_as_the_published_ones() -> None:
    row = predict_one(arm(statistic="clearance", unit="L/h", time_h="", weight_kg=70), n_people=30)
    known = {one.parameters[0]: one for one in uncertain_pharmacokinetics()}
    assert row["se_parameters"] / row["predicted"] == pytest.approx(known["CLint"].sd / 2.706, rel=0.3)
    # The parameter is a share of what people differ in; the error of an assay averages out over an area.
    assert row["se_assay"] < row["se_people"] < row["se_parameters"]


def test_what_is_assumed_is_said() -> None:
    said = predict_one(arm(weight_kg="", age_years="", n="", sampling_site="", dose=500))["reason"]
    for part in (
        "weight assumed 70 kg",
        "age assumed 40",
        "subjects assumed 20",
        "site assumed venous",
        "extrapolation",
    ):
        assert part in said
    assert predict_one(arm())["reason"] == ""
    assert "120" not in predict_one(arm(weight_kg=120))["reason"]
    assert "outside 39 to 170 kg" in predict_one(arm(weight_kg=35))["reason"]
    assert "too low" in predict_one(arm(time_h=24))["reason"]


# ---- hostile rows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"dose": "1,5"}, 'line 2: dose is "1,5"'),
        ({"dose": "-10"}, "dose"),
        ({"dose": "nan"}, "dose"),
        ({"value": "1e999"}, "value"),
        ({"value": "about 50"}, "value"),
        ({"weight_kg": "0"}, "weight_kg"),
        ({"weight_kg": 700}, "possible"),
        ({"age_years": 12}, "paediatric"),
        ({"n": "17.5"}, "n is"),
        ({"time_h": ""}, "time_h"),
        ({"time_h": "-1"}, "time_h"),
        ({"time_h": 1e7}, "Up to"),
        ({"drug": "phencyclidine"}, "drug"),
        ({"formulation": "nasal_powder", "route": "nasal"}, "nasal"),
        ({"formulation": "oral_solutoin", "route": "oral"}, 'did you mean "oral_solution"'),
        ({"formulation": "", "route": "oral"}, "no formulation"),
        ({"route": "oral"}, "route"),
        ({"dose_unit": "g"}, "dose_unit"),
        ({"unit": "mmHg"}, "mmHg"),
        ({"unit": ""}, "unit"),
        ({"analyte": "s_ketamin"}, 'did you mean "s_ketamine"'),
        ({"analyte": "r_ketamine"}, "does not lead to r_ketamine"),
        ({"statistic": "auc_0_"}, "statistic"),
        ({"statistic": "volume"}, "statistic"),
        ({"statistic": "clearance", "unit": "L/h", "analyte": "s_hnk"}, "parent drug"),
        ({"sampling_site": "saliva"}, "sampling_site"),
        ({"co_medication": "valerian"}, "valerian"),
        ({"regimen": "10 mg in 30 min"}, "regimen step"),
        ({"regimen": "10 mg over 0 min"}, "regimen step"),
        ({"regimen": "10 mg over 30 min;"}, "regimen step"),
        ({"devices": 2}, "devices"),
        ({"pass_low": 2, "pass_high": 1}, "pass_low"),
        ({"pass_low": "x"}, "pass_low"),
    ],
)
def test_a_row_that_cannot_be_simulated_says_why(changes: dict[str, Any], expected: str) -> None:
    result = predict_arms([arm(**changes), arm()], n_people=2)
    assert result.rows[0]["verdict"] == "not_simulated"
    assert expected.lower() in str(result.rows[0]["reason"]).lower()
    assert result.rows[1]["predicted"] == pytest.approx(53.3841, rel=1e-5)


def test_nasal_rows_must_agree_with_their_devices() -> None:
    assert "contradict" in reason_of(nasal(devices=2))
    assert "28 mg" in reason_of(nasal(dose=80, devices=""))
    assert "infusion_min" in reason_of(nasal(infusion_min=10))
    assert "ketamine" in reason_of(nasal(drug="ketamine"))


def test_tables_that_cannot_be_read(tmp_path: Path) -> None:
    for text, code in (
        ("\n \n", "RK-EVI-002"),
        ("study_id,arm_id,study_id\n", "RK-EVI-003"),
        ("study_id,arm_id,drug,formulation,route,doses\n", "RK-EVI-004"),
    ):
        with pytest.raises(EvidenceError) as problem:
            predict_arms(text)
        assert problem.value.code == code
    (tmp_path / "latin.csv").write_bytes(b"study_id,\xff\xfe\n")
    for path in (tmp_path / "latin.csv", tmp_path / "absent.csv", tmp_path):
        with pytest.raises(EvidenceError, match="RK-EVI-001"):
            predict_arms(path)
    for count in (1, 0, -3, True):
        with pytest.raises(EvidenceError, match="RK-EVI-005"):
            predict_arms([arm()], n_people=count)


def test_odd_files_keep_their_rows(tmp_path: Path) -> None:
    header = list(arm())
    cells = [str(cell) for cell in arm().values()]
    path = tmp_path / "arms.csv"
    lines = [",".join(["my_column", *header]), ",".join(["x y ", *cells]), "", ",".join(["z", *cells[:-2]])]
    path.write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n").encode())
    result = predict_arms(path, n_people=2)
    assert [row["my_column"] for row in result.rows] == ["x y ", "z"]
    assert result.rows[0]["predicted"] == pytest.approx(53.3841, rel=1e-5)
    assert "line 4 has 22 fields, the header has 24" in str(result.rows[1]["reason"])


def test_a_prediction_can_be_predicted_again() -> None:
    result = predict_arms([arm(), nasal()], n_people=2)
    assert predict_arms(result.to_csv(), n_people=2).to_csv() == result.to_csv()


def test_outcome_tables_are_known_by_their_columns() -> None:
    text = "study_id,arm_id,outcome,value\nA,active,madrs_change,-12\nA,control,madrs_change,-8\n"
    result = predict_arms(text)
    parts = ("se_people", "se_parameters", "se_studies", "predicted_sd")
    each = tuple(f"predicted_{name}" for name in mechanism_weights())
    together = ("se_mechanisms", "predicted_equal_weights", *each)
    added = (*ADDED[:3], "difference", *parts, *together, *ADDED[-2:])
    assert result.columns[-len(added) :] == added
    assert result.verdicts == {**dict.fromkeys(VERDICTS, 0), "not_simulated": 2}
    assert 'drug is ""' in str(result.rows[0]["reason"])


# ---- output ------------------------------------------------------------------------------------------------


def test_output_in_csv_and_json(tmp_path: Path) -> None:
    result = predict_arms([arm(notes='a "quoted", note'), arm(dose="?")], n_people=2)
    path = tmp_path / "out.csv"
    assert result.to_csv(path) == path.read_text(encoding="utf-8")
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert rows[0]["notes"] == 'a "quoted", note'
    assert float(rows[0]["predicted"]) == pytest.approx(53.3841, rel=1e-5)
    assert rows[1]["predicted"] == rows[1]["predicted_low"] == rows[1]["ratio"] == ""
    content = json.loads(result.to_json())
    assert content["verdicts"]["not_simulated"] == 1
    assert content["rows"][1]["predicted"] is None
    assert content["columns"] == list(result.columns)
    assert "2 rows" in result.summary()
    with pytest.raises(OutputError):
        result.to_csv(tmp_path / "no" / "folder.csv")


def test_progress_and_speed() -> None:
    seen: list[tuple[int, int]] = []
    begin = time.perf_counter()
    predict_arms(
        [arm(), nasal(), arm(statistic="cmax")],
        n_people=20,
        progress=lambda done, every: seen.append((done, every)),
    )
    assert seen == [(1, 2), (2, 2)]
    assert time.perf_counter() - begin < 20.0
