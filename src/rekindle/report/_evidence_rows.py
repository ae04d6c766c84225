"""Rows of a prediction as points to draw and to count."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from rekindle.report._format import duration

if TYPE_CHECKING:
    from rekindle.evidence import Prediction

Key = TypeVar("Key")

PLASMA = "plasma"
POINTS, SHARES, PRESSURE, EFFECT_SIZE, DAYS, OTHER = (
    "points",
    "per cent",
    "mmHg",
    "effect size",
    "days",
    "other",
)
#: Role of rows that the parameters were not set with, and of those that they were.
CHECK, CALIBRATE = "check", "calibrate"
ROLE_WORDS = {
    CHECK: "check rows (the parameters were not set with them)",
    CALIBRATE: "calibration rows (no independent evidence)",
}
_UNKNOWN_ROLE = "role not stated"
# Checked in this order: "madrs_pct_reduction" and "madrs_effect_size" also begin with the name of a scale.
_FAMILIES = (
    (r"_pct(_|$)", SHARES),
    (r"_effect_size$", EFFECT_SIZE),
    (r"_days$", DAYS),
    (r"^[sd]bp_", PRESSURE),
    (r"_(change|total|difference)$", POINTS),
)
_WORDS = {
    "madrs": "MADRS", "hamd17": "HAM-D17", "hdrs": "HAM-D", "cadss": "CADSS", "phq9": "PHQ-9",
    "qids": "QIDS", "gad7": "GAD-7", "ptsd": "PTSD", "pct": "%", "sbp": "systolic", "dbp": "diastolic",
    "bp": "blood pressure", "hr": "heart rate", "ae": "event", "vas": "VAS", "cmax": "Cmax",
    "tmax": "Tmax", "auc": "AUC", "s": "S", "r": "R", "hnk": "HNK",
}  # fmt: skip


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

    @property
    def label(self) -> str:
        """Study, arm, quantity and time."""
        arm = self.arm.replace("_", " ")
        return ", ".join(part for part in (f"{self.study} {arm}", self.quantity, self.when) if part)

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
    def missed(self) -> bool:
        """Whether the observation lies outside its interval, or the row fails its own band."""
        return self.failed or (self.compared and self.outside > 0)


def evidence_points(prediction: Prediction) -> list[EvidencePoint]:
    """Every row of a prediction, in its order."""
    outcomes = "difference" in prediction.columns
    points = []
    for row in prediction.rows:
        cell = {name: "" if value is None else str(value).strip() for name, value in row.items()}
        quantity = cell["outcome"] if outcomes else f"{cell['analyte']}_{cell['statistic']}"
        simulated = cell["verdict"] != "not_simulated"
        points.append(
            EvidencePoint(
                family=_family(quantity) if outcomes else PLASMA,
                study=cell["study_id"],
                arm=cell["arm_id"],
                quantity=plain_name(quantity),
                unit=_family(quantity) if outcomes else cell.get("unit", ""),
                when=_when(float(cell["time_h"])) if simulated and cell.get("time_h") else "",
                route=cell.get("route", ""),
                role=cell.get("role") or _UNKNOWN_ROLE,
                observed=float(cell["value"]) if simulated and cell.get("value") else None,
                predicted=_number(row["predicted"]),
                low=_number(row["predicted_low"]),
                high=_number(row["predicted_high"]),
                failed=cell["verdict"] == "fail",
                reason=_plain_reason(cell["reason"]),
            )
        )
    return points


def plain_name(name: str) -> str:
    """A name of a table in words.

    >>> plain_name("madrs_change"), plain_name("response_pct"), plain_name("s_ketamine_auc_0_24")
    ('MADRS change', 'response (%)', 'S-ketamine AUC 0 to 24 h')
    """
    name = re.sub(r"auc_0_(\w+)$", r"auc 0 to \1 h", name)
    text = " ".join(_WORDS.get(word, word) for word in re.split("[_ ]", name))
    text = re.sub(r"\b([SR]) (?=\w)", r"\1-", text)
    return re.sub(r" %$", " (%)", text)


def roles_of(points: Iterable[EvidencePoint]) -> list[str]:
    """Roles that occur, independent rows first."""
    found = {point.role for point in points}
    known = [role for role in (CHECK, CALIBRATE) if role in found]
    return known + sorted(found - set(known))


def worst(points: Iterable[EvidencePoint], most: int) -> list[EvidencePoint]:
    """The rows furthest outside, failures first, one for each study, arm and quantity."""
    found: dict[tuple[str, str, str], EvidencePoint] = {}
    for point in ranked(points):
        found.setdefault((point.study, point.arm, point.quantity), point)
    return list(found.values())[:most]


def ranked(points: Iterable[EvidencePoint]) -> list[EvidencePoint]:
    """All misses of one family, failures first, then those furthest outside."""
    missed = [point for point in points if point.missed]
    return sorted(missed, key=lambda point: (not point.failed, -_distance(point)))


def inside(points: Sequence[EvidencePoint]) -> tuple[int, int]:
    """Number of observations inside their interval, and of all that can be compared."""
    compared = [point for point in points if point.compared]
    return sum(point.outside == 0 for point in compared), len(compared)


def grouped(
    points: Iterable[EvidencePoint], key: Callable[[EvidencePoint], Key]
) -> dict[Key, list[EvidencePoint]]:
    """Points by a key, in the order of first appearance."""
    groups: dict[Key, list[EvidencePoint]] = {}
    for point in points:
        groups.setdefault(key(point), []).append(point)
    return groups


def of_role(points: Iterable[EvidencePoint], role: str) -> list[EvidencePoint]:
    """Points of one role."""
    return [point for point in points if point.role == role]


def _distance(point: EvidencePoint) -> float:
    return point.outside if point.compared else 0.0


def _when(hours: float) -> str:
    # A number and its unit stay on one line.
    return duration(hours).replace(" ", "\N{NO-BREAK SPACE}") if hours else "before"


def _family(outcome: str) -> str:
    return next((family for pattern, family in _FAMILIES if re.search(pattern, outcome)), OTHER)


def _number(cell: object) -> float | None:
    return cell if isinstance(cell, float) else None


def _plain_reason(text: str) -> str:
    """A refusal without its code and line, which belong to the table and not to a page."""
    return " ".join(re.sub(r"^RK-\w+-\d+: (line \d+: )?", "", text).split())
