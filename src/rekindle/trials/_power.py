"""Power by simulation: how often a trial is positive, by size, by true effect, and without unblinding."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rekindle.errors import DesignError, ParameterError
from rekindle.trials._batches import run_batches
from rekindle.trials._design import Design
from rekindle.trials._estimate import Estimate
from rekindle.trials._exposure import World
from rekindle.trials._findings import is_positive, primary_result
from rekindle.trials._replicate import run_replicates
from rekindle.trials._shares import wilson
from rekindle.trials._trial_run import TrialTask, batches_of, check_replicates


@dataclass(frozen=True, slots=True)
class PowerRow:
    """How often the trial is positive in one cell.

    Attributes:
        number: people who enter.
        effect: factor on the drug's effect on mood; 0 is a drug whose acute effects are all that it has.
        unblinding: whether people draw conclusions from their acute effects.
        power: share of positive trials.
        error: Monte Carlo standard error of the share.
        low, high: its 95 % Monte Carlo interval.
        difference: mean of the primary estimate.
        missing: replicates without a primary result; they count as not positive.
        replicates: all replicates.
    """

    number: int
    effect: float
    unblinding: bool
    power: float
    error: float
    low: float
    high: float
    difference: float
    missing: int
    replicates: int


@dataclass(frozen=True)
class _Cell:
    """The task of one effect, with every size that is read off it."""

    task: TrialTask
    numbers: tuple[int, ...]


def power(
    design: Design,
    *,
    numbers: Sequence[int] | None = None,
    effects: Sequence[float] = (1.0,),
    unblinding: Sequence[bool] = (True,),
    replicates: int = 100,
    seed: int = 1,
    world: World | None = None,
    parameter_draws: Sequence[Mapping[str, float]] = (),
    workers: int = 1,
    cluster: str | None = None,
    checkpoint: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[PowerRow]:
    """Probability of a positive primary result.

    The same replicates are used in every cell, so that cells differ by what they are called after; the
    people of a smaller trial are the first ones of a larger. With ``parameter_draws`` the share is the
    assurance: the probability of a positive result when parameters are not known for certain.

    Args:
        design: a trial with a primary result.
        numbers: sizes; default that of the design.
        effects: factors on the drug's effect on mood.
        unblinding: True as it is, False without conclusions from acute effects.
        replicates: simulated trials in each cell.
        seed: seed of all random numbers.
        world: other assumptions.
        parameter_draws: see ``run_trial``.
        workers, cluster, checkpoint: see ``run_trial``.
        progress: called with (replicates done, replicates in all) over all cells.

    Raises:
        DesignError: no primary result.
        ParameterError: no size, a size below 4, or a negative effect.
    """
    check_replicates(replicates)
    sizes = tuple(sorted(set(numbers or (design.number,))))
    if design.primary is None:
        raise DesignError(
            "RK-DES-003",
            given=f"{design.source}, primary: is missing",
            why="Power is the probability of a positive primary result",
            remedy="Add primary: {analysis: ..., arms: [...]}",
        )
    if sizes[0] < 4 or min(effects, default=-1.0) < 0.0:
        raise ParameterError(
            "RK-PAR-171",
            given=f"sizes {sizes} and effects {tuple(effects)}",
            allowed="Sizes from 4, effects from 0",
        )
    cells = [(effect, blind) for effect in effects for blind in unblinding]
    rows = []
    for place, (effect, blind) in enumerate(cells):
        task = TrialTask(
            replace(design, number=sizes[-1]),
            seed,
            replace(world or World(), effect=effect, unblinding=blind),
            tuple(dict(one) for one in parameter_draws),
        )
        contents = run_batches(
            _work,
            _Cell(task, sizes),
            batches_of(replicates),
            workers=workers,
            cluster=cluster,
            checkpoint=None if checkpoint is None else Path(checkpoint) / f"cell_{place:03d}",
            progress=_shifted(progress, place * replicates, len(cells) * replicates),
        )
        found = [one for content in contents for one in content]
        rows += [
            _row(design, size, effect, blind, [Estimate(*one[at]) for one in found])
            for at, size in enumerate(sizes)
        ]
    return rows


def _work(cell: _Cell, replicates: Sequence[int]) -> list[Any]:
    task = cell.task
    return [
        [list(astuple(primary_result(task.design, data.first(number)))) for number in cell.numbers]
        for data in run_replicates(
            task.design,
            list(replicates),
            seed=task.seed,
            world=task.world,
            parameter_draws=task.parameter_draws,
        )
    ]


def _row(design: Design, number: int, effect: float, unblinding: bool, found: Sequence[Estimate]) -> PowerRow:
    count = sum(is_positive(design, one) for one in found)
    share = count / len(found)
    known = [one.value for one in found if math.isfinite(one.value)]
    return PowerRow(
        number,
        effect,
        unblinding,
        share,
        math.sqrt(share * (1.0 - share) / len(found)),
        *wilson(count, len(found)),
        float(np.mean(known)) if known else math.nan,
        len(found) - len(known),
        len(found),
    )


def _shifted(
    progress: Callable[[int, int], None] | None, before: int, total: int
) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, _: progress(before + done, total)
