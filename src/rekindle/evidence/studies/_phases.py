"""Phases of a published study: sessions, visits, periods, and what follows the first treatment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rekindle.evidence._data import assessments, assumption
from rekindle.evidence._row import Row
from rekindle.evidence.outcomes import _notes as notes
from rekindle.evidence.outcomes._arm import course_class
from rekindle.evidence.outcomes._schedule import DAILY_DRUGS
from rekindle.evidence.studies._arms import read_treatment
from rekindle.therapy import control_response
from rekindle.trials import endpoint

#: Beginnings of the outcomes that are scores of mood.
MOOD = ("madrs", "hamd17", "hdrs", "response", "remission", "relapse", "suicidal")
_PERIOD_DAYS = 14.0
_ALLOCATION = 0.5
_RESPONSE_PCT = 50.0


def treatment_phases(
    rows: Sequence[Row],
    sizes: Mapping[str, int],
    sessions: Mapping[str, tuple[float, ...]],
    crossover: bool,
    remarks: list[str],
) -> list[dict[str, Any]]:
    """One phase, or the two periods of a crossover."""
    first = rows[0]
    rated = [row for row in rows if row.word("outcome").startswith(MOOD) or row.word("rated") == "mood"]
    times = [row.number_of("time_h", low=0.0) for row in rated]
    days = {time / 24.0 for time in times if time}
    plans = set(sessions.values())
    longest = max(plans, key=len)
    last = max([*days, 0.0])
    if not days:
        last = longest[-1] + 1.0
        if first.word("drug") in DAILY_DRUGS:
            last = assumption("acute_phase") / 24.0
            remarks.append(f"no time is stated: day {last:g} assumed")
        if rated:
            days = {last}
    plan = [day for day in longest if day < max(last, 1.0)]
    if len(plans) > 1:
        remarks.append("all arms follow the schedule with the most sessions")
    if any(row.word("outcome") == "response_ever_pct" for row in rows):
        remarks.append("assessments of single-infusion crossovers (recalled)")
        days |= {time / 24.0 for time in assessments()}
        last = max(days)
    phase: dict[str, Any] = {
        "name": "treatment",
        "days": round(max(last, plan[-1] + 1.0, 1.0), 6),
        "allocation": dict(sizes),
        "sessions": plan,
        "believed": control_response(course_class(first)).believed_probability,
    }
    if days:
        phase["visits"] = [{"days": sorted(round(day, 6) for day in days)}]
    return _periods(phase, sizes, remarks) if crossover else [phase]


def _periods(phase: dict[str, Any], sizes: Mapping[str, int], remarks: list[str]) -> list[dict[str, Any]]:
    days = max(_PERIOD_DAYS, math.ceil(phase["days"]))
    remarks.append(f"periods of {days:g} days (assumed)")
    one = phase | {"name": "first period", "days": days, "allocation": dict.fromkeys(sizes, 1)}
    two = one | {"name": "second period", "assign": "cross"}
    return [one, two] if len(sizes) > 1 else [one]


def add_withdrawal(content: dict[str, Any], row: Row, scale: str, remarks: list[str]) -> None:
    """The randomised stretch behind an open run-in: the arm of the row against placebo."""
    found, name = notes.run_in(row), row.text("arm_id")
    assert found is not None, "asked only of rows with a run-in"
    content["arms"][name] = {"treatment": read_treatment(row, name, remarks).text}
    content["arms"]["placebo"] = {"treatment": "placebo tablets", "control": True}
    content["phases"][0]["days"] = 7.0 * math.ceil(found.doses / 7)
    content["phases"][0]["visits"] = [{"days": [content["phases"][0]["days"]]}]
    weeks = 7.0 * found.weeks
    content["phases"].append(
        {
            "name": "randomised",
            "days": weeks,
            "allocation": {name: 1, "placebo": 1},
            "sessions": {"per_week": found.sessions_a_week, "weeks": found.weeks},
            "enter_if": {"scale": scale, "fall_at_least_pct": _RESPONSE_PCT},
            "believed": _ALLOCATION,
            "visits": [{"days": [weeks]}],
        }
    )
    remarks.append("people with a response at the end of the run-in go on, half of them to placebo")
    remarks.append("open label has no natural course, so no difference is reported")


def add_psychotherapy(content: dict[str, Any], row: Row, remarks: list[str]) -> None:
    """After the sessions people are randomised to psychotherapy or to none."""
    name, usual = row.text("arm_id"), "usual_care"
    phase, arm = content["phases"][0], content["arms"][name]
    content["arms"] = {usual: dict(arm), name: arm | {"training_hours_per_day": row.positive(TRAINING)}}
    length, visits = phase["days"], phase["visits"]
    start = math.ceil(phase["sessions"][-1] + 1.0)
    content["phases"] = [
        phase | {"name": "infusions", "days": start, "allocation": {usual: 1}, "visits": [{"days": [start]}]},
        phase
        | {
            "name": "psychotherapy",
            "days": length - start,
            "allocation": {name: 1, usual: 1},
            "sessions": [],
            "visits": [{"days": [day - start for one in visits for day in one["days"] if day > start]}],
        },
    ]
    content["people"]["number"] *= 2
    remarks.append("everybody is given the infusions, then half of them psychotherapy; as many in either arm")
    remarks.append("both arms are open label, which has no natural course: changes are given, no difference")


#: Column of assumed hours of psychotherapy.
TRAINING = "training_hours_per_day"


def add_follow_up(content: dict[str, Any], scale: str, remarks: list[str]) -> None:
    """Follow-up without treatment of those with a response, until relapse."""
    step, horizon = assumption("relapse_visit") / 24.0, assumption("relapse_horizon") / 24.0
    content["phases"][-1]["visits"] = [{"days": [content["phases"][-1]["days"]]}]
    content["phases"].append(
        {
            "name": "follow-up",
            "days": horizon,
            "assign": "continue",
            "enter_if": {"scale": scale, "fall_at_least_pct": _RESPONSE_PCT},
            "visits": [{"days": [step * place for place in range(1, int(horizon / step) + 1)]}],
        }
    )
    limit = endpoint("relapse", scale).threshold
    content["relapse"] = {"phase": "follow-up", "scale": scale, "at_least": limit, "consecutive": 2}
    remarks.append(
        f"people with a response go on; {scale} >= {limit:g} at two visits, one every {step:g} days, is "
        "a relapse (assumed)"
    )
