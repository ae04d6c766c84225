"""Run a virtual trial many times and summarise what its papers would have reported."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rekindle.errors import ParameterError
from rekindle.trials._batches import run_batches
from rekindle.trials._design import Design
from rekindle.trials._estimate import Estimate
from rekindle.trials._exposure import World
from rekindle.trials._findings import Finding, findings, is_positive, primary_result
from rekindle.trials._replicate import run_replicates
from rekindle.trials._shares import wilson

#: Replicates that are simulated in one go: enough people for the solver, few enough to lose little.
_BATCH = 5
_LOW, _HIGH = 0.05, 0.95


@dataclass(frozen=True)
class TrialTask:
    """Everything that the numbers of a run depend on."""

    design: Design
    seed: int
    world: World = field(default_factory=World)
    parameter_draws: tuple[Mapping[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One result over all replicates.

    Attributes:
        outcome, day, arm, unit: what it is.
        value: mean over replicates; the median for numbers needed and times.
        low, high: 5 and 95 % of the replicates.
        spread: mean SD between people within a replicate, or mean standard error of a difference.
        significant: share of replicates with p below 0.05; not a number for results without p.
        replicates: replicates in which there was a result.
        n: mean number of people behind it.
    """

    outcome: str
    day: float
    arm: str
    unit: str
    value: float
    low: float
    high: float
    spread: float
    significant: float
    replicates: int
    n: float


@dataclass(frozen=True)
class TrialRun:
    """A trial in many replicates.

    Attributes:
        task: design, seed and assumptions.
        replicates: results of each replicate.
        primary: the deciding result of each replicate; empty without one.
    """

    task: TrialTask
    replicates: tuple[tuple[Finding, ...], ...]
    primary: tuple[Estimate, ...]

    @property
    def rows(self) -> list[ResultRow]:
        """Results over all replicates, in the order of a results section."""
        by_key: dict[tuple[str, float, str], list[Finding]] = {}
        for one in self.replicates:
            for finding in one:
                by_key.setdefault(finding.key, []).append(finding)
        return [_row(found) for found in by_key.values()]

    @property
    def positive(self) -> tuple[float, float, float]:
        """Share of positive trials with its 95 % Monte Carlo interval."""
        count = sum(is_positive(self.task.design, one) for one in self.primary)
        return (count / len(self.primary), *wilson(count, len(self.primary)))


def run_trial(
    design: Design,
    *,
    replicates: int = 1,
    seed: int = 1,
    world: World | None = None,
    parameter_draws: Sequence[Mapping[str, float]] = (),
    workers: int = 1,
    cluster: str | None = None,
    checkpoint: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TrialRun:
    """Run a virtual trial.

    Args:
        design: the trial.
        replicates: how often it is run.
        seed: seed of all random numbers.
        world: mechanism, factor on the drug's effect, unblinding, parameters.
        parameter_draws: typical values that replace the model's own (uncertainty of parameters); replicate r
            takes draw r modulo their number.
        workers: processes; the numbers do not depend on it.
        cluster: address of a Dask scheduler to use instead.
        checkpoint: folder in which finished replicates are kept until the run is complete.
        progress: called with (replicates done, replicates in all).

    Raises:
        RekindleError: fewer than one replicate, or a trial that cannot be run.

    >>> from dataclasses import replace
    >>> from rekindle.trials import shipped_design
    >>> run = run_trial(replace(shipped_design("saline_crossover"), number=6), replicates=2)
    >>> len(run.replicates), run.rows[0].outcome
    (2, 'MADRS at screening')
    """
    check_replicates(replicates)
    task = TrialTask(design, seed, world or World(), tuple(dict(one) for one in parameter_draws))
    contents = run_batches(
        _work,
        task,
        batches_of(replicates),
        workers=workers,
        cluster=cluster,
        checkpoint=checkpoint,
        progress=progress,
    )
    found = [one for content in contents for one in content]
    return TrialRun(
        task,
        tuple(tuple(Finding(*finding) for finding in one["findings"]) for one in found),
        tuple(Estimate(*one["primary"]) for one in found if one["primary"] is not None),
    )


def check_replicates(replicates: int) -> None:
    """Refuse less than one replicate.

    Raises:
        ParameterError: fewer than one.
    """
    if replicates < 1:
        raise ParameterError("RK-PAR-170", given=f"{replicates} replicates", allowed="A whole number from 1")


def batches_of(replicates: int) -> list[range]:
    """Replicates in batches.

    >>> batches_of(7)
    [range(0, 5), range(5, 7)]
    """
    return [range(start, min(start + _BATCH, replicates)) for start in range(0, replicates, _BATCH)]


def _work(task: TrialTask, replicates: Sequence[int]) -> list[Any]:
    found = []
    for data in run_replicates(
        task.design,
        list(replicates),
        seed=task.seed,
        world=task.world,
        parameter_draws=task.parameter_draws,
    ):
        primary = primary_result(task.design, data) if task.design.primary else None
        found.append(
            {
                "findings": [list(astuple(one)) for one in findings(task.design, data)],
                "primary": None if primary is None else list(astuple(primary)),
            }
        )
    return found


def _row(found: Sequence[Finding]) -> ResultRow:
    first = found[0]
    values = np.array([one.value for one in found])
    known = values[np.isfinite(values)]
    centre = np.median if first.unit in ("people", "day") else np.mean
    tested = [one.p for one in found if not math.isnan(one.p)]
    return ResultRow(
        first.outcome,
        first.day,
        first.arm,
        first.unit,
        float(centre(known)) if len(known) else math.nan,
        float(np.quantile(known, _LOW)) if len(known) else math.nan,
        float(np.quantile(known, _HIGH)) if len(known) else math.nan,
        _mean([one.spread for one in found]),
        float(np.mean([p < 0.05 for p in tested])) if tested else math.nan,
        len(known),
        _mean([float(one.n) for one in found]),
    )


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
