"""Power by simulation: how often a trial is positive, by size, by true effect, and without unblinding."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, Unpack

from rekindle.errors import ParameterError
from rekindle.trials._batches import Execution, run_batches
from rekindle.trials._design import Design
from rekindle.trials._design_errors import design_error
from rekindle.trials._estimate import Estimate
from rekindle.trials._primary import is_positive, primary_centre, primary_result
from rekindle.trials._run_options import RunOptions, execution
from rekindle.trials._shares import wilson
from rekindle.trials._trial_data import TrialData
from rekindle.trials._trial_run import TrialTask, batches_of, check_replicates
from rekindle.trials._version import Version


@dataclass(frozen=True, slots=True)
class PowerRow:
    """How often the trial is positive in one cell.

    Attributes:
        number: people who enter.
        effect: factor on the drug's effect on mood; 0 is a drug whose acute effects are all that it has.
        unblinding: whether people draw conclusions from their acute effects.
        drawn: whether every replicate has parameters of its own.
        studies: whether every replicate is a study of its own, which differs from the model beyond its
            design; with ``drawn`` the share is the assurance of a new trial.
        power: share of positive trials.
        error: Monte Carlo standard error of the share.
        low, high: its 95 % Monte Carlo interval.
        difference: mean of the primary estimate; for relapse the median logarithm of the hazard ratio.
        missing: replicates without a primary result; they count as not positive.
        replicates: all replicates.
    """

    number: int
    effect: float
    unblinding: bool
    drawn: bool
    studies: bool
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
    **options: Unpack[RunOptions],
) -> list[PowerRow]:
    """Probability of a positive primary result.

    The same replicates are used in every cell, so that cells differ by what they are called after; the
    people of a smaller trial are the first ones of a larger. With ``parameter_draws`` every cell is repeated
    with drawn parameters, and with ``study_spread`` again with each replicate as a study of its own. With
    both the share is the assurance: the probability of a positive result of a new trial, when parameters are
    not known for certain and studies of one design differ.

    Args:
        design: a trial with a primary result.
        numbers: sizes; default that of the design.
        effects: factors on the drug's effect on mood.
        unblinding: True as it is, False without conclusions from acute effects.
        replicates: simulated trials in each cell.
        options: seed, other assumptions, and where the work is done; see ``RunOptions``.

    Raises:
        DesignError: no primary result.
        ParameterError: a size below 4, a negative effect.
        RekindleError: a trial that cannot be run.

    >>> from rekindle.trials import shipped_design
    >>> rows = power(shipped_design("saline_crossover"), numbers=[6], replicates=2)
    >>> rows[0].number, 0.0 <= rows[0].power <= 1.0
    (6, True)
    """
    check_replicates(replicates)
    sizes = tuple(sorted(set(numbers or (design.number,))))
    _check(design, sizes, effects)
    task = TrialTask.of(replace(design, number=sizes[-1]), options)
    cells = [_Cell(_changed(task, effect, blind), sizes) for effect in effects for blind in unblinding]
    how, rows = execution(options), []
    for place, cell in enumerate(cells):
        here = _execution(how, place, replicates, len(cells))
        contents = run_batches(_work, cell, batches_of(replicates), here, made_with=cell.task.made_with)
        found = [one for content in contents for one in content]
        rows += [
            _row(cell, size, version, [Estimate(*one[name][at]) for one in found])
            for name, version in task.versions.items()
            for at, size in enumerate(sizes)
        ]
    return rows


def _check(design: Design, sizes: Sequence[int], effects: Sequence[float]) -> None:
    if design.primary is None:
        raise design_error(
            "RK-DES-003",
            f"{design.source}, primary: is missing",
            why="Power is the probability of a positive primary result",
            remedy="Add primary: {analysis: ..., arms: [...]}",
        )
    if sizes[0] < 4 or min(effects, default=-1.0) < 0.0:
        raise ParameterError(
            "RK-PAR-171",
            given=f"sizes {sizes} and effects {tuple(effects)}",
            allowed="Sizes from 4, effects from 0",
            why="Fewer people give no analysis; a negative factor is another drug",
            remedy="Give larger sizes, or effects such as 0,0.5,1",
        )


def _changed(task: TrialTask, effect: float, unblinding: bool) -> TrialTask:
    return replace(task, world=replace(task.world, effect=effect, unblinding=unblinding))


def _execution(how: Execution, place: int, replicates: int, cells: int) -> Execution:
    """Where one cell is done: with a folder of its own, and progress over all cells."""
    folder = None if how.checkpoint is None else how.checkpoint / f"cell_{place:03d}"
    shifted = _shifted(how.progress, place * replicates, cells * replicates)
    return replace(how, checkpoint=folder, progress=shifted)


def _work(cell: _Cell, replicates: Sequence[int]) -> list[Any]:
    design = cell.task.design
    versions = cell.task.every_version(replicates)
    return [
        {name: _by_size(design, data[place], cell.numbers) for name, data in versions.items()}
        for place in range(len(replicates))
    ]


def _by_size(design: Design, data: TrialData, numbers: Sequence[int]) -> list[list[float]]:
    return [list(astuple(primary_result(design, data.first(number)))) for number in numbers]


def _row(cell: _Cell, number: int, version: Version, found: Sequence[Estimate]) -> PowerRow:
    count = sum(is_positive(cell.task.design, one) for one in found)
    share = count / len(found)
    primary = cell.task.design.primary
    assert primary is not None, "checked before anything is simulated"
    return PowerRow(
        number,
        cell.task.world.effect,
        cell.task.world.unblinding,
        bool(version.parameter_draws),
        bool(version.study_spread),
        share,
        math.sqrt(share * (1.0 - share) / len(found)),
        *wilson(count, len(found)),
        primary_centre(primary, found),
        sum(math.isnan(one.value) for one in found),
        len(found),
    )


def _shifted(
    progress: Callable[[int, int], None] | None, before: int, total: int
) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, _: progress(before + done, total)
