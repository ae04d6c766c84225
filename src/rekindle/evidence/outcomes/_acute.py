"""Outcomes of sessions: dissociation, blood pressure, sedation, and reports of adverse events."""

from __future__ import annotations

import re
from dataclasses import replace

from rekindle.evidence._data import assumption, report_outputs
from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence.outcomes import _notes as notes
from rekindle.evidence.outcomes._arm import OutcomeArm, read_outcome_arm
from rekindle.evidence.outcomes._session_reading import (
    AnySession,
    Level,
    SessionChance,
    SessionPeak,
    acute_grid,
)
from rekindle.evidence.outcomes._target import OutcomeTarget, read_time
from rekindle.therapy import therapy_model
from rekindle.trials import endpoint

_CADSS = re.compile(r"CADSS\s*>\s*(\d+(?:\.\d+)?)\Z")
_PRESSURES = {"sbp_peak_change": "systolic_change", "dbp_peak_change": "diastolic_change"}
_LEVELS = {"cadss_total": False, "cadss_change": True}
#: Outcomes that are always read in sessions.
ACUTE = ("cadss_peak", "sedation_session_pct", "loss_of_consciousness_pct", *_LEVELS, *_PRESSURES)
_REPORTED = "report"


def is_acute(row: Row) -> bool:
    """Whether an outcome was observed in sessions, not reported as an adverse event."""
    outcome, threshold = row.word("outcome"), row.text("threshold").replace("any sedation reported", "")
    seen = outcome in ("sedation_pct", "dissociation_pct") and _REPORTED not in threshold
    return outcome in ACUTE or seen


def read_acute(row: Row) -> OutcomeTarget:
    """What a row observed in sessions.

    Raises:
        EvidenceError, RegimenError, ParameterError: why it cannot be simulated.
    """
    outcome = row.word("outcome")
    arm = read_outcome_arm(row, acute=True)
    if not arm.setup.session_starts:
        raise not_simulated(f"line {row.number}: {outcome} needs a session")
    remarks: list[str] = []
    until = row.number_of("time_h", low=0.0)
    if outcome in _PRESSURES:
        return _pressure(row, arm, _PRESSURES[outcome])
    if outcome in _LEVELS:
        return OutcomeTarget(arm, Level("cadss", (read_time(row),), "CADSS", _LEVELS[outcome]), "mean")
    end = arm.setup.session_starts[-1] + 1.0 if until is None else until
    if outcome == "cadss_peak":
        return OutcomeTarget(arm, SessionPeak("cadss", 0.0, "CADSS"), "mean")
    if outcome == "sedation_session_pct":
        return OutcomeTarget(arm, SessionPeak("p_moaas_4", end), "session_share")
    if outcome == "dissociation_pct":
        found = _CADSS.match(row.text("threshold"))
        if row.text("threshold") and found is None:
            raise not_simulated(
                f'line {row.number}: threshold is "{row.text("threshold")}"', allowed="CADSS>4"
            )
        rule = endpoint("dissociation", "CADSS", float(found[1]) if found else None)
        if found is None:
            remarks.append(f"threshold not stated, assumed: {rule.label}")
        reading = AnySession(SessionPeak("cadss", end, "CADSS"), rule.threshold)
        return OutcomeTarget(arm, reading, "share", remarks=tuple(remarks))
    level = "p_moaas_0" if outcome.startswith("loss") else "p_moaas_4"
    if len(arm.setup.session_starts) > 1:
        remarks.append("sessions of one person taken as independent")
    return OutcomeTarget(arm, AnySession(SessionPeak(level, end)), "share", remarks=tuple(remarks))


def _pressure(row: Row, arm: OutcomeArm, output: str) -> OutcomeTarget:
    remarks = []
    if arm.setup.control_class.startswith("placebo_spray"):
        arm = replace(arm, setup=replace(arm.setup, session_pressure=True))
        remarks.append("with the rise that a session brings by itself")
    else:
        remarks.append("without the rise that a session brings by itself, which is known for sprays only")
    error = assumption("systolic_error" if output.startswith("systolic") else "diastolic_error")
    if notes.is_change_at_time(row):
        reading = Level(output, (read_time(row),), error=error)
        return OutcomeTarget(arm, reading, "mean", remarks=tuple(remarks))
    # The first session only: later ones bring about the same rise.
    reading = Level(output, acute_grid(0.0), error=error)
    return OutcomeTarget(arm, reading, "largest_mean", remarks=tuple(remarks))


def read_reports(row: Row) -> OutcomeTarget:
    """Reports of an adverse event.

    Raises:
        EvidenceError, RegimenError, ParameterError: why they cannot be simulated.
    """
    outcome = row.word("outcome")
    output, time = report_outputs()[outcome], row.number_of("time_h", low=0.0)
    if output not in therapy_model().outputs:
        raise not_simulated(f"line {row.number}: {outcome}: the model has no incidence of this event")
    if time is None or not row.text("session_days"):
        raise not_simulated(
            f"line {row.number}: {outcome}: sessions and time of the reports are not stated",
            why="The share of people with a report rises with every session",
            remedy="Fill session_days and time_h",
        )
    arm = read_outcome_arm(row, acute=False)
    remarks = (
        "people report in their sessions by a tendency of their own (assumed spread)",
        "the model's chance of a report was set to the label: no independent evidence",
    )
    return OutcomeTarget(arm, AnySession(SessionChance(output, time)), "share", remarks=remarks)
