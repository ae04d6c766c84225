"""Real patients as one block: every score of every patient, related within a patient."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence.calibration._block import Block
from rekindle.evidence.calibration._simulator import Simulator
from rekindle.evidence.calibration._studies import rated_often
from rekindle.evidence.calibration._targets import LeftOut
from rekindle.evidence.outcomes._read import read_outcome
from rekindle.evidence.outcomes._reading import Score
from rekindle.evidence.outcomes._study import MOOD, SPREAD
from rekindle.evidence.outcomes._target import OutcomeTarget
from rekindle.people import nimh_crossover
from rekindle.therapy import SHARED_BETWEEN_ARMS

Array = NDArray[np.float64]
#: Arm and hours since its first dose.
Visit = tuple[str, float]

_DIA = Path(__file__).parent / "data" / "dia_antidepressant.csv"
_DIA_ARMS = {"DRUG": "drug", "PLACEBO": "placebo"}
_CHANGES = ("madrs_change", "hamd17_change")
#: Nominal days of the visits of the crossover, counted from an infusion.
_CROSSOVER_DAYS = (2, 10)


@dataclass(frozen=True)
class Individuals:
    """Changes from baseline of the patients of one study, with what is simulated for each visit."""

    study_id: str
    visits: Mapping[Visit, OutcomeTarget]
    changes: Mapping[str, Mapping[Visit, float]]


def individual_studies(left_out: tuple[LeftOut, ...]) -> tuple[Individuals, ...]:
    """The studies whose patients are fitted one by one; their arms are those of their rows in the table."""
    patients = {"NIMH_DS005917_ODD": _crossover_changes(), "DIA_ODD": _antidepressant_changes()}
    found = []
    for study, changes in patients.items():
        visits = {
            (item.row.text("arm_id"), float(item.row.text("time_h"))): read_outcome(item.row)
            for item in left_out
            if item.row.text("study_id") == study
            and item.row.word("role") == "calibrate"
            and item.row.word("outcome") in _CHANGES
        }
        if visits:
            found.append(Individuals(study, visits, changes))
    return tuple(found)


def announce_individuals(study: Individuals, simulator: Simulator) -> None:
    """Tell the simulator what will be read."""
    for outcome in study.visits.values():
        for setup, name, reading in outcome.sides:
            simulator.need(setup, name, [reading])


def individual_block(study: Individuals, simulator: Simulator, standard: Array) -> Block:
    """All changes of all patients, and their SD at each visit.

    Virtual people show how the changes of one patient go together.
    """
    visits = list(study.visits)
    people = np.array(
        [
            # Raters of the sessions of one patient err apart, though the patient is the same.
            rated_often(reading, replace(simulator.course(setup, name, standard), name=arm))[:, 0]
            for (arm, _), ((setup, name, reading),) in (
                (visit, outcome.sides) for visit, outcome in study.visits.items()
            )
        ]
    )
    patients = {name: [v for v in visits if v in changes] for name, changes in study.changes.items()}
    places = [(name, visits.index(visit)) for name, own in patients.items() for visit in own]
    at = np.array([place for _, place in places])
    changes = np.array([study.changes[name][visits[place]] for name, place in places])
    same = np.equal.outer([name for name, _ in places], [name for name, _ in places])
    arm = np.array([visits[place][0] for place in at])
    lever = np.array([_baseline(outcome) for outcome in study.visits.values()])[at]
    counts = np.array([max(int((at == place).sum()), 2) for place in range(len(visits))])
    scores, spreads = len(at), len(visits)
    sampling, between = np.zeros((scores + spreads,) * 2), np.zeros((scores + spreads,) * 2)
    sampling[:scores, :scores] = np.where(same, np.cov(people)[np.ix_(at, at)], 0.0)
    sampling[scores:, scores:] = np.diag(0.5 / (counts - 1))
    shared = SHARED_BETWEEN_ARMS + (1.0 - SHARED_BETWEEN_ARMS) * np.equal.outer(arm, arm)
    between[:scores, :scores] = np.outer(lever, lever) * shared
    return Block(
        study.study_id,
        (
            *(f"{name} {visits[place][0]} {visits[place][1]:g}" for name, place in places),
            *(f"log SD {arm} {time:g}" for arm, time in visits),
        ),
        np.concatenate([changes, [np.log(changes[at == place].std(ddof=1)) for place in range(len(visits))]]),
        np.concatenate([people.mean(axis=1)[at], np.log(people.std(axis=1))]),
        sampling,
        {MOOD: between, SPREAD: np.diag(np.arange(scores + spreads) >= scores).astype(float)},
    )


def _baseline(outcome: OutcomeTarget) -> float:
    assert isinstance(outcome.reading, Score), "changes of patients are scores"
    return outcome.reading.baseline.mean


def _crossover_changes() -> dict[str, dict[Visit, float]]:
    cohort = nimh_crossover()
    found: dict[str, dict[Visit, float]] = {}
    for patient in cohort.patients:
        before = cohort.score(patient.id, "baseline", None, "MADRS")
        if before is None:
            continue
        for arm in patient.infusions:
            for day in _CROSSOVER_DAYS:
                after = cohort.score(patient.id, arm, day, "MADRS")
                if after is not None:
                    found.setdefault(patient.id, {})[arm, 24.0 * day] = after - before
    return found


def _antidepressant_changes() -> dict[str, dict[Visit, float]]:
    found: dict[str, dict[Visit, float]] = {}
    with _DIA.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            week = {"4": 1, "5": 2, "6": 4, "7": 6}[row["VISIT"]]
            found.setdefault(row["PATIENT"], {})[_DIA_ARMS[row["THERAPY"]], 168.0 * week] = float(
                row["CHANGE"]
            )
    return found
