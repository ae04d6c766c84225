"""Our own engine through its public entry, event tables and parameter tables included in the time."""

from __future__ import annotations

from typing import Any

from benchmarks._equations import Array
from benchmarks._workload import Workload
from rekindle.engine import ParameterTable, solve


class Run:
    """Simulates a workload; ``report`` is what the solver said last."""

    def __init__(self, workload: Workload, solver: str, workers: int = 1) -> None:
        self.workload, self.workers = workload, workers
        self.chosen = {} if solver == "auto" else {"solver": solver}
        self.report: Any = None
        self.steps = 0.0

    def __call__(self, people: Array, tolerance: float) -> Array:
        workload, count = self.workload, len(people)
        events = workload.event_table(count)
        own = ParameterTable(tuple(events.subjects), dict(zip(workload.varied, people.T, strict=True)))
        found = solve(
            workload.model, events, parameters=own, times=workload.times,
            outputs=workload.states, tolerance=tolerance, device="cpu",
            workers=self.workers, **self.chosen,
        )  # fmt: skip
        # People who share a vector share its steps, so that these are the steps that each of them went.
        groups = getattr(found.solver, "groups", 0) + getattr(found.solver, "alone", 0)
        self.report, self.steps = found.solver, found.solver.steps / (groups or count)
        return found.rows.reshape(count, len(workload.times), len(workload.states))


def prepare_auto(workload: Workload) -> Run:
    """The solver that the engine chooses; returns ``run(people, tolerance)``."""
    return Run(workload, "auto")


def prepare_l1(workload: Workload) -> Run:
    """Rodas5P on every state; returns ``run(people, tolerance)``."""
    return Run(workload, "L1")


def prepare_l1_exact(workload: Workload) -> Run:
    """The linear part exactly, Rodas5P on the rest; returns ``run(people, tolerance)``."""
    return Run(workload, "L1'")


def prepare_l2(workload: Workload) -> Run:
    """Cascade collocation; returns ``run(people, tolerance)``."""
    return Run(workload, "L2")
