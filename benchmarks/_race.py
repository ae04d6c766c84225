"""Alternating runs: in each round every engine runs once, one at a time, on one core."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks._worker import EngineError, Worker


@dataclass
class Result:
    """What one engine did in the race.

    Attributes:
        rates: people per CPU second, one a round.
        people: people of each run.
        last: what the last run reported.
    """

    people: int
    rates: list[float] = field(default_factory=list)
    last: Mapping[str, Any] = field(default_factory=dict)
    failed: str = ""

    @property
    def rate(self) -> float:
        """Median of the rounds."""
        return statistics.median(self.rates) if self.rates else float("nan")


@dataclass(frozen=True)
class Ratio:
    """How many times faster: ratio of medians, smallest and largest of the rounds."""

    value: float
    low: float
    high: float


def ratio(fast: Result, slow: Result) -> Ratio:
    """Ratio of two results of the same race.

    >>> ratio(Result(1, [10.0, 12.0, 14.0]), Result(1, [2.0, 2.0, 2.0]))
    Ratio(value=6.0, low=5.0, high=7.0)
    """
    rounds = [a / b for a, b in zip(fast.rates, slow.rates, strict=False)]
    return Ratio(fast.rate / slow.rate, min(rounds), max(rounds))


def race(
    workers: Sequence[Worker],
    workload: str,
    tolerances: Mapping[str, float],
    *,
    rounds: int,
    seconds: float,
    at_most: int,
    say: Callable[[str], None],
) -> dict[str, Result]:
    """Time engines in turns.

    Args:
        workers: the engines, each in its process.
        workload: W1 or W2.
        tolerances: engine -> tolerance.
        rounds: how often each runs.
        seconds: CPU time that a run should take; it decides how many people an engine gets.
        at_most: largest number of people.
        say: shows progress.
    """
    results = {}
    for worker in workers:
        key = worker.engine.key
        results[key] = _first(worker, workload, tolerances[key], seconds, at_most)
        said = results[key].failed or f"{results[key].people} people a run"
        say(f"{workload}: {worker.engine.label} warmed up, {said}")
    for number in range(rounds):
        for worker in workers:
            result = results[worker.engine.key]
            if result.failed:
                continue
            _once(worker, workload, tolerances[worker.engine.key], result)
            if not result.failed:
                say(
                    f"{workload}, round {number + 1} of {rounds}: {worker.engine.label} "
                    f"{result.rates[-1]:.4g} people/s"
                )
    return results


def _first(worker: Worker, workload: str, tolerance: float, seconds: float, at_most: int) -> Result:
    """Compile, warm up, and find how many people fill the time."""
    group, count = worker.engine.group, worker.engine.group
    try:
        if workload != "W1":  # the gate has compiled and warmed W1 already
            worker.call("seconds", workload, count, tolerance)
        while True:
            cpu = max(worker.call("seconds", workload, count, tolerance)["cpu"], 1e-6)
            wanted = min(at_most, max(group, round(count * seconds / cpu / group) * group))
            if count >= wanted or cpu > seconds / 4:
                break
            count = min(wanted, count * 16)
    except EngineError as problem:
        return Result(group, failed=str(problem))
    return Result(wanted)


def _once(worker: Worker, workload: str, tolerance: float, result: Result) -> None:
    try:
        result.last = worker.call("seconds", workload, result.people, tolerance)
    except EngineError as problem:
        result.failed = str(problem)
        return
    if not result.last["finite"]:
        result.failed = "gave values that are not finite"
        return
    result.rates.append(result.people / result.last["cpu"])
