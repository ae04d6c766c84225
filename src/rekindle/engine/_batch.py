"""Running a batch of people with one schedule in lanes; whoever cannot is handed to the general driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import _stepper as stepper
from rekindle.engine._kernel import WIDTH, Kernel
from rekindle.engine._program import ExcludedError, PartedError, Program, compile_program
from rekindle.engine._subject import Subject, SubjectResult

if TYPE_CHECKING:
    from rekindle.engine.gpu._batch import CardKernel

Array = NDArray[np.float64]

MOST_STEPS = 1_000_000


def run_batch(
    kernel: Kernel | CardKernel,
    subjects: Sequence[Subject],
    tolerance: float,
    run: Callable[[Program, float], list[SubjectResult | None]],
) -> list[SubjectResult | None]:
    """Run people with one schedule; None for those whom the general driver has to run.

    Args:
        kernel: whose equations.
        subjects: the people.
        tolerance: relative tolerance.
        run: carries out a program with that kernel.
    """
    results: list[SubjectResult | None] = [None] * len(subjects)
    waiting = [np.arange(len(subjects))]
    while waiting:
        places = waiting.pop()
        chosen = [subjects[int(place)] for place in places]
        try:
            program = compile_program(kernel.derivation, kernel.matrix, chosen)
        except PartedError as parted:
            waiting += [places[parted.labels == label] for label in range(int(parted.labels.max()) + 1)]
            continue
        except ExcludedError as refused:
            if not refused.excluded.all():
                waiting.append(places[~refused.excluded])
            continue
        for place, result in zip(places, run(program, tolerance), strict=True):
            results[place] = result
    return results


def run_program(kernel: Kernel, program: Program, tolerance: float) -> list[SubjectResult | None]:
    """Run a program, one lane group after the other; a group that fails is left to the general driver."""
    lanes, people = kernel.lanes, program.constants.shape[1]
    padded = -(-people // lanes) * lanes
    spread = np.minimum(np.arange(padded), people - 1)
    tables = (program.values, program.constants, program.modal)
    arrays = [np.ascontiguousarray(table[:, spread]) for table in tables]
    derivation = kernel.derivation
    outputs, rows = len(derivation.outputs), len(program.times)
    results = np.empty((padded, rows, outputs))
    moves = program.operations.reshape(-1, WIDTH)
    most = int(moves[:, 4].max(initial=0))
    scratch = np.empty(max(most * len(derivation.system.nonlinear), 1) * lanes)
    found: list[SubjectResult | None] = []
    for start in range(0, padded, lanes):
        control = np.zeros(stepper.CONTROLS)
        control[stepper.RELATIVE], control[stepper.ABSOLUTE] = tolerance, tolerance * 1e-2
        control[stepper.MOST_STEPS], control[stepper.WATCH] = MOST_STEPS, 1.0
        values, constants, modal = (table.ctypes.data + 8 * start for table in arrays)
        status = kernel.run(
            program.operations.ctypes.data, len(program.operations), program.moments.ctypes.data, values,
            constants, modal, program.structures.ctypes.data, padded, program.output_times.ctypes.data,
            program.output_rows.ctypes.data, results[start:].ctypes.data, rows * outputs, control.ctypes.data,
            scratch.ctypes.data,
        )  # fmt: skip
        members = range(start, min(start + lanes, people))
        counts = int(control[stepper.STEPS]), int(control[stepper.REJECTED]), 0, lanes, 1
        for place in members:
            own = results[place]
            if status != stepper.FINISHED or np.isnan(own).any():
                found.append(None)
                continue
            found.append(
                SubjectResult(program.times, own, *(counts if place == start else (0, 0, 0, lanes, 0)))
            )
    return found
