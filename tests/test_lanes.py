"""People stepped together in the lanes of one vector, against the driver that takes one person at a time."""

import ctypes
import os
import platform
import subprocess
import sys

import llvmlite.ir as ir
import numpy as np
import pytest

import rekindle
from rekindle import _disk_cache
from rekindle._disk_cache import DiskCache, cache_folder
from rekindle.engine._plan import host_lanes
from rekindle.engine.code._control_flow import counted_loop
from rekindle.engine.code._machine_code import MachineCode
from rekindle.engine.code._processor import processor
from rekindle.engine.lanes._lane_math import call_math
from rekindle.engine.lanes._lanes import INTEGER, LaneKind, load, store
from rekindle.engine.lanes._quick_math import call_quick_math
from rekindle.engine.linear._modal import Pattern
from rekindle.engine.running import _job
from rekindle.errors import SolverError

EDGES = np.array(
    [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 1e-310, 2.3e-308, 1.7e308, -1.7e308, 1.0, -1.0,
     709.7, 709.79, 710.0, -708.5, -745.1, -746.0, 0.5, 2.0, -2.0, 3.0, -3.0, 1e-20, -1e-20, 700.0, -700.0,
     1000.0, -1000.0, 0.3, -0.7]
)  # fmt: skip


def apply(name, lanes, *arrays, level="native", call=call_math):
    """Values of a generated function."""
    kind = LaneKind(lanes)

    def module():
        made = ir.Module("function")
        signature = ir.FunctionType(ir.VoidType(), [INTEGER] + [kind.pointer] * (len(arrays) + 1))
        builder = ir.IRBuilder(ir.Function(made, signature, "run").append_basic_block())
        count, *pointers = builder.function.args
        with counted_loop(builder, count) as i:
            values = [load(builder, pointer, i) for pointer in pointers[:-1]]
            store(builder, call(builder, name, *values), pointers[-1], i)
        builder.ret_void()
        return made

    code = MachineCode(module, f"test of {call.__name__} {name} in {lanes} lanes", processor(level))
    run = code.function("run", None, [ctypes.c_int64] + [ctypes.c_void_p] * (len(arrays) + 1))
    given = [np.ascontiguousarray(array) for array in arrays]
    result = np.empty(len(given[0]))
    run(len(result) // lanes, *(array.ctypes.data for array in given), result.ctypes.data)
    return result


def assert_close_in_last_places(got, wanted, places):
    finite = np.isfinite(wanted) & (wanted != 0.0)
    np.testing.assert_array_equal(got[~finite], wanted[~finite])
    gap = np.abs(got[finite] - wanted[finite]) / np.spacing(np.abs(wanted[finite]))
    assert gap.max() <= places


@pytest.mark.parametrize("lanes", [1, 8])
def test_quick_functions_agree_with_the_library(lanes):
    rng = np.random.default_rng(3)
    wide = np.concatenate([rng.uniform(-700, 700, 4000), rng.normal(size=4000)])
    positive = np.concatenate([np.exp(rng.uniform(-700, 700, 4000)), 1 + 0.2 * rng.random(4000)])
    assert_close_in_last_places(apply("exp", lanes, wide, call=call_quick_math), np.exp(wide), 3)
    assert_close_in_last_places(apply("log", lanes, positive, call=call_quick_math), np.log(positive), 3)
    far = np.array([1e4, np.inf, -1e4, -np.inf, np.nan, 700.0, -700.0, 0.0])
    edges = apply("exp", lanes, far, call=call_quick_math)
    np.testing.assert_allclose(edges, np.exp(np.clip(far, -700, 700)), rtol=1e-15)
    ends = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, -1e-300, 1.0])
    wanted = np.array([-np.inf, -np.inf, np.inf, np.nan, np.nan, np.nan, np.nan, 0.0])
    np.testing.assert_array_equal(apply("log", lanes, ends, call=call_quick_math), wanted)
    tiny = apply("log", lanes, np.full(8, 1e-310), call=call_quick_math)
    assert (tiny < -700).all()
    assert (tiny > -720).all()


@pytest.mark.parametrize(
    ("lanes", "level"), [(1, "native"), (2, "native"), (4, "native"), (8, "native"), (2, "x86-64-v2")]
)
def test_functions_agree_with_the_library_everywhere(lanes, level):
    """Within 3 units in the last place, 1 of which is the library's own; edges exactly."""
    if level != "native" and platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip(f"{level} is a level of another kind of processor")
    rng = np.random.default_rng(3)
    wide = np.concatenate([EDGES, rng.uniform(-740, 709, 2000), rng.normal(size=2000)])
    positive = np.concatenate([EDGES, np.exp(rng.uniform(-740, 709, 2000)), 1 + 0.2 * rng.normal(size=2000)])
    small = np.concatenate([EDGES, 10 ** rng.uniform(-300, 1.5, 2000), rng.normal(size=2000)])
    with np.errstate(all="ignore"):
        assert_close_in_last_places(apply("exp", lanes, wide, level=level), np.exp(wide), 3)
        assert_close_in_last_places(apply("log", lanes, positive, level=level), np.log(positive), 3)
        assert_close_in_last_places(apply("tanh", lanes, small, level=level), np.tanh(small), 4)
        base = np.concatenate([np.repeat(EDGES, 32), np.exp(rng.uniform(-700, 700, 4000))])
        exponent = np.concatenate([np.tile(EDGES, 32), rng.uniform(-1, 1, 4000)])
        assert_close_in_last_places(
            apply("pow", lanes, base, exponent, level=level), np.power(base, exponent), 3
        )


PEAKED = """
model peaked
time [h]
parameter ka [1/h] = 1
parameter k [1/h] = 0.2
parameter late [h] = 0
parameter gain [1] = 1
state depot [mg]
state central [mg]
state effect [1]
state count [1]
state area [h]
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - k*central
d/dt(effect) = gain*1[1/h]*(hill(central, 50[mg], 2.5) - effect*(1 + 0.3*effect))
    + 0.1[1/h]*count*exp(-effect)
d/dt(count) = -0.02[1/h]*count
d/dt(area) = effect
lag(depot) = late
on clear: count <- 0.5*count
when peak(effect) if central > 5[mg]: count <- count + 1 + 0.01*time/1[h]
output e [1] = effect
output n [1] = count
output a [h] = area
output c [mg] = central
"""


def people(model, count=11, extra=()):
    rows = []
    for i in range(count):
        rows += [
            {"ID": i, "TIME": 0, "AMT": 60 + 7 * i, "CMT": "depot", "II": 24, "ADDL": 2},
            {"ID": i, "TIME": 30, "AMT": 40, "DUR": 1.5, "CMT": "central"},
            {"ID": i, "TIME": 40, "EVID": 2, "EVENT": "clear"},
            {"ID": i, "TIME": 60, "EVID": 4, "AMT": 90, "CMT": "depot"},
            *({"ID": i, **row} for row in extra),
        ]
    return rekindle.EventTable.from_rows(rows, model)


def drawn(count=11, **fixed):
    rng = np.random.default_rng(8)
    return {
        str(i): {"ka": 0.5 + rng.random(), "k": 0.1 + 0.2 * rng.random(), "gain": 0.5 + rng.random(), **fixed}
        for i in range(count)
    }


TIMES = np.linspace(0, 72, 37)


@pytest.fixture(scope="module")
def peaked():
    model = rekindle.load_model(PEAKED)
    exact = rekindle.simulate(
        model, people(model), parameters=drawn(), times=TIMES, tolerance=1e-9, solver="driver"
    )
    return model, exact


@pytest.mark.parametrize("solver", ["L2", "L1'"])
@pytest.mark.parametrize("lanes", [1, 2, 4, 8])
def test_any_number_of_lanes_finds_each_persons_own_peaks(peaked, lanes, solver, monkeypatch):
    model, exact = peaked
    monkeypatch.setattr(_job, "host_lanes", lambda: lanes)
    found = rekindle.simulate(model, people(model), parameters=drawn(), times=TIMES, solver=solver)
    assert (found.solver.lanes, found.solver.groups) == (lanes, -(-11 // lanes))
    np.testing.assert_allclose(found.rows, exact.rows, rtol=1e-6, atol=1e-6)


def test_all_states_stepped_gives_the_same(peaked):
    model, exact = peaked
    found = rekindle.simulate(model, people(model), parameters=drawn(), times=TIMES, solver="L1")
    assert (found.solver.solver, found.solver.linear_states) == ("L1", 0)
    np.testing.assert_allclose(found.rows, exact.rows, rtol=1e-5, atol=1e-5)


def test_people_with_their_own_lags_are_parted(peaked):
    model, _ = peaked
    values = drawn()
    for i, own in enumerate(values.values()):
        own["late"] = 0.25 * (i % 3)
    runs = [
        rekindle.simulate(model, people(model), parameters=values, times=TIMES, solver=solver, tolerance=1e-9)
        for solver in ("auto", "driver")
    ]
    assert runs[0].solver.alone == 0
    assert runs[1].solver.alone == 11
    np.testing.assert_allclose(runs[0].rows, runs[1].rows, rtol=1e-6, atol=1e-6)


def test_steady_state_goes_to_the_driver():
    model = rekindle.load_model(
        "model m\ntime [h]\nstate C [mg]\nd/dt(C) = -5[mg/h]*C/(2[mg] + C)\noutput A [mg] = C"
    )
    rows = [{"ID": 1, "TIME": 0, "AMT": 10, "CMT": "C", "II": 24, "SS": 1}]
    found = rekindle.simulate(model, rekindle.EventTable.from_rows(rows, model), times=[1, 2])
    assert (found.solver.alone, found.solver.groups) == (1, 0)


BLOW_UP = "model m\ntime [h]\nparameter r [1/h] = 1\nstate y [1] = 1\nd/dt(y) = r*y^2\noutput o [1] = y"


def test_one_persons_failure_leaves_the_others():
    model = rekindle.load_model(BLOW_UP)
    events = rekindle.EventTable.from_rows([{"ID": i, "TIME": 0, "EVID": 0} for i in range(9)], model)
    values = {str(i): {"r": 1.0 if i == 4 else 0.05 * (i + 1)} for i in range(9)}
    with pytest.raises(SolverError, match=r"person 4, time (0\.9|1)") as raised:
        rekindle.simulate(model, events, parameters=values, times=[0.5, 1.5])
    others = [i for i in range(9) if i != 4]
    exact = [1 / (1 - 0.05 * (i + 1) * np.array([0.5, 1.5])) for i in others]
    assert raised.value.finished.ids == tuple(str(i) for i in others)
    np.testing.assert_allclose(raised.value.finished["o"], exact, rtol=1e-6)
    kept = rekindle.simulate(model, events, parameters=values, times=[0.5, 1.5], on_failure="keep")
    assert np.isnan(kept["o"][4]).all()
    np.testing.assert_allclose(np.delete(kept["o"], 4, axis=0), exact, rtol=1e-6)
    assert list(kept.solver.failed) == ["4"]


def test_unknown_choices_are_refused():
    model = rekindle.load_model(BLOW_UP)
    events = rekindle.EventTable.from_rows([{"ID": 1, "TIME": 0, "EVID": 0}], model)
    for choice in ({"solver": "fast"}, {"on_failure": "ignore"}):
        with pytest.raises(SolverError, match="RK-SOL-020"):
            rekindle.simulate(model, events, times=[0.1], **choice)


def test_equal_eigenvalues_of_two_branches_keep_a_modal_form():
    """Two depots with one rate feed one sum; a chain with one rate has no modal form."""
    pattern = Pattern(3, [(0, 0), (1, 1), (2, 0), (2, 1), (2, 2)])
    entries = np.array([[-1.0, -1.0], [-1.0, -1.0], [2.0, 2.0], [3.0, 3.0], [-0.3, -1.0]])
    found = pattern.decompose(entries, np.ones(3, bool))
    assert found.usable.tolist() == [True, False]
    matrix = np.array([[-1.0, 0, 0], [0, -1.0, 0], [2.0, 3.0, -0.3]])
    order = found.order
    vectors, inverse, rates = found.vectors[0][0], found.inverse[0][0], found.rates[:, 0]
    np.testing.assert_allclose(vectors * rates @ inverse, matrix[np.ix_(order, order)], atol=1e-14)


def test_lanes_of_this_machine():
    assert host_lanes() in (2, 4, 8)


def test_kept_code_is_found_checked_and_limited(tmp_path):
    cache = DiskCache(tmp_path, largest=250)
    names = [DiskCache.name("a", str(i)) for i in range(4)]
    assert len(set(names)) == 4
    assert cache.load(names[0]) is None
    for place, name in enumerate(names[:2]):
        cache.save(name, b"x" * 60)
        os.utime(tmp_path / name, (place, place))
    assert cache.load(names[0]) == b"x" * 60  # now the one used last
    cache.save(names[2], b"y" * 60)
    assert cache.load(names[1]) is None
    assert cache.load(names[2]) == b"y" * 60
    os.truncate(tmp_path / names[2], 70)
    with pytest.warns(RuntimeWarning, match="damaged"):
        assert cache.load(names[2]) is None
    assert not (tmp_path / names[2]).exists()
    assert not list(tmp_path.glob("*.part"))


def test_kept_code_depends_on_the_source_in_every_room(monkeypatch, tmp_path):
    room = tmp_path / "engine" / "lanes"
    room.mkdir(parents=True)
    monkeypatch.setattr(_disk_cache, "_PACKAGE", tmp_path)
    found = set()
    for text in ("a = 1", "a = 2"):
        (room / "_code.py").write_text(text)
        found.add(_disk_cache.source_digest.__wrapped__("engine"))
    assert len(found) == 2


def test_the_folder_of_kept_code(monkeypatch, tmp_path):
    monkeypatch.setenv("REKINDLE_CACHE_DIR", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.setenv("REKINDLE_CACHE_DIR", "")
    assert cache_folder() is None
    assert DiskCache.of_user().load("nothing") is None


def test_code_from_the_folder_gives_the_same_bits(monkeypatch, tmp_path):
    model = rekindle.load_model(BLOW_UP.replace("model m", "model kept").replace("y^2", "y^2.5"))
    events = rekindle.EventTable.from_rows([{"ID": 1, "TIME": 0, "EVID": 0}], model)
    monkeypatch.setenv("REKINDLE_CACHE_DIR", str(tmp_path))
    runs = []
    for _ in range(2):
        _job._kernels.clear()
        _job._compiled.clear()
        runs.append(rekindle.simulate(model, events, times=[0.1, 0.4]).rows.tobytes())
    assert len(list(tmp_path.iterdir())) == 1
    assert runs[0] == runs[1]


WITH_KEPT_CODE = """
import sys, rekindle
model = rekindle.load_model("model m\\ntime [h]\\nstate y [1] = 1\\nd/dt(y) = -y^2/1[h]\\noutput z [1] = y")
events = rekindle.EventTable.from_rows([{"ID": 1, "TIME": 0, "EVID": 0}], model)
print(rekindle.simulate(model, events, times=[1]).solver.solver)
print(*sys.modules)
"""


def test_kept_code_runs_without_what_generates_it(monkeypatch, tmp_path):
    monkeypatch.setenv("REKINDLE_CACHE_DIR", str(tmp_path))
    command = [sys.executable, "-c", WITH_KEPT_CODE]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    (said, made), (again, kept) = (run.splitlines() for run in runs)
    assert said == again
    generators = {
        f"rekindle.engine.{name}" for name in ("program._kernel_source", "code._emit", "lanes._lanes")
    }
    assert generators <= set(made.split())
    assert not generators & set(kept.split())
    assert not {"scipy", "pandas"} & {name.split(".")[0] for name in kept.split()}
