"""The report on the evidence: failures first, roles apart, nothing left out."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import rekindle.evidence
from rekindle.cli._evidence import command
from rekindle.errors import EvidenceError
from rekindle.evidence import Prediction, predict_arms
from rekindle.evidence.hypotheses import HypothesisComparison, contrast_values, hypothesis_scores
from rekindle.report import EvidenceReport, evidence_figures, evidence_page, render_page, write_evidence
from rekindle.report.evidence._aims import aims, naive
from rekindle.report.evidence._by_mechanism import errors_table
from rekindle.report.evidence._calibration import LISTED_CORRELATION, correlated
from rekindle.report.evidence._figure_forest import pages
from rekindle.report.evidence._figure_shares import share_figure
from rekindle.report.evidence._groupings import OUTCOME_GROUPINGS, group_table, time_class
from rekindle.report.evidence._groups import inside, ranked, worst
from rekindle.report.evidence._hypotheses import hypotheses_section
from rekindle.report.evidence._parts import parts_table
from rekindle.report.evidence._points import EvidencePoint, evidence_points
from rekindle.report.evidence._provenance import fingerprint
from rekindle.report.evidence._share_misses import (
    CHANCE,
    COVERED,
    HELD,
    MISSED,
    UNKNOWN,
    cause,
    expected_within,
    share_section,
)
from rekindle.report.evidence._tables import absent_tables, miss_tables
from rekindle.therapy import MechanismScore, calibrated_mechanisms, calibration, calibration_studies


def row(**changes: Any) -> dict[str, Any]:
    cells = {
        "study_id": "A", "arm_id": "one", "route": "iv", "role": "calibrate", "outcome": "madrs_change",
        "time_h": "24", "value": "-10", "predicted": -12.0, "predicted_low": -14.0, "predicted_high": -9.0,
        "difference": -2.0, "verdict": "no_band", "reason": "",
    }  # fmt: skip
    return cells | changes


def plasma_row(**changes: Any) -> dict[str, Any]:
    cells = {
        "analyte": "s_ketamine", "statistic": "cmax", "value": "100", "predicted": 50.0,
        "predicted_low": 40.0, "predicted_high": 80.0, "ratio": 0.5, "role": "check",
    }  # fmt: skip
    return row(**cells | changes)


def made(*rows: dict[str, Any]) -> Prediction:
    columns = tuple(dict.fromkeys(name for one in rows for name in one))
    plasma = "ratio" in columns
    columns = tuple(name for name in columns if not plasma or name not in ("outcome", "difference"))
    return Prediction(columns, rows, 10, 3)


ABSENT = row(
    study_id="GONE", role="check", predicted=None, predicted_low=None, predicted_high=None, difference=None,
    verdict="not_simulated", reason="RK-EVI-010: line 7: the model has no heart rate.",
)  # fmt: skip
FAR = row(study_id="FAR", value="-2")
OUTCOMES = made(row(), FAR, row(study_id="FAIL", value="-8.5", verdict="fail"), ABSENT)
PLASMA = made(plasma_row(), plasma_row(study_id="B", value="50", ratio=1.0, role="calibrate"))


def points(*rows: dict[str, Any]) -> list[EvidencePoint]:
    return evidence_points(made(*rows))


def test_distance_is_a_factor_for_plasma_and_a_difference_otherwise() -> None:
    assert [point.outside for point in points(row(), FAR)] == [0.0, 7.0]
    assert evidence_points(PLASMA)[0].outside == pytest.approx(0.25)
    assert points(plasma_row(value="20"))[0].outside == pytest.approx(1.0)
    assert inside(evidence_points(OUTCOMES)) == (1, 3)


@pytest.mark.parametrize(
    ("outcome", "family"),
    [
        ("madrs_change", "points"),
        ("madrs_pct_reduction", "per cent"),
        ("response_pct", "per cent"),
        ("madrs_effect_size", "effect size"),
        ("sbp_peak_change", "mmHg"),
        ("relapse_median_days", "days"),
        ("something", "other"),
    ],
)
def test_units_are_never_mixed(outcome: str, family: str) -> None:
    assert points(row(outcome=outcome))[0].family == family


def test_failures_come_first_then_the_furthest() -> None:
    assert [point.study for point in ranked(evidence_points(OUTCOMES))] == ["FAIL", "FAR"]
    twice = points(row(value="-2"), row(value="-1", time_h="48"))
    assert [point.observed for point in worst(twice, 5)] == [-1.0]


def test_groups_count_rows_and_measure_errors_by_role() -> None:
    rows = points(row(), row(value="-8"), row(value="-13", role="check"), row(route="nasal"), ABSENT)
    table = group_table("route", rows, lambda point: point.route)
    cells = {line[0]: list(line[1:]) for line in table.rows}
    assert cells["iv"] == ["points", "1 of 1", "+1", "1", "1 of 2", "-3", "3.16"]
    assert cells["nasal"] == ["points", "–", "", "", "1 of 1", "-2", "2"]
    ratios = group_table("route", points(plasma_row(), plasma_row(value="40")), lambda point: point.route)
    assert ratios.rows == [["iv", "1 of 2", "0.79", "0.5 to 1.2", "–", "", ""]]


def test_times_stand_in_their_order() -> None:
    rows = points(row(time_h="2"), row(time_h="1000"), row(time_h="30"), row(time_h=""))
    table = group_table("time", rows, OUTCOME_GROUPINGS["time since first dose"])
    assert [line[0] for line in table.rows] == ["up to 4 h", "4 to 36 h", "after 33 days", "no time stated"]
    assert time_class(rows[0]) == "up to 4 h"


def test_a_residual_is_counted_in_its_own_standard_deviations() -> None:
    (one,) = points(row(predicted_low=-14.0, predicted_high=-10.0))
    assert one.error == -2.0
    assert one.residual == pytest.approx(-2.0 / (4.0 / 3.2897), rel=1e-4)
    (one,) = points(plasma_row(predicted_low=25.0, predicted_high=100.0))
    assert one.residual == pytest.approx(math.log(0.5) / (math.log(4.0) / 3.2897), rel=1e-4)


# ---- aims --------------------------------------------------------------------------------------------------


def finding(name: str, plasma: Prediction, outcomes: Prediction) -> dict[str, Any]:
    found = aims(evidence_points(plasma), evidence_points(outcomes))
    return next(aim.findings for aim in found if aim.name == name)


def test_the_error_of_madrs_must_beat_the_mean_of_similar_arms() -> None:
    similar = [
        row(study_id=name, value=value, predicted=-10.0) for name, value in (("A", "-9"), ("B", "-11"))
    ]
    found = finding("MADRS change", PLASMA, made(*similar))
    assert found["calibrate"].met is True
    assert found["calibrate"].words == "1 over 2 arm means, naive 2"
    assert found["check"].met is None
    worse = [one | {"predicted": -10.0 + 2.5} for one in similar]
    assert finding("MADRS change", PLASMA, made(*worse))["calibrate"].met is False


def test_a_naive_prediction_is_the_mean_of_other_arms_alike() -> None:
    alike = {"drug": "ketamine", "control_class": "midazolam"}
    rows = points(
        row(**alike, value="-1"),
        row(**alike, value="-5"),
        row(**alike, value="-7", time_h="30"),
        row(**alike, value="-100", time_h="200"),
        row(**(alike | {"drug": "saline"}), value="-100"),
        row(**(alike | {"control_class": "mixed"}), value="-100"),
        row(**alike, value="-100", role="check"),
    )
    assert naive(rows[0], rows) == -6.0
    assert naive(rows[6], rows) == pytest.approx(-13.0 / 3.0)
    assert naive(rows[3], rows) == pytest.approx((-1 - 5 - 7 - 100) / 4)
    assert naive(rows[4], rows) is None


@pytest.mark.parametrize(("inside_count", "met"), [(7, False), (8, True), (9, True), (10, False)])
def test_coverage_must_be_neither_low_nor_complete(inside_count: int, met: bool) -> None:
    rows = [row(value="-10" if place < inside_count else "-30") for place in range(10)]
    assert finding("coverage of outcomes", PLASMA, made(*rows))["calibrate"].met is met


def test_spreads_shares_and_ratios_have_their_bands() -> None:
    spread = [row(sd="10", predicted_sd=sd) for sd in (8.0, 12.5)]
    assert finding("SD of change", PLASMA, made(*spread))["calibrate"].met is True
    assert finding("SD of change", PLASMA, made(row(sd="10", predicted_sd=12.6)))["calibrate"].met is False
    share = row(outcome="response_pct", value="50", predicted=60.0, predicted_low=40.0, predicted_high=70.0)
    assert finding("response and remission", PLASMA, made(share))["calibrate"].met is True
    share = share | {"value": "49"}
    assert finding("response and remission", PLASMA, made(share))["calibrate"].met is False
    assert finding("plasma ratios", PLASMA, OUTCOMES)["check"].words == "0 of 1 (0 %)"
    assert finding("plasma ratios", PLASMA, OUTCOMES)["calibrate"].met is True


def test_a_failed_interval_target_is_listed() -> None:
    (table,) = miss_tables(points(plasma_row(value="", ratio=None, verdict="fail")))
    assert table.rows[0][-1] == "fails its band"


def test_every_row_not_simulated_is_listed_with_its_reason() -> None:
    (table,) = absent_tables(evidence_points(OUTCOMES))
    assert list(table.rows) == [("GONE one", "MADRS change", "the model has no heart rate.")]
    assert "check rows" in table.caption


def test_the_first_paragraph_says_where_it_fails_and_roles_stay_apart() -> None:
    report = EvidenceReport(PLASMA, OUTCOMES)
    page = evidence_page(report, evidence_figures(report))
    assert page.lead[0].startswith(
        "1 of 6 rows fail the band of their table. Where it fails among check rows"
    )
    assert "plasma ratios: 0 of 1 (0 %)" in page.lead[0]
    assert "1 of 1 in plasma" in page.lead[0]
    assert "A one, S-ketamine Cmax" in page.lead[0]
    assert "FAR" not in page.lead[0]
    assert page.lead[1].startswith("Where it fails among calibration rows")
    assert "FAR one, MADRS change" in page.lead[1]
    assert "by route for IV (2 of 3 outside, -5.2 points on average)" in page.lead[1]
    assert "no independent evidence" in page.lead[3]
    for section in page.sections:
        assert all(figure.alternative and figure.caption for figure in section.figures)
    html = render_page(page)
    assert "http" not in html.replace("http://www.w3.org", "")
    assert "@page { size: A4" in html


def test_the_words_follow_the_numbers() -> None:
    good = made(row(), row(study_id="B"))
    page = evidence_page(EvidenceReport(made(plasma_row(value="50")), good), {})
    assert not any("Outside their 90 % interval" in text for text in page.lead)
    assert not any("most by" in text for text in page.lead)


def test_every_row_that_can_be_compared_has_a_line_under_its_study() -> None:
    rows = points(*(row(study_id=f"S{place // 30}", arm_id=str(place)) for place in range(120)))
    found = pages(rows)
    lines = [line for page in found for line in page]
    assert [line.point.arm for line in lines if line.point is not None] == [
        str(place) for place in range(120)
    ]
    assert all(page[0].point is None for page in found)
    assert max(len(page) for page in found) <= 52
    assert any(line.text.endswith(", continued") for line in lines)


def test_the_parts_of_an_interval_are_shares_of_its_variance() -> None:
    table = parts_table(points(row(se_people=3.0, se_parameters=4.0, se_studies=0.0)))
    assert table is not None
    assert list(table.rows) == [["MADRS change", "1", "36 %", "64 %", "0 %"]]
    assert parts_table(points(row())) is None


# ---- shares of people ------------------------------------------------------------------------------------


def share(**changes: Any) -> dict[str, Any]:
    cells = {
        "outcome": "response_pct", "value": "50", "predicted": 50.0, "predicted_low": 0.0,
        "predicted_high": 100.0, "n": "30", "n_at_time": "", "threshold": "fall >=50%",
        "control_class": "open_label",
    }  # fmt: skip
    return row(**cells | changes)


def test_what_chance_would_leave_within_ten_points_is_binomial() -> None:
    (one,) = points(share())
    exact = sum(math.comb(30, count) for count in range(12, 19)) / 2**30
    assert expected_within(one) == pytest.approx(exact)
    # One such arm in five is further off, as the page says.
    assert 1 - exact == pytest.approx(0.2, abs=0.01)
    assert expected_within(points(share(n=""))[0]) is None
    assert expected_within(points(share(n_at_time="100"))[0]) > exact


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"value": "60"}, HELD),
        ({"value": "63.3"}, CHANCE),
        ({"value": "63.3", "n_at_time": "300"}, COVERED),
        ({"value": "90"}, COVERED),
        ({"value": "90", "predicted_high": 80.0}, MISSED),
        ({"value": "63.3", "n": ""}, UNKNOWN),
        ({"value": "0", "predicted": 10.1, "n": "12"}, CHANCE),
    ],
)
def test_a_miss_has_one_cause(changes: dict[str, Any], expected: int) -> None:
    assert cause(points(share(**changes))[0]) == expected


def test_causes_add_up_by_every_grouping_and_roles_stay_apart() -> None:
    rows = points(
        share(), share(value="90", n="8"), share(value="63.3", role="check"),
        share(outcome="remission_pct", threshold="", value="100", predicted_high=60.0), row(),
    )  # fmt: skip
    section = share_section(rows, [])
    assert section is not None
    assert section.paragraphs[1].startswith("Check rows")
    assert "1 lie outside it" in section.paragraphs[2]
    assert len(section.tables) == 6
    for table, count in zip(section.tables, (1, 1, 1, 3, 3, 3), strict=True):
        assert sum(int(line[1]) for line in table.rows) == count
        for line in table.rows:
            assert sum(int(cell) for cell in line[2:6]) == int(line[1])
    assert {line[0] for line in section.tables[4].rows} == {
        "response, fall >=50%",
        "remission, rule not stated",
    }
    figure = share_figure(rows)
    assert figure is not None
    assert "1 of 4 lie within" in figure.alternative
    assert share_section(points(row()), []) is None
    assert share_figure(points(share(n=""))) is None


# ---- calibration and hypotheses ----------------------------------------------------------------------------


def test_each_shipped_calibration_has_a_section_with_everything_it_says() -> None:
    mechanisms = calibrated_mechanisms()
    report = EvidenceReport(PLASMA, OUTCOMES, mechanisms)
    page = evidence_page(report, evidence_figures(report))
    for name in mechanisms:
        found = calibration(name)
        (section,) = (one for one in page.sections if one.heading == f"Calibration: {name}")
        assert len(section.figures) == 1
        parameters, studies = section.tables[:2]
        assert [line[0] for line in parameters.rows] == [one.name for one in found.parameters]
        assert [line[0] for line in studies.rows] == [one.study_id for one in calibration_studies(name)]
        assert [line[-1] for line in parameters.rows].count("prior only") == sum(
            one.prior_only for one in found.parameters
        )
        for first, second, value in correlated(found):
            assert first != second
            assert abs(value) > LISTED_CORRELATION


def test_hypotheses_are_ranked_weighted_and_never_compared_across_data() -> None:
    scores = (
        MechanismScore("a", {"X": -1.0, "Y": -3.0, "Z": -1.0}, 0.6),
        MechanismScore("b", {"X": -2.0, "Y": -1.0, "Z": -5.0}, 0.4),
    )
    first, second = hypothesis_scores(scores, ("X", "Y", "Z"))
    assert (first.mechanism, first.log_score, first.difference) == ("a", -5.0, 0.0)
    assert second.difference == pytest.approx(-3.0)
    assert second.error == pytest.approx(math.sqrt(3.0) * np.std([-1.0, 2.0, -4.0], ddof=1))
    weights = {"predictive": {"a": 0.75, "b": 0.25}}
    compared = HypothesisComparison({"S": (-1.0, -2.0)}, (first, second), weights, comparable=False)
    section = hypotheses_section(compared, (), ())
    assert "3 behind" in section.paragraphs[0]
    assert "do not compare" in section.paragraphs[0]
    assert section.tables[0].rows[1][-1] == "0.25"
    alone = HypothesisComparison({"S": (-1.0,)}, (first,), {}, comparable=True)
    assert "Only one hypothesis" in hypotheses_section(alone, (), ()).paragraphs[0]


def test_errors_of_each_hypothesis_stand_beside_those_of_the_averages() -> None:
    each = {"predicted_equal_weights": -11.0, "predicted_a": -10.0, "predicted_b": -14.0}
    rows = [row(**each), row(**each, value="-12"), row(**each, value="-14", role="check")]
    other = row(outcome="response_pct", value="99", **each)
    table = errors_table(made(*rows, other, ABSENT | dict.fromkeys(each)))
    assert table is not None
    found = {line[0]: list(line[1:]) for line in table.rows}
    assert found == {
        "averaged by weight": ["1", "2", "+2", "2", "1.41", "-1"],
        "averaged with equal weights": ["1", "3", "+3", "2", "1", "0"],
        "a": ["1", "4", "+4", "2", "1.41", "+1"],
        "b": ["1", "0", "0", "2", "3.16", "-3"],
    }
    assert errors_table(OUTCOMES) is None


def test_contrasts_stand_side_by_side_and_say_what_is_not_calibrated() -> None:
    values = contrast_values(draws=4)
    report = EvidenceReport(PLASMA, OUTCOMES, contrasts=values)
    page = evidence_page(report, evidence_figures(report))
    (section,) = (one for one in page.sections if one.heading == "Mechanism hypotheses")
    (table,) = section.tables
    assert len(table.rows) * 3 == len(values)
    for value in values:
        assert (value.low is None) == (not value.calibrated)
    said = " ".join(cell for line in table.rows for cell in line)
    assert ("(nominal)" in said) == any(not value.calibrated for value in values)


def test_a_fingerprint_is_that_of_the_table_alone() -> None:
    other = made(*(one | {"predicted": 0.0, "se_people": 1.0} for one in OUTCOMES.rows))
    assert fingerprint(OUTCOMES) == fingerprint(other)
    assert fingerprint(OUTCOMES) != fingerprint(made(*OUTCOMES.rows[:2]))


def test_tables_without_comparable_rows_make_a_page_without_figures() -> None:
    gone = plasma_row(**{name: ABSENT[name] for name in ("predicted", "verdict", "reason")})
    plasma, outcomes = made(gone | {"predicted_low": None, "predicted_high": None}), made(ABSENT)
    report = EvidenceReport(plasma, outcomes)
    assert evidence_figures(report) == {}
    page = evidence_page(report, {})
    assert page.lead[0] == "No observation lies outside its interval."


def test_the_same_predictions_give_the_same_files(tmp_path: Path) -> None:
    report = EvidenceReport(made(plasma_row()), made(ABSENT))
    first, second = (write_evidence(report, tmp_path / name) for name in "ab")
    assert [path.name for path in first][:3] == [
        "evidence.html",
        "predicted_pk.csv",
        "predicted_outcomes.csv",
    ]
    assert {"predicted_pk.png", "arms_plasma.svg", "residuals.csv", "aims.csv"} <= {
        path.name for path in first
    }
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_the_command_writes_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("development_arms", "development_outcomes"):
        lines = getattr(rekindle.evidence, name)().read_text("utf-8").splitlines()
        kept = [*lines[:4], lines[-1]]
        (tmp_path / name).write_text("\n".join(kept) + "\n", encoding="utf-8")
        monkeypatch.setattr(rekindle.evidence, name, lambda path=tmp_path / name: path)
    folder = tmp_path / "out"
    options = ["report", "--out", str(folder), "--people", "4", "--seed", "2"]
    options += ["--sensitivity", "2", "--draws", "2", "--workers", "1"]
    result = CliRunner().invoke(command, options, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "evidence.html" in result.output
    html = (folder / "evidence.html").read_text("utf-8")
    for part in (
        "Predicted against observed",
        "Global sensitivity",
        "Mechanism hypotheses",
        "Where it fails",
    ):
        assert part in html
    for name in ("contrasts.csv", "sensitivity.csv", "residuals.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as lines:
            assert list(csv.DictReader(lines))
    with (folder / "predicted_outcomes.csv").open(encoding="utf-8", newline="") as lines:
        written = list(csv.DictReader(lines))
    again = predict_arms(tmp_path / "development_outcomes", n_people=4, seed=2, draws=2)
    assert [one["predicted_low"] for one in written] == [f"{one['predicted_low']:.6g}" for one in again.rows]
    assert [one["study_id"] for one in written] == [one["study_id"] for one in again.rows]
    assert [one["predicted"] for one in written] == [f"{one['predicted']:.6g}" for one in again.rows]


def test_base_samples_that_are_no_power_of_two_are_refused_before_any_work(tmp_path: Path) -> None:
    options = ["report", "--out", str(tmp_path / "out"), "--sensitivity", "100"]
    result = CliRunner().invoke(command, options)
    assert isinstance(result.exception, EvidenceError)
    assert result.exception.code == "RK-EVI-040"
    assert not (tmp_path / "out" / "evidence.html").exists()
