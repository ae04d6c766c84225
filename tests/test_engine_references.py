"""Our engine against engines that others wrote: W1, the therapy model, textbook models of many kinds.

libroadrunner reads the SBML that we export, so that it checks the export as well; heyoka, COPASI and
numbalsoda run where they are installed.
"""

from functools import cache

import numpy as np
import pytest
from benchmarks._equations import equations
from benchmarks._workload import Workload, w1
from benchmarks.peers.rekindle import Run
from scipy.integrate import solve_ivp

import rekindle
from rekindle.engine import EventTable, solve
from rekindle.modelling import to_sbml
from rekindle.people import output_times
from rekindle.regimen import parse_regimen
from rekindle.therapy import dose_records, export_events, therapy_model
from sbml_engines import run_in_copasi, run_in_roadrunner
from textbook import APART, CASES, MODELS, case

SOLVERS = ("auto", "L1", "L1'", "L2")


def ours(model, given, times, tolerance=1e-10, solver="auto", **more):
    rows = [
        {"ID": 1, "TIME": d["time"], "AMT": d["amount"], "DUR": d["duration"], "CMT": d["state"]}
        for d in given
    ]
    # A record at time 0 starts the clock there, whenever the first dose is.
    events = EventTable.from_rows([{"ID": 1, "TIME": 0, "EVID": 0}, *rows], model)
    chosen = {} if solver == "auto" else {"solver": solver}
    return solve(model, events, times=times, tolerance=tolerance, **chosen, **more)


def assert_close(found, wanted, name, rtol=1e-6):
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=1e-8 * scale + 1e-15, err_msg=name)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", CASES)
def test_libroadrunner_agrees_on_textbook_models(name, solver):
    roadrunner = pytest.importorskip("roadrunner")
    model, given, times = case(name)
    own = ours(model, given, times, solver=solver)
    runner = roadrunner.RoadRunner(to_sbml(model, events=given))
    runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = 1e-11, 1e-14
    runner.integrator.maximum_num_steps = 1_000_000
    # Triggers are looked for between steps only.
    runner.integrator.maximum_time_step = 0.5 if given else 0.0
    theirs = runner.simulate(times=[0.0, *times], selections=["time", *model.outputs])[1:]
    for column, output in enumerate(model.outputs, start=1):
        assert_close(own[output][0], theirs[:, column], output)


def workload(name):
    model, given, times = case(name)
    return Workload(name, model, tuple(model.states), tuple(given), times, {})


@pytest.mark.parametrize("name", CASES)
def test_heyoka_agrees_on_textbook_models(name):
    pytest.importorskip("heyoka")
    from benchmarks.peers.heyoka import prepare_scalar

    case_ = workload(name)
    found = prepare_scalar(case_)(np.empty((1, 0)), 1e-16)[0]
    own = ours(case_.model, case_.doses, case_.times, tolerance=1e-11)
    for output, wanted in case_.outputs(found).items():
        assert_close(own[output][0], wanted, output)


def test_heyoka_gives_the_same_to_many_people_at_once():
    pytest.importorskip("heyoka")
    from benchmarks.peers.heyoka import prepare_batch, prepare_scalar

    case_, nobody = workload("one_compartment"), np.empty((3, 0))
    found, wanted = prepare_batch(case_)(nobody, 1e-16), prepare_scalar(case_)(nobody, 1e-16)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
    with pytest.raises(ValueError, match="do not share the moments"):
        prepare_batch(half_year()[0])


@pytest.mark.parametrize("name", CASES)
def test_copasi_agrees_on_textbook_models(name):
    pytest.importorskip("basico")
    from benchmarks.peers.copasi import prepare

    case_ = workload(name)
    found = prepare(case_)(np.empty((1, 0)), 1e-12)[0]
    own = ours(case_.model, case_.doses, case_.times)
    for output, wanted in case_.outputs(found).items():
        assert_close(own[output][0], wanted, output)


@pytest.mark.parametrize("name", ["robertson", "van_der_pol", "predator_prey", "nerve"])
def test_scipy_agrees_on_stiff_and_oscillating_problems(name):
    case_ = workload(name)
    system = equations(case_)
    space = {"np": np, "m": np}
    head = f"d = np.empty({len(system.states)})"
    exec(system.source("rates", "t, y, c", head, "d[{place}] = {value}", "return d"), space)  # noqa: S102
    states, y = [], system.initial
    for segment, constants in zip(case_.segments, system.all_constants(np.empty((1, 0)))[0], strict=True):
        grid = np.unique([*segment.times, segment.end])
        method = "Radau" if name == "robertson" else "DOP853"
        found = solve_ivp(
            space["rates"], (segment.start, segment.end), y, method, grid, args=(constants,),
            rtol=1e-12, atol=1e-14,
        )  # fmt: skip
        states.append(found.y[:, : len(segment.times)].T)
        y = found.y[:, -1]
    own = ours(case_.model, case_.doses, case_.times, tolerance=1e-11)
    for output, wanted in case_.outputs(np.concatenate(states)).items():
        assert_close(own[output][0], wanted, output)


@pytest.fixture(scope="module")
def two_people():
    case_ = w1()
    return case_, case_.people(2)


def own_w1(case_, people, tolerance=1e-10, solver="auto"):
    return Run(case_, solver)(people, tolerance)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("peer", "entry", "tolerance"),
    [
        ("roadrunner", "libroadrunner:prepare", 1e-9), ("heyoka", "heyoka:prepare_scalar", 1e-16),
        ("basico", "copasi:prepare", 1e-11), ("numbalsoda", "numbalsoda:prepare", 1e-11),
    ],
)  # fmt: skip
def test_other_engines_agree_on_w1(two_people, peer, entry, tolerance, solver):
    pytest.importorskip(peer)
    from importlib import import_module

    module, function = entry.split(":")
    case_, people = two_people
    theirs = getattr(import_module(f"benchmarks.peers.{module}"), function)(case_)(people, tolerance)
    found = own_w1(case_, people, solver=solver)
    for place, state in enumerate(case_.states):
        assert_close(found[:, :, place], theirs[:, :, place], state)


HALF_YEAR = (
    "ketamine 0.5 mg/kg iv over 40 min, twice weekly x 4 weeks, then weekly x 4, then every 2 weeks x 9"
)


@cache
def half_year():
    """The therapy model over 26 weeks, and the records of the same doses."""
    model, regimen = therapy_model(), parse_regimen(HALF_YEAR)
    times = np.asarray(output_times(regimen, 26 * 168.0)) + APART
    events = EventTable.from_rows(dose_records(regimen, weight_kg=70.0), model)
    doses = tuple(export_events(model, regimen, 70.0, "D1"))
    return Workload("therapy", model, tuple(model.states), doses, times, {}), events


@cache
def half_year_elsewhere(peer):
    case_, _ = half_year()
    if peer == "heyoka":
        from benchmarks.peers.heyoka import prepare_scalar

        return case_.outputs(prepare_scalar(case_)(np.empty((1, 0)), 1e-16)[0])
    run = {"roadrunner": run_in_roadrunner, "basico": run_in_copasi}[peer]
    return run(case_.times, case_.model.outputs, to_sbml(case_.model, events=list(case_.doses)))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("peer", ["heyoka", "roadrunner", "basico"])
def test_other_engines_agree_on_the_therapy_model_over_26_weeks(peer, solver):
    pytest.importorskip(peer)
    case_, events = half_year()
    chosen = {} if solver == "auto" else {"solver": solver}
    own = solve(case_.model, events, times=case_.times, tolerance=1e-11, **chosen)
    theirs = half_year_elsewhere(peer)
    assert theirs["expectancy_level"].max() > 0.1, "the peak event must have fired"
    for name in case_.model.outputs:
        assert_close(theirs[name], own[name][0], name)


def test_the_orbit_of_predator_and_prey_closes():
    model, given, times = case("predator_prey")
    conserved = ours(model, given, times, tolerance=1e-11)["conserved"][0]
    np.testing.assert_allclose(conserved, conserved[0], rtol=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_looser_tolerances_stay_near(name):
    """At the default tolerance a phase or a fast transient may be off by more than it, but not by much."""
    model, given, times = case(name)
    fine, usual = ours(model, given, times, 1e-11), ours(model, given, times, 1e-7)
    for output in model.outputs:
        assert_close(usual[output][0], fine[output][0], output, rtol=2e-4)


def test_the_models_are_read_by_the_public_entry():
    assert {path.stem for path in MODELS.glob("*.model")} == set(CASES)
    assert all(rekindle.load_model(path).outputs for path in MODELS.glob("*.model"))
