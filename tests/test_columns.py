"""Everybody of a run in columns: parameters, schedules, programs, results, against one person at a time."""

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rekindle
from rekindle.engine import ParameterTable
from rekindle.engine._plan import plan
from rekindle.engine._solve import subjects_of
from rekindle.engine.linear._modal import Pattern
from rekindle.engine.program._program import compile_program
from rekindle.engine.records._parameter_table import parameter_array
from rekindle.engine.records._schedules import changes, people_by_schedule
from rekindle.engine.records._subjects import Subjects
from rekindle.engine.running import _job, _result_memory
from rekindle.engine.running._outcomes import Outcomes
from rekindle.errors import EventError, ParameterError, SolverError

TEXT = """
model columns
time [h]
parameter ka [1/h] = 1
parameter k [1/h] = 0.2
parameter late [h] = 0
parameter V [L]
covariate size [1] = 1 carry locf
state depot [mg]
state central [mg]
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - k*size*central
lag(depot) = late
output c [mg/L] = central/V
"""
MODEL = rekindle.load_model(TEXT)
NAMES = list(MODEL.parameters)

numbers = st.floats(0.1, 10.0)
values = st.one_of(
    numbers, st.lists(numbers, min_size=1, max_size=1), st.lists(numbers, min_size=3, max_size=3)
)
persons = st.lists(
    st.fixed_dictionaries({"V": values}, optional={"ka": values, "k": values}), min_size=1, max_size=6
)


def one_table(own):
    """The table of one person, written down without any column."""
    occasions = max(len(np.atleast_1d(value)) for value in own.values())
    table = np.empty((occasions, len(NAMES)))
    for place, name in enumerate(NAMES):
        table[:, place] = own.get(name, MODEL.parameters[name].value)
    return table


# ---- parameters -----------------------------------------------------------------------------------


@given(persons)
def test_columns_hold_what_each_person_was_given(people):
    names = [f"p{i}" for i in range(len(people))]
    found = parameter_array(MODEL, names, dict(zip(names, people, strict=True)))
    for own, rows in zip(people, found, strict=True):
        wanted = one_table(own)
        np.testing.assert_array_equal(rows[: len(wanted)], wanted)
        assert (rows[len(wanted) :] == wanted[-1]).all()


@given(st.lists(numbers, min_size=1, max_size=5), st.booleans(), st.randoms())
def test_a_table_gives_what_dictionaries_give(volumes, by_occasion, random):
    names = [str(i) for i in range(len(volumes))]
    columns = {"V": np.array(volumes), "k": np.linspace(0.1, 1, len(volumes))}
    if by_occasion:
        columns["V"] = np.outer(volumes, [1.0, 2.0])
    rows = {
        name: {key: column[i].tolist() for key, column in columns.items()} for i, name in enumerate(names)
    }
    wanted = parameter_array(MODEL, names, rows)
    random.shuffle(names)
    shuffled = {key: [column[int(name)] for name in names] for key, column in columns.items()}
    found = parameter_array(MODEL, sorted(names, key=int), ParameterTable(tuple(names), shuffled))
    np.testing.assert_array_equal(found, wanted)


def test_values_for_everybody_are_kept_once():
    found = parameter_array(MODEL, ["a", "b", "c"], {"V": [1.0, 2.0]})
    assert found.shape == (3, 2, 4)
    assert found.strides[0] == 0
    np.testing.assert_array_equal(found[2], one_table({"V": [1.0, 2.0]}))


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"a": {"V": 1}, "b": {"V": 1, "kk": 2}}, "RK-PAR-001", 'person b: parameter "kk"'),
        ({"a": {"V": 1}, "b": {"k": 1}}, "RK-PAR-004", 'person b: parameter "V" has no value'),
        ({"a": {"V": 1}}, "RK-PAR-004", 'person b: parameter "V"'),
        ({"a": {"V": 1}, "b": {"V": float("nan")}}, "RK-PAR-005", 'person b: parameter "V"'),
        ({"a": {"V": 1}, "b": {"V": "many"}}, "RK-PAR-005", 'person b: parameter "V"'),
        ({"a": {"V": 1}, "b": {"V": [1, 2], "k": [1, 2, 3]}}, "RK-PAR-006", 'person b: parameter "V" has 2'),
        (ParameterTable(("a",), {"V": [1.0]}), "RK-PAR-007", "person b is not in"),
        (ParameterTable(("a", "b", "a"), {"V": [1.0] * 3}), "RK-PAR-007", "a person stands twice"),
        (ParameterTable(("a", "b"), {"V": [1.0]}), "RK-PAR-006", 'column "V"'),
        (ParameterTable(("b", "a"), {"V": [np.inf, 1.0]}), "RK-PAR-005", 'person b: parameter "V"'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_of_the_right_person(given, code, words):
    with pytest.raises(ParameterError, match=code) as caught:
        parameter_array(MODEL, ["a", "b"], given)
    assert words in str(caught.value)


# ---- schedules and programs -----------------------------------------------------------------------


def mixed(people=60):
    """Three regimens in turn: two that differ in their times, one with a dose in steady state."""
    rows = []
    for i in range(people):
        start = {"ID": i, "TIME": 0, "AMT": 50 + i, "CMT": "depot", "size": 1 + 0.01 * i}
        if i % 3 == 2:
            rows.append({**start, "SS": 1, "II": 12})
        else:
            rows += [
                {**start, "II": 12, "ADDL": 2},
                {"ID": i, "TIME": 30 + i % 3, "AMT": 10, "CMT": "central"},
            ]
    return rekindle.EventTable.from_rows(rows, MODEL)


def drawn(events):
    return {person: {"k": 0.1 + 0.01 * int(person), "V": 2.0} for person in events.subjects}


def test_people_are_grouped_by_what_they_share():
    events = mixed(9)

    def found(times):
        return people_by_schedule(
            Subjects.from_records(events.subjects, np.ones((9, 1, 4)), times, events.carry)
        )

    assert sorted(found(None).values()) == [[[0, 3, 6], [1, 4, 7]], [[2, 5, 8]]]
    assert sorted(found(np.array([30.5])).values()) == [[[0, 3, 6]], [[1, 4, 7]], [[2, 5, 8]]]
    assert found(None)[None] == [[2, 5, 8]]


def test_changes_count_occasions_and_varying_covariates():
    rows = [{"ID": 1, "TIME": t, "EVID": 2, "OCC": 1 + t // 2, "size": 1 + (t > 3)} for t in range(6)]
    records = rekindle.EventTable.from_rows(rows, MODEL).subjects["1"]
    assert changes(records, 3) == 7
    assert changes(records[:2], 3) == 1
    rows = [{"ID": 1, "TIME": t, "OCC": 1 + t // 2} for t in range(6)]
    records = rekindle.EventTable.from_rows(rows, MODEL)
    assert [changes(records.subjects["1"], occasions) for occasions in (1, 2, 3)] == [1, 2, 3]


def test_mixed_schedules_give_what_each_person_gives_alone():
    events = mixed()
    options = {"times": np.linspace(0, 60, 7), "tolerance": 1e-9}
    found = rekindle.simulate(MODEL, events, parameters=drawn(events), **options)
    alone = rekindle.simulate(MODEL, events, parameters=drawn(events), solver="driver", **options)
    assert (found.solver.alone, alone.solver.alone) == (20, 60)
    np.testing.assert_allclose(found["c"], alone["c"], rtol=1e-10, atol=1e-12)


def test_neither_units_nor_processes_nor_blocks_change_a_bit(tmp_path, monkeypatch):
    events = mixed(300)
    options = {"parameters": drawn(events), "times": [1.0, 30.0]}
    wanted = rekindle.simulate(MODEL, events, **options).rows.tobytes()
    assert rekindle.simulate(MODEL, events, workers=2, **options).rows.tobytes() == wanted
    rekindle.simulate(MODEL, events, checkpoint=tmp_path, **options)
    assert len(list(tmp_path.glob("*.npz"))) > 4
    sorted(tmp_path.glob("*.npz"))[1].unlink()
    assert rekindle.simulate(MODEL, events, checkpoint=tmp_path, **options).rows.tobytes() == wanted
    monkeypatch.setattr("rekindle.engine._plan.BLOCK_BYTES", 1)
    assert rekindle.simulate(MODEL, events, **options).rows.tobytes() == wanted


def test_a_program_is_recorded_once_for_all_units(monkeypatch):
    events, recorded = mixed(300), []
    record = _job.record
    monkeypatch.setattr(_job, "record", lambda *a, **k: recorded.append(len(a[1])) or record(*a, **k))
    rekindle.simulate(MODEL, events, parameters=drawn(events), times=[1.0])
    assert recorded == [100, 100]


def at_own_times(shifts, length=6.0):
    """An infusion, a change and two doses of each person, at times of their own, and readings in between."""
    rows = []
    for i, shift in enumerate(shifts):
        mine = [
            (0.0, {"EVID": 2, "size": 1 + 0.001 * i}),
            (10 + shift, {"AMT": 60 + i, "CMT": "central", "DUR": length}),
            (17.0, {"EVID": 0}),
            (30 + shift, {"EVID": 2, "size": 2.0}),
            (30 + shift, {"AMT": 5, "CMT": "depot", "II": 4, "ADDL": 1}),
            *((time + shift, {"EVID": 0}) for time in (30, 31, 50)),
        ]
        rows += [{"ID": i, "TIME": time, **row} for time, row in mine]
    return rekindle.EventTable.from_rows(rows, MODEL)


@pytest.mark.parametrize("shifts", [[0.0, 0.5], np.linspace(0, 3, 60), [1.0, 1.0 + 1e-12, 1.5]])
def test_people_at_times_of_their_own_get_what_they_get_alone(shifts):
    # From a shift of 1 h on the infusion ends at or after the reading at 17 h.
    events = at_own_times([shifts[i % len(shifts)] for i in range(120)])
    own = {person: {"k": 0.1 + 0.001 * int(person), "V": 2.0} for person in events.subjects}
    found = rekindle.simulate(MODEL, events, parameters=own, tolerance=1e-9)
    alone = rekindle.simulate(MODEL, events, parameters=own, tolerance=1e-9, solver="driver")
    assert (found.solver.alone, alone.solver.alone) == (0, 120)
    np.testing.assert_array_equal(found.time, alone.time)
    np.testing.assert_allclose(found.rows, alone.rows, rtol=1e-10, atol=1e-12)


def test_people_share_one_program_at_times_of_their_own(monkeypatch):
    events, recorded = at_own_times([0.1 * (i % 7) for i in range(300)]), []
    record = _job.record
    monkeypatch.setattr(_job, "record", lambda *a, **k: recorded.append(len(a[1])) or record(*a, **k))
    found = rekindle.simulate(MODEL, events, parameters=drawn(events))
    assert recorded == [300]
    assert found.solver.groups == sum(-(-count // found.solver.lanes) for count in [43] * 6 + [42])


def test_times_of_their_own_change_no_bit_with_units_processes_or_blocks(tmp_path, monkeypatch):
    events = at_own_times([0.1 * (i % 7) + (i == 5) for i in range(300)])
    wanted = rekindle.simulate(MODEL, events, parameters=drawn(events)).rows.tobytes()
    assert rekindle.simulate(MODEL, events, parameters=drawn(events), workers=2).rows.tobytes() == wanted
    rekindle.simulate(MODEL, events, parameters=drawn(events), checkpoint=tmp_path)
    sorted(tmp_path.glob("*.npz"))[0].unlink()
    again = rekindle.simulate(MODEL, events, parameters=drawn(events), checkpoint=tmp_path)
    assert again.rows.tobytes() == wanted
    monkeypatch.setattr("rekindle.engine._plan.BLOCK_BYTES", 1)
    assert rekindle.simulate(MODEL, events, parameters=drawn(events)).rows.tobytes() == wanted


@pytest.mark.parametrize("lags", [[0.0, 1.5], np.linspace(0, 2, 120)])
def test_people_whose_lags_part_them_get_their_own_numbers(lags):
    rows = [{"ID": i, "TIME": 0, "AMT": 100, "CMT": "depot"} for i in range(120)]
    events = rekindle.EventTable.from_rows(rows, MODEL)
    own = {str(i): {"V": 1.0, "late": lags[i % len(lags)]} for i in range(120)}
    found = rekindle.simulate(MODEL, events, parameters=own, times=[1.0, 4.0, 9.0])
    assert found.solver.alone == 0
    for i, row in enumerate(found["c"]):
        after = np.maximum(np.array([1.0, 4.0, 9.0]) - own[str(i)]["late"], 0.0)
        np.testing.assert_allclose(
            row, 100 / 0.8 * (np.exp(-0.2 * after) - np.exp(-after)), rtol=1e-9, atol=1e-12
        )


def test_who_has_no_modal_form_leaves_the_others_in_lanes():
    rows = [{"ID": i, "TIME": 0, "AMT": 100, "CMT": "depot"} for i in range(20)]
    events = rekindle.EventTable.from_rows(rows, MODEL)
    own = {str(i): {"V": 1.0, "k": 1.0 if i in (0, 13) else 0.5} for i in range(20)}
    found = rekindle.simulate(MODEL, events, parameters=own, times=[2.0])
    assert found.solver.alone == 2
    wanted = [200 * np.exp(-2.0) if i in (0, 13) else 200 * (np.exp(-1) - np.exp(-2)) for i in range(20)]
    np.testing.assert_allclose(found["c"][:, 0], wanted, rtol=1e-7)


def test_people_with_different_occasions_share_a_group():
    rows = [
        {"ID": i, "TIME": t, "AMT": 100, "CMT": "central", "OCC": occasion}
        for i in range(4)
        for occasion, t in enumerate((0, 10, 20), start=1)
    ]
    events = rekindle.EventTable.from_rows(rows, MODEL)
    own = {str(i): {"V": 1.0, "k": [0.1, 0.2, 0.4][: i + 1] if i < 3 else 0.3} for i in range(4)}
    found = rekindle.simulate(MODEL, events, parameters=own, times=[9.0, 19.0, 29.0])
    alone = rekindle.simulate(MODEL, events, parameters=own, times=[9.0, 19.0, 29.0], solver="driver")
    assert found.solver.groups == 1
    np.testing.assert_allclose(found.rows, alone.rows, rtol=1e-12)


def test_shared_and_copied_records_give_the_same_program():
    records = mixed(1).subjects["0"]
    shared = {str(i): records for i in range(5)}
    copied = {person: tuple(record for record in own) for person, own in shared.items()}
    programs = []
    for people in (shared, copied):
        events = rekindle.EventTable(people, {"size": "locf"})
        subjects = subjects_of(MODEL, events, {"V": 3.0}, [1.0, 2.0])
        assert len(subjects.courses) == (1 if people is shared else 5)
        kernel = _job.Job(MODEL, ("c",), (), subjects, 1e-7).kernel(4)
        programs.append(compile_program(kernel.derivation, kernel.matrix, subjects))
    for name in ("operations", "moments", "values", "constants", "modal", "output_times"):
        np.testing.assert_array_equal(getattr(programs[0], name), getattr(programs[1], name))
    digests = {_job.Job(MODEL, ("c",), (), subjects, 1e-7).fingerprint() for subjects in (
        subjects_of(MODEL, rekindle.EventTable(people, {"size": "locf"}), {"V": 3.0}, [1.0])
        for people in (shared, copied))}  # fmt: skip
    assert len(digests) == 1


def test_blocks_are_cut_into_units_in_order():
    events = mixed(300)
    people = Subjects.from_records(events.subjects, np.ones((300, 1, 4)), None, events.carry)
    for batch in (batch for chunk in plan(people, 8, in_lanes=True) for batch in chunk if batch.lanes):
        assert batch.places == batch.block.places[batch.first : batch.first + len(batch.places)]


# ---- results --------------------------------------------------------------------------------------


def test_results_of_parts_stand_where_their_people_stand():
    events = mixed(12)
    people = Subjects.from_records(events.subjects, np.ones((12, 1, 4)), np.arange(3.0), events.carry)
    found = Outcomes.empty(people, 2)
    part = Outcomes.empty(people.take([1, 4, 7]), 2)
    part.values[:] = np.arange(18.0).reshape(9, 2)
    found.values[:] = -1.0
    found.put([1, 4, 7], part)
    np.testing.assert_array_equal(found.of(4), part.of(1))
    assert (found.values >= 0).sum() == 18
    found.part(2, 4).values[:] = 5.0
    assert (found.of(3) == 5.0).all()
    assert (found.of(4) != 5.0).all()


def test_observation_times_of_each_person_come_back_in_order():
    rows = []
    for i in range(5):
        rows.append({"ID": i, "TIME": 0, "AMT": 100, "CMT": "central"})
        rows += [{"ID": i, "TIME": 1 + t + 0.1 * i, "EVID": 0, "DV": t} for t in range(i % 3)]
    events = rekindle.EventTable.from_rows(rows, MODEL)
    found = rekindle.simulate(MODEL, events, parameters={"V": 1.0})
    wanted = [1 + t + 0.1 * i for i in range(5) for t in range(i % 3)]
    np.testing.assert_array_equal(found.time, wanted)
    np.testing.assert_array_equal(found.person, [1, 2, 2, 4])
    np.testing.assert_allclose(found["c"], 100 * np.exp(-0.2 * np.array(wanted)), rtol=1e-12)
    assert found.carried["DV"] == (0, 0, 1, 0)


def test_a_failure_among_columns_leaves_the_others():
    text = "model m\ntime [h]\nparameter k [1/h] = 1\nstate y [1] = 1\nd/dt(y) = k*y*y\noutput y [1] = y"
    model = rekindle.load_model(text)
    events = rekindle.EventTable.from_rows([{"ID": i, "TIME": 0, "EVID": 2} for i in range(100)], model)
    own = {str(i): {"k": 5.0 if i in (7, 90) else 0.1} for i in range(100)}
    kept = rekindle.engine.solve(model, events, parameters=own, times=[1.0], on_failure="keep")
    assert list(kept.solver.failed) == ["7", "90"]
    assert np.flatnonzero(np.isnan(kept["y"][:, 0])).tolist() == [7, 90]
    with pytest.raises(SolverError, match="person 7") as caught:
        rekindle.engine.solve(model, events, parameters=own, times=[1.0])
    finished = caught.value.finished
    assert len(finished.ids) == 98
    assert finished.ids[7] == "8"
    np.testing.assert_array_equal(finished["y"][7], kept["y"][8])


def test_no_output_times_are_refused():
    events = rekindle.EventTable.from_rows([{"ID": 1, "TIME": 0, "AMT": 1, "CMT": "central"}], MODEL)
    with pytest.raises(EventError, match="RK-EVT-031"):
        rekindle.simulate(MODEL, events, parameters={"V": 1.0})


def test_memory_of_results_is_used_again_only_when_nobody_holds_it():
    rows = _result_memory._LEAST // 8
    first = _result_memory.room_for(rows, 1)
    first[:] = 1.0
    second = _result_memory.room_for(rows, 1)
    assert not np.may_share_memory(first, second)
    place, tail = second.ctypes.data, second[-1:]
    del second
    third = _result_memory.room_for(rows, 1)
    assert not np.may_share_memory(tail, third)
    place = third.ctypes.data
    del third
    gc.collect()
    assert _result_memory.room_for(rows, 1).ctypes.data == place
    assert (first == 1.0).all()


# ---- eigenvalues ----------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.integers(0, 10_000))
def test_modes_give_the_matrix_back(seed):
    """Loops of one, two and three states in a chain, with compartments' rates over four decades."""
    k = np.exp(np.random.default_rng(seed).uniform(-5, 5, (11, 8)))
    entries = {
        (0, 0): -k[0], (1, 0): k[0], (1, 1): -k[1] - k[2] - k[3], (2, 1): k[1], (1, 2): k[4], (2, 2): -k[4],
        (3, 1): k[2], (3, 3): -k[5] - k[6] - k[7], (4, 3): k[5], (3, 4): k[8], (4, 4): -k[8], (5, 3): k[6],
        (3, 5): k[9], (5, 5): -k[9], (6, 3): k[7], (6, 6): -k[10],
    }  # fmt: skip
    found = Pattern(7, list(entries)).decompose(np.array(list(entries.values())), np.ones(7, bool))
    assert found.ends == (1, 3, 3, 6, 6, 6, 7)
    vectors, inverse = found.vectors[0], found.inverse[0]
    for person in np.flatnonzero(found.usable):
        matrix = np.zeros((7, 7))
        for (row, column), value in entries.items():
            matrix[row, column] = value[person]
        order, rates = found.order, found.rates[:, person]
        bound = np.linalg.cond(vectors[person]) * np.abs(matrix).max()
        back = vectors[person] * rates @ inverse[person]
        assert np.abs(back - matrix[np.ix_(order, order)]).max() <= 1e-14 * bound
    for row, end in enumerate(found.ends):
        assert (vectors[:, row, end:] == 0).all()
        assert (inverse[:, row, end:] == 0).all()
