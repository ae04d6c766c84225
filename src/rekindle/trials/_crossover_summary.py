"""Observed beside predicted for a crossover: means, spread, paired difference, response and remission."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.people import CrossoverCohort
from rekindle.trials._endpoints import endpoint
from rekindle.trials._ratings import rating_scale

Array = NDArray[np.float64]

_ARMS = ("ketamine", "saline")


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One quantity of one arm and visit.

    ``low`` and ``high`` bound 90 % of the simulated trials at the trial's own number of patients. ``naive``
    is what "nobody changes, but ratings err" predicts.
    """

    arm: str
    day: int
    scale: str
    quantity: str
    unit: str
    n: int
    observed: float
    predicted: float
    low: float
    high: float
    naive: float

    @property
    def inside(self) -> bool:
        """Whether the observation lies inside the 90 % interval."""
        return bool(self.low <= self.observed <= self.high)


def summarise(
    cohort: CrossoverCohort,
    patients: Sequence[str],
    scores: Mapping[str, Array],
    times: Array,
    visit_days: Sequence[int],
    gap_h: float,
) -> tuple[SummaryRow, ...]:
    """Rows of all arms, visits and scales.

    Args:
        cohort: the observations.
        patients: identifiers, in the order of the second axis of ``scores``.
        scores: scale -> simulated ratings (replicates, patients, times).
        times: h from the first infusion.
        visit_days: days after each infusion.
        gap_h: start of the second infusion, h.
    """
    rows: list[SummaryRow] = []
    order = {patient.id: patient.infusions for patient in cohort.patients}
    for scale, simulated in scores.items():
        visits = {}
        for arm in _ARMS:
            for day in visit_days:
                places = [_place(order[patient], arm, day, times, gap_h) for patient in patients]
                visits[arm, day] = _Visit.of(cohort, patients, scale, arm, day, places, simulated)
        for day in visit_days:
            for arm in _ARMS:
                rows += visits[arm, day].rows()
            rows += _paired(visits["ketamine", day], visits["saline", day])
    return tuple(rows)


def _place(infusions: Sequence[str], arm: str, day: int, times: Array, gap_h: float) -> int | None:
    if arm not in infusions:
        return None
    return int(np.searchsorted(times, infusions.index(arm) * gap_h + 24.0 * day))


@dataclass(frozen=True)
class _Visit:
    """Scores of the patients seen at one visit: observed (patients,), simulated (replicates, patients)."""

    arm: str
    day: int
    scale: str
    patients: tuple[str, ...]
    baseline: Array
    observed: Array
    simulated: Array

    @classmethod
    def of(
        cls,
        cohort: CrossoverCohort,
        patients: Sequence[str],
        scale: str,
        arm: str,
        day: int,
        places: Sequence[int | None],
        simulated: Array,
    ) -> _Visit:
        seen, baseline, observed, columns = [], [], [], []
        for column, (patient, place) in enumerate(zip(patients, places, strict=True)):
            start, value = (
                cohort.score(patient, "baseline", None, scale),
                cohort.score(patient, arm, day, scale),
            )
            if place is not None and start is not None and value is not None:
                seen.append(patient)
                baseline.append(start)
                observed.append(value)
                columns.append(simulated[:, column, place])
        return cls(arm, day, scale, tuple(seen), np.array(baseline), np.array(observed), np.array(columns).T)

    def rows(self) -> Iterator[SummaryRow]:
        """Mean and SD of change, response and remission."""
        if len(self.patients) < 2:
            return
        error = rating_scale(self.scale).sd * np.sqrt(2.0)
        change = self.simulated - self.baseline
        yield self._row("mean change", "points", self.observed - self.baseline, change, np.mean, 0.0)
        yield self._row("SD of change", "points", self.observed - self.baseline, change, _sd, float(error))
        for name in ("response", "remission"):
            rule = endpoint(name, self.scale)
            yield self._row(
                rule.label,
                "%",
                np.where(rule.reached(self.observed, self.baseline), 100.0, 0.0),
                np.where(rule.reached(self.simulated, self.baseline), 100.0, 0.0),
                np.mean,
                float(np.mean(100.0 * rule.reached(self.baseline, self.baseline))),
            )

    def _row(
        self,
        quantity: str,
        unit: str,
        observed: Array,
        simulated: Array,
        statistic: Callable[..., Array],
        naive: float,
    ) -> SummaryRow:
        return _row(self.arm, self, quantity, unit, observed, simulated, statistic, naive)


def _paired(ketamine: _Visit, saline: _Visit) -> Iterator[SummaryRow]:
    both = [patient for patient in ketamine.patients if patient in saline.patients]
    if len(both) < 2:
        return
    left = [ketamine.patients.index(patient) for patient in both]
    right = [saline.patients.index(patient) for patient in both]
    observed = ketamine.observed[left] - saline.observed[right]
    simulated = ketamine.simulated[:, left] - saline.simulated[:, right]
    error = float(rating_scale(ketamine.scale).sd * np.sqrt(2.0))
    arm = "ketamine minus saline"
    yield _row(arm, ketamine, "mean paired difference", "points", observed, simulated, np.mean, 0.0)
    yield _row(arm, ketamine, "SD of paired difference", "points", observed, simulated, _sd, error)


def _row(
    arm: str,
    visit: _Visit,
    quantity: str,
    unit: str,
    observed: Array,
    simulated: Array,
    statistic: Callable[..., Array],
    naive: float,
) -> SummaryRow:
    replicates = np.asarray(statistic(simulated, axis=-1), dtype=float)
    low, high = np.quantile(replicates, (0.05, 0.95))
    return SummaryRow(
        arm,
        visit.day,
        visit.scale,
        quantity,
        unit,
        len(observed),
        float(statistic(observed, axis=-1)),
        float(replicates.mean()),
        float(low),
        float(high),
        naive,
    )


def _sd(values: Array, axis: int) -> Array:
    return np.asarray(np.std(values, axis=axis, ddof=1))
