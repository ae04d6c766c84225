"""People like those of an arm, and what an arm of a given size would have reported of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence._arm import Situation
from rekindle.evidence._data import assumption
from rekindle.evidence._simulation import Subjects
from rekindle.evidence._statistic import Exposure, Target
from rekindle.people import (
    CovariateDistributions,
    Population,
    Stream,
    Variability,
    default_distributions,
    default_variability,
    draw_parameters,
    person_ranges,
    random_generator,
)
from rekindle.therapy import pharmacokinetic_model, residual_errors

Array = NDArray[np.float64]

#: An earlier dose and the arm's own are two occasions.
_OCCASIONS = 2
_RESAMPLES = 2000
_QUANTILES = (0.05, 0.95)
_SETTINGS = ("rich venous samples", "any")


def arm_number(situation: Situation) -> int:
    """Number by which random numbers know an arm; other arms of a table do not matter to it."""
    key = f"{situation.study_id}\n{situation.arm_id}".encode()
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "little")


def typical_subject(situation: Situation) -> Subjects:
    """The typical subject with the model's own parameters."""
    return Subjects([situation.person()], {})


def crowd(situation: Situation, count: int, seed: int) -> Subjects:
    """People around the mean weight of an arm, all of its age, with drawn parameters.

    The spread of weight relative to its mean is that of the default population.
    """
    model, variability, trial = pharmacokinetic_model("D1"), _variability(), arm_number(situation)
    population = Population(
        count,
        seed,
        trial,
        _distributions(situation.weight_kg),
        {"age_years": situation.age_years, "allow_extrapolation": True},
    )
    people = list(population)
    parameters = {
        person.id: draw_parameters(
            model, variability, seed=seed, trial=trial, person=person.id, occasions=_OCCASIONS
        )
        for person in people
    }
    return Subjects(people, parameters)


def arm_interval(
    target: Target, values: Array, situation: Situation, subjects: int, seed: int, *, median: bool
) -> tuple[float, float]:
    """90 % interval of the mean or median that an arm of this many subjects reports.

    Args:
        target: what the row observed; decides how assay errors enter.
        values: the target of each simulated person.
        situation: keys the random numbers.
        subjects: size of the arm.
        seed: seed of the prediction.
        median: whether the arm reports a median instead of a mean.
    """
    trial, name = arm_number(situation), repr(target.powers)
    errors = random_generator(seed, trial, name, 0, Stream.OBSERVATION).standard_normal(len(values))
    spread = _error(target)
    measured = values * np.exp(spread * errors - (0.0 if median else spread**2 / 2.0))
    measured = measured[np.isfinite(measured)]
    if not len(measured):
        return float("nan"), float("nan")
    # Scatter of an arm plus that of the crowd it is drawn from: few simulated people widen the interval.
    size = max(1, round(1.0 / (1.0 / min(subjects, assumption("largest_arm")) + 1.0 / len(measured))))
    chosen = random_generator(seed, trial, name, 0, Stream.RESAMPLING).integers(
        0, len(measured), size=(_RESAMPLES, size)
    )
    summaries = (np.median if median else np.mean)(measured[chosen], axis=1)
    low, high = np.quantile(summaries, _QUANTILES)
    return float(low), float(high)


@cache
def _variability() -> Variability:
    model, every = pharmacokinetic_model("D1"), default_variability()
    return every.only([name for name in every.parameters if name in model.parameters])


def _distributions(weight_kg: float) -> CovariateDistributions:
    """The default population with another mean weight and the same relative spread."""
    default, possible = default_distributions(), person_ranges()["weight_kg"].possible
    rows = tuple(
        replace(row, mean=weight_kg, sd=row.sd * weight_kg / row.mean, low=possible[0], high=possible[1])
        if row.covariate == "weight_kg"
        else row
        for row in default.rows
        if row.covariate in ("female", "weight_kg")
    )
    return CovariateDistributions(rows)


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
