"""What a planned course may bring, as frequencies: treatment, its control arm, and a usual antidepressant."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import EventTable, Trajectory, solve
from rekindle.errors import RegimenError
from rekindle.people import (
    Person,
    Population,
    Setting,
    Stream,
    default_variability,
    draw_crowd,
    random_generator,
    simulate_people,
)
from rekindle.regimen import Dose, Regimen, Session, parse_regimen
from rekindle.therapy import control_response, dose_records, therapy_model
from rekindle.trials._endpoints import endpoint
from rekindle.trials._ratings import rating_scale

Array = NDArray[np.float64]

#: Control class of the trials that a course is compared with, by route.
CONTROL_BY_ROUTE = {"nasal": "placebo_spray_new_ad"}
OTHER_CONTROL = "midazolam"
#: Days of the ratings; those after the planned course are left out.
DAYS = (1, 7, 14, 21, 28)
_SCALE, _MOOD = "MADRS", "madrs_latent"
_ACUTE_H, _STEP_H = 6.0, 1 / 12
#: Covariate of a new SSRI, and control classes whose people start an antidepressant in both arms anyway.
_SSRI_COVARIATE = "ssri_dose_ratio"
NEW_ANTIDEPRESSANT = ("placebo_spray_new_ad", "inpatient_new_ad")


@dataclass(frozen=True, slots=True)
class Report:
    """How often a side effect was reported with the nasal spray and placebo, of 100 people in 4 weeks."""

    name: str
    words: str
    drug: float
    placebo: float
    mark: str
    source: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """Frequencies of a planned course, as shares of simulated people.

    Attributes:
        regimen: the planned course.
        control_class: trials that it is compared with.
        people: number of simulated people in each arm.
        better: arm -> day -> share with response (MADRS). Arms: "treatment", "control" and, unless both of
            these start an antidepressant anyway, "antidepressant": the control arm with a new SSRI.
        well: the same for remission.
        better_at_2h: share with response 2 h after the first session starts, treatment and control.
        dissociated: share that scores above the threshold of CADSS in the first session.
        sedated: mean over people of the highest probability of MOAA/S 4 or less in the first session.
        peak_min: median time of the highest dissociation, min.
        over_min: time by which dissociation is over in 90 % of those who had it, min.
        seed: seed of all random numbers.
    """

    regimen: Regimen
    control_class: str
    people: int
    better: Mapping[str, Mapping[int, float]]
    well: Mapping[str, Mapping[int, float]]
    better_at_2h: Mapping[str, float]
    dissociated: float
    sedated: float
    peak_min: float
    over_min: float
    seed: int


@cache
def spray_reports() -> tuple[Report, ...]:
    """Side effects with their frequencies in trials of the nasal spray.

    >>> [round(one.drug) for one in spray_reports()][:2]
    [41, 29]
    """
    with files("rekindle.trials").joinpath("data/spray_reports.csv").open(encoding="utf-8") as stream:
        return tuple(
            Report(
                row["report"],
                row["words"],
                float(row["drug_percent"]),
                float(row["placebo_percent"]),
                row["mark"],
                row["source"],
            )
            for row in csv.DictReader(stream)
        )


def simulate_outlook(
    regimen: Regimen | str,
    *,
    people: int = 400,
    seed: int = 1,
    control: str | None = None,
    mechanism: str = "disinhibition",
    workers: int = 1,
) -> Outlook:
    """Simulate a planned course, its control arm and a usual antidepressant in the same virtual people.

    Args:
        regimen: the planned course, with an active drug.
        people: number of virtual people.
        seed: seed of all random numbers.
        control: control class; default by route.
        mechanism: hypothesis that carries the mood effect.
        workers: processes.

    Raises:
        RegimenError: a regimen without an active drug, or a dose that no evidence covers.
        ParameterError: an unknown control class.
    """
    given = parse_regimen(regimen) if isinstance(regimen, str) else regimen
    if given.drug in ("midazolam", "saline", "none"):
        raise RegimenError(
            "RK-REG-091", given=f"an outlook for {given.drug}", allowed="A course of an active drug"
        )
    name = control or CONTROL_BY_ROUTE.get(given.product.route, OTHER_CONTROL)
    control_response(name)
    group = list(Population(people, seed))
    days = _days(given)
    acute = np.arange(0.0, _ACUTE_H + _STEP_H / 2, _STEP_H)
    arms: dict[str, Trajectory] = {}
    for arm, course, outputs in (
        ("treatment", given, [_MOOD, "cadss", "p_moaas_4"]),
        ("control", _sham(given), [_MOOD]),
    ):
        arms[arm] = simulate_people(
            course,
            group,
            times=sorted({*acute.tolist(), *(24.0 * day for day in days)}),
            outputs=outputs,
            setting=Setting(name),
            mechanism=mechanism,
            seed=seed,
            workers=workers,
        )
    if name not in NEW_ANTIDEPRESSANT and _SSRI_COVARIATE in therapy_model().covariates:
        arms["antidepressant"] = _antidepressant(group, _sham(given), name, days, seed)
    baseline = _entry(group)
    better = {arm: _shares(found, "response", baseline, days, seed) for arm, found in arms.items()}
    well = {arm: _shares(found, "remission", baseline, days, seed) for arm, found in arms.items()}
    early = {
        arm: _shares(arms[arm], "response", baseline, [1 / 12], seed)[0] for arm in ("treatment", "control")
    }
    return Outlook(given, name, people, better, well, early, *_acute(arms["treatment"], acute), seed)


def _days(regimen: Regimen) -> list[int]:
    last = regimen.sessions[-1].time_h / 24.0
    return [day for day in DAYS if day <= max(7.0, last + 7.0)]


def _sham(regimen: Regimen) -> Regimen:
    """The same visits with an infusion of saline."""
    dose = Dose(0.0, "mg", 40.0 / 60.0)
    visits = [Session(session.time_h, (dose,)) for session in regimen.sessions]
    return Regimen.of(drug="saline", product="iv_infusion", sessions=visits)


def _antidepressant(
    people: Sequence[Person], visits: Regimen, control: str, days: Sequence[int], seed: int
) -> Trajectory:
    """The same care with a dummy treatment and a new SSRI at its usual dose: only the drug differs."""
    model = therapy_model()
    setting = Setting(control)
    rows = []
    for person in people:
        facts = {**person.covariates(model), **setting.covariates(model), _SSRI_COVARIATE: 1.0}
        given = dose_records(visits, weight_kg=person.weight_kg, control=control)
        rows += [{"ID": person.id, **row} for row in [{"TIME": 0.0, "EVID": 2, **facts}, *given]]
    typical = setting.parameters(model)
    known = default_variability("D1").of(model).without("occasion")
    occasions = len(visits.sessions)
    ids = [person.id for person in people]
    drawn = draw_crowd(model, known, ids, seed=seed, occasions=occasions, typical=typical)
    events = EventTable.from_rows(rows, model)
    times = [24.0 * day for day in days]
    own = {person: drawn.of(place) for place, person in enumerate(ids)}
    return solve(model, events, parameters=own, times=times, outputs=[_MOOD])


def _entry(people: Sequence[Person]) -> Array:
    default = therapy_model().covariates["madrs_baseline"].default
    return np.array([default if one.madrs_baseline is None else one.madrs_baseline for one in people], float)


def _shares(
    found: Trajectory, name: str, baseline: Array, days: Sequence[float], seed: int
) -> dict[int, float]:
    """Share of people who reach an endpoint on some days, as raters would write it down."""
    scale, rule = rating_scale(_SCALE), endpoint(name, _SCALE)
    assert found.grid is not None
    places = [int(np.argmin(np.abs(found.grid - 24.0 * day))) for day in days]
    rated = np.array(
        [
            scale.rate(scores, random_generator(seed, 0, person, 0, Stream.OBSERVATION, _SCALE))
            for person, scores in zip(found.ids, found[_MOOD][:, places], strict=True)
        ]
    )
    return {
        int(day): float(np.mean(rule.reached(rated[:, column], baseline))) for column, day in enumerate(days)
    }


def _acute(found: Trajectory, acute: Array) -> tuple[float, float, float, float]:
    """Dissociated, sedated, minute of the peak, minute at which it is over."""
    threshold = endpoint("dissociation", "CADSS").threshold
    scores = found["cadss"][:, : len(acute)]
    noticed = scores.max(axis=1) > threshold
    sedated = float(found["p_moaas_4"][:, : len(acute)].max(axis=1).mean())
    if not noticed.any():
        return 0.0, sedated, 0.0, 0.0
    above = scores[noticed] > threshold
    ends = acute[len(acute) - 1 - np.argmax(above[:, ::-1], axis=1)]
    peak = float(np.median(acute[np.argmax(scores[noticed], axis=1)]))
    return float(noticed.mean()), sedated, 60 * peak, 60 * float(np.quantile(ends, 0.9))
