"""heyoka: Taylor series of adaptive order, scalar and with eight people in one vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks._equations import Array, Equations, equations
from benchmarks._workload import Workload

BATCH = 8


def system_of(equations_: Equations) -> list[Any]:
    """The equations in heyoka's symbols, constants as runtime parameters."""
    import heyoka as hy

    names = hy.make_vars(*(f"y{i}" for i in range(len(equations_.states))))
    values = dict(zip(equations_.states, names, strict=True))
    wide = len(equations_.hoisted) + len(equations_.infused)
    values |= {f"constant_{i}": hy.par[i] for i in range(wide)}
    functions = {
        "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
        "div": lambda a, b: a / b, "neg": lambda a: -a, "pow": lambda a, b: a**b,
        "exp": hy.exp, "log": hy.log, "sqrt": hy.sqrt, "tanh": hy.tanh,
    }  # fmt: skip
    return list(zip(names, equations_.translate(values, functions), strict=True))


class _Scalar:
    """One integrator for every tolerance, one person at a time."""

    def __init__(self, workload: Workload) -> None:
        self.workload, self.equations = workload, equations(workload)
        self.system = system_of(self.equations)
        self.known: dict[float, Any] = {}

    def integrator(self, tolerance: float) -> Any:
        import heyoka as hy

        if tolerance not in self.known:
            state = list(self.equations.initial)
            self.known[tolerance] = hy.taylor_adaptive(self.system, state, tol=tolerance)
        return self.known[tolerance]

    def __call__(self, people: Array, tolerance: float) -> Array:
        taylor, keep = self.integrator(tolerance), len(self.workload.states)
        constants = self.equations.all_constants(people)
        result = np.full((len(people), len(self.workload.times), keep), np.nan)
        for person in range(len(people)):
            taylor.time = 0.0
            taylor.state[:] = self.equations.initial
            row = 0
            for place, segment in enumerate(self.workload.segments):
                taylor.pars[:] = constants[person, place]
                grid = np.unique([segment.start, *segment.times, segment.end])
                found = taylor.propagate_grid(grid)[-1]
                count = len(segment.times)
                result[person, row : row + count] = found[1 : count + 1, :keep]
                row += count
                if len(found) < len(grid):
                    break
        return result


class _Batch(_Scalar):
    """Eight people at a time."""

    def integrator(self, tolerance: float) -> Any:
        import heyoka as hy

        if tolerance not in self.known:
            state = np.repeat(self.equations.initial[:, None], BATCH, axis=1)
            self.known[tolerance] = hy.taylor_adaptive_batch(self.system, state, tol=tolerance)
        return self.known[tolerance]

    def __call__(self, people: Array, tolerance: float) -> Array:
        taylor, keep = self.integrator(tolerance), len(self.workload.states)
        constants = self.equations.all_constants(people)
        count = len(people)
        result = np.full((count, len(self.workload.times), keep), np.nan)
        for first in range(0, count, BATCH):
            who = np.minimum(np.arange(first, first + BATCH), count - 1)
            inside = min(BATCH, count - first)
            taylor.set_time(0.0)
            taylor.state[:] = self.equations.initial[:, None]
            row = 0
            for place, segment in enumerate(self.workload.segments):
                taylor.pars[:] = constants[who, place].T
                grid = np.unique([segment.start, *segment.times, segment.end])
                found = taylor.propagate_grid(np.repeat(grid[:, None], BATCH, axis=1))
                values = found[-1] if isinstance(found, tuple) else found
                size = len(segment.times)
                result[first : first + inside, row : row + size] = np.moveaxis(
                    values[1 : size + 1, :keep, :inside], 2, 0
                )
                row += size
        return result


def prepare_scalar(workload: Workload) -> Any:
    """Compile; returns ``run(people, tolerance)``."""
    return _Scalar(workload)


def prepare_batch(workload: Workload) -> Any:
    """Compile; returns ``run(people, tolerance)``."""
    return _Batch(workload)
