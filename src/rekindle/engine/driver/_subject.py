"""One person's records carried out by moving the state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._system import infusion_name
from rekindle.engine.driver._compiled import CompiledSystem
from rekindle.engine.driver._motion import Motion
from rekindle.engine.driver._steady_state import RepeatedDose, constant_infusion, repeated_dose
from rekindle.engine.program._agenda import Agenda, arrival
from rekindle.engine.records._covariates import CovariatePath
from rekindle.engine.records._records import Record
from rekindle.engine.records._subjects import Subject
from rekindle.engine.running._outcomes import SubjectResult
from rekindle.errors import SolverError

__all__ = ["Subject", "run_subject"]

Array = NDArray[np.float64]


def run_subject(compiled: CompiledSystem, subject: Subject, tolerance: float) -> SubjectResult:
    """Carry out all records of a person and return the outputs at the times wanted."""
    return _Run(compiled, subject, tolerance).finish()


class _Run(Agenda):
    """Carries out the records of one person."""

    def __init__(self, compiled: CompiledSystem, subject: Subject, tolerance: float) -> None:
        system = compiled.system
        model, constants = system.model, np.zeros(len(system.constants))
        motion = Motion(compiled, constants, tolerance, subject.person)
        covariates = CovariatePath(subject.person, subject.records, subject.carry, model, system.ramps)
        super().__init__(model, subject, motion, constants, covariates)
        self.compiled = compiled
        self.cycles = 0
        self.rows: list[tuple[int, float, Array, Array, Array]] = []

    def finish(self) -> SubjectResult:
        """Carry out everything and evaluate the outputs."""
        return self._evaluate(self.carry_out())

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

    def _arrival(self, record: Record, time: float) -> tuple[float, Any, float]:
        """Lag, amount and length of a dose by the rules of this moment."""
        bioavailability, lag, duration, rate = self._dose_rule(record, time)
        return lag, *arrival(record.amount, record.rate, record.duration, bioavailability, duration, rate)

    # ---- doses ------------------------------------------------------------------------------------

    def _dose_rule(self, record: Record, time: float) -> tuple[float, float, float, float]:
        place = 4 * self.places[record.state]
        values = self.motion.rows("dosing", time)[place : place + 4]
        bioavailability, lag, duration, rate = (float(value) for value in values)
        self._check_rule(record, bioavailability, lag, duration, rate)
        return bioavailability, lag, duration, rate

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
