"""What an arm of a given size would have reported of an exposure, and where that uncertainty comes from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence._data import assumption
from rekindle.evidence.plasma._arm import Situation
from rekindle.evidence.plasma._crowd import arm_number
from rekindle.evidence.plasma._statistic import Exposure, Target
from rekindle.people import Stream, random_generator
from rekindle.therapy import residual_errors

Array = NDArray[np.float64]

_RESAMPLES = 2000
_QUANTILES = (0.05, 0.95)
_SETTINGS = ("rich venous samples", "any")


@dataclass(frozen=True, slots=True)
class ArmInterval:
    """90 % interval of what an arm reports, and its standard errors by source, in the unit of the row."""

    low: float
    high: float
    people: float
    assay: float
    parameters: float


def arm_interval(
    target: Target,
    typical: float,
    people: Array,
    uncertain: Array,
    situation: Situation,
    subjects: int,
    seed: int,
    *,
    median: bool,
) -> ArmInterval:
    """90 % interval of the mean or median that an arm of this many subjects reports.

    Args:
        target: what the row observed; decides how assay errors enter.
        typical: the target of the typical subject.
        people: the target of each simulated person.
        uncertain: the target of the typical subject at each drawn parameter set.
        situation: keys the random numbers.
        subjects: size of the arm.
        seed: seed of the prediction.
        median: whether the arm reports a median instead of a mean.
    """
    trial, name = arm_number(situation), repr(target.powers)
    errors = random_generator(seed, trial, name, 0, Stream.OBSERVATION).standard_normal(len(people))
    spread = _error(target)
    measured = people * np.exp(spread * errors - (0.0 if median else spread**2 / 2.0))
    known = np.isfinite(measured)
    people, measured = people[known], measured[known]
    if not len(measured):
        return ArmInterval(*[float("nan")] * 5)
    # Scatter of an arm plus that of the crowd it is drawn from: few simulated people widen the interval.
    size = max(1, round(1.0 / (1.0 / min(subjects, assumption("largest_arm")) + 1.0 / len(measured))))
    generator = random_generator(seed, trial, name, 0, Stream.RESAMPLING)
    chosen = generator.integers(0, len(measured), size=(_RESAMPLES, size))
    summary = np.median if median else np.mean
    true, reported = summary(people[chosen], axis=1), summary(measured[chosen], axis=1)
    possible = uncertain[np.isfinite(uncertain)]
    moved = _moved(reported, typical, generator.choice(possible, _RESAMPLES)) if len(possible) else reported
    low, high = np.quantile(moved, _QUANTILES)
    return ArmInterval(
        float(low),
        float(high),
        float(np.std(true)),
        float(np.std(reported - true)),
        float(np.sqrt(np.mean((possible - typical) ** 2))) if len(possible) else 0.0,
    )


def _moved(reported: Array, typical: float, possible: Array) -> Array:
    """What arms report if the typical subject is another one; in proportion where all are positive."""
    if typical > 0.0 and (possible > 0.0).all():
        return np.asarray(reported * possible / typical)
    return np.asarray(reported + possible - typical)


def _error(target: Target) -> float:
    """Relative assay error of a target; exposures of different kinds are measured independently."""
    return float(np.sqrt(sum(_exposure_error(exposure) ** 2 for exposure, _ in target.powers)))


def _exposure_error(exposure: Exposure) -> float:
    if exposure.kind in ("half_life", "peak_time"):
        return 0.0
    sd = _assay_errors()[_family(exposure.output)]
    return float(sd / np.sqrt(assumption("area_samples"))) if exposure.kind.startswith("area") else sd


def _family(output: str) -> str:
    name = output.removeprefix("s_").removeprefix("r_").removesuffix("_venous").removesuffix("_arterial")
    return "hnk" if name == "dhnk" else name


@cache
def _assay_errors() -> dict[str, float]:
    return {row["observation"]: float(row["sd"]) for row in residual_errors() if row["setting"] in _SETTINGS}
