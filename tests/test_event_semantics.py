"""Every rule of the event conventions against a closed form, for the exact and for the general solver."""

import numpy as np
import pytest

import rekindle
from rekindle.engine.driver._subject import Subject, run_subject
from rekindle.engine.running import _job
from rekindle.errors import EventError, SolverError

K, KA = 0.3, 1.1

TEXT = """
model one_compartment
time [h]
parameter k [1/h] = 0.3
parameter ka [1/h] = 1.1
parameter F1 [1] = 1
parameter lag1 [h] = 0
parameter D1 [h] = 2
parameter R1 [mg/h] = 20
covariate size [1] = 1
state depot [mg]
state central [mg]
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - k*size*central
bioavailability(central) = F1
bioavailability(depot) = 0.5
lag(central) = lag1
duration(central) = D1
rate(central) = R1
output amount [mg] = central
output gut [mg] = depot
output inflow [mg/h] = infusion(central)
"""


@pytest.fixture(scope="module")
def model():
    return rekindle.load_model(TEXT)


@pytest.fixture(params=["exact", "driver", "general"])
def run(request, model):
    """Amounts in `central` at times: exactly in lanes and by the driver, and with every state stepped."""

    def solve(rows, times, carry=None, output="amount", **parameters):
        table = rekindle.EventTable.from_rows([{"ID": 1, **row} for row in rows], model, carry=carry)
        if request.param != "general":
            solver = {"exact": "auto"}.get(request.param, request.param)
            found = rekindle.simulate(
                model, table, parameters=parameters, times=times, outputs=[output], solver=solver
            )
            return found[output][0]
        ramps = tuple(name for name, rule in table.carry.items() if rule == "linear")
        compiled = _job._compile(model, (output,), ramps, exact_linear=False)
        assert not compiled.system.linear
        values = [[parameters.get(name, p.value) for name, p in model.parameters.items()]]
        subject = Subject("1", table.subjects["1"], np.array(values), np.asarray(times, float), table.carry)
        return run_subject(compiled, subject, 1e-10).values[:, 0]

    return solve


def bolus(t, amount=100.0):
    return np.where(t >= 0, amount * np.exp(-K * np.maximum(t, 0)), 0.0)


def infusion(t, rate, length):
    t = np.asarray(t, float)
    during = rate / K * (1 - np.exp(-K * np.clip(t, 0, length)))
    return during * np.exp(-K * np.maximum(t - length, 0))


TIMES = np.array([0.0, 0.5, 1.0, 2.0, 3.5, 5.0, 9.0, 13.0, 20.0])
CLOSE = {"rtol": 2e-8, "atol": 1e-9}


def test_bolus_and_first_order_absorption(run):
    rows = [{"TIME": 0, "AMT": 100, "CMT": "central", "RATE": 0}, {"TIME": 1, "AMT": 40, "CMT": "depot"}]
    s = np.maximum(TIMES - 1, 0)
    absorbed = 20 * KA / (KA - K) * (np.exp(-K * s) - np.exp(-KA * s))
    np.testing.assert_allclose(run(rows, TIMES), bolus(TIMES) + absorbed, **CLOSE)


def test_bioavailability_keeps_the_rate_and_changes_the_duration(run):
    rows = [{"TIME": 0, "AMT": 100, "RATE": 25, "CMT": "central"}]
    np.testing.assert_allclose(run(rows, TIMES, F1=0.6), infusion(TIMES, 25, 0.6 * 100 / 25), **CLOSE)


def test_given_duration_changes_the_rate(run):
    rows = [{"TIME": 0, "AMT": 100, "DUR": 4, "CMT": "central"}]
    np.testing.assert_allclose(run(rows, TIMES, F1=0.6), infusion(TIMES, 15, 4), **CLOSE)


def test_modelled_duration(run):
    rows = [{"TIME": 0, "AMT": 100, "RATE": -2, "CMT": 2}]
    np.testing.assert_allclose(run(rows, TIMES, F1=0.6, D1=3), infusion(TIMES, 20, 3), **CLOSE)


def test_modelled_rate(run):
    rows = [{"TIME": 0, "AMT": 100, "RATE": -1, "CMT": 2}]
    np.testing.assert_allclose(run(rows, TIMES, F1=0.6, R1=30), infusion(TIMES, 30, 2), **CLOSE)


def test_lag_shifts_every_copy(run):
    rows = [{"TIME": 0, "AMT": 100, "RATE": 0, "II": 4, "ADDL": 2, "CMT": "central"}]
    expected = sum(bolus(TIMES - 0.7 - 4 * i) for i in range(3))
    np.testing.assert_allclose(run(rows, TIMES, lag1=0.7), expected, **CLOSE)


def test_lag_does_not_shift_a_reset(run):
    rows = [
        {"TIME": 0, "AMT": 100, "RATE": 0, "CMT": "central"},
        {"TIME": 3, "EVID": 3},
        {"TIME": 3, "AMT": 10, "RATE": 0, "CMT": "central"},
    ]
    expected = np.where(TIMES < 3, bolus(TIMES - 0.7), bolus(TIMES - 3.7, 10))
    np.testing.assert_allclose(run(rows, TIMES, lag1=0.7), expected, **CLOSE)


def steady_bolus(phase, interval, amount=100.0):
    return amount * np.exp(-K * phase) / (1 - np.exp(-K * interval))


def test_steady_state_replaces_then_delivers(run):
    rows = [
        {"TIME": 0, "AMT": 77, "RATE": 0, "CMT": "central"},
        {"TIME": 2, "AMT": 100, "RATE": 0, "II": 8, "SS": 1, "CMT": "central"},
    ]
    expected = np.where(TIMES < 2, bolus(TIMES, 77), steady_bolus(0.0, 8) * np.exp(-K * (TIMES - 2)))
    np.testing.assert_allclose(run(rows, TIMES), expected, **CLOSE)


@pytest.mark.parametrize("lag", [0.7, 11.0])
def test_steady_state_with_lag_is_the_orbit(run, lag):
    rows = [{"TIME": 0, "AMT": 100, "RATE": 0, "II": 8, "SS": 1, "CMT": "central"}]
    start = steady_bolus(8 - lag % 8, 8)
    expected = start * np.exp(-K * TIMES) + bolus(TIMES - lag)
    np.testing.assert_allclose(run(rows, TIMES, lag1=lag), expected, **CLOSE)


@pytest.mark.parametrize("length", [3.0, 20.0, 24.0])
def test_steady_state_of_infusions_longer_than_the_interval(run, length):
    rate, interval, copies = 5.0, 8.0, 60
    rows = [{"TIME": 0, "AMT": rate * length, "RATE": rate, "II": interval, "SS": 1, "CMT": "central"}]
    expected = sum(infusion(TIMES + j * interval, rate, length) for j in range(copies))
    np.testing.assert_allclose(run(rows, TIMES), expected, rtol=1e-7)


def test_steady_state_of_infusions_with_lag(run):
    rows = [{"TIME": 0, "AMT": 100, "RATE": 5, "II": 8, "SS": 1, "CMT": "central"}]
    lag = 3.0
    expected = sum(infusion(TIMES - lag + j * 8, 5, 20) for j in range(60))
    np.testing.assert_allclose(run(rows, TIMES, lag1=lag), expected, rtol=1e-7)


def test_steady_state_of_a_constant_infusion(run):
    rows = [{"TIME": 0, "AMT": 0, "RATE": 6, "SS": 1, "CMT": "central"}]
    np.testing.assert_allclose(run(rows, TIMES), 6 / K * np.exp(-K * TIMES), rtol=1e-7)


def test_adding_a_steady_state(model):
    rows = [
        {"ID": 1, "TIME": 0, "AMT": 50, "RATE": 10, "CMT": "central"},
        {"ID": 1, "TIME": 2, "AMT": 100, "RATE": 50, "II": 8, "SS": 2, "CMT": "central"},
    ]
    table = rekindle.EventTable.from_rows(rows, model)
    got = rekindle.simulate(model, table, times=TIMES)["amount"][0]
    added = sum(infusion(TIMES - 2 + j * 8, 50, 2) for j in range(60))
    np.testing.assert_allclose(got, infusion(TIMES, 10, 5) + np.where(TIMES >= 2, added, 0), rtol=1e-8)


def test_adding_a_steady_state_is_refused_in_a_nonlinear_model():
    model = rekindle.load_model(
        "model m\ntime [h]\nstate C [mg]\nd/dt(C) = -5[mg/h]*C/(2[mg] + C)\noutput A [mg] = C"
    )
    rows = [{"ID": 1, "TIME": 0, "AMT": 1, "II": 8, "SS": 2, "CMT": "C"}]
    with pytest.raises(SolverError, match="RK-SOL-011"):
        rekindle.simulate(model, rekindle.EventTable.from_rows(rows, model), times=[1])


def test_steady_state_of_a_nonlinear_model_is_iterated():
    model = rekindle.load_model(
        "model m\ntime [h]\nstate C [mg]\nd/dt(C) = -5[mg/h]*C/(2[mg] + C)\noutput A [mg] = C"
    )
    rows = [
        {"ID": 1, "TIME": 0, "AMT": 10, "II": 8, "SS": 1, "CMT": "C"},
        {"ID": 2, "TIME": -1600, "AMT": 10, "II": 8, "ADDL": 200, "CMT": "C"},
    ]
    table = rekindle.EventTable.from_rows(rows, model)
    result = rekindle.simulate(model, table, times=[0, 1, 7], tolerance=1e-10)
    np.testing.assert_allclose(result["A"][0], result["A"][1], rtol=1e-7)
    assert result.solver.steady_state_cycles > 1


def test_reset_cancels_infusions_lagged_doses_and_repeats(run):
    rows = [
        {"TIME": 0, "AMT": 100, "RATE": 10, "CMT": "central"},
        {"TIME": 1, "AMT": 30, "RATE": 0, "II": 2, "ADDL": 5, "CMT": "central"},
        {"TIME": 4, "EVID": 3},
    ]
    got = run(rows, [3.9, 4.0, 6.0, 30.0])
    assert got[0] > 30
    np.testing.assert_allclose(got[1:], 0.0, atol=1e-12)


def test_reset_and_dose(run):
    rows = [
        {"TIME": 0, "AMT": 100, "RATE": 0, "CMT": "central"},
        {"TIME": 4, "EVID": 4, "AMT": 30, "RATE": 0, "CMT": "central"},
    ]
    expected = np.where(TIMES < 4, bolus(TIMES), bolus(TIMES - 4, 30))
    np.testing.assert_allclose(run(rows, TIMES), expected, **CLOSE)


def test_steady_state_supersedes_the_reset(run):
    rows = [{"TIME": 4, "EVID": 4, "AMT": 100, "RATE": 0, "II": 8, "SS": 1, "CMT": "central"}]
    expected = np.where(TIMES < 4, 0.0, steady_bolus(0.0, 8) * np.exp(-K * (TIMES - 4)))
    np.testing.assert_allclose(run(rows, TIMES), expected, **CLOSE)


def test_initial_values_come_back_at_a_reset():
    model = rekindle.load_model(
        "model m\ntime [h]\nparameter base [mg] = 7\nstate C [mg] = base\n"
        "d/dt(C) = 0.3[1/h]*(base - C)\noutput A [mg] = C"
    )
    rows = [{"ID": 1, "TIME": 0, "AMT": 5, "CMT": "C"}, {"ID": 1, "TIME": 3, "EVID": 3}]
    result = rekindle.simulate(model, rekindle.EventTable.from_rows(rows, model), times=[0, 2, 3, 9])
    np.testing.assert_allclose(result["A"][0], [12, 7 + 5 * np.exp(-0.6), 7, 7], rtol=1e-12)


def test_the_clock_may_restart_at_a_reset(model):
    rows = [
        {"ID": 1, "TIME": 10, "AMT": 100, "RATE": 0, "CMT": "central"},
        {"ID": 1, "TIME": 12, "EVID": 0},
        {"ID": 1, "TIME": 0, "EVID": 4, "AMT": 50, "RATE": 0, "CMT": "central"},
        {"ID": 1, "TIME": 3, "EVID": 0},
    ]
    result = rekindle.simulate(model, rekindle.EventTable.from_rows(rows, model))
    np.testing.assert_allclose(result["amount"], [100 * np.exp(-2 * K), 50 * np.exp(-3 * K)], rtol=1e-12)
    with pytest.raises(EventError, match="RK-EVT-030"):
        rekindle.simulate(model, rekindle.EventTable.from_rows(rows, model), times=[1])


def test_records_at_one_time_follow_the_table(model):
    rows = [
        {"ID": 1, "TIME": 0, "EVID": 0},
        {"ID": 1, "TIME": 0, "AMT": 100, "RATE": 0, "CMT": "central"},
        {"ID": 1, "TIME": 0, "EVID": 0},
    ]
    result = rekindle.simulate(model, rekindle.EventTable.from_rows(rows, model))
    np.testing.assert_allclose(result["amount"], [0.0, 100.0])


def test_an_ended_infusion_shows_its_left_limit(run):
    rows = [{"TIME": 0, "AMT": 100, "DUR": 40 / 60, "CMT": "central"}]
    np.testing.assert_allclose(
        run(rows, [0.0, 0.2, 2 / 3, 0.7], output="inflow"), [150, 150, 150, 0], rtol=1e-12
    )


def test_overlapping_infusions_add(run):
    rows = [
        {"TIME": 0, "AMT": 30, "DUR": 3, "CMT": "central"},
        {"TIME": 1, "AMT": 40, "DUR": 2, "CMT": "central"},
    ]
    expected = infusion(TIMES, 10, 3) + infusion(TIMES - 1, 20, 2)
    np.testing.assert_allclose(run(rows, TIMES), expected, **CLOSE)


@pytest.mark.parametrize(
    ("rule", "before", "after"), [("locf", 1.0, 2.0), ("nocb", 2.0, 2.0), ("linear", None, 2.0)]
)
def test_carry_rules(run, rule, before, after):
    rows = [
        {"TIME": 0, "AMT": 100, "RATE": 0, "CMT": "central", "size": 1},
        {"TIME": 4, "EVID": 2, "size": 2},
    ]
    times = np.array([0.0, 1.0, 4.0, 6.0])
    exponent = {
        "locf": K * (np.minimum(times, 4) + 2 * np.maximum(times - 4, 0)),
        "nocb": K * 2 * times,
        "linear": K * np.where(times < 4, times + times**2 / 8, 6 + 2 * (times - 4)),
    }[rule]
    np.testing.assert_allclose(run(rows, times, carry={"size": rule}), 100 * np.exp(-exponent), rtol=1e-7)


def test_a_changing_covariate_needs_a_rule(model):
    rows = [{"ID": 1, "TIME": 0, "EVID": 0, "size": 1}, {"ID": 1, "TIME": 1, "EVID": 0, "size": 2}]
    with pytest.raises(EventError, match="RK-EVT-007"):
        rekindle.EventTable.from_rows(rows, model)


def test_the_rule_is_printed_with_the_result(model):
    rows = [{"ID": 1, "TIME": 0, "EVID": 0, "size": 1}]
    table = rekindle.EventTable.from_rows(rows, model, carry={"size": "nocb"})
    assert rekindle.simulate(model, table).carry == {"size": "nocb"}


def test_occasions_switch_parameters(model):
    rows = [
        {"ID": 1, "TIME": 0, "AMT": 100, "RATE": 0, "CMT": "central", "OCC": 1},
        {"ID": 1, "TIME": 10, "AMT": 100, "RATE": 0, "CMT": "central", "OCC": 2},
    ]
    table = rekindle.EventTable.from_rows(rows, model)
    got = rekindle.simulate(model, table, parameters={"k": [0.3, 0.1]}, times=[10, 15])["amount"][0]
    at_ten = 100 * np.exp(-3) + 100
    np.testing.assert_allclose(got, [at_ten, at_ten * np.exp(-0.5)], rtol=1e-12)


def test_time_units_are_converted(model):
    rows = [{"ID": 1, "TIME": 30, "AMT": 100, "RATE": 2, "CMT": "central"}]
    table = rekindle.EventTable.from_rows(rows, model, time_unit="min")
    got = rekindle.simulate(model, table, times=[0.5, 1.0])["amount"][0]
    np.testing.assert_allclose(got, infusion(np.array([0, 0.5]), 120, 100 / 120), rtol=1e-12)


def test_steps_of_one_infusion_show_the_rate_before_the_step(run):
    rows = [
        {"TIME": 0, "AMT": 10, "DUR": 1, "CMT": "central"},
        {"TIME": 1, "AMT": 30, "DUR": 1, "CMT": "central"},
        {"TIME": 2, "AMT": 5, "DUR": 1, "CMT": "central"},
    ]
    got = run(rows, [0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5], output="inflow")
    np.testing.assert_allclose(got, [10, 10, 30, 30, 5, 5, 0], atol=1e-12)
    amounts = run(rows, TIMES)
    expected = infusion(TIMES, 10, 1) + infusion(TIMES - 1, 30, 1) + infusion(TIMES - 2, 5, 1)
    np.testing.assert_allclose(amounts, expected, **CLOSE)


def test_a_dose_that_does_not_state_a_ramp_leaves_it_alone() -> None:
    model = rekindle.load_model(
        "model m\ntime [h]\ncovariate w [1] = 1\nstate A [mg]\nd/dt(A) = 0*A/1[h]\n"
        "output x [1] = w\noutput a [mg] = A"
    )
    ends = [{"ID": 1, "TIME": 0, "EVID": 0, "w": 0}, {"ID": 1, "TIME": 10, "EVID": 0, "w": 10}]
    dose = {"ID": 1, "TIME": 5, "AMT": 1, "CMT": "A"}
    for rows in (ends, [ends[0], dose, ends[1]]):
        events = rekindle.EventTable.from_rows(rows, model, carry={"w": "linear"})
        found = rekindle.simulate(model, events, times=[2.0, 4.0, 5.0, 6.0, 8.0])["x"][0]
        assert found.tolist() == pytest.approx([2.0, 4.0, 5.0, 6.0, 8.0])
