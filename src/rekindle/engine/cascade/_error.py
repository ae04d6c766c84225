"""How far a step is off, in units of the tolerance.

The collocation polynomial's slope at the start of the step differs from the rate there; that defect bounds
the error inside the step, less what the state's own decay takes away.
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine.cascade._method import DECAY_SHARE, DEFECT_SHARE, MIDDLE, STAGES, START_SLOPE
from rekindle.engine.cascade._pieces import Work
from rekindle.engine.cascade._solve import combination, greater, multiply_add
from rekindle.engine.lanes._lanes import FLAGS, intrinsic, load, store

Control = tuple[Any, Any]


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
    largest, missing = kind.number(0.0), None
    for state in range(len(work.pieces.states)):
        z = [work.read("increments", state, node) for node in range(STAGES)]
        start = load(b, y, state)
        slope = combination(b, kind, START_SLOPE, z)
        expected = b.fmul(work.h, load(b, work.at["start_slopes"], state), flags=FLAGS)
        defect = intrinsic(b, "llvm.fabs", b.fsub(slope, expected, flags=FLAGS))
        allowed = scale(b, start, b.fadd(start, z[-1]), control)
        if state in work.plan.fixed or state in work.plan.varying:
            own = work.read("slopes", state, MIDDLE if state in work.plan.swept else 0)
            decay = greater(b, b.fneg(b.fmul(work.h, own)), kind.number(0.0))
            allowed = multiply_add(b, allowed, b.fmul(decay, kind.number(DECAY_SHARE)), allowed)
        error = b.fdiv(b.fmul(defect, kind.number(DEFECT_SHARE)), allowed)
        undefined = b.fcmp_unordered("uno", error, error)
        missing = undefined if missing is None else b.or_(missing, undefined)
        largest = greater(b, error, largest)
    return b.select(missing, kind.number(float("inf")), largest)
