"""Engines of others that read the SBML that we export."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

CONSTANT = re.compile(r'<parameter id="([^"]+)"[^>]*? value="([^"]+)"')


def identifiers(names: Any, known: Any) -> dict[str, str]:
    """Name of each output in the document: an output may share the name of a state it does not equal."""
    return {name: f"output_{name}" if f"output_{name}" in known else name for name in names}


def run_in_roadrunner(times: np.ndarray, names: Any, sbml: str) -> dict[str, np.ndarray]:
    """Outputs by name (times,), relative tolerance 1e-10."""
    import roadrunner

    runner = roadrunner.RoadRunner(sbml)
    integrator = runner.integrator
    integrator.relative_tolerance = 1e-10
    # One number would be multiplied by the present value of each state, so that states near 0 have none.
    integrator.setValue("absolute_tolerance", [1e-12] * len(integrator.getAbsoluteToleranceVector()))
    integrator.maximum_num_steps = 100_000
    known = identifiers(names, set(runner.model.getGlobalParameterIds()))
    found = runner.simulate(times=[0.0, *times], selections=["time", *known.values()])
    return {name: found[1:, column] for column, name in enumerate(known, start=1)}


def run_in_copasi(times: np.ndarray, names: Any, sbml: str) -> dict[str, np.ndarray]:
    """Outputs by name (times,), relative tolerance 1e-11."""
    import basico

    model = basico.load_model_from_string(sbml)
    found = basico.run_time_course(
        values=[0.0, *times], start_time=0, r_tol=1e-11, a_tol=1e-14, max_steps=1_000_000,
        use_sbml_id=True, model=model,
    )  # fmt: skip
    basico.remove_datamodel(model)
    # Quantities that never change are constants to COPASI, and not part of a time course.
    constant = {match[1]: float(match[2]) for match in CONSTANT.finditer(sbml)}
    rows = len(times)
    return {
        name: found[column].to_numpy()[1:] if column in found else np.full(rows, constant[column])
        for name, column in identifiers(names, {*found, *constant}).items()
    }
