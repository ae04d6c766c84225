"""Derivatives of whole models against central differences: the benchmark's workload and published shapes."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks._workload import DERIVATIVES, w1

import rekindle
from central_differences import all_differences, fourth_order
from rekindle.engine import loss_gradient, sensitivities

MODELS = Path(__file__).parent / "data" / "models"
HOURS = np.array([0.2, 0.7, 1.6, 3.1, 5.9, 9.3, 14.7, 25.1, 47.3, 95.9])


def assert_derivatives(model, events, names, times, accuracy, outputs=None, solver=""):
    """Every derivative against central differences of fourth order, by Rodas5P of all states."""
    found = sensitivities(model, events, with_respect_to=names, times=times, tolerance=1e-10, outputs=outputs)
    assert not solver or found.solver.solver == solver
    for name in names:
        wanted = all_differences(model, events, name, times, outputs=outputs)
        own = abs(model.parameters[name].value) if name in model.parameters else 1.0
        for output, slope in wanted.items():
            # The differences carry the errors of the runs, divided by their step.
            size = max(np.abs(slope).max(), 0.1 * np.abs(found.outputs[output]).max() / own) or 1.0
            np.testing.assert_allclose(
                found.of(output, name) / size, slope / size, atol=accuracy, err_msg=f"{output} by {name}"
            )


#: Model -> doses of one person, names to differentiate by, and the solver that is taken.
CASES = {
    "one_compartment": (
        [{"AMT": 90, "CMT": "depot", "ADDL": 2, "II": 20}],
        ["ka", "CL", "V", "F", "wait", "depot"],  # F: bioavailability, wait: lag
        "L2",
    ),
    "three_compartment": (
        [{"AMT": 90, "CMT": "central", "RATE": -2, "ADDL": 1, "II": 30}],
        ["CL", "Q3", "V2", "D1", "slow"],  # D1: duration of the infusion
        "L2",
    ),
    "two_compartment": (
        [{"AMT": 60, "CMT": "central", "DUR": 1.5, "ADDL": 1, "II": 24, "weight": 62}],
        ["CL", "V1", "Q", "effect", "tissue"],  # effect: of the covariate weight
        "L2",
    ),
    "michaelis_menten": (
        [{"AMT": 400, "CMT": "depot", "ADDL": 3, "II": 12}],
        ["Vmax", "Km", "CL", "ka", "central"],
        "L2",
    ),
    "myelosuppression": (
        [{"AMT": 2, "CMT": "central", "DUR": 1.0}],
        ["CL", "base", "mean_time", "feedback", "slope", "maturing_2"],
        "",
    ),
}
WITH_EFFECT = (
    "clearance [L/h] = CL*size^0.75",
    "parameter effect [1] = 0.75\nclearance [L/h] = CL*size^effect",
)


@pytest.mark.parametrize("name", CASES)
def test_models_of_the_literature(name):
    rows, names, solver = CASES[name]
    model = rekindle.load_model((MODELS / f"{name}.model").read_text().replace(*WITH_EFFECT))
    events = rekindle.EventTable.from_rows([{"ID": 1, "TIME": 0, **row} for row in rows], model)
    assert_derivatives(model, events, names, HOURS, accuracy=2e-6, solver=solver)


def test_the_workload_of_the_benchmark():
    workload = w1()
    times = np.array([0.4, 0.9, 5.0, 73.0, 170.0, 260.0])
    assert_derivatives(
        workload.model, workload.event_table(1), [*DERIVATIVES, "mood", "synapse"], times,
        accuracy=2e-6, outputs=["central_S", "hnk_R", "pressure", "mtor", "mood"], solver="L2",
    )  # fmt: skip


def test_one_output_of_the_workload_takes_collocation_too():
    """Tangents of feedback loops are linear in each other and do not count as loops to be swept."""
    workload = w1()
    events = workload.event_table(3)
    common = {"with_respect_to": DERIVATIVES, "times": [50.0, 900.0, 4000.0], "outputs": ["mood"]}
    found = sensitivities(workload.model, events, **common)
    assert found.solver.solver == "L2"
    other = sensitivities(workload.model, events, **common, solver="L1", tolerance=1e-9)
    for name in DERIVATIVES:
        size = np.abs(other.of("mood", name)).max()
        np.testing.assert_allclose(found.of("mood", name), other.of("mood", name), rtol=0, atol=2e-6 * size)


def test_what_cannot_depend_on_a_parameter_is_zero_and_not_solved():
    workload = w1()
    events = workload.event_table(2)
    found = sensitivities(
        workload.model, events, with_respect_to=["K_S", "CL_S"], times=[1.0, 80.0],
        outputs=["central_S", "central_R", "mood"],
    )  # fmt: skip
    assert found.derivatives["central_R"].shape == (2, 2, 2)
    assert not found.derivatives["central_R"].any()
    assert not found.of("central_S", "K_S").any()
    assert found.of("central_S", "CL_S").all()
    assert found.of("mood", "K_S").all()
    assert list(found.derivatives) == ["central_S", "central_R", "mood"]
    gradient = found.gradient({"central_S": np.ones((2, 2)), "central_R": 1.0})
    np.testing.assert_allclose(gradient, [0.0, found.of("central_S", "CL_S").sum()])


def test_the_gradient_of_a_loss_over_several_outputs_and_people():
    """Squares of one output and a logarithm of another, against central differences of the loss."""
    workload = w1()
    events, times = workload.event_table(3), np.array([2.0, 90.0, 500.0, 1500.0])
    own = [dict(zip(workload.varied, row, strict=True)) for row in workload.people(3)]

    def loss(found):
        value = ((found["mood"] + 0.5) ** 2).sum() + np.log(found["inflammation"]).sum()
        return float(value), {"mood": 2 * (found["mood"] + 0.5), "inflammation": 1 / found["inflammation"]}

    names = ["k_prune", "g_bdnf", "V2", "tau_mood"]
    common = {"times": times, "outputs": ["mood", "inflammation"], "tolerance": 1e-10}
    people = {str(i): values for i, values in enumerate(own)}
    value, gradient = loss_gradient(
        workload.model, events, loss=loss, with_respect_to=names, parameters=people, **common
    )
    assert value == pytest.approx(
        loss(rekindle.simulate(workload.model, events, parameters=people, **common))[0], rel=1e-9
    )
    for name, slope in zip(names, gradient, strict=True):
        base = workload.model.parameters[name].value
        step, at = 1e-4 * base, {}
        for multiple in (-2, -1, 1, 2):
            moved = {
                person: {**values, name: values.get(name, base) + multiple * step}
                for person, values in people.items()
            }
            at[multiple] = loss(rekindle.simulate(workload.model, events, parameters=moved, **common))[0]
        wanted = fourth_order(at[-2], at[-1], at[1], at[2], step)
        assert slope == pytest.approx(wanted, rel=1e-6, abs=1e-9)
