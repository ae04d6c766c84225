"""Predict the rows of a table of clinical outcomes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rekindle.errors import RekindleError
from rekindle.evidence._prediction import Cell
from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence.outcomes._arm import Setup
from rekindle.evidence.outcomes._doubt import Simulated, simulate_with_doubt
from rekindle.evidence.outcomes._number import average, predict_number
from rekindle.evidence.outcomes._read import read_outcome
from rekindle.evidence.outcomes._reading import Reading
from rekindle.evidence.outcomes._target import OutcomeTarget

Result = dict[str, Cell]
Refuse = Callable[[RekindleError], Result]
_Courses = dict[tuple[Setup, str, str], Simulated | RekindleError]


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
    weights: Mapping[str, float],
    draws: int,
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
        weights: mechanism -> its weight in the prediction; they sum to 1.
        draws: parameter sets for the intervals.
    """
    results: list[Result] = [{} for _ in rows]
    tasks: list[_Task] = []
    for place, row in enumerate(rows):
        try:
            tasks.append(_task(place, row))
        except RekindleError as problem:
            results[place] = refuse(problem)
    needed = _needed(tasks)
    courses: _Courses = {}
    done, total = 0, len(needed) * len(weights)
    for (setup, name), readings in needed.items():
        for mechanism in weights:
            courses[setup, name, mechanism] = simulate_with_doubt(
                setup, name, readings, n_people, seed, workers, mechanism, draws
            )
            done += 1
            if progress is not None:
                progress(done, total)
    for task in tasks:
        try:
            results[task.place] = _predict(task, courses, weights, seed)
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


def _predict(task: _Task, courses: _Courses, weights: Mapping[str, float], seed: int) -> Result:
    target = task.target
    numbers = {
        mechanism: predict_number(
            task.row,
            target,
            [_found(courses[setup, name, mechanism]) for setup, name, _ in target.sides],
            seed,
        )
        for mechanism in weights
    }
    number = average(numbers, weights)
    low, high = number.interval
    result: Result = {
        "predicted": number.predicted,
        "predicted_low": _or_none(low),
        "predicted_high": _or_none(high),
        "difference": None if task.value is None else number.predicted - task.value,
        "se_people": _or_none(number.people),
        "se_parameters": number.parameters,
        "se_studies": number.studies,
        "predicted_sd": None if number.sd is None else _or_none(number.sd),
        "verdict": _verdict(number.predicted, *task.bounds),
        "reason": "; ".join(dict.fromkeys((*target.arm.remarks, *target.remarks))),
    }
    if len(numbers) > 1:
        alike = average(numbers, dict.fromkeys(numbers, 1.0 / len(numbers)))
        result |= {"se_mechanisms": number.mechanisms, "predicted_equal_weights": alike.predicted}
        result |= {f"predicted_{name}": one.predicted for name, one in numbers.items()}
    return result


def _found(simulated: Simulated | RekindleError) -> Simulated:
    if isinstance(simulated, RekindleError):
        raise simulated
    return simulated


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _verdict(predicted: float, low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "no_band"
    above = low is None or predicted >= low
    below = high is None or predicted <= high
    return "pass" if above and below else "fail"
