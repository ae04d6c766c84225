"""Finding a peak: where in a step just taken a watched slope first turns from positive, lane by lane.

The step's own dense output is followed. A slope is looked at in a few places of the step; where it turns
between two of them the moment is found by regula falsi, guarded by bisection.
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine.code._arithmetic import Numbers
from rekindle.engine.code._control_flow import variable
from rekindle.engine.lanes._lane_step import LaneStep
from rekindle.engine.lanes._lanes import INTEGER, index, intrinsic, load, store

_MOST_TRIALS = 90


class PeakFinder:
    """Code that looks for peaks, inside one function.

    Args:
        builder: of that function.
        step: how the lanes were moved.
        work: the step's memory.
        hoisted: what stays constant between events.

    Attributes:
        slopes: slopes of the watched expressions where ``look`` was last called.
        shares: for each watched expression the share of the step at which it turns; infinite if it does not.
    """

    def __init__(self, builder: ir.IRBuilder, step: LaneStep, work: Any, hoisted: Any) -> None:
        self.builder, self.step, self.kind, self.work = builder, step, step.kind, work
        self.parts, self.hoisted = step.parts, hoisted
        self.n = Numbers(builder, step.kind)
        self.at = step.work.all(builder, work)
        vector, peaks = self.kind.type, self.parts.peak_count
        self.slopes, self.shares = (variable(builder, vector, peaks) for _ in range(2))
        self._y = variable(builder, vector, self.parts.states)
        self._looks = variable(builder, vector, peaks * len(step.looks))
        self._low, self._high, self._below, self._above, self._side, self._found = (
            variable(builder, vector) for _ in range(6)
        )
        self._trials = variable(builder, INTEGER)

    def look(self, y: Any, tau: Any, forcing: list[Any]) -> None:
        """Slopes at a state and a time of each lane."""
        values, steep = self.at["end_values"], self.at["end_slopes"]
        arguments = [tau, *forcing, self.at["exponentials"], self.hoisted, values, steep]
        self.builder.call(self.step.forcing, arguments)
        self.builder.call(self.parts.peaks, [y, values, steep, self.hoisted, self.slopes])

    def look_inside(self, y: Any, tau: Any, h: Any, share: Any, forcing: list[Any]) -> None:
        """Slopes at a share of the step from ``y`` at ``tau`` of size ``h``."""
        self.builder.call(self.step.dense, [y, self.work, share, self._y])
        self.look(self._y, self.n.fma(share, h, tau), forcing)

    def find(
        self, y: Any, tau: Any, h: Any, before: Any, moved: Any, resolution: Any, forcing: list[Any]
    ) -> Any:
        """Set ``shares``; return the smallest share of each lane, 1 where nothing turns.

        Args:
            y: state at the start of the step.
            tau: time at the start, on the clock of the forcings.
            h: size of the step.
            before: slopes at the start.
            moved: lanes that count.
            resolution: time to which a peak is found.
            forcing: arguments of the forcings.
        """
        builder, kind, n = self.builder, self.kind, self.n
        peaks, looks = self.parts.peak_count, self.step.looks
        for number, share in enumerate(looks):
            self.look_inside(y, tau, h, kind.number(share), forcing)
            for p in range(peaks):
                store(builder, load(builder, self.slopes, p), self._looks, number * peaks + p)
        for p in range(peaks):
            self._bracket(p, before, moved)
            found = n.compare("!=", builder.load(self._found), 0.0)
            with builder.if_then(kind.any(builder, found)):
                self._refine(p, y, tau, h, n.div(resolution, h), found, forcing)
            share = builder.select(found, builder.load(self._high), kind.number(float("inf")))
            store(builder, share, self.shares, p)
        first = kind.number(1.0)
        for p in range(peaks):
            first = intrinsic(builder, "llvm.minnum", first, load(builder, self.shares, p))
        return first

    def _bracket(self, p: int, before: Any, moved: Any) -> None:
        """The first two places between which slope ``p`` turns."""
        builder, kind, n = self.builder, self.kind, self.n
        builder.store(kind.number(0.0), self._found)
        left, old = kind.number(0.0), load(builder, before, p)
        for number, place in enumerate(self.step.looks):
            right, new = kind.number(place), load(builder, self._looks, number * self.parts.peak_count + p)
            turns = builder.and_(n.compare(">", old, 0.0), n.compare("<=", new, 0.0))
            fresh = builder.and_(builder.and_(moved, turns), n.compare("==", builder.load(self._found), 0.0))
            for value, where in ((left, self._low), (right, self._high), (old, self._below),
                                 (new, self._above), (kind.number(1.0), self._found)):  # fmt: skip
                builder.store(builder.select(fresh, value, builder.load(where)), where)
            left, old = right, new

    def _refine(self, p: int, y: Any, tau: Any, h: Any, width: Any, found: Any, forcing: list[Any]) -> None:
        """Narrow the brackets of slope ``p`` to ``width``; where it is at most 0 lies at their upper end."""
        builder, kind, n = self.builder, self.kind, self.n
        builder.store(kind.number(0.0), self._side)
        builder.store(index(0), self._trials)
        head, body, after = (builder.append_basic_block(name) for name in ("refine", "trial", "refined"))
        builder.branch(head)
        builder.position_at_end(head)
        low, high = builder.load(self._low), builder.load(self._high)
        is_open = builder.and_(found, n.compare(">", n.sub(high, low), width))
        trial = builder.load(self._trials)
        few = builder.icmp_signed("<", trial, index(_MOST_TRIALS))
        builder.cbranch(builder.and_(kind.any(builder, is_open), few), body, after)
        builder.position_at_end(body)
        builder.store(builder.add(trial, index(1)), self._trials)
        below, above, side = (builder.load(v) for v in (self._below, self._above, self._side))
        middle = n.mul(n.add(low, high), 0.5)
        line = n.sub(high, n.div(n.mul(above, n.sub(high, low)), n.sub(above, below)))
        margin = n.mul(width, 0.25)
        line = intrinsic(builder, "llvm.maxnum", line, n.add(low, margin))
        line = intrinsic(builder, "llvm.minnum", line, n.sub(high, margin))
        bisects = builder.icmp_signed("==", builder.srem(trial, index(4)), index(3))
        share = builder.select(is_open, builder.select(bisects, middle, line), high)
        self.look_inside(y, tau, h, share, forcing)
        slope = load(builder, self.slopes, p)
        rises = builder.and_(is_open, n.compare(">", slope, 0.0))
        falls = builder.and_(is_open, builder.not_(n.compare(">", slope, 0.0)))
        # The end that stays twice counts half, so that both ends move.
        half_above = builder.and_(rises, n.compare(">", side, 0.0))
        half_below = builder.and_(falls, n.compare("<", side, 0.0))
        builder.store(builder.select(rises, share, low), self._low)
        builder.store(builder.select(falls, share, high), self._high)
        kept_below = builder.select(half_below, n.mul(below, 0.5), below)
        kept_above = builder.select(half_above, n.mul(above, 0.5), above)
        builder.store(builder.select(rises, slope, kept_below), self._below)
        builder.store(builder.select(falls, slope, kept_above), self._above)
        moved = builder.select(rises, kind.number(1.0), builder.select(falls, kind.number(-1.0), side))
        builder.store(moved, self._side)
        builder.branch(head)
        builder.position_at_end(after)
