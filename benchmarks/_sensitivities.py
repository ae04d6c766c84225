"""W3: W1 with derivatives with respect to ten parameters, against W1 alone, when the engine offers them."""

from __future__ import annotations

import inspect
import statistics
import time
from collections.abc import Callable
from typing import Any

import rekindle.engine as engine
from benchmarks._race import Ratio
from benchmarks._workload import DERIVATIVES, w1

#: Names under which an engine may offer derivatives: an argument of ``solve``, or a function that has one.
_ARGUMENTS = ("sensitivities", "with_respect_to", "derivatives")
_FUNCTIONS = ("solve", "sensitivities", "solve_sensitivities")


def offered() -> tuple[Callable[..., Any], str] | None:
    """The function that takes names of parameters to differentiate by, and what that argument is called."""
    for function in (getattr(engine, name, None) for name in _FUNCTIONS):
        if callable(function):
            for argument in _ARGUMENTS:
                if argument in inspect.signature(function).parameters:
                    return function, argument
    return None


def measure_sensitivities(tolerance: float, people: int, rounds: int) -> tuple[Ratio, float] | None:
    """How many times longer value and tangents take than the value, and people per second; None: not yet."""
    found = offered()
    if found is None:
        return None
    function, argument = found
    workload = w1()
    own = {
        str(i): dict(zip(workload.varied, row, strict=True)) for i, row in enumerate(workload.people(people))
    }
    table = workload.event_table(people)
    common = {"parameters": own, "times": workload.times, "outputs": workload.states, "tolerance": tolerance}

    def seconds(call: Callable[..., Any], **more: Any) -> float:
        start = time.process_time()
        call(workload.model, table, **common, **more)
        return time.process_time() - start

    pairs = []
    for _ in range(rounds + 1):
        pairs.append((seconds(engine.solve), seconds(function, **{argument: DERIVATIVES})))
    ratios = [with_tangents / alone for alone, with_tangents in pairs[1:]]
    rate = people / statistics.median(pair[1] for pair in pairs[1:])
    return Ratio(statistics.median(ratios), min(ratios), max(ratios)), rate
