"""Errors of MADRS changes under each mechanism hypothesis, beside those of the averages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rekindle.report._format import number
from rekindle.report._page import PageTable
from rekindle.report.evidence._groupings import root_mean_square, signed
from rekindle.report.evidence._points import CALIBRATE, CHECK

if TYPE_CHECKING:
    from rekindle.evidence import Prediction

_MADRS = "madrs_change"
_AVERAGES = {"predicted": "averaged by weight", "predicted_equal_weights": "averaged with equal weights"}
_OTHERS = ("predicted_low", "predicted_high", "predicted_sd")


def errors_table(outcomes: Prediction) -> PageTable | None:
    """Error of predicted MADRS changes by hypothesis and role; None where only one was predicted with."""
    if "predicted_equal_weights" not in outcomes.columns:
        return None
    names = {
        column: _AVERAGES.get(column, column.removeprefix("predicted_"))
        for column in outcomes.columns
        if column.startswith("predicted") and column not in _OTHERS
    }
    rows = [
        (words, *(cell for role in (CHECK, CALIBRATE) for cell in _cells(outcomes, column, role)))
        for column, words in names.items()
    ]
    return PageTable(
        "MADRS changes of arms: error under each hypothesis and of the averages, points.",
        (
            "prediction",
            *(f"{role}: {what}" for role in (CHECK, CALIBRATE) for what in ("arms", "RMSE", "mean error")),
        ),
        rows,
    )


def _cells(outcomes: Prediction, column: str, role: str) -> list[str]:
    found = [_error(row, column) for row in outcomes.rows if row["outcome"] == _MADRS and row["role"] == role]
    errors = [error for error in found if error is not None]
    if not errors:
        return ["0", "–", "–"]
    return [str(len(errors)), number(root_mean_square(errors)), signed(sum(errors) / len(errors))]


def _error(row: Mapping[str, object], column: str) -> float | None:
    predicted, observed = row.get(column), str(row.get("value") or "")
    return predicted - float(observed) if isinstance(predicted, float) and observed else None
