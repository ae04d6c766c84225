"""Paroxetine as published: an empirical model of the percentage fall of MADRS (Shigetome 2025).

``red(t) = Emax t/(ET50 + t)`` with t in weeks, Emax from the exposure and ET50 from the score of week 1
(10.1002/psp4.70032; n = 50, mean dose 32.2 mg/day, no placebo arm, so the non-specific response is inside).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import ParameterError
from rekindle.people import Stream, random_generator
from rekindle.trials._tables import read_table

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ParoxetineReductions:
    """Simulated falls from baseline (%), shape (people, weeks), and how often an ET50 had to be redrawn."""

    weeks: tuple[float, ...]
    reduction_pct: Array
    redrawn: int


def paroxetine_reduction(
    weeks: Sequence[float],
    *,
    auc_week1: float,
    madrs_week1: float | None,
    emax_effect: float = 0.0,
    et50_effect: float = 0.0,
) -> Array:
    """Percentage fall of MADRS from baseline in one person, at most 100.

    Args:
        weeks: times in weeks, 0 to 6.
        auc_week1: cumulative paroxetine exposure of week 1, ng*h/mL, 1642 to 5814 (as observed).
        madrs_week1: MADRS one week after the start; a forecast made earlier needs a predicted one.
        emax_effect: relative deviation of this person's Emax, 0 for the typical person.
        et50_effect: the same for ET50; above -1.

    Raises:
        ParameterError: anything outside what was observed.

    >>> paroxetine_reduction([0, 6], auc_week1=3000, madrs_week1=29).round(1).tolist()
    [0.0, 67.8]
    """
    c = _constants()
    _require(auc_week1, "auc_week1", "ng*h/mL", c["auc_low"], c["auc_high"])
    if madrs_week1 is None:
        raise ParameterError(
            "RK-PAR-092",
            given="no MADRS of week 1",
            why="The published model starts from it; it is an observation, not a baseline",
            remedy="Give the observed or a predicted score of week 1",
        )
    _require(madrs_week1, "madrs_week1", "points", 0.0, 60.0)
    for week in weeks:
        _require(week, "week", "weeks", 0.0, c["last_week"])
    if not et50_effect > -1.0:
        raise ParameterError("RK-PAR-093", given=f"et50_effect {et50_effect:g}", allowed="Above -1")
    loss = (auc_week1 / c["auc_reference"]) ** c["auc_exponent"]
    delay = (madrs_week1 / c["madrs_reference"]) ** c["madrs_exponent"]
    largest = (c["emax_base"] - loss) * (1.0 + emax_effect)
    half = (c["et50_base"] + delay) * (1.0 + et50_effect)
    times = np.asarray(weeks, dtype=float)
    return np.asarray(np.minimum(100.0, largest * times / (half + times)))


def simulate_paroxetine(
    weeks: Sequence[float],
    *,
    auc_week1: Sequence[float],
    madrs_week1: Sequence[float],
    seed: int,
    trial: int = 0,
    residual: bool = True,
    control_class: str | None = None,
) -> ParoxetineReductions:
    """Percentage falls of MADRS in many people, with the published spread.

    With the printed variance about one ET50 in twelve is negative; those are redrawn and counted.

    Args:
        weeks: times in weeks, 0 to 6.
        auc_week1: exposure of week 1 of every person, ng*h/mL.
        madrs_week1: MADRS of week 1 of every person, points.
        seed: seed of all random numbers.
        trial: replicate.
        residual: add the published residual error.
        control_class: must be None: the model has the non-specific response inside.

    Raises:
        ParameterError: a control class, lists of different length, or anything outside what was observed.

    >>> found = simulate_paroxetine([6], auc_week1=[3000] * 3, madrs_week1=[29] * 3, seed=1)
    >>> found.reduction_pct.shape
    (3, 1)
    """
    if control_class is not None:
        raise ParameterError(
            "RK-PAR-094",
            given=f'the paroxetine model with control class "{control_class}"',
            why="Fitted without a placebo arm, it holds the non-specific response, which would count twice",
            remedy="Leave the control class out",
        )
    if len(auc_week1) != len(madrs_week1):
        raise ParameterError(
            "RK-PAR-095",
            given=f"{len(auc_week1)} exposures and {len(madrs_week1)} scores",
            allowed="One of each for every person",
        )
    c, redrawn, courses = _constants(), 0, []
    for person, (auc, score) in enumerate(zip(auc_week1, madrs_week1, strict=True), start=1):
        generator = random_generator(seed, trial, person, 0, Stream.PARAMETERS, "paroxetine")
        emax_effect = math.sqrt(c["emax_variance"]) * generator.standard_normal()
        et50_effect = -1.0
        while True:
            et50_effect = math.sqrt(c["et50_variance"]) * generator.standard_normal()
            if et50_effect > -1.0:
                break
            redrawn += 1
        course = paroxetine_reduction(
            weeks, auc_week1=auc, madrs_week1=score, emax_effect=emax_effect, et50_effect=et50_effect
        )
        if residual:
            course = np.minimum(100.0, course + c["residual_sd"] * generator.standard_normal(len(course)))
        courses.append(course)
    table = np.array(courses).reshape(len(courses), len(weeks))
    return ParoxetineReductions(tuple(weeks), table, redrawn)


def _constants() -> dict[str, float]:
    return {row["name"]: float(row["value"]) for row in read_table("paroxetine.csv")}


def _require(value: float, name: str, unit: str, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise ParameterError(
            "RK-PAR-091",
            given=f"{name} {value:g} {unit}",
            allowed=f"{low:g} to {high:g} {unit}, as observed",
            why="The published equations are steep and were not seen outside this range",
        )
