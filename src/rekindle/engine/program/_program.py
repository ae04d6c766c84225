"""From the records of people with one schedule to the program that a kernel runs.

The records are carried out as for one person (``_subject``), but on a tape that writes down what is to be
done instead of doing it; amounts, rates, parameters and covariates are arrays over the people, and so are
times where they differ; people of one lane group share them. What must be the same for all are lags, infusion
lengths and the order in which things come: where these differ, the people are parted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._derivation import Derivation
from rekindle.engine.linear._modal import pack
from rekindle.engine.program import _operations as operation
from rekindle.engine.program._agenda import TIME_DIGITS, Agenda, arrival
from rekindle.engine.program._tape import ExcludedError, Tape, Time
from rekindle.engine.records._covariates import CovariatePath
from rekindle.engine.records._records import Record
from rekindle.engine.records._shared_records import by_person
from rekindle.engine.records._subjects import Subject, Subjects
from rekindle.modelling import evaluate

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


class PartedError(Exception):
    """People of one schedule who need programs of their own; ``labels`` says who belongs together."""

    def __init__(self, labels: Whole) -> None:
        self.labels = labels


@dataclass(frozen=True)
class Program:
    """What a kernel runs for a batch of people; rows of numbers have one entry a person.

    Times have a row a person, or one row for all.

    Attributes:
        moments: when operations happen.
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
    _kept: dict[int, tuple[Array, ...]] = field(default_factory=dict, repr=False, compare=False)

    def clock(self, column: int) -> tuple[Array, Array, Array]:
        """Moments, times of the outputs and times of the rows of one person."""
        moments, outputs, rows = (
            table[column if len(table) > 1 else 0] for table in (self.moments, self.output_times, self.times)
        )
        return moments, outputs, rows

    def by_group(self, columns: slice, lanes: int) -> tuple[Array, ...]:
        """Values, constants and modal numbers of some people, with what a lane group reads lying together.

        Each of shape (groups, rows, lanes); the last person fills what is left of the last group.
        """
        people = self.constants.shape[1]
        if columns.start % lanes or (columns.stop % lanes and columns.stop != people):
            return self._grouped(np.arange(columns.start, columns.stop), lanes)
        if lanes not in self._kept:
            self._kept[lanes] = self._grouped(np.arange(people), lanes)
        first, last = columns.start // lanes, -(-columns.stop // lanes)
        return tuple(table[first:last] for table in self._kept[lanes])

    def _grouped(self, columns: Whole, lanes: int) -> tuple[Array, ...]:
        groups = -(-len(columns) // lanes)
        tables: tuple[Array, ...] = (self.values, self.constants, self.modal)
        if not len(columns) == groups * lanes == self.constants.shape[1]:
            spread = columns[np.minimum(np.arange(groups * lanes), len(columns) - 1)]
            tables = tuple(table[:, spread] for table in tables)
        return tuple(
            np.ascontiguousarray(table.reshape(len(table), groups, lanes).transpose(1, 0, 2))
            for table in tables
        )


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
    return _Recorder(derivation, matrix, Subjects.of(subjects)).program()


class _Recorder(Agenda):
    """Carries out the records of people with one schedule on a tape."""

    def __init__(self, derivation: Derivation, matrix: Any, subjects: Subjects) -> None:
        self.subjects, self.derivation = subjects, derivation
        self.tape = Tape(derivation, matrix, len(subjects))
        leader = replace(subjects[0], records=_shared(subjects))
        model = derivation.system.model
        covariates = CovariatePath(leader.person, leader.records, leader.carry, model, ())
        super().__init__(model, leader, self.tape, self.tape.constants, covariates)
        self.numbers = {record.row: place for place, record in enumerate(leader.records)}
        self.dosing = derivation.row_roots["dosing"]
        self.parameter_row = -1
        self.wanted_rows: list[int] = []
        self.wanted_times: list[Time] = []
        self.latest: Time = -np.inf
        self._rules: dict[tuple[str, float], tuple[int, tuple[Array, float, Array, Array]]] = {}

    def program(self) -> Program:
        """Record everything and put it into arrays."""
        self.carry_out()
        tape = self.tape
        assert tape.first_constants is not None
        forced = [
            i
            for name in self.derivation.forcings
            for i, state in enumerate(tape.system.linear)
            if state == name
        ]
        structures, modal, starts = pack(tape.decompositions, forced, tape.people)
        operations = np.array(tape.operations, np.int64).reshape(-1, operation.WIDTH)
        moves = operations[:, 0] == operation.MOVE
        if starts:
            operations[moves, 2] = np.array(starts, np.int64)[operations[moves, 2]]
        places = np.array(self.wanted_rows, np.int64)
        order = np.argsort(places, kind="stable")
        rows = np.empty(len(places), np.int64)
        rows[order] = np.arange(len(places))
        return Program(
            operations,
            by_person(tape.moments),
            np.array(tape.values).reshape(-1, tape.people),
            tape.first_constants,
            structures,
            modal,
            by_person(tape.outputs),
            rows,
            by_person(self.wanted_times)[:, order],
        )

    # ---- what differs from one person -------------------------------------------------------------

    def _next(self) -> tuple[str, Any, Any]:
        kind, time, content = super()._next()
        if isinstance(time, np.ndarray) or isinstance(self.latest, np.ndarray):
            # Later, or at the same moment, in everybody: then everybody has the order of the first.
            _common(np.sign(np.round(time - self.latest, TIME_DIGITS)))
        self.latest = time
        return kind, time, content

    def _move(self, time: Any, waiting: Sequence[tuple[Any, Any]]) -> None:
        time = np.maximum(time, self.now)
        outputs = []
        for moment, content in waiting:
            if isinstance(content, int) or self.subject.times is None:
                self.wanted_rows.append(content if isinstance(content, int) else content.row)
                self.wanted_times.append(moment)
                outputs.append(np.minimum(np.maximum(moment, self.now), time))
        self.tape.move(self.now, time, outputs)
        self.now = time

    def _set_occasion(self, occasion: int) -> None:
        self.occasion = occasion
        parameters = self.subjects.parameters
        row = min(occasion, parameters.shape[1]) - 1
        if row != self.parameter_row:
            self.parameter_row = row
            self.constants.set_first(parameters[:, row].T)

    def _arrival(self, record: Record, time: float) -> tuple[float, Any, float]:
        bioavailability, lag, duration, rate = self._rule(record)
        place = self.numbers[record.row]
        amounts, rates = (self.subjects.by_record(place, name) for name in ("amount", "rate"))
        amount, length = arrival(amounts, rates, record.duration, bioavailability, duration, rate)
        return lag, amount, _common(np.broadcast_to(length, (self.tape.people,)))

    def _rule(self, record: Record) -> tuple[Array, float, Array, Array]:
        """Bioavailability, lag, duration and rate of a dose, worked out once while the constants stay."""
        key = record.state, min(record.rate, 0.0)
        version, rule = self._rules.get(key, (-1, None))
        if rule is None or version != self.constants.version:
            place, shape = 4 * self.places[record.state], (self.tape.people,)
            roots = self.dosing[place : place + 4]
            used = self.derivation.dosing_symbols[record.state]
            values = {name: self.constants[self.tape.position[name]] for name in used}
            found = [np.broadcast_to(np.array(evaluate(root, values), dtype=float), shape) for root in roots]
            self._exclude_refused(record, *found)
            rule = found[0], _common(found[1]), found[2], found[3]
            self._rules[key] = self.constants.version, rule
        return rule

    def _steady_state(self, time: float, record: Record, amount: Any, length: float, lag: float) -> None:
        raise AssertionError("people with doses in steady state are run one at a time")

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


def _shared(subjects: Subjects) -> tuple[Record, ...]:
    """Records of the first person with times and covariate values of everybody."""
    found = []
    for place, record in enumerate(subjects.courses[0].records):
        times = subjects.by_record(place, "time")
        if isinstance(times, np.ndarray):
            own: Any = times if (times != times[0]).any() else float(times[0])
            record = replace(record, time=own)
        if record.covariates:
            record = replace(record, covariates=subjects.covariates_by_record(place))
        found.append(record)
    return tuple(found)
