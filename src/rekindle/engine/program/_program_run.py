"""Columns of a program, run lane group by lane group in one thread or several."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.program._kernel import Kernel
from rekindle.engine.program._operations import WIDTH
from rekindle.engine.program._program import Program
from rekindle.engine.rodas import _contract as contract
from rekindle.engine.running._outcomes import COUNTS, ProgramResults

Array = NDArray[np.float64]

MOST_STEPS = 1_000_000


class ProgramRun:
    """Columns of a program, all prepared for the machine code, which several threads may then run.

    Threads take one lane group after the other. What comes of a group depends on nothing else, so that the
    numbers are the same at any number of threads. A group that fails is left to the general driver.

    Args:
        kernel: carries it out.
        program: for people in columns.
        tolerance: relative tolerance.
        columns: which of them, who share their times; None for all.
        room: where the results (people, rows, outputs) are written; None for new memory.
    """

    def __init__(
        self,
        kernel: Kernel,
        program: Program,
        tolerance: float,
        columns: slice | None = None,
        room: Array | None = None,
    ) -> None:
        self._kernel, self._program = kernel, program
        columns = columns or slice(0, program.constants.shape[1])
        self.people = columns.stop - columns.start
        self.groups = -(-self.people // kernel.lanes)
        self._controls = _controls(self.groups, tolerance)
        self._tables = (*program.by_group(columns, kernel.lanes), self._controls)
        self._moments, self._output_times, self._times = program.clock(columns.start)
        each = len(self._times), len(kernel.derivation.outputs)
        self._results = np.empty((self.people, *each)) if room is None else room
        self._fine = np.zeros(self.people, bool)
        self._left = iter(range(self.groups))

    def work(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Run lane groups until none is left, or until it is stopped."""
        kernel, program, lanes = self._kernel, self._program, self._kernel.lanes
        rows, outputs = self._results.shape[1:]
        shared = (program.operations, self._moments, program.structures, self._output_times)
        operations, moments, structures, output_times = (table.ctypes.data for table in shared)
        count, output_rows, each = len(program.operations), program.output_rows.ctypes.data, rows * outputs
        given = [(table.ctypes.data, table[0].nbytes) for table in self._tables]
        scratch = np.empty(_scratch(program, kernel))
        for group in self._left:
            if stopped():
                return
            first, last = group * lanes, min((group + 1) * lanes, self.people)
            whole = last - first == lanes
            own = self._results[first:last] if whole else np.empty((lanes, rows, outputs))
            values, constants, modal, control = [start + group * size for start, size in given]
            status = kernel.run(
                operations, count, moments, values, constants, modal, structures, lanes, output_times,
                output_rows, own.ctypes.data, each, control, scratch.ctypes.data,
            )  # fmt: skip
            if not whole:
                self._results[first:last] = own[: last - first]
            self._fine[first:last] = status == contract.FINISHED and _defined(self._results[first:last])

    def results(self) -> ProgramResults:
        """What came of it; who was not run counts as failed."""
        lanes = self._kernel.lanes
        counts = np.zeros((self.people, len(COUNTS)), np.int64)
        counts[::lanes, :2] = self._controls[:, [contract.STEPS, contract.REJECTED]]
        counts[:, 3], counts[::lanes, 4] = lanes, 1
        return ProgramResults(self._times, self._results, counts, self._fine)


def run_program(
    kernel: Kernel,
    program: Program,
    tolerance: float,
    columns: slice | None = None,
    room: Array | None = None,
) -> ProgramResults:
    """Run a program here and now; see ``ProgramRun``."""
    run = ProgramRun(kernel, program, tolerance, columns, room)
    run.work()
    return run.results()


def _controls(groups: int, tolerance: float) -> Array:
    """What each group's steps are controlled by."""
    controls = np.zeros((groups, contract.CONTROLS))
    controls[:, contract.RELATIVE], controls[:, contract.ABSOLUTE] = tolerance, tolerance * 1e-2
    controls[:, contract.MOST_STEPS], controls[:, contract.WATCH] = MOST_STEPS, 1.0
    return controls


def _defined(values: Array) -> NDArray[np.bool_]:
    """Who has outputs (people, rows, outputs) without an undefined one."""
    if np.isnan(values.max(initial=0.0)):  # the quickest way to see that there is one
        return np.asarray(~np.isnan(values).any(axis=(1, 2)))
    return np.ones(len(values), bool)


def _scratch(program: Program, kernel: Kernel) -> int:
    most = int(program.operations.reshape(-1, WIDTH)[:, 4].max(initial=0))
    return max(most * len(kernel.derivation.system.nonlinear), 1) * kernel.lanes
