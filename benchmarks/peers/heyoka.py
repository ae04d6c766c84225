"""heyoka: Taylor series of adaptive order, scalar and with eight people in one vector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks._equations import Array, Equations, equations, translate
from benchmarks._pieces import SLACK, mode, pieces
from benchmarks._workload import Segment, Workload
from rekindle.modelling import PeakEvent, evaluate

BATCH = 8
#: With more states than this, compiling every coefficient by itself takes longer than a person's course.
_UNROLLED = 40
#: A piece that is still taken this far behind its end was left without an event.
_MISSED = 1e-6


class _Symbols:
    """The equations in heyoka's symbols, constants and modes as runtime parameters."""

    def __init__(self, equations_: Equations) -> None:
        import heyoka as hy

        states, self.wide = equations_.states, len(equations_.hoisted) + len(equations_.infused)
        smooth = pieces((*equations_.rates, *equations_.slopes))
        names = hy.make_vars(*(f"y{i}" for i in range(len(states))))
        values = {**dict(zip(states, names, strict=True)), "time": hy.time}
        values |= {f"constant_{i}": hy.par[i] for i in range(self.wide)}
        values |= {mode(i): hy.par[self.wide + i] for i in range(len(smooth.gaps))}
        functions = {
            "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
            "div": lambda a, b: a / b, "neg": lambda a: -a, "pow": lambda a, b: a**b,
            "exp": hy.exp, "log": hy.log, "sqrt": hy.sqrt, "tanh": hy.tanh,
            "select": lambda condition, a, b: hy.select(hy.gt(condition, 0.5), a, b),
        }  # fmt: skip
        roots = translate(smooth.roots, values, functions)
        roots = [hy.expression(root) if isinstance(root, float) else root for root in roots]
        self.system = list(zip(names, roots[: len(names)], strict=True))
        self.slopes = [slope + SLACK for slope in roots[len(names) :]]
        self.gaps = translate(smooth.gaps, values, functions)
        self.states, self.smooth = states, smooth
        self.changes = bool(self.gaps or self.slopes)

    def settle(self, taylor: Any, *, check: bool = False) -> list[float]:
        """Find out which pieces hold now; returns the slopes of what is watched for peaks.

        Raises:
            RuntimeError: the events should have found out already (``check``), and have not.
        """
        if not self.changes:
            return []
        known = {f"constant_{i}": value for i, value in enumerate(taylor.pars[: self.wide])}
        known |= {**dict(zip(self.states, taylor.state, strict=True)), "time": taylor.time}
        for place, gap in enumerate(self.smooth.gaps):
            distance = float(evaluate(gap, known))
            holds = float(distance >= 0.0)
            if check and holds != taylor.pars[self.wide + place] and abs(distance) > _MISSED:
                raise RuntimeError("a kink was passed unseen: give a tighter tolerance")
            known[mode(place)] = taylor.pars[self.wide + place] = holds
        return [float(evaluate(root, known)) for root in self.smooth.roots[len(self.states) :]]


class _Scalar:
    """One integrator for every tolerance, one person at a time."""

    def __init__(self, workload: Workload) -> None:
        self.workload, self.equations = workload, equations(workload, events=True)
        self.symbols = _Symbols(self.equations)
        self.known: dict[float, Any] = {}
        self.values: Mapping[str, Any] = {}

    def integrator(self, tolerance: float) -> Any:
        import heyoka as hy

        if tolerance not in self.known:
            state, compact = list(self.equations.initial), len(self.equations.states) > _UNROLLED
            self.known[tolerance] = hy.taylor_adaptive(
                self.symbols.system, state, tol=tolerance, compact_mode=compact, t_events=self._events()
            )
        return self.known[tolerance]

    def _events(self) -> list[Any]:
        """Where a piece ends and where a peak is passed; the integration stops there and goes on."""
        import heyoka as hy

        ends = [
            hy.t_event(gap, callback=self._switch(self.symbols.wide + place))
            for place, gap in enumerate(self.symbols.gaps)
        ]
        peaks = zip(self.symbols.slopes, self.workload.model.peaks.values(), strict=True)
        return ends + [
            hy.t_event(slope, callback=self._pass(peak), direction=hy.event_direction.negative)
            for slope, peak in peaks
        ]

    def _switch(self, place: int) -> Callable[[Any, int], bool]:
        def callback(taylor: Any, sign: int) -> bool:
            taylor.pars[place] = float(sign > 0)
            return True

        return callback

    def _pass(self, peak: PeakEvent) -> Callable[[Any, int], bool]:
        def callback(taylor: Any, sign: int) -> bool:
            self.equations.happen(peak, self.values, taylor.time, taylor.state)
            self.symbols.settle(taylor)
            return True

        return callback

    def _begin(self, taylor: Any, segment: Segment, constants: Array) -> None:
        """Set the rates of a segment, see whether they end a rise, and carry out its jumps."""
        rising = self.symbols.settle(taylor, check=segment.start > 0.0)
        taylor.pars[: self.symbols.wide] = constants
        slopes = zip(rising, self.symbols.settle(taylor), self.workload.model.peaks.values(), strict=True)
        for before, after, peak in slopes:
            if before > 0.0 >= after:
                self.equations.happen(peak, self.values, taylor.time, taylor.state)
        self.equations.jump(segment, self.values, taylor.state)
        self.symbols.settle(taylor)

    def __call__(self, people: Array, tolerance: float) -> Array:
        taylor, keep = self.integrator(tolerance), len(self.workload.states)
        constants = self.equations.all_constants(people)
        result = np.full((len(people), len(self.workload.times), keep), np.nan)
        for person in range(len(people)):
            self.values = self.equations.values(people[person])
            taylor.time = 0.0
            taylor.state[:] = self.equations.initial
            taylor.pars[: self.symbols.wide] = constants[person, 0]
            row = 0
            for place, segment in enumerate(self.workload.segments):
                self._begin(taylor, segment, constants[person, place])
                grid = np.unique([segment.start, *segment.times, segment.end])
                found = taylor.propagate_grid(grid)[-1]
                count = len(segment.times)
                reached = found[1 : count + 1, :keep]
                result[person, row : row + len(reached)] = reached
                row += count
                if len(found) < len(grid):
                    break
        return result


class _Batch(_Scalar):
    """Eight people at a time, of models without kinks and peaks."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        if self.symbols.changes:
            raise ValueError("people in one vector do not share the moments of their kinks and peaks")

    def integrator(self, tolerance: float) -> Any:
        import heyoka as hy

        if tolerance not in self.known:
            state = np.repeat(self.equations.initial[:, None], BATCH, axis=1)
            self.known[tolerance] = hy.taylor_adaptive_batch(self.symbols.system, state, tol=tolerance)
        return self.known[tolerance]

    def __call__(self, people: Array, tolerance: float) -> Array:
        taylor, keep = self.integrator(tolerance), len(self.workload.states)
        constants = self.equations.all_constants(people)
        count = len(people)
        result = np.full((count, len(self.workload.times), keep), np.nan)
        for first in range(0, count, BATCH):
            who = np.minimum(np.arange(first, first + BATCH), count - 1)
            inside = min(BATCH, count - first)
            values = self.equations.values(people[who])
            taylor.set_time(0.0)
            taylor.state[:] = self.equations.initial[:, None]
            row = 0
            for place, segment in enumerate(self.workload.segments):
                taylor.pars[:] = constants[who, place].T
                self.equations.jump(segment, values, taylor.state)
                grid = np.unique([segment.start, *segment.times, segment.end])
                found = taylor.propagate_grid(np.repeat(grid[:, None], BATCH, axis=1))
                states = found[-1] if isinstance(found, tuple) else found
                size = len(segment.times)
                result[first : first + inside, row : row + size] = np.moveaxis(
                    states[1 : size + 1, :keep, :inside], 2, 0
                )
                row += size
        return result


def prepare_scalar(workload: Workload) -> Any:
    """Compile; returns ``run(people, tolerance)``."""
    return _Scalar(workload)


def prepare_batch(workload: Workload) -> Any:
    """Compile; returns ``run(people, tolerance)``."""
    return _Batch(workload)
