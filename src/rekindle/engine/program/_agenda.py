"""Records carried out in order of time: doses, infusion ends, resets, covariates, occasions, outputs.

What carrying out means is left to those who build on it: for one person it moves the state (``_subject``),
for many people with one schedule it writes down what a kernel is to do (``_program``).
"""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.records._covariates import CovariatePath
from rekindle.engine.records._records import Record
from rekindle.engine.records._subjects import Subject
from rekindle.errors import EventError, ParameterError
from rekindle.modelling import Model

Array = NDArray[np.float64]

#: At one time: records in the order of the table, then requested times, then infusion ends (left limits).
RECORD, _REQUEST, _INFUSION_END = range(3)
#: Digits to which two times count as the same moment.
TIME_DIGITS = 9


class Agenda(ABC):
    """Carries out records in order of time.

    Args:
        model: whose dosing rules hold.
        subject: whose records.
        motion: what doses, resets and events act on.
        constants: what stays constant between events, parameters first.
        covariates: covariates between the records.
    """

    def __init__(
        self, model: Model, subject: Subject, motion: Any, constants: Any, covariates: CovariatePath
    ) -> None:
        self.model, self.subject = model, subject
        self.motion, self.constants, self.covariates = motion, constants, covariates
        self.places = {name: i for i, name in enumerate(model.derivatives)}
        self.queue: list[tuple[float, int, int, int, str, Any]] = []
        self.sequence = 0
        self.epoch = 0
        self.occasion = 1
        self.now = 0.0
        self.running: dict[str, int] = {}
        self._ends: Counter[tuple[float, int, str]] = Counter()

    @abstractmethod
    def _move(self, time: float, waiting: Sequence[tuple[float, Any]]) -> None:
        """Move to a time; what waits on the way is a record, or the number of a requested time."""

    @abstractmethod
    def _arrival(self, record: Record, time: float) -> tuple[float, Any, float]:
        """Lag, amount and length of a dose by the rules of this moment."""

    @abstractmethod
    def _steady_state(self, time: float, record: Record, amount: Any, length: float, lag: float) -> None:
        """Bring the state to what a dose that was always repeated leaves."""

    # ---- the queue --------------------------------------------------------------------------------

    def _push(self, time: float, phase: int, row: int, kind: str, content: Any) -> None:
        self.sequence += 1
        heapq.heappush(self.queue, (_moment(time), phase, row, self.sequence, kind, (time, content)))

    def _next(self) -> tuple[str, Any, Any]:
        """Kind, time and content of what comes next."""
        *_, kind, (time, content) = heapq.heappop(self.queue)
        return kind, time, content

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
            self._ends.clear()
            for record in records:
                self._push(record.time, RECORD, record.row, "record", record)
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
            kind, time, content = self._next()
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
            self._push(time + lag, RECORD, record.row, "arrival", content)
        else:
            self._deliver(time, record.state, amount, length)
        if copy < record.additional:
            again = record.time + (copy + 1) * record.interval
            self._push(again, RECORD, record.row, "repeat", (self.epoch, record, copy + 1))

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
        return self._ends[_moment(time), self.epoch, state] > 0

    def _will_end(self, time: float, state: str, rate: Any) -> None:
        self.running[state] = self.running.get(state, 0) + 1
        self._ends[_moment(time), self.epoch, state] += 1
        self._push(time, _INFUSION_END, 0, "end", (self.epoch, state, rate))

    def _do_end(self, time: float, content: tuple[int, str, Any]) -> None:
        epoch, state, rate = content
        self._ends[_moment(time), epoch, state] -= 1
        if epoch != self.epoch:
            return
        self.running[state] -= 1
        if self.running[state]:
            self.motion.add_infusion(state, -rate)
        else:
            # Exactly zero, so that rounding does not keep an ended infusion running.
            self.motion.set_infusion(state, 0.0)

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

    # ---- constants --------------------------------------------------------------------------------

    def _set_occasion(self, occasion: int) -> None:
        self.occasion = occasion
        row = min(occasion, len(self.subject.parameters)) - 1
        self.constants[: self.subject.parameters.shape[1]] = self.subject.parameters[row]


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


def leading(time: Any) -> float:
    """A time, that of the first person where it is an array over people."""
    return float(time[0]) if isinstance(time, np.ndarray) else time


def _moment(time: Any) -> float:
    return round(leading(time), TIME_DIGITS)


def between_restarts(records: Sequence[Record]) -> list[list[Record]]:
    """Split where a reset sets the clock back."""
    groups: list[list[Record]] = [[]]
    for record in records:
        if groups[-1] and leading(record.time) < leading(groups[-1][-1].time):
            groups.append([])
        groups[-1].append(record)
    return groups
