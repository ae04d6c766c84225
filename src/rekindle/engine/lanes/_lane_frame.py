"""The memory of a running lane group."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine._derivation import Derivation
from rekindle.engine._system import TIME
from rekindle.engine.code._layout import Layout
from rekindle.engine.code._step_functions import WatchFunctions
from rekindle.engine.lanes._lanes import LaneKind, index, store


class Frame:
    """Where states, constants and the exact solution of a lane group stand."""

    def __init__(self, derivation: Derivation, parts: WatchFunctions, hoisted: int, kind: LaneKind) -> None:
        system = derivation.system
        self.parts, self.kind = parts, kind
        self.linear, self.nonlinear = len(system.linear), len(system.nonlinear)
        self.states, self.constants = len(system.states), len(system.constants)
        self.forcings = parts.forcings
        self.marks_at_reset, self.marks_when_fired = derivation.marks_at_reset, derivation.marks_when_fired
        self.time_forcing = derivation.forcings.index(TIME) if TIME in derivation.forcings else None
        self.layout = Layout(
            constants=self.constants, hoisted=hoisted, states=self.linear, nonlinear=self.nonlinear,
            new_states=self.states + 1, seen=self.states, source=self.linear, amplitudes=self.linear,
            state_lines=2 * self.linear, rates=self.linear + 1, coefficients=self.linear * self.forcings,
            lines=2 * self.forcings, peak_slopes=parts.peak_count, before=self.nonlinear + 1,
        )  # fmt: skip

    def set_clock(self, builder: ir.IRBuilder, lines: Any, spans: Any, time: Any) -> None:
        """Let the forcing ``time`` start from a time, if there is one."""
        if self.time_forcing is not None:
            for part, value in enumerate((time, self.kind.number(1.0))):
                store(builder, value, lines, 2 * self.time_forcing + part)
                store(builder, index(0), spans, 2 * self.time_forcing + part)
