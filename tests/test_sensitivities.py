"""Derivatives with respect to parameters and initial values, against closed forms and central differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rekindle
from central_differences import TIGHT, differences, shifted
from rekindle.engine import loss_gradient, sensitivities
from rekindle.errors import OutputError, ParameterError, SolverError
from rekindle.regimen import parse_regimen
from rekindle.therapy import dose_records, therapy_model

TIMES = np.array([0.3, 0.9, 1.7, 2.6, 4.1, 7.3, 12.2, 23.7])

DEPOT = """
model depot
time [h]
parameter ka [1/h] = 1.1
parameter CL [L/h] = 0.8
parameter V [L] = 5
parameter share [1] = 0.6
parameter wait [h] = 0.4
parameter span [h] = 1.3
parameter flow [mg/h] = 30
covariate weight [kg] = 70
state depot [mg]
state central [mg]
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - CL*(weight/70[kg])^0.75/V*central
bioavailability(depot) = 1 - share^2
lag(depot) = wait*sqrt(ka*1[h])
duration(depot) = span*share
bioavailability(central) = share
lag(central) = 0.5*wait
duration(central) = span
rate(central) = flow*share
output level [mg/L] = central/V
output left [mg] = depot
"""

SATURATED = """
model saturated
time [h]
parameter Vmax [mg/h] = 9
parameter Km [mg] = 20
parameter share [1] = 0.8
parameter wait [h] = 0.35
parameter span [h] = 1.1
state central [mg]
state copy [mg]
d/dt(central) = -Vmax*central/(Km + central)
d/dt(copy) = central*0.2[1/h] - copy*copy*0.01[1/(mg*h)]
bioavailability(central) = share
lag(central) = wait
duration(central) = span
output level [mg] = central
output behind [mg] = copy
"""

INDIRECT = """
model indirect
time [h]
parameter k [1/h] = 0.3
parameter kin [1/h] = 0.5
parameter kout [1/h] = 0.25
parameter half [mg] = 12
parameter steep [1] = 1.7
parameter push [1] = 0.2
state central [mg]
state response [1] = kin/kout
d/dt(central) = -k*central
d/dt(response) = kin*(1 - hill(central, half, steep)) - kout*response
on nudge: response <- response*(1 - push) + push^2, central <- central*exp(-push*response)
output r [1] = response
output log_r [1] = log(response/kin*1[1/h]) + central*k/1[mg/h]
"""

PEAKS = """
model peaks
time [h]
parameter ka [1/h] = 1.2
parameter ke [1/h] = 0.2
parameter ks [1/h] = 0.4
parameter keep [1] = 0.7
state depot [mg]
state central [mg]
state site [mg]
state memory [1]
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - ke*central*(1 + site/40[mg])
d/dt(site) = ks*(central - site)
d/dt(memory) = -0.05[1/h]*memory + 0.001[1/h]*site/1[mg]
when peak(site) if site > 1[mg] as top: memory <- memory + keep*site/10[mg]*exp(-0.02[1/h]*time),
    central <- central*keep
output m [1] = memory
output s [mg] = site
"""


def table(model, *rows):
    return rekindle.EventTable.from_rows([{"ID": 1, **row} for row in rows], model)


def compare(model, events, names, times=TIMES, accuracy=2e-6, outputs=None, **more):
    found = sensitivities(
        model, events, with_respect_to=names, times=times, tolerance=1e-10, outputs=outputs, **more
    )
    for output in found.outputs:
        for name in names:
            wanted = differences(model, events, name, output, times)
            size = abs(model.parameters[name].value) if name in model.parameters else 1.0
            scale = max(np.abs(wanted).max(), 1e-2 * np.abs(found.outputs[output]).max() / size) or 1.0
            np.testing.assert_allclose(
                found.of(output, name) / scale, wanted / scale, atol=accuracy, err_msg=f"{output} by {name}"
            )
    return found


KINDS = {
    "bolus": {"AMT": 80, "CMT": "depot", "RATE": 0},
    "infusion": {"AMT": 80, "CMT": "depot", "DUR": 1.2},
    "rate": {"AMT": 80, "CMT": "depot", "RATE": 40},
    "duration": {"AMT": 80, "CMT": "depot", "RATE": -2},
    "modelled rate": {"AMT": 80, "CMT": "central", "RATE": -1},
    "central bolus": {"AMT": 80, "CMT": "central", "RATE": 0},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_of_dosing(kind):
    model = rekindle.load_model(DEPOT)
    events = table(model, {"TIME": 0.13, **KINDS[kind], "ADDL": 2, "II": 5, "weight": 60})
    compare(model, events, list(model.parameters))


def test_a_lagged_bolus_has_the_derivative_of_its_closed_form():
    model = rekindle.load_model(DEPOT)
    events = table(model, {"TIME": 0, "AMT": 100, "CMT": "central", "RATE": 0})
    found = sensitivities(model, events, with_respect_to=["wait", "share"], times=TIMES, tolerance=1e-10)
    k, lag = 0.8 / 5, 0.2
    level = np.where(lag < TIMES, 0.6 * 100 / 5 * np.exp(-k * (TIMES - lag)), 0)
    np.testing.assert_allclose(found.of("level", "share")[0], level / 0.6, rtol=1e-9)
    np.testing.assert_allclose(found.of("level", "wait")[0], level * k * 0.5, rtol=1e-9)
    assert found.units["level"] == ("mg/L/h", "mg/L")


def test_an_infusion_of_modelled_length_has_the_derivative_of_its_closed_form():
    model = rekindle.load_model(SATURATED.replace("Vmax*central/(Km + central)", "0.3[1/h]*central"))
    events = table(model, {"TIME": 0, "AMT": 100, "CMT": "central", "RATE": -2})
    found = sensitivities(model, events, with_respect_to=["span"], times=TIMES, outputs=["level"])
    k, amount, span, after = 0.3, 80.0, 1.1, TIMES - 0.35
    during = -amount / (k * span**2) * (1 - np.exp(-k * after))
    later = amount / k * (np.exp(-k * after) * (np.exp(k * span) * (k * span - 1) + 1) / span**2)
    wanted = np.where(after <= 0, 0, np.where(after < span, during, later))
    np.testing.assert_allclose(found.of("level", "span")[0], wanted, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("rate", [0, -2])
def test_saturable_elimination(rate):
    model = rekindle.load_model(SATURATED)
    events = table(
        model,
        {"TIME": 0, "AMT": 60, "CMT": "central", "RATE": 0},
        {"TIME": 2, "AMT": 60, "CMT": "central", "RATE": rate},
        {"TIME": 9, "EVID": 4, "AMT": 30, "CMT": "central", "RATE": rate},
    )
    compare(model, events, [*model.parameters, "copy"])


def test_named_events_and_initial_values():
    model = rekindle.load_model(INDIRECT)
    events = table(
        model,
        {"TIME": 0, "AMT": 40, "CMT": "central"},
        {"TIME": 3, "EVID": 2, "EVENT": "nudge"},
        {"TIME": 5, "AMT": 20, "CMT": "central", "DUR": 2},
        {"TIME": 8, "EVID": 2, "EVENT": "nudge"},
    )
    compare(model, events, [*model.parameters, "central", "response"])


def test_a_power_below_one_before_the_first_dose():
    model = rekindle.load_model(INDIRECT.replace("= 1.7", "= 0.7"))
    events = table(model, {"TIME": 1, "AMT": 40, "CMT": "central"})
    times = [0.5, 2.0, 5.0, 9.0]
    found = sensitivities(
        model, events, with_respect_to=["half", "k", "steep"], times=times, outputs=["r"], tolerance=1e-9
    )
    for name in found.with_respect_to:
        sides = [
            rekindle.simulate(shifted(model, name, step), events, times=times, tolerance=1e-11)["r"]
            for step in (1e-4, -1e-4)
        ]
        wanted = (sides[0] - sides[1]) / 2e-4
        np.testing.assert_allclose(found.of("r", name), wanted, atol=1e-5 * np.abs(wanted).max())


def test_peaks_whose_moments_depend_on_the_parameters():
    model = rekindle.load_model(PEAKS)
    events = table(
        model, {"TIME": 0, "AMT": 50, "CMT": "depot"}, {"TIME": 9, "AMT": 30, "CMT": "depot", "DUR": 1}
    )
    compare(model, events, [*model.parameters, "site"], accuracy=1e-5)


def test_steady_state_of_doses_that_do_not_depend_on_the_parameter():
    model = rekindle.load_model(INDIRECT)
    events = table(model, {"TIME": 0, "AMT": 20, "CMT": "central", "SS": 1, "II": 12})
    compare(model, events, ["k", "kout", "half"], accuracy=1e-5)


def test_people_with_their_own_numbers_occasions_and_covariates():
    model = rekindle.load_model(DEPOT)
    rows = [
        {"ID": person, "TIME": time, "AMT": 50 + 10 * person, "CMT": "depot", "RATE": 0, "OCC": occasion,
         "weight": 60 + 5 * person + 4 * occasion}
        for person in range(3)
        for occasion, time in ((1, 0.0), (2, 6.0))
    ]  # fmt: skip
    events = rekindle.EventTable.from_rows(rows, model, carry={"weight": "locf"})
    base = {str(p): {"CL": [0.7 + 0.1 * p, 0.9], "share": 0.5 + 0.1 * p, "wait": 0.4} for p in range(3)}
    found = sensitivities(
        model, events, with_respect_to=["CL", "share", "wait"], parameters=base, times=TIMES, tolerance=1e-10
    )
    assert found.derivatives["level"].shape == (3, len(TIMES), 3)
    for name in ("CL", "share", "wait"):
        sides = [
            rekindle.simulate(
                model, events, times=TIMES, tolerance=TIGHT,
                parameters={p: {**own, name: np.asarray(own[name]) + step} for p, own in base.items()},
            )["level"]
            for step in (1e-5, -1e-5)
        ]  # fmt: skip
        wanted = (sides[0] - sides[1]) / 2e-5
        np.testing.assert_allclose(found.of("level", name), wanted, atol=2e-6 * np.abs(wanted).max())


def test_observation_records_and_a_covariate_that_moves():
    model = rekindle.load_model(DEPOT)
    events = rekindle.EventTable.from_rows(
        [
            {"ID": 1, "TIME": 0, "EVID": 0, "weight": 60, "DV": 1.0},
            {"ID": 1, "TIME": 1, "AMT": 50, "CMT": "depot", "RATE": -2, "weight": 64},
            {"ID": 1, "TIME": 3, "EVID": 0, "weight": 72, "DV": 2.0},
            {"ID": 1, "TIME": 5, "EVID": 0, "weight": 80, "DV": 3.0},
        ],
        model, carry={"weight": "linear"},
    )  # fmt: skip
    found = sensitivities(model, events, with_respect_to=["span", "CL"], tolerance=1e-10)
    assert found.derivatives["level"].shape == (3, 2)
    assert found.outputs.carried["DV"] == (1.0, 2.0, 3.0)
    for name in ("span", "CL"):
        wanted = differences(model, events, name, "level", None)
        np.testing.assert_allclose(found.of("level", name), wanted, atol=1e-5 * np.abs(wanted).max())


def test_the_outputs_are_those_of_a_run_without_derivatives():
    model = rekindle.load_model(DEPOT)
    events = table(
        model,
        {"TIME": 0, "AMT": 50, "CMT": "depot", "RATE": 0},
        {"TIME": 0.2, "AMT": 50, "CMT": "central", "RATE": -1, "ADDL": 3, "II": 4},
    )
    found = sensitivities(model, events, with_respect_to=["share", "wait"], times=TIMES, tolerance=1e-9)
    alone = rekindle.simulate(model, events, times=TIMES)
    for name in alone:
        np.testing.assert_allclose(found.outputs[name], alone[name], rtol=1e-9, atol=1e-10)
    assert found.outputs.names == alone.names


@pytest.mark.parametrize("solver", ["L1", "L1'", "driver"])
def test_solvers_agree(solver):
    model = rekindle.load_model(SATURATED)
    events = table(model, {"TIME": 0, "AMT": 60, "CMT": "central", "RATE": -2, "ADDL": 2, "II": 4})
    names = ["Vmax", "share", "span"]
    found, other = (
        sensitivities(model, events, with_respect_to=names, times=TIMES, tolerance=1e-10, solver=kind)
        for kind in ("auto", solver)
    )
    for name in found.outputs:
        np.testing.assert_allclose(found.derivatives[name], other.derivatives[name], rtol=1e-6, atol=1e-6)


def test_mood_of_the_therapy_model():
    model = therapy_model()
    regimen = parse_regimen("0.5 mg/kg ketamine over 40 min twice weekly for 2 weeks")
    events = rekindle.EventTable.from_rows(dose_records(regimen, weight_kg=70), model)
    compare(
        model, events, ["EP", "kelim", "ke0", "CLint", "x1"], outputs=["madrs_latent"],
        times=np.array([1.0, 4, 24, 90, 170, 250, 336, 500]), accuracy=1e-6,
    )  # fmt: skip


def test_gradient_of_a_sum_of_squares():
    model = rekindle.load_model(DEPOT)
    events = table(model, {"TIME": 0, "AMT": 50, "CMT": "depot", "RATE": 0})
    names = ["CL", "ka", "share", "wait"]

    def loss(found):
        miss = found["level"] - 3.0
        return float((miss**2).sum()), {"level": 2 * miss}

    value, gradient = loss_gradient(
        model, events, loss=loss, with_respect_to=names, times=TIMES, tolerance=1e-10
    )
    assert value == pytest.approx(loss(rekindle.simulate(model, events, times=TIMES))[0])
    for name, own in zip(names, gradient, strict=True):
        step = 1e-5 * model.parameters[name].value
        up, down = (
            loss(rekindle.simulate(shifted(model, name, s), events, times=TIMES))[0] for s in (step, -step)
        )
        assert own == pytest.approx((up - down) / (2 * step), rel=1e-5)


@settings(max_examples=12, deadline=None)
@given(
    share=st.floats(0.2, 0.95), wait=st.floats(0.02, 1.5), span=st.floats(0.2, 3),
    kind=st.sampled_from(sorted(KINDS)), again=st.floats(2.0, 6.0),
)  # fmt: skip
def test_doses_of_any_size_and_moment(share, wait, span, kind, again):
    model = rekindle.load_model(DEPOT).with_parameters(share=share, wait=wait, span=span)
    events = table(model, {"TIME": 0, **KINDS[kind], "ADDL": 1, "II": again})
    times = np.linspace(0.05, 17.0, 23) + 0.0123
    found = sensitivities(
        model, events, with_respect_to=["share", "wait", "span"], times=times, tolerance=1e-10
    )
    for name in ("share", "wait", "span"):
        step = 1e-6
        sides = [
            rekindle.simulate(shifted(model, name, s), events, times=times, tolerance=TIGHT)["level"]
            for s in (step, -step)
        ]
        wanted = (sides[0] - sides[1]) / (2 * step)
        # Where a dose begins or ends within the step the difference is no derivative.
        wide = [
            rekindle.simulate(shifted(model, name, s), events, times=times, tolerance=TIGHT)["level"]
            for s in (100 * step, -100 * step)
        ]
        smooth = np.abs((wide[0] - wide[1]) / (200 * step) - wanted) < 1e-4 * (1 + np.abs(wanted).max())
        assert smooth.sum() >= smooth.size - 8
        np.testing.assert_allclose(
            found.of("level", name)[smooth], wanted[smooth], atol=1e-5 * (1 + np.abs(wanted).max())
        )


def refused(text, names, *rows, **more):
    model = rekindle.load_model(text)
    return sensitivities(model, table(model, *rows), with_respect_to=names, times=[1.0], **more)


DOSE = {"TIME": 0, "AMT": 10, "CMT": "central", "RATE": 0}


@pytest.mark.parametrize(
    ("names", "code"), [(["Vmx"], "RK-PAR-190"), ([], "RK-PAR-191"), (["Km", "Km"], "RK-PAR-191")]
)
def test_names_are_checked(names, code):
    with pytest.raises(ParameterError) as caught:
        refused(SATURATED, names, DOSE)
    assert caught.value.code == code


def test_what_was_not_asked_for_is_refused():
    found = refused(SATURATED, ["Km"], DOSE)
    with pytest.raises(ParameterError, match="RK-PAR-192"):
        found.of("level", "Vmax")
    with pytest.raises(OutputError, match="RK-OUT-001"):
        found.of("levels", "Km")


def test_what_would_be_wrong_is_refused():
    with pytest.raises(SolverError, match="RK-SOL-062"):
        refused(SATURATED, ["share"], {**DOSE, "SS": 1, "II": 12})
    switched = SATURATED.replace("-Vmax*central", "-if(time > wait, Vmax, 2*Vmax)*central")
    with pytest.raises(SolverError, match="RK-SOL-060"):
        refused(switched, ["wait"], DOSE)
    refused(switched, ["Km"], DOSE)
    watched = SATURATED.replace("output level", "output running [mg/h] = infusion(central)\noutput level")
    with pytest.raises(SolverError, match="RK-SOL-061"):
        refused(watched, ["span"], DOSE)
    refused(watched, ["Vmax"], DOSE)
    peaked = SATURATED + "when peak(copy): copy <- 0.5*copy\n"
    with pytest.raises(SolverError, match="RK-SOL-065"):
        refused(peaked, ["wait"], DOSE)
    with pytest.raises(SolverError, match="RK-SOL-065"):
        refused(peaked, ["share"], {**DOSE, "RATE": 5})
    refused(peaked, ["share"], DOSE)


def test_a_peak_beside_a_covariate_that_moves_is_refused():
    text = PEAKS.replace("ke*central*(", "ke*weight/70[kg]*central*(") + "covariate weight [kg] = 70\n"
    model = rekindle.load_model(text)
    rows = [{"ID": 1, "TIME": time, "EVID": 0, "weight": 70 + time} for time in (0, 5)]
    events = rekindle.EventTable.from_rows(rows, model, carry={"weight": "linear"})
    with pytest.raises(SolverError, match="RK-SOL-066"):
        sensitivities(model, events, with_respect_to=["ke"])


def test_branches_that_meet_are_no_jump():
    text = SATURATED.replace("central*0.2[1/h]", "if(central > Km, Km, central)*0.2[1/h]")
    model = rekindle.load_model(text)
    compare(model, table(model, {**DOSE, "AMT": 60}), ["Km", "Vmax"], accuracy=1e-5)


def test_a_lag_that_changes_while_the_dose_waits_is_refused():
    text = DEPOT.replace("lag(central) = 0.5*wait", "lag(central) = wait*weight/70[kg]")
    model = rekindle.load_model(text)
    events = rekindle.EventTable.from_rows(
        [{"ID": 1, **DOSE, "weight": 70}, {"ID": 1, "TIME": 0.2, "EVID": 2, "weight": 80}],
        model, carry={"weight": "locf"},
    )  # fmt: skip
    with pytest.raises(SolverError, match="RK-SOL-063"):
        sensitivities(model, events, with_respect_to=["wait"], times=[1.0])
