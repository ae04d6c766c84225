"""A crossover analysed by its periods: treatment, period, carry-over, and the score at the start of each.

Person effects are fixed: whatever stays the same in a person is taken out, so that treatments are compared
within people. In two periods with two treatments the estimates are those of Hills and Armitage (1979, Br J
Clin Pharmacol 8:7). There, what the first treatment leaves behind cannot be told from the treatment within
people: it is estimated between those who began with one and those who began with the other, which takes
many more people, and no other result depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.trials._analysis_sets import ArmData
from rekindle.trials._estimate import UNKNOWN, Estimate, ancova, by_t

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Periods:
    """One score of everybody in every period.

    Attributes:
        arms: names; the first is the control.
        arm: place of each person's arm in ``arms``, shape (people, periods); -1 for a period not entered.
        score: shape (people, periods); not a number where it is missing.
        start: score at the start of each period.
    """

    arms: tuple[str, ...]
    arm: NDArray[np.int_]
    score: Array
    start: Array

    def within(
        self, active: str, *, starts: bool = False, carry: bool = False, level: float = 0.95
    ) -> Estimate:
        """Difference of a treatment from the control within people, adjusted for the period.

        Args:
            active: the treatment.
            starts: adjust for the score at the start of each period too.
            carry: adjust for what the treatment of the period before leaves behind.
            level: of the interval.

        Returns:
            The estimate; unknown where the data cannot tell the effects apart.
        """
        table = self._columns(starts=starts, carry=carry)
        return self._contrast(table, f"arm {self.arms.index(active)}", level)

    def period(self, place: int, level: float = 0.95) -> Estimate:
        """Difference of a later period from the first at equal treatment."""
        return self._contrast(self._columns(), f"period {place}", level)

    def carried_over(self, active: str, level: float = 0.95) -> Estimate:
        """What the treatment leaves behind in the period after it, less what the control leaves behind.

        Within people where there are enough periods or orders; else between those who began with the
        treatment and those who began with the control, from the sums of their two scores at equal scores at
        the start.
        """
        found = self._contrast(self._columns(carry=True), f"carry {self.arms.index(active)}", level)
        if np.isfinite(found.value) or self.arm.shape[1] != 2 or len(self.arms) != 2:
            return found
        both = (self.arm >= 0).all(axis=1)
        total = self.score[both].sum(axis=1)
        began = self.arm[both, 0] == self.arms.index(active)
        return ancova(total, self.start[both, 0], began, level)

    def first_only(self, active: str, level: float = 0.95) -> Estimate:
        """The first period alone, as a parallel trial: analysis of covariance, free of any carry-over."""
        rows, began = self._began(active)
        change = self.score[rows, 0] - self.start[rows, 0]
        return ancova(change, self.start[rows, 0], began, level)

    def second_start(self, active: str, level: float = 0.95) -> Estimate:
        """Score at the start of the second period: those who began with the treatment less the others."""
        rows, began = self._began(active)
        entered = rows[self.arm[rows, 1] >= 0]
        began = began[self.arm[rows, 1] >= 0]
        change = self.start[entered, 1] - self.start[entered, 0]
        return ancova(change, self.start[entered, 0], began, level)

    def _began(self, active: str) -> tuple[NDArray[np.int_], NDArray[np.bool_]]:
        """People who began with the treatment or the control, and which of the two."""
        place = self.arms.index(active)
        rows = np.flatnonzero((self.arm[:, 0] == place) | (self.arm[:, 0] == 0))
        return rows, self.arm[rows, 0] == place

    def _columns(self, *, starts: bool = False, carry: bool = False) -> dict[str, Array]:
        """Columns of the linear model by name, each of shape (people, periods)."""
        count = self.arm.shape[1]
        here = np.arange(count)[None, :]
        found = {
            f"period {place}": np.broadcast_to(here == place, self.arm.shape) for place in range(1, count)
        }
        found |= {f"arm {place}": self.arm == place for place in range(1, len(self.arms))}
        if carry:
            before = np.column_stack([np.full(len(self.arm), -1), self.arm[:, :-1]])
            found |= {f"carry {place}": before == place for place in range(1, len(self.arms))}
        columns = {name: np.asarray(one, dtype=float) for name, one in found.items()}
        return columns | {"start": self.start} if starts else columns

    def _contrast(self, columns: dict[str, Array], name: str, level: float) -> Estimate:
        """One coefficient by least squares within people."""
        known = np.isfinite(self.score) & (self.arm >= 0)
        known &= np.isfinite(np.array(list(columns.values()))).all(axis=0)
        known &= (known.sum(axis=1) > 1)[:, None]
        people = int(known.any(axis=1).sum())
        if not people:
            return UNKNOWN
        y = _within(self.score, known)
        table = np.column_stack([_within(one, known) for one in columns.values()])
        at, rank = list(columns).index(name), np.linalg.matrix_rank(table)
        df = len(y) - people - int(rank)
        if np.linalg.matrix_rank(np.delete(table, at, axis=1)) == rank or df < 1:
            return UNKNOWN
        inverse = np.linalg.pinv(table)
        weights = inverse @ y
        error = float(((y - table @ weights) ** 2).sum()) / df
        return by_t(
            float(weights[at]), float(np.sqrt(error * (inverse[at] @ inverse[at]))), df, people, level
        )


def _within(values: Array, known: NDArray[np.bool_]) -> Array:
    """Known values less the mean of their person, in one column."""
    filled = np.where(known, values, 0.0)
    mean = filled.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.asarray((values - mean[:, None])[known])


def periods_of(
    groups: Mapping[str, ArmData], control: str, phases: tuple[str, ...], scale: str, place: int
) -> Periods:
    """Scores on one day of all periods, from the arms of a crossover."""
    names = (control, *(name for name in groups if name != control))
    numbers = sorted({one.number for group in groups.values() for one in group.people})
    rows = {number: row for row, number in enumerate(numbers)}
    shape = len(rows), len(phases)
    arm, score, start = np.full(shape, -1), np.full(shape, np.nan), np.full(shape, np.nan)
    for name, group in groups.items():
        for at, (person, phase) in enumerate(zip(group.people, group.phases, strict=True)):
            where = rows[person.number], phases.index(phase)
            arm[where] = names.index(name)
            score[where] = group.scores[scale][at, place]
            start[where] = group.start[scale][at]
    return Periods(names, arm, score, start)
