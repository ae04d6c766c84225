"""The report on the evidence: failures first, roles apart, nothing left out."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rekindle.report._evidence_rows import EvidencePoint, evidence_points, inside, ranked, worst
from rekindle.report._evidence_tables import absent_tables, group_table, miss_tables

import rekindle.evidence
from rekindle.cli._evidence import command
from rekindle.evidence import Prediction, predict_arms
from rekindle.report import evidence_figures, evidence_page, render_page, write_evidence


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


def test_groups_count_rows_and_measure_errors() -> None:
    table = group_table("study", evidence_points(OUTCOMES), lambda point: point.study)
    cells = {line[0]: list(line[1:]) for line in table.rows}
    assert cells["FAR"] == ["points", "1", "1", "0 of 1", "10"]
    assert cells["GONE"] == ["points", "1", "0", "0 of 0", "–"]
    ratios = group_table("route", points(plasma_row(), plasma_row(value="40")), lambda point: point.route)
    assert ratios.rows == [["iv", "2", "2", "1 of 2", "0.5 to 1.25"]]


def test_a_failed_interval_target_is_listed() -> None:
    (table,) = miss_tables(points(plasma_row(value="", ratio=None, verdict="fail")))
    assert table.rows[0][-1] == "fails its band"


def test_every_row_not_simulated_is_listed_with_its_reason() -> None:
    (table,) = absent_tables(evidence_points(OUTCOMES))
    assert list(table.rows) == [("GONE one", "MADRS change", "the model has no heart rate.")]
    assert "check rows" in table.caption


def test_the_first_paragraph_says_where_it_fails_and_roles_stay_apart() -> None:
    page = evidence_page(PLASMA, OUTCOMES, evidence_figures(PLASMA, OUTCOMES))
    assert page.lead[0].startswith("1 of 6 rows fail the band of their table. Furthest outside among check")
    assert "FAIL one, MADRS change" in page.lead[0]
    text = " ".join(page.lead)
    assert "uncertainty of the fitted parameters" in text
    assert "no independent evidence" in text
    assert "check rows (the parameters were not set with them) 0 of 1 in plasma and 0 of 0" in text
    headings = [section.heading for section in page.sections]
    assert [name for name in headings if ":" in name] == [
        "Plasma: check", "Plasma: calibrate", "Outcomes: check", "Outcomes: calibrate",
    ]  # fmt: skip
    for section in page.sections:
        assert all(figure.alternative and figure.caption for figure in section.figures)
    html = render_page(page)
    assert "http" not in html.replace("http://www.w3.org", "")


def test_tables_without_comparable_rows_make_a_page_without_figures() -> None:
    gone = plasma_row(**{name: ABSENT[name] for name in ("predicted", "verdict", "reason")})
    plasma, outcomes = made(gone | {"predicted_low": None, "predicted_high": None}), made(ABSENT)
    assert evidence_figures(plasma, outcomes) == {}
    page = evidence_page(plasma, outcomes, {})
    assert page.lead[0] == "No observation lies outside its interval."


def test_the_same_predictions_give_the_same_files(tmp_path: Path) -> None:
    first, second = (write_evidence(PLASMA, OUTCOMES, tmp_path / name) for name in "ab")
    assert [path.name for path in first][:3] == [
        "evidence.html",
        "predicted_pk.csv",
        "predicted_outcomes.csv",
    ]
    assert {"predicted_pk.png", "predicted_points.svg"} <= {path.name for path in first}
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_the_command_writes_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("development_arms", "development_outcomes"):
        lines = getattr(rekindle.evidence, name)().read_text("utf-8").splitlines()
        kept = [*lines[:4], lines[-1]]
        (tmp_path / name).write_text("\n".join(kept) + "\n", encoding="utf-8")
        monkeypatch.setattr(rekindle.evidence, name, lambda path=tmp_path / name: path)
    folder = tmp_path / "out"
    options = ["report", "--out", str(folder), "--people", "4", "--seed", "2", "--workers", "1"]
    result = CliRunner().invoke(command, options, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "evidence.html" in result.output
    assert "Predicted against observed" in (folder / "evidence.html").read_text("utf-8")
    with (folder / "predicted_outcomes.csv").open(encoding="utf-8", newline="") as lines:
        written = list(csv.DictReader(lines))
    again = predict_arms(tmp_path / "development_outcomes", n_people=4, seed=2)
    assert [one["study_id"] for one in written] == [one["study_id"] for one in again.rows]
    assert [one["predicted"] for one in written] == [f"{one['predicted']:.6g}" for one in again.rows]
