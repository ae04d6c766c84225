"""Steps that end where a condition on the time turns over."""

import numpy as np
import pytest

import rekindle
from rekindle.engine.cascade._switches import switches
from rekindle.modelling import call, select, symbol

WINDOW = """
model window
time [h]
parameter k [1/h] = 0.3 source "test" mark assumed
parameter length [h] = 5 source "test" mark assumed
state depot [mg]
state began [h] = -1000
state drive [1] = 0
state effect [1] = 0
d/dt(depot) = -0.5[1/h]*depot
d/dt(began) = 0
d/dt(drive) = 1[1/h]*depot/1[mg]*(2 - drive) - 0.2[1/h]*drive
d/dt(effect) = if(time - began < length, 1[1/h], 0[1/h]) + k*max(0, time/length - 3) - k*effect
on session "start of the window": began <- time
output drive [1] = drive
output effect [1] = effect
"""


def closed_form(times, k, length, began):
    """An effect that fills from ``began`` over ``length`` and rises again after three lengths."""
    inside = np.clip(times - began, 0.0, length)
    after = np.clip(times - began - length, 0.0, None)
    effect = (1 - np.exp(-k * inside)) / k * np.exp(-k * after)
    late = np.clip(times - 3 * length, 0.0, None)
    return effect + (late - (1 - np.exp(-k * late)) / k) / length


@pytest.mark.parametrize("lengths", [[5.0], [5.0] * 8, [4.0, 5.0, 5.0, 6.5, 7.0, 3.25, 5.0, 5.5]])
def test_switches_are_met_without_a_refused_step(lengths):
    model = rekindle.load_model(WINDOW)
    rows = []
    for person in range(len(lengths)):
        rows += [
            {"ID": person, "TIME": 0.0, "AMT": 1.0, "CMT": "depot"},
            {"ID": person, "TIME": 2.0, "EVID": 2, "EVENT": "session"},
            # A dose at the very moment when the window of some ends.
            {"ID": person, "TIME": 7.0, "AMT": 1.0, "CMT": "depot"},
        ]
    events = rekindle.EventTable.from_rows(rows, model)
    # Outputs before, at and after the moments themselves.
    edges = [edge for length in set(lengths) for edge in (2 + length, 3 * length)]
    times = np.unique([*np.linspace(0.0, 40.0, 81), *edges])
    given = {str(person): {"length": length} for person, length in enumerate(lengths)}
    found = rekindle.simulate(model, events, parameters=given, times=times, tolerance=1e-8, solver="L2")
    effects = np.reshape(found["effect"], (len(lengths), len(times)))
    exact = np.array([closed_form(times, 0.3, length, 2.0) for length in lengths])
    assert np.abs(effects - exact).max() < 1e-8
    driver = rekindle.simulate(model, events, parameters=given, times=times, tolerance=1e-10, solver="driver")
    assert np.abs(found["drive"] - driver["drive"]).max() < 1e-7
    assert found.solver.rejected <= 2 < driver.solver.rejected


def test_only_straight_lines_in_time_are_known_beforehand():
    time, began, drug, fixed, state = (symbol(n) for n in ("time", "began", "drug", "hoisted 0", "state"))

    def found(*roots):
        return switches(roots, {"time", "began"}, {"time", "began", "drug", "state"})

    since = time - began
    assert found(select(call("lt", since, fixed), state, fixed)) == [since - fixed]
    assert found(call("max", fixed * since, fixed), call("min", time, began)) == [
        fixed * since - fixed, time - began
    ]  # fmt: skip
    assert not found(select(call("lt", drug, fixed), state, fixed), call("max", state, time))
    assert not found(select(call("lt", since * since, fixed), state, fixed))
    assert not found(select(call("lt", fixed, fixed), state, fixed))
