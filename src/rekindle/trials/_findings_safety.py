"""Safety and staying in the trial: readings of sessions, reports, rescue, and leaving by reason."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rekindle.trials._analysis_sets import ArmData, SessionExtremes, sessions_of
from rekindle.trials._design import Condition, Design
from rekindle.trials._dropout import dropout_reasons
from rekindle.trials._enrolment import meets
from rekindle.trials._finding import Finding, needed_of, share_of
from rekindle.trials._shares import share_difference
from rekindle.trials._tables import read_table
from rekindle.trials._trial_data import TrialData
from rekindle.trials._walk import STOPPED


def safety(data: TrialData, arm: ArmData) -> Iterator[Finding]:
    """Shares with a reading beyond a limit in any session, and with a report of each event."""
    readings = sessions_of(data, arm)
    for name, flags in _beyond_limits(readings).items():
        yield share_of(name, math.nan, arm.name, *arm.counted(name, flags))
    if readings.highest:
        for event, people in readings.reports.items():
            yield share_of(f"report of {_words(event)}", math.nan, arm.name, *arm.counted(event, people))


def _beyond_limits(readings: SessionExtremes) -> dict[str, NDArray[np.bool_]]:
    """Who had a reading beyond a limit; rows of one name are alternatives."""
    found: dict[str, NDArray[np.bool_]] = {}
    for row in read_table("safety_limits.csv"):
        if row["measure"] in readings.highest:
            limit = Condition(row["measure"], row["test"], float(row["limit"]))
            extreme = readings.lowest if row["test"] == "at_most" else readings.highest
            flags = np.array([meets(limit, value) for value in extreme[row["measure"]].values()], dtype=bool)
            found[row["name"]] = found.get(row["name"], False) | flags
    return found


def leaving(design: Design, data: TrialData, arm: ArmData) -> Iterator[Finding]:
    """Shares who left or stopped treatment for each reason of the design, completed, and were rescued."""
    for reason in design.leave_reasons:
        yield share_of(f"left: {reason}", math.nan, arm.name, *_left(arm, reason))
    completed = sum(one.status == "completed" for one in arm.people)
    yield share_of("completed", math.nan, arm.name, completed, len(arm.people))
    stops = dict.fromkeys(f"{STOPPED}{rule.value}" for rule in design.rules if rule.action == "stop")
    places = set(zip((one.number for one in arm.people), arm.phases, strict=True))
    for measure in stops:
        stopped = {note.number for note in data.notes if note.measure == measure
                   and (note.number, note.phase) in places}  # fmt: skip
        yield share_of(measure, math.nan, arm.name, len(stopped), len(arm.people))
    if any(rule.rescue for rule in design.rules):
        rescued = sum(not math.isnan(one.rescued_h) for one in arm.people)
        yield share_of("rescued", math.nan, arm.name, rescued, len(arm.people))


def harms(design: Design, data: TrialData, active: ArmData, control: ArmData) -> Iterator[Finding]:
    """Numbers needed to harm: readings beyond limits, each reported event, and leaving because of harm."""
    one, two = sessions_of(data, active), sessions_of(data, control)
    arms = f"{active.name} - {control.name}"
    beyond, others = _beyond_limits(one), _beyond_limits(two)
    for name in beyond:
        if name in others:
            gap = share_difference(*active.counted(name, beyond[name]), *control.counted(name, others[name]))
            yield needed_of(f"number needed to harm, {name}", math.nan, arms, gap)
    for event in one.reports if one.highest else ():
        if event in two.reports:
            counts = (*active.counted(event, one.reports[event]), *control.counted(event, two.reports[event]))
            gap = share_difference(*counts)
            yield needed_of(f"number needed to harm, report of {_words(event)}", math.nan, arms, gap)
    harmful = [name for name, harm in dropout_reasons().items() if harm]
    for reason in (reason for reason in design.leave_reasons if reason in harmful):
        gap = share_difference(*_left(active, reason), *_left(control, reason))
        yield needed_of(f"number needed to harm, left: {reason}", math.nan, arms, gap)


def _words(event: str) -> str:
    return event.replace("_", " ")


def _left(arm: ArmData, reason: str) -> tuple[int, int]:
    """People who left for a reason, of how many."""
    return sum(one.status == "left" and one.reason == reason for one in arm.people), len(arm.people)
