"""What every command that runs a trial many times can be told, stated once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from rekindle.people import Stream, random_generator
from rekindle.therapy import ParameterSet, parameter_draws
from rekindle.trials._batches import Execution
from rekindle.trials._exposure import World


class RunOptions(TypedDict, total=False):
    """Options of ``run_trial`` and ``power``, all of them optional.

    Attributes:
        seed: seed of all random numbers; default 1.
        world: mechanism, factor on the drug's effect, unblinding, parameters.
        parameter_draws: parameter sets that are as probable as each other (``posterior_draws``); every
            replicate is then run once more, with the same random numbers, at draw r modulo their number.
        study_spread: kind -> SD by which studies differ beyond their design (``Calibration.study_spread``);
            every replicate is then also run as a study of its own, on top of drawn parameters.
        workers: processes; the numbers do not depend on it.
        cluster: address of a Dask scheduler to use instead.
        checkpoint: folder in which finished replicates are kept until the run is complete.
        progress: called with (replicates done, replicates in all).
    """

    seed: int
    world: World
    parameter_draws: Sequence[ParameterSet]
    study_spread: Mapping[str, float]
    workers: int
    cluster: str | None
    checkpoint: str | Path | None
    progress: Callable[[int, int], None] | None


def execution(options: RunOptions) -> Execution:
    """Where and how the work is done; no number depends on it."""
    checkpoint = options.get("checkpoint")
    return Execution(
        options.get("workers", 1),
        options.get("cluster"),
        None if checkpoint is None else Path(checkpoint),
        options.get("progress"),
    )


def posterior_draws(
    count: int, *, seed: int = 1, mechanism: str = "disinhibition"
) -> tuple[ParameterSet, ...]:
    """Parameter sets drawn from the shipped calibration of a mechanism and the published pharmacokinetics.

    Raises:
        ParameterError: a mechanism without a calibration.

    >>> len(posterior_draws(3)), posterior_draws(3) == posterior_draws(3)
    (3, True)
    """
    generator = random_generator(seed, 0, 0, 0, Stream.PARAMETERS, "trials: calibration")
    return tuple(parameter_draws(mechanism, count, generator))
