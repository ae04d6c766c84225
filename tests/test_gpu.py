"""The way over a graphics card: its text, the driver's interface, the choice, and the numbers without a card.

``emulated_card`` runs the very same generated code on this processor. Tests at the end need a card.
"""

import os
import re
import shutil
import subprocess

import numpy as np
import pytest
from benchmarks import _gpu
from benchmarks._workload import w1

import rekindle
from emulated_card import (
    INVALID_IMAGE,
    LAUNCH_FAILED,
    NO_DEVICE,
    OUT_OF_MEMORY,
    EmulatedDriver,
)
from rekindle.engine import Chunk, EventTable, Peak, simulate_stream, solve
from rekindle.engine._derivation import Derivation
from rekindle.engine._system import build_system
from rekindle.engine.gpu import _batch as _gpu_batch
from rekindle.engine.gpu._driver import REGISTERS, Card, CardError
from rekindle.engine.gpu._text import card_text
from rekindle.engine.running import _device, _job
from rekindle.errors import SolverError
from rekindle.modelling import read_model
from rekindle.people import Person, simulate_people
from rekindle.therapy import therapy_model
from textbook import CASES, MODELS, case


def derivation(model, outputs=None, *, exact_linear=True):
    found = Derivation(build_system(model, outputs or tuple(model.outputs), exact_linear=exact_linear))
    if found.peak_names and not found.system.nonlinear:
        return derivation(model, outputs, exact_linear=False)
    return found


def some_model(name):
    if name == "w1":
        return w1().model
    return therapy_model() if name == "therapy" else read_model(MODELS / f"{name}.model")


# ---- the text -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ptxas():
    """NVIDIA's assembler, from a CUDA toolkit or the wheel nvidia-cuda-nvcc."""
    found = os.environ.get("REKINDLE_PTXAS") or shutil.which("ptxas")
    if found is None:
        pytest.skip("no ptxas (of a CUDA toolkit, or named by REKINDLE_PTXAS): the text is not assembled")
    return found


@pytest.mark.parametrize("name", [*CASES, "w1", "therapy"])
def test_text_is_complete(name):
    text = card_text(derivation(some_model(name)))
    assert re.search(r"^\.version \d", text, re.M)
    assert re.search(r"^\.target sm_70", text, re.M)
    assert re.findall(r"\.entry (\w+)\(", text) == ["rekindle_people"]
    defined = set(re.findall(r"^(?:\.visible )?\.func +(?:\([^)]*\) +)?(\w+)\(", text, re.M))
    called = set(re.findall(r"call\.uni +(?:\([^)]*\), *)?\n? *(\w+)", text))
    assert called
    assert called <= defined
    assert ".extern" not in text
    assert "call (" not in re.sub(r"call\.uni", "", text)
    assert ".f32" not in text
    # The error of pow is kept small by products that must not be fused.
    if "math_pow" in text:
        body = text[text.index("math_pow_1(") :]
        assert body.count("mul.rn.f64") > 5


@pytest.mark.parametrize("name", [*CASES, "w1", "therapy"])
def test_text_assembles(name, ptxas, tmp_path):
    text = card_text(derivation(some_model(name)))
    path = tmp_path / "kernel.ptx"
    path.write_text(text)
    options = ["-O0", "-arch=sm_80", f"-maxrregcount={REGISTERS}"]
    command = [ptxas, *options, path, "-o", tmp_path / "kernel.cubin"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower(), done.stderr
    assert (tmp_path / "kernel.cubin").stat().st_size > 1000


# ---- the numbers, on an emulated card -------------------------------------------------------------


@pytest.fixture
def driver(monkeypatch):
    """An emulated driver that the engine finds in the place of a real one."""
    made = EmulatedDriver()
    use(monkeypatch, made)
    yield made
    assert not made.reserved, "memory of the card was not given back"


def use(monkeypatch, made):
    _device._search.cache_clear()
    monkeypatch.setattr(_device, "load_driver", lambda: made)
    monkeypatch.setattr(_gpu_batch, "card_text", made.card_text)


@pytest.fixture(autouse=True)
def forget_the_card():
    yield
    _device._search.cache_clear()


def several(model, given, people=3, spread=0.15):
    """Doses and parameters of a few people."""
    rows = [
        {"ID": i, "TIME": d["time"], "AMT": d["amount"], "DUR": d["duration"], "CMT": d["state"]}
        for i in range(people)
        for d in ({"time": 0, "amount": 0, "duration": 0, "state": next(iter(model.states))}, *given)
    ]
    rng = np.random.default_rng(11)
    parameters = {
        str(i): {
            name: parameter.value * np.exp(spread * rng.standard_normal())
            for name, parameter in model.parameters.items()
        }
        for i in range(people)
    }
    return EventTable.from_rows(rows, model), parameters


def assert_within(found, wanted, tolerance):
    """Within some times the tolerance of each step, in the measure of the benchmark."""
    scale = np.abs(wanted).max(axis=0)
    gap = np.abs(found - wanted) / (np.abs(wanted) + 1e-2 * scale + 1e-300)
    assert gap.max() < 300 * tolerance


#: Those with steps to take, of different kinds.
STEPPED = (
    "metabolites", "michaelis_menten", "indirect_response", "transit", "target_mediated", "myelosuppression",
    "robertson", "van_der_pol",
)  # fmt: skip


@pytest.mark.parametrize("name", STEPPED)
def test_card_agrees_with_the_processor_on_textbook_models(name, driver):
    model, given, times = case(name)
    oscillates = name in ("nerve", "van_der_pol", "predator_prey")
    events, parameters = several(model, given, spread=0.0 if oscillates else 0.15)
    settings = {"parameters": parameters, "times": times, "tolerance": 1e-9}
    # Equal rates in a row have no modal form, so that every state has to be stepped.
    solver = "L1" if name == "transit" else "auto"
    found = solve(model, events, device="gpu", solver=solver, **settings)
    wanted = solve(model, events, device="cpu", solver="driver", **settings)
    assert (found.solver.device, found.solver.on_card, found.solver.alone) == ("gpu", 3, 0)
    assert sum(driver.launches) == 3
    assert_within(found.rows, wanted.rows, 1e-9)
    assert found.solver.steps > 0 or not found.solver.nonlinear_states


def w1_errors(people):
    """W1 on a card and on the processor: both reports, and the error of each person."""
    case_ = w1()
    drawn = [dict(zip(case_.varied, row, strict=True)) for row in case_.people(people)]
    events = case_.event_table(people)
    settings = {
        "parameters": dict(zip(events.subjects, drawn, strict=True)),
        "times": case_.times,
        "outputs": case_.states,
    }
    found = solve(case_.model, events, device="gpu", **settings)
    wanted = solve(case_.model, events, device="cpu", tolerance=1e-10, **settings)
    error = np.abs(found.rows - wanted.rows) / (1e-8 + 1e-6 * np.abs(wanted.rows))
    return found.solver, wanted.solver, error.reshape(people, -1).max(axis=1)


def test_card_agrees_with_the_processor_on_w1(driver):
    card, processor, errors = w1_errors(4)
    assert (card.solver, processor.solver, card.on_card) == ("L1'", "L2", 4)
    assert errors.max() < 20


EVENTS = """
model all_events
time [h]
parameter ka [1/h] = 1
parameter k [1/h] = 0.2
parameter late [h] = 0.5
parameter gain [1] = 1
parameter length [h] = 2
covariate size [1] = 1 carry locf
state depot [mg]
state central [mg]
state effect [1]
state count [1]
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - k*size*central
d/dt(effect) = gain*1[1/h]*(hill(central, 50[mg], 2.5) - effect*(1 + 0.3*effect))
    + 0.1[1/h]*count*exp(-effect)
d/dt(count) = -0.02[1/h]*count
lag(depot) = late
duration(central) = length
on clear: count <- 0.5*count
when peak(effect) if central > 5[mg]: count <- count + 1 + 0.01*time/1[h]
output e [1] = effect
output n [1] = count
output c [mg] = central
"""


def everything(people=5):
    """Repeated lagged doses, infusions of given and modelled length, covariates, an event, a reset."""
    model = rekindle.load_model(EVENTS)
    rows = []
    for i in range(people):
        rows += [
            {
                "ID": i,
                "TIME": 0,
                "AMT": 60 + 7 * (i % 8),
                "CMT": "depot",
                "II": 12,
                "ADDL": 2,
                "size": 0.9 + 0.07 * i,
            },
            {"ID": i, "TIME": 26, "AMT": 50, "RATE": -2, "CMT": "central"},
            {"ID": i, "TIME": 30, "AMT": 40, "DUR": 1.5, "CMT": "central", "size": 1.2},
            {"ID": i, "TIME": 40, "EVID": 2, "EVENT": "clear"},
            {"ID": i, "TIME": 60, "EVID": 4, "AMT": 90, "CMT": "depot"},
        ]
    parameters = {str(i): {"k": 0.1 + 0.03 * (i % 9), "gain": 0.6 + 0.2 * (i % 7)} for i in range(people)}
    return (
        model,
        EventTable.from_rows(rows, model),
        {"parameters": parameters, "times": np.linspace(0, 72, 37)},
    )


@pytest.mark.parametrize("solver", ["auto", "L1"])
def test_every_kind_of_event_agrees(solver, driver):
    model, events, settings = everything()
    found = solve(model, events, device="gpu", solver=solver, tolerance=1e-9, **settings)
    wanted = solve(model, events, device="cpu", solver="driver", tolerance=1e-9, **settings)
    assert found.solver.on_card == 5
    assert found["n"].max() > 1.5
    assert_within(found.rows, wanted.rows, 1e-9)


def test_therapy_agrees(driver):
    people = [Person(i, weight_kg=60 + 10 * i, madrs_baseline=30 + i) for i in range(3)]
    settings = {"times": [0, 0.7, 2, 24, 168, 400], "typical": True}
    dose = "ketamine 0.5 mg/kg iv over 40 min, twice weekly x 1 week"
    found = simulate_people(dose, people, device="gpu", **settings)
    wanted = simulate_people(dose, people, device="cpu", tolerance=1e-9, **settings)
    assert found.solver.on_card == 3
    np.testing.assert_allclose(found.rows, wanted.rows, rtol=2e-5, atol=2e-6)


def test_each_thread_minds_its_own_steps(driver):
    """A person's numbers do not depend on who else is on the card, nor on how many fit at once."""
    model, events, settings = everything()
    together = solve(model, events, device="gpu", **settings)
    alone = EventTable({"3": events.subjects["3"]}, events.carry)
    one = solve(model, alone, device="gpu", parameters=settings["parameters"]["3"], times=settings["times"])
    np.testing.assert_array_equal(one["e"][0], together["e"][3])
    driver.memory, driver.local_bytes = 11_000, 0
    driver.launches.clear()
    in_parts = solve(model, events, device="gpu", **settings)
    assert len(driver.launches) > 1
    assert sum(driver.launches) == 5
    np.testing.assert_array_equal(in_parts.rows, together.rows)


# ---- what a card does not take --------------------------------------------------------------------


def test_steady_state_stays_on_the_processor(driver):
    model = some_model("one_compartment")
    rows = [{"ID": i, "TIME": 0, "AMT": 60, "CMT": "depot"} for i in range(3)]
    rows[1] |= {"SS": 1, "II": 12}
    events = EventTable.from_rows(rows, model)
    found = solve(model, events, device="gpu", times=[1, 5])
    assert (found.solver.device, found.solver.on_card, found.solver.alone) == ("gpu and cpu", 2, 1)
    assert "2 people on Emulated card, one a thread; 1 people one at a time" in str(found.solver)
    np.testing.assert_allclose(found.rows, solve(model, events, device="cpu", times=[1, 5]).rows, rtol=1e-5)


def test_who_fails_on_the_card_is_named_by_the_general_driver(driver):
    model = rekindle.load_model(
        "model m\ntime [h]\nparameter k [1/h] = 1\nstate y [1] = 1\nd/dt(y) = k*y*y\noutput y [1] = y"
    )
    events = EventTable.from_rows([{"ID": i, "TIME": 0, "EVID": 0} for i in range(3)], model)
    parameters = {"0": {"k": 0.1}, "1": {"k": 5.0}, "2": {"k": 0.2}}
    with pytest.raises(SolverError, match=r"person 1, time 0\.2") as caught:
        solve(model, events, device="gpu", parameters=parameters, times=[1])
    np.testing.assert_allclose(caught.value.finished["y"][:, 0], [1 / 0.9, 1 / 0.8], rtol=1e-6)


def test_covariates_that_move_stay_on_the_processor(driver):
    model, events, settings = everything()
    moving = EventTable(events.subjects, {**events.carry, "size": "linear"})
    found = solve(model, moving, device="gpu", **settings)
    assert found.solver.on_card == 0
    assert found.solver.device_reason == "covariates move between records: size"


def test_streams_stay_on_the_processor(driver, monkeypatch):
    """A card belongs to one process, and bits must not depend on the number of workers."""
    model, events, settings = everything()
    monkeypatch.setattr(_device, "LEAST_PEOPLE", 1)
    pieces = [Chunk(events, settings["parameters"])]
    found = simulate_stream(model, pieces, {"top": Peak("e")}, times=settings["times"])
    assert (found.people, driver.launches) == (5, [])


# ---- the choice -----------------------------------------------------------------------------------


def test_gpu_without_a_card_is_an_error(monkeypatch):
    model, events, settings = everything(1)

    def missing():
        raise CardError("NVIDIA's driver library (libcuda.so.1) is not installed")

    _device._search.cache_clear()
    monkeypatch.setattr(_device, "load_driver", missing)
    with pytest.raises(SolverError, match=r"libcuda\.so\.1") as caught:
        solve(model, events, device="gpu", **settings)
    assert caught.value.code == "RK-SOL-030"
    monkeypatch.setattr(_device, "LEAST_PEOPLE", 1)
    assert solve(model, events, **settings).solver.device_reason.endswith("is not installed")


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ({"cards": 0}, "the driver shows no card"),
        ({"capability": (6, 1)}, "compute capability 6.1"),
    ],
)
def test_cards_that_cannot_be_used_are_named(card, said, monkeypatch):
    model, events, settings = everything(1)
    use(monkeypatch, EmulatedDriver(**card))
    with pytest.raises(SolverError, match=re.escape(said)):
        solve(model, events, device="gpu", **settings)


def test_unknown_devices_and_solvers_without_a_card_are_refused(driver):
    model, events, settings = everything(1)
    with pytest.raises(SolverError, match='did you mean "gpu"') as unknown:
        solve(model, events, device="gpus", **settings)
    with pytest.raises(SolverError, match='solver "L2"') as lacking:
        solve(model, events, device="gpu", solver="L2", **settings)
    assert (unknown.value.code, lacking.value.code) == ("RK-SOL-020", "RK-SOL-031")


def test_auto_takes_a_card_for_many_people_only(driver, monkeypatch):
    model, events, settings = everything()
    few = solve(model, events, **settings)
    assert (few.solver.on_card, few.solver.device_reason) == (0, "fewer than 10000 people")
    monkeypatch.setattr(_device, "LEAST_PEOPLE", 5)
    many = solve(model, events, **settings)
    assert (many.solver.on_card, many.solver.device_reason) == (5, "Emulated card")
    monkeypatch.setattr(_device, "LEAST_PEOPLE", 4)
    apart = solve(model, EventTable(dict(list(events.subjects.items())[:3]), events.carry), **settings)
    assert (apart.solver.on_card, apart.solver.device_reason) == (0, "fewer than 4 people")
    rows = [{"ID": "other", "TIME": 1, "AMT": 60, "CMT": "depot"}]
    both = EventTable({**events.subjects, **EventTable.from_rows(rows, model).subjects}, events.carry)
    mixed = solve(model, both, times=settings["times"])
    assert (mixed.solver.on_card, mixed.solver.groups, mixed.solver.device) == (5, 1, "gpu and cpu")


def test_people_of_many_schedules_are_too_few_each(driver, monkeypatch):
    model = some_model("one_compartment")
    monkeypatch.setattr(_device, "LEAST_PEOPLE", 4)
    rows = [{"ID": i, "TIME": 0.1 * (i % 2), "AMT": 60, "CMT": "depot"} for i in range(6)]
    found = solve(model, EventTable.from_rows(rows, model), times=[1])
    assert (found.solver.on_card, found.solver.device) == (0, "cpu")
    assert found.solver.device_reason == "fewer than 4 people share their times of dosing"


def test_auto_leaves_cards_made_for_graphics_alone(monkeypatch):
    model, events, settings = everything()
    use(monkeypatch, EmulatedDriver(double_cost=32))
    monkeypatch.setattr(_device, "LEAST_PEOPLE", 1)
    assert "32 times slower" in solve(model, events, **settings).solver.device_reason
    assert solve(model, events, device="gpu", **settings).solver.on_card == 5


@pytest.mark.parametrize(
    ("function", "status", "said"),
    [
        ("cuLaunchKernel", LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"),
        ("cuMemAlloc_v2", OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"),
        ("cuModuleLoadDataEx", INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE"),
    ],
)
def test_a_card_that_fails(function, status, said, driver, monkeypatch):
    """An error where it was asked for; else the processor carries on and the report says so."""
    model, events, settings = everything()
    driver.broken[function] = status
    with pytest.raises(SolverError, match=said) as caught:
        solve(model, events, device="gpu", **settings)
    assert caught.value.code == "RK-SOL-032"
    monkeypatch.setattr(_device, "LEAST_PEOPLE", 1)
    found = solve(model, events, **settings)
    assert found.solver.on_card == 0
    assert said in found.solver.device_reason
    np.testing.assert_array_equal(found.rows, solve(model, events, device="cpu", **settings).rows)


def test_the_drivers_own_words_are_passed_on(driver):
    card = Card(driver)
    with pytest.raises(CardError, match="unknown text"):
        card.function("nonsense", "rekindle_people")
    driver.broken["cuInit"] = NO_DEVICE
    with pytest.raises(CardError, match="cuInit answered error 100, CUDA_ERROR_NO_DEVICE"):
        Card(driver)


def test_a_forked_process_leaves_the_card_alone(driver, monkeypatch):
    model, events, settings = everything()
    monkeypatch.setattr(_device, "LEAST_PEOPLE", 1)
    assert solve(model, events, **settings).solver.on_card == 5
    launches, own = len(driver.launches), os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: own + 1)
    found = solve(model, events, **settings)
    assert (found.solver.on_card, len(driver.launches)) == (0, launches)
    assert "of which this is a fork" in found.solver.device_reason


def test_a_run_on_a_card_resumes_and_needs_no_worker(driver, tmp_path):
    model, events, settings = everything()
    once = solve(model, events, device="gpu", checkpoint=tmp_path, workers=2, **settings)
    driver.launches.clear()
    again = solve(model, events, device="gpu", checkpoint=tmp_path, **settings)
    assert not driver.launches
    assert again.solver.on_card == 5
    np.testing.assert_array_equal(again.rows, once.rows)


def test_a_plan_for_a_card_holds_everybody_once():
    _, events, settings = everything(7)
    values, times = np.ones((1, 5)), settings["times"]
    subjects = tuple(
        _job.Subject(person, records, values, times, events.carry)
        for person, records in events.subjects.items()
    )
    for group in (0, 1, 7, 8):
        chunks = _job.plan(subjects, 4, in_lanes=True, card_group=group)
        batches = [batch for chunk in chunks for batch in chunk]
        assert sorted(place for batch in batches for place in batch.places) == list(range(7))
        assert all(batch.on_card == (0 < group <= 7) for batch in batches)


# ---- the benchmark ---------------------------------------------------------------------------------


def test_the_benchmark_measures_on_a_card(driver, monkeypatch):
    monkeypatch.setattr(_gpu, "_CHECKED", 2)
    monkeypatch.setattr(_gpu, "loosest", lambda passes: 32 if passes(32) else None)
    text = _gpu.gpu(lambda said: None, counts=(3, 5), piece=2)
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| Rekindle")]
    assert [row[1] for row in rows] == ["3", "5"]
    assert driver.launches[-3:] == [2, 2, 1]
    for row in rows:
        kernel, call = (float(cell.replace(",", "").rstrip(" |")) for cell in row[4:])
        assert kernel > call > 0
    assert "Emulated card, compute capability 9.0, double precision" in text


def test_the_benchmark_says_why_it_measured_nothing(monkeypatch):
    use(monkeypatch, EmulatedDriver(cards=0))
    assert _gpu.gpu(lambda said: None).startswith("**Not measured**: the driver shows no card.")


# ---- with a card ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def card():
    _device._search.cache_clear()
    try:
        return _device.find_card()
    except CardError as problem:
        pytest.skip(f"needs an NVIDIA card: {problem}")


@pytest.mark.parametrize("name", CASES)
def test_a_real_card_agrees_on_textbook_models(name, card):
    model, given, times = case(name)
    oscillates = name in ("nerve", "van_der_pol", "predator_prey")
    events, parameters = several(model, given, people=64, spread=0.0 if oscillates else 0.15)
    settings = {"parameters": parameters, "times": times, "tolerance": 1e-9}
    found = solve(model, events, device="gpu", **settings)
    assert found.solver.on_card == 64
    assert_within(found.rows, solve(model, events, device="cpu", **settings).rows, 1e-9)


def test_a_real_card_agrees_on_every_kind_of_event_and_on_w1(card):
    model, events, settings = everything(300)
    found = solve(model, events, device="gpu", tolerance=1e-9, **settings)
    assert found.solver.on_card == 300
    assert_within(found.rows, solve(model, events, device="cpu", tolerance=1e-9, **settings).rows, 1e-9)
    _, _, errors = w1_errors(256)
    assert np.median(errors) <= 1
    assert np.quantile(errors, 0.95) <= 5
