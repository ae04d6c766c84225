"""Rows of a prediction as points to draw and to count."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rekindle.report.evidence._names import PLASMA, family_of, plain_name, when

if TYPE_CHECKING:
    from rekindle.evidence import Prediction

#: Role of rows that the parameters were not set with, and of those that they were.
CHECK, CALIBRATE = "check", "calibrate"
ROLE_WORDS = {
    CHECK: "check rows (the parameters were not set with them)",
    CALIBRATE: "calibration rows (no independent evidence)",
}
_UNKNOWN_ROLE = "role not stated"
_NOT_STATED = "not stated"
_SD_PER_WIDTH_90 = 1.0 / (2.0 * 1.6448536269514722)
_PARTS = "se_"


@dataclass(frozen=True)
class EvidencePoint:
    """One published row beside its prediction; numbers are in the unit of the row, None if there are none."""

    family: str
    study: str
    arm: str
    quantity: str
    unit: str
    when: str
    route: str
    role: str
    observed: float | None
    predicted: float | None
    low: float | None
    high: float | None
    failed: bool
    reason: str
    name: str = ""
    control_class: str = _NOT_STATED
    drug: str = ""
    time_h: float | None = None
    observed_sd: float | None = None
    predicted_sd: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict)
    people: int | None = None
    threshold: str = ""

    @property
    def label(self) -> str:
        """Study, arm, quantity and time."""
        arm = self.arm.replace("_", " ")
        return ", ".join(part for part in (f"{self.study} {arm}", self.quantity, self.when) if part)

    @property
    def row_label(self) -> str:
        """Arm, quantity and time, where the study is named elsewhere."""
        return ", ".join(part for part in (self.arm.replace("_", " "), self.quantity, self.when) if part)

    @property
    def compared(self) -> bool:
        """Whether there is a prediction and one observed value."""
        return None not in (self.observed, self.predicted, self.low, self.high)

    @property
    def numbers(self) -> tuple[float, float, float, float]:
        """Observed, predicted, and the bounds of the interval, of a row that is compared."""
        observed, predicted, low, high = self.observed, self.predicted, self.low, self.high
        assert observed is not None
        assert predicted is not None
        assert low is not None
        assert high is not None
        return observed, predicted, low, high

    @property
    def outside(self) -> float:
        """How far the observation lies beyond its interval; for plasma as a factor, less 1. 0 inside."""
        observed, _, low, high = self.numbers
        if low <= observed <= high:
            return 0.0
        if self.family != PLASMA:
            return max(low - observed, observed - high)
        if observed <= 0 or high <= 0:
            return math.inf
        return (low / observed if observed < low else observed / high) - 1

    @property
    def error(self) -> float:
        """Predicted less observed; for plasma the logarithm of their ratio."""
        observed, predicted, _, _ = self.numbers
        if self.family != PLASMA:
            return predicted - observed
        return math.log(predicted / observed) if observed > 0 and predicted > 0 else math.nan

    @property
    def residual(self) -> float:
        """Error in standard deviations of the prediction, as its 90 % interval states them."""
        _, _, low, high = self.numbers
        width = high - low
        if self.family == PLASMA:
            width = math.log(high / low) if low > 0 else math.nan
        return self.error / (width * _SD_PER_WIDTH_90) if width > 0 else math.nan

    @property
    def missed(self) -> bool:
        """Whether the observation lies outside its interval, or the row fails its own band."""
        return self.failed or (self.compared and self.outside > 0)


def evidence_points(prediction: Prediction) -> list[EvidencePoint]:
    """Every row of a prediction, in its order."""
    outcomes = "difference" in prediction.columns
    return [_point(row, outcomes=outcomes) for row in prediction.rows]


def _point(row: Mapping[str, object], *, outcomes: bool) -> EvidencePoint:
    cell = {name: "" if value is None else str(value).strip() for name, value in row.items()}
    name = cell["outcome"] if outcomes else f"{cell['analyte']}_{cell['statistic']}"
    family = family_of(name) if outcomes else PLASMA
    simulated = cell["verdict"] != "not_simulated"
    time = float(cell["time_h"]) if simulated and cell.get("time_h") else None
    return EvidencePoint(
        family=family,
        study=cell["study_id"],
        arm=cell["arm_id"],
        quantity=plain_name(name),
        unit=family if outcomes else cell.get("unit", ""),
        when="" if time is None else when(time),
        route=cell.get("route", ""),
        role=cell.get("role") or _UNKNOWN_ROLE,
        observed=float(cell["value"]) if simulated and cell.get("value") else None,
        predicted=_number(row["predicted"]),
        low=_number(row["predicted_low"]),
        high=_number(row["predicted_high"]),
        failed=cell["verdict"] == "fail",
        reason=_plain_reason(cell["reason"]),
        name=name,
        control_class=cell.get("control_class") or _NOT_STATED,
        drug=cell.get("drug", ""),
        time_h=time,
        observed_sd=float(cell["sd"]) if simulated and outcomes and cell.get("sd") else None,
        predicted_sd=_number(row.get("predicted_sd")),
        parts={
            column.removeprefix(_PARTS): value
            for column, value in row.items()
            if column.startswith(_PARTS) and isinstance(value, float)
        },
        people=_people(cell) if simulated else None,
        threshold=cell.get("threshold", ""),
    )


def _people(cell: Mapping[str, str]) -> int | None:
    """Number of people assessed, else in the arm."""
    stated = cell.get("n_at_time") or cell.get("n") or ""
    return round(float(stated)) if stated else None


def _number(cell: object) -> float | None:
    return cell if isinstance(cell, float) else None


def _plain_reason(text: str) -> str:
    """A refusal without its code and line, which belong to the table and not to a page."""
    return " ".join(re.sub(r"^RK-\w+-\d+: (line \d+: )?", "", text).split())
