"""What a step of any method offers to whoever moves each lane by itself."""

from __future__ import annotations

from dataclasses import dataclass

import llvmlite.ir as ir

from rekindle.engine.code._layout import Layout
from rekindle.engine.code._step_functions import WatchFunctions
from rekindle.engine.lanes._lanes import LaneKind


@dataclass(frozen=True)
class LaneStep:
    """The functions that move lanes, each from its own time by its own step size.

    ``step(y, hoisted, rates, coefficients, lines, spans, modes, tau, h, relative, absolute, work)`` returns
    each lane's error in units of the tolerance; the new state is ``updated``. The caller has put values and
    slopes of the forcings at the start of the step into ``values`` and ``slopes``; those at its end are left
    in ``end_values`` and ``end_slopes``.
    ``dense(y, work, s, result)`` is the state at the share ``s`` of the step.

    Attributes:
        looks: shares of a step at which a watched slope is looked at, so that none turns twice in between.
        restep: the state inside a step is not held to the tolerance, so that a step is taken to where the
            state itself is needed.
    """

    step: ir.Function
    dense: ir.Function
    forcing: ir.Function  # with slopes
    work: Layout
    parts: WatchFunctions
    kind: LaneKind
    looks: tuple[float, ...]
    restep: bool
