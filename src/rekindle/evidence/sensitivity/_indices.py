"""Which uncertainties matter: first and total Sobol indices of the typical person's outcomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import EvidenceError
from rekindle.evidence.sensitivity._inputs import VARIANT, UncertainInput, parameter_set, uncertain_inputs
from rekindle.evidence.sensitivity._outcomes import Outcome, outcome_values
from rekindle.evidence.sensitivity._plan import Index, Plan, Spread

Array = NDArray[np.float64]

#: An input that moves no outcome by this share when it goes from its 5 % to its 95 % point is left out.
NEGLIGIBLE = 1e-4
_POINT_90 = 1.6448536269514722


@dataclass(frozen=True)
class Sensitivity:
    """Global sensitivity of the typical person's outcomes.

    Attributes:
        mechanism: hypothesis of the mood effect.
        inputs: uncertainties that move an outcome at all.
        idle: names of those that do not.
        indices: one for each outcome and input.
        groups: the same for whole groups of inputs, with the correlations of the posterior inside them.
        spreads: one for each outcome.
        samples: base samples; the model was run (inputs + 2) times as often.
        seed: of the sequence and of the resampling.
    """

    mechanism: str
    inputs: tuple[UncertainInput, ...]
    idle: tuple[str, ...]
    indices: tuple[Index, ...]
    groups: tuple[Index, ...]
    spreads: tuple[Spread, ...]
    samples: int
    seed: int

    def of(self, outcome: Outcome) -> list[Index]:
        """Indices of one outcome, the largest total first."""
        return sorted(
            (one for one in self.indices if one.outcome == outcome.name), key=lambda one: -one.total
        )


def sensitivity(
    mechanism: str = "disinhibition",
    *,
    samples: int = 128,
    seed: int = 1,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Sensitivity:
    """Sobol indices of the 24 h effect, the day 28 effect and the highest CADSS.

    Inputs are independent: the marginal posterior of each fitted parameter, and what published estimates
    leave open of each pharmacokinetic parameter. Shares of a variance have one meaning only for independent
    inputs. Correlations of the posterior are therefore kept for groups only: all fitted parameters together
    are independent of the rest. How much they matter is the difference between the two SDs of an outcome.

    Args:
        mechanism: a hypothesis with a calibration.
        samples: base samples, a power of 2; confidence intervals shrink with its root.
        seed: seed of the scrambled Sobol sequence and of the resampling.
        workers: processes of the engine.
        progress: called with (runs done, runs in all).

    Raises:
        EvidenceError: samples that are no power of 2.
        ParameterError: a mechanism without a calibration.
    """
    check_samples(samples)
    every = uncertain_inputs(mechanism)
    inputs = _that_matter(every, mechanism, workers)
    plan = Plan(inputs, mechanism)
    points, together = plan.points(samples, seed), plan.points(samples, seed, groups=True)
    sets = [plan.set_at(point) for point in points]
    sets += [plan.set_at(point, correlated=True) for point in together]
    values = outcome_values(sets, mechanism, workers=workers, progress=progress)
    alone = {name: found[: len(points)] for name, found in values.items()}
    correlated = {name: found[len(points) :] for name, found in values.items()}
    return Sensitivity(
        mechanism,
        inputs,
        tuple(one.name for one in every if one not in inputs),
        plan.indices(alone, seed),
        plan.indices(correlated, seed, groups=True),
        plan.spreads(alone, correlated, outcome_values([plan.centre], mechanism)),
        samples,
        seed,
    )


def check_samples(samples: int) -> None:
    """Refuse a number of base samples that a Sobol sequence cannot have.

    Raises:
        EvidenceError: no power of 2.

    >>> check_samples(128)
    """
    if samples < 2 or samples & (samples - 1):
        raise EvidenceError(
            "RK-EVI-040",
            given=f"{samples} base samples",
            allowed="A power of 2 from 2",
            why="A Sobol sequence is balanced at powers of 2 only",
        )


def _that_matter(
    inputs: Sequence[UncertainInput], mechanism: str, workers: int
) -> tuple[UncertainInput, ...]:
    """Inputs that move an outcome when they alone go from their 5 % to their 95 % point."""
    low, high = ([_alone(inputs, place, end) for place in range(len(inputs))] for end in (0, 1))
    sets = [parameter_set(inputs, moves, mechanism) for moves in (*low, *high)]
    values = outcome_values(sets, mechanism, workers=workers)
    moved = np.zeros(len(inputs), dtype=bool)
    for found in values.values():
        gaps = np.abs(found[: len(inputs)] - found[len(inputs) :])
        moved |= gaps > NEGLIGIBLE * np.abs(found).max()
    return tuple(one for one, moves in zip(inputs, moved, strict=True) if moves)


def _alone(inputs: Sequence[UncertainInput], place: int, end: int) -> Array:
    moves = np.zeros(len(inputs))
    moves[place] = float(end) if inputs[place].kind == VARIANT else _POINT_90 * (2.0 * end - 1.0)
    return moves
