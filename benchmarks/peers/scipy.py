"""SciPy's LSODA and Radau; right-hand side compiled by numba where it is installed, else plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks._equations import Array, equations
from benchmarks._workload import Workload


def _rates(workload: Workload) -> tuple[Any, Callable[..., Array]]:
    system = equations(workload)
    space: dict[str, Any] = {"np": np, "m": math}
    head = f"d = np.empty({len(system.states)})"
    exec(system.source("rates", "t, y, c", head, "d[{place}] = {value}", "return d"), space)  # noqa: S102 - written by _equations
    try:
        import numba
    except ImportError:
        return system, space["rates"]
    return system, numba.njit(space["rates"])


def prepare(workload: Workload, method: str, absolute: float = 0.01) -> Any:
    """Write out the rates; returns ``run(people, tolerance)``."""
    from scipy.integrate import solve_ivp

    system, rates = _rates(workload)
    count, keep = len(workload.times), len(workload.states)

    def person(constants: Array, tolerance: float) -> Array:
        result, row, y = np.full((count, keep), np.nan), 0, system.initial
        for segment, values in zip(workload.segments, constants, strict=True):
            grid = np.unique([*segment.times, segment.end])
            found = solve_ivp(
                rates, (segment.start, segment.end), y, method, grid, args=(values,),
                rtol=tolerance, atol=tolerance * absolute,
            )  # fmt: skip
            if not found.success:
                break
            size = len(segment.times)
            result[row : row + size] = found.y[:keep, :size].T
            row, y = row + size, found.y[:, -1]
        return result

    def run(people: Array, tolerance: float) -> Array:
        return np.stack([person(rows, tolerance) for rows in system.all_constants(people)])

    return run


def prepare_lsoda(workload: Workload) -> Any:
    """The switching multistep method; returns ``run(people, tolerance)``."""
    return prepare(workload, "LSODA")


def prepare_radau(workload: Workload) -> Any:
    """The implicit Runge-Kutta method of order five; returns ``run(people, tolerance)``."""
    return prepare(workload, "Radau")
