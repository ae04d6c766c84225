"""Predictions that would tell the mechanism hypotheses apart, for the typical person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence._predict import predict_arms
from rekindle.evidence._typical_person import typical_courses
from rekindle.people import Stream, random_generator
from rekindle.therapy import (
    calibrated_mechanisms,
    calibration,
    combined_interactions,
    interaction,
    parameter_draws,
)

Array = NDArray[np.float64]

MECHANISMS = ("disinhibition", "tonic_eef2", "hnk_direct")
_REFERENCE = "ketamine 0.5 mg/kg iv over 40 min"
_DOSE_MG = 35.0
_IMPROVEMENT = "improvement_share"


@dataclass(frozen=True, slots=True)
class Arm:
    """A treatment of the typical person, with an interacting drug or none, looked at after ``time_h``."""

    treatment: str
    time_h: float = 24.0
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Contrast:
    """Effect of one arm over that of another."""

    name: str
    words: str
    top: Arm
    bottom: Arm


@dataclass(frozen=True, slots=True)
class ContrastValue:
    """A ratio under one hypothesis; the bounds are 90 % of what its parameters leave open.

    ``calibrated`` is False where the hypothesis has no calibration: nominal parameters, no bounds.
    """

    contrast: Contrast
    mechanism: str
    value: float
    low: float | None
    high: float | None
    calibrated: bool


@cache
def contrasts() -> tuple[Contrast, ...]:
    """What is compared.

    >>> [contrast.name for contrast in contrasts()][:2]
    ['oral over IV at equal S-ketamine area', 'R over S']
    """
    reference = Arm(_REFERENCE)
    return (
        Contrast(
            "oral over IV at equal S-ketamine area",
            f"ketamine {_oral_dose():.0f} mg by mouth against {_REFERENCE}",
            Arm(f"ketamine {_oral_dose():.0f} mg oral"),
            reference,
        ),
        Contrast(
            "R over S",
            "arketamine against esketamine, 0.5 mg/kg iv over 40 min",
            Arm("arketamine 0.5 mg/kg iv over 40 min"),
            Arm("esketamine 0.5 mg/kg iv over 40 min"),
        ),
        *(
            Contrast(
                f"{dose:g} over 0.5 mg/kg",
                f"ketamine {dose:g} against 0.5 mg/kg iv over 40 min",
                Arm(f"ketamine {dose:g} mg/kg iv over 40 min"),
                reference,
            )
            for dose in (0.1, 0.2, 1.0)
        ),
        Contrast(
            "48 h over 24 h", f"the same person after {_REFERENCE}", Arm(_REFERENCE, time_h=48.0), reference
        ),
        *(
            Contrast(
                f"with {words}, over without",
                f"{_REFERENCE}, multipliers of {agent}",
                Arm(_REFERENCE, agent=agent),
                reference,
            )
            for agent, words in (
                ("cyp2b6_inhibitor", "a CYP2B6 inhibitor"),
                ("strong_cyp3a4_inhibitor", "a strong CYP3A4 inhibitor"),
                ("rifampicin", "rifampicin"),
            )
        ),
    )


def contrast_values(*, draws: int = 100, seed: int = 1, workers: int = 1) -> tuple[ContrastValue, ...]:
    """Every contrast under every hypothesis: a ratio of improvements without expectancy.

    Bounds are quantiles over sets drawn from the posterior of the hypothesis and from what is not known of
    the pharmacokinetics. Multipliers of interacting drugs and the oral dose have no uncertainty here.

    Args:
        draws: parameter sets for the bounds.
        seed: seed of the draws.
        workers: processes of the engine.
    """
    found: list[ContrastValue] = []
    for mechanism in MECHANISMS:
        sets = _sets(mechanism, draws, seed)
        arms = dict.fromkeys(arm for one in contrasts() for arm in (one.top, one.bottom))
        effects = {arm: _effect(arm, sets, mechanism, workers) for arm in arms}
        for contrast in contrasts():
            ratios = effects[contrast.top] / effects[contrast.bottom]
            known = ratios[1:][np.isfinite(ratios[1:])]
            low, high = (
                (float(end) for end in np.quantile(known, (0.05, 0.95))) if len(known) else (None, None)
            )
            calibrated = mechanism in calibrated_mechanisms()
            found.append(ContrastValue(contrast, mechanism, float(ratios[0]), low, high, calibrated))
    return tuple(found)


def _sets(mechanism: str, draws: int, seed: int) -> list[Mapping[str, float]]:
    """The most probable parameters, then drawn ones; expectancy is switched off in all."""
    off = {"EX": 0.0}
    if mechanism not in calibrated_mechanisms():
        return [off]
    generator = random_generator(seed, 0, 0, 0, Stream.PARAMETERS, "contrasts")
    drawn = parameter_draws(mechanism, draws, generator)
    return [
        {**calibration(mechanism).parameter_set.values, **off},
        *({**one.values, **one.pharmacokinetics, **off} for one in drawn),
    ]


def _effect(arm: Arm, sets: Sequence[Mapping[str, float]], mechanism: str, workers: int) -> Array:
    agents = [interaction(arm.agent, "iv")] if arm.agent else []
    factors = combined_interactions(agents)
    found = typical_courses(
        arm.treatment,
        [{**one, **factors} for one in sets],
        [arm.time_h],
        [_IMPROVEMENT],
        mechanism=mechanism,
        workers=workers,
    )
    return found[_IMPROVEMENT][:, -1]


@cache
def _oral_dose() -> float:
    """Racemate (mg) by mouth that gives the S-ketamine area of the reference infusion."""
    row = {
        "study_id": "contrast", "arm_id": "oral", "drug": "ketamine", "formulation": "oral_solution",
        "route": "oral", "dose": _DOSE_MG, "dose_unit": "mg", "weight_kg": 70, "age_years": 40, "n": 20,
        "analyte": "s_ketamine", "statistic": "bioavailability", "value": "", "unit": "%",
    }  # fmt: skip
    found = predict_arms([row], n_people=2).rows[0]["predicted"]
    assert isinstance(found, float)
    return _DOSE_MG / (found / 100.0)
