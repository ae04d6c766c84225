"""Threads that share the lane groups of programs: same bits, interruptions, errors, no thread left behind."""

import os
import signal
import threading

import numpy as np
import pytest

import rekindle
from rekindle.engine.program import _program_run
from rekindle.engine.program._program_run import ProgramRun
from rekindle.engine.running import _workers
from rekindle.errors import SolverError

MODEL = rekindle.load_model(
    """
model threads
time [h]
parameter ka [1/h] = 1
parameter k [1/h] = 0.2
parameter late [h] = 0
parameter limit [mg] = 200
covariate size [1] = 1 carry locf
state depot [mg]
state central [mg]
state effect [1] = 0
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - k*size*central
d/dt(effect) = 0.1[1/h]*central/(central + 20[mg])*(1 - effect)*sqrt((limit - central)/100[mg])
lag(depot) = late
output c [mg] = central
output e [1] = effect
"""
)
TIMES = [1.0, 30.0]


def one_schedule(people):
    return [{"ID": i, "TIME": 0, "AMT": 100, "CMT": "depot", "ADDL": 1, "II": 12} for i in range(people)]


def own_schedules(people):
    return [{"ID": i, "TIME": 0.01 * i, "AMT": 100, "CMT": "depot"} for i in range(people)]


def steady(people):
    return [{"ID": i, "TIME": 0, "AMT": 9, "CMT": "depot", "SS": 1, "II": 12} for i in range(people)]


def mixed(people):
    """Mostly one schedule, with people of other schedules and people for the general driver between them."""
    others = {7: own_schedules(people), 50: steady(people)}
    return [
        others.get(i % 60, common)[i] if i % 60 in others else common[i]
        for common in (one_schedule(people),)
        for i in range(people)
    ]


def lags(people):
    return {str(i): {"late": 0.02 * i, "k": 0.1 + 0.001 * i} for i in range(people)}


def rates(people):
    return {str(i): {"k": 0.1 + 0.001 * i} for i in range(people)}


def run(rows, parameters, **options):
    events = rekindle.EventTable.from_rows(rows, MODEL)
    return rekindle.simulate(MODEL, events, parameters=parameters, times=TIMES, **options)


@pytest.fixture
def always(monkeypatch):
    """Threads whoever is in the table."""
    monkeypatch.setattr(_workers, "mostly_machine_code", lambda *given: True)


@pytest.fixture(autouse=True)
def nobody_left():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rekindle")]


@pytest.mark.parametrize(
    ("rows", "parameters"),
    [
        (one_schedule(200), rates(200)),
        (one_schedule(120), lags(120)),
        (own_schedules(100), rates(100)),
        (steady(50), rates(50)),
        (mixed(200), rates(200)),
    ],
    ids=["lanes", "parted by lags", "everybody alone", "general driver", "mixed"],
)
def test_threads_change_no_bit(rows, parameters, always):
    alone = run(rows, parameters)
    for workers in (2, 3):
        found = run(rows, parameters, workers=workers)
        assert found.rows.tobytes() == alone.rows.tobytes()
        assert found.solver == alone.solver


@pytest.mark.parametrize(
    ("rows", "parameters", "threads"),
    [
        (one_schedule(120), rates(120), True),
        (mixed(600), rates(600), True),
        (one_schedule(120), lags(120), False),
        (own_schedules(100), rates(100), False),
        (steady(50), rates(50), False),
    ],
    ids=["lanes", "mixed", "parted by lags", "everybody alone", "general driver"],
)
def test_threads_are_for_people_who_share_programs(rows, parameters, threads, monkeypatch):
    made = []
    start = _workers.Threads.__init__
    monkeypatch.setattr(
        _workers.Threads, "__init__", lambda self, count: made.append(count) or start(self, count)
    )
    run(rows, parameters, workers=2)
    assert made == [2] * threads


def test_every_group_is_run_by_machine_code_in_some_thread(monkeypatch):
    seen = set()
    work = ProgramRun.work
    monkeypatch.setattr(
        ProgramRun, "work", lambda self, *stop: seen.add(threading.current_thread().name) or work(self, *stop)
    )
    run(one_schedule(120), rates(120), workers=3)
    assert seen
    assert all(name.startswith("rekindle") for name in seen)
    seen.clear()
    run(one_schedule(120), rates(120))
    assert seen == {threading.main_thread().name}


def test_processes_can_be_forked_after_threads():
    wanted = run(own_schedules(100), rates(100)).rows.tobytes()
    run(one_schedule(120), rates(120), workers=2)
    assert run(own_schedules(100), rates(100), workers=2).rows.tobytes() == wanted


def test_progress_is_told_in_order():
    told = [[], []]
    for workers in (1, 2):
        run(
            one_schedule(150), rates(150), workers=workers,
            progress=lambda *done, own=told[workers - 1]: own.append(done),
        )  # fmt: skip
    assert told[0] == told[1]
    assert told[1] == [(0, 150), (48, 150), (96, 150), (144, 150), (150, 150)]


def test_an_interruption_stops_the_threads_and_keeps_what_is_finished(tmp_path, monkeypatch):
    rows, parameters = one_schedule(480), rates(480)
    wanted = run(rows, parameters).rows.tobytes()
    groups, sent, defined = [], [], _program_run._defined

    def interrupted(values):
        groups.append(threading.current_thread().name)
        if not sent and any(tmp_path.glob("*.npz")):
            sent.append(1)
            os.kill(os.getpid(), signal.SIGINT)  # reaches the calling thread, which is waiting
        return defined(values)

    with monkeypatch.context() as patch:
        patch.setattr(_program_run, "_defined", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(rows, parameters, workers=2, checkpoint=tmp_path)
    assert len(groups) < 480 / 8
    assert 0 < len(list(tmp_path.glob("*.npz"))) < 10
    seen = []
    found = run(
        rows, parameters, workers=3, checkpoint=tmp_path, progress=lambda done, total: seen.append(done)
    )
    assert seen[0] >= 48
    assert found.rows.tobytes() == wanted


def test_an_error_in_a_thread_surfaces_and_keeps_what_is_finished(tmp_path, monkeypatch):
    scratch, asked = _program_run._scratch, []

    def exhausted(*arguments):
        asked.append(1)
        if len(asked) == 5:
            raise MemoryError("no room")
        return scratch(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(_program_run, "_scratch", exhausted)
        with pytest.raises(MemoryError, match="no room"):
            run(one_schedule(480), rates(480), workers=2, checkpoint=tmp_path)
    assert 0 < len(list(tmp_path.glob("*.npz"))) < 10
    found = run(one_schedule(480), rates(480), workers=2, checkpoint=tmp_path)
    assert found.rows.tobytes() == run(one_schedule(480), rates(480)).rows.tobytes()


def test_who_fails_in_a_thread_leaves_the_others_their_results():
    parameters = rates(120)
    parameters["17"]["limit"] = 50.0  # the root of a negative number
    with pytest.raises(SolverError, match="person 17") as caught:
        run(one_schedule(120), parameters, workers=2)
    alone = run(one_schedule(120), parameters, on_failure="keep")
    found = run(one_schedule(120), parameters, on_failure="keep", workers=2)
    assert list(found.solver.failed) == ["17"]
    assert found.rows.tobytes() == alone.rows.tobytes()
    assert np.isnan(found["c"]).any(axis=1).nonzero()[0].tolist() == [17]
    assert caught.value.finished["c"].tobytes() == np.delete(alone["c"], 17, axis=0).tobytes()


def test_an_estimate_of_the_error_is_the_same_and_counts_everybody_once():
    told = []
    alone = run(one_schedule(150), rates(150), estimate_error=True)
    found = run(
        one_schedule(150), rates(150), estimate_error=True, workers=2,
        progress=lambda *done: told.append(done),
    )  # fmt: skip
    assert found.solver == alone.solver
    assert told == sorted(told)
    assert {total for _, total in told} == {150}
    assert (told[0], told[-1]) == ((0, 150), (150, 150))
    assert (75, 150) in told
