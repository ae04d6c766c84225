"""What can be compared at all: treatments, scales, settings, length and days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rekindle.errors import ParameterError
from rekindle.trials._comparison_empirical import reported_days
from rekindle.trials._comparison_outcomes import Visits
from rekindle.trials._reported_results import empirical_arm
from rekindle.trials._treatment import SCALE, Treatment

#: Days of depth, response and remission; those after the end are left out.
DAYS = (1, 7, 28)
#: Observed after the last visit of any treatment unless a length is asked for (days).
_AFTER_LAST_VISIT = 28.0
_ECT_NUMBERS = ("E_ect", "n50_ect")


def refuse_incomparable(treatments: Sequence[Treatment], control_class: str | None) -> None:
    """Refuse treatments whose results do not belong side by side.

    Raises:
        ParameterError: fewer than two, two with one name, another scale, or results of an open trial beside a
            blinded setting.
    """
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
    empirical = [one for one in treatments if one.empirical]
    if treatments[0].empirical:
        raise ParameterError(
            "RK-PAR-141",
            given=f'treatment "{treatments[0].name}" as the reference',
            allowed="A simulated treatment in the first place",
            why="Differences are found within the same people, and nobody is simulated under this one",
        )
    for one in empirical:
        _refuse_other_setting(one, control_class)


def _refuse_other_setting(treatment: Treatment, control_class: str | None) -> None:
    reported = empirical_arm(treatment.empirical)[0].control_class
    if reported == "open_label" and control_class not in (None, "open_label"):
        raise ParameterError(
            "RK-PAR-142",
            given=f'open-label results of {treatment.empirical} beside control class "{control_class}"',
            why="Everybody knew what they took; beside a blinded setting designs would be compared",
            remedy="Leave the control class out",
        )


def refuse_ect_without_numbers(treatments: Sequence[Treatment], values: Mapping[str, float]) -> None:
    """Refuse electroconvulsive therapy whose two numbers the user did not give."""
    missing = [name for name in _ECT_NUMBERS if name not in values]
    if missing and any(one.ect_days for one in treatments):
        raise ParameterError(
            "RK-PAR-133",
            given=f"electroconvulsive therapy without {' and '.join(missing)}",
            allowed="E_ect: share of severity removed by very many sessions; n50_ect: sessions of half of it",
            why="No number for it is supplied: it is a scenario with your own",
            remedy="Give both, for example --set E_ect=0.7 --set n50_ect=4 (numbers to show the form only)",
        )


def comparison_horizon(
    treatments: Sequence[Treatment], visits: Mapping[str, Visits], duration_days: float | None
) -> float:
    """Length of a comparison (h) that cuts no treatment off."""
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


def comparison_days(
    asked: Sequence[int] | None, horizon_h: float, treatments: Sequence[Treatment]
) -> tuple[int, ...]:
    """Days of depth, response and remission; by default also those that an empirical comparator reported.

    Raises:
        ParameterError: a day after the end, or none on which such a comparator reported anything.
    """
    reported = {one.name: reported_days(one.empirical) for one in treatments if one.empirical}
    if asked is None:
        days = sorted({*DAYS, *(day for own in reported.values() for day in own)})
        chosen = tuple(day for day in days if 24.0 * day <= horizon_h)
    else:
        outside = [day for day in asked if not 0 < 24.0 * day <= horizon_h]
        if outside:
            raise ParameterError(
                "RK-PAR-135",
                given=f"day {outside[0]:g} of a comparison over {horizon_h / 24.0:g} days",
                allowed="Days after the first session and before the end",
            )
        chosen = tuple(asked)
    for name, own in reported.items():
        if not set(own) & set(chosen):
            raise ParameterError(
                "RK-PAR-143",
                given=f'"{name}" on {", ".join(f"day {day}" for day in chosen)}',
                allowed=f"Reported on {SCALE}: {', '.join(f'day {day}' for day in own)}",
                why="Nothing is modelled for it, so there is no number on other days",
                remedy="Ask for a reported day, and for a duration that holds it",
            )
    return chosen
