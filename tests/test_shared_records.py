"""People who share their records: the same numbers, tables and errors as with records of their own."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import rekindle
from rekindle.engine import EventTable, ParameterTable, joined, schedule_table, solve
from rekindle.engine.records._records import Record
from rekindle.engine.records._shared_records import differently_timed
from rekindle.engine.records._subjects import Subjects
from rekindle.errors import EventError
from rekindle.people import Course, Person, Population, Setting, default_variability, treatment_model
from rekindle.people._course_tables import course_tables
from rekindle.people._treatment import event_rows
from rekindle.regimen import parse_regimen

MODEL = rekindle.load_model(
    "model m\ntime [h]\ncovariate weight [kg] = 70 in 40 to 170\nparameter k [1/h] = 0.1\nstate C [mg]\n"
    "d/dt(C) = -k*weight/70[kg]*C\noutput A [mg] = C"
)
WEIGHTS, DOSES = np.array([55.0, 70.0, 91.0]), np.array([30.0, 45.0, 20.0])
ROWS = [
    {"TIME": 0, "EVID": 2, "weight": WEIGHTS},
    {"TIME": 0, "AMT": DOSES, "CMT": "C", "DUR": 1.0},
    {"TIME": 24, "AMT": 10.0, "CMT": "C"},
]
PEOPLE = ["a", "b", "c"]


def own_rows(person: int) -> list[dict[str, object]]:
    return [
        {"ID": PEOPLE[person], **{n: v[person] if isinstance(v, np.ndarray) else v for n, v in row.items()}}
        for row in ROWS
    ]


def plain() -> EventTable:
    return EventTable.from_rows([row for person in range(3) for row in own_rows(person)], MODEL)


def facts(records: Sequence[Record]) -> list[tuple[object, ...]]:
    return [(r.time, r.kind, r.amount, r.duration, r.state, dict(r.covariates)) for r in records]


def test_shared_records_are_those_of_each_person() -> None:
    shared = schedule_table(ROWS, PEOPLE, MODEL)
    for person, records in plain().subjects.items():
        assert facts(shared.subjects[person]) == facts(records)
        assert facts(shared.subjects[person][1:]) == facts(records[1:])
        assert facts([shared.subjects[person][-1]]) == facts(records[-1:])
        assert facts(pickle.loads(pickle.dumps(shared.subjects[person]))) == facts(records)


def test_numbers_have_the_bits_of_records_of_their_own() -> None:
    times = np.linspace(0, 48, 30)
    parameters = {"a": {"k": 0.2}, "b": {"k": 0.1}, "c": {"k": 0.05}}
    table = ParameterTable(("c", "a", "b"), {"k": [0.05, 0.2, 0.1]})
    shared = solve(MODEL, schedule_table(ROWS, PEOPLE, MODEL), times=times, parameters=table)
    own = solve(MODEL, plain(), times=times, parameters=parameters)
    assert shared.ids == own.ids
    assert shared.rows.tobytes() == own.rows.tobytes()
    exact = 30.0 / (0.2 * 55 / 70) * (1 - np.exp(-0.2 * 55 / 70))
    assert solve(MODEL, schedule_table(ROWS, PEOPLE, MODEL), times=[1.0], parameters=table)["A"][0, 0] == (
        pytest.approx(exact, rel=1e-12)
    )


def test_people_of_several_schedules_run_together_as_alone() -> None:
    others = [{**row, "weight": np.array([60.0, 61.0])} if "weight" in row else row for row in ROWS]
    others = [{**row, "AMT": np.array([33.0, 34.0])} if "DUR" in row else row for row in others]
    table = joined(
        [schedule_table(ROWS, PEOPLE, MODEL), schedule_table(others, ["d", "e"], MODEL)],
        ["d", "a", "b", "e", "c"],
    )
    found = solve(MODEL, table, times=[0.5, 2.0, 25.0])
    rows = {
        "d": (60.0, 33.0),
        "e": (61.0, 34.0),
        **dict(zip(PEOPLE, zip(WEIGHTS, DOSES, strict=True), strict=True)),
    }
    alone = EventTable.from_rows(
        [
            {"ID": person, **row, **({"weight": rows[person][0]} if "weight" in row else {}),
             **({"AMT": rows[person][1]} if "DUR" in row else {})}
            for person in table.subjects for row in ROWS
        ],
        MODEL,
    )  # fmt: skip
    assert found.rows.tobytes() == solve(MODEL, alone, times=[0.5, 2.0, 25.0]).rows.tobytes()


def test_people_may_have_times_of_their_own() -> None:
    late = np.array([24.0, 30.0, 25.0])
    rows = [*ROWS[:2], {**ROWS[2], "TIME": late}, {"TIME": late + 1.0, "EVID": 0}]
    shared = schedule_table(rows, PEOPLE, MODEL)
    alone = EventTable.from_rows(
        [
            {"ID": PEOPLE[i], **{n: v[i] if isinstance(v, np.ndarray) else v for n, v in row.items()}}
            for i in range(3) for row in rows
        ],
        MODEL,
    )  # fmt: skip
    for person, records in alone.subjects.items():
        assert facts(shared.subjects[person]) == facts(records)
    found, own = solve(MODEL, shared), solve(MODEL, alone)
    assert found.time.tolist() == own.time.tolist() == [0, 25, 0, 31, 0, 26]
    assert found.rows.tobytes() == own.rows.tobytes()
    assert len(list(differently_timed(shared.subjects.values()))) == 3


@pytest.mark.parametrize(
    ("times", "code"), [([24.0, 0.5, 24.0], "RK-EVT-010"), ([24.0, np.inf, 24.0], "RK-EVT-012")]
)
def test_times_that_cannot_be_are_refused_and_name_the_person(times: list[float], code: str) -> None:
    rows = [*ROWS[:2], {"TIME": 1.0, "EVID": 0}, {**ROWS[2], "TIME": np.array(times)}]
    with pytest.raises(EventError, match=r"row 4 \(person b\)") as caught:
        schedule_table(rows, PEOPLE, MODEL)
    assert caught.value.code == code


def test_subjects_taken_apart_keep_their_own_records() -> None:
    table = schedule_table(ROWS, PEOPLE, MODEL)
    subjects = Subjects.from_records(table.subjects, np.ones((3, 1, 1)), np.array([1.0]), table.carry)
    some = subjects.take([2, 0])
    assert some.by_record(1, "amount").tolist() == [20.0, 30.0]
    assert some.by_record(2, "amount") == 10.0
    assert some.covariates_by_record(0)["weight"].tolist() == [91.0, 55.0]
    assert facts(some[0].records) == facts(table.subjects["c"])
    own = Subjects.from_records(
        {person: tuple(records) for person, records in table.subjects.items()},
        subjects.parameters, subjects.times, subjects.carry,
    )  # fmt: skip
    assert own.content[1] == subjects.content[1]


@pytest.mark.parametrize(
    ("row", "name", "values", "code"),
    [
        (0, "weight", [55.0, 70.0, 171.0], "RK-EVT-018"),
        (0, "weight", [55.0, 39.0, 91.0], "RK-EVT-018"),
        (0, "weight", [55.0, np.nan, 91.0], "RK-EVT-012"),
        (1, "AMT", [30.0, -1.0, 20.0], "RK-EVT-021"),
        (1, "AMT", [30.0, 0.0, 20.0], "RK-EVT-029"),
        (1, "AMT", [30.0, np.inf, 20.0], "RK-EVT-012"),
        (2, "weight", [55.0, 70.0, 90.0], "RK-EVT-007"),
    ],
)
def test_what_is_wrong_in_anybody_is_refused_and_names_the_person(
    row: int, name: str, values: list[float], code: str
) -> None:
    rows = [{**one, name: np.array(values)} if place == row else one for place, one in enumerate(ROWS)]
    culprit = next(person for person, value in zip(PEOPLE, values, strict=True) if value not in
                   {*WEIGHTS.tolist(), *DOSES.tolist()})  # fmt: skip
    with pytest.raises(EventError, match=rf"person {culprit}\b") as caught:
        schedule_table(rows, PEOPLE, MODEL)
    assert caught.value.code == code


def test_who_may_have_other_times_is_looked_at_one_by_one() -> None:
    assert len(list(differently_timed(schedule_table(ROWS, PEOPLE, MODEL).subjects.values()))) == 1
    rates = [{**row, "RATE": 5.0, "DUR": 0.0} if "DUR" in row else row for row in ROWS]
    assert (
        len(list(differently_timed(schedule_table(rows=rates, people=PEOPLE, model=MODEL).subjects.values())))
        == 3
    )


@pytest.mark.parametrize(
    "regimen",
    [
        "ketamine 0.5 mg/kg iv over 40 min, weekly x 2",
        "esketamine 84 mg nasal on days 1, 4",
        "ketamine 0.25 mg/kg im",
    ],
)
def test_tables_of_courses_are_those_of_each_person(regimen: str) -> None:
    model, setting = treatment_model(), Setting("saline_crossover")
    read = parse_regimen(regimen)
    weights = (84.0, 56.0, 84.0, 84.0)
    people = [
        Person(number, weight_kg=weight, sex="F" if number > 2 else None, co_medication=drugs)
        for number, weight, drugs in zip((1, 2, 3, 4), weights, ((), (), ("rifampicin",), ()), strict=True)
    ]
    courses = {
        person: [Course(read), Course(read, 500.0)] if person.id == "4" else [Course(read)]
        for person in people
    }
    known: dict[str, Any] = {
        "setting": setting,
        "model": model,
        "variability": default_variability(),
        "seed": 3,
    }
    events, parameters = course_tables(courses, **known)
    assert list(events.subjects) == ["1", "2", "3", "4"]
    for person in people:
        rows = event_rows(model, person, courses[person], setting)
        assert facts(events.subjects[person.id]) == facts(
            EventTable.from_rows(rows, model).subjects[person.id]
        )
        _, alone = course_tables({person: courses[person]}, **known)
        place = parameters.people.index(person.id)
        for name, column in alone.columns.items():
            own = np.atleast_1d(np.asarray(parameters.columns[name])[place])
            assert own[: np.size(column)].tolist() == np.asarray(column)[0].tolist()


def test_a_person_of_a_crowd_has_the_parameters_of_a_person_alone() -> None:
    model, read = treatment_model(), parse_regimen("ketamine 0.5 mg/kg iv over 40 min")
    known: dict[str, Any] = {
        "setting": Setting(),
        "variability": default_variability(),
        "seed": 5,
        "model": model,
    }
    people = Population(300, seed=2)[:]
    _, together = course_tables({person: [Course(read)] for person in people}, **known)
    _, alone = course_tables({people[200]: [Course(read)]}, **known)
    for name, column in alone.columns.items():
        assert np.asarray(together.columns[name])[200].tolist() == np.asarray(column)[0].tolist()
