"""Replay of the NIMH ketamine versus saline crossover: its real patients in many simulated trials."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import Trajectory
from rekindle.errors import ParameterError
from rekindle.people import (
    Course,
    Person,
    Setting,
    default_variability,
    nimh_crossover,
    simulate_courses,
    treatment_model,
)
from rekindle.regimen import parse_regimen
from rekindle.trials._crossover_copies import SCALES, patient_copies, rate_copies
from rekindle.trials._crossover_patient import PatientReplay, coverage, prediction_errors, replay_patient
from rekindle.trials._crossover_summary import SummaryRow, summarise

Array = NDArray[np.float64]

ARMS = ("ketamine", "saline")
_COURSE_DAYS = 27
_ACUTE_REPLICATES = 20
ACUTE_OUTPUTS = (
    "ketamine_venous", "ketamine_arterial", "interneuron_block", "pyramidal_block", "cadss",
    "systolic_change", "diastolic_change",
)  # fmt: skip


@dataclass(frozen=True)
class CrossoverReplay:
    """Everything the replay found; see ``replay_nimh_crossover``.

    Attributes:
        summary: observed beside predicted, row by row.
        patients: one entry per simulated patient.
        left_out: patient -> why they could not be simulated.
        acute: arm -> trajectory of the first four hours (several virtual copies of the patients).
        mood: arm -> trajectory of the latent improvement over two weeks.
        coverage: share of observed scores inside their 90 % interval, and the number of scores.
        error: root-mean-square error of predicted scores: model, and two naive predictors.
        assumptions: design facts that are not in the data, with their marks.
    """

    replicates: int
    seed: int
    mechanism: str
    summary: tuple[SummaryRow, ...]
    patients: tuple[PatientReplay, ...]
    left_out: Mapping[str, str]
    acute: Mapping[str, Trajectory]
    mood: Mapping[str, Trajectory]
    coverage: tuple[float, int]
    error: Mapping[str, float]
    assumptions: tuple[str, ...]


@cache
def design() -> dict[str, dict[str, str]]:
    """Design facts of the trial by name, with mark and source."""
    with files("rekindle.trials").joinpath("data/nimh_crossover_design.csv").open(encoding="utf-8") as stream:
        return {row["name"]: row for row in csv.DictReader(stream)}


def replay_nimh_crossover(
    *,
    replicates: int = 200,
    seed: int = 1,
    mechanism: str = "disinhibition",
    workers: int = 1,
    checkpoint: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CrossoverReplay:
    """Simulate the crossover as it was run, with its own patients, many times.

    Every patient enters with their own baseline scores, age, sex, body mass index and infusion order, and
    misses the visits that they missed. Weight (not in the data) and everything that differs between people
    is drawn anew in every replicate; the true baseline is drawn given the observed one. The second infusion
    is simulated on top of the first, so that carry-over is in the predictions as it is in the data, and
    change is counted from the same single baseline.

    Args:
        replicates: simulated copies of the trial, each at its own number of patients.
        seed: seed of all random numbers.
        mechanism: hypothesis that carries the mood effect.
        workers: processes; the numbers do not depend on it.
        checkpoint: folder in which finished patients are kept until the replay is complete.
        progress: called with (simulated people, all).

    Raises:
        ParameterError: fewer than two replicates.

    >>> replay = replay_nimh_crossover(replicates=2)
    >>> len(replay.patients), replay.coverage[1]
    (15, 46)
    """
    if replicates < 2:
        raise ParameterError(
            "RK-PAR-063",
            given=f"{replicates} replicates",
            allowed="A whole number, at least 2",
            why="One simulated trial has no spread to make an interval of",
        )
    cohort = nimh_crossover()
    copies = [person for trial in range(replicates) for person in patient_copies(cohort, trial, seed)]
    visit_days = [int(day) for day in design()["visits"]["value"].split(";")]
    gap_h = 24.0 * float(design()["period_start"]["value"])
    times = _times(visit_days, gap_h)
    infusions = {patient.id: patient.infusions for patient in cohort.patients}
    courses = {copy.person: _courses(infusions[copy.patient], gap_h) for copy in copies}
    run = _Runner(seed, mechanism, workers, {copy.person.id: copy.trial for copy in copies})
    latent = run(courses, times, ("improvement_share",), checkpoint, progress)["improvement_share"]
    scores = {scale: rate_copies(copies, latent, scale, seed) for scale in SCALES}
    shape = (replicates, -1, len(times))
    by_scale = {scale: values.reshape(shape) for scale, values in scores.items()}
    persons = [copy for copy in copies if copy.trial == 0]
    patients = tuple(
        replay_patient(
            cohort,
            copy.patient,
            infusions[copy.patient],
            by_scale["MADRS"][:, place],
            times,
            visit_days,
            gap_h,
        )
        for place, copy in enumerate(persons)
    )
    some = [copy.person for copy in copies if copy.trial < min(replicates, _ACUTE_REPLICATES)]
    return CrossoverReplay(
        replicates=replicates,
        seed=seed,
        mechanism=mechanism,
        summary=summarise(cohort, [copy.patient for copy in persons], by_scale, times, visit_days, gap_h),
        patients=patients,
        left_out=cohort.incomplete,
        acute={
            arm: run(dict.fromkeys(some, _courses((arm,), gap_h)), _acute_times(), ACUTE_OUTPUTS)
            for arm in ARMS
        },
        mood={
            arm: run(dict.fromkeys(some, _courses((arm,), gap_h)), _mood_times(), ("improvement_share",))
            for arm in ARMS
        },
        coverage=coverage(patients),
        error=prediction_errors(patients),
        assumptions=_assumptions(),
    )


def _assumptions() -> tuple[str, ...]:
    stated = [
        f"{name.replace('_', ' ')}: {row['value']} {row['unit']}".strip()
        + f" ({row['mark']}; {row['source']})"
        for name, row in design().items()
        if row["mark"] in ("assumed", "recalled")
    ]
    return (*stated, "weight: BMI times the square of a height drawn by sex (see the people documentation)")


def _courses(infusions: Sequence[str], gap_h: float) -> list[Course]:
    dose = design()["regimen"]["value"]
    regimens = {
        "ketamine": parse_regimen(dose, drug="ketamine", product="iv_infusion"),
        "saline": parse_regimen(f"over {dose.split(' over ')[1]}", drug="saline", product="iv_infusion"),
    }
    return [Course(regimens[arm], place * gap_h) for place, arm in enumerate(infusions)]


@dataclass(frozen=True)
class _Runner:
    seed: int
    mechanism: str
    workers: int
    trials: Mapping[str, int]

    def __call__(
        self,
        courses: Mapping[Person, Sequence[Course]],
        times: Array,
        outputs: Sequence[str],
        checkpoint: str | Path | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Trajectory:
        setting = Setting(
            design()["control_class"]["value"], float(design()["believed_probability"]["value"])
        )
        return simulate_courses(
            courses,
            times=times,
            model=treatment_model(mechanism=self.mechanism),
            setting=setting,
            variability=default_variability(mechanism=self.mechanism),
            outputs=outputs,
            seed=self.seed,
            trial=self.trials,
            workers=self.workers,
            checkpoint=checkpoint,
            progress=progress,
        )


def _times(visit_days: Sequence[int], gap_h: float) -> Array:
    hours = {0.0, 4.0, 12.0, *(24.0 * day for day in range(1, _COURSE_DAYS + 1)), gap_h + 4.0, gap_h + 12.0}
    hours |= {start + 24.0 * day for start in (0.0, gap_h) for day in visit_days}
    return np.array(sorted(hours))


def _mood_times() -> Array:
    return np.array([*np.arange(0, 4, 0.25), *np.arange(4, 24, 2), *np.arange(24, 337, 8)], dtype=float)


def _acute_times() -> Array:
    return np.array([minute / 60 for minute in range(0, 241, 4)])
