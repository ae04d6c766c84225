"""Simulate one variant of a situation for its typical subject or for many people, and read off exposures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import EventTable, solve
from rekindle.evidence._data import assumption
from rekindle.evidence.plasma import _grid as grid
from rekindle.evidence.plasma._arm import Situation, total_dose
from rekindle.evidence.plasma._statistic import Exposure, Variant
from rekindle.modelling import Model, evaluate, symbols
from rekindle.people import Person
from rekindle.regimen import Dose, Regimen, Session
from rekindle.therapy import dose_records, pharmacokinetic_model

Array = NDArray[np.float64]
Parameters = Mapping[str, Any]

#: Digits (h) to which two times count as the same moment, as in the engine.
_TIME_DIGITS = 9


@dataclass(frozen=True)
class Subjects:
    """People with their parameters, in one order."""

    people: Sequence[Person]
    parameters: Mapping[str, Parameters]


def simulate_exposures(
    situation: Situation,
    variant: Variant,
    exposures: Iterable[Exposure],
    subjects: Subjects,
    *,
    refine: bool = False,
    workers: int = 1,
) -> dict[Exposure, Array]:
    """Exposures of everybody, shape (people,), in ng/mL, ng*h/mL and h.

    Args:
        situation: what was given to whom.
        variant: as given or as the intravenous reference, with interacting drugs or without.
        exposures: what to read off; all of this variant.
        subjects: who; their covariates and parameters are used, the situation's weight and age are not.
        refine: look for peaks a second time around the highest value (one person only).
        workers: processes of the engine.
    """
    return _Run(situation, variant, list(exposures), subjects, workers).exposures(refine=refine)


class _Run:
    def __init__(
        self, situation: Situation, variant: Variant, wanted: list[Exposure], subjects: Subjects, workers: int
    ) -> None:
        self.model = pharmacokinetic_model("D1")
        self.wanted, self.subjects, self.workers = wanted, subjects, workers
        self.regimen = _reference(situation) if variant.reference else situation.regimen
        prior = None if variant.reference else situation.prior
        self.start = situation.prior_h if prior is not None else 0.0
        factors = situation.factors() if variant.with_agents else {}
        self.factors = {name: value for name, value in factors.items() if name in self.model.parameters}
        self.records = {
            person.id: _records(person, self.regimen, prior, self.start, self.model)
            for person in subjects.people
        }
        begins, ends = _inputs(next(iter(self.records.values())), self.model)
        self.breaks = sorted(begins | ends)
        self.outputs = tuple(dict.fromkeys(exposure.output for exposure in wanted))

    def solve(self, times: Array) -> dict[str, Array]:
        """Outputs (people, times)."""
        rows = [row for rows in self.records.values() for row in rows]
        events = EventTable.from_rows(rows, self.model, extrapolate=True)
        parameters = {
            person.id: {**self.subjects.parameters.get(person.id, {}), **self.factors}
            for person in self.subjects.people
        }
        trajectory = solve(
            self.model,
            events,
            parameters=parameters,
            times=times,
            outputs=self.outputs,
            workers=self.workers,
        )
        return {name: trajectory[name] for name in self.outputs}

    def exposures(self, *, refine: bool) -> dict[Exposure, Array]:
        ends = [self.start + e.time_h for e in self.wanted if e.kind in ("area", "area_per_mg")]
        nodes, weights = (
            grid.quadrature(grid.panels(self.breaks, [self.start, *ends])) if ends else _nothing()
        )
        peaks = any(exposure.kind in ("peak", "peak_time") for exposure in self.wanted)
        search = grid.peak_times(self.breaks, self.start) if peaks else np.empty(0)
        levels = np.array(sorted({self.start + e.time_h for e in self.wanted if e.kind == "level"}))
        times, back = np.unique(
            np.concatenate([nodes, search, levels, grid.slope_times(self.breaks)]), return_inverse=True
        )
        curves = self.solve(times)
        cuts = np.cumsum([len(nodes), len(search), len(levels)])
        parts = {name: np.split(curve[:, back], cuts, axis=1) for name, curve in curves.items()}
        found = {}
        for exposure in self.wanted:
            areas, tops, points, slope = parts[exposure.output]
            if exposure.kind in ("area", "area_per_mg"):
                inside = (nodes > self.start) & (nodes < self.start + exposure.time_h)
                value = areas[:, inside] @ weights[inside]
                found[exposure] = value / self._doses() if exposure.kind == "area_per_mg" else value
            elif exposure.kind == "level":
                found[exposure] = points[:, np.searchsorted(levels, self.start + exposure.time_h)]
            elif exposure.kind == "half_life":
                with np.errstate(divide="ignore", invalid="ignore"):
                    rate = np.log(slope[:, 0] / slope[:, 1]) / np.diff(grid.slope_times(self.breaks))
                    found[exposure] = math.log(2.0) / rate
            else:
                at, height = self._peak(exposure.output, search, tops, refine)
                found[exposure] = height if exposure.kind == "peak" else at - self.start
        return found

    def _peak(self, output: str, search: Array, tops: Array, refine: bool) -> tuple[Array, Array]:
        """Time and height of each person's highest value."""
        if refine:
            search = grid.around(search, int(tops[0].argmax()))
            tops = self.solve(search)[output]
        place = tops.argmax(axis=1)
        return search[place], tops[np.arange(len(tops)), place]

    def _doses(self) -> Array:
        return np.array([total_dose(self.regimen, person.weight_kg) for person in self.subjects.people])


def _nothing() -> tuple[Array, Array]:
    return np.empty(0), np.empty(0)


def _reference(situation: Situation) -> Regimen:
    """Intravenous dose of the same drug that clearance and bioavailability are read from."""
    dose = Dose(assumption("reference_dose"), "mg", assumption("reference_infusion") / 60.0)
    return Regimen.of(drug=situation.drug, product="iv_infusion", sessions=[Session(0.0, (dose,))])


def _records(
    person: Person, regimen: Regimen, prior: Regimen | None, start: float, model: Model
) -> list[dict[str, Any]]:
    """Dose rows of one person; the arm's own regimen starts at ``start``, an earlier dose at 0."""
    rows = [] if prior is None else dose_records(prior, weight_kg=person.weight_kg, events=False)
    own = dose_records(regimen, weight_kg=person.weight_kg, first_occasion=2 if rows else 1, events=False)
    rows += [{**row, "TIME": float(row["TIME"]) + start} for row in own]
    known = {"ID": person.id, **person.covariates(model)}
    return [{**known, **row} for row in rows]


def _inputs(records: Iterable[Mapping[str, Any]], model: Model) -> tuple[set[float], set[float]]:
    """Times at which inputs of the typical subject begin and end."""
    begins, ends = set(), set()
    for row in records:
        begin = float(row["TIME"])
        modelled = row.get("RATE") == -2.0
        length = _modelled_duration(row["CMT"], model) if modelled else float(row.get("DUR", 0.0))
        begins.add(round(begin, _TIME_DIGITS))
        if length > 0.0:
            ends.add(round(begin + length, _TIME_DIGITS))
    return begins, ends


def _modelled_duration(state: str, model: Model) -> float:
    """Typical duration of a dose into a state, h; 0 if it depends on more than parameters."""
    duration = model.dosing[state].duration
    values = {name: parameter.value for name, parameter in model.parameters.items()}
    if duration is None or any(values.get(name) is None for name in symbols(duration)):
        return 0.0
    return float(evaluate(duration, values))
