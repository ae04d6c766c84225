"""COPASI through basico: the SBML document that we export, doses as its events, LSODA inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks._equations import Array
from benchmarks._workload import Workload
from rekindle.modelling import to_sbml


def prepare(workload: Workload) -> Any:
    """Read the document; returns ``run(people, tolerance)``."""
    import basico

    basico.load_model_from_string(to_sbml(workload.model, events=list(workload.doses)))
    table = basico.get_parameters()
    shown = {identifier: name for name, identifier in table["sbml_id"].items()}
    times = [0.0, *map(float, workload.times)]
    states = list(workload.states)

    def person(values: Array, tolerance: float) -> Array:
        for name, value in zip(workload.varied, values, strict=True):
            basico.set_parameters(shown[name], exact=True, initial_value=float(value))
        frame = basico.run_time_course(
            values=times, start_time=0.0, use_initial_values=True, use_sbml_id=True, output_event=False,
            method="deterministic", r_tol=tolerance, a_tol=tolerance * 0.01, max_steps=10_000_000,
        )  # fmt: skip
        places = np.searchsorted(frame.index.to_numpy(), np.asarray(times[1:]) - 1e-9)
        return np.asarray(frame[states].to_numpy()[places], dtype=float)

    def run(people: Array, tolerance: float) -> Array:
        return np.stack([person(values, tolerance) for values in people])

    return run
