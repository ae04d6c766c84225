"""The benchmark measures what it says: its workload, its error, its search, its ratios and its page."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from benchmarks import _sensitivities
from benchmarks.__main__ import Bench, parser, structure
from benchmarks._accuracy import Accuracy, loosest, percentiles, tolerance_at
from benchmarks._course import PARTS, Clock
from benchmarks._engines import PEERS, Engine, all_engines, own_engines
from benchmarks._equations import equations
from benchmarks._figures import Figures
from benchmarks._floor import Floor
from benchmarks._goals import Goal, goals
from benchmarks._page import page
from benchmarks._pieces import mode, pieces
from benchmarks._race import Result, race, ratio
from benchmarks._waiting import Waited, in_fresh_process, in_words, parts_of
from benchmarks._worker import EngineError, _Engineer, errors
from benchmarks._workload import DERIVATIVES, STRESSED, Workload, w1, w2
from benchmarks.peers.rekindle import Run
from benchmarks.peers.scipy import prepare_lsoda

from rekindle.modelling import (
    call,
    constant,
    differentiate,
    evaluate,
    select,
    symbol,
    symbols,
    topological,
)
from textbook import case


@pytest.fixture(scope="module")
def workload():
    return w1()


def test_w1_has_the_size_that_the_design_names(workload):
    assert structure(workload).startswith(
        "23 states, 12 of them in the linear block, 60 non-zeros of the Jacobian, 42 segments, 294 output"
    )
    starts = sorted({dose["time"] for dose in workload.doses})
    assert len(starts) == 21
    assert workload.times[-1] == 182 * 24
    assert sum(dose["amount"] for dose in workload.doses) == pytest.approx(21 * 40)
    assert set(workload.varied) >= {*STRESSED}
    assert set(DERIVATIVES) <= set(workload.model.parameters)


def test_four_states_of_w1_depend_on_each_other(workload):
    """The feedback block; everything else is a cascade."""
    model = workload.model
    rates = dict(zip(model.derivatives, model.inline(*model.derivatives.values()), strict=True))
    names = list(rates)
    reach = np.array([[b == a or b in symbols(rates[a]) for b in names] for a in names])
    for _ in range(6):
        reach = reach @ reach
    mutual = reach & reach.T
    nonlinear = names[12:]
    assert {a for a in nonlinear for b in nonlinear if a != b and mutual[names.index(a), names.index(b)]} == {
        "bdnf", "mtor", "synapse", "inflammation",
    }  # fmt: skip


def test_rate_constants_span_the_named_range(workload):
    values = {n: p.value for n, p in workload.model.parameters.items() if p.unit == "1/h"}
    assert max(values.values()) == 30
    assert min(values.values()) == pytest.approx(1 / 720)


def test_people_belong_to_their_number(workload):
    many = workload.people(12)
    np.testing.assert_array_equal(workload.people(3), many[:3])
    np.testing.assert_array_equal(workload.people(2, first=9), many[9:11])
    assert len(np.unique(many[:, 0])) == 12
    spread = np.log(workload.people(400)).std(axis=0)
    wanted = [np.sqrt(np.log1p(v**2)) for v in workload.varied.values()]
    np.testing.assert_allclose(spread, wanted, rtol=0.15, atol=1e-12)


def test_the_stress_population_varies_eleven_rate_constants_more(workload):
    usual, stressed = workload.people(50), workload.stressed.people(50)
    columns = [list(workload.varied).index(name) for name in STRESSED]
    assert len(columns) == 11
    assert not usual[:, columns].std(axis=0).max() > 1e-12
    assert (stressed[:, columns].std(axis=0) / stressed[:, columns].mean(axis=0) > 0.25).all()
    others = [column for column in range(usual.shape[1]) if column not in columns]
    np.testing.assert_array_equal(usual[:, others], stressed[:, others])


def test_some_people_change_wells_and_some_do_not(workload):
    mood = Run(workload, "auto")(workload.people(48), 1e-7)[:, -1, workload.states.index("mood")]
    assert 6 < (mood > 0).sum() < 42
    assert (np.abs(mood) > 0.5).all()


def test_segments_tile_the_course_and_hold_every_output_time(workload):
    pieces = workload.segments
    assert pieces[0].start == 0
    assert all(a.end == b.start for a, b in pairwise(pieces))
    np.testing.assert_array_equal(np.concatenate([piece.times for piece in pieces]), workload.times)
    given = sum((piece.end - piece.start) * sum(piece.rates.values()) for piece in pieces)
    assert given == pytest.approx(21 * 40)


def test_written_equations_equal_the_model(workload):
    """What peers integrate is the model, constants worked out and divisions by them turned round."""
    system, people = equations(workload), workload.people(3)
    space = {"np": np, "m": np}
    head = f"d = np.empty({len(system.states)})"
    exec(system.source("rates", "y, c", head, "d[{place}] = {value}", "return d"), space)  # noqa: S102
    states = np.random.default_rng(5).uniform(0.1, 1.5, len(system.states))
    segment = workload.segments[0]
    for row, constants in zip(people, system.constants(people, segment), strict=True):
        known = {n: p.value for n, p in workload.model.parameters.items()}
        known |= dict(zip(workload.varied, row, strict=True)) | dict(zip(system.states, states, strict=True))
        model = workload.model
        for place, name in enumerate(system.states):
            wanted = float(evaluate(model.inline(model.derivatives[name])[0], known))
            wanted += segment.rates.get(name, 0.0)
            assert space["rates"](states, constants)[place] == pytest.approx(wanted, rel=1e-12), name


def test_pieces_are_what_they_replace():
    x, y = symbol("x"), symbol("y")
    inside = call("and", call("gt", x, constant(-1.0)), call("not", call("le", y, x)))
    roots = [
        call("max", x, call("min", y, constant(0.5))) * call("abs", x - y),
        select(inside, x, y),
        select(call("or", inside, call("lt", y, constant(0.0))), x * x, y),
        call("max", x, constant(0.0)) ** 1.7,
    ]
    smooth = pieces(roots)
    kinks = {"max", "min", "abs", "lt", "le", "gt", "ge", "and", "or", "not"}
    assert not kinks & {node.operation for node in topological((*smooth.roots, *smooth.gaps))}
    for row in np.random.default_rng(7).uniform(-2.0, 2.0, (200, 2)):
        known = dict(zip("xy", row, strict=True))
        for place, gap in enumerate(smooth.gaps):
            known[mode(place)] = float(evaluate(gap, known) >= 0.0)
        for root, piece in zip(roots, smooth.roots, strict=True):
            assert evaluate(piece, known) == pytest.approx(evaluate(root, known), abs=1e-9)


def test_w1_has_no_kinks(workload):
    system = equations(workload)
    smooth = pieces(system.rates)
    assert smooth.roots == system.rates
    assert not smooth.gaps


def test_bolus_doses_are_jumps_after_their_lag():
    model, doses, times = case("one_compartment")
    given = Workload("bolus", model, tuple(model.states), tuple(doses), times, {})
    jumps = {part.start: part.jumps for part in given.segments if part.jumps}
    assert list(jumps) == pytest.approx([1 / 3, 12 + 1 / 3, 24 + 1 / 3, 30])
    state = np.array([1.0, 2.0])
    system = equations(given, events=True)
    system.jump(given.segments[1], system.values(np.empty(0)), state)
    np.testing.assert_allclose(state, [1.0 + 0.8 * 200, 2.0])
    with pytest.raises(ValueError, match="events that this peer does not know"):
        equations(given)


def test_our_engine_passes_the_gate_against_scipy(workload):
    people = workload.people(2)
    short = replace(workload, times=workload.times[:70])
    reference = prepare_lsoda(short)(people, 1e-12)
    measured = errors(Run(short, "auto")(people, 1e-8), reference)
    assert measured.max() < 5


def test_w2_is_the_linear_part():
    kinetic = w2()
    assert len(kinetic.states) == 12
    system = equations(kinetic)
    assert system.states == kinetic.states
    assert all(
        not symbols(differentiate(rate, name)) & set(system.states)
        for rate in system.rates
        for name in system.states
    )


def test_error_of_a_person_is_the_largest_scaled_difference():
    reference = np.array([[[1.0, 0.0], [100.0, -2.0]], [[1.0, 0.0], [1.0, 1.0]]])
    found = reference + np.array([[[0.0, 3e-8], [2e-4, 0.0]], [[0.0, 0.0], [np.nan, 0.0]]])
    measured = errors(found, reference)
    assert measured[0] == pytest.approx(3.0, rel=1e-3)
    assert np.isinf(measured[1])


def test_percentiles_do_not_hide_the_tail():
    assert percentiles([1.0] * 60 + [50.0] * 4) == (1.0, 50.0, 50.0)


@pytest.mark.parametrize("first", range(16, 53))
def test_the_search_finds_the_loosest_tolerance(first):
    assert loosest(lambda step: step >= first) == first
    assert tolerance_at(first) == pytest.approx(10 ** (-first / 4), rel=1e-2)


def test_the_search_says_when_nothing_is_enough():
    assert loosest(lambda step: False) is None


class FakeWorker:
    """Takes turns and remembers them."""

    turns: list[str] = []  # noqa: RUF012 - shared on purpose

    def __init__(self, key, cost, fails_at=None):
        self.engine = Engine(key, key, "", (), "", 1, key == "rekindle-auto")
        self.cost, self.fails_at, self.calls = cost, fails_at, 0

    def call(self, name, workload, count, tolerance):
        assert name == "seconds"
        self.calls += 1
        FakeWorker.turns.append(self.engine.key)
        if self.fails_at is not None and self.calls >= self.fails_at:
            raise EngineError("stopped")
        return {"cpu": self.cost * count, "finite": True, "bytes": 8 * count, "steps": 10, "report": ""}


def run_race(*workers):
    FakeWorker.turns.clear()
    return race(
        workers, "W1", {w.engine.key: 1e-7 for w in workers}, rounds=4, seconds=1.0, at_most=1000,
        say=lambda text: None,
    )  # fmt: skip


def test_engines_take_turns_and_each_fills_its_time():
    results = run_race(FakeWorker("a", 0.01), FakeWorker("b", 0.5))
    assert FakeWorker.turns[-8:] == ["a", "b"] * 4
    assert (results["a"].people, results["b"].people) == (100, 2)
    assert ratio(results["a"], results["b"]).value == pytest.approx(50)


def test_an_engine_that_fails_is_named_and_the_others_go_on():
    results = run_race(FakeWorker("a", 0.01), FakeWorker("b", 0.5, fails_at=4))
    assert results["b"].failed == "stopped"
    assert len(results["a"].rates) == 4


def figures(**more):
    engines = (*own_engines()[:1], *PEERS[:2])
    ours = engines[0].key
    made = Figures(
        "a machine", "23 states", "heyoka", 64, 3, False, engines, PEERS[3:4],
        accuracy={
            ours: Accuracy(1e-7, (0.1, 0.5, 9.0), (0.2, 0.6, 8.0), True, 64),
            "numbalsoda": Accuracy(1e-8, (0.9, 20.0, 90.0), (1.2, 30.0, 80.0), False, 64),
            "heyoka8": Accuracy(np.nan, (np.nan,) * 3, failed="it fell over"),
        },
        results={
            "W1": {
                ours: Result(64, [9000.0, 10000.0, 11000.0], {"steps": 500, "report": "", "bytes": 64}),
                "numbalsoda": Result(8, [80.0, 80.0, 80.0], {"steps": None}),
            },
        },
        floor=Floor(8e-9, {"add": 3}, 1e11),
    )  # fmt: skip
    for name, value in more.items():
        setattr(made, name, value)
    return made


def test_the_page_says_what_was_measured_what_is_missing_and_what_failed():
    text = page(figures())
    assert "125 (112 to 138)" in text
    assert "**met**" in text
    assert "0.9, 20, 90" in text
    assert "failed: it fell over" in text
    assert f"{PEERS[3].label} is missing" in text
    assert PEERS[3].hint in text
    assert "Not yet" in text
    assert "--quick" not in text
    assert "not the figures of record" in page(figures(quick=True))


def test_goals_are_judged_in_the_right_direction():
    assert Goal("speed, at least", 10, None, 11).met
    assert not Goal("speed, at least", 10, None, 9).met
    assert Goal("wait, at most", 10, None, 9).met
    assert not Goal("wait, at most", 10, None, 11).met
    assert not Goal("speed, at least", 10, None, None).met


def test_goals_hold_what_was_measured_and_what_limits_it():
    limits = {"first_warm": in_words({"NumPy": 0.25, "LLVM": 0.15, "tables": 0.06, "result": 0.04}, named=2)}
    made = figures(waited=Waited({"first_cold": 1.0, "first_warm": 0.5}, limits))
    reached = {goal.label: goal for goal in goals(made)}
    ours = made.engines[0].key
    assert reached["L2 over numbalsoda, at least"].reached == pytest.approx(125)
    assert made.above_floor(ours) == pytest.approx(1 / 10000 / (500 * made.nodes(ours) * 8e-9))
    assert reached["first simulation without cache, s, at most"].met
    assert not reached["first simulation with cache, s, at most"].met
    assert "| NumPy: 0.25 s; LLVM: 0.15 s; the rest: 0.1 s |" in page(made)
    rows = [line for line in page(made).splitlines() if line.startswith("| L")]
    assert any("over numbalsoda" in row and "**met**" in row for row in rows)
    assert any("over libroadrunner" in row and "not measured" in row for row in rows)
    slow = figures()
    slow.results["W1"][ours] = replace(slow.results["W1"][ours], rates=[800.0])
    limits = [goal.limit for goal in goals(slow) if goal.label.startswith("L2 over numbalsoda")]
    assert "500 steps a person allow" in limits[0]
    slow.results["W1"][ours] = replace(
        slow.results["W1"][ours], last={"steps": 5e4, "report": "", "bytes": 64}
    )
    limits = [goal.limit for goal in goals(slow) if goal.label.startswith("L2 over numbalsoda")]
    assert "too many steps" in limits[0]


def test_a_part_inside_another_takes_its_time_away_from_it(monkeypatch):
    moments = iter([3.0, 7.0, 8.0, 10.0, 15.0])
    monkeypatch.setattr("benchmarks._course.time.time", lambda: next(moments))
    clock = Clock(2.0, "rest")
    clock.enter("outer")
    clock.enter("inner")
    clock.leave()
    clock.leave()
    clock.leave()
    assert clock.seconds == {"rest": 1.0 + 5.0, "outer": 4.0 + 2.0, "inner": 1.0}


def test_the_parts_of_a_first_call_are_all_there_and_add_up(tmp_path):
    cold, warm = (in_fresh_process(1, 1, 1, str(tmp_path))[0] for _ in range(2))
    made = {"code, written", "code, optimised and translated by LLVM"}
    assert set(PARTS.values()) <= set(cold["parts"])
    assert set(cold["parts"]) - set(warm["parts"]) == made
    for found in (cold, warm):
        assert sum(found["parts"].values()) == pytest.approx(found["first_s"])
        assert min(found["parts"].values()) > 0
    assert parts_of([cold, warm, warm]) == warm["parts"] | dict.fromkeys(made, 0.0)


def test_every_engine_says_how_to_get_it():
    for engine in all_engines():
        assert engine.hint
        assert engine.packages
    assert len({engine.key for engine in all_engines()}) == len(all_engines())


def test_a_peer_that_is_not_installed_is_named_and_not_run(monkeypatch):
    lost = replace(PEERS[0], packages=("a_package_that_does_not_exist",))
    monkeypatch.setattr("benchmarks.__main__.all_engines", lambda: (*own_engines(), lost))
    bench = Bench(parser().parse_args(["--quick"]))
    assert [engine.key for engine in bench.missing] == [lost.key]
    assert lost.key not in [engine.key for engine in bench.engines]


def test_quick_leaves_slow_peers_out_unless_they_are_asked_for():
    quick = Bench(parser().parse_args(["--quick"]))
    asked = Bench(parser().parse_args(["--quick", "--engines", "diffrax"]))
    whole = Bench(parser().parse_args([]))
    keys = [{e.key for e in [*bench.engines, *bench.missing]} for bench in (quick, asked, whole)]
    assert ["diffrax" in found for found in keys] == [False, True, True]
    assert all("numbalsoda" in found for found in (keys[0], keys[2]))


def test_an_unknown_engine_or_section_is_refused(capsys):
    for arguments in (["--engines", "nobody"], ["--sections", "nothing"]):
        with pytest.raises(SystemExit):
            parser().parse_args(arguments)
        assert "known:" in capsys.readouterr().err


def test_the_process_of_an_engine_measures_errors_against_a_file(tmp_path):
    engineer = _Engineer(own_engines()[0])
    path = tmp_path / "reference.npy"
    engineer.reference("W2", 2, 1e-9, str(path))
    assert engineer.accuracy("W2", 2, 1e-9, str(path)) == [0.0, 0.0]
    timed = engineer.seconds("W2", 2, 1e-7)
    assert timed["finite"]
    assert timed["bytes"] == 2 * 294 * 12 * 8


def test_derivatives_are_taken_when_the_engine_offers_them(monkeypatch):
    def solve(model, events, *, sensitivities=(), **more):
        return None

    monkeypatch.setattr(_sensitivities.engine, "solve", solve)
    assert _sensitivities.offered() == (solve, "sensitivities")
    found = _sensitivities.measure_sensitivities(1e-7, 2, 2)
    assert found is not None
