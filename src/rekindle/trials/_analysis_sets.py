"""The people of each arm of the comparison with their scores, times and readings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rekindle.therapy import adverse_events
from rekindle.trials._design import CROSS, ENTRY, MISSING, Condition, Design, Phase
from rekindle.trials._enrolment import Participant, meets
from rekindle.trials._study_difference import StudyDifference
from rekindle.trials._trial_data import TrialData

Array = NDArray[np.float64]
#: Person, phase and scale -> planned day -> score.
_Scores = dict[tuple[int, str, str], dict[float, float]]


@dataclass(frozen=True)
class Relapses:
    """Days in the phase of relapse until relapse or the end of observation, and whether it was a relapse."""

    time: Array
    event: NDArray[np.bool_]


@dataclass(frozen=True)
class ArmData:
    """One arm of the comparison, in all periods of a crossover.

    Attributes:
        name: the arm.
        phases: phase of each person, in the order of ``people``.
        scores: scale -> scores, shape (people, days).
        baseline: scale -> score that changes count from (``Design.change_from``).
        start: scale -> score at the start of the phase: rated on its day 0, else the last one before.
        relapse: None if none is defined.
        study: how the study differs from the model beyond its design.
    """

    name: str
    people: tuple[Participant, ...]
    phases: tuple[str, ...]
    rated: Mapping[str, tuple[float, ...]]
    scores: Mapping[str, Array]
    baseline: Mapping[str, Array]
    start: Mapping[str, Array]
    relapse: Relapses | None = None
    study: StudyDifference = field(default_factory=StudyDifference)

    def days(self, scale: str) -> tuple[float, ...]:
        """Days of the phase on which a scale is rated."""
        return self.rated[scale]

    def change(self, scale: str) -> Array:
        """Changes from baseline, shape (people, days)."""
        return self.scores[scale] - self.baseline[scale][:, None]

    def reached(self, rule: Condition) -> NDArray[np.bool_]:
        """Whether a definition is met, shape (people, days); a missing score does not meet it.

        A definition that asks for visits in a row is met at the last of them.
        """
        table, start = self.scores[rule.what], self.baseline[rule.what]
        once: NDArray[np.bool_] = np.array(
            [
                [not math.isnan(one) and meets(rule, one, begin) for one in row]
                for row, begin in zip(table, start, strict=True)
            ],
            dtype=bool,
        ).reshape(table.shape)
        met = once.copy()
        for back in range(1, rule.consecutive):
            met[:, :back] = False
            met[:, back:] &= once[:, : once.shape[1] - back]
        return met

    def counted(self, outcome: str, flags: NDArray[np.bool_]) -> tuple[float, int]:
        """People for whom something is true, as the study counts them, of how many."""
        return self.study.count(outcome, self.name, int(flags.sum()), len(flags)), len(flags)

    def time_to(self, rule: Condition) -> tuple[Array, NDArray[np.bool_]]:
        """Day of the first visit that meets a definition, or of the last score; and whether it was met."""
        reached, days = self.reached(rule), np.array(self.days(rule.what))
        seen = np.isfinite(self.scores[rule.what])
        time, event = [], []
        for row, known in zip(reached, seen, strict=True):
            if not known.any():
                continue
            event.append(bool(row.any()))
            time.append(float(days[row][0] if row.any() else days[known][-1]))
        return np.array(time), np.array(event, dtype=bool)


@dataclass(frozen=True)
class SessionExtremes:
    """Highest and lowest reading of each person over the sessions of an arm, and who reported what."""

    highest: Mapping[str, Mapping[int, float]]
    lowest: Mapping[str, Mapping[int, float]]
    reports: Mapping[str, NDArray[np.bool_]]


def compared_phases(design: Design) -> tuple[Phase, ...]:
    """The phases whose arms are compared: one, or all periods of a crossover; else the last phase."""
    last = design.compared
    if last is None:
        return (design.phases[-1],)
    found = [last]
    place = design.phases.index(last)
    while found[0].assign == CROSS:
        place -= 1
        found.insert(0, design.phases[place])
    return tuple(found)


def arm_data(design: Design, data: TrialData) -> dict[str, ArmData]:
    """Arms of the comparison, in the order of the design."""
    phases = compared_phases(design)
    rescued = {one.number: one.rescued_h for one in data.people if design.after_rescue == MISSING}
    notes: _Scores = {}
    counted: _Scores = {}
    for note in data.notes:
        if note.measure in design.scales:
            key, day = (note.number, note.phase, note.measure), round(note.day, 6)
            notes.setdefault(key, {})[day] = note.value
            if not note.time_h > rescued.get(note.number, math.inf):
                counted.setdefault(key, {})[day] = note.value
    found = {}
    for name in design.arms:
        members = [
            (one, phase)
            for phase in phases
            for one in data.people
            if phase.name in one.entered and one.arms[phase.name] == name
        ]
        if members:
            arm = _arm(design, name, members, notes, counted)
            found[name] = replace(arm, study=data.study)
    return found


def sessions_of(data: TrialData, arm: ArmData) -> SessionExtremes:
    """Extremes of readings in the sessions of an arm; people without a session are left out."""
    places = set(zip((one.number for one in arm.people), arm.phases, strict=True))
    highest: dict[str, dict[int, float]] = {}
    lowest: dict[str, dict[int, float]] = {}
    reported: dict[str, set[int]] = {event: set() for event in adverse_events()}
    had: dict[int, None] = {}
    for note in data.notes:
        if (note.number, note.phase) not in places:
            continue
        if note.measure == "session_mg":
            had[note.number] = None
        elif note.measure.startswith("report: "):
            reported[note.measure.removeprefix("report: ")].add(note.number)
        elif note.measure in ("cadss", "systolic_rise", "diastolic_rise", "moaas"):
            for extreme, choose in ((highest, max), (lowest, min)):
                by = extreme.setdefault(note.measure, {})
                by[note.number] = choose(by.get(note.number, note.value), note.value)
    reports = {
        event: np.array([number in who for number in had], dtype=bool) for event, who in reported.items()
    }
    return SessionExtremes(highest, lowest, reports)


def _arm(
    design: Design,
    name: str,
    members: list[tuple[Participant, Phase]],
    notes: _Scores,
    counted: _Scores,
) -> ArmData:
    rated, scores, baseline, start = {}, {}, {}, {}
    for scale in design.scales:
        days = {visit.day for _, phase in members for visit in phase.visits if scale in visit.scales}
        rated[scale] = tuple(sorted(days))
        scores[scale] = np.array(
            [
                [
                    counted.get((one.number, phase.name, scale), {}).get(round(day, 6), math.nan)
                    for day in rated[scale]
                ]
                for one, phase in members
            ],
            dtype=float,
        ).reshape(len(members), len(days))
        start[scale] = np.array([_start(design, one, phase, scale, notes) for one, phase in members])
        entry = np.array([one.baseline[scale] for one, _ in members])
        baseline[scale] = entry if design.change_from == ENTRY else start[scale]
    return ArmData(
        name,
        tuple(one for one, _ in members),
        tuple(phase.name for _, phase in members),
        rated,
        scores,
        baseline,
        start,
        _relapses(design, members),
    )


def _start(
    design: Design,
    one: Participant,
    phase: Phase,
    scale: str,
    notes: _Scores,
) -> float:
    """Score of a person at the start of a phase."""
    here = notes.get((one.number, phase.name, scale), {})
    if 0.0 in here:
        return here[0.0]
    for before in reversed(design.phases[: design.phases.index(phase)]):
        found = notes.get((one.number, before.name, scale), {})
        if found:
            return found[max(found)]
    return one.baseline[scale]


def _relapses(design: Design, members: list[tuple[Participant, Phase]]) -> Relapses | None:
    if design.relapse is None or any(phase.name != design.relapse_phase for _, phase in members):
        return None
    start, length = design.start_h(design.relapse_phase), design.phase(design.relapse_phase).days
    time, event = [], []
    for one, _ in members:
        here = one.status == "left" and one.left_h < start + 24.0 * (length + 1e-6)
        time.append(min((one.left_h - start) / 24.0, length) if here else length)
        event.append(here and one.reason == "relapse")
    return Relapses(np.maximum(np.array(time), 1e-6), np.array(event, dtype=bool))
