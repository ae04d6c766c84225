"""A published study as the design of a virtual trial, from the rows of the table of clinical outcomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from rekindle.errors import DesignError, RekindleError, nearest
from rekindle.evidence import _outcome_notes as notes
from rekindle.evidence._data import assessments, assumption, development_outcomes, report_outputs
from rekindle.evidence._outcome_acute import is_acute
from rekindle.evidence._outcome_arm import KETAMINES, SEROTONERGIC
from rekindle.evidence._outcome_baseline import read_baseline
from rekindle.evidence._outcome_people import Baseline, before_selection
from rekindle.evidence._outcome_schedule import DAILY_DRUGS, session_times
from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence._study_arms import read_treatment
from rekindle.evidence._table import read_arms
from rekindle.therapy import control_response
from rekindle.trials import Design, endpoint, parse_design

_MOOD = ("madrs", "hamd17", "hdrs", "response", "remission", "relapse", "suicidal")
_PERIOD_DAYS = 14.0
_ALLOCATION = 0.5
#: Readings of a session, min.
_MINUTES = (40.0, 60.0, 80.0, 120.0)
_SEXES = ("_women", "_men")
#: Arms that describe an open stretch behind a blinded one.
_LATER = "_open"
_DEPRESSION = ("mdd", "trd", "mdd_suicidal", "bipolar_depression")


@dataclass(frozen=True, slots=True)
class Study:
    """A study of the table: its identifier, one line, and why it cannot be run (empty if it can)."""

    study_id: str
    words: str
    reason: str


def studies() -> list[Study]:
    """All development studies, and which of them can be run as a virtual trial.

    >>> {one.study_id: one.reason for one in studies()}["DALY2018_P1"]
    ''
    """
    found = []
    for name, rows in _studies().items():
        words = ", ".join(part for part in (rows[0].text("design"), rows[0].text("condition")) if part)
        try:
            study_design(name)
            reason = ""
        except RekindleError as problem:
            reason = "; ".join(part for part in (problem.given, problem.why) if part)
        found.append(Study(name, words, reason))
    return found


def study_design(study_id: str) -> Design:
    """The design of a published study, as run as far as its rows say.

    Raises:
        DesignError: an unknown study.
        EvidenceError, RegimenError: why it cannot be run.

    >>> sorted(study_design("DALY2018_P1").arms)
    ['esketamine_28', 'esketamine_56', 'esketamine_84', 'placebo']
    """
    return parse_design(study_text(study_id), f"{study_id}.yaml")


@cache
def study_text(study_id: str) -> str:
    """The same as YAML text, with everything that had to be assumed under ``notes``.

    Raises:
        DesignError, EvidenceError, RegimenError: see ``study_design``.
    """
    import yaml

    known = _studies()
    if study_id not in known:
        raise DesignError(
            "RK-DES-014",
            given=f'study "{study_id}"{nearest(study_id, known)}',
            allowed=f"Studies: {', '.join(known)}",
        )
    content = _content(study_id, known[study_id])
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100))


@cache
def _studies() -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in read_arms(development_outcomes()).rows:
        found.setdefault(row.text("study_id"), []).append(row)
    return found


def _content(study_id: str, rows: Sequence[Row]) -> dict[str, Any]:
    remarks: list[str] = []
    by_arm: dict[str, list[Row]] = {}
    for row in rows:
        by_arm.setdefault(row.text("arm_id"), []).append(row)
    for name in [one for one in by_arm if one.endswith(_LATER)]:
        remarks.append(f"arm {name} is left out: it belongs to a later stretch of the trial")
        del by_arm[name]
    first = rows[0]
    mood = [row for row in rows if row.word("outcome").startswith(_MOOD)]
    acute = any(is_acute(row) or row.word("outcome") in report_outputs() for row in rows)
    if first.word("condition") not in _DEPRESSION and (mood or not acute):
        raise not_simulated(f"condition {first.word('condition')}", why="Severity here is that of depression")
    if any(row.text("arm_id").endswith(_SEXES) for row in rows):
        raise not_simulated("its arms are women and men of two other trials", remedy="Run those trials")
    if not mood and not acute:
        raise not_simulated(f"outcome {first.word('outcome')} has no model of how it is rated")
    if any("cbt" in row.text("arm_id").lower() for row in rows):
        raise not_simulated("hours of psychotherapy are not stated")
    run_in = next((row for row in rows if notes.run_in(row) is not None), None)
    if run_in is not None:
        del by_arm[run_in.text("arm_id")]
    arms, sessions, rules = _arms(by_arm, acute=not mood, remarks=remarks)
    scales, entry = _scales(by_arm, mood, remarks)
    sizes = {name: _size(by_arm[name], name, remarks) for name in arms}
    crossover = "crossover" in f"{first.word('design')} {first.word('control_class')}"
    people: dict[str, Any] = {"number": max(sizes.values()) if crossover else sum(sizes.values())}
    for key, column in (("women_pct", "female_pct"), ("age_mean", "age_mean"), ("weight_mean", "weight_kg")):
        values = [row.number_of(column) for row in rows]
        stated = [value for value in values if value is not None]
        if stated:
            people[key] = stated[0]
    content: dict[str, Any] = {
        "title": f"{study_id}: {first.text('design')} ({first.text('source')})",
        "control_class": first.word("control_class"),
        "people": people,
        "scales": scales,
    }
    if entry:
        content["eligibility"] = entry
    content["arms"] = arms
    content["phases"] = _phases(rows, sizes, sessions, crossover, remarks, first)
    if acute:
        content["acute"] = {"minutes": list(_MINUTES)}
    if rules:
        content["rules"] = rules
    if run_in is not None:
        _add_withdrawal(content, run_in, next(iter(scales)), remarks)
    content |= _losses(rows, remarks)
    if any(row.word("outcome") == "relapse_median_days" for row in rows):
        _add_follow_up(content, next(iter(scales)), remarks)
    content["notes"] = list(dict.fromkeys(remarks)) or ["nothing had to be assumed"]
    return content


def _arms(
    by_arm: dict[str, list[Row]], *, acute: bool, remarks: list[str]
) -> tuple[dict[str, Any], dict[str, tuple[float, ...]], list[dict[str, Any]]]:
    arms: dict[str, Any] = {}
    sessions: dict[str, tuple[float, ...]] = {}
    rules: list[dict[str, Any]] = []
    problem: RekindleError | None = None
    for name, rows in by_arm.items():
        row = rows[0]
        try:
            found = read_treatment(row, name, remarks)
            times = session_times(row, acute=acute, remarks=remarks)
        except RekindleError as one:
            problem = one
            remarks.append(f"arm {name} is left out: {one.given}")
            continue
        arms[name] = {"treatment": found.text}
        if row.word("drug") not in (*KETAMINES, *SEROTONERGIC):
            arms[name]["control"] = True
        if found.antidepressant:
            arms[name]["antidepressant"] = found.antidepressant
        sessions[name] = tuple(time / 24.0 for time in times)
        rules += found.rules([time / 24.0 for time in times])
    if problem is not None and not any(by_arm[name][0].word("drug") in KETAMINES for name in arms):
        raise problem
    return arms, sessions, rules


def _scales(
    by_arm: dict[str, list[Row]], mood: Sequence[Row], remarks: list[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Severity on the scales that the study used, and the score at entry."""
    words = {"hamd17": "HAM-D17", "hdrs": "HAM-D17"}
    names = []
    for row in mood:
        named = f"{row.word('outcome')} {row.text('threshold').lower().replace('-', '')}"
        names.append(next((scale for word, scale in words.items() if word in named), "MADRS"))
    scales: dict[str, Any] = {}
    entry: list[dict[str, Any]] = []
    for scale in dict.fromkeys(names or ["MADRS"]):
        found = [read_baseline(rows[0], scale, remarks) for rows in by_arm.values()]
        one = _pooled(found)
        mean, sd = one.mean, one.sd
        if one.entry is not None:
            entry.append({"scale": scale, "at_least": one.entry})
            if not one.before_selection:
                mean, sd = before_selection(mean, sd, one.entry - 0.5)
        scales[scale] = {"mean": round(mean, 3), "sd": round(sd, 3)}
    return scales, entry


def _pooled(found: Sequence[Baseline]) -> Baseline:
    """Baselines of all arms as one: randomisation draws them from the same people."""
    first = found[0]
    mean = sum(one.mean for one in found) / len(found)
    variance = sum(one.sd**2 for one in found) / len(found)
    return Baseline(first.scale, mean, math.sqrt(variance), first.entry, first.before_selection)


def _size(rows: Sequence[Row], name: str, remarks: list[str]) -> int:
    stated = [row.positive("n", whole=True) for row in rows]
    size = next((value for value in stated if value is not None), None)
    if size is None:
        size = assumption("subjects")
        remarks.append(f"arm {name}: {size:g} people assumed")
    if size > assumption("largest_arm"):
        remarks.append(f"arm {name}: {assumption('largest_arm'):g} of {size:g} people are simulated")
    return int(min(size, assumption("largest_arm")))


def _phases(
    rows: Sequence[Row],
    sizes: dict[str, int],
    sessions: dict[str, tuple[float, ...]],
    crossover: bool,
    remarks: list[str],
    first: Row,
) -> list[dict[str, Any]]:
    times = [row.number_of("time_h", low=0.0) for row in rows if row.word("outcome").startswith(_MOOD)]
    days = {time / 24.0 for time in times if time}
    plans = {plan for name, plan in sessions.items()}
    longest = max(plans, key=len)
    last = max([*days, 0.0])
    if not days:
        last = longest[-1] + 1.0
        if first.word("drug") in DAILY_DRUGS:
            last = assumption("acute_phase") / 24.0
            remarks.append(f"no time is stated: day {last:g} assumed")
        if any(row.word("outcome").startswith(_MOOD) for row in rows):
            days = {last}
    plan = [day for day in longest if day < max(last, 1.0)]
    if len(plans) > 1:
        remarks.append("all arms follow the schedule with the most sessions")
    if any(row.word("outcome") == "response_ever_pct" for row in rows):
        ever = [time / 24.0 for time in assessments()]
        remarks.append("assessments of single-infusion crossovers (recalled)")
        days |= set(ever)
        last = max(days)
    length = max(last, plan[-1] + 1.0, 1.0)
    phase: dict[str, Any] = {
        "name": "treatment",
        "days": round(length, 6),
        "allocation": dict(sizes),
        "sessions": plan,
        "believed": control_response(first.word("control_class")).believed_probability,
    }
    if days:
        phase["visits"] = [{"days": sorted(round(day, 6) for day in days)}]
    if not crossover:
        return [phase]
    period = max(_PERIOD_DAYS, math.ceil(length))
    remarks.append(f"periods of {period:g} days (assumed)")
    equal = dict.fromkeys(sizes, 1)
    one = phase | {"name": "first period", "days": period, "allocation": equal}
    two = one | {"name": "second period", "assign": "cross"}
    return [one, two] if len(sizes) > 1 else [one]


def _losses(rows: Sequence[Row], remarks: list[str]) -> dict[str, Any]:
    """Dropout, or missed visits of short trials, from the people behind the values."""
    shares = []
    for row in rows:
        n, seen, time = row.positive("n"), row.positive("n_at_time"), row.number_of("time_h")
        if n and seen and time and seen < n:
            shares.append((time / 168.0, seen / n))
    if not shares:
        return {}
    weeks, share = max(shares)
    if weeks <= 2.0:
        missed = 100.0 * (1.0 - sum(one for _, one in shares) / len(shares))
        remarks.append("share of missed visits from the people behind the values (derived)")
        return {"missed_visits_pct": round(missed, 2)}
    weekly = 100.0 * (1.0 - share ** (1.0 / weeks))
    remarks.append("dropout from the people behind the last value (derived), not by reason")
    return {"dropout": [{"reason": "unspecified", "weekly_pct": round(weekly, 3)}]}


def _add_withdrawal(content: dict[str, Any], row: Row, scale: str, remarks: list[str]) -> None:
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
            "enter_if": {"scale": scale, "fall_at_least_pct": 50},
            "believed": _ALLOCATION,
            "visits": [{"days": [weeks]}],
        }
    )
    remarks.append("people with a response at the end of the run-in go on, half of them to placebo")
    remarks.append("open label has no natural course, so no difference is reported")


def _add_follow_up(content: dict[str, Any], scale: str, remarks: list[str]) -> None:
    """Follow-up without treatment of those with a response, until relapse."""
    step, horizon = assumption("relapse_visit") / 24.0, assumption("relapse_horizon") / 24.0
    content["phases"][-1]["visits"] = [{"days": [content["phases"][-1]["days"]]}]
    content["phases"].append(
        {
            "name": "follow-up",
            "days": horizon,
            "assign": "continue",
            "enter_if": {"scale": scale, "fall_at_least_pct": 50},
            "visits": [{"days": [step * place for place in range(1, int(horizon / step) + 1)]}],
        }
    )
    limit = endpoint("relapse", scale).threshold
    content["relapse"] = {"phase": "follow-up", "scale": scale, "at_least": limit, "consecutive": 2}
    remarks.append(
        f"people with a response go on; {scale} >= {limit:g} at two visits, one every {step:g} days, is "
        "a relapse (assumed)"
    )
