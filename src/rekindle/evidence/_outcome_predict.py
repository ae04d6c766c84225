"""Predict the rows of a table of clinical outcomes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rekindle.errors import RekindleError
from rekindle.evidence._outcome_arm import Setup
from rekindle.evidence._outcome_people import study_number
from rekindle.evidence._outcome_read import read_outcome
from rekindle.evidence._outcome_reading import Reading
from rekindle.evidence._outcome_simulation import Course, simulate_arm
from rekindle.evidence._outcome_summary import arm_interval, summarise
from rekindle.evidence._outcome_target import OutcomeTarget
from rekindle.evidence._prediction import Cell
from rekindle.evidence._row import Row, not_simulated
from rekindle.people import Stream, random_generator

Result = dict[str, Cell]
Refuse = Callable[[RekindleError], Result]

#: Names under which random numbers know the two sides of a comparison.
_ACTIVE, _CONTROL = "arm", "control"


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
    courses: dict[tuple[Setup, str], Course | RekindleError] = {}
    for done, ((setup, name), readings) in enumerate(needed.items(), start=1):
        courses[setup, name] = _simulate(setup, name, readings, n_people, seed, workers)
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
        target = task.target
        sides = [(target.arm.setup, _ACTIVE, target.reading)]
        if target.before is not None:
            sides.append((target.arm.setup, _ACTIVE, target.before))
        if target.control is not None:
            sides.append((target.control, _CONTROL, target.reading))
        for setup, name, reading in sides:
            needed.setdefault((setup, name), []).append(reading)
    return needed


def _simulate(
    setup: Setup, name: str, readings: Sequence[Reading], n_people: int, seed: int, workers: int
) -> Course | RekindleError:
    outputs = dict.fromkeys(output for reading in readings for output in reading.outputs)
    times = {time for reading in readings for time in reading.times(setup)}
    try:
        return simulate_arm(
            setup,
            tuple(outputs),
            sorted(times),
            count=setup.crowd_size(n_people),
            seed=seed,
            name=name,
            workers=workers,
        )
    except RekindleError as problem:
        return problem


def _predict(task: _Task, courses: dict[tuple[Setup, str], Course | RekindleError], seed: int) -> Result:
    target = task.target
    course = _course(courses[target.arm.setup, _ACTIVE])
    values, others = target.reading.values(course), None
    if target.before is not None:
        others = target.before.values(course)
    elif target.control is not None:
        others = target.reading.values(_course(courses[target.control, _CONTROL]))
    everybody = np.ones((1, len(values)))
    predicted = float(summarise(target.summary, everybody, values, others, everybody)[0])
    if not math.isfinite(predicted):
        if math.isinf(predicted):
            raise not_simulated(
                f"line {task.row.number}: fewer than half of the people reach it in the time simulated"
            )
        raise not_simulated(f"line {task.row.number}: nobody is left to summarise")
    key = f"{task.row.text('arm_id')} {task.row.word('outcome')} {task.row.text('time_h')}"
    trial = study_number(target.arm.setup.study_id)
    low, high = arm_interval(
        target.summary,
        values,
        others,
        target.arm.subjects,
        paired=target.paired,
        generator=random_generator(seed, trial, 0, 0, Stream.RESAMPLING, key),
    )
    return {
        "predicted": predicted,
        "predicted_low": _or_none(min(low, predicted)),
        "predicted_high": _or_none(max(high, predicted)),
        "difference": None if task.value is None else predicted - task.value,
        "verdict": _verdict(predicted, *task.bounds),
        "reason": "; ".join(dict.fromkeys((*target.arm.remarks, *target.remarks))),
    }


def _course(found: Course | RekindleError) -> Course:
    if isinstance(found, RekindleError):
        raise found
    return found


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _verdict(predicted: float, low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "no_band"
    above = low is None or predicted >= low
    below = high is None or predicted <= high
    return "pass" if above and below else "fail"
