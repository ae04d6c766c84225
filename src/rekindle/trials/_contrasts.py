"""Two arms against each other: the analyses that a paper reports as a difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import SolverError
from rekindle.trials._analysis_sets import ArmData
from rekindle.trials._design import Condition, Design
from rekindle.trials._estimate import UNKNOWN, Estimate, ancova, carried_forward, paired, welch
from rekindle.trials._repeated_measures import mmrm
from rekindle.trials._shares import share_difference
from rekindle.trials._survival import hazard_ratio

Array = NDArray[np.float64]


def pairs(design: Design) -> list[tuple[str, str]]:
    """Arms to be compared with a control arm of the same phase."""
    phase = design.compared
    if phase is None:
        return []
    controls = [arm for arm in phase.allocation if design.arms[arm].control]
    return [(arm, one) for one in controls for arm in phase.allocation if arm != one and arm not in controls]


def observed(active: ArmData, control: ArmData, scale: str, place: int, level: float = 0.95) -> Estimate:
    """Difference of mean changes of those who were seen (Welch)."""
    return welch(active.change(scale)[:, place], control.change(scale)[:, place], level)


def last_carried(active: ArmData, control: ArmData, scale: str, place: int, level: float = 0.95) -> Estimate:
    """Difference at equal baseline with the last score in place of missing ones."""
    scores, baseline, arm = _stacked(active, control, scale)
    return ancova(carried_forward(scores, baseline)[:, place] - baseline, baseline, arm, level)


def mixed(active: ArmData, control: ArmData, scale: str, level: float = 0.95) -> list[Estimate]:
    """Differences at every visit by the mixed model for repeated measures."""
    scores, baseline, arm = _stacked(active, control, scale)
    try:
        return mmrm(scores - baseline[:, None], baseline, arm, level)
    except SolverError:
        return [UNKNOWN] * scores.shape[1]


def within_people(active: ArmData, control: ArmData, scale: str, place: int, level: float = 0.95) -> Estimate:
    """Difference within people who were in both arms."""
    other = {one.number: row for row, one in enumerate(control.people)}
    both = [(row, other[one.number]) for row, one in enumerate(active.people) if one.number in other]
    if not both:
        return UNKNOWN
    mine, theirs = (list(rows) for rows in zip(*both, strict=True))
    return paired(active.scores[scale][mine, place], control.scores[scale][theirs, place], level)


def reached(
    name: str, active: ArmData, control: ArmData, rule: Condition, place: int, level: float = 0.95
) -> Estimate:
    """Difference of the shares that meet a definition; who was not seen does not meet it.

    Args:
        name: what is defined, such as response.
    """
    one, two = (arm.counted(name, arm.reached(rule)[:, place]) for arm in (active, control))
    return share_difference(*one, *two, level)


def relapse_ratio(active: ArmData, control: ArmData, level: float = 0.95) -> Estimate:
    """Hazard ratio of relapse."""
    if active.relapse is None or control.relapse is None:
        return UNKNOWN
    return hazard_ratio(
        np.concatenate([active.relapse.time, control.relapse.time]),
        np.concatenate([active.relapse.event, control.relapse.event]),
        np.repeat([1.0, 0.0], [len(active.people), len(control.people)]),
        level,
    )


def _stacked(active: ArmData, control: ArmData, scale: str) -> tuple[Array, Array, Array]:
    scores = np.vstack([active.scores[scale], control.scores[scale]])
    baseline = np.concatenate([active.baseline[scale], control.baseline[scale]])
    return scores, baseline, np.repeat([1.0, 0.0], [len(active.people), len(control.people)])
