"""Predict the rows of a table of clinical outcomes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import RekindleError
from rekindle.evidence._outcome_arm import Setup
from rekindle.evidence._outcome_doubt import Simulated, model_doubt, simulate_with_doubt
from rekindle.evidence._outcome_people import study_number
from rekindle.evidence._outcome_read import read_outcome
from rekindle.evidence._outcome_reading import Reading
from rekindle.evidence._outcome_summary import arm_interval, summarise
from rekindle.evidence._outcome_target import OutcomeTarget
from rekindle.evidence._prediction import Cell
from rekindle.evidence._row import Row, not_simulated
from rekindle.people import Stream, random_generator

Array = NDArray[np.float64]
Result = dict[str, Cell]
Refuse = Callable[[RekindleError], Result]


@dataclass(frozen=True)
class _Task:
    place: int
    row: Row
    target: OutcomeTarget
    value: float | None
    bounds: tuple[float | None, float | None]


def predict_outcomes(
    rows: Sequence[Row],
    *,
    n_people: int,
    seed: int,
    workers: int,
    progress: Callable[[int, int], None] | None,
    refuse: Refuse,
) -> list[Result]:
    """Simulate the trial of every row and summarise it as the row does.

    Every arm is simulated once for all its rows, a control arm once for all rows that are compared with it.
    Both arms of a study have the same people (common random numbers).

    Args:
        rows: rows in the format of ``outcome_arms.csv``.
        n_people: people simulated for each arm; fewer (100 or more) for courses of more than six sessions.
        seed: seed of all random numbers.
        workers: processes of the engine.
        progress: called with (arms done, arms in all).
        refuse: makes the result of a row that cannot be simulated.
    """
    results: list[Result] = [{} for _ in rows]
    tasks: list[_Task] = []
    for place, row in enumerate(rows):
        try:
            tasks.append(_task(place, row))
        except RekindleError as problem:
            results[place] = refuse(problem)
    needed = _needed(tasks)
    courses: dict[tuple[Setup, str], Simulated | RekindleError] = {}
    for done, ((setup, name), readings) in enumerate(needed.items(), start=1):
        courses[setup, name] = simulate_with_doubt(setup, name, readings, n_people, seed, workers)
        if progress is not None:
            progress(done, len(needed))
    for task in tasks:
        try:
            results[task.place] = _predict(task, courses, seed)
        except RekindleError as problem:
            results[task.place] = refuse(problem)
    return results


def _task(place: int, row: Row) -> _Task:
    if row.fault:
        raise not_simulated(row.fault)
    low, high = row.number_of("pass_low"), row.number_of("pass_high")
    if low is not None and high is not None and low > high:
        raise not_simulated(f"line {row.number}: pass_low {low:g} is above pass_high {high:g}")
    return _Task(place, row, read_outcome(row), row.number_of("value"), (low, high))


def _needed(tasks: Sequence[_Task]) -> dict[tuple[Setup, str], list[Reading]]:
    """Readings by simulation."""
    needed: dict[tuple[Setup, str], list[Reading]] = {}
    for task in tasks:
        for setup, name, reading in task.target.sides:
            needed.setdefault((setup, name), []).append(reading)
    return needed


def _predict(task: _Task, courses: dict[tuple[Setup, str], Simulated | RekindleError], seed: int) -> Result:
    target = task.target
    sides = [_found(courses[setup, name]) for setup, name, _ in target.sides]
    values, *rest = (
        reading.values(side.course) for side, (_, _, reading) in zip(sides, target.sides, strict=True)
    )
    others = rest[0] if rest else None
    everybody = np.ones((1, len(values)))
    predicted = float(summarise(target.summary, everybody, values, others, everybody)[0])
    if not math.isfinite(predicted):
        if math.isinf(predicted):
            raise not_simulated(
                f"line {task.row.number}: fewer than half of the people reach it in the time simulated"
            )
        raise not_simulated(f"line {task.row.number}: nobody is left to summarise")
    doubt = model_doubt(target, sides)
    key = f"{task.row.text('arm_id')} {task.row.word('outcome')} {task.row.text('time_h')}"
    trial = study_number(target.arm.setup.study_id)
    low, high, people = arm_interval(
        target.summary,
        values,
        others,
        target.arm.subjects,
        paired=target.paired,
        generator=random_generator(seed, trial, 0, 0, Stream.RESAMPLING, key),
        model_sd=doubt.sd,
    )
    return {
        "predicted": predicted,
        "predicted_low": _or_none(min(low, predicted)),
        "predicted_high": _or_none(max(high, predicted)),
        "difference": None if task.value is None else predicted - task.value,
        "se_people": _or_none(people),
        "se_parameters": doubt.parameters,
        "se_studies": doubt.studies,
        "predicted_sd": _between_people(target.summary, values),
        "verdict": _verdict(predicted, *task.bounds),
        "reason": "; ".join(dict.fromkeys((*target.arm.remarks, *target.remarks))),
    }


def _found(simulated: Simulated | RekindleError) -> Simulated:
    if isinstance(simulated, RekindleError):
        raise simulated
    return simulated


def _between_people(summary: str, values: Array) -> float | None:
    """SD between people of a number that is reported as their mean."""
    return _or_none(float(np.nanstd(values[:, 0], ddof=1))) if summary == "mean" else None


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _verdict(predicted: float, low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "no_band"
    above = low is None or predicted >= low
    below = high is None or predicted <= high
    return "pass" if above and below else "fail"
