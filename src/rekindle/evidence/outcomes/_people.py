"""The people of a trial: drawn like its participants, entered by their scores."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence._data import assumption
from rekindle.evidence.outcomes._arm import Setup
from rekindle.people import Person, Population, Stream, random_generator
from rekindle.trials import rating_scale, study_distributions, true_baseline

Array = NDArray[np.float64]

_HALF_POINT = 0.5
_MATCHING_STEPS = 200


@dataclass(frozen=True)
class Baseline:
    """Scores at entry: scale, mean and SD of those who entered, and the score from which they did.

    With ``before_selection`` mean and SD are those of everybody who was screened.
    """

    scale: str
    mean: float
    sd: float
    entry: float | None = None
    before_selection: bool = False


def study_number(study_id: str) -> int:
    """Number by which random numbers know a study; its arms share their people, other studies do not matter.

    >>> study_number("A") == study_number("A")
    True
    """
    return int.from_bytes(blake2b(f"outcomes\n{study_id}".encode(), digest_size=8).digest(), "little")


def trial_people(setup: Setup, count: int, seed: int) -> list[Person]:
    """People of a study by age, sex and weight; their MADRS item 10 is drawn too."""
    trial = study_number(setup.study_id)
    fixed = {} if setup.female_pct not in (0.0, 100.0) else {"sex": "F" if setup.female_pct else "M"}
    population = Population(
        count,
        seed,
        trial,
        study_distributions(setup.female_pct, setup.age_years, setup.weight_kg),
        {**fixed, "allow_extrapolation": True},
    )
    scores = random_generator(seed, trial, 0, 0, Stream.COVARIATES, "item10").standard_normal(count)
    items = np.clip(assumption("item10_mean") + assumption("item10_sd") * scores, 0.0, 6.0)
    return [
        replace(person, item10_baseline=float(item), allow_extrapolation=True)
        for person, item in zip(population, items, strict=True)
    ]


def entry_scores(baseline: Baseline, study_id: str, count: int, seed: int) -> tuple[Array, Array]:
    """Scores rated at entry, and the severity behind them.

    Scores before selection are normal; mean and SD before it are found so that those who entered have the
    stated ones. Behind a rated score stands a true one that is nearer to the mean of all who were screened:
    this is where regression to the mean comes from.
    """
    scale, trial = rating_scale(baseline.scale), study_number(study_id)
    low = -math.inf if baseline.entry is None else baseline.entry - _HALF_POINT
    mean, sd = baseline.mean, baseline.sd
    if math.isfinite(low) and not baseline.before_selection:
        mean, sd = before_selection(mean, sd, low)
    generator = random_generator(seed, trial, 0, 0, Stream.RATER, f"entry {baseline.scale}")
    # One draw from each of equal shares, in random order: a small crowd has the mean that was asked for.
    shares = (generator.permutation(count) + generator.random(count)) / count
    rated = np.clip(np.round(_truncated(mean, sd, low, shares)), scale.low, scale.high)
    return rated, true_baseline(rated, scale, generator, mean=mean, sd=sd)


def _truncated(mean: float, sd: float, low: float, shares: Array) -> Array:
    from scipy.special import ndtr, ndtri

    below = ndtr((low - mean) / sd)
    return np.asarray(mean + sd * ndtri(below + (1.0 - below) * shares))


def before_selection(mean: float, sd: float, low: float) -> tuple[float, float]:
    """Mean and SD of a normal distribution whose part above ``low`` has the mean and SD given."""
    wide, centre = sd, mean
    for _ in range(_MATCHING_STEPS):
        z = (low - centre) / wide
        above = 0.5 * math.erfc(z / math.sqrt(2.0))
        if above < 0.05:
            return mean, sd
        hazard = math.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi) / above
        found = centre + wide * hazard
        spread = wide * math.sqrt(max(1.0 + z * hazard - hazard**2, 1e-6))
        centre, wide = centre + 0.5 * (mean - found), min(wide * (sd / spread) ** 0.5, 2.0 * sd)
    return centre, wide
