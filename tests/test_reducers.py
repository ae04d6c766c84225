"""Populations reduced piece by piece: against the plain solve, NumPy, and after interruptions."""

import errno
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakSet

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar

import rekindle
from rekindle.cli._main import run
from rekindle.engine import (
    Area,
    AtMost,
    Chunk,
    FirstPassage,
    MeanCourse,
    Peak,
    PeakTime,
    Quantiles,
    Response,
    TimeAbove,
    TimeBelow,
    simulate_stream,
    solve,
)
from rekindle.engine.streaming._reduce_course import Courses
from rekindle.engine.streaming._reduce_grid import POINTS, Grid
from rekindle.engine.streaming._reduce_moments import Moments
from rekindle.engine.streaming._reduce_sketch import FEWEST_BINS, QuantileSketch
from rekindle.engine.streaming._stream_pieces import in_order
from rekindle.errors import OutputError, ParameterError, PersonError
from rekindle.people import Population, _reduce_people, reduce_people, simulate_people

DECAY = rekindle.load_model("""
model decay
time [h]
parameter k [1/h] = 0.1
state C [mg]
d/dt(C) = -k*C
output amount [mg] = C
""")
TIMES = np.linspace(0.0, 24.0, 49)
SHARES = [0.0, 0.01, 0.05, 0.25, 0.5, 0.9, 0.999, 1.0]
REDUCERS = {
    "curve": Quantiles("amount"),
    "mean": MeanCourse("amount"),
    "peak": Peak("amount"),
    "when": PeakTime("amount", start=1.25),
    "area": Area("amount"),
    "above": TimeAbove("amount", threshold=5.0),
    "first": FirstPassage("amount", threshold=5.0, falling=True, end=12.0),
    "response": Response("amount", at=6.0),
    "gone": AtMost("amount", at=24.0, level=1.0),
}


@dataclass(frozen=True)
class Decaying:
    """People in pieces who start with 1 to 100 mg; made when asked for."""

    people: int
    size: int = 10
    slowest: float = 0.05

    def __len__(self):
        return -(-self.people // self.size)

    def __getitem__(self, number):
        start = number * self.size
        return self.table(range(start, min(start + self.size, self.people)))

    def table(self, people):
        rows = [{"ID": i, "TIME": 0, "AMT": 1 + (37 * i) % 100, "CMT": "C"} for i in people]
        parameters = {str(i): {"k": self.slowest + 0.01 * (i % 7)} for i in people}
        return Chunk(rekindle.EventTable.from_rows(rows, DECAY), parameters)


def stream(people=85, **options):
    options = {"times": TIMES, "chunks": Decaying(people), "reducers": REDUCERS, **options}
    return simulate_stream(DECAY, options.pop("chunks"), options.pop("reducers"), **options)


def bits(found):
    """Everything that a reduction found, to the last bit."""
    frame = found.to_frame()
    return frame.to_csv(index=False, float_format="%.17g"), found.people, found.failed


# ---- sketch and moments ---------------------------------------------------------------------------


def drawn(seed, people, kind):
    generator = np.random.default_rng(seed)
    values = generator.standard_normal((people, 3))
    if kind == "wide":
        values = values * 10.0 ** generator.integers(-300, 300, (people, 3))
    if kind == "edges":
        values[generator.random((people, 3)) < 0.05] = np.inf
        values[generator.random((people, 3)) < 0.05] = -np.inf
        values[generator.random((people, 3)) < 0.2] = np.nan
        values[generator.random((people, 3)) < 0.2] = -0.0
    return values


def sketch_of(*parts):
    sketch = QuantileSketch(3)
    for part in parts:
        sketch.update(part)
    return sketch


def assert_same_sketch(one, other):
    for (name, mine), theirs in zip(one.arrays().items(), other.arrays().values(), strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=name)


sketches = given(
    st.integers(0, 2**32), st.integers(1, 12_000), st.sampled_from(["narrow", "wide", "edges"]),
    st.lists(st.floats(0, 1), max_size=5),
)  # fmt: skip


@settings(max_examples=25)
@sketches
def test_a_sketch_does_not_depend_on_order_or_on_how_it_was_merged(seed, people, kind, cuts):
    values = drawn(seed, people, kind)
    whole = sketch_of(values)
    parts = np.split(values, sorted(int(cut * people) for cut in cuts))
    assert_same_sketch(sketch_of(*reversed(parts)), whole)
    left, right = QuantileSketch(3), QuantileSketch(3)
    for number, part in enumerate(parts):
        piece = sketch_of(part)
        if number % 2:
            piece.arrays()
        (left, right)[number % 2].merge(piece)
    right.merge(left)
    assert_same_sketch(right, whole)
    kept = QuantileSketch(3)
    kept.restore(whole.arrays())
    assert_same_sketch(kept, whole)


@settings(max_examples=25)
@sketches
def test_a_sketch_is_off_by_no_more_than_it_says(seed, people, kind, cuts):
    values = drawn(seed, people, kind)
    found, off = sketch_of(*np.split(values, sorted(int(cut * people) for cut in cuts))).quantiles(SHARES)
    for cell in range(3):
        known = np.sort(values[~np.isnan(values[:, cell]), cell])
        if not len(known):
            assert np.isnan(found[:, cell]).all()
            continue
        place = np.array(SHARES) * (len(known) - 1)
        low, high = known[np.floor(place).astype(int)], known[np.ceil(place).astype(int)]
        with np.errstate(invalid="ignore"):
            share = place - np.floor(place)
            wanted = np.where(low == high, low, low + share * (high - low))
        # Where a rank lies between a number and infinity the quantile is infinite (or undefined).
        sure = np.isfinite(wanted)
        slack = 1e-12 * np.maximum(np.abs(low), np.abs(high))[sure]
        assert (np.abs(found[sure, cell] - wanted[sure]) <= off[sure, cell] + slack).all()
        np.testing.assert_array_equal(found[~sure & (low == high), cell], wanted[~sure & (low == high)])
        if len(np.unique(known)) <= FEWEST_BINS:
            assert not np.nan_to_num(off[:, cell]).any()


def test_a_sketch_of_many_people_is_small_and_fine():
    sketch, piece = QuantileSketch(3), 960
    values = np.random.default_rng(4).lognormal(3.0, 0.5, (60 * piece, 3))
    bound = 3 * (FEWEST_BINS * 16 + (FEWEST_BINS + piece) * 8 + 8)
    for part in np.split(values, 60):
        sketch.update(part)
        assert sketch.nbytes <= bound
    found, off = sketch.quantiles([0.05, 0.5, 0.95])
    assert (off > 0).all()
    assert (off / found < 1e-3).all()


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_moments_of_parts_are_those_of_the_whole(seed, sizes):
    values = drawn(seed, sum(sizes), "narrow") * 3 + 100
    moments = Moments(3)
    for part in np.split(values, np.cumsum(sizes)[:-1]):
        piece = Moments(3)
        piece.update(part)
        moments.merge(piece)
    assert (moments.count == sum(sizes)).all()
    if sum(sizes) > 1:
        np.testing.assert_allclose(moments.average(), values.mean(axis=0), rtol=1e-13)
        np.testing.assert_allclose(moments.deviation(), values.std(axis=0, ddof=1), rtol=1e-9)
        np.testing.assert_array_equal(moments.extremes(), [values.min(axis=0), values.max(axis=0)])
    else:
        assert np.isnan(moments.deviation()).all()


# ---- measures of a course -------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(2, 30), st.floats(-2, 2), st.floats(0, 0.45), st.floats(0.55, 1))
def test_measures_are_those_of_the_straight_lines(seed, points, threshold, start, end):
    generator = np.random.default_rng(seed)
    times = np.cumsum(generator.random(points) + 0.01)
    courses = generator.standard_normal((4, points))
    start, end = times[0] + np.array([start, end]) * (times[-1] - times[0])
    fine = np.linspace(start, end, 200_001)
    span = {"start": start, "end": end}
    lines = Courses.straight(times, courses)
    above = TimeAbove("y", threshold=threshold, **span).numbers(lines)
    below = TimeBelow("y", threshold=threshold, **span).numbers(lines)
    np.testing.assert_allclose(above + below, end - start, rtol=1e-12)
    area = Area("y", **span).numbers(lines)
    first = FirstPassage("y", threshold=threshold, **span).numbers(lines)
    peak, when = (kind("y", **span).numbers(lines) for kind in (Peak, PeakTime))
    for person, course in enumerate(courses):
        line = np.interp(fine, times, course)
        step = fine[1] - fine[0]
        assert abs(above[person] - (line >= threshold).mean() * (end - start)) <= (points + 2) * step
        assert area[person] == pytest.approx(np.trapezoid(line, fine), abs=1e-6 * (end - start))
        assert np.interp(when[person], times, course) == pytest.approx(peak[person])
        assert line.max() <= peak[person] + 1e-12
        reached = fine[line >= threshold]
        assert first[person] == pytest.approx(reached[0], abs=2 * step) if len(reached) else True


def test_a_cubic_is_measured_exactly():
    # y = (s - 1)(s - 2)(s - 4) on pieces from 0 to 5; at or above 0 from 1 to 2 and from 4 on.
    starts, widths = np.array([0.0, 1.5, 3.0]), np.array([1.5, 1.5, 2.0])
    times = np.array([0.0, 1.5, 3, 5])

    def course(t):
        return (t - 1) * (t - 2) * (t - 4)

    points = course(starts[:, None] + widths[:, None] * POINTS)[None]
    cubic = Courses(times, course(times)[None], starts, widths, points)
    extremum = (7 - np.sqrt(7)) / 3
    integral = np.polynomial.Polynomial.fromroots([1, 2, 4]).integ()
    for one in (cubic, cubic.compared()):
        found = [
            measure.numbers(one)[0]
            for measure in (
                Area("y"), Area("y", start=0.25, end=4.5), TimeAbove("y", threshold=0),
                TimeBelow("y", threshold=0, start=0.5), FirstPassage("y", threshold=0),
                FirstPassage("y", threshold=0, start=1.25, falling=True), FirstPassage("y", threshold=13),
                Peak("y", end=3), PeakTime("y", end=3), Peak("y"), PeakTime("y"),
            )
        ]  # fmt: skip
        wanted = [
            integral(5), integral(4.5) - integral(0.25), 2, 2.5, 1, 2, np.inf,
            course(extremum), extremum, 12, 5,
        ]  # fmt: skip
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_pieces_grow_with_the_time_since_a_record():
    rows = [{"ID": 1, "TIME": 0, "AMT": 1, "CMT": "C", "II": 24, "ADDL": 1, "DUR": 2}]
    events = rekindle.EventTable.from_rows(rows, DECAY)
    grid = Grid.fine(np.array([0.0, 48.0]), events, 0.0, 48.0)
    assert (np.diff(grid.times) >= 0).all()
    assert grid.times[grid.requested].tolist() == [0.0, 48.0]
    assert {0.0, 2.0, 24.0, 26.0} <= set(grid.starts.tolist())
    assert grid.widths.sum() == pytest.approx(48.0)
    np.testing.assert_allclose(grid.starts[1:], (grid.starts + grid.widths)[:-1])
    inside = grid.times[grid.points]
    assert ((inside > grid.starts[:, None]) & (inside < (grid.starts + grid.widths)[:, None])).all()
    moments = np.array([0.0, 2, 24, 26])
    since = grid.starts - moments[np.searchsorted(moments, grid.starts, side="right") - 1]
    assert (grid.widths <= np.maximum(0.7501 * since, 22.000001 * 1.75**-11)).all()


ORAL = rekindle.load_model("""
model oral
time [h]
parameter ka [1/h] = 3
parameter ke [1/h] = 0.2
state depot [mg]
state C [mg]
d/dt(depot) = -ka*depot
d/dt(C) = ka*depot - ke*C
output y [mg] = C
""")


@pytest.mark.parametrize(("ka", "ke"), [(0.5, 0.02), (3.0, 0.2), (10.0, 2.0), (40.0, 0.2)])
def test_measures_see_what_happens_between_few_times(ka, ke):
    """Two doses by mouth, looked at four times; straight lines would be off by a third or more."""
    times = np.array([0.0, 12, 24, 48])
    rows = [{"ID": 1, "TIME": 0, "AMT": 100, "CMT": "depot", "II": 24, "ADDL": 1}]
    chunk = Chunk(rekindle.EventTable.from_rows(rows, ORAL), {"ka": ka, "ke": ke})

    def single(t):
        t = np.maximum(t, 0.0)
        return 100 * ka / (ka - ke) * (np.exp(-ke * t) - np.exp(-ka * t))

    def course(t):
        return single(t) + single(t - 24)

    slope = minimize_scalar(lambda t: -course(t), bounds=(24, 48), method="bounded", options={"xatol": 1e-10})
    peak = course(slope.x)
    threshold = 0.5 * course(minimize_scalar(lambda t: -course(t), bounds=(0, 12), method="bounded").x)
    first = brentq(lambda t: course(t) - threshold, 0, np.log(ka / ke) / (ka - ke), xtol=1e-14)
    area = sum(
        100 * ka / (ka - ke) * ((1 - np.exp(-ke * t)) / ke - (1 - np.exp(-ka * t)) / ka) for t in (48, 24)
    )
    reducers = {
        "peak": Peak("y"), "area": Area("y"), "first": FirstPassage("y", threshold=threshold),
    }  # fmt: skip
    found = simulate_stream(ORAL, [chunk], reducers, times=times)
    lines = Courses.straight(times, course(times)[None])
    for name, wanted, bound in (("peak", peak, 5e-4), ("area", area, 1e-6), ("first", first, 1e-3)):
        error = abs(found[name].greatest / wanted - 1)
        assert error < bound, name
        assert error < 1e-2 * abs(reducers[name].numbers(lines)[0] / wanted - 1), name
    assert abs(found["area"].greatest - area) < found["area"].largest_change < 2e-3 * area


def test_a_jump_counts_on_both_sides():
    course = Courses.straight(np.array([0.0, 1, 1, 2]), np.array([[0.0, 0, 4, 4]]))
    assert Area("y").numbers(course) == pytest.approx(4.0)
    assert TimeAbove("y", threshold=2).numbers(course) == pytest.approx(1.0)
    assert FirstPassage("y", threshold=2).numbers(course) == pytest.approx(1.0)
    assert PeakTime("y").numbers(course) == pytest.approx(1.0)


def test_who_failed_has_no_number():
    course = Courses.straight(np.array([0.0, 1, 2]), np.full((1, 3), np.nan))
    for reducer in REDUCERS.values():
        if isinstance(reducer, Response):
            reducer = Response("amount", at=2.0)
        if isinstance(reducer, AtMost):
            reducer = AtMost("amount", at=2.0, level=1.0)
        if not isinstance(reducer, Quantiles | MeanCourse):
            reducer = type(reducer)(**{**vars(reducer), **({"end": 2.0} if hasattr(reducer, "end") else {})})
            assert np.isnan(reducer.numbers(course)).all()


# ---- whole runs -----------------------------------------------------------------------------------


def test_a_stream_finds_what_the_plain_solve_finds():
    people = Decaying(250)
    found = stream(250)
    everybody = people.table(range(250))
    plain = solve(DECAY, everybody.events, parameters=everybody.parameters, times=TIMES)["amount"]
    np.testing.assert_allclose(
        found["curve"].values, np.quantile(plain, [0.05, 0.5, 0.95], axis=0), rtol=1e-12
    )
    np.testing.assert_allclose(found["mean"].mean, plain.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found["mean"].deviation, plain.std(axis=0, ddof=1), rtol=1e-11)
    assert not found["curve"].uncertainty.any()
    numbers = np.arange(250)
    dose, rate = 1.0 + (37 * numbers) % 100, 0.05 + 0.01 * (numbers % 7)
    assert found["peak"].mean == pytest.approx(dose.mean(), rel=1e-12)
    assert found["response"].mean == pytest.approx((np.exp(-6 * rate) <= 0.5).mean(), abs=1e-12)
    assert found["gone"].mean == pytest.approx((dose * np.exp(-24 * rate) <= 1).mean(), abs=1e-12)
    area = dose * (1 - np.exp(-24 * rate)) / rate
    assert found["area"].mean == pytest.approx(area.mean(), rel=1e-10)
    passage = np.maximum(np.log(dose / 5) / rate, 0.0)
    passage[passage > 12] = np.inf
    assert found["first"].finite == np.isfinite(passage).sum()
    assert found["first"].people == 250
    assert found["first"].mean == pytest.approx(passage[np.isfinite(passage)].mean(), rel=1e-9)
    assert found["first"].quantiles[0.95] == np.inf
    assert (found["area"].unit, found["when"].unit, found["gone"].unit) == ("mg*h", "h", "1")


def test_rounding_does_not_choose_between_equal_peaks():
    times = np.arange(0.0, 7.0)
    heights = np.array(
        [[0, 5 * (1 - 1e-13), 0, 5, 0, 5 * (1 + 1e-13), 0], [0, 5 * (1 - 1e-6), 0, 5, 0, 4, 0]]
    )
    found = PeakTime("y").numbers(Courses.straight(times, heights))
    assert found.tolist() == pytest.approx([1.0, 3.0], abs=1e-12)
    flipped = PeakTime("y").numbers(Courses.straight(times, heights - 10.0))
    assert flipped.tolist() == pytest.approx([1.0, 3.0], abs=1e-12)


def test_workers_change_no_bit():
    assert bits(stream(workers=2)) == bits(stream())


def test_an_interruption_changes_no_bit(tmp_path):
    wanted = bits(stream())

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream(checkpoint=tmp_path, progress=stop)
    seen = []
    found = stream(checkpoint=tmp_path, progress=lambda done, total: seen.append(done), workers=2)
    assert seen == [3, 4, 5, 6, 7, 8, 9]
    assert found.remarks == ("Went on after 3 pieces (30 people) of an earlier run.",)
    assert bits(found) == wanted
    with pytest.raises(OutputError) as caught:
        stream(checkpoint=tmp_path, chunks=Decaying(84))
    assert caught.value.code == "RK-OUT-005"


def test_a_full_disk_loses_nothing_that_was_finished(tmp_path, monkeypatch):
    write, written = Path.write_bytes, []

    def fill(self, content):
        if len(written) == 11:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(self.name)
        return write(self, content)

    folders = {"checkpoint": tmp_path / "state", "parquet": tmp_path / "people"}
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fill)
        with pytest.raises(OutputError, match="RK-OUT-055"):
            stream(**folders)
    found = stream(**folders)
    assert found.remarks == ("Went on after 4 pieces (40 people) of an earlier run.",)
    assert bits(found) == bits(stream())
    assert len(read_people(tmp_path / "people")) == 85
    assert not list(tmp_path.rglob("*.part"))


def test_a_damaged_checkpoint_is_said_and_run_again(tmp_path):
    wanted = bits(stream(checkpoint=tmp_path))
    file = tmp_path / "tally.npz"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)
    found = stream(checkpoint=tmp_path)
    assert found.remarks == ("tally.npz is damaged; everybody is simulated again.",)
    assert bits(found) == wanted


def read_people(folder):
    pandas = pytest.importorskip("pandas")
    return pandas.read_parquet(folder)


def test_every_person_stands_in_the_parquet_files(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    found = stream(parquet=tmp_path)
    table = read_people(tmp_path)
    assert table["id"].tolist() == [str(i) for i in range(85)]
    assert table.columns.tolist() == [
        "id", "peak", "when", "area", "above", "first", "response", "gone",
    ]  # fmt: skip
    assert table["area"].mean() == pytest.approx(found["area"].mean, rel=1e-12)
    assert np.isinf(table["first"]).sum() == 85 - found["first"].finite
    schema = parquet.read_schema(tmp_path / "people_000000.parquet")
    assert schema.field("area").metadata == {b"unit": b"mg*h"}


def test_people_who_fail_are_named_and_left_out(tmp_path):
    model = rekindle.load_model("""
model runaway
time [h]
parameter k [1/h] = 1
state y [1] = 1
d/dt(y) = k*y^2
output y_out [1] = y
""")
    rows = [{"ID": i, "TIME": 0, "EVID": 2} for i in range(6)]
    rates = {str(i): {"k": 2.0 if i == 4 else 0.1} for i in range(6)}
    chunks = [Chunk(rekindle.EventTable.from_rows(rows[i : i + 3], model), rates) for i in (0, 3)]
    reducers = {"mean": MeanCourse("y_out"), "peak": Peak("y_out")}
    found = simulate_stream(model, chunks, reducers, times=[0, 1, 2], parquet=tmp_path)
    assert (found.people, found.failed, list(found.failures)) == (6, 1, ["4"])
    assert found["mean"].count.tolist() == [5, 5, 5]
    assert found["peak"].mean == pytest.approx(1.25, rel=1e-5)
    assert read_people(tmp_path)["peak"].isna().tolist() == [False] * 4 + [True, False]


def test_only_the_piece_at_work_is_in_memory():
    alive, most = WeakSet(), []

    class Table(rekindle.EventTable):
        __hash__ = object.__hash__

    class Watched(Decaying):
        def __getitem__(self, number):
            chunk = super().__getitem__(number)
            table = Table(chunk.events.subjects, chunk.events.carry)
            alive.add(table)
            most.append(len(alive))
            return Chunk(table, chunk.parameters)

    found = stream(chunks=Watched(300))
    assert len(most) == 30
    assert max(most) <= 2
    pieces = [stream(people).bytes_held for people in (300, 600)]
    cells = len(TIMES) + 7
    assert max(found.bytes_held, *pieces) <= cells * (FEWEST_BINS * 24 + 1000)


def test_no_more_pieces_are_under_way_than_agreed():
    under_way, most = [0], []

    def submit(number):
        under_way[0] += 1
        most.append(under_way[0])
        future = Future()
        future.set_result(number**2)
        return future

    given_back = []
    for number, result in in_order(submit, range(50), lambda: 6):
        under_way[0] -= 1
        given_back.append((number, result))
    assert given_back == [(number, number**2) for number in range(50)]
    assert max(most) == 6


def test_a_cluster_that_loses_a_machine_changes_no_bit():
    distributed = pytest.importorskip("distributed")
    # The machines cannot import this file, so the people are made here.
    people = {"chunks": [Decaying(200)[number] for number in range(20)]}
    wanted = bits(stream(**people))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        first = next(iter(cluster.workers.values())).process.pid
        killed = []

        def kill_one(done, total):
            if done and not killed:
                killed.append(first)
                os.kill(first, signal.SIGKILL)

        found = stream(**people, cluster=cluster.scheduler_address, progress=kill_one)
    assert killed
    assert bits(found) == wanted


@pytest.mark.parametrize(
    ("reducers", "code"),
    [
        ({"x": Peak("amont")}, "RK-OUT-002"),
        ({}, "RK-OUT-003"),
        ({"x": Peak("amount", start=-1)}, "RK-OUT-050"),
        ({"x": Peak("amount", start=5, end=5)}, "RK-OUT-050"),
        ({"x": TimeAbove("amount", threshold=np.nan)}, "RK-OUT-050"),
        ({"x": Response("amount", at=6.1)}, "RK-OUT-051"),
        ({"x": MeanCourse("amount")}, "RK-OUT-053"),
        ({"id": Peak("amount")}, "RK-OUT-054"),
    ],
)
def test_reducers_that_do_not_fit_are_refused(reducers, code, tmp_path):
    with pytest.raises(OutputError) as caught:
        stream(reducers=reducers, parquet=tmp_path)
    assert caught.value.code == code


def test_impossible_quantiles_and_unknown_results_are_refused():
    for options in ({"shares": (1.1,)}, {"shares": ()}, {"bins": 10}):
        with pytest.raises(OutputError, match="RK-OUT-050"):
            Quantiles("amount", **options)
    with pytest.raises(OutputError, match='did you mean "peak"'):
        stream(10)["pek"]
    with pytest.raises(ParameterError):
        simulate_stream(
            DECAY, [Chunk(Decaying(1)[0].events, {"kk": 1.0})], {"peak": Peak("amount")}, times=TIMES
        )


# ---- people ---------------------------------------------------------------------------------------

DOSE = "ketamine 0.5 mg/kg iv over 40 min, weekly x 2"
DAYS = [24.0 * day for day in range(15)]


def test_a_population_in_pieces_is_the_population_at_once(monkeypatch):
    monkeypatch.setattr(_reduce_people, "PIECE", 48)
    reducers = {"mood": Quantiles("madrs_latent"), "response": Response("madrs_latent", at=DAYS[-1])}
    seen = []
    found = reduce_people(
        DOSE, Population(110, seed=5), reducers, times=DAYS, seed=3, progress=lambda *now: seen.append(now)
    )
    plain = simulate_people(DOSE, Population(110, seed=5), times=DAYS, outputs=["madrs_latent"], seed=3)
    courses = plain["madrs_latent"]
    wanted = np.quantile(courses, [0.05, 0.5, 0.95], axis=0)
    np.testing.assert_allclose(found["mood"].values, wanted, rtol=1e-14)
    assert found["response"].mean == pytest.approx((courses[:, -1] <= courses[:, 0] / 2).mean(), abs=1e-12)
    assert seen == [(0, 110), (48, 110), (96, 110), (110, 110)]


def test_a_killed_process_loses_little_and_the_next_goes_on(tmp_path, monkeypatch):
    """Two processes with different hashes of texts; one dies without warning, one file is torn."""
    program = f"""
import os
from rekindle.engine import Peak, Quantiles
from rekindle.people import Population, _reduce_people
_reduce_people.PIECE = 8
def die(done, total):
    if done == 80:
        os._exit(9)
reducers = {{"mood": Quantiles("madrs_latent"), "peak": Peak("madrs_latent")}}
_reduce_people.reduce_people(
    {DOSE!r}, Population(94, seed=5), reducers, times={DAYS!r}, progress=die,
    checkpoint={str(tmp_path / "state")!r}, parquet={str(tmp_path / "people")!r},
)
"""
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    died = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert died.returncode == 9
    torn = tmp_path / "people" / "people_000002.parquet"
    torn.write_bytes(torn.read_bytes()[:-7])
    monkeypatch.setattr(_reduce_people, "PIECE", 8)
    seen = []

    def finish(**options):
        reducers = {"mood": Quantiles("madrs_latent"), "peak": Peak("madrs_latent")}
        return reduce_people(DOSE, Population(94, seed=5), reducers, times=DAYS, **options)

    found = finish(
        checkpoint=tmp_path / "state", parquet=tmp_path / "people",
        progress=lambda done, total: seen.append(done),
    )  # fmt: skip
    assert seen == [80, 88, 94]
    assert found.remarks[1] == "1 Parquet files were missing or damaged and are written again."
    assert bits(found) == bits(finish())
    assert read_people(tmp_path / "people")["id"].tolist() == [str(i) for i in range(1, 95)]


def test_a_population_that_cannot_be_treated_is_refused():
    with pytest.raises(PersonError):
        reduce_people(DOSE, Population(0, seed=1), {"mood": Quantiles("madrs_latent")})
    with pytest.raises(rekindle.RekindleError, match="RK-REG-090"):
        reduce_people("ketamine 50 mg/kg iv over 40 min", Population(3, seed=1), {"x": Peak("madrs_latent")})


def test_the_command_writes_summaries_and_every_person(tmp_path, capsys):
    asked = ["population", DOSE, "--people", "50", "--workers", "1", "--output", "madrs_latent"]
    asked += ["--output", "ketamine_venous", "--json"]
    assert run([*asked, "--out", str(tmp_path)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["people"] == 50
    people = read_people(tmp_path / "people")
    assert list(shown["measures"]) == people.columns[1:].tolist()
    assert shown["measures"]["ketamine_venous peak"]["mean"] == pytest.approx(
        people["ketamine_venous peak"].mean(), rel=1e-12
    )
    assert sorted(file.name for file in tmp_path.iterdir()) == ["people", "summaries.csv"]
    assert run(asked[:6]) == 0
    assert "response at the end" in capsys.readouterr().out
