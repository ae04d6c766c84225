"""Cascade collocation: its constants, its order, its accuracy against SciPy, its lanes and its failures."""

import ctypes
from itertools import pairwise

import llvmlite.ir as ir
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.sparse.csgraph import connected_components

import rekindle
from rekindle.engine._derivation import Derivation
from rekindle.engine._system import build_system, infusion_name
from rekindle.engine.cascade import _method as method
from rekindle.engine.cascade._block import Loop
from rekindle.engine.cascade._choice import cascade_suits
from rekindle.engine.cascade._components import components
from rekindle.engine.cascade._linear_loops import tear
from rekindle.engine.cascade._loop import SWEEPS
from rekindle.engine.cascade._plan import make_plan, own_slopes
from rekindle.engine.cascade._stepper import cascade_roots, emit_cascade, emit_step_functions
from rekindle.engine.code._emit import emit
from rekindle.engine.code._hoist import hoist
from rekindle.engine.code._machine_code import MachineCode
from rekindle.engine.code._powers import with_quick_powers
from rekindle.engine.lanes._lanes import LaneKind, load, store
from rekindle.engine.linear._linear import LinearBlock
from rekindle.engine.rodas import _contract as contract
from rekindle.modelling import differentiate, evaluate, symbol


class Cascade:
    """One model's cascade kernel, called segment by segment as the engine does."""

    def __init__(self, text, lanes=1, exact_linear=True):
        model = rekindle.load_model(text)
        self.system = build_system(model, tuple(model.outputs), exact_linear=exact_linear)
        self.derivation = Derivation(self.system)
        self.places = {name: i for i, name in enumerate(self.system.constants)}
        self.lanes, kind = lanes, LaneKind(lanes)
        named = cascade_roots(self.derivation)
        flat, hoisted = hoist([root for group in named.values() for root in group], set(self.places))
        values = iter(flat)
        roots = {name: [next(values) for _ in group] for name, group in named.items()}
        self.hoisted_count = len(hoisted)
        module = ir.Module("cascade")
        prologue = ir.Function(module, ir.FunctionType(ir.VoidType(), [kind.pointer] * 2), "prologue")
        builder = ir.IRBuilder(prologue.append_basic_block())
        constants, results = prologue.args
        read = lambda name: load(builder, constants, self.places[name])  # noqa: E731
        for i, value in enumerate(emit(builder, hoisted, read, kind)):
            store(builder, value, results, i)
        builder.ret_void()
        emit_cascade(module, emit_step_functions(module, self.derivation, roots, kind))
        self.code = MachineCode(lambda: module, str(module))
        pointer, whole, real = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
        self.prologue = self.code.function("prologue", None, [pointer] * 2)
        arguments = [*[pointer] * 6, whole, real, real, pointer, whole, *[pointer] * 4]
        self.integrate = self.code.function("integrate", whole, arguments)

    def environment(self, given, infusions, lane):
        model = self.system.model
        values = {name: parameter.value for name, parameter in model.parameters.items()}
        values |= {name: np.broadcast_to(value, self.lanes)[lane] for name, value in given.items()}
        return values | {infusion_name(name): infusions.get(name, 0.0) for name in model.derivatives}

    def start(self, given):
        states = self.system.model.states
        roots = self.system.model.inline(*(states[name].initial for name in self.system.states))
        lanes = [
            [evaluate(root, self.environment(given, {}, k)) for root in roots] for k in range(self.lanes)
        ]
        return np.array(lanes, dtype=float).T.copy()

    def segment(self, state, start, end, times, control, given=None, infusions=None):
        """Advance ``state`` (states, lanes) in place; return status and states (times, states, lanes)."""
        given, infusions, system = given or {}, infusions or {}, self.system
        linear, lanes = len(system.linear), self.lanes
        environments = [self.environment(given, infusions, k) for k in range(lanes)]
        constants = np.array([[env.get(name, 0.0) for env in environments] for name in self.places])
        hoisted = np.zeros((self.hoisted_count + 1, lanes))
        self.prologue(constants.ctypes.data, hoisted.ctypes.data)
        solutions, forcings = [], self.derivation.forcings
        modes = max(linear, 1)
        rates, lines = np.zeros((modes, lanes)), np.zeros((len(forcings) + 1, 2, lanes))
        coefficients = np.zeros((len(forcings) + 1, modes, lanes))
        for k, env in enumerate(environments):
            source = np.zeros(linear)
            for row, root in system.source.items():
                source[row] = evaluate(root, env)
            entries = np.array([float(evaluate(root, env)) for root in system.matrix.values()])
            block = LinearBlock(linear, list(system.matrix))
            solution = block.solve(entries, source, state[:linear, k].copy())
            solutions.append(solution)
            rates[: len(solution.rates), k] = solution.rates
            for i, name in enumerate(forcings):
                if name in system.linear:
                    row = system.linear.index(name)
                    coefficients[i, : len(solution.rates), k] = solution.coefficients[row]
                    lines[i, :, k] = solution.lines[row]
                else:
                    lines[i, :, k] = start, 1.0
        spans = np.tile(np.array([0, modes]), (len(forcings) + 1, 1)).astype(np.int64)
        y, times = state[linear:].copy(), np.asarray(times, dtype=float)
        inner = np.full((len(times), len(y), lanes), np.nan)
        control[contract.STEP] = max(control[contract.STEP], 0.0)
        status = self.integrate(
            y.ctypes.data, hoisted.ctypes.data, rates.ctypes.data, coefficients.ctypes.data,
            lines.ctypes.data, spans.ctypes.data, modes, start, end, control.ctypes.data, len(times),
            times.ctypes.data, inner.ctypes.data, None, None,
        )  # fmt: skip
        outer = np.empty((len(times), linear, lanes))
        for k, solution in enumerate(solutions):
            outer[:, :, k] = solution.at(times - start)
            state[:linear, k] = solution.at(np.array([end - start]))[0]
        state[linear:] = y
        return status, np.concatenate([outer, inner], axis=1)

    def run(self, segments, tolerance, given=None):
        """States (times, states, lanes) over (start, end, times, infusions), and the control array."""
        state, control = self.start(given or {}), controls(tolerance)
        pieces = []
        for start, end, times, infusions in segments:
            control[contract.STEP] = 0.0
            status, values = self.segment(state, start, end, times, control, given, infusions)
            assert status == contract.FINISHED
            pieces.append(values)
        return np.concatenate(pieces), control

    def reference(self, segments, given=None, lane=0, solver="DOP853"):
        """The same by SciPy, one lane."""
        model, names = self.system.model, self.system.states
        rates = dict(zip(model.derivatives, model.inline(*model.derivatives.values()), strict=True))
        y, pieces = self.start(given or {})[:, lane], []
        for start, end, times, infusions in segments:
            env = self.environment(given or {}, infusions, lane)

            def slope(t, y, env=env, infusions=infusions):
                values = env | dict(zip(names, y, strict=True)) | {"time": t}
                return [float(evaluate(rates[n], values)) + infusions.get(n, 0.0) for n in names]

            found = solve_ivp(slope, (start, end), y, solver, times, rtol=2e-13, atol=1e-13)
            pieces.append(found.y.T)
            y = found.y[:, -1]
        return np.concatenate(pieces)


def controls(tolerance, absolute=None):
    control = np.zeros(contract.CONTROLS)
    control[contract.RELATIVE] = tolerance
    control[contract.ABSOLUTE] = tolerance * 1e-2 if absolute is None else absolute
    control[contract.MOST_STEPS] = 1e6
    return control


# ---- constants of the method ----------------------------------------------------------------------


def test_matrix_differentiates_and_integrates_polynomials():
    c = np.array(method.NODES)
    for power in range(1, method.STAGES + 1):
        slope = power * c ** (power - 1)
        np.testing.assert_allclose(method.INVERSE @ c**power, slope, atol=2e-13)
        np.testing.assert_allclose(method.COLLOCATION @ slope, c**power, atol=1e-14)
        assert method.START_SLOPE @ c**power == pytest.approx(float(power == 1), abs=1e-12)
        assert method.END_SLOPE @ c**power == pytest.approx(power, abs=1e-12)


def test_last_row_is_the_radau_rule_of_degree_12():
    c, weights = np.array(method.NODES), method.COLLOCATION[-1]
    moments = [weights @ c**power for power in range(14)]
    exact = 1.0 / np.arange(1, 15)
    np.testing.assert_allclose(moments[:13], exact[:13], atol=1e-15)
    assert abs(moments[13] - exact[13]) > 1e-9


# ---- order ----------------------------------------------------------------------------------------

SWINGING = """
model swinging
time [h]
state y [1] = 1
state grown [1] = 1
speed [1/h] = 1[1/h]*(1 - (time/2[h])^2/(1 + (time/3[h])^2))
d/dt(y) = speed*y
d/dt(grown) = y*1[1/h] - 0.5[1/h]*grown
output y_out [1] = y
output grown_out [1] = grown
"""


def swinging(times):
    """The first state in closed form."""
    return np.exp(-1.25 * times + 6.75 * np.arctan(times / 3))


def test_order_is_13_at_the_end_and_8_inside():
    """Fixed steps: a tolerance that accepts everything, and one step for each call."""
    kernel = Cascade(SWINGING, exact_linear=False)
    place = kernel.system.states.index("y")
    times = np.linspace(0.0, 8.0, 321)
    at_end, inside = [], []
    for count in (4, 8):
        edges = np.linspace(0.0, 8.0, count + 1)
        state, pieces = kernel.start({}), []
        for start, end in pairwise(edges):
            control = controls(1e30)
            control[contract.STEP] = end - start
            wanted = times[(times > start) & (times <= end)]
            status, values = kernel.segment(state, start, end, wanted, control)
            assert (status, control[contract.STEPS]) == (contract.FINISHED, 1)
            pieces.append(values[:, place, 0])
        difference = np.abs(np.concatenate(pieces) - swinging(times[1:]))
        at_end.append(difference[-1])
        inside.append(difference.max())
    orders = [np.log2(errors[0] / errors[1]) for errors in (at_end, inside)]
    assert 12.0 < orders[0] < 15.0
    assert 7.0 < orders[1] < 9.5


def test_error_follows_the_tolerance():
    kernel = Cascade(SWINGING, exact_linear=False)
    times = np.linspace(0.0, 8.0, 321)
    place = kernel.system.states.index("y")
    exact = swinging(times)
    worst, steps = [], []
    for tolerance in (1e-4, 1e-6, 1e-8, 1e-10):
        values, control = kernel.run([(0.0, 8.0, times, {})], tolerance)
        worst.append(scaled(values[:, place, 0], exact).max())
        steps.append(control[contract.STEPS])
        assert worst[-1] < 10 * tolerance
    order = np.log(worst[0] / worst[-1]) / np.log(steps[-1] / steps[0])
    assert order > 6.0


# ---- agreement with SciPy -------------------------------------------------------------------------

CASCADE = """
model cascade
time [h]
parameter ke [1/h] = 0.8
parameter k_in [1/h] = 12
parameter shape [1] = 1.3
parameter gain [1] = 2
parameter tilt [1] = 0.25
state depot [mg]
state central [mg]
state effect [1]
state tolerance [1]
state pressure [1] = 1
state signal [1] = 0.1
state growth [1] = 0.2
state brake [1] = 1
state mood [1] = -1.1
d/dt(depot) = -k_in*depot
d/dt(central) = k_in*depot - ke*central
load = central/(3[mg] + central)
d/dt(effect) = 6[1/h]*(load - effect)
drive = ((effect/(0.2*(1 + tolerance)))^2 + 1e-8)^(shape/2)
d/dt(tolerance) = 0.05[1/h]*drive/(1 + drive)*(1 - tolerance) - 0.004[1/h]*tolerance
d/dt(pressure) = 4[1/h]*(1 + drive/(1 + drive) - pressure)
d/dt(signal) = 0.3[1/h]*((0.1 + gain*pressure*effect)/(1 + brake) - signal)
d/dt(growth) = 0.02[1/h]*signal*(1 - growth) - 0.004[1/h]*(1 + 0.5*brake)*growth
d/dt(brake) = 0.002[1/h]*(1.5/(1 + growth) - brake)
d/dt(mood) = (mood - mood^3 + tilt*(1 - exp(-growth/0.5)))/24[h]
output concentration [mg] = central
output readout [1] = mood + pressure
output stress [1] = tolerance + brake + growth + signal
"""
SESSIONS = [
    (0.0, 0.7, np.linspace(0.1, 0.7, 7), {"depot": 20.0}),
    (0.7, 48.0, np.linspace(0.8, 48.0, 60), {}),
    (48.0, 48.7, np.linspace(48.1, 48.7, 7), {"depot": 20.0}),
    (48.7, 400.0, np.linspace(49.0, 400.0, 60), {}),
]


def scaled(values, exact):
    return np.abs(values - exact) / (np.abs(exact) + 0.01)


@pytest.fixture(scope="module")
def exact_sessions():
    return Cascade(CASCADE).reference(SESSIONS, solver="Radau")


@pytest.mark.parametrize("tolerance", [1e-7, 1e-10])
def test_cascade_agrees_with_scipy(tolerance, exact_sessions):
    kernel = Cascade(CASCADE)
    values, control = kernel.run(SESSIONS, tolerance)
    exact = exact_sessions
    assert scaled(values[:, :, 0], exact).max() < 10 * tolerance + 1e-9
    assert control[contract.STEPS] < 250
    assert control[SWEEPS] < 12 * control[contract.STEPS]


def test_plan_of_the_cascade():
    """Solved directly, with fixed and varying slopes; swept alone; swept in a loop of three."""
    system = Cascade(CASCADE).system
    rates = with_quick_powers(system.right_hand_side)
    plan = make_plan(system.nonlinear, rates, own_slopes(system.nonlinear, rates), system.linear)
    names = system.nonlinear
    loops = [{names[i] for i in step.states} for step in plan.steps if isinstance(step, Loop)]
    assert loops == [{"tolerance"}, {"signal", "growth", "brake"}, {"mood"}]
    swept = set().union(*loops)
    assert {names[i] for i in plan.swept} == swept
    assert plan.shared > 0
    constants = set(system.constants)
    without = make_plan(
        ["a", "b"], [symbol("k") * symbol("u"), symbol("u") - symbol("u") * symbol("b")],
        [symbol("zero") * 0.0, -symbol("u")], ["u"],
    )  # fmt: skip
    assert "k" not in constants
    assert (dict(without.fixed), without.varying, without.swept) == ({}, {1}, frozenset())


def coupled(name, count, drive, strength):
    """States that all act on each other: all but one have to be torn out."""
    lines = [f"state {name}{i} [1] = {1 + i}" for i in range(count)]
    for i in range(count):
        others = " + ".join(f"{1 + i + 2 * j}*{name}{j}" for j in range(count) if j != i)
        lines.append(f"d/dt({name}{i}) = 0.01[1/h]*{strength}*({others}) - {2 + i}[1/h]*{name}{i} + {drive}")
    return "\n".join([*lines, *(f"output out_{name}{i} [1] = {name}{i}" for i in range(count))]) + "\n"


LINEAR_LOOPS = (
    """
model linear_loops
time [h]
state driver [1] = 0.1
d/dt(driver) = 0.3[1/h]*driver*(1 - driver)
output out_driver [1] = driver
"""
    + coupled("p", 2, "0.2[1/h]*driver", "2")
    + coupled("q", 2, "0.5[1/h]*driver", "2")
    + coupled("r", 3, "0[1/h]", "driver")
    + coupled("s", 4, "1[1/h]*p0", "(1 + driver^2)")
)


def test_loops_that_are_linear_in_their_states_are_solved_without_sweeps():
    """One, two and three states torn out; couplings that stay, shared by two loops, and that move."""
    kernel = Cascade(LINEAR_LOOPS)
    system = kernel.system
    rates = with_quick_powers(system.right_hand_side)
    plan = make_plan(system.nonlinear, rates, own_slopes(system.nonlinear, rates), system.linear)
    assert {system.nonlinear[i] for i in plan.swept} == {"driver"}
    torn = sorted((len(operator.shape.torn), operator.fixed) for operator in plan.operators)
    assert torn == [(1, True), (2, False), (3, False)]
    doses = {"p1": 0.4, "s0": 0.2}
    segments = [(0.0, 2.0, [0.3, 1.1, 2.0], {}), (2.0, 30.0, [4.7, 9.0, 30.0], doses)]
    exact = kernel.reference(segments)
    for tolerance in (1e-7, 1e-10):
        values, control = kernel.run(segments, tolerance)
        assert scaled(values[:, :, 0], exact).max() < 10 * tolerance + 1e-9
        assert control[SWEEPS] < 8 * control[contract.STEPS]
    assert cascade_suits(kernel.derivation).reason.startswith("0 of 12 states are in feedback loops")


def test_loops_of_too_many_states_are_swept():
    assert tear(5, {(i, j) for i in range(5) for j in range(5)}) is None
    assert tear(17, {(i, (i + 1) % 17) for i in range(17)}) is None


TEXTBOOK = {
    "lotka_volterra": (
        """
model lotka_volterra
time [h]
state prey [1] = 10
state hunter [1] = 5
d/dt(prey) = 1.1[1/h]*prey - 0.4[1/h]*prey*hunter
d/dt(hunter) = 0.1[1/h]*prey*hunter - 0.4[1/h]*hunter
output a [1] = prey
output b [1] = hunter
""",
        60.0,
        "DOP853",
    ),
    "van_der_pol": (
        """
model van_der_pol
time [h]
state x [1] = 2
state v [1] = 0
d/dt(x) = v*1[1/h]
d/dt(v) = (5*(1 - x^2)*v - x)*1[1/h]
output a [1] = x
output b [1] = v
""",
        30.0,
        "DOP853",
    ),
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
output middle [1] = b
output last [1] = c
""",
        40.0,
        "Radau",
    ),
}


@pytest.mark.parametrize("name", TEXTBOOK)
def test_pure_feedback_is_declined_and_still_right(name):
    text, end, solver = TEXTBOOK[name]
    kernel = Cascade(text)
    suits, reason = cascade_suits(kernel.derivation)
    assert not suits
    assert "in feedback loops" in reason
    segments = [(0.0, end, np.linspace(end / 40, end, 40), {})]
    values, _ = kernel.run(segments, 1e-9)
    exact = kernel.reference(segments, solver=solver)
    size = np.abs(exact).max(axis=0)
    assert (np.abs(values[:, :, 0] - exact) / size).max() < 2e-6


def test_kinks_are_left_to_the_step_control():
    text = """
model kinks
time [h]
state C [mg] = 5
state R [1] = 1
d/dt(C) = -3[mg/h]*C/(1[mg] + C)
d/dt(R) = 0.3[1/h]*max(0.2, 1 - 0.3*C/1[mg]) - 0.3[1/h]*R*if(C > 1[mg], 1, 0.5)
output amount [mg] = C
output response [1] = R
"""
    kernel = Cascade(text)
    suits, reason = cascade_suits(kernel.derivation)
    assert suits
    assert "kinks left to the step control: 2" in reason
    segments = [(0.0, 12.0, np.linspace(0.3, 12.0, 40), {})]
    values, control = kernel.run(segments, 1e-7)
    exact = kernel.reference(segments)
    assert scaled(values[:, :, 0], exact).max() < 5e-6
    assert control[contract.REJECTED] > 0


# ---- lanes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lanes", [2, 4, 8])
def test_lanes_agree_with_one_person_alone(lanes):
    tolerance = 1e-9
    given = {
        "ke": 0.8 * 1.15 ** np.arange(lanes),
        "gain": 2 - 0.1 * np.arange(lanes),
        "shape": 1.3 + 0.05 * np.arange(lanes),
    }
    together, _ = Cascade(CASCADE, lanes).run(SESSIONS, tolerance, given)
    alone = Cascade(CASCADE)
    for lane in range(lanes):
        values, _ = alone.run(SESSIONS, tolerance, {name: value[lane] for name, value in given.items()})
        assert scaled(together[:, :, lane], values[:, :, 0]).max() < 20 * tolerance


def test_a_padded_lane_changes_nothing():
    """Twice the same person: the step sequence and the numbers of one alone."""
    one, control_one = Cascade(CASCADE).run(SESSIONS, 1e-8)
    two, control_two = Cascade(CASCADE, 2).run(SESSIONS, 1e-8)
    assert control_one[contract.STEPS] == control_two[contract.STEPS]
    np.testing.assert_array_equal(two[:, :, 0], two[:, :, 1])
    np.testing.assert_allclose(two[:, :, 0], one[:, :, 0], rtol=1e-11, atol=1e-12)


# ---- failures -------------------------------------------------------------------------------------

EXPLOSION = """
model explosion
time [h]
parameter k [1/h] = 1
state y [1] = 1
d/dt(y) = k*y^2
output y_out [1] = y
"""


def test_a_blow_up_is_a_failure():
    kernel = Cascade(EXPLOSION)
    status, values = kernel.segment(kernel.start({}), 0.0, 3.0, [0.5, 2.0], control := controls(1e-7))
    assert status in (contract.STEP_COLLAPSED, contract.NOT_FINITE)
    assert control[contract.TIME_NOW] == pytest.approx(1.0, abs=1e-3)
    assert values[0, 0, 0] == pytest.approx(2.0, rel=1e-6)
    assert np.isnan(values[1]).all()


def test_one_undefined_lane_fails_the_group():
    kernel = Cascade(EXPLOSION, 4)
    given = {"k": np.array([0.1, np.nan, 0.1, 0.1])}
    control = controls(1e-7)
    status, _ = kernel.segment(kernel.start(given), 0.0, 1.0, [], control, given)
    assert status == contract.NOT_FINITE
    assert control[contract.TIME_NOW] == 0.0


def test_too_many_steps_is_a_failure():
    kernel = Cascade(CASCADE)
    control = controls(1e-7)
    control[contract.MOST_STEPS] = 3
    status, _ = kernel.segment(kernel.start({}), 0.0, 100.0, [], control)
    assert status == contract.TOO_MANY_STEPS
    assert control[contract.TIME_NOW] < 100.0


# ---- choice and order of work ---------------------------------------------------------------------


def test_choice_names_its_reason():
    assert cascade_suits(Cascade(CASCADE).derivation) == (True, "3 of 9 states are in feedback loops")
    linear = "model m\ntime [h]\nstate C [mg]\nd/dt(C) = -0.1[1/h]*C\noutput A [mg] = C"
    loop = "model ring\ntime [h]\n" + "".join(f"state x{i} [1] = 1\n" for i in range(3))
    loop += "".join(f"d/dt(x{i}) = x{(i + 1) % 3}*1[1/h] - x{i}^2*1[1/h]\n" for i in range(3))
    loop += "output o [1] = x0"
    for text, said in ((linear, "linear"), (loop, "3 of 3 states are in feedback loops")):
        model = rekindle.load_model(text)
        suits, reason = cascade_suits(Derivation(build_system(model, tuple(model.outputs))))
        assert not suits
        assert said in reason


@given(
    st.integers(1, 8).flatmap(
        lambda n: st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)).map(lambda e: (n, e))
    )
)
def test_components_agree_with_scipy(graph):
    count, edges = graph
    uses = {str(i): {str(b) for a, b in edges if a == i} for i in range(count)}
    groups = components(uses)
    matrix = np.zeros((count, count))
    for a, b in edges:
        matrix[a, b] = 1
    _, labels = connected_components(matrix, directed=True, connection="strong")
    assert {frozenset(group) for group in groups} == {
        frozenset(str(i) for i in range(count) if labels[i] == label) for label in labels
    }
    seen = set()
    for group in groups:
        seen |= set(group)
        assert all(uses[name] <= seen for name in group)


@given(st.floats(0.01, 50), st.floats(-3, 3))
def test_quick_powers_keep_their_value(base, exponent):
    x, p = symbol("x"), symbol("p")
    for root in (x**p, (x + 1.0) ** 0.7, x**3.0, x**0.5):
        (quick,) = with_quick_powers([root])
        values = {"x": base, "p": exponent}
        assert evaluate(quick, values) == pytest.approx(evaluate(root, values), rel=1e-12)


@pytest.mark.parametrize("base", [0.0, 5e-324, 1e-309, 1e-299])
def test_quick_powers_of_a_base_that_decayed_to_nothing_have_slopes(base):
    root = symbol("x") ** symbol("p")
    (quick,) = with_quick_powers([root])
    values = {"x": base, "p": 1.3}
    for wanted in (quick, differentiate(quick, "x")):
        assert abs(evaluate(wanted, values)) < 1e-80
    assert np.isnan(evaluate(quick, {"x": -1e-9, "p": 1.3}))


# ---- through the engine's door --------------------------------------------------------------------


def people_with_sessions(model, count):
    rows = [
        {"ID": person, "TIME": time, "AMT": 14.0, "DUR": 0.7, "CMT": "depot"}
        for person in range(count)
        for time in (0.0, 48.0)
    ]
    return rekindle.EventTable.from_rows(rows, model)


def test_engine_chooses_the_cascade_and_agrees_with_the_general_driver():
    model = rekindle.load_model(CASCADE)
    events = people_with_sessions(model, 5)
    values = {str(person): {"ke": 0.6 + 0.1 * person, "gain": 2 - 0.1 * person} for person in range(5)}
    options = {"parameters": values, "times": np.linspace(0.0, 400.0, 81), "tolerance": 1e-9}
    chosen = rekindle.simulate(model, events, **options)
    driver = rekindle.simulate(model, events, **options, solver="driver")
    assert chosen.solver.solver == "L2"
    assert "cascade collocation" in str(chosen.solver)
    assert chosen.solver.steps < driver.solver.steps / 3
    for output in model.outputs:
        assert scaled(chosen[output], driver[output]).max() < 1e-6
