"""How far a step is off, in units of the tolerance.

The collocation polynomial's slope at the start of the step differs from the rate there; that defect bounds
the error inside the step, less what the state's own decay takes away.
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine.cascade._method import (
    DECAY_SHARE,
    DEFECT_SHARE,
    MIDDLE,
    PLACES,
    STAGES,
    START_SLOPE,
)
from rekindle.engine.cascade._pieces import Work
from rekindle.engine.cascade._solve import combination, greater, multiply_add
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.lanes._lanes import FLAGS, INTEGER, index, intrinsic, load, place, store

Control = tuple[Any, Any]

#: With more states, code that is written out for each no longer fits the processor's cache.
_MOST_WRITTEN_OUT = 24


def scale(b: ir.IRBuilder, old: Any, new: Any, control: Control) -> Any:
    """Tolerance of a state; ``control`` holds the absolute and relative one."""
    absolute, relative = control
    sizes = [intrinsic(b, "llvm.fabs", value) for value in (old, new)]
    return multiply_add(b, relative, greater(b, *sizes), absolute)


def emit_scales(work: Work, y: Any, control: Control) -> None:
    """One over the tolerance of every swept state."""
    b, kind = work.builder, work.kind
    for state in work.plan.swept:
        start = load(b, y, state)
        store(b, b.fdiv(kind.number(1.0), scale(b, start, start, control)), work.at["scales"], state)


def emit_error(work: Work, y: Any, control: Control) -> Any:
    """Each lane's largest error in units of the tolerance; infinite where it is undefined."""
    b, kind = work.builder, work.kind
    count = len(work.pieces.states)
    if count > _MOST_WRITTEN_OUT:
        return _error_in_a_loop(work, y, control)
    largest, missing = kind.number(0.0), kind.bits(None)
    for state in range(count):
        decays = state in work.plan.fixed or state in work.plan.varying
        own = load(b, work.at["slopes"], _own_slope(work, state)) if decays else None
        error = _error(work, state, own, y, control)
        missing = b.or_(missing, b.fcmp_unordered("uno", error, error))
        largest = greater(b, error, largest)
    return b.select(missing, kind.number(float("inf")), largest)


def _error_in_a_loop(work: Work, y: Any, control: Control) -> Any:
    b, kind = work.builder, work.kind
    count = len(work.pieces.states)
    table = ir.GlobalVariable(b.module, ir.ArrayType(INTEGER, count), "cascade_own_slopes")
    table.initializer = ir.Constant(table.value_type, [index(_own_slope(work, i)) for i in range(count)])
    table.global_constant, table.linkage = True, "internal"
    places = b.gep(table, [index(0), index(0)])
    largest, missing = variable(b, kind.type), variable(b, kind.bits)
    b.store(kind.number(0.0), largest)
    b.store(kind.bits(None), missing)
    with counted_loop(b, count) as state:
        # The slope of a state whose rate does not depend on it is zero, which changes nothing.
        own = load(b, work.at["slopes"], load(b, places, state))
        error = _error(work, state, own, y, control)
        b.store(b.or_(b.load(missing), b.fcmp_unordered("uno", error, error)), missing)
        b.store(greater(b, error, b.load(largest)), largest)
    return b.select(b.load(missing), kind.number(float("inf")), b.load(largest))


def _own_slope(work: Work, state: int) -> int:
    """Where the slope stands by which the error of a state decays."""
    return work.plan.slope_of.get(state, state) * PLACES + (MIDDLE if state in work.plan.swept else 0)


def _error(work: Work, state: Any, own: Any, y: Any, control: Control) -> Any:
    b, kind = work.builder, work.kind
    place_of = index(state) if isinstance(state, int) else state
    increments = place(b, work.at["increments"], b.mul(place_of, index(PLACES)))
    z = [load(b, increments, node) for node in range(STAGES)]
    start = load(b, y, state)
    slope = combination(b, kind, START_SLOPE, z)
    expected = b.fmul(work.h, load(b, work.at["start_slopes"], state), flags=FLAGS)
    defect = intrinsic(b, "llvm.fabs", b.fsub(slope, expected, flags=FLAGS))
    allowed = scale(b, start, b.fadd(start, z[-1]), control)
    if own is not None:
        decay = greater(b, b.fneg(b.fmul(work.h, own)), kind.number(0.0))
        allowed = multiply_add(b, allowed, b.fmul(decay, kind.number(DECAY_SHARE)), allowed)
    return b.fdiv(b.fmul(defect, kind.number(DEFECT_SHARE)), allowed)
