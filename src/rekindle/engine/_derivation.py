"""What follows from a system before any code is generated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import inf, nan
from typing import Any

from rekindle.engine._system import TIME, System, kept
from rekindle.engine.code._hoist import as_number
from rekindle.engine.linear._modal import Pattern
from rekindle.modelling import Expression, PeakEvent, constant, differentiate, substitute, symbol, symbols

#: Prefix of the symbol for the slope of a forcing.
SLOPE = "slope of "


class Derivation:
    """Expressions that follow from a system: Jacobian, slopes in time, slopes of watched expressions.

    Args:
        system: what to derive them from.

    Attributes:
        forcings: what the nonlinear part sees as known functions of time: linear states, ramps, ``time``.
        peak_names: watched expressions, in the order of the peak slopes.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.states = system.states
        self.outputs = system.outputs
        self.peak_names = self._reachable_peaks()
        self.event_names = tuple(system.model.events)

    def _reachable_peaks(self) -> tuple[str, ...]:
        kept = set(self.system.states)
        return tuple(
            name
            for name, peak in self.system.model.watched.items()
            if any(assignment.state in kept for assignment in peak.assignments)
        )

    @cached_property
    def _first_needed(self) -> tuple[dict[str, list[Expression]], tuple[str, ...]]:
        system = self.system
        return kept(
            "rows and forcings",
            system.digest,
            len(system.model.states),
            lambda: (self._row_roots(), self._forcings()),
        )

    @property
    def row_roots(self) -> dict[str, list[Expression]]:
        """Expressions of every row function."""
        return self._first_needed[0]

    @property
    def forcings(self) -> tuple[str, ...]:
        """Names of the forcings, linear states first."""
        return self._first_needed[1]

    def _row_roots(self) -> dict[str, list[Expression]]:
        system, model = self.system, self.system.model
        dosing: list[Expression] = []
        for name in model.derivatives:
            rule = model.dosing.get(name)
            parts = (rule.bioavailability, rule.lag, rule.duration, rule.rate) if rule else (None,) * 4
            defaults = (1.0, 0.0, -1.0, -1.0)
            dosing += [
                constant(default) if part is None else model.inline(part)[0]
                for part, default in zip(parts, defaults, strict=True)
            ]
        roots = {
            "outputs": model.inline(*(model.outputs[name].expression for name in self.outputs)),
            "initial": model.inline(*(model.states[name].initial for name in self.states)),
            "dosing": dosing,
            "linear": [*system.matrix.values(), *system.source.values()],
        }
        for name in self.event_names:
            roots[f"event {name}"] = self._after_event(model.events[name].assignments)
        for name in self.peak_names:
            peak = model.watched[name]
            condition = constant(1.0) if peak.condition is None else model.inline(peak.condition)[0]
            roots[f"peak {name}"] = [as_number(condition), *self._after_event(peak.assignments)]
        return roots

    @cached_property
    def dosing_symbols(self) -> dict[str, set[str]]:
        """What bioavailability, lag, duration and rate of doses into each state depend on."""
        dosing = self.row_roots["dosing"]
        names = enumerate(self.system.model.derivatives)
        return {name: symbols(*dosing[4 * place : 4 * place + 4]) for place, name in names}

    def _after_event(self, assignments: Sequence[Any]) -> list[Expression]:
        changed = {
            assignment.state: self.system.model.inline(assignment.expression)[0] for assignment in assignments
        }
        return [changed.get(name, symbol(name)) for name in self.states]

    def _forcings(self) -> tuple[str, ...]:
        candidates = (*self.system.linear, *self.system.ramps, TIME)
        used = symbols(*self.system.right_hand_side, *self.peak_expressions)
        return tuple(name for name in candidates if name in used)

    @cached_property
    def peak_expressions(self) -> list[Expression]:
        """What watched events look at: what has a peak, or the distance to where a comparison turns true."""
        watched = (self.system.model.watched[name] for name in self.peak_names)
        seen = (e.expression if isinstance(e, PeakEvent) else e.distance for e in watched)
        return self.system.model.inline(*seen)

    @cached_property
    def peak_slopes(self) -> list[Expression]:
        """What turns from positive to not positive where a watched event happens.

        Of a peak it is the slope in time along the solution, of a crossing the distance itself.
        """
        rates = dict(zip(self.system.nonlinear, self.system.right_hand_side, strict=True))
        rates.update({name: symbol(SLOPE + name) for name in self.forcings})
        return [
            expression if name in self.system.model.crossings else self._total_slope(expression, rates)
            for name, expression in zip(self.peak_names, self.peak_expressions, strict=True)
        ]

    @property
    def marks_at_reset(self) -> tuple[float, ...]:
        """What is remembered of each watched event at a reset, as if it had been seen before.

        Minus infinity waits to be seen again; a comparison counts as false before the start.
        """
        return tuple(1.0 if name in self.system.model.crossings else -inf for name in self.peak_names)

    @cached_property
    def marks_when_fired(self) -> tuple[float, ...]:
        """The same after each event. An event that moves what it watches is looked at again at once (nan)."""
        return tuple(
            nan if name in self.system.model.crossings and self._moves(name, expression) else -inf
            for name, expression in zip(self.peak_names, self.peak_expressions, strict=True)
        )

    def _moves(self, name: str, expression: Expression) -> bool:
        after = self._after_event(self.system.model.watched[name].assignments)
        return substitute([expression], dict(zip(self.states, after, strict=True)))[0] is not expression

    @staticmethod
    def _total_slope(expression: Expression, rates: Mapping[str, Expression]) -> Expression:
        total = constant(0.0)
        for name in sorted(symbols(expression) & set(rates)):
            total = total + differentiate(expression, name) * rates[name]
        return total

    @cached_property
    def jacobian(self) -> dict[tuple[int, int], Expression]:
        """Non-zero entries of the nonlinear part, (row, column) -> expression, in the order stored."""
        entries: dict[tuple[int, int], Expression] = {}
        column = {name: position for position, name in enumerate(self.system.nonlinear)}
        for row, rate in enumerate(self.system.right_hand_side):
            for name in symbols(rate) & set(column):
                slope = differentiate(rate, name)
                if not slope.equals(0.0):
                    entries[row, column[name]] = slope
        return dict(sorted(entries.items()))

    @cached_property
    def time_slopes(self) -> list[Expression]:
        """Slope in time of every nonlinear rate at a fixed nonlinear state."""
        rates = {name: symbol(SLOPE + name) for name in self.forcings}
        return [self._total_slope(rate, rates) for rate in self.system.right_hand_side]

    @cached_property
    def constant_index(self) -> dict[str, int]:
        """Position of every symbol that stays constant between events."""
        return {name: position for position, name in enumerate(self.system.constants)}

    @cached_property
    def pattern(self) -> Pattern:
        """Which linear state reaches which."""
        return Pattern(len(self.system.linear), list(self.system.matrix))

    @property
    def step_roots(self) -> dict[str, list[Expression]]:
        """What the stepper evaluates, in terms of constants, states, forcings and their slopes."""
        return {
            "right_hand_side": list(self.system.right_hand_side),
            "slopes": [*self.jacobian.values(), *self.time_slopes],
            "peaks": self.peak_slopes,
        }
