"""libroadrunner: the SBML document that we export, compiled by LLVM, CVODE inside; restarted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks._equations import Array
from benchmarks._workload import Workload
from rekindle.modelling import to_sbml


def prepare(workload: Workload) -> Any:
    """Compile; returns ``run(people, tolerance)``."""
    import roadrunner

    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_ERROR)
    # The doses stand in the document so that the rates of infusion exist; none of their events is reached,
    # because the time of the document is set back to zero at every segment.
    doses = [{**dose, "time": 1e9} for dose in workload.doses]
    runner = roadrunner.RoadRunner(to_sbml(workload.model, events=doses))
    runner.timeCourseSelections = ["time", *workload.states]
    integrator = runner.getIntegrator()
    integrator.setValue("maximum_num_steps", 1_000_000)
    count, keep = len(workload.times), len(workload.states)
    grids = [np.unique([s.start, *s.times, s.end]) - s.start for s in workload.segments]

    def person(values: Array) -> Array:
        runner.reset(roadrunner.SelectionRecord.ALL)
        for name, value in zip(workload.varied, values, strict=True):
            runner[name] = float(value)
        result, row = np.full((count, keep), np.nan), 0
        for segment, grid in zip(workload.segments, grids, strict=True):
            for state, rate in segment.rates.items():
                runner[f"infusion_{state}"] = rate
            found = runner.simulate(times=grid)
            size = len(segment.times)
            result[row : row + size] = found[1 : size + 1, 1:]
            row += size
        return result

    def run(people: Array, tolerance: float) -> Array:
        integrator.setValue("relative_tolerance", tolerance)
        integrator.setValue("absolute_tolerance", tolerance * 0.01)
        return np.stack([person(values) for values in people])

    return run
