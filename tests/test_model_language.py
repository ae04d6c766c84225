"""The model language: what texts mean, and what is refused, with line, column and the nearest name."""

import pickle

import pytest

from rekindle.errors import ModelError, ParameterError
from rekindle.modelling import describe, evaluate, read_model, symbol, symbols, to_markdown

HEAD = "model m\ntime [h]\n"
SMALL = (
    HEAD
    + """
parameter k [1/h] = 0.1
parameter V [L] = 10
parameter n [1] = 2
covariate weight [kg] = 70
state A [mg]
d/dt(A) = -k*A
"""
)


def _definition(text, **values):
    """Value of a definition q in a model with a few names."""
    model = read_model(f"{SMALL}q{text}")
    known = {
        "k": 0.1,
        "V": 10.0,
        "n": 2.0,
        "weight": 70.0,
        "A": 5.0,
        "time": 3.0,
        "infusion(A)": 4.0,
    } | values
    return float(evaluate(model.inline(model.definitions["q"].expression)[0], known)), model.definitions[
        "q"
    ].unit


ARITHMETIC = {
    "= 2 + 3*4": 14, "= 2 - 3 - 4": -5, "= 16/4/2": 2, "= 2^3^2": 512, "= -2^2": -4, "= 2^-1": 0.5,
    "= 2**3": 8, "= (1 + 2)*3": 9, "= +3": 3, "= 1.5e1 - .5": 14.5, "= --n": 2, "= 2*-n": -4,
    "= if(n > 1, 3, 4)": 3, "= if(not n > 1 or n == 3, 3, 4)": 4, "= if(n >= 2 and n <= 2, 1, 0)": 1,
    "= if(n != 2, 1, if(n < 2, 2, 3))": 3, "= min(n, 1, 5)": 1, "= max(n, 1, 5)": 5, "= abs(-n)": 2,
    "= floor(n + 0.7)": 2, "= sqrt(8*n)": 4, "= positive(n - 3)": 0, "= positive(n)": 2, "= tanh(0)": 0,
    "= logistic(0)": 0.5, "= logistic(logit(0.3))": 0.3, "= logistic(-2000)": 0, "= log(exp(n))": 2,
    "= hill(n, 2, 3)": 0.5, "= hill(4, n, 2)": 0.8, "= hill(-1, n, 1.5)": 0, "= hill(3, 1, 1)": 0.75,
    "= (weight/35[kg])^n": 4, "= time/1[h]": 3, "= infusion(A)/2[mg/h]": 2, " [1] = 3[kg]/1500[g]": 2,
    "= (1 +\n 2)": 3, "= 1\n  + 2 # comment\n\n  + 3": 6, "= (1 # (\n+ 2)": 3,
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), ARITHMETIC.items())
def test_value_of_expressions(text, value):
    assert _definition(text)[0] == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        (" [ng/mL] = A/V", 500.0, "ng/mL"),
        (" [mg/L] = A/V", 0.5, "mg/L"),
        (" = A/V", 0.5, "mg/L"),
        (" = k*A", 0.5, "mg/h"),
        (" [%] = n/4", 50.0, "%"),
        (" [min] = time", 180.0, "min"),
        (" = sqrt(A*A)", 5.0, "mg"),
        (" = A^2/A", 5.0, "mg"),
        (" [kg] = 80", 80.0, "kg"),
        (" [kg] = 0", 0.0, "kg"),
        (" = max(A, 0)", 5.0, "mg"),
        (" = if(0 < A, 0, A)", 0.0, "mg"),
        (" = A + 2[mg]", 7.0, "mg"),
    ],
)
def test_units_convert_by_themselves(text, value, unit):
    found = _definition(text)
    assert found[0] == pytest.approx(value, rel=1e-14)
    assert found[1] == unit


def test_everything_that_a_model_can_declare():
    model = read_model(
        """
        model full "All statements"
        time [h]
        parameter CL [L/h] = 2 in 1 to 3 mark seen source "Someone 1999" "clearance"
        parameter F [1]
        covariate weight [kg] = 70 in 30 to 200 carry locf "body weight"
        covariate age [year]
        switch route in oral, nasal "way in"
        state depot [mg]
        state C [mg] = 2*base "central"
        base [mg] = if(route == oral, 3[mg], 4[mg])
        d/dt(depot) = -1.5[1/h]*depot
        d/dt(C) = 1.5[1/h]*depot - CL/8[L]*C
        bioavailability(depot) = F
        lag(depot) [min] = 30
        duration(C) = 20[min]
        rate(C) [ug/h] = 2*CL/1[L/h]*1[mg/h]
        output plasma [ng/mL] = C/8[L] "level"
        hypothesis output hidden [1] = C/base
        on session "start": depot <- 0, C <- C + depot
        when peak(C) if C > depot and C > 1[mg] "top" as top: depot <- C
        when peak(depot): C <- 0
        """
    )
    assert (model.name, model.description, model.time_unit) == ("full", "All statements", "h")
    clearance = model.parameters["CL"]
    assert (clearance.value, clearance.low, clearance.high) == (2.0, 1.0, 3.0)
    assert (clearance.mark, clearance.source) == ("seen", "Someone 1999")
    assert model.parameters["F"].value is None
    assert model.covariates["weight"].carry == "locf"
    assert model.covariates["age"].default is None
    assert model.switches["route"].options == ("oral", "nasal")
    assert model.states["C"].initial.equals(6.0) or model.inline(model.states["C"].initial)[0].equals(6.0)
    rule = model.dosing["depot"]
    assert rule.bioavailability is symbol("F")
    assert rule.lag is not None
    assert rule.lag.equals(0.5)
    assert model.dosing["C"].duration.value == pytest.approx(1 / 3)
    assert evaluate(model.dosing["C"].rate, {"CL": 2.0}) == pytest.approx(4.0)
    assert model.outputs["plasma"].measurable
    assert not model.outputs["hidden"].measurable
    assert [a.state for a in model.events["session"].assignments] == ["depot", "C"]
    assert set(model.peaks) == {"top", "peak_depot"}
    assert model.peaks["peak_depot"].condition is None
    assert pickle.loads(pickle.dumps(model)) == model
    shown = describe(model)
    for text in (
        "d/dt(C) = ",
        "Someone 1999",
        "1 to 3",
        "oral, nasal",
        "hypothesis output hidden",
        "peak(C)",
    ):
        assert text in shown
    page = to_markdown(model)
    for text in (
        r"\frac{\mathrm{d}C}{\mathrm{d}t}",
        "| CL | L/h | 2 | 1 to 3 | seen |",
        r"\leftarrow",
        "hypothesis",
    ):
        assert text in page


def test_equations_convert_to_state_over_time():
    model = read_model(f"{HEAD}parameter k [1/d] = 2.4\nstate A [ug] = 1\nd/dt(A) = 3000[ug/d] - k*A")
    assert evaluate(model.derivatives["A"], {"k": 2.4, "A": 1.0}) == pytest.approx(3000 / 24 - 0.1)


def test_switches_choose_a_branch_and_leave_no_trace():
    text = f"{SMALL}switch way in slow, fast\nq = if(way == slow and n > 1, 1, if(way != slow, 2, 3))"
    assert symbols(read_model(text).definitions["q"].expression) == {"n"}
    fast = read_model(text, switches={"way": "fast"})
    assert fast.definitions["q"].expression.equals(2.0)
    assert fast.switches["way"].chosen == "fast"


def test_definitions_are_sorted_by_use():
    model = read_model(f"{SMALL}a = b + 1\nb = c*2\nc = n")
    assert list(model.definitions) == ["c", "b", "a"]
    assert evaluate(model.inline(symbol("a"))[0], {"n": 4.0}) == 9.0


def test_carriage_returns_and_a_byte_order_mark_do_not_matter():
    assert read_model(("\ufeff" + SMALL).replace("\n", "\r\n")) == read_model(SMALL)


REFUSED = [
    ("q = k +* 2", "RK-MOD-005", 10, 8, ""),
    ("q = (k + 2", "RK-MOD-005", 10, 11, "parenthesis of line 10, column 5"),
    ("q = 2 & 3", "RK-MOD-001", 10, 7, '"and"'),
    ("q = µ", "RK-MOD-001", 10, 5, "letters"),
    ('q = 2 "open', "RK-MOD-001", 10, 7, "on one line"),
    ("q = 1e999", "RK-MOD-006", 10, 5, "too large"),
    ("q = n x", "RK-MOD-005", 10, 7, "end of the statement"),
    ("q = 1 < n < 3", "RK-MOD-005", 10, 11, "a < b and b < c"),
    ("q = if(n<-1, 1, 2)", "RK-MOD-005", 10, 9, "with a space"),
    ("q <- 2", "RK-MOD-005", 10, 3, '"="'),
    ("stat B [mg]", "RK-MOD-007", 10, 1, 'did you mean "state"'),
    ("parameter exp [1]", "RK-MOD-008", 10, 11, "cannot be a name"),
    ("hill = 2", "RK-MOD-008", 10, 1, ""),
    ("parameter time [h]", "RK-MOD-008", 10, 11, "cannot be a name"),
    ("V = 3", "RK-MOD-009", 10, 1, "declared already in line 5"),
    ("state A [mg]", "RK-MOD-009", 10, 7, "declared already in line 8"),
    ("d/dt(A) = 0", "RK-MOD-009", 10, 6, "twice"),
    ("q = wieght/1[kg]", "RK-MOD-010", 10, 5, 'did you mean "weight"'),
    ("q = exp", "RK-MOD-010", 10, 5, "without its arguments"),
    ("output o = A\nq = o", "RK-MOD-010", 11, 5, "output"),
    ("d/dt(B) = 0", "RK-MOD-011", 10, 6, "not declared"),
    ("d/dt(V) = 0", "RK-MOD-011", 10, 6, "not a state"),
    ("q = infusion(V)", "RK-MOD-011", 10, 14, "not one"),
    ("lag(V) = 1[h]", "RK-MOD-011", 10, 5, "not a state"),
    ("on e: V <- 2[L]", "RK-MOD-011", 10, 7, "not a state"),
    ("state B [mg]", "RK-MOD-012", 10, 7, "no equation"),
    ("a = b\nb = c\nc = a", "RK-MOD-013", 10, 1, "a -> b -> c -> a"),
    ("a = a + 1", "RK-MOD-013", 10, 1, "a -> a"),
    ("parameter p [mgg]", "RK-MOD-014", 10, 13, "mgg"),
    ("parameter p = 3", "RK-MOD-015", 10, 11, "no unit"),
    ("q = k + n", "RK-MOD-016", 10, 7, "70[kg]"),
    ("q = A/V + 3[ng/mL]", "RK-MOD-016", 10, 9, "converts"),
    ("q = if(A > 3, 1, 2)", "RK-MOD-016", 10, 10, "A"),
    ("q = min(A, V)", "RK-MOD-016", 10, 5, "V"),
    ("q = exp(A)", "RK-MOD-017", 10, 5, "pure number"),
    ("q = log(A)", "RK-MOD-017", 10, 5, "pure number"),
    ("q = 2^A", "RK-MOD-017", 10, 6, "pure number"),
    ("q = weight^0.75", "RK-MOD-017", 10, 11, "(weight/70[kg])^0.75"),
    ("q = weight^n", "RK-MOD-017", 10, 11, "whole number"),
    ("q [mg] = A/V", "RK-MOD-018", 10, 1, "same dimension"),
    ("q [mg] = A/V*2", "RK-MOD-018", 10, 1, "same dimension"),
    ("output o [mg] = V", "RK-MOD-018", 10, 8, "same dimension"),
    ("on e: A <- V", "RK-MOD-018", 10, 7, "same dimension"),
    ("bioavailability(A) = V", "RK-MOD-018", 10, 17, "pure number"),
    ("q = sin(n)", "RK-MOD-019", 10, 5, "not a function"),
    ("q = V(n)", "RK-MOD-019", 10, 5, "written with *"),
    ("q = exp(n, n)", "RK-MOD-019", 10, 5, "takes 1"),
    ("q = max(n)", "RK-MOD-019", 10, 5, "takes 2"),
    ("q = if(n, 1, 2)", "RK-MOD-020", 10, 5, "condition"),
    ("q = 1 + (n > 1)", "RK-MOD-020", 10, 7, "condition"),
    ("q = n > 1", "RK-MOD-020", 10, 1, "condition"),
    ("q = if(n > 1 and n, 1, 2)", "RK-MOD-020", 10, 14, "number"),
    ("q = if(not n, 1, 2)", "RK-MOD-020", 10, 8, "number"),
    ("switch s in a, b\nq = if(s == c, 1, 2)", "RK-MOD-021", 11, 13, "a, b"),
    ("switch s in a, b\nq = if(s > a, 1, 2)", "RK-MOD-021", 11, 10, "a, b"),
    ("switch s in a, b\nq = s", "RK-MOD-021", 11, 5, "s == a"),
    ("switch s in a, a", "RK-MOD-009", 10, 16, "twice"),
    ("model again", "RK-MOD-026", 1, 1, "2 statements"),
    ("time [d]", "RK-MOD-026", 1, 1, "2 statements"),
    ("lag(A) = A/1[mg]*1[h]", "RK-MOD-027", 8, 7, '"A"'),
    ("q = n/0", "RK-MOD-028", 10, 6, "zero"),
    ("q = n/(2 - 2)", "RK-MOD-028", 10, 6, "zero"),
    ("q = 1e300*1e300", "RK-MOD-028", 10, 10, "finite"),
    ("parameter p [1] = 2 in 3 to 4", "RK-MOD-029", 10, 11, "outside 3 to 4"),
    ("parameter p [1] in 4 to 3", "RK-MOD-029", 10, 11, "empty"),
    ("covariate c [1] = 2[kg]", "RK-MOD-018", 10, 20, "cannot be converted"),
    ("parameter p [1] mark sen", "RK-MOD-030", 10, 22, 'did you mean "seen"'),
    ("covariate c [1] carry last", "RK-MOD-030", 10, 23, "locf"),
    ("shared state B [mg]", "RK-MOD-031", 10, 8, "cannot be shared"),
    ('include "x.model"', "RK-MOD-025", 10, 9, "folder"),
    ("lag(A) = 1[h]\nlag(A) = 2[h]", "RK-MOD-009", 11, 5, "twice"),
    ("on e: A <- 0, A <- 0", "RK-MOD-009", 10, 15, "twice"),
    ("output o = A\noutput o = V", "RK-MOD-009", 11, 8, "twice"),
    ("when peak(A + 0[mg]): A <- 0", "RK-MOD-005", 10, 21, '"as"'),
    ("when peak(A) as e: A <- 0\non e: A <- 0", "RK-MOD-009", 10, 17, "twice"),
    ("when peak(A) if A: A <- 0", "RK-MOD-020", 10, 6, "condition"),
    ("q = " + "(" * 61 + "n" + ")" * 61, "RK-MOD-004", 10, 65, "nested"),
    ("q = " + "-" * 61 + "n", "RK-MOD-004", 10, 65, "nested"),
    ("q = A" + "*A" * 60, "RK-MOD-017", 10, 100, "48"),
]


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "words"), REFUSED, ids=[r[0][:40] for r in REFUSED]
)
def test_refused_statements(text, code, line, column, words):
    with pytest.raises(ModelError) as caught:
        read_model(SMALL + "\n" * (9 - SMALL.count("\n")) + text)
    assert (caught.value.code, caught.value.line) == (code, line)
    assert caught.value.column == column
    assert words in str(caught.value)
    assert f"line {line}, column {column}" in str(caught.value)


def test_model_and_time_must_be_there():
    for text in ("time [h]\n", "model m\n", "\n"):
        with pytest.raises(ModelError, match="RK-MOD-026"):
            read_model(text)
    with pytest.raises(ModelError, match="not a unit of time"):
        read_model("model m\ntime [mg]\n")


def test_unknown_switches_and_options_are_refused():
    text = f"{SMALL}switch mechanism in direct, indirect"
    with pytest.raises(ModelError, match='did you mean "mechanism"'):
        read_model(text, switches={"mechanisms": "direct"})
    with pytest.raises(ModelError, match='did you mean "direct"'):
        read_model(text, switches={"mechanism": "dirct"})


@pytest.mark.parametrize(
    ("outside", "inside"),
    [("1 + 2*(", ")"), ("1 + 2*-hill(1, 3, ", ")"), ("if(1 < 2 or 1 < 2 and 1 < 1 + 2*", ", 1, 2)")],
)
def test_deepest_nesting(outside, inside):
    text = f"{SMALL}q = {outside * 25}n{inside * 25}"
    assert read_model(text).definitions["q"].unit == "1"
    with pytest.raises(ModelError, match="RK-MOD-004"):
        read_model(f"{SMALL}q = {outside * 61}n{inside * 61}")


def test_long_texts_are_read_without_recursion():
    terms = " + ".join(["n"] * 5000)
    chain = "\n".join(f"c{i} = c{i - 1} + {terms if i == 7 else 1}" for i in range(1, 2000))
    model = read_model(f"{SMALL}c0 = n\n{chain}")
    last = model.inline(symbol("c1999"))[0]
    assert evaluate(last, {"n": 1.0}) == 1 + 1998 + 5000
    assert (
        pickle.loads(pickle.dumps(model)).definitions["c7"].expression is model.definitions["c7"].expression
    )


# Components -----------------------------------------------------------------------------------------------

ENANTIOMER = """
model enantiomer
time [h]
parameter CL [L/h] "clearance"
parameter V [L]
shared parameter Qh [L/h]
shared flow [L/h] = Qh*size
state C [mg]
d/dt(C) = -(CL + flow)/V*C
bioavailability(C) = fraction
output level [mg/L] = C/V
on session: C <- 0
when peak(C) as top: C <- C
"""
OUTER = """
model both
time [h]
parameters "both.csv"
parameter fraction [1] = 1
covariate weight [kg] = 70
size = weight/70[kg]
include "enantiomer.model" for S, R
output total [mg] = C_S + C_R
"""
DATA = """name,unit,value,low,high,mark,source,description
CL_S,mL/min,1000,500,2000,seen,"a book, page 3",clearance of S
CL_R,L/h,50,,,assumed,,
# both copies
V,L,100,,,derived,,
Qh,L/h,60,,,seen,,
"""


@pytest.fixture
def folder(tmp_path):
    for name, text in (("enantiomer.model", ENANTIOMER), ("both.model", OUTER), ("both.csv", DATA)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_copies_have_suffixes_and_share_what_is_shared(folder):
    model = read_model(folder / "both.model")
    assert list(model.states) == ["C_S", "C_R"]
    assert set(model.parameters) == {"fraction", "CL_S", "V_S", "Qh", "CL_R", "V_R"}
    assert list(model.definitions) == ["size", "flow"]
    assert symbols(model.derivatives["C_R"]) == {"CL_R", "flow", "V_R", "C_R"}
    assert set(model.outputs) == {"level_S", "level_R", "total"}
    assert set(model.dosing) == {"C_S", "C_R"}
    assert [a.state for a in model.events["session"].assignments] == ["C_S", "C_R"]
    assert set(model.peaks) == {"top_S", "top_R"}


def test_data_rows_convert_and_serve_copies(folder):
    parameters = read_model(folder / "both.model").parameters
    assert (parameters["CL_S"].value, parameters["CL_S"].low) == (60.0, 30.0)
    assert parameters["CL_S"].high == 120.0
    assert (parameters["CL_S"].mark, parameters["CL_S"].source) == ("seen", "a book, page 3")
    assert parameters["CL_R"].description == "clearance"
    assert parameters["V_S"].value == parameters["V_R"].value == 100.0


def test_overlays_replace_values_and_the_last_wins(folder):
    first, second = "name,unit,value\nV,L,80\nV_R,L,70\n", "name,unit,value\nV_R,mL,65000"
    parameters = read_model(folder / "both.model", parameters=[first, second]).parameters
    assert (parameters["V_S"].value, parameters["V_R"].value) == (80.0, 65.0)
    assert parameters["V_R"].mark == "user"
    with pytest.raises(ParameterError, match="outside 30 to 120"):
        read_model(folder / "both.model", parameters=["name,unit,value\nCL_S,L/h,130"])


def test_inline_values_are_overlaid_but_not_by_the_own_data_file(folder):
    (folder / "both.csv").write_text(DATA + "fraction,1,0.5,,,seen,,\n", encoding="utf-8")
    with pytest.raises(ParameterError, match=r"RK-PAR-028.*both.csv, line 7"):
        read_model(folder / "both.model")
    (folder / "both.csv").write_text(DATA, encoding="utf-8")
    changed = read_model(folder / "both.model", parameters=["name,unit,value\nfraction,%,50"])
    assert changed.parameters["fraction"].value == 0.5


@pytest.mark.parametrize(
    ("row", "code", "words"),
    [
        ("Vv,L,3,,,,,", "RK-PAR-027", 'did you mean "V"'),
        ("Qh,L/h,3,,,,,", "RK-PAR-022", "line 6"),
        ("fraction,1,1,,,guessed,,", "RK-PAR-023", "seen"),
        ("fraction,kg,1,,,,,", "RK-PAR-024", "kg"),
        ("fraction,1,3,0,1,,,", "RK-PAR-025", "outside 0 to 1"),
        ("fraction,1,0.5,1,0,,,", "RK-PAR-025", "empty"),
        ("fraction,1,inf,,,,,", "RK-PAR-026", "inf"),
        ("fraction,1,nan,,,,,", "RK-PAR-026", "nan"),
        ("fraction,1,1_0,,,,,", "RK-PAR-026", "1_0"),
        ("fraction,1,1e999,,,,,", "RK-PAR-026", "1e999"),
        ("fraction,1,1", "RK-PAR-021", "3 cells"),
        ("fraction,,1,,,,,", "RK-PAR-021", "unit"),
        ('fraction,1,"1', "RK-PAR-021", "quotes"),
    ],
)
def test_refused_data_rows(folder, row, code, words):
    (folder / "both.model").write_text(OUTER.replace("fraction [1] = 1", "fraction [1]"), encoding="utf-8")
    (folder / "both.csv").write_text(DATA + row, encoding="utf-8")
    with pytest.raises(ParameterError, match=code) as caught:
        read_model(folder / "both.model")
    assert words in str(caught.value)
    assert "both.csv, line 7" in str(caught.value)


@pytest.mark.parametrize(
    ("header", "words"), [("name,unit", "value"), ("name,unit,value,lo", "low"), ("", "name")]
)
def test_refused_headers(header, words):
    with pytest.raises(ParameterError, match="RK-PAR-020") as caught:
        read_model(SMALL, parameters=[header + "\n"])
    assert words in str(caught.value)


def test_plain_inclusion_nested_copies_and_text_with_a_folder(folder):
    (folder / "pair.model").write_text(
        'include "enantiomer.model" for A, B\nboth = C_A + C_B', encoding="utf-8"
    )
    text = OUTER.replace('include "enantiomer.model" for S, R', 'include "pair.model" for X, Y')
    text = text.replace("C_S + C_R", "both_X + both_Y").replace('parameters "both.csv"\n', "")
    model = read_model(text, folder=folder)
    assert list(model.states) == ["C_A_X", "C_B_X", "C_A_Y", "C_B_Y"]
    assert symbols(model.definitions["both_Y"].expression) == {"C_A_Y", "C_B_Y"}
    assert [name for name in model.parameters if name.startswith("Q")] == ["Qh"]


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("enantiomer.model", "enantiomr.model", "RK-MOD-023", "cannot be read"),
        ("enantiomer.model", "../enantiomer.model", "RK-MOD-025", "same folder"),
        ("enantiomer.model", "both.model", "RK-MOD-024", "includes itself"),
        ("for S, R", "for S, S", "RK-MOD-009", "twice"),
        ("for S, R", '\ninclude "enantiomer.model"', "RK-MOD-024", "included already"),
        ("C_S + C_R", "C_S + C_r", "RK-MOD-010", 'did you mean "C_'),
        ("time [h]", "time [d]", "RK-MOD-026", "enantiomer.model, line 3"),
    ],
)
def test_refused_compositions(folder, old, new, code, words):
    (folder / "both.model").write_text(OUTER.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ModelError, match=code) as caught:
        read_model(folder / "both.model")
    assert words in str(caught.value)


def test_error_names_the_component_and_shared_parts_use_shared_parts(folder):
    (folder / "enantiomer.model").write_text(ENANTIOMER.replace("Qh*size", "Qh*V/1[L]"), encoding="utf-8")
    with pytest.raises(ModelError, match=r"RK-MOD-031: enantiomer.model, line 7, column 24"):
        read_model(folder / "both.model")


def test_missing_and_unreadable_files(tmp_path):
    with pytest.raises(ModelError, match="RK-MOD-023"):
        read_model(tmp_path / "nowhere.model")
    (tmp_path / "bytes.model").write_bytes(b"model \xff\xfe")
    with pytest.raises(ModelError, match="UTF-8"):
        read_model(tmp_path / "bytes.model")


def test_short_statements_can_share_a_line() -> None:
    apart = read_model(
        "model m\ntime [h]\nparameter k [1/h] = 0.1\nstate C [mg]\nd/dt(C) = -k*C\noutput A [mg] = C"
    )
    together = read_model(
        "model m; time [h]\nparameter k [1/h] = 0.1 ; state C [mg];\nd/dt(C) = -k*(\nC); output A [mg] = C"
    )
    assert list(together.states) == list(apart.states)
    assert together.derivatives["C"] is apart.derivatives["C"]
    assert together.parameters["k"].value == 0.1


def test_a_semicolon_inside_parentheses_is_refused_with_its_place() -> None:
    with pytest.raises(ModelError) as caught:
        read_model("model m\ntime [h]\nstate C [mg]\nd/dt(C) = -(0.1[1/h]*C; 2)\noutput A [mg] = C")
    assert (caught.value.line, caught.value.column) == (4, 23)
