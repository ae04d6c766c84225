"""Run a virtual trial many times."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from importlib.metadata import version
from typing import Any, Unpack

from rekindle.errors import ParameterError
from rekindle.therapy import ParameterSet
from rekindle.trials._batches import run_batches
from rekindle.trials._design import Design
from rekindle.trials._estimate import Estimate
from rekindle.trials._exposure import World
from rekindle.trials._finding import Finding
from rekindle.trials._findings import findings
from rekindle.trials._primary import is_positive, primary_result
from rekindle.trials._replicate import run_replicates, run_versions
from rekindle.trials._result_rows import ResultRow, result_rows
from rekindle.trials._run_options import RunOptions, execution
from rekindle.trials._shares import wilson
from rekindle.trials._trial_data import TrialData
from rekindle.trials._version import Version, versions_of

#: Replicates that are simulated in one go: enough people for the solver, few enough to lose little.
_BATCH = 5


@dataclass(frozen=True)
class TrialTask:
    """Everything that the numbers of a run depend on."""

    design: Design
    seed: int = 1
    world: World = field(default_factory=World)
    parameter_draws: tuple[ParameterSet, ...] = ()
    study_spread: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, design: Design, options: RunOptions) -> TrialTask:
        """The task of a design with the options of a run."""
        return cls(
            design,
            options.get("seed", 1),
            options.get("world", World()),
            tuple(options.get("parameter_draws", ())),
            dict(options.get("study_spread", {})),
        )

    @property
    def made_with(self) -> tuple[str, dict[str, float | None]]:
        """Version of the program and values of its model, which a resumed run must share."""
        values = {name: one.value for name, one in self.world.model(self.design).parameters.items()}
        return version("rekindle"), values | self.world.typical(self.design)

    @property
    def versions(self) -> dict[str, Version]:
        """Versions of every replicate by name."""
        return versions_of(self.parameter_draws, self.study_spread)

    def data(self, replicates: Sequence[int]) -> list[TrialData]:
        """Data sets of some replicates at the most probable parameters."""
        return run_replicates(self.design, list(replicates), seed=self.seed, world=self.world)

    def every_version(self, replicates: Sequence[int]) -> dict[str, list[TrialData]]:
        """Data sets of some replicates in every version."""
        known = self.versions
        found = run_versions(
            self.design, list(replicates), list(known.values()), seed=self.seed, world=self.world
        )
        return dict(zip(known, found, strict=True))


@dataclass(frozen=True)
class Replicate:
    """What a paper would report of one replicate; ``primary`` is None without a primary result."""

    findings: tuple[Finding, ...]
    primary: Estimate | None


@dataclass(frozen=True)
class TrialRun:
    """A trial in many replicates.

    Attributes:
        task: design, seed and assumptions.
        best: every replicate at the most probable parameters.
        drawn: the same replicates, with the same random numbers, at drawn parameters; empty without draws.
        study: those again, each as a study of its own; empty without differences between studies.
    """

    task: TrialTask
    best: tuple[Replicate, ...]
    drawn: tuple[Replicate, ...] = ()
    study: tuple[Replicate, ...] = ()

    @property
    def replicates(self) -> tuple[tuple[Finding, ...], ...]:
        """Results of each replicate at the most probable parameters."""
        return tuple(one.findings for one in self.best)

    @property
    def primary(self) -> tuple[Estimate, ...]:
        """The deciding result of each replicate at the most probable parameters; empty without one."""
        return _deciding(self.best)

    @property
    def rows(self) -> list[ResultRow]:
        """Results over all replicates, in the order of a results section."""
        drawn, study = ([one.findings for one in found] for found in (self.drawn, self.study))
        return result_rows(self.replicates, drawn, study)

    @property
    def positive(self) -> tuple[float, float, float]:
        """Share of positive trials with its 95 % Monte Carlo interval."""
        return self._positive(self.best)

    @property
    def positive_drawn(self) -> tuple[float, float, float]:
        """The same with parameters that are not known for certain; not a number without draws."""
        return self._positive(self.drawn) if self.drawn else (math.nan,) * 3

    @property
    def positive_study(self) -> tuple[float, float, float]:
        """The same in a new study, which may differ from the model; not a number without such differences."""
        return self._positive(self.study) if self.study else (math.nan,) * 3

    def _positive(self, found: Sequence[Replicate]) -> tuple[float, float, float]:
        deciding = _deciding(found)
        count = sum(is_positive(self.task.design, one) for one in deciding)
        return (count / len(deciding), *wilson(count, len(deciding)))


def run_trial(design: Design, *, replicates: int = 1, **options: Unpack[RunOptions]) -> TrialRun:
    """Run a virtual trial.

    Args:
        design: the trial.
        replicates: how often it is run.
        options: seed, assumptions, and where the work is done; see ``RunOptions``.

    Raises:
        RekindleError: fewer than one replicate, or a trial that cannot be run.

    >>> from dataclasses import replace
    >>> from rekindle.trials import shipped_design
    >>> run = run_trial(replace(shipped_design("saline_crossover"), number=6), replicates=2)
    >>> len(run.replicates), run.rows[0].outcome
    (2, 'MADRS at screening')
    """
    check_replicates(replicates)
    task = TrialTask.of(design, options)
    how = execution(options)
    contents = run_batches(_work, task, batches_of(replicates), how, made_with=task.made_with)
    found = [one for content in contents for one in content]
    return TrialRun(
        task,
        *(tuple(_read(one[name]) for one in found if name in one) for name in ("best", "drawn", "study")),
    )


def check_replicates(replicates: int) -> None:
    """Refuse less than one replicate.

    Raises:
        ParameterError: fewer than one.
    """
    if replicates < 1:
        raise ParameterError(
            "RK-PAR-170",
            given=f"{replicates} replicates",
            allowed="A whole number from 1",
            why="Without a trial there is no result",
            remedy="Give --replicates 1 or more",
        )


def batches_of(replicates: int) -> list[range]:
    """Replicates in batches.

    >>> batches_of(7)
    [range(0, 5), range(5, 7)]
    """
    return [range(start, min(start + _BATCH, replicates)) for start in range(0, replicates, _BATCH)]


def _deciding(found: Sequence[Replicate]) -> tuple[Estimate, ...]:
    return tuple(one.primary for one in found if one.primary is not None)


def _work(task: TrialTask, replicates: Sequence[int]) -> list[Any]:
    found = task.every_version(replicates)
    return [
        {name: _report(task.design, data[place]) for name, data in found.items()}
        for place in range(len(replicates))
    ]


def _report(design: Design, data: TrialData) -> dict[str, Any]:
    primary = primary_result(design, data) if design.primary else None
    return {
        "findings": [list(astuple(one)) for one in findings(design, data)],
        "primary": None if primary is None else list(astuple(primary)),
    }


def _read(content: dict[str, Any]) -> Replicate:
    primary = content["primary"]
    return Replicate(
        tuple(Finding(*one) for one in content["findings"]),
        None if primary is None else Estimate(*primary),
    )
