"""Flow of participants: how many started each phase in each arm, who left why, and who finished."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rekindle.trials._design import Design, Phase
from rekindle.trials._enrolment import Participant
from rekindle.trials._trial_data import TrialData
from rekindle.trials._walk import STOPPED


@dataclass(frozen=True, slots=True)
class FlowStep:
    """One arm in one phase.

    Attributes:
        phase, arm: where.
        came_from: arms of the phase before that its people were in.
        started: people in it at its start.
        treated: those who had a session in it.
        left: reason -> people who left the trial in it.
        stopped: reason -> people whose treatment was stopped in it; their visits go on.
        rescued: people rescued in it.
        not_admitted: people who finished it and were not admitted to the next phase.
        finished: people who went on to the next phase, or completed the trial.
    """

    phase: str
    arm: str
    came_from: tuple[str, ...]
    started: int
    treated: int
    left: Mapping[str, int]
    stopped: Mapping[str, int]
    rescued: int
    not_admitted: int
    finished: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Flow of a whole trial: people screened, those who entered, and the steps phase by phase."""

    screened: int
    entered: int
    steps: tuple[FlowStep, ...]


def participant_flow(design: Design, data: TrialData) -> Flow:
    """Flow of participants of one replicate; everybody who entered is in exactly one place at the end.

    >>> from rekindle.trials import run_replicates, shipped_design
    >>> design = shipped_design("esketamine_spray")
    >>> flow = participant_flow(design, run_replicates(design, [0], number=6)[0])
    >>> flow.entered, sum(step.started for step in flow.steps)
    (6, 6)
    """
    steps = []
    before = ""
    for phase in design.phases:
        for arm in design.arms:
            people = [one for one in data.people if one.arms.get(phase.name) == arm]
            if people:
                steps.append(_step(design, data, phase, arm, people, before))
        before = phase.name
    return Flow(data.screened, len(data.people), tuple(steps))


def _step(
    design: Design, data: TrialData, phase: Phase, arm: str, people: list[Participant], before: str
) -> FlowStep:
    start = design.start_h(phase.name)
    end = start + 24.0 * phase.days
    numbers = {one.number for one in people}
    notes = [note for note in data.notes if note.phase == phase.name and note.number in numbers]
    ending = [one for one in people if list(one.arms)[-1] == phase.name]
    left = Counter(one.reason for one in ending if one.status == "left")
    kept_out = sum(one.status == "not entered" for one in ending)
    stopped = Counter(n.measure.removeprefix(STOPPED) for n in notes if n.measure.startswith(STOPPED))
    return FlowStep(
        phase.name,
        arm,
        tuple(one for one in design.arms if any(person.arms.get(before) == one for person in people)),
        len(people),
        len({note.number for note in notes if note.measure == "session_mg"}),
        dict(sorted(left.items())),
        dict(sorted(stopped.items())),
        sum(start <= one.rescued_h <= end for one in people),
        kept_out,
        len(people) - left.total() - kept_out,
    )
