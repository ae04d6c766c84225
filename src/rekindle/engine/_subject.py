"""One person's records carried out in order: doses, infusion ends, resets, covariates, occasions, outputs."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._compiled import CompiledSystem
from rekindle.engine._covariates import CovariatePath
from rekindle.engine._motion import Motion
from rekindle.engine._records import Record
from rekindle.engine._steady_state import RepeatedDose, constant_infusion, repeated_dose
from rekindle.engine._system import infusion_name
from rekindle.errors import EventError, ParameterError, SolverError
from rekindle.modelling import Model

Array = NDArray[np.float64]

#: At one time: records in the order of the table, then requested times, then infusion ends (left limits).
_RECORD, _REQUEST, _INFUSION_END = range(3)
#: Digits to which two times count as the same moment.
_TIME_DIGITS = 9


@dataclass(frozen=True)
class Subject:
    """What the engine needs of one person.

    Attributes:
        person: identifier.
        records: the records in the order of the table.
        parameters: values (occasions, parameters) in the model's order; the last row holds for later ones.
        times: requested output times, or None for the times of the observation records.
        carry: carry rule of each covariate.
    """

    person: str
    records: Sequence[Record]
    parameters: Array
    times: Array | None
    carry: Mapping[str, str]


#: ``SubjectResult.lanes`` of somebody who was run on a graphics card.
ON_CARD = -1


@dataclass(frozen=True)
class SubjectResult:
    """Outputs (rows, outputs) of one person with their times, and what it took.

    What a lane group took is counted with its first person. ``lanes`` is 0 for the general driver and
    ``ON_CARD`` for a thread of a graphics card.
    """

    times: Array
    values: Array
    steps: int
    rejected: int
    cycles: int
    lanes: int = 0
    groups: int = 0


@dataclass(frozen=True)
class Failure:
    """Why a person could not be finished: the parts of a ``SolverError``."""

    code: str
    given: str
    allowed: str
    why: str
    remedy: str


def run_subject(compiled: CompiledSystem, subject: Subject, tolerance: float) -> SubjectResult:
    """Carry out all records of a person and return the outputs at the times wanted."""
    return Run(compiled, subject, tolerance).finish()


class Run:
    """Carries out the records of one person, in order of time."""

    def __init__(self, compiled: CompiledSystem, subject: Subject, tolerance: float) -> None:
        system = compiled.system
        self._prepare(system.model, subject)
        self.compiled = compiled
        self.constants = np.zeros(len(system.constants))
        self.motion = Motion(compiled, self.constants, tolerance, subject.person)
        self.covariates = CovariatePath(
            subject.person, subject.records, subject.carry, self.model, system.ramps
        )

    def _prepare(self, model: Model, subject: Subject) -> None:
        self.subject, self.model = subject, model
        self.queue: list[tuple[float, int, int, int, str, Any]] = []
        self.places = {name: i for i, name in enumerate(model.derivatives)}
        self.sequence = 0
        self.epoch = 0
        self.cycles = 0
        self.rows: list[tuple[int, float, Array, Array, Array]] = []
        self.running: dict[str, int] = {}

    # ---- the queue --------------------------------------------------------------------------------

    def _push(self, time: float, phase: int, row: int, kind: str, content: Any) -> None:
        self.sequence += 1
        heapq.heappush(
            self.queue, (round(time, _TIME_DIGITS), phase, row, self.sequence, kind, (time, content))
        )

    def finish(self) -> SubjectResult:
        """Carry out everything and evaluate the outputs."""
        return self._evaluate(self.carry_out())

    def carry_out(self) -> int:
        """Carry out all records; return how many output times were requested."""
        groups = between_restarts(self.subject.records)
        wanted = self._wanted(groups)
        self._set_occasion(1)
        self.covariates.apply(self.constants, self.motion, 0)
        count = 0
        for number, (records, times) in enumerate(zip(groups, wanted, strict=True)):
            if number == 0:
                start = min([r.time for r in records[:1]] + ([float(times.min())] if len(times) else []))
                self.now = start
                self.motion.reset(start)
            else:
                self.now = records[0].time
            self.queue.clear()
            for record in records:
                self._push(record.time, _RECORD, record.row, "record", record)
            for time in times:
                self._push(float(time), _REQUEST, 0, "output", count)
                count += 1
            self._drain()
        return count

    def _wanted(self, groups: Sequence[Sequence[Record]]) -> list[Array]:
        if self.subject.times is None:
            return [np.empty(0) for _ in groups]
        if len(groups) > 1:
            raise EventError(
                "RK-EVT-030",
                given=f"person {self.subject.person}: times are requested and the table's clock restarts",
                why="One time would name two moments",
                remedy="Put observation records (EVID 0) in the table instead of requesting times",
            )
        return [np.asarray(self.subject.times, dtype=float)]

    def _drain(self) -> None:
        waiting: list[tuple[float, Any]] = []
        while self.queue:
            _, _, _, _, kind, (time, content) = heapq.heappop(self.queue)
            if kind == "output" or (kind == "record" and self._only_observes(content)):
                waiting.append((time, content))
                continue
            self._move(time, waiting)
            waiting = []
            getattr(self, f"_do_{kind}")(time, content)
        if waiting:
            self._move(waiting[-1][0], waiting)

    def _only_observes(self, record: Record) -> bool:
        """Whether a record only asks for the outputs, so that integration need not stop there."""
        return record.asks and not self.covariates.changes_at(record) and not self._switches(record)

    def _switches(self, record: Record) -> bool:
        return record.occasion is not None and record.occasion != self.occasion

    def _move(self, time: float, waiting: Sequence[tuple[float, Any]]) -> None:
        time = max(time, self.now)
        times = np.array([min(max(moment, self.now), time) for moment, _ in waiting])
        ramps = self.motion.ramp_values.copy() + np.multiply.outer(times - self.now, self.motion.ramp_slopes)
        states = (
            self.motion.advance(self.now, time, times) if time > self.now or waiting else np.empty((0, 0))
        )
        constants = self.constants.copy() if waiting else self.constants
        for (moment, content), state, ramp in zip(waiting, states, ramps, strict=False):
            place = content if isinstance(content, int) else -content.row
            self.rows.append((place, moment, state, constants, ramp))
        self.now = time

    # ---- records ----------------------------------------------------------------------------------

    def _do_record(self, time: float, record: Record) -> None:
        if self._switches(record):
            assert record.occasion is not None
            self._set_occasion(record.occasion)
        self.covariates.apply(self.constants, self.motion, record.row)
        if record.is_reset:
            self._reset(time)
        if record.is_dose:
            self._order(time, record, 0)
        elif record.event:
            self.motion.apply_event(record.event, time)
        elif record.asks:
            self._move(time, [(time, record)])
        self.covariates.after(self.constants, self.motion, record)

    def _reset(self, time: float) -> None:
        """State to its initial value; running infusions, lagged doses and repeats still due are cancelled."""
        self.epoch += 1
        self.running.clear()
        self.motion.reset(time)

    def _do_repeat(self, time: float, content: tuple[int, Record, int]) -> None:
        epoch, record, copy = content
        if epoch == self.epoch:
            self._order(time, record, copy)

    def _order(self, time: float, record: Record, copy: int) -> None:
        """Give a dose or its repeat: bioavailability, lag and duration are those of this moment."""
        lag, amount, length = self._arrival(record, time)
        if copy == 0 and record.steady_state:
            self._steady_state(time, record, amount, length, lag)
        if lag > 0:
            content = (self.epoch, record.state, amount, length)
            self._push(time + lag, _RECORD, record.row, "arrival", content)
        else:
            self._deliver(time, record.state, amount, length)
        if copy < record.additional:
            again = record.time + (copy + 1) * record.interval
            self._push(again, _RECORD, record.row, "repeat", (self.epoch, record, copy + 1))

    def _arrival(self, record: Record, time: float) -> tuple[float, Any, float]:
        """Lag, amount and length of a dose by the rules of this moment."""
        bioavailability, lag, duration, rate = self._dose_rule(record, time)
        return lag, *arrival(record.amount, record.rate, record.duration, bioavailability, duration, rate)

    def _do_arrival(self, time: float, content: tuple[int, str, Any, float]) -> None:
        epoch, state, amount, length = content
        if epoch == self.epoch:
            self._deliver(time, state, amount, length)

    def _deliver(self, time: float, state: str, amount: Any, length: float) -> None:
        if length == 0.0:
            self.motion.add_amount(state, amount)
        elif self._ends_now(time, state):
            # Steps of one infusion follow each other: what is asked for at this moment is the left limit.
            self._push(time, _INFUSION_END, 1, "arrival", (self.epoch, state, amount, length))
        else:
            self.motion.add_infusion(state, amount / length)
            self._will_end(time + length, state, amount / length)

    def _ends_now(self, time: float, state: str) -> bool:
        moment = round(time, _TIME_DIGITS)
        return any(
            entry[0] == moment and entry[4] == "end" and entry[5][1][:2] == (self.epoch, state)
            for entry in self.queue
        )

    def _will_end(self, time: float, state: str, rate: Any) -> None:
        self.running[state] = self.running.get(state, 0) + 1
        self._push(time, _INFUSION_END, 0, "end", (self.epoch, state, rate))

    def _do_end(self, time: float, content: tuple[int, str, Any]) -> None:
        epoch, state, rate = content
        if epoch != self.epoch:
            return
        self.running[state] -= 1
        if self.running[state]:
            self.motion.add_infusion(state, -rate)
        else:
            # Exactly zero, so that rounding does not keep an ended infusion running.
            self.motion.set_infusion(state, 0.0)

    # ---- doses ------------------------------------------------------------------------------------

    def _dose_rule(self, record: Record, time: float) -> tuple[float, float, float, float]:
        place = 4 * self.places[record.state]
        values = self.motion.rows("dosing", time)[place : place + 4]
        bioavailability, lag, duration, rate = (float(value) for value in values)
        self._check_rule(record, bioavailability, lag, duration, rate)
        return bioavailability, lag, duration, rate

    def _check_rule(
        self, record: Record, bioavailability: float, lag: float, duration: float, rate: float
    ) -> None:
        rule = self.model.dosing.get(record.state)
        checks = [("bioavailability", bioavailability, 0.0), ("lag", lag, 0.0)]
        if record.rate == -2.0:
            checks.append(("duration", duration, 1e-12))
        if record.rate == -1.0:
            checks.append(("rate", rate, 1e-300))
        for name, value, least in checks:
            if not (np.isfinite(value) and value >= least):
                raise ParameterError(
                    "RK-PAR-002",
                    given=f"row {record.row} (person {self.subject.person}): "
                    f"{name}({record.state}) is {value:g}",
                    allowed="A finite number, positive for a duration or a rate" if rule else "",
                    remedy="Check the parameters and covariates that the dosing rule uses",
                )

    def _steady_state(self, time: float, record: Record, amount: float, length: float, lag: float) -> None:
        before = self.motion.state.copy(), self.constants.copy()
        if record.steady_state == 1:
            self._reset(time)
        elif self.compiled.system.nonlinear:
            raise SolverError(
                "RK-SOL-011",
                given=f"row {record.row} (person {self.subject.person}): SS 2 in a nonlinear model",
                why="Solutions can only be added where the model is linear",
                remedy="Use SS 1, or give the doses one by one",
            )
        if record.interval == 0.0:
            self.cycles += constant_infusion(self.motion, time, record.state, record.rate)
        else:
            dose = RepeatedDose(record.state, amount, length, record.interval)
            phase = record.interval - lag % record.interval
            self.cycles += repeated_dose(self.motion, time, dose, phase)
            for left in dose.running_at(phase):
                self._will_end(time + left, record.state, dose.rate)
        if record.steady_state == 2:
            # The initial state is in both solutions, so it is taken out of one.
            self.motion.state += before[0] - self.motion.rows("initial", time)
            for name in self.model.derivatives:
                place = self.motion.position[infusion_name(name)]
                self.constants[place] += before[1][place]

    # ---- constants --------------------------------------------------------------------------------

    def _set_occasion(self, occasion: int) -> None:
        self.occasion = occasion
        row = min(occasion, len(self.subject.parameters)) - 1
        self.constants[: self.subject.parameters.shape[1]] = self.subject.parameters[row]

    # ---- outputs ----------------------------------------------------------------------------------

    def _evaluate(self, requested: int) -> SubjectResult:
        if not requested:
            self.rows.sort(key=lambda row: -row[0])
        else:
            self.rows = sorted((row for row in self.rows if row[0] >= 0), key=lambda row: row[0])
        times = np.array([row[1] for row in self.rows])
        values = np.empty((len(times), len(self.compiled.outputs)))
        start = 0
        while start < len(self.rows):
            constants, end = self.rows[start][3], start
            while end < len(self.rows) and self.rows[end][3] is constants:
                end += 1
            states = np.array([row[2] for row in self.rows[start:end]])
            ramps = np.array([row[4] for row in self.rows[start:end]])
            values[start:end] = self.compiled.rows(
                "outputs", times[start:end].copy(), states, constants, ramps
            )
            start = end
        if np.isnan(values).any():
            row, column = np.argwhere(np.isnan(values))[0]
            raise SolverError(
                "RK-SOL-012",
                given=f"person {self.subject.person}, time {times[row]:g}: output "
                f'"{self.compiled.outputs[column]}" is undefined',
                remedy="Check its formula for 0/0 or a root or logarithm of a negative number",
            )
        return SubjectResult(times, values, self.motion.steps, self.motion.rejected, self.cycles)


def arrival(
    amount: Any, rate: Any, length: float, bioavailability: Any, own_length: Any, own_rate: Any
) -> tuple[Any, Any]:
    """Amount that arrives and the length of its infusion (0 = bolus); numbers or arrays over people.

    ``own_length`` and ``own_rate`` are those that the model gives.
    """
    amount = bioavailability * amount
    if np.all(rate > 0):
        return amount, amount / rate
    if np.all(rate == -1.0):
        return amount, amount / own_rate
    if np.all(rate == -2.0):
        return amount, own_length
    return amount, length


def between_restarts(records: Sequence[Record]) -> list[list[Record]]:
    """Split where a reset sets the clock back."""
    groups: list[list[Record]] = [[]]
    for record in records:
        if groups[-1] and record.time < groups[-1][-1].time:
            groups.append([])
        groups[-1].append(record)
    return groups
