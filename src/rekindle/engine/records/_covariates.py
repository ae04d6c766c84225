"""Covariates of one person between the records that state them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.records._records import Record
from rekindle.errors import ParameterError
from rekindle.modelling import Model

if TYPE_CHECKING:
    from rekindle.engine.driver._motion import Motion

Array = NDArray[np.float64]


class CovariatePath:
    """Covariate values between the records of one person, by their carry rules.

    Values may be arrays over several people who share the times of their records.
    """

    def __init__(
        self,
        person: str,
        records: Sequence[Record],
        carry: Mapping[str, str],
        model: Model,
        ramps: Sequence[str],
    ) -> None:
        self.records = records
        self.names = list(model.covariates)
        self.ramps = list(ramps)
        self.rules = {name: carry.get(name, "locf") for name in self.names}
        self.given: dict[str, list[tuple[int, float, Any]]] = {}
        for name, covariate in model.covariates.items():
            points = [(r.row, r.time, r.covariates[name]) for r in self.records if name in r.covariates]
            if not points:
                if covariate.default is None:
                    raise ParameterError(
                        "RK-PAR-003",
                        given=f'person {person}: covariate "{name}" is not given',
                        allowed=f"{covariate.description or name} in {covariate.unit}",
                        why="The model has no default for it",
                        remedy=f'Add a column "{name}" to the event table',
                    )
                points = [(self.records[0].row, self.records[0].time, covariate.default)]
            self.given[name] = points
        self.varying = {
            name
            for name, points in self.given.items()
            if any(np.not_equal(value, points[0][2]).any() for *_, value in points[1:])
        }

    def changes_at(self, record: Record) -> bool:
        """Whether integration must stop at this record because a covariate changes there."""
        return any(name in record.covariates for name in self.varying)

    def apply(self, constants: Array, motion: Motion, row: int) -> None:
        """Set the values that hold at the record ``row`` (0 = before the first record)."""
        for name in self.names if row == 0 else self.varying:
            if name in self.ramps:
                # A record that does not state the covariate lies on the ramp already.
                if row == 0 or any(place == row for place, *_ in self.given[name]):
                    self._set_ramp(name, motion, row)
                continue
            value = self._at(name, row)
            constants[motion.position[name]] = value

    def after(self, constants: Array, motion: Motion, record: Record) -> None:
        """Set the values that hold from the record on (next value carried backward looks ahead)."""
        for name in self.varying:
            if self.rules[name] == "nocb" and name not in self.ramps:
                constants[motion.position[name]] = self._next(name, record.row)

    def _at(self, name: str, row: int) -> Any:
        points = self.given[name]
        if self.rules[name] == "nocb":
            ahead = [value for place, _, value in points if place >= row]
            return ahead[0] if ahead else points[-1][2]
        past = [value for place, _, value in points if place <= row]
        return past[-1] if past else points[0][2]

    def _next(self, name: str, row: int) -> Any:
        ahead = [value for place, _, value in self.given[name] if place > row]
        return ahead[0] if ahead else self.given[name][-1][2]

    def _set_ramp(self, name: str, motion: Motion, row: int) -> None:
        place = self.ramps.index(name)
        points = self.given[name]
        past = [point for point in points if point[0] <= row]
        ahead = [point for point in points if point[0] > row]
        motion.ramp_values[place] = past[-1][2] if past else points[0][2]
        motion.ramp_slopes[place] = 0.0
        if past and ahead and ahead[0][1] > past[-1][1]:
            motion.ramp_slopes[place] = (ahead[0][2] - past[-1][2]) / (ahead[0][1] - past[-1][1])
