"""One step of Rodas5P for a group of lanes: stages, new state and error, from each lane's own time."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine.code._arithmetic import Numbers
from rekindle.engine.code._control_flow import counted_loop, variable
from rekindle.engine.code._layout import Layout
from rekindle.engine.code._step_functions import StepFunctions
from rekindle.engine.lanes._lane_step import LaneStep
from rekindle.engine.lanes._lanes import (
    DOUBLE,
    INTEGER,
    INTEGERS,
    LaneKind,
    index,
    intrinsic,
    keep_apart,
    load,
    place,
    store,
)
from rekindle.engine.linear._forcing import emit_forcing
from rekindle.engine.rodas import _rodas5p as method


def workspace(parts: StepFunctions) -> Layout:
    """The arrays of a step.

    Values and slopes of the forcings at the start of the step are put there by the caller; those at its end
    are left beside them.
    """
    return Layout(
        stages=method.STAGES * parts.states, updated=parts.states, argument=parts.states,
        coupling=parts.states, time_slope=parts.states, jacobian=parts.jacobian, factors=parts.factors,
        values=parts.forcings + parts.derived, slopes=parts.forcings,
        end_values=parts.forcings + parts.derived, end_slopes=parts.forcings,
        exponentials=parts.modes,
    )  # fmt: skip


def emit_step(module: ir.Module, parts: StepFunctions, kind: LaneKind) -> LaneStep:
    """Emit a step and its dense output."""
    work = workspace(parts)
    forcing = emit_forcing(module, parts, kind, slopes=True)
    values_only = emit_forcing(module, parts, kind, slopes=False)
    arguments = [kind.pointer] * 5 + [INTEGERS, INTEGER, kind.type, kind.type, DOUBLE, DOUBLE, kind.pointer]
    step = ir.Function(module, ir.FunctionType(kind.type, arguments), "step")
    keep_apart(step)
    _Step(step, parts, kind, work, forcing, values_only).emit()
    dense = _emit_dense(module, parts, kind, work)
    return LaneStep(step, dense, forcing, work, parts, kind, looks=(1.0,), restep=True)


class _Step:
    def __init__(
        self,
        function: ir.Function,
        parts: StepFunctions,
        kind: LaneKind,
        work: Layout,
        forcing: ir.Function,
        values_only: ir.Function,
    ) -> None:
        self.parts, self.kind, self.forcing, self.values_only = parts, kind, forcing, values_only
        self.builder = builder = ir.IRBuilder(function.append_basic_block())
        self.n = Numbers(builder, kind)
        (
            self.y, self.hoisted, self.rates, self.coefficients, self.lines, self.spans, self.modes, self.tau,
            self.h, self.relative, self.absolute, base,
        ) = function.args  # fmt: skip
        self.at = work.all(builder, base)

    def emit(self) -> None:
        builder, parts, n = self.builder, self.parts, self.n
        builder.call(
            parts.slopes,
            [
                self.y,
                self.at["values"],
                self.at["slopes"],
                self.hoisted,
                self.at["jacobian"],
                self.at["time_slope"],
            ],
        )
        per_step = n.div(1.0, self.h)
        builder.call(parts.factor, [n.div(per_step, method.GAMMA), self.at["jacobian"], self.at["factors"]])
        for stage in range(method.STAGES):
            self._stage(stage, per_step)
        builder.ret(self._error())

    def _stage(self, stage: int, per_step: Any) -> None:
        builder, parts, n = self.builder, self.parts, self.n
        if stage:
            with counted_loop(builder, parts.states) as i:
                self._combine(stage, i, per_step)
        argument = self.at["argument"] if stage else self.y
        own = place(builder, self.at["stages"], stage * parts.states)
        values = self._forcing_of(stage)
        builder.call(parts.right_hand_side, [argument, values, self.hoisted, own])
        lever = n.mul(self.h, method.TIME_WEIGHTS[stage])
        if method.TIME_WEIGHTS[stage] or stage:
            with counted_loop(builder, parts.states) as i:
                value = load(builder, own, i)
                if method.TIME_WEIGHTS[stage]:
                    value = n.fma(lever, load(builder, self.at["time_slope"], i), value)
                if stage:
                    value = n.add(value, load(builder, self.at["coupling"], i))
                store(builder, value, own, i)
        builder.call(parts.solve, [self.at["factors"], own])

    def _combine(self, stage: int, i: Any, per_step: Any) -> None:
        """Argument and coupling of a stage for one state, from the increments before it."""
        builder, n = self.builder, self.n
        increments = [
            load(builder, self.at["stages"], builder.add(index(j * self.parts.states), i))
            for j in range(stage)
        ]
        if stage < 6:
            argument = load(builder, self.y, i)
            for weight, increment in zip(method.STAGE_WEIGHTS[stage], increments, strict=True):
                argument = n.fma(weight, increment, argument)
        else:  # the weights are those of the stage before, and 1 for its increment
            argument = n.add(load(builder, self.at["argument"], i), increments[-1])
        store(builder, argument, self.at["argument"], i)
        coupled: Any = n.mul(method.COUPLING[stage][0], increments[0])
        for weight, increment in zip(method.COUPLING[stage][1:], increments[1:], strict=True):
            coupled = n.fma(weight, increment, coupled)
        store(builder, n.mul(coupled, per_step), self.at["coupling"], i)

    def _forcing_of(self, stage: int) -> Any:
        """Values of the forcings at a stage's node; the last three stages stand at the end of the step."""
        if stage == 0:
            return self.at["values"]
        last = method.NODES[stage] == 1.0
        if not last or method.NODES[stage - 1] != 1.0:
            tau = self.n.fma(self.h, method.NODES[stage], self.tau)
            common = [
                self.rates,
                self.coefficients,
                self.lines,
                self.spans,
                self.modes,
                self.at["exponentials"],
                self.hoisted,
            ]
            arguments = [tau, *common, self.at["end_values"]]
            if last:
                self.builder.call(self.forcing, [*arguments, self.at["end_slopes"]])
            else:
                self.builder.call(self.values_only, arguments)
        return self.at["end_values"]

    def _error(self) -> Any:
        """Largest error over the states in units of the tolerance, undefined where any is; the new state."""
        builder, n, kind = self.builder, self.n, self.kind
        worst, total = variable(builder, kind.type), variable(builder, kind.type)
        builder.store(kind.number(0.0), worst)
        builder.store(kind.number(0.0), total)
        last = place(builder, self.at["stages"], (method.STAGES - 1) * self.parts.states)
        relative, absolute = kind.spread(builder, self.relative), kind.spread(builder, self.absolute)
        with counted_loop(builder, self.parts.states) as i:
            change, old = load(builder, last, i), load(builder, self.y, i)
            new = n.add(load(builder, self.at["argument"], i), change)
            store(builder, new, self.at["updated"], i)
            size = intrinsic(builder, "llvm.maxnum", n.magnitude(old), n.magnitude(new))
            ratio = n.div(n.magnitude(change), n.fma(relative, size, absolute))
            builder.store(intrinsic(builder, "llvm.maxnum", builder.load(worst), ratio), worst)
            builder.store(n.add(builder.load(total), ratio), total)
        # The largest passes over undefined numbers; the sum does not.
        whole = builder.load(total)
        return builder.select(builder.fcmp_unordered("uno", whole, whole), whole, builder.load(worst))


def _emit_dense(module: ir.Module, parts: StepFunctions, kind: LaneKind, work: Layout) -> ir.Function:
    arguments = [kind.pointer, kind.pointer, kind.type, kind.pointer]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), "dense")
    keep_apart(function)
    y, base, s, result = function.args
    builder = ir.IRBuilder(function.append_basic_block())
    n = Numbers(builder, kind)
    stages, updated = work.at(builder, base, "stages"), work.at(builder, base, "updated")
    rest = n.sub(1.0, s)
    with counted_loop(builder, parts.states) as i:
        bends = []
        increments = [
            load(builder, stages, builder.add(index(j * parts.states), i)) for j in range(method.STAGES)
        ]
        for weights in method.DENSE_OUTPUT:
            bend: Any = n.mul(weights[0], increments[0])
            for weight, increment in zip(weights[1:], increments[1:], strict=True):
                bend = n.fma(weight, increment, bend)
            bends.append(bend)
        inner = n.fma(s, n.fma(s, bends[2], bends[1]), bends[0])
        curve = n.fma(rest, inner, load(builder, updated, i))
        store(builder, n.add(n.mul(rest, load(builder, y, i)), n.mul(s, curve)), result, i)
    builder.ret_void()
    return function
