"""numbalsoda: the C++ LSODA called from numba, right-hand side compiled by numba, Jacobian by differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks._equations import Array, equations
from benchmarks._workload import Workload


def prepare(workload: Workload) -> Any:
    """Compile; returns ``run(people, tolerance)``."""
    import numba
    import numbalsoda

    system = equations(workload)
    width, keep = len(system.states), len(workload.states)
    constants_wide = len(system.hoisted) + len(system.infused)
    head = f"y = carray(p_y, ({width},))\nc = carray(p_c, ({constants_wide},))\nd = carray(p_d, ({width},))"
    space: dict[str, Any] = {"carray": numba.carray, "m": math}
    exec(system.source("rates", "t, p_y, p_d, p_c", head, "d[{place}] = {value}"), space)  # noqa: S102 - written by _equations
    address = numba.cfunc(numbalsoda.lsoda_sig)(space["rates"]).address
    lsoda = numbalsoda.lsoda
    knots = [np.unique([s.start, *s.times, s.end]) for s in workload.segments]
    flat, sizes = np.concatenate(knots), np.array([len(k) for k in knots])
    wanted = np.array([int(s.times[-1] == s.end) if len(s.times) else 0 for s in workload.segments])

    @numba.njit
    def course(constants: Array, initial: Array, tolerance: float, count: int) -> Array:
        result = np.full((len(constants), count, keep), np.nan)
        for person in range(len(constants)):
            y, place, row = initial.copy(), 0, 0
            for segment in range(len(sizes)):
                grid = flat[place : place + sizes[segment]]
                place += sizes[segment]
                found, ok = lsoda(
                    address, y, grid, constants[person, segment], tolerance, tolerance * 0.01, 100000
                )
                if not ok:
                    break
                last = len(grid) if wanted[segment] else len(grid) - 1
                for i in range(1, last):
                    result[person, row] = found[i, :keep]
                    row += 1
                y = found[-1].copy()
        return result

    def run(people: Array, tolerance: float) -> Array:
        constants = system.all_constants(people)
        return np.asarray(course(constants, system.initial, tolerance, len(workload.times)))

    return run
