"""Outcomes of mood: scores, shares of responders, relapse, differences between arms."""

from __future__ import annotations

import re
from dataclasses import replace

from rekindle.errors import nearest
from rekindle.evidence._data import assessments, assumption, report_outputs
from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence.outcomes import _notes as notes
from rekindle.evidence.outcomes._acute import ACUTE
from rekindle.evidence.outcomes._arm import OutcomeArm, read_outcome_arm
from rekindle.evidence.outcomes._baseline import read_baseline
from rekindle.evidence.outcomes._reading import Item10, Reached, Reading, RelapseTime, RunInResponse, Score
from rekindle.evidence.outcomes._schedule import DAILY_DRUGS
from rekindle.evidence.outcomes._target import OutcomeTarget, read_time
from rekindle.trials import endpoint

_SCALES = {"madrs": "MADRS", "hamd17": "HAM-D17", "hdrs": "HAM-D17"}
_DEPRESSION = ("mdd", "trd", "mdd_suicidal", "bipolar_depression", "")
_SCORE = re.compile(rf"({'|'.join(_SCALES)})_(change|total|pct_reduction|difference|effect_size)\Z")
_FORMS = {"change": "change", "total": "total", "pct_reduction": "fall_pct", "difference": "change"}
_SHARES = ("response_pct", "response_ever_pct", "remission_pct")
_FALL = re.compile(
    r"(?:([A-Za-z0-9-]+)\s+)?(?:fall|fell|decrease|reduction)\s*(?:>=|≥)\s*(\d+(?:\.\d+)?)\s*%\Z"
)
_BOUND = re.compile(r"(MADRS|HAM-?D-?17)\s*(<=|≤|<)\s*(\d+(?:\.\d+)?)\Z")
KNOWN = (
    *(f"{scale}_{form}" for scale in _SCALES for form in (*_FORMS, "effect_size")),
    "suicidal_ideation_effect_size", *_SHARES, "relapse_median_days", *ACUTE,
)  # fmt: skip


def read_mood(row: Row) -> OutcomeTarget:
    """What a row observed of mood.

    Raises:
        EvidenceError, RegimenError, ParameterError: why it cannot be simulated.
    """
    _check_condition(row)
    remarks: list[str] = []
    if row.word("condition") == "bipolar_depression":
        remarks.append("bipolar depression is simulated like unipolar depression")
    if row.word("control_class") == "open_label":
        remarks.append("the natural course of open-label trials has no control arm that could show it")
    target = _mood(row, row.word("outcome"), remarks)
    return replace(target, remarks=(*target.remarks, *remarks))


def _check_condition(row: Row) -> None:
    condition = row.word("condition")
    if condition not in _DEPRESSION:
        raise not_simulated(
            f"line {row.number}: {row.word('outcome')} in condition {condition}",
            why="Severity in the model is that of depression, and no control course is known for another one",
        )


def _mood(row: Row, outcome: str, remarks: list[str]) -> OutcomeTarget:
    match = _SCORE.match(outcome)
    if match is None and outcome not in KNOWN:
        raise not_simulated(
            f'line {row.number}: outcome "{row.text("outcome")}" is not known'
            f"{nearest(outcome, (*KNOWN, *report_outputs()))}"
        )
    arm = read_outcome_arm(row, acute=False)
    if outcome in _SHARES:
        return _share(row, arm, outcome, remarks)
    if outcome == "suicidal_ideation_effect_size":
        remarks.append(
            f"MADRS item 10 stands for suicidal ideation, {assumption('item10_mean'):g} (SD "
            f"{assumption('item10_sd'):g}) before treatment (assumed)"
        )
        return _compared(row, arm, Item10(read_time(row)), "effect_size")
    scale = "MADRS" if match is None else _SCALES[match[1]]
    baseline = read_baseline(row, scale, remarks)
    if match is None:
        if not arm.setup.session_starts:
            raise not_simulated(f"line {row.number}: relapse after a course needs sessions")
        rule = endpoint("relapse", scale)
        remarks.append(
            "people with a response one day after the last session; "
            f"{rule.label}, two visits a week (assumed); counted from the last session"
        )
        return OutcomeTarget(arm, RelapseTime(baseline), "median")
    form, time = match[2], read_time(row)
    if form == "effect_size" and notes.is_before_and_after(row):
        before = Score(baseline, time, "entry")
        return OutcomeTarget(arm, Score(baseline, time, "total"), "own_effect_size", None, before, True)
    if form in ("difference", "effect_size"):
        if form == "effect_size":
            remarks.append("standardised by the SD of the scores at that time")
        selected = RunInResponse(baseline) if len(arm.setup.phases) > 1 else None
        reading = Score(baseline, time, _FORMS.get(form, "total"), selected)
        return _compared(row, arm, reading, form)
    return OutcomeTarget(arm, Score(baseline, time, _FORMS[form]), "mean")


def _compared(row: Row, arm: OutcomeArm, reading: Reading, summary: str) -> OutcomeTarget:
    if row.word("control_class") == "open_label":
        raise not_simulated(
            f"line {row.number}: {row.word('outcome')} in an open-label design",
            why="It has no control course that a difference could be taken from",
        )
    if not arm.active and not arm.setup.antidepressant:
        raise not_simulated(f"line {row.number}: a difference of a control arm from itself")
    paired = "crossover" in f"{row.word('design')} {row.word('control_class')}"
    return OutcomeTarget(arm, reading, summary, arm.setup.control(), None, paired)


def _share(row: Row, arm: OutcomeArm, outcome: str, remarks: list[str]) -> OutcomeTarget:
    text = row.text("threshold")
    fall, bound = _FALL.match(text), _BOUND.match(text)
    remission = outcome == "remission_pct"
    if text and (bound is None if remission else fall is None):
        raise not_simulated(
            f'line {row.number}: threshold is "{text}"',
            allowed="MADRS<=10 or HAMD17<=7" if remission else "fall >=50% or HAMD17 fall >=50%",
        )
    named = (bound[1] if bound else fall[1] if fall else None) or "MADRS"
    scale = _scale(row, named)
    baseline = read_baseline(row, scale, remarks)
    rule = endpoint("remission" if remission else "response", scale)
    if bound is not None:
        rule = endpoint(rule.name, scale, float(bound[3]))
    elif fall is not None:
        rule = endpoint(rule.name, scale, float(fall[2]))
    else:
        remarks.append(f"threshold not stated, assumed: {rule.label}")
    below = bound is not None and bound[2] == "<"
    return OutcomeTarget(arm, Reached(baseline, rule, _share_times(row, arm, remarks), below), "share")


def _scale(row: Row, named: str) -> str:
    word = named.lower().replace("-", "")
    if word not in ("madrs", "hamd17"):
        raise not_simulated(
            f'line {row.number}: no observation model of "{named}"', allowed="MADRS or HAMD17"
        )
    return _SCALES[word]


def _share_times(row: Row, arm: OutcomeArm, remarks: list[str]) -> tuple[float, ...]:
    """Time of a response; all assessments for one at any time."""
    time = row.number_of("time_h", low=0.0)
    if row.word("outcome") == "response_ever_pct":
        day = notes.last_day(row) or assumption("ever_day")
        end = time if time is not None else 24.0 * day
        remarks.append("assessments of single-infusion crossovers (recalled)")
        return tuple(at for at in assessments() if at <= end) or (end,)
    if time is not None:
        return (time,)
    if row.word("drug") in DAILY_DRUGS:
        time = assumption("acute_phase")
        remarks.append(f"no time is stated: {time / 168:g} weeks assumed")
    elif row.text("session_days"):
        time = arm.setup.session_starts[-1] + assumption("after_last_session")
        remarks.append("no time is stated: one day after the last session assumed")
    else:
        raise not_simulated(
            f"line {row.number}: no time is stated, and people who continued are a selection",
            remedy="Fill time_h and session_days",
        )
    return (time,)
