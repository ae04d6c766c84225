"""A published study as the design of a virtual trial, from the rows of the table of clinical outcomes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rekindle.errors import RekindleError
from rekindle.evidence._data import outcomes_not_modelled, report_outputs
from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence.outcomes import _notes as notes
from rekindle.evidence.outcomes._acute import is_acute
from rekindle.evidence.outcomes._arm import KETAMINES, SEROTONERGIC, course_class
from rekindle.evidence.outcomes._schedule import session_times
from rekindle.evidence.studies._arms import read_treatment
from rekindle.evidence.studies._people import (
    SEXES,
    Arms,
    arm_size,
    entry_severity,
    stated_facts,
    treatment_of,
)
from rekindle.evidence.studies._phases import (
    MOOD,
    TRAINING,
    add_follow_up,
    add_psychotherapy,
    add_withdrawal,
    treatment_phases,
)

#: Readings of a session, min.
_MINUTES = (40.0, 60.0, 80.0, 120.0)
#: Arms that describe an open stretch behind a blinded one.
_LATER = "_open"
_DEPRESSION = ("mdd", "trd", "mdd_suicidal", "bipolar_depression")
_REMISSION = re.compile(r"(MADRS|HAMD17)(<=|<)(\d+)\Z")


def design_content(study_id: str, rows: Sequence[Row], assumed: Sequence[str]) -> dict[str, Any]:
    """What the YAML file of the design holds.

    Args:
        study_id: the study.
        rows: its rows, with assumed cells filled.
        assumed: words of these assumptions, for the notes.

    Raises:
        EvidenceError, RegimenError: why it cannot be run.
    """
    remarks = list(assumed)
    by_arm = _arms_of(rows, remarks)
    first = rows[0]
    mood = [row for row in rows if row.word("outcome").startswith(MOOD) or row.word("rated") == "mood"]
    acute = any(_of_sessions(row) for row in rows)
    _refuse_other_conditions(first, mood=bool(mood), acute=acute)
    run_in = next((row for row in rows if notes.run_in(row) is not None), None)
    if run_in is not None:
        del by_arm[run_in.text("arm_id")]
    arms, sessions, rules = _treatments(by_arm, acute=not mood, remarks=remarks)
    scales, entry = entry_severity(by_arm, mood, remarks)
    apart = {name: arm_size(by_arm[name], name, remarks) for name in by_arm if treatment_of(name) in arms}
    sizes = {name: sum(n for one, n in apart.items() if treatment_of(one) == name) for name in arms}
    crossover = "crossover" in f"{first.word('design')} {first.word('control_class')}"
    number = max(sizes.values()) if crossover else sum(sizes.values())
    facts = stated_facts({name: by_arm[name] for name in apart}, apart)
    content: dict[str, Any] = {
        "title": f"{study_id}: {first.text('design')} ({first.text('source')})",
        "control_class": course_class(first),
        "people": {"number": number, **facts},
        "scales": scales,
    }
    if entry:
        content["eligibility"] = entry
    if any(name.endswith(SEXES) for name in by_arm):
        content["subgroups"] = ["sex"]
    content["arms"] = arms
    content["phases"] = treatment_phases(rows, sizes, sessions, crossover, remarks)
    if acute:
        content["acute"] = {"minutes": list(_MINUTES)}
    if rules:
        content["rules"] = rules
    if run_in is not None:
        add_withdrawal(content, run_in, next(iter(scales)), remarks)
    if first.text(TRAINING):
        add_psychotherapy(content, first, remarks)
    content |= _remission(mood, scales, remarks) | _losses(rows, remarks)
    if any(row.word("outcome") == "relapse_median_days" for row in rows):
        add_follow_up(content, next(iter(scales)), remarks)
    content["notes"] = list(dict.fromkeys(remarks)) or ["nothing had to be assumed"]
    return content


def _arms_of(rows: Sequence[Row], remarks: list[str]) -> dict[str, list[Row]]:
    by_arm: dict[str, list[Row]] = {}
    for row in rows:
        by_arm.setdefault(row.text("arm_id"), []).append(row)
    for name in [one for one in by_arm if one.endswith(_LATER)]:
        remarks.append(f"arm {name} is left out: it belongs to a later stretch of the trial")
        del by_arm[name]
    return by_arm


def _of_sessions(row: Row) -> bool:
    return is_acute(row) or row.word("outcome") in report_outputs() or row.word("rated") == "sessions"


def _refuse_other_conditions(first: Row, *, mood: bool, acute: bool) -> None:
    outcome, condition = first.word("outcome"), first.word("condition")
    why = outcomes_not_modelled().get(outcome, "")
    if condition not in _DEPRESSION and (mood or not acute):
        why = why or "severity in the model is that of depression"
        raise not_simulated(f"condition {condition}", why=why)
    if not mood and not acute:
        raise not_simulated(f"outcome {outcome}", why=why)


def _treatments(
    by_arm: Arms, *, acute: bool, remarks: list[str]
) -> tuple[dict[str, Any], dict[str, tuple[float, ...]], list[dict[str, Any]]]:
    arms: dict[str, Any] = {}
    sessions: dict[str, tuple[float, ...]] = {}
    rules: list[dict[str, Any]] = []
    problem: RekindleError | None = None
    for arm_id, rows in by_arm.items():
        row, name = rows[0], treatment_of(arm_id)
        if name in arms:
            continue
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
    if problem is not None and not any(_drug(by_arm, name) in KETAMINES for name in arms):
        raise problem
    return arms, sessions, rules


def _drug(by_arm: Arms, name: str) -> str:
    """Drug of a treatment."""
    return next(rows[0].word("drug") for arm_id, rows in by_arm.items() if treatment_of(arm_id) == name)


def _remission(mood: Sequence[Row], scales: dict[str, Any], remarks: list[str]) -> dict[str, Any]:
    """The trial's own threshold of remission, where its rows state one."""
    texts = [row.text("threshold") for row in mood if row.word("outcome") == "remission_pct"]
    found = list(dict.fromkeys(match.groups() for text in texts if (match := _REMISSION.match(text))))
    if not found:
        return {}
    named, sign, limit = found[0]
    scale = "HAM-D17" if named == "HAMD17" else named
    if len(found) > 1:
        remarks.append(f"remission is counted as {scale} {sign} {limit} everywhere")
    test = "at_most" if sign == "<=" else "below"
    return {"remission": {"scale": scale, test: float(limit)}} if scale in scales else {}


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
