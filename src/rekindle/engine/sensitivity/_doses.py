"""Doses whose amount, lag or length depends on a parameter, written out as records of states and tangents.

A dose runs at the rate R from T to T + L. When T, L and R change with a parameter, the tangent of the dosed
state runs at dR in between and jumps by -R dT at T and by R d(T + L) at T + L; the tangent of a bolus A jumps
by dA, and all tangents by the difference of the rates of change before and after it, times dT.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.program._agenda import RECORD, Agenda, arrival, between_restarts
from rekindle.engine.records._covariates import CovariatePath
from rekindle.engine.records._records import DOSE, OTHER, Record
from rekindle.engine.records._subjects import Subject
from rekindle.engine.sensitivity._parts import DoseSlopes, after_dose, before_dose, tangent_name
from rekindle.errors import SolverError
from rekindle.modelling import Expression, Model, evaluate, symbols

Array = NDArray[np.float64]


def written_out(
    model: Model, subject: Subject, ramps: Sequence[str], doses: Mapping[str, DoseSlopes]
) -> tuple[Record, ...]:
    """Records of a person for the model with tangents.

    Args:
        model: the model as declared, with its dosing rules.
        subject: the person.
        ramps: covariates carried linearly between records.
        doses: states whose doses depend on a wanted parameter.

    Raises:
        SolverError: a steady state of such doses, a lag that changes while a dose waits, or a peak that such
            a dose can make.
        ParameterError: a dosing rule whose value cannot be used.
    """
    if not any(record.is_dose and record.state in doses for record in subject.records):
        return tuple(subject.records)
    return _Writer(model, subject, ramps, doses).records()


@dataclass
class _Clock:
    """Stands in for ``Motion``: covariates that move with time, and no states."""

    position: Mapping[str, int]
    ramp_values: Array
    ramp_slopes: Array

    def reset(self, time: float) -> None:
        """Nothing is moving."""

    def apply_event(self, name: str, time: float) -> None:
        """Nothing is moving."""


@dataclass(frozen=True)
class _Given:
    """A dose by the rules of the moment of its record, and how that changes with each parameter."""

    origin: Record
    amount: float
    length: float
    amount_slopes: Mapping[str, float]
    lag_slopes: Mapping[str, float]
    length_slopes: Mapping[str, float]

    @property
    def rate(self) -> float:
        return self.amount / self.length


class _Writer(Agenda):
    """Carries out the records of a person and writes down what arrives when."""

    def __init__(
        self, model: Model, subject: Subject, ramps: Sequence[str], doses: Mapping[str, DoseSlopes]
    ) -> None:
        self.ramps, self.doses = tuple(ramps), doses
        names = [*model.parameters, *(name for name in model.covariates if name not in ramps)]
        position = {name: place for place, name in enumerate(names)}
        self.clock = _Clock(position, np.zeros(len(ramps)), np.zeros(len(ramps)))
        covariates = CovariatePath(subject.person, subject.records, subject.carry, model, ramps)
        super().__init__(model, subject, self.clock, np.zeros(len(names)), covariates)
        self.written: dict[int, list[tuple[float, int, int, Record]]] = {}

    def records(self) -> tuple[Record, ...]:
        """All records in the order in which they are carried out, numbered anew."""
        self.carry_out()
        found: list[Record] = []
        for records in between_restarts(self.subject.records):
            entries = [(round(r.time, 9), r.row, 0, self._without_dose(r)) for r in records]
            for record in records:
                entries += self.written.get(record.row, [])
            found += [entry[3] for entry in sorted(entries, key=lambda entry: entry[:3])]
        return tuple(replace(record, row=row) for row, record in enumerate(found, start=1))

    def _without_dose(self, record: Record) -> Record:
        if not record.is_dose or record.state not in self.doses:
            return record
        return replace(record, amount=0.0, rate=0.0, duration=0.0, interval=0.0, additional=0)

    # ---- what differs from a person who is integrated ---------------------------------------------

    def _move(self, time: float, waiting: Sequence[tuple[float, Any]]) -> None:
        time = max(time, self.now)
        self.clock.ramp_values = self.clock.ramp_values + self.clock.ramp_slopes * (time - self.now)
        self.now = time

    def _arrival(self, record: Record, time: float) -> tuple[float, Any, float]:
        return 0.0, 0.0, 0.0

    def _deliver(self, time: float, state: str, amount: Any, length: float) -> None:
        """Nothing is moving."""

    def _steady_state(self, time: float, record: Record, amount: float, length: float, lag: float) -> None:
        if record.state in self.doses:
            raise SolverError(
                "RK-SOL-062",
                given=f"row {record.row} (person {self.subject.person}): SS {record.steady_state} of doses "
                f"into {record.state}, which depend on {', '.join(self.doses[record.state].slopes)}",
                why="The orbit of such doses has no tangent that one dose could start",
                remedy="Give the doses one by one (ADDL, II), or leave these parameters out",
            )

    def _order(self, time: float, record: Record, copy: int) -> None:
        if record.state in self.doses:
            lag, given = self._given(record, time)
            self._push(time + lag, RECORD, record.row, "given", (self.epoch, given))
        super()._order(time, record, copy)

    def _values(self, roots: Sequence[Expression]) -> list[float]:
        values = {name: self.constants[place] for name, place in self.clock.position.items()}
        values |= dict(zip(self.ramps, self.clock.ramp_values, strict=True))
        assert symbols(*roots) <= set(values)
        return [float(evaluate(root, values)) for root in roots]

    def _given(self, record: Record, time: float) -> tuple[float, _Given]:
        dose = self.doses[record.state]
        bioavailability, lag, duration, rate = rule = self._values(dose.rule)
        self._check_rule(record, *rule)
        amount, length = arrival(record.amount, record.rate, record.duration, bioavailability, duration, rate)
        amounts, lags, lengths = {}, {}, {}
        for parameter, roots in dose.slopes.items():
            own_bioavailability, lags[parameter], own_duration, own_rate = self._values(roots)
            amounts[parameter] = own_bioavailability * record.amount
            if record.rate > 0.0:
                lengths[parameter] = amounts[parameter] / record.rate
            elif record.rate == -1.0:
                lengths[parameter] = (amounts[parameter] - length * own_rate) / rate
            else:
                lengths[parameter] = own_duration if record.rate == -2.0 else 0.0
        given = _Given(record, amount, length, amounts, lags, lengths)
        if dose.peak and any((*lags.values(), *lengths.values())):
            raise SolverError(
                "RK-SOL-065",
                given=f"row {record.row} (person {self.subject.person}): the moments of a dose into "
                f"{record.state} depend on {', '.join(dose.slopes)}, and it can make the event {dose.peak}",
                why="Whether the dose or the equations make the event decides how it moves",
                remedy="Leave these parameters out, or use differences of two runs",
            )
        return lag, given

    # ---- writing ----------------------------------------------------------------------------------

    def _do_given(self, time: float, content: tuple[int, _Given]) -> None:
        epoch, given = content
        if epoch != self.epoch:
            return
        state, slopes = given.origin.state, self.doses[given.origin.state].slopes
        moves = any(not roots[1].equals(0.0) for roots in slopes.values())
        if given.length == 0.0:
            if moves:
                self._refuse_changed_lag(given)
                self._write(time, given, OTHER, event=before_dose(state))
            self._write(time, given, DOSE, state=state, amount=given.amount)
            for parameter, amount in given.amount_slopes.items():
                self._write(time, given, DOSE, state=tangent_name(state, parameter), amount=amount)
            if moves:
                self._write(time, given, OTHER, event=after_dose(state))
            return
        self._write(time, given, DOSE, state=state, amount=given.amount, duration=given.length)
        for parameter in slopes:
            tangent, later = tangent_name(state, parameter), given.lag_slopes[parameter]
            change = given.amount_slopes[parameter] - given.rate * given.length_slopes[parameter]
            self._write(time, given, DOSE, state=tangent, amount=change, duration=given.length)
            self._write(time, given, DOSE, state=tangent, amount=-given.rate * later)
            end = given.rate * (later + given.length_slopes[parameter])
            self._push(time + given.length, RECORD, given.origin.row, "stop", (epoch, given, tangent, end))

    def _do_stop(self, time: float, content: tuple[int, _Given, str, float]) -> None:
        epoch, given, tangent, amount = content
        if epoch == self.epoch:
            self._write(time, given, DOSE, state=tangent, amount=amount)

    def _write(self, time: float, given: _Given, kind: int, **fields: Any) -> None:
        moving = {
            name: float(value)
            for name, value in zip(self.ramps, self.clock.ramp_values, strict=True)
            if name in self.covariates.varying
        }
        self.sequence += 1
        record = Record(row=0, time=time, kind=kind, covariates=moving, **fields)
        entries = self.written.setdefault(given.origin.row, [])
        entries.append((round(time, 9), given.origin.row, self.sequence, record))

    def _refuse_changed_lag(self, given: _Given) -> None:
        for parameter, roots in self.doses[given.origin.state].slopes.items():
            if self._values(roots[1:2])[0] != given.lag_slopes[parameter]:
                raise SolverError(
                    "RK-SOL-063",
                    given=f"row {given.origin.row} (person {self.subject.person}): the lag of a dose into "
                    f"{given.origin.state} changes while the dose waits; derivative for {parameter}",
                    why="Two values of the lag would be mixed",
                    remedy="Give the dose before or after the covariate or occasion changes",
                )
