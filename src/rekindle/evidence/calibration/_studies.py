"""Published numbers of a study as one block: what the model predicts for them and how far they may differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence._data import assumption
from rekindle.evidence.calibration._block import Block
from rekindle.evidence.calibration._influence import Side, Summary, summarise_people
from rekindle.evidence.calibration._simulator import Simulator
from rekindle.evidence.calibration._targets import StudyTargets, Target
from rekindle.evidence.outcomes._arm import Setup
from rekindle.evidence.outcomes._reading import Reading
from rekindle.evidence.outcomes._simulation import Course
from rekindle.evidence.outcomes._study import ACUTE, MOOD, SHAPE, SPREAD, between_studies, kind_of, moved
from rekindle.evidence.outcomes._summary import SHARES
from rekindle.evidence.outcomes._target import OutcomeTarget

Array = NDArray[np.float64]

#: Variance of what is lost by printing a number.
_ROUNDING = 1e-4
#: Times that every simulated person is entered and rated.
RATINGS = 10
#: A share of people is never known better than by half a person.
_HALF_PERSON = 50.0


def announce(study: StudyTargets, simulator: Simulator) -> None:
    """Tell the simulator what will be read."""
    for target in study.targets:
        for setup, name, reading in target.outcome.sides:
            simulator.need(setup, name, [reading])


def study_block(study: StudyTargets, simulator: Simulator, standard: Array) -> Block:
    """Observed and predicted numbers of a study at a point in standard units."""
    rows = [row for target in study.targets for row in _rows(target, simulator, standard)]
    sampling = _sampling(rows)
    # Numbers of the same people can follow from each other; a thousandth keeps them apart.
    sampling[np.diag_indices(len(rows))] *= 1.001
    sampling[np.diag_indices(len(rows))] += [row.floor for row in rows]
    return Block(
        study.study_id,
        tuple(row.label for row in rows),
        np.array([row.observed for row in rows]),
        np.array([row.summary.value for row in rows]),
        sampling,
        {
            **{kind: _between_studies(rows, kind) for kind in (MOOD, ACUTE)},
            SPREAD: _each_on_its_own(rows, ("log_sd",)),
            SHAPE: _each_on_its_own(rows, SHARES),
        },
    )


class _Row:
    """One number: observed, simulated, and how it moves when its study differs."""

    def __init__(self, target: Target, kind: str, simulator: Simulator, standard: Array) -> None:
        self.target, self.kind = target, kind
        outcome = target.outcome
        courses = [simulator.course(setup, name, standard) for setup, name, _ in outcome.sides]
        self.summary = _summary(outcome, kind, courses)
        self.difference = kind_of(outcome.reading)
        self.moves = {
            arm: (_summary(outcome, kind, others).value - self.summary.value) / step
            for arm, (others, step) in _moved(outcome, courses, self.difference).items()
        }
        self.observed = float(np.log(target.sd)) if kind == "log_sd" and target.sd else target.value
        self.floor = _ROUNDING
        if kind in SHARES:
            self.floor += (_HALF_PERSON / target.subjects) ** 2
        row = target.row
        self.label = f"{row.text('arm_id')} {row.word('outcome')} {row.text('time_h')} {kind}"

    @property
    def scale(self) -> float:
        """Factor that gives the sampling error its stated size."""
        if self.target.se is None or self.kind == "log_sd":
            return 1.0
        own = sum(float(np.mean(values**2)) for values in self.summary.influences.values())
        return self.target.se / float(np.sqrt(max(own / self.target.subjects, 1e-12)))


def _rows(target: Target, simulator: Simulator, standard: Array) -> list[_Row]:
    kinds = [target.outcome.summary]
    if target.sd is not None and target.outcome.summary == "mean":
        kinds.append("log_sd")
    return [_Row(target, kind, simulator, standard) for kind in kinds]


def _arm(setup: Setup, name: str) -> str:
    return f"{name} {hash((setup, name))}"


def _summary(outcome: OutcomeTarget, kind: str, courses: list[Course]) -> Summary:
    sides = [
        Side(_arm(setup, name), rated_often(reading, course))
        for (setup, name, reading), course in zip(outcome.sides, courses, strict=True)
    ]
    horizon = assumption("relapse_horizon") / 24.0
    return summarise_people(kind, sides, paired=outcome.paired, horizon=horizon)


def rated_often(reading: Reading, course: Course) -> Array:
    """Readings of everybody, each entered and rated several times with other errors.

    A share of people moves in steps of one person; more ratings make the steps smaller.
    """
    times = [replace(course, seed=course.seed + 7919 * turn, entries={}) for turn in range(RATINGS)]
    return np.concatenate([reading.values(one) for one in times])


def _moved(outcome: OutcomeTarget, courses: list[Course], kind: str) -> dict[str, tuple[list[Course], float]]:
    """For each arm: the courses after its people have been moved, and by how much."""
    found = {}
    for arm in dict.fromkeys(_arm(setup, name) for setup, name, _ in outcome.sides):
        pairs = [
            moved(course, kind) if _arm(setup, name) == arm else (course, 0.0)
            for course, (setup, name, _) in zip(courses, outcome.sides, strict=True)
        ]
        found[arm] = ([course for course, _ in pairs], max(step for _, step in pairs))
    return found


def _sampling(rows: list[_Row]) -> Array:
    found = np.zeros((len(rows), len(rows)))
    for j, first in enumerate(rows):
        for k, second in enumerate(rows[: j + 1]):
            total = 0.0
            for arm, influence in first.summary.influences.items():
                other = second.summary.influences.get(arm)
                if other is not None:
                    total += float(np.mean(influence * other))
            people = np.sqrt(float(first.target.subjects * second.target.subjects))
            found[j, k] = found[k, j] = total / people * first.scale * second.scale
    return found


def _each_on_its_own(rows: list[_Row], kinds: tuple[str, ...]) -> Array:
    """Numbers of some kinds differ between studies each on its own: SDs on the log scale, and percentages.

    A percentage follows from mean, SD and shape of the scores, and from how a paper counts those who left.
    Being nearly the same news of the same people, it would drag the mean along without a difference of its
    own.
    """
    return np.diag([float(row.kind in kinds) for row in rows])


def _between_studies(rows: list[_Row], kind: str) -> Array:
    own = [row.moves if row.difference == kind else {} for row in rows]
    arms = list(dict.fromkeys(arm for moves in own for arm in moves))
    return between_studies(np.array([[moves.get(arm, 0.0) for arm in arms] for moves in own]))
