"""The derivatives of outputs as they were solved: only those that can differ from zero are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._trajectory import Trajectory
from rekindle.engine.sensitivity._parts import tangent_name

Array = NDArray[np.float64]


class Derivatives(Mapping[str, Array]):
    """Output -> derivatives (people, times, parameters); without requested times (rows, parameters).

    Args:
        found: outputs, and those derivatives that can differ from zero.
        outputs: names of the outputs.
        wanted: parameters in the order of the last axis.
    """

    def __init__(self, found: Trajectory, outputs: Sequence[str], wanted: Sequence[str]) -> None:
        self._found, self._outputs, self._wanted = found, tuple(outputs), tuple(wanted)
        self._column = {name: place for place, name in enumerate(found.names)}
        self._built: dict[str, Array] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)

    def __getitem__(self, output: str) -> Array:
        if output not in self._outputs:
            raise KeyError(output)
        if output not in self._built:
            full = np.zeros((len(self._found.rows), len(self._wanted)))
            for place, column in self._columns(output):
                full[:, place] = self._found.rows[:, column]
            self._built[output] = full.reshape(*self._shape, len(self._wanted))
        return self._built[output]

    @property
    def _shape(self) -> tuple[int, ...]:
        grid = self._found.grid
        return (-1,) if grid is None else (len(self._found.ids), len(grid))

    def _columns(self, output: str) -> list[tuple[int, int]]:
        """Places of the parameters that an output depends on, and their columns."""
        names = [tangent_name(output, parameter) for parameter in self._wanted]
        return [(place, self._column[name]) for place, name in enumerate(names) if name in self._column]

    def of(self, output: str, parameter: str) -> Array:
        """Derivative of one output with respect to one parameter."""
        column = self._column.get(tangent_name(output, parameter))
        values = np.zeros(len(self._found.rows)) if column is None else self._found.rows[:, column]
        return values.reshape(self._shape)

    def product(self, output: str, slope: Array) -> Array:
        """Sum over people and times of a slope times the derivatives of an output, shape (parameters,)."""
        total = np.zeros(len(self._wanted))
        given = np.broadcast_to(slope, self._found[output].shape).ravel()
        for place, column in self._columns(output):
            total[place] = given @ self._found.rows[:, column]
        return total
