"""Running the people of a batch in lanes, with their outputs written where they belong."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.program._kernel import Kernel
from rekindle.engine.program._operations import WIDTH
from rekindle.engine.program._program import Program
from rekindle.engine.rodas import _stepper as stepper
from rekindle.engine.running._outcomes import COUNTS, Outcomes, ProgramResults

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

MOST_STEPS = 1_000_000

#: Carries out the columns of a program, with room for the results or None.
Run = Callable[[Program, float, slice, Array | None], ProgramResults]


def run_batch(
    work: Iterable[tuple[Whole, Program, slice]], tolerance: float, run: Run, found: Outcomes
) -> NDArray[np.bool_]:
    """Run people with one schedule; return who has a result, the general driver has to run the others.

    Args:
        work: positions in ``found``, their program and its columns.
        tolerance: relative tolerance.
        run: carries out a program.
        found: takes the results.
    """
    fine, values = np.zeros(len(found), bool), found.together()
    for places, program, columns in work:
        beside = len(places) and places[-1] - places[0] == len(places) - 1
        room = values[places[0] : places[-1] + 1] if beside else None
        results = run(program, tolerance, columns, room)
        if results.values is not room:
            values[places] = results.values
        found.counts[places], fine[places] = results.counts, results.fine
    return fine


def run_program(
    kernel: Kernel,
    program: Program,
    tolerance: float,
    columns: slice | None = None,
    room: Array | None = None,
) -> ProgramResults:
    """Run a program, one lane group after the other; a group that fails is left to the general driver.

    Args:
        kernel: carries it out.
        program: for people in columns.
        tolerance: relative tolerance.
        columns: which of them; None for all.
        room: where the results (people, rows, outputs) are written; None for new memory.
    """
    lanes = kernel.lanes
    columns = columns or slice(0, program.constants.shape[1])
    people = columns.stop - columns.start
    groups, tables = -(-people // lanes), program.by_group(columns, lanes)
    outputs, rows = len(kernel.derivation.outputs), len(program.times)
    results = np.empty((people, rows, outputs)) if room is None else room
    rest = results if people == groups * lanes else np.empty((lanes, rows, outputs))
    shared = (program.operations, program.moments, program.structures, program.output_times)
    operations, moments, structures, output_times = (table.ctypes.data for table in shared)
    count, output_rows, each = len(program.operations), program.output_rows.ctypes.data, rows * outputs
    controls = _controls(groups, tolerance)
    given = [(table.ctypes.data, table[0].nbytes) for table in (*tables, controls)]
    scratch = np.empty(_scratch(program, kernel))
    fine = np.zeros(people, bool)
    for group in range(groups):
        first, last = group * lanes, min((group + 1) * lanes, people)
        own = results[first:last] if last - first == lanes else rest
        values, constants, modal, control = [start + group * size for start, size in given]
        status = kernel.run(
            operations, count, moments, values, constants, modal, structures, lanes, output_times,
            output_rows, own.ctypes.data, each, control, scratch.ctypes.data,
        )  # fmt: skip
        if own is rest:
            results[first:last] = rest[: last - first]
        fine[first:last] = status == stepper.FINISHED and _defined(results[first:last])
    counts = np.zeros((people, len(COUNTS)), np.int64)
    counts[::lanes, :2] = controls[:, [stepper.STEPS, stepper.REJECTED]]
    counts[:, 3], counts[::lanes, 4] = lanes, 1
    return ProgramResults(program.times, results, counts, fine)


def _controls(groups: int, tolerance: float) -> Array:
    """What each group's steps are controlled by."""
    controls = np.zeros((groups, stepper.CONTROLS))
    controls[:, stepper.RELATIVE], controls[:, stepper.ABSOLUTE] = tolerance, tolerance * 1e-2
    controls[:, stepper.MOST_STEPS], controls[:, stepper.WATCH] = MOST_STEPS, 1.0
    return controls


def _defined(values: Array) -> NDArray[np.bool_]:
    """Who has outputs (people, rows, outputs) without an undefined one."""
    if np.isnan(values.max(initial=0.0)):  # the quickest way to see that there is one
        return np.asarray(~np.isnan(values).any(axis=(1, 2)))
    return np.ones(len(values), bool)


def _scratch(program: Program, kernel: Kernel) -> int:
    most = int(program.operations.reshape(-1, WIDTH)[:, 4].max(initial=0))
    return max(most * len(kernel.derivation.system.nonlinear), 1) * kernel.lanes
