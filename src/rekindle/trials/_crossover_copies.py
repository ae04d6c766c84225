"""Patients of a crossover in many replicates, and the scores that raters write down for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rekindle.people import CrossoverCohort, Person, Stream, random_generator
from rekindle.trials._ratings import rating_scale, true_baseline

Array = NDArray[np.float64]

SCALES = ("MADRS", "HAM-D17")


@dataclass(frozen=True)
class Copy:
    """A patient in one replicate, with the observed and the drawn true baseline of each scale."""

    patient: str
    trial: int
    person: Person
    baselines: Mapping[str, tuple[float, float]]


def patient_copies(cohort: CrossoverCohort, trial: int, seed: int) -> Iterator[Copy]:
    """Every patient in one replicate, with a true baseline drawn given the observed one."""
    persons = cohort.persons(seed=seed, trial=trial)
    spread = {scale: _spread(cohort, scale, [person.id for person in persons]) for scale in SCALES}
    for person in persons:
        baselines = {}
        for scale in SCALES:
            observed = cohort.score(person.id, "baseline", None, scale)
            if observed is None:
                continue
            generator = random_generator(seed, trial, person.id, 0, Stream.RATER, scale)
            mean, sd = spread[scale]
            true = true_baseline(np.array([observed]), rating_scale(scale), generator, mean=mean, sd=sd)
            baselines[scale] = (observed, float(true[0]))
        copy = replace(person, id=f"{person.id} copy {trial + 1}", madrs_baseline=baselines["MADRS"][1])
        yield Copy(person.id, trial, copy, baselines)


def _spread(cohort: CrossoverCohort, scale: str, patients: Sequence[str]) -> tuple[float, float]:
    known = [cohort.score(patient, "baseline", None, scale) for patient in patients]
    values = np.array([value for value in known if value is not None])
    return float(values.mean()), float(values.std(ddof=1))


def rate_copies(copies: Sequence[Copy], improvement: Array, name: str, seed: int) -> Array:
    """Rated scores (copies, times) of one scale; NaN where the patient has no baseline on it."""
    scale = rating_scale(name)
    scores = np.full(improvement.shape, np.nan)
    for place, copy in enumerate(copies):
        if name in copy.baselines:
            generator = random_generator(seed, copy.trial, copy.patient, 0, Stream.OBSERVATION, name)
            scores[place] = scale.rate(copy.baselines[name][1] * (1.0 - improvement[place]), generator)
    return scores
