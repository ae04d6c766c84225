"""What the figures of a replayed crossover trial are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rekindle.report._bands import Band


@dataclass(frozen=True)
class PatientVisit:
    """One visit: the observed score (None if missed) beside the predicted middle and interval, in points."""

    day: float
    label: str
    observed: float | None
    predicted: float
    low: float
    high: float


@dataclass(frozen=True)
class PatientPanel:
    """One patient: infusions as (day, arm) in the order received, visits, and if known the band between them.

    Days count from the first infusion; ``baseline`` is the observed score before it.
    """

    id: str
    infusions: Sequence[tuple[float, str]]
    visits: Sequence[PatientVisit]
    band: Band | None = None
    baseline: float | None = None


@dataclass(frozen=True)
class ArmChange:
    """Mean change from baseline of one arm at one visit, observed and predicted with intervals (points)."""

    arm: str
    visit: str
    n: int
    observed: float
    observed_low: float
    observed_high: float
    predicted: float
    predicted_low: float
    predicted_high: float
