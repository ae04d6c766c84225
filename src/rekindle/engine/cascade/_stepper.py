"""Cascade collocation as a solver: what it wants hoisted, and the code that it emits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import llvmlite.ir as ir

from rekindle.engine._derivation import Derivation
from rekindle.engine.cascade._loop import StepLoop
from rekindle.engine.cascade._plan import make_plan, own_slopes
from rekindle.engine.cascade._step import StepFunctions
from rekindle.engine.cascade._switches import straight_forcings, switches
from rekindle.engine.code._powers import with_quick_powers
from rekindle.engine.lanes._lanes import LaneKind
from rekindle.modelling import Expression

_RATES, _SLOPES = "cascade rates", "cascade slopes"


def cascade_roots(derivation: Derivation) -> dict[str, list[Expression]]:
    """Expressions to hoist: rates, and their slopes with respect to their own states."""
    system = derivation.system
    rates = with_quick_powers(system.right_hand_side)
    return {_RATES: rates, _SLOPES: own_slopes(system.nonlinear, rates)}


def emit_step_functions(
    module: ir.Module, derivation: Derivation, roots: Mapping[str, Sequence[Expression]], kind: LaneKind
) -> StepFunctions:
    """Emit what the steps call.

    Args:
        module: where it goes.
        derivation: the system's states and forcings.
        roots: what ``cascade_roots`` asked for, with constants hoisted.
        kind: numbers that the code works on.
    """
    states = derivation.system.nonlinear
    plan = make_plan(states, roots[_RATES], roots[_SLOPES], derivation.forcings)
    return StepFunctions(module, plan, states, derivation.forcings, kind)


def known_switches(derivation: Derivation, roots: Mapping[str, Sequence[Expression]]) -> list[Expression]:
    """What turns over at moments known beforehand; ``roots`` as for ``emit_step_functions``."""
    moving = {*derivation.system.nonlinear, *derivation.forcings}
    return switches(roots[_RATES], straight_forcings(derivation), moving)


def emit_cascade(
    module: ir.Module,
    functions: StepFunctions,
    watched: Sequence[Expression] = (),
    turning: Sequence[Expression] = (),
) -> ir.Function:
    """Emit ``integrate`` with the signature and the meaning of the Rodas5P loop.

    Args:
        module: where it goes.
        functions: what the steps call.
        watched: slopes of what peak events watch, with constants hoisted.
        turning: what ``known_switches`` found; where one turns over the loop stops as ``PAUSED``.
    """
    return StepLoop(module, functions, watched, turning).function
