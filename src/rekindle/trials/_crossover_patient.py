"""What was observed of each patient of a crossover beside what was predicted, and how near they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.people import CrossoverCohort

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PatientReplay:
    """One patient: what was observed and the predicted distribution of scores (MADRS).

    Attributes:
        infusions: those given, in order.
        starts_h: their times, h from the first.
        baseline: observed MADRS before treatment.
        observed: (treatment, day) -> observed score; missing visits are absent.
        times_h: times of the band, h from the first infusion.
        low, median, high: 5, 50 and 95 % of the predicted scores, rating error included.
        visits: (treatment, day) -> predicted scores of all replicates.
    """

    id: str
    infusions: tuple[str, ...]
    starts_h: tuple[float, ...]
    baseline: float
    observed: Mapping[tuple[str, int], float]
    times_h: Array
    low: Array
    median: Array
    high: Array
    visits: Mapping[tuple[str, int], Array]


def replay_patient(
    cohort: CrossoverCohort,
    patient: str,
    infusions: tuple[str, ...],
    scores: Array,
    times: Array,
    visit_days: Sequence[int],
    gap_h: float,
) -> PatientReplay:
    """Band, visits and observed scores of one patient; ``scores`` has the shape (replicates, times)."""
    low, median, high = np.quantile(scores, (0.05, 0.5, 0.95), axis=0)
    starts = tuple(gap_h * place for place in range(len(infusions)))
    baseline = cohort.score(patient, "baseline", None)
    assert baseline is not None, "patients without a baseline are left out"
    visits, observed = {}, {}
    for arm, start in zip(infusions, starts, strict=True):
        for day in visit_days:
            visits[arm, day] = scores[:, int(np.searchsorted(times, start + 24.0 * day))]
            value = cohort.score(patient, arm, day)
            if value is not None:
                observed[arm, day] = value
    return PatientReplay(patient, infusions, starts, baseline, observed, times, low, median, high, visits)


def coverage(patients: Sequence[PatientReplay]) -> tuple[float, int]:
    """Share of observed scores inside their 90 % interval, and the number of scores."""
    inside = [
        bool(np.quantile(patient.visits[visit], 0.05) <= value <= np.quantile(patient.visits[visit], 0.95))
        for patient in patients
        for visit, value in patient.observed.items()
    ]
    return float(np.mean(inside)), len(inside)


def prediction_errors(patients: Sequence[PatientReplay]) -> dict[str, float]:
    """Root-mean-square error of single scores: the model's median, no change, and the others' mean change."""
    model, unchanged, others = [], [], []
    for patient in patients:
        for visit, value in patient.observed.items():
            changes = [
                p.observed[visit] - p.baseline for p in patients if p is not patient and visit in p.observed
            ]
            model.append(float(np.median(patient.visits[visit])) - value)
            unchanged.append(patient.baseline - value)
            others.append(patient.baseline + float(np.mean(changes)) - value)
    names = ("model", "naive: no change", "naive: mean change of the other patients")
    return {
        name: float(np.sqrt(np.mean(np.square(errors))))
        for name, errors in zip(names, (model, unchanged, others), strict=True)
    }
