"""People like those of an arm, and the typical one at other typical parameters."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from hashlib import blake2b

from rekindle.evidence._data import assumption
from rekindle.evidence.plasma._arm import Situation
from rekindle.evidence.plasma._simulation import Subjects
from rekindle.people import (
    CovariateDistributions,
    Population,
    Stream,
    Variability,
    default_distributions,
    default_variability,
    draw_people,
    person_ranges,
    random_generator,
)
from rekindle.therapy import pharmacokinetic_draws, pharmacokinetic_model

#: An earlier dose and the arm's own are two occasions.
_OCCASIONS = 2


def arm_number(situation: Situation) -> int:
    """Number by which random numbers know an arm; other arms of a table do not matter to it."""
    key = f"{situation.study_id}\n{situation.arm_id}".encode()
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "little")


def typical_subject(situation: Situation) -> Subjects:
    """The typical subject with the model's own parameters."""
    return Subjects([situation.person()], {})


def uncertain_subjects(situation: Situation, seed: int) -> Subjects:
    """The typical subject at parameter sets that the evidence leaves possible; the same sets for all arms."""
    generator = random_generator(seed, 0, 0, 0, Stream.PARAMETERS, "pharmacokinetics")
    sets = pharmacokinetic_draws(round(assumption("pharmacokinetic_draws")), generator)
    typical = situation.person()
    people = [replace(typical, id=str(place)) for place in range(1, len(sets) + 1)]
    return Subjects(people, {person.id: one for person, one in zip(people, sets, strict=True)})


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
    parameters = draw_people(model, variability, people, seed=seed, trial=trial, occasions=_OCCASIONS)
    return Subjects(people, parameters)


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
