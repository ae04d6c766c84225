"""How large the error of each person's outputs is, by a second run at a smaller tolerance.

Error control works step by step; what the errors of all steps add up to depends on the equations. The honest
way to know is to solve again, more accurately: with errors that fall about as the tolerance does, the
difference of two runs is nine tenths of the error of the less accurate one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.running._job import Job
from rekindle.engine.running._outcomes import Outcomes
from rekindle.engine.running._workers import run_job

Array = NDArray[np.float64]

#: Tolerance of the second run, as a share of the first.
SHARE = 0.1


@dataclass(frozen=True)
class Running:
    """How jobs are run: in how many processes, where they are kept, and who hears of their progress."""

    workers: int = 1
    checkpoint: str | Path | None = None
    progress: Callable[[int, int], None] | None = None

    def run(self, job: Job) -> Outcomes:
        """Run one job."""
        return run_job(job, workers=self.workers, checkpoint=self.checkpoint, progress=self.progress)

    def part(self, number: int, parts: int) -> Running:
        """The same for one of several runs of everybody that share a folder and a progress bar.

        A person counts as done to the share of the runs in which he or she is.
        """
        folder = None if self.checkpoint is None else Path(self.checkpoint) / f"run_{number + 1}"
        told = self.progress

        def tell(done: int, total: int) -> None:
            assert told is not None
            told((done + number * total) // parts, total)

        return Running(self.workers, folder, tell if told else None)


def run_with_errors(job: Job, running: Running) -> tuple[Outcomes, dict[str, float]]:
    """Outcomes of a job, and an estimate of the error of every person who has a result.

    The estimate is NaN for who has no result in the second run.
    """
    outcomes = running.part(0, 2).run(job)
    closer = running.part(1, 2).run(replace(job, tolerance=SHARE * job.tolerance))
    errors = {
        job.people.people[place]: float("nan")
        if place in closer.failures
        else difference(outcomes.of(place), closer.of(place))
        for place in outcomes.finished()
    }
    return outcomes, errors


def difference(first: Array, second: Array) -> float:
    """Largest difference of any output at any time, as a share of the largest size of that output."""
    if not second.size:
        return 0.0
    apart = np.abs(first - second).max(axis=0)
    size = np.abs(second).max(axis=0)
    return float(np.max(np.divide(apart, size, out=np.where(apart > 0, np.inf, 0.0), where=size > 0)))
