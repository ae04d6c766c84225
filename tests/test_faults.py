"""What happens when the system ends a process, the disk is full, or a file is damaged."""

import errno
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

import rekindle
from rekindle._disk_cache import DiskCache
from rekindle.engine import Chunk, Peak, Quantiles, simulate_stream
from rekindle.engine.running import _job, _workers
from rekindle.errors import OutputError, SolverError
from rekindle.modelling import remember

forked = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes do not inherit the fault")

GROWTH = """
model growth
time [h]
parameter k [1/h] = 0.1
state y [1] = 1
d/dt(y) = k*y*(1 - y/10)
output size [1] = y
"""
MODEL = rekindle.load_model(GROWTH)
TIMES = [0.0, 5.0, 20.0]
REDUCERS = {"curve": Quantiles("size"), "peak": Peak("size")}


class People:
    """60 people in pieces of 10; ``fault`` is called with the number of a piece before it is made."""

    def __init__(self, fault=None):
        self.fault = fault

    def __len__(self):
        return 6

    def __getitem__(self, number):
        if self.fault:
            self.fault(number)
        people = range(10 * number, 10 * number + 10)
        rows = [{"ID": i, "TIME": 0, "EVID": 2} for i in people]
        rates = {str(i): {"k": 0.05 + 0.01 * i} for i in people}
        return Chunk(rekindle.EventTable.from_rows(rows, MODEL), rates)

    def __reduce__(self):
        return People, ()


class Killer:
    """Ends the process that asks for piece 2 until it has done so some number of times."""

    def __init__(self, folder, times):
        self.folder, self.times = folder, times

    def __call__(self, number):
        done = len(list(self.folder.glob("killed_*")))
        if number == 2 and done < self.times:
            (self.folder / f"killed_{done}").touch()
            os.kill(os.getpid(), signal.SIGKILL)


def stream(fault=None, **options):
    return simulate_stream(MODEL, People(fault), REDUCERS, times=TIMES, **options)


def bits(found):
    return found.to_frame().to_csv(index=False, float_format="%.17g"), found.people, found.failed


@forked
def test_a_killed_process_is_replaced_and_no_bit_changes(tmp_path):
    with pytest.warns(RuntimeWarning, match="ended from outside"):
        found = stream(Killer(tmp_path, 2), workers=2)
    assert len(list(tmp_path.iterdir())) == 2
    assert bits(found) == bits(stream())


@forked
def test_processes_that_are_killed_again_and_again_are_an_error_that_loses_nothing(tmp_path):
    state, killed = tmp_path / "state", tmp_path / "killed"
    killed.mkdir()
    with (
        pytest.warns(RuntimeWarning, match="ended from outside"),
        pytest.raises(SolverError, match="memory") as caught,
    ):
        stream(Killer(killed, 1000), workers=2, checkpoint=state)
    assert caught.value.code == "RK-SOL-035"
    assert len(list(killed.iterdir())) in (3, 4)
    seen = []
    found = stream(checkpoint=state, workers=2, progress=lambda done, total: seen.append(done))
    assert seen[0] == 2
    assert found.remarks == ("Went on after 2 pieces (20 people) of an earlier run.",)
    assert bits(found) == bits(stream())


def everybody():
    rows = [{"ID": i, "TIME": 0, "EVID": 2} for i in range(150)]
    rates = {str(i): {"k": 0.05 + 0.001 * i} for i in range(150)}
    return {"events": rekindle.EventTable.from_rows(rows, MODEL), "parameters": rates, "times": TIMES}


@forked
def test_a_killed_process_of_a_plain_simulation_is_replaced(tmp_path, monkeypatch):
    wanted = rekindle.simulate(MODEL, **everybody()).rows.tobytes()
    run, parent = _workers.run_chunk, os.getpid()

    def die_once(*arguments):
        if os.getpid() != parent and not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return run(*arguments)

    monkeypatch.setattr(_workers, "run_chunk", die_once)
    monkeypatch.setattr(_workers, "mostly_machine_code", lambda *given: False)
    with pytest.warns(RuntimeWarning, match="ended from outside"):
        found = rekindle.simulate(MODEL, **everybody(), workers=2)
    assert found.rows.tobytes() == wanted


def test_a_full_disk_keeps_the_people_that_were_finished(tmp_path, monkeypatch):
    write, written = Path.write_bytes, []

    def fill(self, content):
        if len(written) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(self.name)
        return write(self, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fill)
        with pytest.raises(OutputError, match="RK-OUT-055"):
            rekindle.simulate(MODEL, **everybody(), checkpoint=tmp_path)
    assert not list(tmp_path.glob("*.part"))
    seen = []
    found = rekindle.simulate(
        MODEL, **everybody(), checkpoint=tmp_path, progress=lambda done, total: seen.append(done)
    )
    assert seen == [96, 144, 150]
    assert found.rows.tobytes() == rekindle.simulate(MODEL, **everybody()).rows.tobytes()


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}"])
def test_a_damaged_note_of_a_folder_is_refused(tmp_path, text):
    (tmp_path / "stream.json").write_text(text)
    with pytest.raises(OutputError, match="RK-OUT-056"):
        stream(checkpoint=tmp_path)


def test_a_folder_that_is_a_file_is_said(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(OutputError, match="RK-OUT-055"):
        stream(checkpoint=tmp_path / "taken")


# ---- what is kept of models -----------------------------------------------------------------------


def many_states(rate):
    lines = [f"state x{i} [mg] = {i}\nd/dt(x{i}) = -{rate}*x{i}\noutput y{i} [mg] = x{i}" for i in range(20)]
    return "\n".join(lines)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    folder = tmp_path / "kept"
    monkeypatch.setenv("REKINDLE_CACHE_DIR", str(folder))
    (tmp_path / "part.model").write_text(many_states("k"))
    (tmp_path / "numbers.csv").write_text("name,unit,value\nk,1/h,0.5\n")
    (tmp_path / "whole.model").write_text(
        'model whole\ntime [h]\nparameter k [1/h]\nparameters "numbers.csv"\ninclude "part.model"\n'
    )
    return folder


def whole(kept, **options):
    return rekindle.load_model(kept.parent / "whole.model", **options)


def test_a_kept_model_is_the_model(kept):
    read, found = whole(kept), whole(kept)
    assert len(list(kept.iterdir())) == 1
    assert found == read
    assert found.derivatives["x3"] is read.derivatives["x3"]


def test_a_changed_file_is_read_again(kept):
    assert whole(kept).parameters["k"].value == 0.5
    (kept.parent / "numbers.csv").write_text("name,unit,value\nk,1/h,0.25\n")
    assert whole(kept).parameters["k"].value == 0.25
    assert whole(kept, parameters=["name,unit,value\nk,1/h,0.75\n"]).parameters["k"].value == 0.75
    (kept.parent / "part.model").write_text(many_states("2*k"))
    model = whole(kept)
    assert rekindle.modelling.to_text(model.derivatives["x3"]) == "-2*k*x3"
    (kept.parent / "part.model").unlink()
    with pytest.raises(rekindle.RekindleError, match="RK-MOD-023"):
        whole(kept)


def test_a_damaged_kept_model_is_said_and_read_again(kept):
    wanted = whole(kept)
    file = next(kept.iterdir())
    content = bytearray(file.read_bytes())
    content[-1] ^= 255
    file.write_bytes(content)
    with pytest.warns(RuntimeWarning, match="damaged; it is made again"):
        assert whole(kept) == wanted
    assert whole(kept) == wanted


def test_what_is_derived_is_kept_and_gives_the_same_bits(kept):
    events = rekindle.EventTable.from_rows([{"ID": 1, "TIME": 0, "EVID": 2}], whole(kept))
    runs = []
    for _ in range(2):
        _job._kernels.clear()
        _job._compiled.clear()
        runs.append(rekindle.simulate(whole(kept), events, times=[0, 1, 2]).rows.tobytes())
    assert runs[0] == runs[1]
    other = whole(kept).with_parameters(k=0.125)
    assert rekindle.simulate(other, events, times=[8])["y3"][0, 0] == pytest.approx(3 * np.exp(-1))


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").touch()
    cache = DiskCache(tmp_path / "file" / "below")
    assert remember("name.rkcode", lambda: 5, cache) == 5
    assert remember("name.rkcode", lambda: 6, DiskCache(None)) == 6
