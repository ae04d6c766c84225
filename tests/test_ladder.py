"""The solver ladder: choice, equal numbers by each, orders, peaks, and estimates of the error."""

import numpy as np
import pytest

import rekindle
from rekindle.errors import SolverError

LADDER = ("L2", "L1'", "L1", "driver")

NONLINEAR = """
model saturable
time [h]
parameter vmax [mg/h] = 4
parameter ka [1/h] = 0.9
state depot [mg]
state central [mg]
state effect [1]
state worst [1]
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - vmax*central/(10[mg] + central)
d/dt(effect) = 0.4[1/h]*(hill(central, 12[mg], 2) - effect)
d/dt(worst) = -0.01[1/h]*worst
when peak(effect): worst <- effect
output c [mg] = central
output e [1] = effect
output w [1] = worst
"""
LINEAR = """
model absorbed
time [h]
parameter ka [1/h] = 0.9
parameter k [1/h] = 0.2
state depot [mg]
state central [mg]
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - k*central
output c [mg] = central
"""


def dosed(model, count=9, state="depot"):
    rows = [
        {"ID": i, "TIME": 24 * k, "AMT": 30 + 4 * i, "CMT": state} for i in range(count) for k in range(3)
    ]
    return rekindle.EventTable.from_rows(rows, model)


@pytest.fixture(scope="module")
def exact():
    model = rekindle.load_model(NONLINEAR)
    times = np.linspace(0, 72, 50)
    return model, times, rekindle.simulate(model, dosed(model), times=times, tolerance=1e-11, solver="L1")


# ---- choice ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["auto", *LADDER])
def test_every_choice_gives_the_same_numbers(exact, solver):
    model, times, tight = exact
    found = rekindle.simulate(model, dosed(model), times=times, tolerance=1e-8, solver=solver)
    for name in model.outputs:
        np.testing.assert_allclose(found[name], tight[name], rtol=1e-6, atol=1e-7, err_msg=name)
    named = {"auto": "L2", "driver": "L1'"}.get(solver, solver)
    assert found.solver.solver == named
    assert found.solver.reason == {
        "auto": "0 of 4 states are in feedback loops; kinks left to the step control: 1",
        "driver": '"driver" was asked for',
    }.get(solver, "as asked for")
    assert f"{named}: {found.solver.reason}" in str(found.solver)


@pytest.mark.parametrize("solver", ["auto", "L0", *LADDER])
def test_every_choice_solves_a_linear_model(solver):
    model = rekindle.load_model(LINEAR)
    times = np.linspace(0, 20, 21)
    events = rekindle.EventTable.from_rows([{"ID": 1, "TIME": 0, "AMT": 50, "CMT": "depot"}], model)
    found = rekindle.simulate(model, events, times=times, tolerance=1e-9, solver=solver)
    closed = 50 * 0.9 / 0.7 * (np.exp(-0.2 * times) - np.exp(-0.9 * times))
    np.testing.assert_allclose(found["c"][0], closed, rtol=1e-8, atol=1e-8)
    assert found.solver.solver == ("L1" if solver == "L1" else "L0")


def test_what_the_model_does_not_permit_is_refused(exact):
    model, times, _ = exact
    with pytest.raises(SolverError, match=r"not solved exactly: central, effect.*auto") as caught:
        rekindle.simulate(model, dosed(model), times=times, solver="L0")
    assert caught.value.code == "RK-SOL-021"
    moving = rekindle.load_model(
        NONLINEAR.replace(
            "state depot", "covariate size [1] = 1 in 0 to 9 carry linear\nstate depot"
        ).replace("vmax*central", "vmax*size*central")
    )
    rows = [
        {"ID": 1, "TIME": 0, "AMT": 30, "CMT": "depot", "size": 1},
        {"ID": 1, "TIME": 50, "EVID": 2, "size": 2},
    ]
    events = rekindle.EventTable.from_rows(rows, moving)
    with pytest.raises(SolverError, match="covariates move between records: size"):
        rekindle.simulate(moving, events, times=times, solver="L2")
    free = rekindle.simulate(moving, events, times=times)
    assert (free.solver.solver, free.solver.alone) == ("L1'", 1)
    assert free.solver.reason == "covariates move between records: size"


# ---- order ----------------------------------------------------------------------------------------

DRIVEN = """
model driven
time [h]
parameter k [1/h] = 1
state fuel [1] = 1
state fire [1] = 0.5
d/dt(fuel) = -k*fuel
d/dt(fire) = 2[1/h]*(fuel - 0.4)*fire
output y [1] = fire
"""


@pytest.mark.parametrize(("solver", "least", "most"), [
    ("L1", 4.4, 6.2), ("L1'", 4.4, 6.2), ("driver", 4.4, 6.2), ("L2", 6.5, 14.0),
])  # fmt: skip
def test_error_falls_with_the_order_of_the_method(solver, least, most):
    """Errors at the end of the interval against the number of steps; steps inside may be of order 8 in L2."""
    model = rekindle.load_model(DRIVEN)
    events = rekindle.EventTable.from_rows([{"ID": 1, "TIME": 0, "EVID": 0}], model)
    times = np.linspace(0.0, 6.0, 61)
    closed = 0.5 * np.exp(2 * (1 - np.exp(-times)) - 0.8 * times)
    errors, steps = [], []
    for tolerance in (1e-4, 1e-6, 1e-8, 1e-10):
        found = rekindle.simulate(model, events, times=times, tolerance=tolerance, solver=solver)
        errors.append(np.abs(found["y"][0] - closed).max())
        steps.append(found.solver.steps)
        assert errors[-1] < 20 * tolerance
    order = np.log(errors[0] / errors[-1]) / np.log(steps[-1] / steps[0])
    assert least < order < most


# ---- peaks ----------------------------------------------------------------------------------------

SINKING = """
model sinking
time [h]
parameter phase [h] = 0
state height [1] = 1
state count [1]
state moment [h]
state level [1]
clock = (time - phase)/5[h]
d/dt(height) = 3[1/h]*clock*(clock^2 - 1)*(4 - clock^2)*height/(1 + clock^4)/4
d/dt(count) = 0
d/dt(moment) = 0
d/dt(level) = 0.1[1/h]*count*(1 - level) - 0.3[1/h]*level^2
when peak(height): count <- count + 1, moment <- moment + time
output peaks [1] = count
output moments [h] = moment
output l [1] = level
"""


@pytest.mark.parametrize("tolerance", [1e-3, 1e-7])
@pytest.mark.parametrize("solver", LADDER)
def test_no_peak_is_passed_over_by_long_steps(solver, tolerance):
    """The rate of ``height`` has roots at -2, ..., 2 times 5 h from ``phase``;
    peaks are at -2, 0 and 2."""
    model = rekindle.load_model(SINKING)
    events = rekindle.EventTable.from_rows([{"ID": i, "TIME": 0, "EVID": 2} for i in range(11)], model)
    phase = np.linspace(11, 13, 11)
    given = {str(i): {"phase": p} for i, p in enumerate(phase)}
    found = rekindle.simulate(
        model, events, parameters=given, times=[0.0, 30.0], tolerance=tolerance, solver=solver
    )
    assert found["peaks"][:, 1].tolist() == [3.0] * 11
    np.testing.assert_allclose(found["moments"][:, 1], 3 * phase, atol=1e-6)


def test_the_course_after_a_peak_is_as_accurate_as_before(exact):
    model, times, tight = exact
    errors = []
    for tolerance in (1e-5, 1e-7, 1e-9):
        found = rekindle.simulate(model, dosed(model), times=times, tolerance=tolerance, solver="L2")
        errors.append(np.abs(found["w"] - tight["w"]).max())
    assert errors[0] < 1e-4
    assert errors[2] < 1e-8
    assert errors[2] < errors[1] < errors[0]


# ---- error estimates ------------------------------------------------------------------------------

LOGISTIC = """
model growth
time [h]
parameter r [1/h] = 1
parameter first [1] = 0.1
state y [1] = first
d/dt(y) = r*y*(1 - y)
output y_out [1] = y
"""


def grown(solver, tolerance, count=24, **options):
    model = rekindle.load_model(LOGISTIC)
    rng = np.random.default_rng(5)
    r, first = 0.4 + rng.random(count), 0.02 + 0.4 * rng.random(count)
    # Everybody has times of his own, so that nobody shares the steps of another.
    events = rekindle.EventTable.from_rows(
        [{"ID": i, "TIME": 0.01 * i, "EVID": 2} for i in range(count)], model
    )
    given = {str(i): {"r": r[i], "first": first[i]} for i in range(count)}
    times = np.linspace(1.0, 12.0, 45)
    found = rekindle.simulate(
        model, events, parameters=given, times=times, tolerance=tolerance, solver=solver, **options
    )
    age = times[None, :] - 0.01 * np.arange(count)[:, None]
    closed = 1 / (1 + (1 / first - 1)[:, None] * np.exp(-r[:, None] * age))
    true = np.abs(found["y_out"] - closed).max(axis=1) / closed.max(axis=1)
    return found, true


@pytest.mark.parametrize("solver", ["L2", "L1"])
def test_estimated_errors_are_near_the_true_ones(solver):
    """Within a factor of two for nine people of ten, and they follow the tolerance."""
    medians = []
    for tolerance in (1e-4, 1e-6, 1e-8):
        found, true = grown(solver, tolerance, estimate_error=True)
        estimates = np.array(list(found.solver.errors.values()))
        assert list(found.solver.errors) == list(found.ids)
        near = (estimates > true / 2) & (estimates < 2 * true)
        assert near.mean() >= 0.9, np.round(estimates / true, 2)
        medians.append(np.median(estimates))
    assert medians[0] > 20 * medians[1] > 400 * medians[2]


def test_an_estimate_changes_no_number_and_is_kept_in_its_own_folder(tmp_path):
    plain, _ = grown("auto", 1e-6)
    told = []
    found, _ = grown(
        "auto", 1e-6, estimate_error=True, checkpoint=tmp_path, progress=lambda *done: told.append(done)
    )
    assert np.array_equal(plain.rows, found.rows)
    assert (plain.solver.errors, told[0], told[-1]) == ({}, (0, 24), (24, 24))
    assert (12, 24) in told
    assert "estimated error" in str(found.solver)
    again, _ = grown("auto", 1e-6, estimate_error=True, checkpoint=tmp_path)
    assert again.solver.errors == found.solver.errors


def test_an_exact_solution_has_no_error_to_estimate():
    model = rekindle.load_model(LINEAR)
    found = rekindle.simulate(model, dosed(model), times=[1.0, 60.0], estimate_error=True)
    assert set(found.solver.errors.values()) == {0.0}
