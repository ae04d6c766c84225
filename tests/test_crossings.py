"""Events that a comparison of states fires: closed forms, every solver, SBML both ways, derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest

import rekindle
from rekindle.engine import sensitivities
from rekindle.errors import ModelError, SolverError
from rekindle.modelling import describe, to_sbml

SOLVERS = ("auto", "L1", "L2", "driver")

TOP_UP = """
model top_up "a bolus whenever little is left"
time [h]
parameter k [1/h] = 0.1
parameter limit [mg] = 50
parameter amount [mg] = 60
state A [mg] ; state given [1] ; state last [h] = -1
d/dt(A) = -k*A
d/dt(given) = 0[1/h]
d/dt(last) = 0[1]
when A < limit "give again" as again: A <- A + amount, given <- given + 1, last <- time
output amount_left [mg] = A
output number [1] = given
output last_time [h] = last
"""

COUNT = """
model count
time [h]
parameter limit [mg] = 0
state A [mg] ; state n [1]
d/dt(A) = -0.1[1/h]*A
d/dt(n) = 0[1/h]
when A {sign} limit as reached: n <- n + 1
output number [1] = n
"""


def doses(model, *amounts):
    rows = [{"ID": i, "TIME": 0, "AMT": amount, "CMT": "A"} for i, amount in enumerate(amounts)]
    return rekindle.EventTable.from_rows(rows, model)


def moments(start, k=0.1, limit=50.0, amount=60.0, end=60.0):
    """When the top-ups are due: each wait is the logarithm of what is there over what is allowed."""
    time, found = math.log(start / limit) / k, []
    while time < end:
        found.append(time)
        time += math.log((limit + amount) / limit) / k
    return found


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_top_up_comes_when_the_closed_form_says(solver):
    model, amounts = rekindle.load_model(TOP_UP), [100.0, 120.0, 77.0]
    times = [0.0, 7.0, 15.0, 33.0, 60.0]
    found = rekindle.simulate(model, doses(model, *amounts), times=times, solver=solver, tolerance=1e-8)
    for row, amount in enumerate(amounts):
        due = moments(amount)
        for column, time in enumerate(times):
            past = [moment for moment in due if moment < time]
            assert found["number"][row, column] == len(past)
            assert found["last_time"][row, column] == pytest.approx(past[-1] if past else -1.0, abs=1e-6)
            left = amount * math.exp(-0.1 * time) + sum(60.0 * math.exp(-0.1 * (time - p)) for p in past)
            assert found["amount_left"][row, column] == pytest.approx(left, rel=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("sign", "dose", "limit", "expected"),
    [
        (">", 0.0, 0.0, 0),  # equal at the start is not more
        (">=", 0.0, 0.0, 1),  # true at the start
        ("<", 100.0, 0.0, 0),
        ("<", 100.0, 50.0, 2),  # before the dose, and when it has been eliminated
        ("<=", 0.0, 0.0, 1),
        (">", 100.0, 50.0, 1),  # the dose itself makes it true
        (">", 100.0, 120.0, 0),
    ],
)
def test_what_fires_at_the_start_and_at_a_dose(sign, dose, limit, expected, solver):
    model = rekindle.load_model(COUNT.format(sign=sign)).with_parameters(limit=limit)
    events = rekindle.EventTable.from_rows(
        [
            {"ID": 1, "TIME": 0, "EVID": 2},
            {"ID": 1, "TIME": 2, "AMT": dose, "CMT": "A"} if dose else {"ID": 1, "TIME": 2, "EVID": 2},
        ],
        model,
    )
    found = rekindle.simulate(model, events, times=[1.0, 3.0, 40.0], solver=solver)
    assert found["number"][0, -1] == expected


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_turn_of_an_oscillation_counts_while_its_condition_holds(solver):
    model = rekindle.load_model("""
    model swing
    time [h]
    state x [1] = 1 ; state v [1] ; state ups [1] ; state late [1]
    d/dt(x) = v*1[1/h]
    d/dt(v) = -x*1[1/h]
    d/dt(ups) = 0[1/h]
    d/dt(late) = 0[1/h]
    when x > 0.5 as up: ups <- ups + 1
    when x > 0.5 if time > 20[h] as up_late: late <- late + 1
    output ups_ [1] = ups
    output late_ [1] = late
    """)
    events = rekindle.EventTable.from_rows([{"ID": 1, "TIME": 0, "EVID": 2}], model)
    turns = [2 * math.pi * n - math.pi / 3 for n in range(1, 9)]
    grid = [0.0, *(t + 1e-4 * sign for t in turns for sign in (-1, 1))]
    found = rekindle.simulate(model, events, times=grid, solver=solver)
    # True at the start, and once in every turn.
    assert found["ups_"][0].round(9).tolist() == [1 + sum(t < time for t in turns) for time in grid]
    assert found["late_"][0].round(9).tolist() == [sum(20 < t < time for t in turns) for time in grid]


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_record_can_make_it_true(solver):
    model = rekindle.load_model("""
    model level
    time [h]
    covariate low [mg] = 10 in 0 to 100 carry locf
    state A [mg] = 50 ; state when_ [h] = -1
    d/dt(A) = -0.01[1/h]*A
    d/dt(when_) = 0[1]
    when A < low as below: when_ <- time
    output moment [h] = when_
    """)
    rows = [{"ID": 1, "TIME": 0, "EVID": 2, "low": 10}, {"ID": 1, "TIME": 5, "EVID": 2, "low": 60}]
    events = rekindle.EventTable.from_rows(rows, model)
    found = rekindle.simulate(model, events, times=[4.0, 6.0], solver=solver)
    assert found["moment"][0].tolist() == [-1.0, 5.0]


@pytest.mark.parametrize("solver", ["L1", "driver"])
def test_an_event_without_end_is_an_error_that_names_it(solver):
    text = TOP_UP.replace("A <- A + amount", "A <- limit*(1 + 1e-13)")
    model = rekindle.load_model(text)
    with pytest.raises(SolverError, match=r"RK-SOL-036.*again"):
        rekindle.simulate(model, doses(model, 100.0), times=[60.0], solver=solver)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("when A == limit as e: A <- 0[mg]", "RK-MOD-005"),
        ("when A as e: A <- 0[mg]", "RK-MOD-005"),
        ("when A > limit and A > 3[mg] as e: A <- 0[mg]", "RK-MOD-005"),
        ("when A > limit: A <- 0[mg]", "RK-MOD-005"),
        ("when A > 3[h] as e: A <- 0[mg]", "RK-MOD-016"),
        ("when 3 > 2 as e: A <- 0[mg]", "RK-MOD-037"),
        ("when A > limit as again: A <- 0[mg]", "RK-MOD-009"),
        ("when A > limit as e: B <- 0[mg]", "RK-MOD-011"),
    ],
)
def test_bad_events_are_refused_with_their_place(line, code):
    with pytest.raises(ModelError, match=code) as caught:
        rekindle.load_model(TOP_UP + line + "\n")
    assert caught.value.line == TOP_UP.count("\n") + 1


def test_the_description_writes_the_event_as_it_was_read():
    shown = describe(rekindle.load_model(TOP_UP))
    assert 'when A < limit "give again" as again: A <- A + amount, given <- given + 1, last <- time' in shown


def test_exported_events_happen_in_libroadrunner_at_the_same_times():
    roadrunner = pytest.importorskip("roadrunner")
    model = rekindle.load_model(TOP_UP.replace("state A [mg] ;", "state A [mg] = 100 ;"))
    runner = roadrunner.RoadRunner(to_sbml(model))
    runner.integrator.setValue("relative_tolerance", 1e-10)
    runner.integrator.setValue("maximum_time_step", 0.5)
    runner.timeCourseSelections = ["time", "A", "given", "last"]
    theirs = np.asarray(runner.simulate(0, 60, 121))
    events = rekindle.EventTable.from_rows([{"ID": 1, "TIME": 0, "EVID": 2}], model)
    ours = rekindle.simulate(model, events, times=theirs[:, 0], tolerance=1e-9)
    assert np.array_equal(theirs[:, 2], ours["number"][0])
    assert np.allclose(theirs[:, 1], ours["amount_left"][0], rtol=1e-6)
    assert np.allclose(theirs[:, 3], ours["last_time"][0], atol=1e-5)


@pytest.mark.parametrize("parameter", ["k", "limit", "amount"])
def test_derivatives_run_through_the_moment_of_an_event(parameter):
    model = rekindle.load_model(TOP_UP)
    events, times = doses(model, 100.0), [3.0, 9.0, 20.0, 35.0]
    found = sensitivities(
        model,
        events,
        with_respect_to=[parameter],
        outputs=["amount_left", "last_time"],
        times=times,
        tolerance=1e-9,
    )
    width = model.parameters[parameter].value * 1e-4
    sides = [
        rekindle.simulate(
            model.with_parameters(**{parameter: model.parameters[parameter].value + sign * width}),
            events, times=times, tolerance=1e-11, solver="L1",
        )
        for sign in (-1, 1)
    ]  # fmt: skip
    for output in ("amount_left", "last_time"):
        low, high = (side[output][0] for side in sides)
        assert found.of(output, parameter)[0] == pytest.approx((high - low) / (2 * width), rel=1e-4, abs=1e-6)
