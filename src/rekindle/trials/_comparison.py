"""Treatments side by side in the same virtual people, with common random numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import Trajectory
from rekindle.errors import ParameterError
from rekindle.people import (
    Course,
    Person,
    Population,
    Setting,
    Stream,
    default_variability,
    random_generator,
    refuse_uncovered,
    simulate_courses,
)
from rekindle.regimen import Regimen
from rekindle.therapy import control_response, coverage, therapy_model
from rekindle.trials._comparison_outcomes import ACUTE_H, OUTPUTS, REPORT_H, Measure, Visits, measures
from rekindle.trials._treatment import SCALE, Treatment

if TYPE_CHECKING:
    from rekindle.modelling import Model

Array = NDArray[np.float64]

#: Days of depth, response and remission; those after the end are left out.
DAYS = (1, 7, 28)
#: Observed after the last visit of any treatment unless a length is asked for (days).
_AFTER_LAST_VISIT = 28.0
#: Share of people, or of resampled groups of people, inside an interval.
LEVEL = 0.9
_RESAMPLES = 200
_ECT_NUMBERS = ("E_ect", "n50_ect")


@dataclass(frozen=True, slots=True)
class Result:
    """One number with its interval.

    ``value`` is nan where the outcome does not apply or is not modelled. ``at_least``: the end of the
    simulation came first. ``over`` says what the interval holds: ``people`` or ``resampled people``.
    """

    value: float
    low: float
    high: float
    over: str
    at_least: bool = False


@dataclass(frozen=True)
class Comparison:
    """Treatments in the same people.

    Attributes:
        title: what is compared.
        treatments: in the order given; differences are against the first.
        outcomes: outcome -> (label, unit), in the order of the table.
        results: treatment -> outcome -> result.
        differences: the same, without the first treatment: paired within each person.
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
    allow_extrapolation: bool = False,
    title: str = "Comparison of treatments",
    notes: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Simulate two or more treatments in the same people, with the same random numbers.

    Args:
        treatments: what is compared; differences are against the first.
        people: number of virtual people, or the people themselves.
        seed: seed of all random numbers.
        workers: processes.
        duration_days: length; default 28 days after the last visit of any treatment.
        days: days of depth, response and remission; default 1, 7 and 28.
        control_class: setting that all treatments share; None is open label without natural course.
        parameters: values that replace the model's own; electroconvulsive therapy needs E_ect and n50_ect.
        mechanism: hypothesis that carries the mood effect.
        allow_extrapolation: simulate doses that nobody studied.
        title: what is compared, in words.
        notes: further remarks that belong to every number.
        progress: called with (people done, people in all), over all treatments.

    Raises:
        ParameterError: fewer than two treatments, two with one name, another scale than MADRS, a length that
            cuts a treatment off, a day after the end, ECT without numbers, a double-counted antidepressant.
        RegimenError: a dose that no evidence covers.

    >>> one = "ketamine 0.5 mg/kg iv over 40 min"
    >>> found = compare_treatments([Treatment("a", one), Treatment("b", one)], people=3)
    >>> found.differences["b"]["fall_day_1"].value
    0.0
    """
    given = tuple(treatments)
    _refuse_incomparable(given)
    values = dict(parameters or {})
    _refuse_ect_without_numbers(given, values)
    if control_class is not None:
        control_response(control_class)
    group = list(Population(people, seed)) if isinstance(people, int) else list(people)
    regimens = {one.name: one.parsed() for one in given}
    visits = {one.name: _visits(one, regimens[one.name]) for one in given}
    horizon = _horizon(given, visits, duration_days)
    chosen = _days(days, horizon)
    if not allow_extrapolation:
        for regimen in regimens.values():
            refuse_uncovered(regimen, group)
    model = therapy_model(mechanism=mechanism, ect="on" if any(one.ect_days for one in given) else "off")
    times = _times(visits, horizon)
    baseline = _entry(group, model)
    fading = values.get("kUb", model.parameters["kUb"].value or 0.0)
    trajectories: dict[str, Trajectory] = {}
    found: dict[str, tuple[Measure, ...]] = {}
    for place, one in enumerate(given):
        trajectories[one.name] = simulate_courses(
            {person: [Course(regimens[one.name])] for person in group},
            times=times,
            model=model,
            setting=Setting(control_class),
            variability=default_variability("D1"),
            extra_rows=one.extra_rows(control_class),
            outputs=OUTPUTS,
            parameters=values,
            seed=seed,
            workers=workers,
            progress=_overall(progress, place, len(given)),
        )
        found[one.name] = measures(
            trajectories[one.name], visits[one.name], baseline=baseline, days=chosen, fading=fading, seed=seed
        )
    picks = _resamples(len(group), seed)
    first = found[given[0].name]
    return Comparison(
        title=title,
        treatments=given,
        outcomes={one.name: (one.label, one.unit) for one in first},
        results={name: {one.name: _result(one, picks) for one in own} for name, own in found.items()},
        differences={
            name: {
                one.name: _difference(one, reference, picks)
                for one, reference in zip(own, first, strict=True)
            }
            for name, own in list(found.items())[1:]
        },
        trajectories=trajectories,
        people=len(group),
        seed=seed,
        horizon_days=horizon / 24.0,
        control_class=control_class,
        notes=(*notes, *_labels(regimens, group)),
    )


def _refuse_incomparable(treatments: Sequence[Treatment]) -> None:
    names = [one.name for one in treatments]
    if len(names) < 2 or len(set(names)) < len(names):
        raise ParameterError(
            "RK-PAR-131",
            given=f"treatments: {', '.join(names) or 'none'}",
            allowed="Two or more treatments, each with a name of its own",
        )
    other = [one for one in treatments if one.scale != SCALE]
    if other:
        raise ParameterError(
            "RK-PAR-132",
            given=f'treatment "{other[0].name}" on {other[0].scale} beside others on {SCALE}',
            why="Points of different scales cannot be subtracted",
            remedy=f"Compare on {SCALE}, which the model carries from entry to every visit",
        )


def _refuse_ect_without_numbers(treatments: Sequence[Treatment], values: Mapping[str, float]) -> None:
    missing = [name for name in _ECT_NUMBERS if name not in values]
    if missing and any(one.ect_days for one in treatments):
        raise ParameterError(
            "RK-PAR-133",
            given=f"electroconvulsive therapy without {' and '.join(missing)}",
            allowed="E_ect: share of severity removed by very many sessions; n50_ect: sessions of half of it",
            why="No number for it is supplied: it is a scenario with your own",
            remedy="Give both, for example --set E_ect=0.7 --set n50_ect=4 (numbers to show the form only)",
        )


def _visits(treatment: Treatment, regimen: Regimen) -> Visits:
    sessions = tuple(session.time_h for session in regimen.sessions)
    every = {*sessions, *(24.0 * day for day in treatment.ect_days)}
    return Visits(sessions, max(every) if every else None, len(every))


def _horizon(
    treatments: Sequence[Treatment], visits: Mapping[str, Visits], duration_days: float | None
) -> float:
    last = {name: one.last_visit_h or 0.0 for name, one in visits.items()}
    ends = {one.name: 24.0 * one.training_days[1] for one in treatments if one.with_training}
    latest = max(*last.values(), *ends.values(), 0.0) if ends else max(last.values())
    if duration_days is None:
        return max(last.values()) + 24.0 * _AFTER_LAST_VISIT
    if not np.isfinite(duration_days) or 24.0 * duration_days <= latest:
        late = max({**last, **ends}, key=lambda name: max(last[name], ends.get(name, 0.0)))
        raise ParameterError(
            "RK-PAR-134",
            given=f'a comparison over {duration_days:g} days, in which "{late}" is not finished',
            allowed=f"More than {latest / 24.0:g} days",
            why="One treatment would be cut off and the others not",
            remedy="Ask for a longer duration, or shorten that treatment",
        )
    return 24.0 * duration_days


def _days(asked: Sequence[int] | None, horizon_h: float) -> tuple[int, ...]:
    if asked is None:
        return tuple(day for day in DAYS if 24.0 * day <= horizon_h)
    outside = [day for day in asked if not 0 < 24.0 * day <= horizon_h]
    if outside:
        raise ParameterError(
            "RK-PAR-135",
            given=f"day {outside[0]:g} of a comparison over {horizon_h / 24.0:g} days",
            allowed="Days after the first session and before the end",
        )
    return tuple(asked)


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


def _resamples(people: int, seed: int) -> NDArray[np.int64]:
    generator = random_generator(seed, 0, 0, 0, Stream.RESAMPLING, "comparison")
    return generator.integers(0, people, (_RESAMPLES, people))


def _result(measure: Measure, picks: NDArray[np.int64]) -> Result:
    over = "resampled people" if measure.resampled else "people"
    if measure.values is None:
        return Result(np.nan, np.nan, np.nan, over)
    values = measure.values
    value = measure.statistic(values)
    spread = np.array([measure.statistic(values[pick]) for pick in picks]) if measure.resampled else values
    at_least = measure.limit is not None and value >= measure.limit - 1e-9
    return Result(value, *_interval(spread), over, at_least)


def _difference(measure: Measure, reference: Measure, picks: NDArray[np.int64]) -> Result:
    over = "resampled people" if measure.resampled else "people"
    nothing = Result(np.nan, np.nan, np.nan, over)
    if measure.values is None or reference.values is None:
        return nothing
    if not measure.resampled:
        paired = measure.values - reference.values
        return Result(_tidy(float(np.median(paired))), *_interval(paired), over)
    for one in (measure, reference):
        if one.limit is not None and one.statistic(one.values) >= one.limit - 1e-9:  # type: ignore[arg-type]
            return nothing
    own, other = measure.values, reference.values
    value = measure.statistic(own) - reference.statistic(other)
    spread = np.array([measure.statistic(own[pick]) - reference.statistic(other[pick]) for pick in picks])
    return Result(_tidy(value), *_interval(spread), over)


def _tidy(value: float) -> float:
    """Without the last digits of a solver, which would turn no difference into one of 1e-14."""
    return round(value, 6)


def _interval(spread: Array) -> tuple[float, float]:
    known = spread[np.isfinite(spread)]
    if not len(known):
        return np.nan, np.nan
    tail = round((1 - LEVEL) / 2, 12)
    low, high = np.quantile(known, [tail, 1 - tail])
    return _tidy(float(low)), _tidy(float(high))


def _labels(regimens: Mapping[str, Regimen], people: Sequence[Person]) -> list[str]:
    labels = {
        f"{name}: {label}"
        for name, regimen in regimens.items()
        for person in people
        for label in coverage(regimen, person.weight_kg).labels
    }
    return sorted(labels)


def _overall(
    progress: Callable[[int, int], None] | None, place: int, treatments: int
) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(place * total + done, treatments * total)
