"""Doses decided on the way: what a policy sees, what it may add, and that the past stays."""

from __future__ import annotations

import math

import pytest

import rekindle
from rekindle.engine import simulate_with_policy
from rekindle.errors import EventError

K = 0.1
MODEL = rekindle.load_model("""
model plain
time [h]
parameter k [1/h] = 0.1
state A [mg]
d/dt(A) = -k*A
output left [mg] = A
""")


def people(*amounts):
    rows = [{"ID": i, "TIME": 0, "AMT": amount, "CMT": "A"} for i, amount in enumerate(amounts)]
    return rekindle.EventTable.from_rows(rows, MODEL)


def test_each_dose_follows_from_what_was_seen():
    looked = []

    def policy(time, seen):
        looked.append((time, seen.grid.tolist()))
        return [
            {"ID": p, "AMT": 50, "CMT": "A"}
            for p, left in zip(seen.ids, seen["left"][:, -1], strict=True)
            if left < 40
        ]

    found, table = simulate_with_policy(MODEL, people(60, 100), policy, decisions=[5, 10], times=[2, 5, 12])
    assert looked == [(5.0, [2.0, 5.0]), (10.0, [2.0, 5.0, 10.0])]
    # 60 mg are 36.4 mg after 5 h, 100 mg are 36.8 mg after 10 h; 86.4 mg are 52.4 mg after 5 h more.
    given = [[(r.time, r.amount) for r in records] for records in table.subjects.values()]
    assert given == [[(0.0, 60.0), (5.0, 50.0)], [(0.0, 100.0), (10.0, 50.0)]]
    late = [60 * math.exp(-1.2) + 50 * math.exp(-0.7), 100 * math.exp(-1.2) + 50 * math.exp(-0.2)]
    assert found["left"][:, 2] == pytest.approx(late, rel=1e-9)
    assert found["left"][:, 0] == pytest.approx([60 * math.exp(-0.2), 100 * math.exp(-0.2)], rel=1e-9)


def test_a_policy_that_does_nothing_changes_no_bit():
    plain = rekindle.simulate(MODEL, people(60), times=[2, 12])
    found, table = simulate_with_policy(MODEL, people(60), lambda *_: [], decisions=[5], times=[2, 12])
    assert found["left"].tobytes() == plain["left"].tobytes()
    assert table == people(60)


def test_later_rows_are_merged_in_time():
    def policy(time, seen):
        return [{"ID": 0, "TIME": time + 3, "AMT": 1, "CMT": "A"}, {"ID": 0, "AMT": 2, "CMT": "A"}]

    _, table = simulate_with_policy(MODEL, people(60), policy, decisions=[1, 2], times=[9])
    assert [(r.time, r.amount) for r in table.subjects["0"]] == [(0, 60), (1, 2), (2, 2), (4, 1), (5, 1)]
    assert len({record.row for record in table.subjects["0"]}) == 5


@pytest.mark.parametrize(
    ("row", "code", "named"),
    [
        ({"ID": 0, "TIME": 4, "AMT": 1, "CMT": "A"}, "RK-EVT-033", "decided at 5"),
        ({"ID": 7, "AMT": 1, "CMT": "A"}, "RK-EVT-032", 'person "7"'),
        ({"AMT": 1, "CMT": "A"}, "RK-EVT-032", "person"),
        ({"ID": 0, "AMT": 1, "CMT": "B"}, "RK-EVT", "B"),
        ({"ID": 0, "AMT": 1, "CMT": "A", "WHAT": 1}, "RK-EVT-001", "WHAT"),
    ],
)
def test_rows_that_do_not_fit_are_refused(row, code, named):
    with pytest.raises(EventError, match=code) as caught:
        simulate_with_policy(MODEL, people(60), lambda *_: [row], decisions=[5], times=[9])
    assert named in str(caught.value)


def test_a_table_whose_clock_restarts_takes_no_rows():
    rows = [{"ID": 1, "TIME": 5, "AMT": 1, "CMT": "A"}, {"ID": 1, "TIME": 0, "EVID": 4, "AMT": 1, "CMT": "A"}]
    table = rekindle.EventTable.from_rows(rows, MODEL)
    with pytest.raises(EventError, match=r"RK-EVT-032.*restarts"):
        table.with_rows([{"ID": 1, "TIME": 6, "AMT": 1, "CMT": "A"}], MODEL)
