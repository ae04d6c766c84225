"""Steady state under a repeated dose or a constant infusion.

The linear block is solved exactly: one cycle is an affine map x -> M x + c, its fixed point the solution of
(I - M) x = c. Nonlinear states are cycled until they repeat.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.driver._motion import Motion
from rekindle.errors import SolverError

_TOLERANCE = 1e-9
_MOST_CYCLES = 20_000
_WORST_CONDITION = 1e14
_NONE = np.empty(0)

Move = Callable[[float, float], object]


def _moving(motion: Motion) -> Move:
    return lambda start, end: motion.advance(start, end, _NONE)


@dataclass(frozen=True, slots=True)
class RepeatedDose:
    """A dose as it arrives: amount after bioavailability, infusion length (0 = bolus), interval."""

    state: str
    amount: float
    length: float
    interval: float

    @property
    def rate(self) -> float:
        """Infusion rate (0 for a bolus)."""
        return self.amount / self.length if self.length else 0.0

    def running_at(self, phase: float) -> list[float]:
        """Remaining lengths of the infusions still running at a phase after a dose, newest first."""
        count = max(0, math.ceil((self.length - phase) / self.interval)) if self.length else 0
        left = [self.length - phase - j * self.interval for j in range(count)]
        return [length for length in left if length > 1e-12 * self.interval]


def repeated_dose(motion: Motion, time: float, dose: RepeatedDose, phase: float) -> int:
    """Move to the steady-state orbit at ``phase`` (0 to the interval) after a dose; return the cycles used.

    The state is replaced. Infusion rates in the constants are left as they are at that phase.
    """
    motion.reset(time)
    if motion.linear_count:
        _solve_linear_cycle(motion, time, dose)
    cycles = 1
    if len(motion.compiled.system.nonlinear):
        cycles = _iterate(motion, time, dose)
    _run(motion, time, dose, phase, _moving(motion))
    return cycles


def constant_infusion(motion: Motion, time: float, state: str, rate: float) -> int:
    """Move to the steady state of an infusion that has always been running, then stop it."""
    motion.reset(time)
    motion.add_infusion(state, rate)
    span = 1.0
    for cycle in range(1, 200):
        before = motion.state.copy()
        motion.advance(time, time + span, _NONE)
        if _has_settled(before, motion.state) and cycle > 3:
            motion.set_infusion(state, 0.0)
            return cycle
        span *= 1.5
    raise _no_steady_state(motion, time, f"a constant infusion of {rate:g} into {state}", 200)


def _run(motion: Motion, time: float, dose: RepeatedDose, length: float, move: Move) -> None:
    """From just before a dose, deliver it and move on for ``length``."""
    if dose.length == 0.0:
        motion.add_amount(dose.state, dose.amount)
        move(time, time + length)
        return
    overlapping = dose.running_at(dose.interval)
    ends = sorted({min(dose.length, length), *(end for end in overlapping if end < length), length})
    now = 0.0
    for end in ends:
        if end <= now:
            continue
        middle = 0.5 * (now + end)
        running = sum(left > middle for left in overlapping) + (dose.length > middle)
        motion.set_infusion(dose.state, running * dose.rate)
        move(time + now, time + end)
        now = end
    motion.set_infusion(dose.state, len(dose.running_at(length)) * dose.rate)


def _solve_linear_cycle(motion: Motion, time: float, dose: RepeatedDose) -> None:
    """Fixed point of one cycle, which is affine: the cycles from zero and from each unit vector define it."""
    count, start = motion.linear_count, motion.state.copy()
    cycles = []
    for basis in (None, *range(count)):
        motion.state[:count] = 0.0
        if basis is not None:
            motion.state[basis] = 1.0
        _run(motion, time, dose, dose.interval, motion.advance_linear)
        cycles.append(motion.state[:count].copy())
    offset = cycles[0]
    matrix = np.array(cycles[1:]).T - offset[:, None]
    system = np.eye(count) - matrix
    if np.linalg.cond(system) > _WORST_CONDITION:
        raise _no_steady_state(motion, time, "doses into a part that is never eliminated", 1)
    motion.state = start
    motion.state[:count] = np.linalg.solve(system, offset)


def _iterate(motion: Motion, time: float, dose: RepeatedDose) -> int:
    for cycle in range(1, _MOST_CYCLES + 1):
        before = motion.state.copy()
        _run(motion, time, dose, dose.interval, _moving(motion))
        if _has_settled(before, motion.state):
            return cycle
    raise _no_steady_state(motion, time, f"doses of {dose.amount:g} every {dose.interval:g}", _MOST_CYCLES)


def _has_settled(before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    scale = np.maximum(np.abs(before), np.abs(after))
    return bool(np.all(np.abs(after - before) <= _TOLERANCE * scale + 1e-14 * (1.0 + scale.max(initial=0.0))))


def _no_steady_state(motion: Motion, time: float, what: str, cycles: int) -> SolverError:
    return SolverError(
        "RK-SOL-010",
        given=f"person {motion.person}, time {time:g}: no steady state under {what} after {cycles} cycles",
        why="The state keeps changing from cycle to cycle, so SS has no meaning here",
        remedy="Give the doses one by one (ADDL, II) instead of SS",
    )
