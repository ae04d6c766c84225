"""The solvers against closed forms and against SciPy, and what surrounds them."""

import os

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import rekindle
from rekindle.engine._plan import CHUNK
from rekindle.engine.rodas import _rodas5p as rodas
from rekindle.errors import EventError, OutputError, ParameterError, SolverError
from rekindle.modelling import (
    Model,
    Output,
    Parameter,
    State,
    call,
    constant,
    evaluate,
    select,
    symbol,
    topological,
)


def table(model, *rows):
    return rekindle.EventTable.from_rows([{"ID": 1, **row} for row in rows], model)


def start_at(model, time=0.0):
    return table(model, {"TIME": time, "EVID": 0})


def test_tableau_satisfies_the_consistency_conditions():
    """Node and slope sums follow from the transformed coefficients (Steinebach 2023)."""
    stages = rodas.STAGES
    a, c = np.zeros((stages, stages)), np.zeros((stages, stages))
    for i in range(stages):
        a[i, :i], c[i, :i] = rodas.STAGE_WEIGHTS[i], rodas.COUPLING[i]
    gamma = np.linalg.inv(np.eye(stages) / rodas.GAMMA - c)
    alpha = a @ gamma
    np.testing.assert_allclose(alpha.sum(axis=1), rodas.NODES, atol=1e-12)
    np.testing.assert_allclose(gamma.sum(axis=1), rodas.TIME_WEIGHTS, atol=1e-12)
    weights = (a[-1] + np.eye(stages)[-1]) @ gamma
    beta = alpha + gamma
    for order, value in enumerate((1, 1 / 2, 1 / 6, 1 / 24, 1 / 120)):
        moment = weights @ np.linalg.matrix_power(beta, order) @ np.ones(stages)
        assert moment == pytest.approx(value, abs=1e-12)


LOGISTIC = """
model growth
time [h]
state y [1] = 0.1
d/dt(y) = 1[1/h]*y*(1 - y)
output y_out [1] = y
"""


def test_convergence_order_is_five():
    """At the end of the interval the error falls with the fifth power of the number of steps."""
    model = rekindle.load_model(LOGISTIC)
    times = np.linspace(0, 10, 41)
    exact = 1 / (1 + 9 * np.exp(-times))
    errors, steps = [], []
    for tolerance in (1e-4, 1e-6, 1e-8, 1e-10):
        result = rekindle.simulate(model, start_at(model), times=times, tolerance=tolerance, solver="L1")
        difference = np.abs(result["y_out"][0] - exact)
        assert difference.max() < 20 * tolerance
        errors.append(difference[-1])
        steps.append(result.solver.steps)
    order = np.log(errors[0] / errors[-1]) / np.log(steps[-1] / steps[0])
    assert 4.5 < order < 6.0


SYSTEMS = {
    "robertson": (
        """
model robertson
time [h]
state a [1] = 1
state b [1] = 0
state c [1] = 0
d/dt(a) = -0.04[1/h]*a + 1e4[1/h]*b*c
d/dt(b) = 0.04[1/h]*a - 1e4[1/h]*b*c - 3e7[1/h]*b^2
d/dt(c) = 3e7[1/h]*b^2
output first [1] = a
output last [1] = c
""",
        1000.0,
    ),
    "van_der_pol": (
        """
model van_der_pol
time [h]
state x [1] = 2
state v [1] = 0
d/dt(x) = v*1[1/h]
d/dt(v) = (100*(1 - x^2)*v - x)*1[1/h]
output position [1] = x
""",
        120.0,
    ),
    "clocked": (
        """
model clocked
time [h]
state C [mg] = 5
state R [1] = 1
d/dt(C) = -0.2[1/h]*C*(1 + 0.5*exp(-(time/3[h] - 2)^2)) - 3[mg/h]*C/(1[mg] + C)
d/dt(R) = 0.3[1/h]*(1 - 0.9*hill(C, 2, 4)) - 0.3[1/h]*min(R, 2)*if(C > 1[mg], 1, 0.5)
output amount [mg] = C
output response [1] = R
""".replace("hill(C, 2, 4)", "hill(C, 2[mg], 4)"),
        24.0,
    ),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_stiff_and_nonautonomous_systems_agree_with_scipy(name):
    from rekindle.modelling import evaluate

    text, end = SYSTEMS[name]
    model = rekindle.load_model(text)
    times = np.linspace(0, end, 60)
    result = rekindle.simulate(model, start_at(model), times=times, tolerance=1e-9)
    rates = model.inline(*model.derivatives.values())

    def slope(t, y):
        values = dict(
            zip(model.derivatives, y, strict=True), time=t, **{f"infusion({n})": 0 for n in model.states}
        )
        return [float(evaluate(rate, values)) for rate in rates]

    y0 = [evaluate(model.states[n].initial, {}) for n in model.derivatives]
    reference = solve_ivp(slope, (0, end), y0, "LSODA", times, rtol=1e-11, atol=1e-14, max_step=end / 50)
    for output in model.outputs:
        expression = model.inline(model.outputs[output].expression)[0]
        wanted = evaluate(expression, dict(zip(model.derivatives, reference.y, strict=True)))
        np.testing.assert_allclose(result[output][0], wanted, rtol=2e-5, atol=1e-7)


def test_transit_chain_with_equal_rates_has_no_modal_form():
    """Equal eigenvalues in a chain: the matrix exponential takes over."""
    model = rekindle.load_model(
        "model transit\ntime [h]\nparameter k [1/h] = 2\nstate a [mg]\nstate b [mg]\nstate c [mg]\n"
        "d/dt(a) = -k*a\nd/dt(b) = k*a - k*b\nd/dt(c) = k*b - k*c\noutput out [mg] = c"
    )
    times = np.linspace(0, 5, 21)
    result = rekindle.simulate(model, table(model, {"TIME": 0, "AMT": 1, "CMT": "a"}), times=times)
    np.testing.assert_allclose(result["out"][0], (2 * times) ** 2 / 2 * np.exp(-2 * times), atol=1e-13)
    assert result.solver.nonlinear_states == 0


def test_transit_chain_that_drives_something_nonlinear_falls_back():
    model = rekindle.load_model(
        "model transit\ntime [h]\nparameter k [1/h] = 2\nstate a [mg]\nstate b [mg]\nstate e [1]\n"
        "d/dt(a) = -k*a\nd/dt(b) = k*a - k*b\nd/dt(e) = 1[1/h]*(hill(b, 0.3[mg], 2) - e)\noutput out [1] = e"
    )
    times = np.linspace(0.1, 5, 21)
    result = rekindle.simulate(
        model, table(model, {"TIME": 0, "AMT": 1, "CMT": "a"}), times=times, tolerance=1e-9
    )

    def slope(t, e):
        b = 2 * t * np.exp(-2 * t)
        return b**2 / (b**2 + 0.09) - e

    reference = solve_ivp(slope, (0, 5), [0.0], "LSODA", times, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(result["out"][0], reference.y[0], rtol=1e-6)


def test_oscillating_linear_model_is_exact():
    model = rekindle.load_model(
        "model spring\ntime [h]\nstate x [1] = 1\nstate v [1]\nd/dt(x) = v*3[1/h]\nd/dt(v) = -x*3[1/h]\n"
        "output position [1] = x"
    )
    times = np.linspace(0, 10, 50)
    result = rekindle.simulate(model, start_at(model), times=times)
    np.testing.assert_allclose(result["position"][0], np.cos(3 * times), atol=1e-11)


def test_a_sink_without_elimination_is_exact():
    """A zero eigenvalue under a constant infusion grows in a straight line."""
    model = rekindle.load_model(
        "model sink\ntime [h]\nstate C [mg]\nstate urine [mg]\n"
        "d/dt(C) = -0.5[1/h]*C\nd/dt(urine) = 0.5[1/h]*C\n"
        "output excreted [mg] = urine\noutput left [mg] = C"
    )
    times = np.array([0.0, 1.0, 3.0, 8.0, 40.0])
    result = rekindle.simulate(model, table(model, {"TIME": 0, "AMT": 12, "DUR": 4, "CMT": "C"}), times=times)
    given = 3 * np.minimum(times, 4)
    np.testing.assert_allclose(result["excreted"][0] + result["left"][0], given, rtol=1e-13)


def test_random_linear_systems_agree_with_the_matrix_exponential():
    rng = np.random.default_rng(11)
    for _ in range(5):
        size = 4
        rates = rng.uniform(0.01, 3.0, (size, size))
        matrix = rates * (rng.random((size, size)) < 0.6)
        np.fill_diagonal(matrix, 0.0)
        np.fill_diagonal(matrix, -matrix.sum(axis=0) - rng.uniform(0.0, 0.5, size))
        lines = ["model random", "time [h]"] + [f"state s{i} [mg]" for i in range(size)]
        for i in range(size):
            terms = " + ".join(f"({float(matrix[i, j])!r}[1/h])*s{j}" for j in range(size))
            lines.append(f"d/dt(s{i}) = {terms}")
        model = rekindle.load_model("\n".join([*lines, "output out [mg] = s3"]))
        result = rekindle.simulate(model, table(model, {"TIME": 0, "AMT": 1, "CMT": "s0"}), times=[0.3, 2, 9])
        wanted = [expm(matrix * t)[3, 0] for t in (0.3, 2, 9)]
        np.testing.assert_allclose(result["out"][0], wanted, rtol=1e-9, atol=1e-13)


def test_conditions_on_covariates_reach_the_stepper():
    model = rekindle.load_model(
        "model m; time [h]; covariate weight [kg] = 70; parameter k [1/h] = 0.2; state C [1] = 10\n"
        "d/dt(C) = if(weight > 60[kg] and not (k > 1[1/h]), -k*C^2, -k*C^1.5)\noutput A [1] = C"
    )
    rows = [{"ID": 1, "TIME": 0, "weight": 70}, {"ID": 2, "TIME": 0, "weight": 50}]
    events = rekindle.EventTable.from_rows(rows, model, carry={"weight": "locf"})
    got = rekindle.simulate(model, events, times=[5.0], tolerance=1e-10)["A"][:, 0]
    np.testing.assert_allclose(got, [10 / 11, (10**-0.5 + 0.5) ** -2], rtol=1e-8)


# Small expressions, because each one is compiled.
leaves = st.one_of(
    st.sampled_from(["x", "y", "a", "b", "time"]).map(symbol), st.floats(0.1, 3.0).map(constant)
)


def combine(inner):
    unary = st.sampled_from(["exp", "log", "sqrt", "abs", "floor", "tanh"])
    binary = st.sampled_from(["min", "max", "lt", "ge", "ne"])
    return st.one_of(
        st.tuples(inner, inner).map(lambda p: p[0] + p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] * p[1] - 0.3),
        st.tuples(inner, inner).map(lambda p: p[0] / (p[1] * p[1] + 1.0)),
        st.tuples(inner, st.sampled_from([2.0, 3.0, -1.0, 0.5, 1.7])).map(
            lambda p: (p[0] * p[0] + 0.1) ** p[1]
        ),
        st.tuples(unary, inner).map(
            lambda p: call(p[0], p[1] if p[0] not in ("log", "sqrt") else p[1] * p[1] + 0.1)
        ),
        st.tuples(binary, inner, inner).map(
            lambda p: (
                call(p[0], p[1], p[2])
                if p[0] in ("min", "max")
                else select(call(p[0], p[1], p[2]), p[1], p[2] * 2.0)
            )
        ),
    )


@settings(max_examples=25)
@given(st.recursive(leaves, combine, max_leaves=8), st.floats(-2, 2), st.floats(-2, 2), st.floats(0.1, 2))
def test_compiled_code_equals_interpreted_expressions(expression, x, y, a):
    """Random expressions in an output and, bounded, in the rate of a state that is stepped."""
    one, bounded = constant(1.0), call("tanh", expression * 0.1)
    model = Model(
        "random", "h",
        {"x": State("x", "1", constant(x)), "y": State("y", "1", constant(y))},
        {"x": bounded - symbol("x") * symbol("x") * 0.01, "y": -symbol("y")},
        parameters={"a": Parameter("a", "1", a), "b": Parameter("b", "1", 0.7)},
        outputs={"f": Output("f", "1", expression), "x": Output("x", "1", symbol("x") * one)},
    )  # fmt: skip
    values = {"x": x, "y": y, "a": a, "b": 0.7, "time": 0.0}
    wanted = float(evaluate(expression, values))
    assume(np.isfinite(wanted) and abs(wanted) < 1e12)
    step = 1e-6
    events = rekindle.EventTable.from_rows([{"ID": 1, "TIME": 0}], model)
    got = rekindle.simulate(model, events, times=[0.0, step], outputs=["f", "x"], tolerance=1e-12)
    assert got["f"][0, 0] == pytest.approx(wanted, rel=1e-11, abs=1e-12)
    rate = float(evaluate(model.derivatives["x"], values))
    if any(node.operation in ("floor", "select", "min", "max", "abs") for node in topological([expression])):
        return  # the rate may jump at the very start
    assert (got["x"][0, 1] - x) / step == pytest.approx(rate, rel=2e-3, abs=2e-3)


PEAK = """
model peaks
time [h]
parameter ka [1/h] = 1
parameter k [1/h] = 0.2
state depot [mg]
state central [mg]
state effect [1]
state count [1]
state when_seen [h]
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - k*central
d/dt(effect) = 1[1/h]*(hill(central, 50[mg], 2) - effect)
d/dt(count) = 0
d/dt(when_seen) = 0
on clear: count <- 0
when peak(central) if central > 10[mg]: count <- count + 1, when_seen <- time
output peaks [1] = count
output moment [h] = when_seen
output seen [1] = effect
"""


def test_peaks_are_found_and_counted_once():
    model = rekindle.load_model(PEAK)
    rows = [
        {"TIME": 0, "AMT": 100, "CMT": "depot", "II": 24, "ADDL": 2},
        {"TIME": 60, "EVID": 2, "EVENT": "clear"},
        {"TIME": 72, "AMT": 5, "CMT": "depot"},
    ]
    result = rekindle.simulate(model, table(model, *rows), times=[1, 5, 23, 30, 59, 61, 90], tolerance=1e-9)
    assert result["peaks"][0].round(12).tolist() == [0, 1, 1, 2, 3, 0, 0]
    assert result["moment"][0, 1] == pytest.approx(np.log(5) / 0.8, abs=1e-8)


def test_a_peak_at_the_end_of_an_infusion_is_found():
    model = rekindle.load_model(PEAK)
    result = rekindle.simulate(
        model, table(model, {"TIME": 1, "AMT": 80, "DUR": 0.5, "CMT": "central"}), times=[9]
    )
    assert result["peaks"][0, 0] == 1
    assert result["moment"][0, 0] == pytest.approx(1.5, abs=1e-12)


def test_a_model_that_blows_up_names_person_time_and_state():
    model = rekindle.load_model("model m\ntime [h]\nstate y [1] = 1\nd/dt(y) = 1[1/h]*y^2\noutput o [1] = y")
    with pytest.raises(SolverError, match=r"person 1, time (0\.9|1)\S* h.*y"):
        rekindle.simulate(model, start_at(model), times=[0.5, 2.0])


def test_an_undefined_output_is_an_error():
    model = rekindle.load_model(LOGISTIC + "output bad [1] = log(y - 0.5)\n")
    with pytest.raises(SolverError, match="bad"):
        rekindle.simulate(model, start_at(model), times=[0.0])


def test_unknown_and_missing_names_are_refused():
    model = rekindle.load_model(PEAK)
    events = start_at(model)
    with pytest.raises(ParameterError, match='did you mean "ka"'):
        rekindle.simulate(model, events, times=[1], parameters={"kaa": 1.0})
    with pytest.raises(ParameterError, match="not finite"):
        rekindle.simulate(model, events, times=[1], parameters={"ka": float("nan")})
    with pytest.raises(OutputError, match='did you mean "peaks"'):
        rekindle.simulate(model, events, times=[1], outputs=["peak"])
    with pytest.raises(OutputError, match="RK-OUT-004"):
        rekindle.simulate(model, events, times=[2, 1])
    with pytest.raises(EventError, match="no output times"):
        rekindle.simulate(model, table(model, {"TIME": 0, "AMT": 1, "CMT": "depot"}))


def many(model, people=60):
    rows = [{"ID": i, "TIME": 0, "AMT": 50 + i, "CMT": "depot", "II": 24, "ADDL": 3} for i in range(people)]
    return rekindle.EventTable.from_rows(rows, model)


def test_any_number_of_workers_gives_the_same_bits():
    model = rekindle.load_model(PEAK)
    events, times = many(model), np.linspace(0, 96, 25)
    alone = rekindle.simulate(model, events, times=times)
    shared = rekindle.simulate(model, events, times=times, workers=2)
    assert alone.rows.tobytes() == shared.rows.tobytes()
    assert alone.solver == shared.solver


def test_an_interrupted_run_resumes_to_the_same_numbers(tmp_path):
    model = rekindle.load_model(PEAK)
    events, times = many(model), np.linspace(0, 96, 25)
    whole = rekindle.simulate(model, events, times=times)
    seen = []

    def interrupt(done, total):
        seen.append(done)
        if 0 < done < total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rekindle.simulate(model, events, times=times, checkpoint=tmp_path / "run", progress=interrupt)
    kept = sorted(path.name for path in (tmp_path / "run").glob("*.npz"))
    assert len(kept) == 1
    seen.clear()
    resumed = rekindle.simulate(
        model, events, times=times, checkpoint=tmp_path / "run", progress=lambda done, _: seen.append(done)
    )
    assert seen[0] == CHUNK
    assert resumed.rows.tobytes() == whole.rows.tobytes()


def test_a_damaged_checkpoint_is_run_again_and_a_foreign_one_refused(tmp_path):
    model = rekindle.load_model(PEAK)
    events, times = many(model), np.linspace(0, 96, 25)
    whole = rekindle.simulate(model, events, times=times, checkpoint=tmp_path)
    first = sorted(tmp_path.glob("*.npz"))[0]
    os.truncate(first, 200)
    again = rekindle.simulate(model, events, times=times, checkpoint=tmp_path)
    assert again.rows.tobytes() == whole.rows.tobytes()
    with pytest.raises(OutputError, match="RK-OUT-005"):
        rekindle.simulate(model, events, times=times, checkpoint=tmp_path, parameters={"k": 0.3})


def test_tidy_table_carries_units():
    model = rekindle.load_model(PEAK)
    frame = rekindle.simulate(model, many(model, 3), times=[0, 1]).to_frame()
    assert list(frame.columns) == ["id", "time", "peaks", "moment", "seen"]
    assert len(frame) == 6
    assert frame.attrs["units"]["moment"] == "h"
