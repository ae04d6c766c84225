"""Predict every row of a table of arms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import EvidenceError, RekindleError
from rekindle.evidence._data import assumption
from rekindle.evidence._prediction import Cell, Prediction
from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence._table import Source, read_arms
from rekindle.evidence.plasma._arm import Arm, Situation, read_arm
from rekindle.evidence.plasma._arm_interval import ArmInterval, arm_interval
from rekindle.evidence.plasma._crowd import crowd, typical_subject, uncertain_subjects
from rekindle.evidence.plasma._judgement import Observation, read_observation
from rekindle.evidence.plasma._notes import is_median
from rekindle.evidence.plasma._simulation import Subjects, simulate_exposures
from rekindle.evidence.plasma._statistic import Exposure, Target, read_target
from rekindle.therapy import mechanism_weights, therapy_model

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]

_NUMBERS = ("predicted", "predicted_low", "predicted_high")
#: Standard errors by source, and what stands with them; the rest of the numbers that are added.
_PARTS = ("se_people", "se_assay", "se_parameters")
_OUTCOME_PARTS = ("se_people", "se_parameters", "se_studies", "predicted_sd")
#: All calibrated mechanism hypotheses, weighed by how they predicted studies that were left out.
AVERAGED = "averaged"


@dataclass(frozen=True)
class _Task:
    """One row that can be simulated."""

    place: int
    row: Row
    arm: Arm
    target: Target
    observation: Observation


def predict_arms(
    source: Source,
    *,
    n_people: int = 200,
    seed: int = 1,
    workers: int = 1,
    mechanism: str = AVERAGED,
    draws: int | None = None,
    progress: Progress | None = None,
) -> Prediction:
    """Simulate every arm of a table as it is described and hold the results against the observations.

    ``predicted`` is the typical subject of the arm. The 90 % interval is that of the mean or median which an
    arm of this size would report: people around the arm's weight differ in their parameters and are measured
    with error, and the typical parameters themselves are known only as far as published estimates agree
    (``rekindle.therapy.uncertain_pharmacokinetics``). Where the interval misses the typical subject, it is
    widened to hold it. ``se_people``, ``se_assay`` and ``se_parameters`` are the standard errors by source,
    in the unit of the row. Random numbers belong to study and arm, so that the interval of a row does not
    depend on the other rows.

    In a table of clinical outcomes each row's arm is simulated as its trial was run: control class, sessions,
    background treatment, entry by a rated score, raters' errors, and both arms for a difference.
    ``predicted`` is then the mean or share of the simulated people, and ``difference`` stands in place of
    ``ratio``; ``pass_low`` and ``pass_high`` bound the predicted value itself. Their intervals also hold the
    uncertainty of the fitted and of the typical pharmacokinetic parameters, and what one study shows beyond
    its design, as the shipped calibration found it; percentages are rounded outwards to whole per cent.
    ``predicted_sd`` is the SD between people of a mean, ``se_people`` (choice of people, raters),
    ``se_parameters`` and ``se_studies`` the standard errors by source. Averaged over mechanism hypotheses
    (``rekindle.therapy.mechanism_weights``), each one's prediction and that with equal weights stand beside
    it, and ``se_mechanisms`` is the SD between them.

    Args:
        source: path of a table in the format of ``pk_arms.csv`` or ``outcome_arms.csv``, its text, or rows as
            mappings.
        n_people: people simulated for each arm.
        seed: seed of their random numbers.
        workers: processes of the engine; the numbers do not depend on it.
        mechanism: hypothesis of the mood effect, or ``averaged``; it matters for clinical outcomes only.
        draws: parameter sets of each mechanism for the intervals of clinical outcomes, 1 or more; default
            ``parameter_draws`` of ``assumptions.csv``.
        progress: called with (arms done, arms in all).

    Returns:
        All rows in their order with all their columns and the prediction. A row that cannot be simulated has
        the verdict ``not_simulated`` and a reason.

    Raises:
        EvidenceError: a table that cannot be read, fewer than 2 people, or no draw.
        ModelError: a mechanism that the model does not have.

    >>> row = dict(study_id="A", arm_id="iv", n=17, weight_kg=68, drug="esketamine", route="iv", dose=10,
    ...            formulation="solution_for_infusion", dose_unit="mg", infusion_min=30, analyte="s_ketamine",
    ...            statistic="concentration", time_h=0.5, value=56, unit="ng/mL")
    >>> prediction = predict_arms([row], n_people=10)
    >>> round(prediction.rows[0]["predicted"], 2), prediction.rows[0]["verdict"]
    (53.38, 'no_band')
    """
    if isinstance(n_people, bool) or not isinstance(n_people, int) or n_people < 2:
        raise EvidenceError("RK-EVI-005", given=f"n_people is {n_people!r}", allowed="A whole number from 2")
    sets = round(assumption("parameter_draws")) if draws is None else draws
    if sets < 1:
        raise EvidenceError(
            "RK-EVI-006",
            given=f"{sets} parameter draws",
            allowed="A whole number from 1",
            why="An interval without them would claim that the parameters are known",
        )
    weights = mechanism_weights() if mechanism == AVERAGED else {_known_mechanism(mechanism): 1.0}
    table = read_arms(source)
    added = (*_added(weights if table.outcomes else None), "verdict", "reason")
    if table.outcomes:
        results = _predict_outcomes(table.rows, n_people, seed, workers, progress, weights, sets)
    else:
        results = _predict_exposures(table.rows, n_people, seed, workers, progress)
    columns = (*(column for column in table.columns if column not in added), *added)
    rows = tuple({**row.cells, **result} for row, result in zip(table.rows, results, strict=True))
    return Prediction(columns, rows, n_people, seed, sets if table.outcomes else 0)


def _predict_outcomes(
    rows: Sequence[Row],
    n_people: int,
    seed: int,
    workers: int,
    progress: Progress | None,
    weights: Mapping[str, float],
    draws: int,
) -> list[dict[str, Cell]]:
    from rekindle.evidence.outcomes._predict import predict_outcomes

    return predict_outcomes(
        rows,
        n_people=n_people,
        seed=seed,
        workers=workers,
        progress=progress,
        refuse=lambda problem: _refused(problem, weights),
        weights=weights,
        draws=draws,
    )


def _known_mechanism(name: str) -> str:
    therapy_model(mechanism=name)
    return name


def _predict_exposures(
    rows: Sequence[Row], n_people: int, seed: int, workers: int, progress: Progress | None
) -> list[dict[str, Cell]]:
    results: list[dict[str, Cell]] = []
    tasks: list[_Task] = []
    for place, row in enumerate(rows):
        try:
            tasks.append(_task(place, row))
            results.append({})
        except RekindleError as problem:
            results.append(_refused(problem))
    groups = _by_situation(tasks)
    for done, (situation, own) in enumerate(groups.items(), start=1):
        found = _predict_situation(situation, own, n_people, seed, workers)
        for task, result in zip(own, found, strict=True):
            results[task.place] = result
        if progress is not None:
            progress(done, len(groups))
    return results


def _task(place: int, row: Row) -> _Task:
    if row.fault:
        raise not_simulated(row.fault)
    arm = read_arm(row)
    return _Task(place, row, arm, read_target(row, arm), read_observation(row))


def _by_situation(tasks: Sequence[_Task]) -> dict[Situation, list[_Task]]:
    groups: dict[Situation, list[_Task]] = {}
    for task in tasks:
        groups.setdefault(task.arm.situation, []).append(task)
    return groups


def _predict_situation(
    situation: Situation, tasks: Sequence[_Task], n_people: int, seed: int, workers: int
) -> list[dict[str, Cell]]:
    """Results of the tasks of one situation, from one simulation of each variant that they need."""
    targets = [task.target for task in tasks]
    try:
        typical = _simulate(situation, targets, typical_subject(situation), refine=True)
        people = _simulate(situation, targets, crowd(situation, n_people, seed), workers=workers)
        uncertain = _simulate(situation, targets, uncertain_subjects(situation, seed), workers=workers)
    except RekindleError as failure:
        return [_refused(failure) for _ in tasks]
    results = []
    for task in tasks:
        predicted = float(task.target.value(typical)[0])
        if not math.isfinite(predicted):
            problem = not_simulated(f"line {task.row.number}: the result is not a finite number")
            results.append(_refused(problem))
            continue
        interval = arm_interval(
            task.target,
            predicted,
            task.target.value(people),
            task.target.value(uncertain),
            situation,
            task.arm.subjects,
            seed,
            median=is_median(task.row),
        )
        results.append(_result(task, predicted, interval))
    return results


def _simulate(
    situation: Situation,
    targets: Sequence[Target],
    subjects: Subjects,
    *,
    refine: bool = False,
    workers: int = 1,
) -> dict[Exposure, Array]:
    wanted = dict.fromkeys(exposure for target in targets for exposure, _ in target.powers)
    found: dict[Exposure, Array] = {}
    for variant in dict.fromkeys(exposure.variant for exposure in wanted):
        own = [exposure for exposure in wanted if exposure.variant == variant]
        found |= simulate_exposures(situation, variant, own, subjects, refine=refine, workers=workers)
    return found


def _result(task: _Task, predicted: float, interval: ArmInterval) -> dict[str, Cell]:
    bounds = [value for value in (interval.low, interval.high, predicted) if math.isfinite(value)]
    remarks = [*task.arm.remarks, *_doubts(task)]
    if task.arm.subjects > assumption("largest_arm"):
        remarks.append(f"interval for {assumption('largest_arm'):g} subjects")
    if task.observation.value is None and task.observation.interval is None:
        remarks.append("value is empty, so there is nothing to compare with")
    return {
        "predicted": predicted,
        "predicted_low": min(bounds),
        "predicted_high": max(bounds),
        "ratio": task.observation.ratio(predicted),
        "se_people": _or_none(interval.people),
        "se_assay": _or_none(interval.assay),
        "se_parameters": _or_none(interval.parameters),
        "verdict": task.observation.verdict(predicted),
        "reason": "; ".join(remarks),
    }


def _doubts(task: _Task) -> list[str]:
    """Known weak spots of the model that concern a row."""
    exposures = [exposure for exposure, _ in task.target.powers]
    doubts = []
    if any(exposure.kind == "level" and exposure.time_h > assumption("late") for exposure in exposures):
        doubts.append(f"concentrations after {assumption('late'):g} h are probably too low in this model")
    released = task.arm.situation.product.name == "oral_extended_release"
    if released and any(exposure.kind == "half_life" for exposure in exposures):
        doubts.append("release in the model ends, so that its terminal slope is that of elimination")
    return doubts


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _added(weights: Mapping[str, float] | None) -> tuple[str, ...]:
    """Numbers that a prediction adds to a row; weights of mechanisms belong to clinical outcomes."""
    if weights is None:
        return (*_NUMBERS, "ratio", *_PARTS)
    each = tuple(f"predicted_{name}" for name in weights)
    together = ("se_mechanisms", "predicted_equal_weights", *each) if len(weights) > 1 else ()
    return (*_NUMBERS, "difference", *_OUTCOME_PARTS, *together)


def _refused(problem: RekindleError, weights: Mapping[str, float] | None = None) -> dict[str, Cell]:
    empty: Mapping[str, Cell] = dict.fromkeys(_added(weights))
    return {**empty, "verdict": "not_simulated", "reason": str(problem)}
