"""The report as files: the page, its figures, and its tables as CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from rekindle.report._page import PageTable, render_page
from rekindle.report.evidence._aims import aims, aims_table
from rekindle.report.evidence._page import EvidenceReport, evidence_figures, evidence_page
from rekindle.report.evidence._points import EvidencePoint, evidence_points
from rekindle.report.evidence._sensitivity import sensitivity_records


def write_evidence(report: EvidenceReport, folder: Path) -> list[Path]:
    """Write the page, the figures and the tables; return what was written, the page first."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = evidence_figures(report)
    page = folder / "evidence.html"
    page.write_text(render_page(evidence_page(report, figures)), encoding="utf-8")
    predictions = {
        folder / "predicted_pk.csv": report.plasma,
        folder / "predicted_outcomes.csv": report.outcomes,
    }
    for path, prediction in predictions.items():
        prediction.to_csv(path)
    tables = [_write(folder / f"{name}.csv", records) for name, records in _tables(report).items() if records]
    drawn = [path for name, figure in figures.items() for path in figure.save(folder / name)]
    return [page, *predictions, *tables, *drawn]


def _tables(report: EvidenceReport) -> dict[str, list[dict[str, object]]]:
    plasma, outcomes = evidence_points(report.plasma), evidence_points(report.outcomes)
    return {
        "aims": _records(aims_table(aims(plasma, outcomes))),
        "residuals": [_residual(point) for point in (*plasma, *outcomes) if point.compared],
        "contrasts": [
            {
                "contrast": value.contrast.name,
                "compared": value.contrast.words,
                "mechanism": value.mechanism,
                "calibrated": "yes" if value.calibrated else "no",
                "ratio": _text(value.value),
                "low": _text(value.low),
                "high": _text(value.high),
            }
            for value in report.contrasts
        ],
        "facts": [] if report.facts is None else [dict(one) for one in report.facts.records()],
        "sensitivity": sensitivity_records(report.sensitivity),
    }


def _residual(point: EvidencePoint) -> dict[str, object]:
    observed, predicted, low, high = point.numbers
    return {
        "study_id": point.study,
        "arm_id": point.arm,
        "quantity": point.name,
        "unit": point.unit,
        "route": point.route,
        "control_class": point.control_class,
        "time_h": _text(point.time_h),
        "role": point.role,
        "observed": _text(observed),
        "predicted": _text(predicted),
        "predicted_low": _text(low),
        "predicted_high": _text(high),
        "residual_sd": _text(point.residual),
        "inside": "no" if point.outside else "yes",
    }


def _records(table: PageTable) -> list[dict[str, object]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _text(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.6g}"


def _write(path: Path, records: Iterable[Mapping[str, object]]) -> Path:
    rows = list(records)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
