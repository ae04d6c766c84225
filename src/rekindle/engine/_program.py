"""From the records of people with one schedule to the program that a kernel runs.

The records are carried out as for one person (``_subject.Run``), but on a tape that writes down what is to be
done instead of doing it; amounts, rates, parameters and covariates are arrays over the people. What must be
the same for all of them are the times: where lags or infusion lengths differ, the people are parted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import _kernel as kernel
from rekindle.engine._covariates import CovariatePath
from rekindle.engine._derivation import Derivation
from rekindle.engine._modal import Bits, Decomposition, Known, pack
from rekindle.engine._records import Record
from rekindle.engine._schedule import Same, Schedule, amounts_at, covariates_at, shared_schedule
from rekindle.engine._subject import Run, Subject, arrival, between_restarts
from rekindle.engine._system import infusion_name
from rekindle.modelling import evaluate, symbols

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


class PartedError(Exception):
    """People of one schedule who need different times; ``labels`` says who belongs together."""

    def __init__(self, labels: Whole) -> None:
        self.labels = labels


class ExcludedError(Exception):
    """People for whom there is no program; ``excluded`` marks them."""

    def __init__(self, excluded: Bits) -> None:
        self.excluded = excluded


@dataclass(frozen=True)
class Program:
    """What a kernel runs for a batch of people; rows of numbers have one entry a person.

    Attributes:
        output_times: time of each output in the order of the operations.
        output_rows: row of the result in which each of them stands.
        times: time of each row of the result.
    """

    operations: Whole
    moments: Array
    values: Array
    constants: Array
    structures: Whole
    modal: Array
    output_times: Array
    output_rows: Whole
    times: Array


def schedule_of(subject: Subject) -> tuple[Any, ...] | None:
    """What people must share to be stepped together; None for whom only the general driver serves."""
    records = subject.records
    common = shared_schedule(records)
    if common is None:
        found = _schedule_key(records)
    elif (found := _keys.get(common)) is None:
        found = _keys[common] = _schedule_key(common.records)
    if found is None:
        return None
    times = None if subject.times is None else subject.times.tobytes()
    return *found, times, len(subject.parameters)


#: What the people of a schedule share, worked out once.
_keys: WeakKeyDictionary[Schedule, tuple[Any, ...] | None] = WeakKeyDictionary()


def _schedule_key(records: Sequence[Record]) -> tuple[Any, ...] | None:
    if any(record.steady_state for record in records) or len(between_restarts(records)) > 1:
        return None
    given: dict[str, set[float]] = {}
    rows = []
    for record in records:
        for name, value in record.covariates.items():
            given.setdefault(name, set()).add(value)
        rows.append(
            (
                record.time, record.kind, record.state, record.occasion, record.event,
                min(record.rate, 1e-300),
                record.duration, record.interval, record.additional, tuple(record.covariates),
            )
        )  # fmt: skip
    varying = frozenset(name for name, values in given.items() if len(values) > 1)
    return Same(tuple(rows)), varying


def compile_program(derivation: Derivation, matrix: Any, subjects: Sequence[Subject]) -> Program:
    """Record the program of people with one schedule.

    Args:
        derivation: the system.
        matrix: function from constants (constants, people) to the entries of the linear block.
        subjects: the people.

    Raises:
        PartedError: people whose lags or infusion lengths differ.
        ExcludedError: people without a usable modal form, or with a dosing rule that is refused.
    """
    return _Recorder(derivation, matrix, subjects).program()


class _Tape:
    """Writes down what ``Motion`` would do."""

    def __init__(self, derivation: Derivation, matrix: Any, people: int) -> None:
        system = derivation.system
        self.derivation, self.system, self.matrix = derivation, system, matrix
        self.people = people
        self.constants = np.zeros((len(system.constants), people))
        self.position = derivation.constant_index
        self.ramp_values = self.ramp_slopes = np.empty(0)
        self._infusions = {name: self.position[infusion_name(name)] for name in system.model.derivatives}
        self._infusion_rows = list(self._infusions.values())
        self._states = {name: i for i, name in enumerate(system.states)}
        self._events = {name: i for i, name in enumerate(derivation.event_names)}
        self.pattern = derivation.pattern
        own = {row: infusion_name(system.linear[row]) for row in system.source}
        self._by_dose = [row for row, name in own.items() if system.source[row].name == name]
        self._always = [row for row in own if row not in self._by_dose]
        self._source_rows = [self.position[own[row]] for row in self._by_dose]
        used = symbols(*system.matrix.values())
        self._matrix_rows = sorted(self.position[name] for name in used)
        self.operations: list[tuple[int, ...]] = []
        self.values: list[Array] = []
        self.moments: list[float] = []
        self.outputs: list[float] = []
        self.touched = np.zeros(len(system.linear), bool)
        self._known: dict[bytes, int] = {}
        self._blocks: Known = {}
        self.decompositions: list[Decomposition] = []
        self._written: Array | None = None

    # ---- what Motion offers -----------------------------------------------------------------------

    def add_infusion(self, state: str, rate: Any) -> None:
        self.constants[self._infusions[state]] += rate

    def set_infusion(self, state: str, rate: Any) -> None:
        self.constants[self._infusions[state]] = rate

    def stop_infusions(self) -> None:
        self.constants[self._infusion_rows] = 0.0

    def add_amount(self, state: str, amount: Any) -> None:
        if state not in self._states:
            return
        place = self._states[state]
        self._emit(kernel.ADD, place, self._row(amount))
        self._touch([place])

    def apply_event(self, name: str, time: float) -> None:
        self._write_constants()
        self._emit(kernel.EVENT, self._events[name], self._moment(time))
        event = self.system.model.events[name]
        self._touch([self._states[a.state] for a in event.assignments if a.state in self._states])

    def reset(self, time: float) -> None:
        self.stop_infusions()
        self._write_constants()
        self._emit(kernel.RESET, self._moment(time))
        self.touched[:] = False
        initial = self.derivation.row_roots["initial"]
        self._touch([place for place, value in enumerate(initial) if not value.equals(0.0)])
        for name in self.derivation.peak_names:
            peak = self.system.model.peaks[name]
            self._touch([self._states[a.state] for a in peak.assignments if a.state in self._states])

    def move(self, start: float, end: float, outputs: Sequence[float]) -> None:
        """Move and give outputs at times on the way."""
        if end <= start and not outputs:
            return
        self._write_constants()
        structure = self._decomposition() if end > start else 0
        moment = self._moment(start)
        self._moment(end)
        self._emit(kernel.MOVE, moment, structure, len(self.outputs), len(outputs))
        self.outputs += outputs

    # ---- pieces -----------------------------------------------------------------------------------

    def _emit(self, *fields: int) -> None:
        self.operations.append((*fields, *(0,) * (kernel.WIDTH - len(fields))))

    def _row(self, values: Any) -> int:
        self.values.append(np.broadcast_to(np.asarray(values, dtype=float), (self.people,)))
        return len(self.values) - 1

    def _moment(self, time: float) -> int:
        self.moments.append(time)
        return len(self.moments) - 1

    def _touch(self, places: Sequence[int]) -> None:
        self.touched[[place for place in places if place < len(self.touched)]] = True

    def _write_constants(self) -> None:
        if self._written is None:
            self._written = self.constants.copy()
            self.first_constants = self.constants.copy()
            return
        for place in np.flatnonzero((self.constants != self._written).any(axis=1)):
            self._emit(kernel.SET, int(place), self._row(self.constants[place].copy()))
            self._written[place] = self.constants[place]

    def _sources(self) -> list[int]:
        """Linear states that something runs into now."""
        running = np.asarray(self.constants[self._source_rows].any(axis=1))
        return [*self._always, *(row for row, runs in zip(self._by_dose, running, strict=True) if runs)]

    def _decomposition(self) -> int:
        if not len(self.touched):
            return 0
        self._touch(self._sources())
        active = self.pattern.active(self.touched)
        key = active.tobytes() + self.constants[self._matrix_rows].tobytes()
        if key not in self._known:
            part = self.pattern.decompose(self.matrix(self.constants), active, self._blocks)
            if not part.usable.all():
                raise ExcludedError(~part.usable)
            self._known[key] = len(self.decompositions)
            self.decompositions.append(part)
        return self._known[key]


class _Recorder(Run):
    """Carries out the records of people with one schedule on a tape."""

    def __init__(self, derivation: Derivation, matrix: Any, subjects: Sequence[Subject]) -> None:
        self._prepare(derivation.system.model, subjects[0])
        self.subjects, self.derivation = subjects, derivation
        self.tape = _Tape(derivation, matrix, len(subjects))
        self.motion = self.tape  # type: ignore[assignment]
        self.constants: Any = self.tape.constants
        self.parameters = np.stack([subject.parameters for subject in subjects], axis=-1)
        leader = subjects[0]
        self.numbers = {record.row: place for place, record in enumerate(leader.records)}
        self.covariates = CovariatePath(
            leader.person, _shared_records(subjects), leader.carry, self.model, ()
        )
        self.wanted_rows: list[int] = []
        self.wanted_times: list[float] = []
        self.dosing = derivation.row_roots["dosing"]

    def program(self) -> Program:
        """Record everything and put it into arrays."""
        self.carry_out()
        tape = self.tape
        forced = [
            i
            for name in self.derivation.forcings
            for i, state in enumerate(tape.system.linear)
            if state == name
        ]
        structures, modal, starts = pack(tape.decompositions, forced, tape.people)
        operations = np.array(tape.operations, np.int64).reshape(-1, kernel.WIDTH)
        moves = operations[:, 0] == kernel.MOVE
        if starts:
            operations[moves, 2] = np.array(starts, np.int64)[operations[moves, 2]]
        places = np.array(self.wanted_rows, np.int64)
        order = np.argsort(places, kind="stable")
        rows = np.empty(len(places), np.int64)
        rows[order] = np.arange(len(places))
        return Program(
            operations,
            np.array(tape.moments),
            np.array(tape.values).reshape(-1, tape.people),
            tape.first_constants,
            structures,
            modal,
            np.array(tape.outputs),
            rows,
            np.array(self.wanted_times)[order],
        )

    # ---- what differs from one person -------------------------------------------------------------

    def _move(self, time: float, waiting: Sequence[tuple[float, Any]]) -> None:
        time = max(time, self.now)
        outputs = []
        for moment, content in waiting:
            if isinstance(content, int) or self.subject.times is None:
                self.wanted_rows.append(content if isinstance(content, int) else content.row)
                self.wanted_times.append(moment)
                outputs.append(min(max(moment, self.now), time))
        self.tape.move(self.now, time, outputs)
        self.now = time

    def _set_occasion(self, occasion: int) -> None:
        self.occasion = occasion
        row = min(occasion, len(self.parameters)) - 1
        self.constants[: self.parameters.shape[1]] = self.parameters[row]

    def _arrival(self, record: Record, time: float) -> tuple[float, Any, float]:
        place, people = 4 * self.places[record.state], self.tape.people
        roots = self.dosing[place : place + 4]
        values = {name: self.constants[self.tape.position[name]] for name in symbols(*roots)}
        rule = [np.broadcast_to(np.asarray(evaluate(root, values), dtype=float), (people,)) for root in roots]
        self._exclude_refused(record, *rule)
        bioavailability, lag, duration, rate = rule
        amounts, rates = amounts_at([one.records for one in self.subjects], self.numbers[record.row])
        amount, length = arrival(amounts, rates, record.duration, bioavailability, duration, rate)
        return _common(lag), amount, _common(np.broadcast_to(length, (people,)))

    def _exclude_refused(
        self, record: Record, bioavailability: Array, lag: Array, duration: Array, rate: Array
    ) -> None:
        fine = (bioavailability >= 0.0) & (lag >= 0.0) & np.isfinite(bioavailability) & np.isfinite(lag)
        if record.rate == -2.0:
            fine = fine & (duration >= 1e-12) & np.isfinite(duration)
        if record.rate == -1.0:
            fine = fine & (rate >= 1e-300) & np.isfinite(rate)
        if not fine.all():
            raise ExcludedError(~fine)


def _common(values: Array) -> float:
    """The number that all people share."""
    if (values == values[0]).all():
        return float(values[0])
    raise PartedError(np.unique(values, return_inverse=True)[1])


def _shared_records(subjects: Sequence[Subject]) -> tuple[Record, ...]:
    """Records of the first person with covariate values of everybody."""
    found = []
    everybody = [subject.records for subject in subjects]
    for place, record in enumerate(subjects[0].records):
        if record.covariates:
            shared: Any = covariates_at(everybody, place)
            record = replace(record, covariates=shared)
        found.append(record)
    return tuple(found)
