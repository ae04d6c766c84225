"""The exported therapy model runs in libroadrunner to the trajectories of our own engine."""

import numpy as np
import pytest

from rekindle.engine import EventTable, solve
from rekindle.modelling import to_sbml
from rekindle.regimen import parse_regimen
from rekindle.therapy import dose_records, export_events, therapy_model

roadrunner = pytest.importorskip("roadrunner")

NAMES = (
    "ketamine_venous", "norketamine", "hnk", "cadss", "systolic_change", "glutamate_level", "synapses",
    "madrs_latent", "expectancy_level",
)  # fmt: skip


@pytest.mark.parametrize("text", ["ketamine 0.5 mg/kg iv over 40 min, weekly x 2", "esketamine 56 mg nasal"])
def test_libroadrunner_agrees(text):
    model, regimen = therapy_model(), parse_regimen(text)
    # Away from the moments of events, where one of the two reports the left and the other the right limit.
    times = np.unique(np.concatenate([np.linspace(0.011, 4.011, 33), np.linspace(5.011, 240.011, 60)]))
    rows = dose_records(regimen, weight_kg=70.0)
    own = solve(model, EventTable.from_rows(rows, model), times=times, tolerance=1e-10)
    runner = roadrunner.RoadRunner(to_sbml(model, events=export_events(model, regimen, 70.0, "D1")))
    runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = 1e-9, 1e-12
    runner.integrator.maximum_time_step = 0.5
    theirs = runner.simulate(times=[0.0, *times], selections=["time", *NAMES])[1:]
    for column, name in enumerate(NAMES, start=1):
        scale = np.abs(own[name][0]).max()
        np.testing.assert_allclose(
            theirs[:, column], own[name][0], rtol=2e-6, atol=1e-6 * scale, err_msg=name
        )
