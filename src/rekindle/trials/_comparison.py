"""Treatments side by side in the same virtual people, with common random numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import Trajectory
from rekindle.people import (
    Course,
    Person,
    Population,
    Setting,
    co_medication_notes,
    course_model,
    default_variability,
    idle_fact_notes,
    refuse_idle_numbers,
    refuse_uncovered,
    simulate_courses,
)
from rekindle.regimen import Regimen
from rekindle.therapy import MIDAZOLAM, control_response, coverage
from rekindle.trials._comparison_checks import (
    comparison_days,
    comparison_horizon,
    refuse_ect_without_numbers,
    refuse_incomparable,
)
from rekindle.trials._comparison_empirical import empirical_note, empirical_results
from rekindle.trials._comparison_outcomes import ACUTE_H, MOOD, OUTPUTS, REPORT_H, Measure, Visits, measures
from rekindle.trials._comparison_result import Result, difference, resamples, result
from rekindle.trials._treatment import Treatment

if TYPE_CHECKING:
    from rekindle.modelling import Model

Array = NDArray[np.float64]

#: What the model says of midazolam; the rest was never set to people on it and stays open.
_OF_MIDAZOLAM = (MOOD, "p_moaas_4", "bladder_exposure")
MIDAZOLAM_NOTE = (
    "Midazolam: its plasma course and its sedation are assumed, and people notice it as far as it sedates. "
    "What it does to blood pressure, nausea, dizziness, liking or mood is not modelled."
)


@dataclass(frozen=True)
class Comparison:
    """Treatments in the same people.

    Attributes:
        title: what is compared.
        treatments: in the order given; differences are against the first.
        outcomes: outcome -> (label, unit), in the order of the table.
        results: treatment -> outcome -> result.
        differences: the same, without the first treatment: paired within each person, so that one without a
            model has none.
        trajectories: treatment -> simulated people.
        people: number of people.
        seed: seed of all random numbers.
        horizon_days: length of the simulation.
        control_class: setting that all treatments share.
        notes: what belongs to every number.
    """

    title: str
    treatments: tuple[Treatment, ...]
    outcomes: Mapping[str, tuple[str, str]]
    results: Mapping[str, Mapping[str, Result]]
    differences: Mapping[str, Mapping[str, Result]]
    trajectories: Mapping[str, Trajectory]
    people: int
    seed: int
    horizon_days: float
    control_class: str | None
    notes: tuple[str, ...]


def compare_treatments(
    treatments: Sequence[Treatment],
    *,
    people: int | Sequence[Person] = 200,
    seed: int = 1,
    workers: int = 1,
    duration_days: float | None = None,
    days: Sequence[int] | None = None,
    control_class: str | None = None,
    parameters: Mapping[str, float] | None = None,
    mechanism: str = "disinhibition",
    switches: Mapping[str, str] | None = None,
    allow_extrapolation: bool = False,
    title: str = "Comparison of treatments",
    notes: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Simulate two or more treatments in the same people, with the same random numbers.

    Args:
        treatments: what is compared; differences are against the first. Outcomes that were fitted to people
            on ketamine alone are left open for other compounds.
        people: number of virtual people, or the people themselves.
        seed: seed of all random numbers.
        workers: processes.
        duration_days: length; default 28 days after the last visit of any treatment.
        days: days of depth, response and remission; default 1, 7, 28 and those of an empirical comparator.
        control_class: setting that all treatments share; None is open label without natural course.
        parameters: values that replace the model's own; electroconvulsive therapy needs E_ect and n50_ect.
        mechanism: hypothesis that carries the mood effect.
        switches: further structural choices of the model, the same for all treatments.
        allow_extrapolation: simulate doses that nobody studied.
        title: what is compared, in words.
        notes: further remarks that belong to every number.
        progress: called with (people done, people in all), over all treatments.

    Raises:
        ParameterError: fewer than two treatments, two with one name, another scale than MADRS, a length that
            cuts a treatment off, a day after the end, ECT without numbers, a double-counted antidepressant,
            open-label results beside a blinded setting.
        PersonError: co-medication without a record, or whose effect needs a number that is not given.
        RegimenError: a dose that no evidence covers.

    >>> one = "ketamine 0.5 mg/kg iv over 40 min"
    >>> found = compare_treatments([Treatment("a", one), Treatment("b", one)], people=3)
    >>> found.differences["b"]["fall_day_1"].value
    0.0
    """
    given = tuple(one.marked() for one in treatments)
    refuse_incomparable(given, control_class)
    values = dict(parameters or {})
    refuse_ect_without_numbers(given, values)
    if control_class is not None:
        control_response(control_class)
    group = list(Population(people, seed)) if isinstance(people, int) else list(people)
    simulated = [one for one in given if not one.empirical]
    groups = {one.name: one.people(group) for one in simulated}
    refuse_idle_numbers([person for own in groups.values() for person in own], values)
    read = {one.name: one.read() for one in simulated}
    regimens = {name: regimen for name, (regimen, _) in read.items()}
    visits = {one.name: _visits(one, regimens[one.name]) for one in simulated}
    horizon = comparison_horizon(simulated, visits, duration_days)
    chosen = comparison_days(days, horizon, given)
    if not allow_extrapolation:
        for regimen in regimens.values():
            refuse_uncovered(regimen, group)
    structure = _structure(simulated, regimens, {"mechanism": mechanism, **(switches or {})})
    models = {
        name: course_model(regimen, compound, groups[name], **structure)
        for name, (regimen, compound) in read.items()
    }
    model = models[given[0].name]
    times = _times(visits, horizon)
    baseline = _entry(group, model)
    fading = values.get("kUb", model.parameters["kUb"].value or 0.0)
    trajectories: dict[str, Trajectory] = {}
    found: dict[str, tuple[Measure, ...]] = {}
    for place, one in enumerate(simulated):
        trajectories[one.name] = simulate_courses(
            {person: [Course(regimens[one.name])] for person in groups[one.name]},
            times=times,
            model=models[one.name],
            setting=Setting(control_class),
            variability=default_variability("D1", mechanism=mechanism),
            extra_rows=one.extra_rows(control_class),
            outputs=_outputs(regimens[one.name], models[one.name]),
            parameters=values,
            seed=seed,
            workers=workers,
            progress=_overall(progress, place, len(simulated)),
        )
        found[one.name] = measures(
            trajectories[one.name], visits[one.name], baseline=baseline, days=chosen, fading=fading, seed=seed
        )
    picks = resamples(len(group), seed)
    first = found[given[0].name]
    outcomes = {one.name: (one.label, one.unit) for one in first}
    return Comparison(
        title=title,
        treatments=given,
        outcomes=outcomes,
        results={
            one.name: empirical_results(one.empirical, outcomes)
            if one.empirical
            else {measure.name: result(measure, picks) for measure in found[one.name]}
            for one in given
        },
        differences={
            name: {
                one.name: difference(one, reference, picks) for one, reference in zip(own, first, strict=True)
            }
            for name, own in list(found.items())[1:]
        },
        trajectories=trajectories,
        people=len(group),
        seed=seed,
        horizon_days=horizon / 24.0,
        control_class=control_class,
        notes=(*notes, *_notes(given, regimens, groups, models)),
    )


def _visits(treatment: Treatment, regimen: Regimen) -> Visits:
    sessions = tuple(session.time_h for session in regimen.sessions)
    every = {*sessions, *(24.0 * day for day in treatment.ect_days)}
    return Visits(sessions, max(every) if every else None, len(every))


def _times(visits: Mapping[str, Visits], horizon_h: float) -> list[float]:
    """Fine in the first session of each treatment, once after every session, and daily."""
    steps = [minute / 60.0 for minute in range(0, int(60 * ACUTE_H) + 1, 5)]
    points = {24.0 * day for day in range(int(horizon_h // 24) + 1)} | {horizon_h}
    points |= {8.0, 10.0, 12.0, 16.0, 20.0, 30.0, 36.0}
    for one in visits.values():
        if one.sessions_h:
            points |= {one.sessions_h[0] + step for step in steps}
        points |= {start + after for start in one.sessions_h for after in (0.0, REPORT_H, 4.0)}
    return sorted({round(point, 9) for point in points if point <= horizon_h})


def _entry(people: Sequence[Person], model: Model) -> Array:
    default = model.covariates["madrs_baseline"].default
    return np.array([default if one.madrs_baseline is None else one.madrs_baseline for one in people], float)


def _structure(
    treatments: Sequence[Treatment], regimens: Mapping[str, Regimen], switches: Mapping[str, str]
) -> dict[str, str]:
    """Switches of the model: those of the user, and those that a treatment needs in all of them."""
    needed = {"ect": "on"} if any(one.ect_days for one in treatments) else {}
    if any(regimen.drug == MIDAZOLAM for regimen in regimens.values()):
        # With one size for the whole class, saline would be noticed like midazolam.
        needed["midazolam_cue"] = "sedation"
    return {**needed, **switches}


def _outputs(regimen: Regimen, model: Model) -> list[str]:
    wanted = _OF_MIDAZOLAM if regimen.drug == MIDAZOLAM else OUTPUTS
    return [name for name in wanted if name in model.outputs]


def _notes(
    treatments: Sequence[Treatment],
    regimens: Mapping[str, Regimen],
    groups: Mapping[str, Sequence[Person]],
    models: Mapping[str, Model],
) -> list[str]:
    notes = [empirical_note(one.name, one.empirical) for one in treatments if one.empirical]
    if any(regimen.drug == MIDAZOLAM for regimen in regimens.values()):
        notes.append(MIDAZOLAM_NOTE)
    labels = {
        f"{name}: {label}"
        for name, regimen in regimens.items()
        for person in groups[name]
        for label in coverage(regimen, person.weight_kg).labels
    }
    about = [
        f"{name}: {note}"
        for name, own in groups.items()
        for note in (
            *co_medication_notes(own, regimens[name].product.route),
            *idle_fact_notes(own, models[name]),
        )
    ]
    return [*notes, *sorted(labels), *about]


def _overall(
    progress: Callable[[int, int], None] | None, place: int, treatments: int
) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(place * total + done, treatments * total)
