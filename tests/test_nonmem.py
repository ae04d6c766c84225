"""Data sets in the conventions of NONMEM: what real files hold is read, said or refused with its place."""

import pytest

import rekindle
from rekindle.errors import EventError

MODEL = rekindle.load_model(
    """
model oral
time [h]
parameter ka [1/h] = 0.9
parameter k [1/h] = 0.1
covariate weight [kg] = 70 carry locf
covariate AGE [1] = 40 carry locf
state depot [mg]
state central [mg]
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - k*70[kg]/weight*central
duration(central) = 2[h]
output amount [mg] = central
"""
)
DAYS = rekindle.load_model(
    "model days\ntime [d]\nstate A [mg]\nd/dt(A) = -0.1[1/d]*A\noutput amount [mg] = A"
)

TYPICAL = """C,ID,TIME,AMT,RATE,ADDL,II,SS,CMT,EVID,DV,MDV,WT,age
.,1,0,100,.,3,24,0,1,1,.,1,70,33
.,1,2.5,.,.,.,.,.,2,0,3.1,0,70,33
C,1,4,.,.,.,.,.,2,0,999,0,70,33
.,1,30,.,.,.,.,.,2,0,1.9,0,.,33
#,1,31,.,.,.,.,.,2,0,1.9,0,.,33
.,2,0,1.5D2,0,0,0,0,1,1,7,1,95,52
.,2,8,50,-2,.,.,.,2,1,.,1,95,52
"""


def read(text, model=MODEL, **options):
    return rekindle.EventTable.from_nonmem(text, model, **options)


def records(table, *names):
    return {p: [tuple(getattr(r, n) for n in names) for r in own] for p, own in table.subjects.items()}


def test_a_typical_data_set():
    table = read(TYPICAL, rename={"WT": "weight"})
    assert records(table, "time", "kind", "amount", "state", "rate") == {
        "1": [(0, 1, 100, "depot", 0), (2.5, 0, 0, "central", 0), (30, 0, 0, "central", 0)],
        "2": [(0, 1, 150, "depot", 0), (8, 1, 50, "central", -2)],
    }
    assert [record.row for record in table.subjects["1"]] == [2, 3, 5]
    assert table.subjects["1"][0].additional == 3
    assert table.subjects["2"][0].covariates == {"weight": 95, "AGE": 52}
    assert "weight" not in table.subjects["1"][2].covariates
    assert table.subjects["1"][1].carried["DV"] == 3.1
    assert "DV" not in table.subjects["2"][0].carried
    said = " ".join(table.remarks)
    for part in (
        "2 of 7 lines were ignored", "WT", "age", "missing in row 5", "NONMEM would read 0",
        "1 is depot, 2 is central", "DV is given on dose records and not used there: row 7",
    ):  # fmt: skip
        assert part in said, part


def test_the_same_numbers_as_a_plain_table():
    plain = """ID,TIME,AMT,CMT,EVID,weight,II,ADDL
1,0,100,depot,1,80,12,2
1,30,,,0,80,,
"""
    field = "id\ttime\tamt\tcmt\tweight\tii\taddl\n1\t0\t100\t1\t80\t12\t2\n1\t30\t.\t2\t80\t.\t.\n"
    blanks = field.replace("\t", "   ")
    expected = rekindle.simulate(MODEL, rekindle.EventTable.from_csv(plain, MODEL), times=[5, 30])["amount"]
    for text in (field, blanks):
        assert rekindle.simulate(MODEL, read(text), times=[5, 30])["amount"].tolist() == expected.tolist()


def test_evid_is_derived_as_nonmem_derives_it():
    rows = "1,0,100,0,0,0,1,1\n1,1,0,0,0,0,0,2\n1,2,0,0,0,0,1,2\n1,3,0,5,1,0,1,2\n"
    text = f"ID,TIME,AMT,RATE,SS,II,MDV,CMT\n{rows}"
    table = read(text)
    assert [record.kind for record in table.subjects["1"]] == [1, 0, 2, 1]
    assert "2 doses, 1 observations, 1 other records" in table.remarks[0]


@pytest.mark.parametrize(
    ("heading", "first", "second", "hours"),
    [
        ("TIME", "8:00", "21:30", 13.5),
        ("TIME", "8:00", "32:30", 24.5),
        ("DATE,TIME", "2/28/2024,22:00", "3/1/2024,1:15", 27.25),
        ("DAT1,TIME", "28-2-2023,22:00", "1-3-2023,1:15", 3.25),
        ("DAT2,TIME", "2023-12-31,23:59:30", "2024-01-01,00:00:00", 1 / 120),
        ("DAT3,TIME", "2024/28/2,0", "2024/1/3,6.5", 54.5),
        ("DATE,TIME", "3,12:00", "5,6:00", 42.0),
    ],
)
def test_clock_times_and_dates(heading, first, second, hours):
    text = f"ID,{heading},AMT,CMT,II,ADDL,RATE\n7,{first},24,1,12:00,2,12\n7,{second},.,2,.,.,.\n"
    dose, seen = read(text).subjects["7"]
    assert (dose.time, dose.interval, dose.rate) == (0.0, 12.0, 12.0)
    assert seen.time == pytest.approx(hours, abs=1e-6)
    dose, seen = read(text.replace("CMT", "cmt").replace(",.,2,", ",.,1,"), DAYS
                      ).subjects["7"]  # fmt: skip
    assert (dose.interval, dose.rate) == (pytest.approx(0.5), pytest.approx(288))
    assert seen.time == pytest.approx(hours / 24, abs=1e-6)


def test_people_who_return():
    text = "ID,TIME,AMT,CMT\n1,0,100,1\n2,0,50,1\n1,0,70,1\n1,5,10,1\n"
    with pytest.raises(EventError, match=r"RK-EVT-002: row 4.*person 1.*NONMEM takes"):
        read(text)
    table = read(text, repeated="new")
    assert list(table.subjects) == ["1", "2", "1 (2)"]
    assert len(table.subjects["1 (2)"]) == 2
    assert any("returns in row 4" in remark for remark in table.remarks)


def test_ignore_rules():
    text = "ID,TIME,AMT,CMT,SEX\n1,0,100,1,0\n2,0,90,1,1\n3,0,80,1,.\n!4,0,80,1,.\n"
    for rule, people in (
        (["!", "SEX.EQ.1"], ["1", "3"]),
        (["!", "(SEX.EQ.0,amt.lt.85)"], ["2"]),
        (["!", "AMT >= 90"], ["3"]),
        (["!", "ID /= 2"], ["2"]),
    ):
        assert list(read(text, ignore=rule, drop=["SEX"]).subjects) == people
    for rule in ("SEX IS 1", "SAX.EQ.1", "SEX.XX.1"):
        with pytest.raises(EventError, match="RK-EVT-041"):
            read(text, ignore=rule, drop=["SEX"])


def test_compartments_by_other_numbers():
    text = "ID,TIME,AMT,CMT\n1,0,100,3\n1,1,0,0\n"
    with pytest.raises(EventError, match=r"RK-EVT-015: row 2.*1: depot, 2: central"):
        read(text)
    table = read(text, compartments={3: "depot"})
    assert records(table, "state") == {"1": [("depot",), ("",)]}
    with pytest.raises(EventError, match=r"RK-EVT-015.*dept"):
        read(text, compartments={3: "dept"})


REFUSED = {
    "ID,TIME,AMT,CMT\n1,0,abc,1\n": r"RK-EVT-011: row 2.*AMT",
    "ID,TIME,AMT,CMT\n1,0,100,1\n1,x:30,0,1\n": r"RK-EVT-011: row 3.*TIME|RK-EVT-040: row 3: TIME",
    "ID,TIME,AMT,CMT\n1,8:00,100,1\n1,8:75,0,1\n": r"RK-EVT-040: row 3: TIME '8:75'",
    "ID,DATE,TIME\n1,13/13/2024,8:00\n": r"RK-EVT-040: row 2: DATE",
    "ID,DATE,TIME\n1,1/13/24,8:00\n": r"RK-EVT-040.*four digits",
    "ID,DATE,DAT1,TIME\n1,1,2,8:00\n": r"RK-EVT-041.*DATE and DAT1",
    "ID,TIME,AMT,CMT\n1,9:00,100,1\n1,8:00,0,1\n": r"RK-EVT-010: row 3",
    "ID,TIME,AMT,CMT,BLQ\n1,0,100,1,0\n": r'RK-EVT-001.*row 2.*"BLQ"',
    "TIME,AMT,CMT\n0,100,1\n": r"RK-EVT-041.*no column ID",
    "ID,TIME,AMT,CMT\n.,0,100,1\n": r"RK-EVT-042: row 2: ID",
    "ID,TIME,AMT,CMT\n1,.,100,1\n": r"RK-EVT-014: row 2",
    "ID,TIME,AMT,CMT\n1,0,100\n": r"RK-EVT-006: row 2",
    "ID,TIME,AMT,CMT,amt\n1,0,100,1,1\n": r"RK-EVT-005",
    "ID,TIME,AMT,CMT\n1,0,100,-1\n": r"RK-EVT-015.*switches",
    "ID,TIME,AMT,EVID\n1,0,100,0\n": r"RK-EVT-019: row 2.*AMT",
    "ID,TIME,AMT,CMT,RATE\n1,0,100,1,-2\n": r"RK-EVT-024: row 2.*RATE -2",
    "ID,TIME\nC,0\n@,1\n": r"RK-EVT-003.*ignored",
    "ID,TIME\n": "RK-EVT-003",
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused_with_row_and_column(text):
    with pytest.raises(EventError, match=REFUSED[text]):
        read(text)


def test_clock_times_are_hours():
    with pytest.raises(EventError, match="RK-EVT-041"):
        read("ID,TIME\n1,8:00\n", time_unit="d")
    with pytest.raises(EventError, match=r'RK-EVT-041.*did you mean "WT"'):
        read(TYPICAL, rename={"WTT": "weight"})


def test_a_file(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(TYPICAL, encoding="utf-8")
    assert list(read(path, rename={"WT": "weight"}).subjects) == ["1", "2"]
    with pytest.raises(EventError, match="RK-EVT-004"):
        read(tmp_path / "none.csv")
