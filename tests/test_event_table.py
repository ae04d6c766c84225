"""Event tables: what is accepted, what is refused, and that hostile input is never guessed at."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rekindle
from rekindle.engine import COLUMNS
from rekindle.errors import EventError, RekindleError

MODEL = rekindle.load_model(
    """
model m
time [h]
parameter k [1/h] = 0.1
covariate weight [kg] = 70 in 30 to 200 carry locf
covariate mood [1] = 0
state depot [mg]
state central [mg]
d/dt(depot) = -1[1/h]*depot
d/dt(central) = 1[1/h]*depot - k*70[kg]/weight*central
duration(depot) = 2[h]
on visit: depot <- 0
output amount [mg] = central
"""
)

REFUSED = {
    "RK-EVT-001": {"TIME": 0, "EVID": 0, "wieght": 70},
    "RK-EVT-011": {"TIME": "soon", "EVID": 0},
    "RK-EVT-012": {"TIME": 0, "AMT": float("inf"), "CMT": "central"},
    "RK-EVT-013": {"TIME": 0, "EVID": 5},
    "RK-EVT-014": {"AMT": 10, "CMT": "central"},
    "RK-EVT-015": {"TIME": 0, "AMT": 10, "CMT": "centrel"},
    "RK-EVT-016": {"TIME": 0, "EVID": 2, "EVENT": "visits"},
    "RK-EVT-017": {"TIME": 0, "EVID": 0, "EVENT": "visit"},
    "RK-EVT-018": {"TIME": 0, "EVID": 0, "weight": 20},
    "RK-EVT-019": {"TIME": 0, "EVID": 0, "AMT": 10, "CMT": "central"},
    "RK-EVT-020": {"TIME": 0, "AMT": 10},
    "RK-EVT-021": {"TIME": 0, "EVID": 1, "AMT": -10, "CMT": "central"},
    "RK-EVT-022": {"TIME": 0, "AMT": 10, "RATE": -3, "CMT": "central"},
    "RK-EVT-023": {"TIME": 0, "AMT": 10, "RATE": 5, "DUR": 3, "CMT": "central"},
    "RK-EVT-024": {"TIME": 0, "AMT": 10, "RATE": -1, "CMT": "central"},
    "RK-EVT-025": {"TIME": 0, "AMT": 10, "CMT": "depot"},
    "RK-EVT-026": {"TIME": 0, "AMT": 10, "ADDL": 3, "CMT": "central"},
    "RK-EVT-027": {"TIME": 0, "AMT": 10, "SS": 1, "CMT": "central"},
    "RK-EVT-028": {"TIME": 0, "AMT": 10, "II": 3, "CMT": "central"},
    "RK-EVT-029": {"TIME": 0, "EVID": 1, "AMT": 0, "CMT": "central"},
}


@pytest.mark.parametrize("code", REFUSED)
def test_refused_with_row_and_person(code):
    good = {"ID": "p7", "TIME": 0, "EVID": 0}
    with pytest.raises(EventError, match=rf"{code}: row 2.*p7") as caught:
        rekindle.EventTable.from_rows([good, {"ID": "p7", **REFUSED[code]}], MODEL)
    assert caught.value.code == code


def test_suggestions_name_the_nearest():
    with pytest.raises(EventError, match='did you mean "weight"'):
        rekindle.EventTable.from_rows([REFUSED["RK-EVT-001"]], MODEL)
    with pytest.raises(EventError, match='did you mean "central"'):
        rekindle.EventTable.from_rows([REFUSED["RK-EVT-015"]], MODEL)


def test_order_of_people_and_times():
    rows = [{"ID": 1, "TIME": 0}, {"ID": 2, "TIME": 0}, {"ID": 1, "TIME": 1}]
    with pytest.raises(EventError, match="RK-EVT-002"):
        rekindle.EventTable.from_rows(rows, MODEL)
    with pytest.raises(EventError, match="RK-EVT-010"):
        rekindle.EventTable.from_rows([{"ID": 1, "TIME": 2}, {"ID": 1, "TIME": 1}], MODEL)
    with pytest.raises(EventError, match="RK-EVT-003"):
        rekindle.EventTable.from_rows([], MODEL)


def test_extrapolation_must_be_asked_for():
    table = rekindle.EventTable.from_rows([{"TIME": 0, "weight": 20}], MODEL, extrapolate=True)
    assert table.subjects["1"][0].covariates == {"weight": 20.0}


def test_csv_text_and_file(tmp_path):
    text = "ID,TIME,EVID,AMT,CMT,DV,NOTE\n1,0,1,100,2,.,first\n1,4,0,,,3.2,\n"
    table = rekindle.EventTable.from_csv(text, MODEL, extra=["NOTE"])
    path = tmp_path / "doses.csv"
    path.write_text(text)
    assert rekindle.EventTable.from_csv(path, MODEL, extra=["NOTE"]) == table
    dose, observation = table.subjects["1"]
    assert (dose.amount, dose.state, observation.carried["DV"]) == (100.0, "central", 3.2)


def test_observations_and_extra_columns_come_back_with_the_result():
    text = (
        "ID,TIME,EVID,AMT,CMT,DV,CENS,SITE\n1,0,1,100,2,.,,a\n1,4,0,,,3.2,0,a\n1,9,2,,,,,b\n"
        "2,0,1,50,2,.,,c\n2,2,0,,,1.5,1,\n"
    )
    table = rekindle.EventTable.from_csv(text, MODEL, extra=["SITE"])
    result = rekindle.simulate(MODEL, table)
    frame = result.to_frame()
    assert frame.columns.tolist() == ["id", "time", "amount", "DV", "CENS", "SITE"]
    assert frame[["id", "time"]].to_numpy().tolist() == [["1", 4.0], ["1", 9.0], ["2", 2.0]]
    assert result.carried == {"DV": (3.2, None, 1.5), "CENS": (0, None, 1), "SITE": ("a", "b", None)}
    assert rekindle.simulate(MODEL, table, times=[1.0]).carried == {}
    with pytest.raises(EventError, match="RK-EVT-013"):
        rekindle.EventTable.from_rows([{"TIME": 0, "CENS": 2}], MODEL)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ID,TIME,TIME\n1,0,0\n", "RK-EVT-005"),
        ("ID,TIME\n1,0,7\n", "RK-EVT-006"),
        ("ID,TIME\n", "RK-EVT-003"),
        ("\n", "RK-EVT-003"),
        ("no_such_file.csv", "RK-EVT-004"),
    ],
)
def test_broken_csv(text, code):
    with pytest.raises(EventError, match=code):
        rekindle.EventTable.from_csv(text, MODEL)


cell = st.one_of(
    st.none(), st.text(max_size=6),
    st.sampled_from([".", "NA", "-1", "-2", "1e400", "nan", "depot", "visit", "0x1"]),
    st.floats(allow_nan=True), st.integers(-5, 5),
)  # fmt: skip
column = st.one_of(st.sampled_from([*COLUMNS, "weight", "mood"]), st.text(max_size=5))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(column, cell, max_size=8), max_size=4))
def test_hostile_rows_give_a_table_or_a_clear_error(rows):
    try:
        table = rekindle.EventTable.from_rows(rows, MODEL)
    except RekindleError as error:
        assert error.code.startswith(("RK-EVT", "RK-PAR"))
        assert len(str(error)) > 20
    else:
        assert sum(len(records) for records in table.subjects.values()) == len(rows)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120))
def test_hostile_csv_text_gives_a_table_or_a_clear_error(text):
    try:
        rekindle.EventTable.from_csv(text + "\n", MODEL)
    except RekindleError as error:
        assert error.code.startswith("RK-EVT")


times = st.floats(0, 48, allow_nan=False).map(lambda t: round(t, 3))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(times, st.floats(0.1, 500), st.floats(0.05, 10)), min_size=1, max_size=5),
    st.floats(0.2, 5.0),
)
def test_linear_models_superpose_and_scale(doses, factor):
    """The response to all doses is the sum of the responses to each, in proportion to the amounts."""
    grid = [0.0, 1.0, 7.3, 24.0, 60.0]

    def response(chosen, scale=1.0):
        rows = [
            {"ID": 1, "TIME": t, "AMT": amount * scale, "DUR": length, "CMT": "central"}
            for t, amount, length in sorted(chosen)
        ]
        table = rekindle.EventTable.from_rows(rows, MODEL)
        return rekindle.simulate(MODEL, table, times=grid)["amount"][0]

    together = response(doses)
    apart = sum(response([dose]) for dose in doses)
    assert together == pytest.approx(apart, rel=1e-9, abs=1e-9)
    assert response(doses, factor) == pytest.approx(together * factor, rel=1e-9, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(times, min_size=2, max_size=12, unique=True))
def test_values_do_not_depend_on_the_other_times_asked_for(grid):
    grid = sorted(grid)
    rows = [{"ID": 1, "TIME": 3, "AMT": 10, "RATE": -2, "CMT": "depot", "weight": 55}]
    table = rekindle.EventTable.from_rows(rows, MODEL)
    together = rekindle.simulate(MODEL, table, times=grid)["amount"][0]
    alone = [rekindle.simulate(MODEL, table, times=[t])["amount"][0, 0] for t in grid]
    assert together == pytest.approx(alone, rel=1e-10, abs=1e-12)
