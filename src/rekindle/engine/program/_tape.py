"""A tape that writes down what doses, resets and moves would do, for a kernel to carry out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._derivation import Derivation
from rekindle.engine._system import infusion_name
from rekindle.engine.linear._modal import Bits, Decomposition, Known
from rekindle.engine.program import _operations as operation
from rekindle.modelling import symbols

Array = NDArray[np.float64]
#: The same for all, or one a person.
Time = float | Array


class ExcludedError(Exception):
    """People for whom there is no program; ``excluded`` marks them."""

    def __init__(self, excluded: Bits) -> None:
        self.excluded = excluded


class Constants:
    """What stays constant between events: rows of one number a person.

    Attributes:
        rows: shape (constants, people).
        changed: rows that were written since somebody last looked.
        version: counts the changes of rows that are not infusions.
    """

    def __init__(self, count: int, people: int) -> None:
        self.rows = np.zeros((count, people))
        self.changed: set[int] = set()
        self.version = 0

    def __getitem__(self, row: int) -> Array:
        return np.asarray(self.rows[row])

    def __setitem__(self, row: int, value: Any) -> None:
        if (self.rows[row] != value).any():
            self.infuse(row, value)
            self.version += 1

    def set_first(self, values: Array) -> None:
        """Write the first rows, shape (rows, people)."""
        first = self.rows[: len(values)]
        changed = np.flatnonzero((first != values).any(axis=1)).tolist()
        if changed:
            first[changed] = values[changed]
            self.changed.update(changed)
            self.version += 1

    def infuse(self, row: int, value: Any) -> None:
        """Write the rate of an infusion."""
        self.rows[row] = value
        self.changed.add(row)


class Tape:
    """Writes down what ``Motion`` would do, for people with one schedule.

    Args:
        derivation: the system.
        matrix: function from constants (constants, people) to the entries of the linear block.
        people: how many.
    """

    def __init__(self, derivation: Derivation, matrix: Any, people: int) -> None:
        system = derivation.system
        self.derivation, self.system, self.matrix = derivation, system, matrix
        self.people = people
        self.constants = Constants(len(system.constants), people)
        self.position = derivation.constant_index
        self.ramp_values = self.ramp_slopes = np.empty(0)
        self._infusions = {name: self.position[infusion_name(name)] for name in system.model.derivatives}
        self._states = {name: i for i, name in enumerate(system.states)}
        self._events = {name: i for i, name in enumerate(derivation.event_names)}
        own = {row: infusion_name(system.linear[row]) for row in system.source}
        by_dose = [row for row, name in own.items() if system.source[row].name == name]
        self._always = [row for row in own if row not in by_dose]
        self._source_of = {self.position[own[row]]: row for row in by_dose}
        self._matrix_rows = sorted(self.position[name] for name in symbols(*system.matrix.values()))
        self._running: set[int] = set()
        self.touched = np.zeros(len(system.linear), bool)
        self.operations: list[tuple[int, ...]] = []
        self.values: list[Array] = []
        self._places: dict[bytes, int] = {}
        self.moments: list[Time] = []
        self.outputs: list[Time] = []
        self.decompositions: list[Decomposition] = []
        self._known: dict[tuple[bytes, bytes], int] = {}
        self._blocks: Known = {}
        self._matrix_key: bytes | None = None
        self.first_constants: Array | None = None
        self._written = self.constants.rows

    # ---- what Motion offers -----------------------------------------------------------------------

    def add_infusion(self, state: str, rate: Any) -> None:
        row = self._infusions[state]
        self.constants.infuse(row, self.constants[row] + rate)

    def set_infusion(self, state: str, rate: Any) -> None:
        self.constants.infuse(self._infusions[state], rate)

    def stop_infusions(self) -> None:
        for row in self._infusions.values():
            self.constants.infuse(row, 0.0)

    def add_amount(self, state: str, amount: Any) -> None:
        if state not in self._states:
            return
        place = self._states[state]
        self._emit(operation.ADD, place, self._row(amount))
        self._touch([place])

    def apply_event(self, name: str, time: Time) -> None:
        self._write_constants()
        self._emit(operation.EVENT, self._events[name], self._moment(time))
        event = self.system.model.events[name]
        self._touch([self._states[a.state] for a in event.assignments if a.state in self._states])

    def reset(self, time: Time) -> None:
        self.stop_infusions()
        self._write_constants()
        self._emit(operation.RESET, self._moment(time))
        self.touched[:] = False
        initial = self.derivation.row_roots["initial"]
        self._touch([place for place, value in enumerate(initial) if not value.equals(0.0)])
        for name in self.derivation.peak_names:
            event = self.system.model.watched[name]
            self._touch([self._states[a.state] for a in event.assignments if a.state in self._states])

    def move(self, start: Time, end: Time, outputs: Sequence[Time]) -> None:
        """Move and give outputs at times on the way."""
        moves = bool(np.any(end > start))
        if not moves and not outputs:
            return
        self._write_constants()
        structure = self._decomposition() if moves else 0
        moment = self._moment(start)
        self._moment(end)
        self._emit(operation.MOVE, moment, structure, len(self.outputs), len(outputs))
        self.outputs += outputs

    # ---- pieces -----------------------------------------------------------------------------------

    def _emit(self, *fields: int) -> None:
        self.operations.append((*fields, *(0,) * (operation.WIDTH - len(fields))))

    def _row(self, values: Any) -> int:
        """Number of a row of values; the same one for the same numbers."""
        row = np.empty(self.people)
        row[:] = values
        place = self._places.setdefault(row.tobytes(), len(self.values))
        if place == len(self.values):
            self.values.append(row)
        return place

    def _moment(self, time: Time) -> int:
        self.moments.append(time)
        return len(self.moments) - 1

    def _touch(self, places: Sequence[int]) -> None:
        self.touched[[place for place in places if place < len(self.touched)]] = True

    def _write_constants(self) -> None:
        """Write down the constants that changed."""
        rows, changed = self.constants.rows, sorted(self.constants.changed)
        self.constants.changed.clear()
        if self.first_constants is None:
            self.first_constants, self._written = rows.copy(), rows.copy()
        for row in changed:
            if (rows[row] != self._written[row]).any():
                self._emit(operation.SET, row, self._row(rows[row]))
                self._written[row] = rows[row]
                if row in self._matrix_rows:
                    self._matrix_key = None
            if row in self._source_of:
                (self._running.add if rows[row].any() else self._running.discard)(row)

    def _decomposition(self) -> int:
        if not len(self.touched):
            return 0
        self._touch([*self._always, *(self._source_of[row] for row in self._running)])
        active = self.derivation.pattern.active(self.touched)
        if self._matrix_key is None:
            self._matrix_key = self.constants.rows[self._matrix_rows].tobytes()
        key = active.tobytes(), self._matrix_key
        if key not in self._known:
            entries = self.matrix(self.constants.rows)
            part = self.derivation.pattern.decompose(entries, active, self._blocks)
            if not part.usable.all():
                raise ExcludedError(~part.usable)
            self._known[key] = len(self.decompositions)
            self.decompositions.append(part)
        return self._known[key]
