"""SBML export: libroadrunner runs the document to the numbers that the same Model gives with SciPy."""

import builtins

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from rekindle.errors import EventError, ModelError, OutputError, ParameterError
from rekindle.modelling import evaluate, read_model, to_sbml

roadrunner = pytest.importorskip("roadrunner")
libsbml = pytest.importorskip("libsbml")

WARFARIN = """
model warfarin "Warfarin, two compartments"
time [h]
parameter ka [1/h] = 0.6
parameter CL [mL/min] = 2.2
parameter V [L] = 8
parameter Q [L/h] = 0.5
parameter V2 [L] = 5
parameter F [1] = 0.9
parameter tlag [min] = 30
covariate weight [kg] = 70
state depot [mg]
state central [mg]
state peripheral [mg]
size = (weight/70[kg])^0.75
clearance [L/h] = CL*size
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - clearance/V*central - Q/V*central + Q/V2*peripheral
d/dt(peripheral) = Q/V*central - Q/V2*peripheral
bioavailability(depot) = F
lag(depot) = tlag
output concentration [ng/mL] = central/V "plasma"
output arterial [ng/mL] = central/V + infusion(central)/300[L/h]
"""

MICHAELIS = """
model saturable
time [h]
parameter Vmax [mg/h] = 12
parameter Km [mg/L] = 1.5
parameter V [L] = 20
parameter start [mg] = 3
state C [mg/L] = start/V
d/dt(C) = -Vmax/V*C/(Km + C)
output C [ng/mL] = C
output level [mg/L] = C
"""

RESPONSE = """
model indirect
time [h]
parameter kin [1/h] = 2
parameter kout [1/h] = 0.4
parameter Imax [1] = 0.9
parameter IC50 [mg/L] = 0.7
parameter n [1] = 2.3
parameter k [1/h] = 0.3
state C [mg/L]
state R [1] = kin/kout
state area [h]
effect = Imax*hill(C, IC50, n)
limited = min(R, 4.5) + max(0, R - 4.9) + if(time > 6[h] and not R < 1, 0.1*sqrt(R), abs(R - 5)/10)
d/dt(C) = -k*C
d/dt(R) = kin*(1 - effect) - kout*R*(1 + 0.1*tanh(C/1[mg/L]) + logistic(R - 6)*floor(1.5))
d/dt(area) = limited
on rescue: R <- R + 0.5*area/1[h], area <- 0
output response [%] = R
"""


def _values(model, **changed):
    known = {name: parameter.value for name, parameter in model.parameters.items()}
    return known | {name: covariate.default for name, covariate in model.covariates.items()} | changed


class Reference:
    """A few lines of SciPy that restart at every event; they know nothing of SBML."""

    def __init__(self, model):
        self.model, self.values = model, _values(model)
        self.infusion = {f"infusion({name})": 0.0 for name in model.states}
        initial = model.inline(*(state.initial for state in model.states.values()))
        self.state = np.array([float(evaluate(part, self.values)) for part in initial])
        self.rates = model.inline(*model.derivatives.values())

    def symbols(self, time, state):
        return self.values | self.infusion | {"time": time} | dict(zip(self.model.states, state, strict=True))

    def slope(self, time, state):
        known = self.symbols(time, state)
        flow = self.infusion.values()
        return [float(evaluate(r, known)) + f for r, f in zip(self.rates, flow, strict=True)]

    def advance(self, start, end, steps=None):
        steps = [end] if steps is None else steps
        if end <= start:
            return []
        run = solve_ivp(
            self.slope, (start, end), self.state, method="LSODA", rtol=1e-11, atol=1e-12, t_eval=[*steps, end]
        )
        self.state = run.y[:, -1]
        return [self.outputs(t, y) for t, y in zip(run.t, run.y.T, strict=True)][:-1]

    def outputs(self, time, state):
        known = self.symbols(time, state)
        return {
            name: float(evaluate(self.model.inline(output.expression)[0], known))
            for name, output in self.model.outputs.items()
        }

    def add(self, state, amount):
        self.state[list(self.model.states).index(state)] += amount


def _run(text, times):
    engine = roadrunner.RoadRunner(text)
    engine.getIntegrator().setValue("relative_tolerance", 1e-11)
    engine.getIntegrator().setValue("absolute_tolerance", 1e-13)
    engine.getIntegrator().setValue("maximum_num_steps", 200_000)
    return engine, np.asarray(times, float)


def _columns(engine, times, names):
    engine.timeCourseSelections = ["time", *names]
    result = engine.simulate(times=list(times))
    return {name: np.asarray(result[:, index + 1]) for index, name in enumerate(names)}


def test_oral_and_infused_warfarin():
    model = read_model(WARFARIN)
    events = [
        {"time": 0, "state": "depot", "amount": 100},
        {"time": 10, "state": "central", "amount": 30, "duration": 2},
        {"time": 11, "state": "central", "amount": 8, "duration": 2},
        {"time": 20, "state": "central", "amount": 5},
        {"time": 20, "state": "central", "amount": 7, "duration": 0},
    ]
    engine, times = _run(
        to_sbml(model, events=events), [0, 0.25, 3, 6, 9, 10.5, 11.5, 12.5, 15, 19, 21, 30, 48]
    )
    found = _columns(engine, times, ["concentration", "arterial", "depot"])
    reference, rows = Reference(model), []
    flow = "infusion(central)"
    script = [
        (0, None),
        (0.5, ("depot", 90.0)),
        (10, 15.0),
        (11, 4.0),
        (12, -15.0),
        (13, -4.0),
        (20, ("central", 12.0)),
    ]
    for (start, action), (end, _) in zip(script, [*script[1:], (49, None)], strict=True):
        if isinstance(action, tuple):
            reference.add(*action)
        elif action is not None:
            reference.infusion[flow] += action
        rows += reference.advance(start, end, [t for t in times if start <= t < end])
    for name in ("concentration", "arterial"):
        expected = [row[name] for row in rows]
        assert found[name] == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert max(found["concentration"]) > 1000


def test_michaelis_menten_with_initial_value_and_changed_parameters():
    model = read_model(MICHAELIS)
    engine, times = _run(to_sbml(model, parameters={"Vmax": 8.0, "start": 40.0}), [0, 0.5, 1, 2, 4, 8])
    found = _columns(engine, times, ["output_C", "level"])
    reference = Reference(model.with_parameters(Vmax=8.0, start=40.0))
    rows = reference.advance(0, 9, list(times))
    assert found["level"] == pytest.approx([row["level"] for row in rows], rel=1e-6)
    assert found["output_C"] == pytest.approx([1000 * row["level"] for row in rows], rel=1e-6)


def test_indirect_response_with_all_functions_and_a_named_event():
    model = read_model(RESPONSE)
    events = [{"time": 1, "state": "C", "amount": 5}, {"time": 9, "event": "rescue"}]
    engine, times = _run(to_sbml(model, events=events), [0, 0.5, 2, 4, 5.9, 6.1, 8, 9.5, 12, 24])
    found = _columns(engine, times, ["response", "area"])
    reference = Reference(model)
    rows = reference.advance(0, 1, [t for t in times if t < 1])
    reference.add("C", 5.0)
    rows += reference.advance(1, 6, [t for t in times if 1 <= t < 6])
    rows += reference.advance(6, 9, [t for t in times if 6 <= t < 9])
    before = dict(zip(model.states, reference.state, strict=True))
    reference.state = np.array([before["C"], before["R"] + 0.5 * before["area"], 0.0])
    rows += reference.advance(9, 25, [t for t in times if t >= 9])
    assert found["response"] == pytest.approx([row["response"] for row in rows], rel=1e-6)


PEAK = """
model peaks
time [h]
parameter ka [1/h] = 1.2
parameter ke [1/h] = 0.3
parameter limit [mg] = 2
state depot [mg]
state C [mg]
state highest [mg]
state count [1]
d/dt(depot) = -ka*depot
d/dt(C) = ka*depot - ke*C
d/dt(highest) = 0
d/dt(count) = 0
when peak(C) if C > limit: highest <- max(highest, C), count <- count + 1
"""


def test_peaks_fire_at_the_maximum_where_their_condition_holds():
    doses = [{"time": t, "state": "depot", "amount": a} for t, a in ((0, 1), (12, 10), (24, 5))]
    engine, times = _run(to_sbml(read_model(PEAK), events=doses), [0, 6, 11, 20, 23, 40])
    found = _columns(engine, times, ["count", "highest", "C"])
    assert found["count"] == pytest.approx([0, 0, 0, 1, 1, 2])
    fine = solve_ivp(
        lambda _, y: [-1.2 * y[0], 1.2 * y[0] - 0.3 * y[1]], (0, 12), [1.0, 0.0], rtol=1e-11, atol=1e-13
    )
    left = fine.y[:, -1] + [10.0, 0.0]
    times = np.linspace(0, 6, 200_001)
    curve = left[1] * np.exp(-0.3 * times) + left[0] * 1.2 / 0.9 * (
        np.exp(-0.3 * times) - np.exp(-1.2 * times)
    )
    assert found["highest"][-1] == pytest.approx(curve.max(), rel=1e-6)


@pytest.mark.parametrize(
    ("change", "events", "named"),
    [
        (("peak(C)", "peak(C)"), [{"time": 1, "state": "C", "amount": 3}], '"C"'),
        (("peak(C)", "peak(C + infusion(C)*1[h])"), [], "infusion"),
    ],
)
def test_peaks_that_jump_are_refused(change, events, named):
    model = read_model(PEAK.replace(*change).replace("C > limit:", "C > limit as top:"))
    with pytest.raises(ModelError, match="RK-MOD-034") as caught:
        to_sbml(model, events=events)
    assert named in str(caught.value)
    assert '"top"' in str(caught.value)


@pytest.mark.parametrize(
    "event",
    [
        {"time": -1, "state": "depot", "amount": 1}, {"time": 0, "state": "dept", "amount": 1},
        {"time": 0, "event": "rescue"}, {"time": 0, "state": "depot"}, {"state": "depot", "amount": 1},
        {"time": 0, "state": "depot", "amount": float("nan")}, {"time": 0, "AMT": 3},
        {"time": True, "event": "x"},
    ],
)  # fmt: skip
def test_impossible_events_are_refused(event):
    with pytest.raises(EventError, match="RK-EVT-090"):
        to_sbml(read_model(WARFARIN), events=[event])


def test_missing_and_unknown_values_are_refused():
    model = read_model(WARFARIN.replace("[1/h] = 0.6", "[1/h]"))
    with pytest.raises(ParameterError, match="RK-PAR-029"):
        to_sbml(model)
    with pytest.raises(ParameterError, match='did you mean "ka"'):
        to_sbml(model, parameters={"kaa": 1.0})
    assert "warfarin" in to_sbml(model, parameters={"ka": 1.0, "weight": 90.0})


def test_document_is_valid_and_keeps_units_and_provenance():
    model = read_model(
        WARFARIN.replace("CL [mL/min] = 2.2", 'CL [mL/min] = 2.2 mark seen source "a <paper> & more"')
    )
    document = libsbml.readSBMLFromString(to_sbml(model))
    assert document.getNumErrors(libsbml.LIBSBML_SEV_ERROR) == 0
    assert (document.getLevel(), document.getVersion()) == (3, 2)
    clearance = document.getModel().getParameter("CL")
    assert clearance.getName() == "CL [mL/min]"
    assert "seen: a &lt;paper&gt; &amp; more" in clearance.getNotesString()


def test_missing_library_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "libsbml":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(OutputError, match=r"rekindle\[sbml\]"):
        to_sbml(read_model(MICHAELIS))
