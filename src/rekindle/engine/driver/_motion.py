"""One person's state moving through intervals without events: exact linear part, stepped nonlinear part."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._system import TIME, infusion_name
from rekindle.engine.driver._compiled import CompiledSystem
from rekindle.engine.linear._linear import AugmentedExponential, LinearBlock, Modes
from rekindle.engine.rodas import _contract as contract
from rekindle.errors import SolverError

Array = NDArray[np.float64]

_MOST_STEPS = 1_000_000
#: Events that may follow each other at practically one time.
_MOST_EVENTS = 100
#: Modes whose share of every forcing stays below this are not passed to the stepper.
_NEGLIGIBLE = 1e-20


class NoModalFormError(Exception):
    """The linear block has no modal form for this person; every state must go to the nonlinear solver."""


class Motion:
    """State vector and constants of one person, advanced from time to time.

    Args:
        compiled: machine code of the system.
        constants: values of ``system.constants`` (changed in place by the caller between intervals).
        tolerance: relative tolerance of the nonlinear solver.
        person: name for messages.
    """

    def __init__(self, compiled: CompiledSystem, constants: Array, tolerance: float, person: str) -> None:
        system = compiled.system
        self.compiled, self.constants, self.person = compiled, constants, person
        self.block = LinearBlock(len(system.linear), list(system.matrix))
        self.linear_count = len(system.linear)
        self.state = np.zeros(len(system.states))
        self.ramp_values = np.zeros(len(system.ramps))
        self.ramp_slopes = np.zeros(len(system.ramps))
        self.position = {name: i for i, name in enumerate(system.constants)}
        self._state_position = {name: i for i, name in enumerate(system.states)}
        self._infusions = {name: self.position[infusion_name(name)] for name in system.model.derivatives}
        self._source_rows = np.array(list(system.source), dtype=int)
        self._forced = np.array(
            [system.linear.index(name) for name in compiled.forcings if name in system.linear], dtype=int
        )
        self.peak_slopes = np.array(compiled.marks_at_reset or (-np.inf,))
        self.control = np.zeros(contract.CONTROLS)
        self.control[contract.RELATIVE] = tolerance
        self.control[contract.ABSOLUTE] = tolerance * 1e-2
        self.steps = self.rejected = 0

    # ---- constants and rows -----------------------------------------------------------------------

    def add_infusion(self, state: str, rate: float) -> None:
        """Change the rate at which doses run into a state."""
        self.constants[self._infusions[state]] += rate

    def stop_infusions(self) -> None:
        """Set all infusion rates to zero."""
        self.constants[list(self._infusions.values())] = 0.0

    def set_infusion(self, state: str, rate: float) -> None:
        """Set the rate at which doses run into a state."""
        self.constants[self._infusions[state]] = rate

    def add_amount(self, state: str, amount: float) -> None:
        """Add a bolus to a state; a state that no output needs is left out."""
        if state in self._state_position:
            self.state[self._state_position[state]] += amount

    def rows(self, name: str, time: float) -> Array:
        """Values of a row function at the present state."""
        states, ramps = self.state[None, :].copy(), self.ramp_values[None, :].copy()
        values = self.compiled.rows(name, np.array([time]), states, self.constants, ramps)
        return np.asarray(values[0])

    def apply_event(self, name: str, time: float) -> None:
        """Make the assignments of a named event."""
        self.state = self.rows(f"event {name}", time).copy()

    def reset(self, time: float) -> None:
        """Give every state its initial value and stop the infusions."""
        self.stop_infusions()
        self.state = self.rows("initial", time)
        self.peak_slopes[:] = self.compiled.marks_at_reset or -np.inf

    # ---- moving -----------------------------------------------------------------------------------

    def advance(self, start: float, end: float, times: Array) -> Array:
        """Move from ``start`` to ``end``; return the states at ``times`` (times, states) on the way.

        Peak events that occur on the way are applied, in order.
        """
        if end <= start:
            return np.tile(self.state, (len(times), 1))
        pieces: list[Array] = []
        together = 0
        while together < _MOST_EVENTS:
            stop, states = self._advance_to_peak(start, end, times)
            pieces.append(states)
            times = times[len(states) :]
            if stop >= end and not len(times):
                return np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
            together = together + 1 if stop - start <= 1e-9 * max(1.0, abs(stop)) else 0
            start = stop
        raise SolverError(
            "RK-SOL-036",
            given=f"person {self.person}, time {start:.6g} {self.compiled.system.model.time_unit}: an event "
            f"that the state fires happened {_MOST_EVENTS} times at this moment",
            allowed=f"Events of the state: {', '.join(self.compiled.peak_names)}",
            why="An event that only just undoes what fires it never ends",
            remedy="Let the assignment move the state away from the threshold, or model a process",
        )

    def advance_linear(self, start: float, end: float) -> None:
        """Move the linear states alone and leave the others where they are."""
        solution = self._linear_solution(start)
        self.state[: self.linear_count] = solution.at(np.array([end - start]))[0]

    def _advance_to_peak(self, start: float, end: float, times: Array) -> tuple[float, Array]:
        solution = self._linear_solution(start)
        nonlinear = len(self.compiled.system.nonlinear)
        if not nonlinear:
            states = solution.at(times - start)
            self._finish(start, end, solution, np.empty(0))
            return end, states
        if isinstance(solution, AugmentedExponential):
            raise NoModalFormError
        begin = self.state.copy()
        y = begin[self.linear_count :].copy()
        inner = np.empty((len(times), nonlinear))
        before = np.empty(nonlinear + 1)
        slopes = self.peak_slopes.copy()
        self.control[contract.WATCH] = 1.0
        status, reached = self._integrate(y, solution, start, start, end, times, inner, slopes, before)
        if status == contract.PEAK:
            return self._apply_peak(solution, start, reached, times, inner, slopes, before)
        self.peak_slopes[:] = slopes
        states = np.concatenate([solution.at(times - start), inner], axis=1)
        self._finish(start, end, solution, y)
        return end, states

    def _finish(self, start: float, end: float, solution: Modes | AugmentedExponential, y: Array) -> None:
        linear = solution.at(np.array([end - start]))[0] if self.linear_count else np.empty(0)
        self.state = np.concatenate([linear, y])
        self.ramp_values = self.ramp_values + self.ramp_slopes * (end - start)
        if not np.isfinite(self.state).all():
            raise self._failure(contract.NOT_FINITE, end, self.state)

    def _linear_solution(self, start: float) -> Modes | AugmentedExponential:
        system = self.compiled.system
        values = self.rows("linear", start)
        entries, source = values[: len(system.matrix)], np.zeros(self.linear_count)
        source[self._source_rows] = values[len(system.matrix) :]
        return self.block.solve(entries, source, self.state[: self.linear_count])

    def _integrate(
        self,
        y: Array,
        solution: Modes,
        origin: float,
        start: float,
        end: float,
        times: Array,
        states: Array,
        slopes: Array,
        before: Array,
    ) -> tuple[int, float]:
        """Run the compiled loop from ``start``; ``origin`` is where the linear solution's clock starts."""
        rates, coefficients, lines, spans = self._forcing(solution, origin, start)
        hoisted = self.compiled.hoisted(self.constants)
        control = self.control
        control[contract.STEP] = control[contract.STEPS] = control[contract.REJECTED] = 0.0
        control[contract.MOST_STEPS] = _MOST_STEPS
        status = self.compiled.integrate(
            y.ctypes.data, hoisted.ctypes.data, rates.ctypes.data, coefficients.ctypes.data,
            lines.ctypes.data, spans.ctypes.data, len(rates), start, end, control.ctypes.data,
            len(times), times.ctypes.data, states.ctypes.data, slopes.ctypes.data, before.ctypes.data,
        )  # fmt: skip
        self.steps += int(control[contract.STEPS])
        self.rejected += int(control[contract.REJECTED])
        if status not in (contract.FINISHED, contract.PEAK):
            raise self._failure(
                status, float(control[contract.TIME_NOW]), np.append(self.state[: self.linear_count], y)
            )
        return status, float(control[contract.TIME_NOW])

    def _forcing(
        self, solution: Modes, origin: float, start: float
    ) -> tuple[Array, Array, Array, NDArray[np.int64]]:
        """Rates, coefficients, lines and spans of the forcings, with the clock at ``start``."""
        system, shift = self.compiled.system, start - origin
        forced = self._forced
        aged = solution.coefficients[forced] * np.exp(solution.rates * shift)
        kept = (
            (np.abs(aged) > _NEGLIGIBLE).any(axis=0) if len(forced) else np.zeros(len(solution.rates), bool)
        )
        count = len(self.compiled.forcings)
        coefficients = np.zeros((count, int(kept.sum())))
        coefficients[: len(forced)] = aged[:, kept]
        lines = np.zeros((max(count, 1), 2))
        lines[: len(forced)] = solution.lines[forced]
        lines[: len(forced), 0] += lines[: len(forced), 1] * shift
        for place, name in enumerate(self.compiled.forcings[len(forced) :], start=len(forced)):
            if name == TIME:
                lines[place] = start, 1.0
            else:
                ramp = system.ramps.index(name)
                slope = self.ramp_slopes[ramp]
                lines[place] = self.ramp_values[ramp] + slope * shift, slope
        spans = np.zeros((max(count, 1), 2), np.int64)
        spans[: len(forced), 1] = kept.sum()
        return np.ascontiguousarray(solution.rates[kept]), coefficients, lines, spans

    # ---- peaks ------------------------------------------------------------------------------------

    def _apply_peak(
        self,
        solution: Modes,
        start: float,
        reached: float,
        times: Array,
        inner: Array,
        slopes: Array,
        before: Array,
    ) -> tuple[float, Array]:
        """Find the peak between the last two steps, move there, and make its assignments."""
        from scipy.optimize import brentq

        previous, y_previous = float(before[0]), before[1:].copy()
        found: dict[float, tuple[Array, Array]] = {}

        def slope_at(time: float) -> Array:
            y, ends = y_previous.copy(), np.full(len(slopes), -np.inf)
            none = np.empty(0)
            self._integrate(y, solution, start, previous, time, none, none, ends, np.empty_like(before))
            found[time] = (y, ends)
            return ends

        def own_slope(p: int, time: float) -> float:
            return float(slope_at(time)[p])

        self.control[contract.WATCH] = 0.0
        at_reached = slope_at(reached)
        roots: dict[int, float] = {}
        for p in range(len(self.compiled.peak_names)):
            # After a stop `slopes` still holds the values at `previous`.
            if slopes[p] > 0.0 >= at_reached[p]:
                roots[p] = reached
                if reached > previous and slope_at(previous)[p] > 0.0:
                    resolution = 1e-11 + 1e-13 * abs(reached)
                    roots[p] = float(brentq(partial(own_slope, p), previous, reached, xtol=resolution))
        peak_time = min(roots.values())
        if peak_time not in found:
            slope_at(peak_time)
        y, ends = found[peak_time]
        count = int(np.searchsorted(times, peak_time, side="left"))
        states = np.concatenate([solution.at(times[:count] - start), inner[:count]], axis=1)
        self._finish(start, peak_time, solution, y)
        self.peak_slopes[:] = ends
        for p, root in roots.items():
            if root == peak_time:
                self.peak_slopes[p] = -np.inf
                values = self.rows(f"peak {self.compiled.peak_names[p]}", peak_time)
                if values[0]:
                    self.state = values[1:].copy()
                    self.peak_slopes[p] = self.compiled.marks_when_fired[p]
        return peak_time, states

    # ---- failures ---------------------------------------------------------------------------------

    def _failure(self, status: int, time: float, state: Array) -> SolverError:
        names = self.compiled.system.states
        bad = [name for name, value in zip(names, state, strict=True) if not np.isfinite(value)]
        largest = (
            names[int(np.nanargmax(np.abs(np.where(np.isfinite(state), state, 0.0))))] if len(names) else ""
        )
        what = {
            contract.STEP_COLLAPSED: "the step size collapsed",
            contract.NOT_FINITE: "the state became infinite or undefined",
            contract.TOO_MANY_STEPS: f"more than {_MOST_STEPS} steps were needed",
        }[status]
        named = f"not finite: {', '.join(bad[:3])}" if bad else f"largest state: {largest}"
        unit = self.compiled.system.model.time_unit
        return SolverError(
            f"RK-SOL-00{status}",
            given=f"person {self.person}, time {time:.6g} {unit}: {what} ({named})",
            why="The result from there on would be wrong",
            remedy="Check this person's parameters, covariates and doses; a division by a state that reaches "
            "zero or a runaway feedback is the usual cause",
        )
