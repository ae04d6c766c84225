"""SBML import: libroadrunner runs the document, the engine runs what was imported, and the numbers agree."""

import numpy as np
import pytest

import rekindle
from rekindle.cli._main import run
from rekindle.errors import ModelError
from rekindle.modelling import import_sbml, load_sbml, read_model, to_sbml, to_text

libsbml = pytest.importorskip("libsbml")
roadrunner = pytest.importorskip("roadrunner")

CORE = {
    (3, 2): "http://www.sbml.org/sbml/level3/version2/core",
    (3, 1): "http://www.sbml.org/sbml/level3/version1/core",
    (2, 4): "http://www.sbml.org/sbml/level2/version4",
}


def formula(text):
    """MathML of an infix formula, without its XML heading."""
    return libsbml.writeMathMLToString(libsbml.parseL3Formula(text)).split("?>", 1)[1]


def document(body, level=(3, 2), attributes=""):
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><sbml xmlns="{CORE[level]}" level="{level[0]}" '
        f'version="{level[1]}"><model id="m" {attributes}>{body}</model></sbml>'
    )


def many(tag, *items):
    return f"<{tag}>{''.join(items)}</{tag}>"


def compartment(name="V", size="size='2'", constant="true", dimensions=3):
    return f"<compartment id='{name}' {size} constant='{constant}' spatialDimensions='{dimensions}'/>"


def species(
    name,
    initial="initialConcentration='1'",
    amount="false",
    boundary="false",
    constant="false",
    where="V",
    more="",
):
    return (
        f"<species id='{name}' compartment='{where}' {initial} hasOnlySubstanceUnits='{amount}' "
        f"boundaryCondition='{boundary}' constant='{constant}' {more}/>"
    )


def parameter(name, value="1", constant="true", more=""):
    given = f"value='{value}'" if value is not None else ""
    return f"<parameter id='{name}' {given} constant='{constant}' {more}/>"


def side(tag, *pairs):
    parts = (f"<speciesReference species='{s}' stoichiometry='{n}' constant='true'/>" for s, n in pairs)
    return many(tag, *parts) if pairs else ""


def reaction(name, reactants, products, law, modifiers=(), local=()):
    touched = (f"<modifierSpeciesReference species='{m}'/>" for m in modifiers)
    own = (f"<localParameter id='{n}' value='{v}'/>" for n, v in local)
    return (
        f"<reaction id='{name}' reversible='false'>{side('listOfReactants', *reactants)}"
        f"{side('listOfProducts', *products)}{many('listOfModifiers', *touched) if modifiers else ''}"
        f"<kineticLaw>{formula(law)}{many('listOfLocalParameters', *own) if local else ''}"
        "</kineticLaw></reaction>"
    )


def rule(kind, variable, text):
    return f"<{kind}Rule variable='{variable}'>{formula(text)}</{kind}Rule>"


def start(variable, text):
    return f"<initialAssignment symbol='{variable}'>{formula(text)}</initialAssignment>"


def function(name, text):
    return f"<functionDefinition id='{name}'>{formula(text)}</functionDefinition>"


def event(name, trigger, *assignments, initial="false", from_trigger="true", priority=None, delay=""):
    first = f"<priority>{formula(priority)}</priority>" if priority else ""
    parts = (f"<eventAssignment variable='{v}'>{formula(t)}</eventAssignment>" for v, t in assignments)
    return (
        f"<event id='{name}' useValuesFromTriggerTime='{from_trigger}'>"
        f"<trigger initialValue='{initial}' persistent='true'>{formula(trigger)}</trigger>"
        f"{delay}{first}{many('listOfEventAssignments', *parts)}</event>"
    )


ENZYME = document(
    many("listOfCompartments", compartment(size="size='0.5'"))
    + many(
        "listOfSpecies",
        species("E", "initialAmount='2'"),
        species("S", "initialConcentration='10'"),
        species("ES", "initialConcentration='0'"),
        species("P", "initialAmount='0'", amount="true"),
    )
    + many("listOfParameters", parameter("kcat", "0.8"))
    + many(
        "listOfReactions",
        reaction(
            "bind",
            [("E", 1), ("S", 1)],
            [("ES", 1)],
            "V*(kon*E*S - koff*ES)",
            local=(("kon", 0.6), ("koff", 0.2)),
        ),
        reaction("turn", [("ES", 1)], [("E", 1), ("P", 1)], "V*kcat*ES"),
    )
)

FUNCTIONS = document(
    many(
        "listOfFunctionDefinitions",
        function("mm", "lambda(v, s, k, v*s/(k + s))"),
        function("twice", "lambda(x, mm(2*x, x, 1))"),
    )
    + many("listOfCompartments", compartment())
    + many(
        "listOfSpecies",
        species("A", "initialConcentration='4'"),
        species("B", "initialConcentration='0.1'"),
        species("drive", "initialConcentration='0.5'", boundary="true"),
    )
    + many(
        "listOfParameters",
        parameter("v", "1.5"),
        parameter("k", None),
        parameter("gain", None, "false"),
        parameter("area", "0", "false"),
    )
    + many("listOfInitialAssignments", start("k", "v/3 + A/10"), start("B", "A*k"))
    + many(
        "listOfRules",
        rule(
            "assignment",
            "gain",
            "piecewise(1 + 0.1*ln(1 + A), time < 3, 2 - 0.5*exp(-B), time < 6 && !(B < 0), 0.7)",
        ),
        rule("rate", "area", "A^2 + sqrt(B) + root(3, A) + ceil(B) + log10(1 + A) + tanh(B) + gt(A, 1)"),
    )
    + many(
        "listOfReactions",
        reaction("r1", [("A", 2)], [("B", 1)], "gain*mm(v, A, k) + 0.01*A*twice(B)"),
        reaction("r2", [("B", 1), ("drive", 1)], [], "0.3*B*drive"),
    )
)

GROWING = document(
    many("listOfCompartments", compartment(size="size='1'", constant="false"))
    + many(
        "listOfSpecies",
        species("X", "initialConcentration='3'"),
        species("Y", "initialAmount='1'"),
        species("Z", "initialAmount='1'", amount="true"),
        species("still", "initialConcentration='5'"),
    )
    + many("listOfParameters", parameter("k", "0.4"))
    + many("listOfRules", rule("rate", "V", "0.2*V"))
    + many("listOfReactions", reaction("r", [("X", 1)], [("Y", 2), ("Z", 1)], "k*X*V"))
)

BREATHING = document(
    many("listOfCompartments", compartment(size="", constant="false"))
    + many("listOfSpecies", species("X", "initialConcentration='3'"), species("Y", "initialAmount='1'"))
    + many("listOfParameters", parameter("k", "0.4"))
    + many("listOfRules", rule("assignment", "V", "2 + 0.1*time"))
    + many("listOfReactions", reaction("r", [("X", 1)], [("Y", 2)], "k*X*V"))
)

CONVERTED = document(
    many("listOfCompartments", compartment(size="size='4'"))
    + many(
        "listOfSpecies",
        species("X", "initialAmount='3'", amount="true"),
        species("Y", "initialAmount='1'", amount="true", more="conversionFactor='half'"),
    )
    + many("listOfParameters", parameter("k", "0.4"), parameter("tenth", "0.1"), parameter("half", "0.5"))
    + many("listOfReactions", reaction("r", [("X", 1)], [("Y", 2)], "k*X")),
    attributes="conversionFactor='tenth'",
)

TIMED = document(
    many("listOfCompartments", compartment(size="size='5'"))
    + many(
        "listOfSpecies",
        species("gut", "initialAmount='0'", amount="true"),
        species("blood", "initialConcentration='0'"),
    )
    + many(
        "listOfParameters", parameter("ka", "1.1"), parameter("ke", "0.3", "false"), parameter("lag", "0.5")
    )
    + many(
        "listOfReactions",
        reaction("absorb", [("gut", 1)], [("blood", 1)], "ka*gut"),
        reaction("leave", [("blood", 1)], [], "ke*blood*V"),
    )
    + many(
        "listOfEvents",
        event("dose", "time >= 1 + lag", ("gut", "gut + 100")),
        event("at_start", "time >= 0", ("gut", "gut + 20")),
        event("never", "time >= 0", ("gut", "gut + 1000"), initial="true"),
        event("second", "6 < time", ("gut", "gut*2 + 10"), from_trigger="false", priority="1"),
        event("first", "time > 6", ("gut", "gut + 100"), ("ke", "0.1"), from_trigger="false", priority="2"),
    )
)

LEVEL_2 = document(
    many("listOfFunctionDefinitions", function("f", "lambda(x, x/(1 + x))"))
    + many("listOfCompartments", "<compartment id='c' size='3'/>")
    + many(
        "listOfSpecies",
        "<species id='state' compartment='c' initialAmount='6'/>",
        "<species id='B' compartment='c' initialConcentration='0'/>",
    )
    + many(
        "listOfReactions",
        "<reaction id='time_' reversible='false'><listOfReactants><speciesReference species='state'/>"
        "</listOfReactants><listOfProducts><speciesReference species='B' stoichiometry='2'/></listOfProducts>"
        f"<kineticLaw>{formula('k*f(state)*c')}<listOfParameters><parameter id='k' value='0.7'/>"
        "</listOfParameters></kineticLaw></reaction>",
    ),
    (2, 4),
)

OSCILLATING = document(
    many("listOfCompartments", compartment(size="size='1'"))
    + many(
        "listOfSpecies",
        species("prey", "initialConcentration='1.5'"),
        species("predator"),
        species("grass", "initialConcentration='2'", boundary="true", constant="true"),
    )
    + many(
        "listOfReactions",
        reaction("grow", [("grass", 1), ("prey", 1)], [("prey", 2)], "0.4*grass*prey"),
        reaction("hunt", [("prey", 1), ("predator", 1)], [("predator", 2)], "1.1*prey*predator"),
        reaction("die", [("predator", 1)], [], "0.9*predator"),
    )
)

RELEASED = document(
    many("listOfCompartments", compartment(size="size='1'"))
    + many(
        "listOfSpecies",
        species("prey", "initialConcentration='1.5'"),
        species("predator", "initialConcentration='0.9'"),
    )
    + many("listOfParameters", parameter("culls", "0", "false"), parameter("growth", "0.4", "false"))
    + many(
        "listOfReactions",
        reaction("grow", [("prey", 1)], [("prey", 2)], "growth*prey"),
        reaction("hunt", [("prey", 1), ("predator", 1)], [("predator", 2)], "1.1*prey*predator"),
        reaction("die", [("predator", 1)], [], "0.9*predator"),
    )
    + many(
        "listOfEvents",
        event("cull", "predator > 1", ("predator", "predator/2"), ("culls", "culls + 1"), initial="true"),
        event("feed", "0.6 >= prey", ("growth", "0.9")),
        event("late", "time > 4*prey", ("growth", "0.2")),
    )
)

KINDS = {
    "released": (RELEASED, ["prey", "predator", "culls", "growth"]),
    "enzyme": (ENZYME, ["E", "S", "ES", "P"]),
    "functions": (FUNCTIONS, ["A", "B", "gain", "area"]),
    "growing": (GROWING, ["X", "Y", "Z", "still", "V"]),
    "breathing": (BREATHING, ["X", "Y"]),
    "converted": (CONVERTED, ["X", "Y"]),
    "timed": (TIMED, ["gut", "blood"]),
    "level_2": (LEVEL_2, ["state", "B"]),
    "oscillating": (OSCILLATING, ["prey", "predator"]),
}
TIMES = np.array([0.25, 0.5, 1.25, 2.9, 4.5, 5.9, 6.5, 9.0, 14.0])


def simulated(found, times, **options):
    events = rekindle.EventTable.from_rows(found.rows, found.model)
    return rekindle.simulate(found.model, events, times=times, tolerance=1e-10, **options)


def roadrunner_columns(text, names, times):
    engine = roadrunner.RoadRunner(text)
    for key, value in (("relative_tolerance", 1e-11), ("absolute_tolerance", 1e-13)):
        engine.getIntegrator().setValue(key, value)
    source = libsbml.readSBMLFromString(text)
    kinds = {s.getId(): s for s in source.getModel().getListOfSpecies()}
    wanted = [n if n not in kinds or kinds[n].getHasOnlySubstanceUnits() else f"[{n}]" for n in names]
    engine.timeCourseSelections = ["time", *wanted]
    return np.asarray(engine.simulate(times=[0.0, *times]))[1:, 1:].T


@pytest.mark.parametrize("kind", KINDS)
def test_imported_model_runs_to_the_numbers_of_libroadrunner(kind):
    text, names = KINDS[kind]
    found = import_sbml(text)
    trajectory = simulated(found, TIMES)
    translated = {"state": "state_"}
    for name, expected in zip(names, roadrunner_columns(text, names, TIMES), strict=True):
        own = trajectory[translated.get(name, name)][0]
        assert own == pytest.approx(expected, rel=1e-6, abs=1e-9), name
        assert np.ptp(own) > 0 or name == "grass"


@pytest.mark.parametrize("kind", KINDS)
def test_the_written_text_reads_to_the_same_model(kind):
    found = import_sbml(KINDS[kind][0])
    again = read_model(found.text)
    assert all(again.derivatives[name] is found.model.derivatives[name] for name in found.model.states)


def test_timed_events_become_records_in_their_order():
    found = import_sbml(TIMED)
    assert [(row["TIME"], row.get("EVENT")) for row in found.rows] == [
        (0.0, None),
        (0.0, "at_start"),
        (1.5, "dose"),
        (6.0, "first"),
        (6.0, "second"),
    ]
    assert any('"never"' in remark for remark in found.remarks)
    with pytest.raises(ModelError, match=r"RK-MOD-043.*at_start, dose"):
        load_sbml(TIMED)


EXPORTED = """
model exported "Two compartments and a response"
time [h]
parameter ka [1/h] = 0.6 "absorption"
parameter CL [mL/min] = 2.2
parameter V [L] = 8
parameter Vmax [mg/h] = 4
parameter Km [mg/L] = 1.5
covariate weight [kg] = 70
state depot [mg]
state central [mg]
state R [1] = 3
size = (weight/70[kg])^0.75
clearance [L/h] = CL*size
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - clearance/V*central - Vmax*central/V/(Km + central/V)
d/dt(R) = 0.5[1/h]*(3 - R) + hill(central/V, Km, 2)/1[h]*(1 - logistic(R - 4)) + infusion(central)/1000[mg]
lag(depot) = 30[min]
on rescue: R <- R + 1
output concentration [ng/mL] = central/V
output response [%] = R
"""


def test_round_trip_of_an_exported_model():
    model = read_model(EXPORTED)
    events = [
        {"time": 0, "state": "depot", "amount": 100},
        {"time": 4, "state": "central", "amount": 30, "duration": 2},
        {"time": 7, "event": "rescue"},
    ]
    found = import_sbml(to_sbml(model, events=events))
    rows = [
        {"TIME": 0, "EVID": 1, "AMT": 100, "CMT": "depot"},
        {"TIME": 4, "EVID": 1, "AMT": 30, "DUR": 2, "CMT": "central"},
        {"TIME": 7, "EVID": 2, "EVENT": "rescue"},
    ]
    table = rekindle.EventTable.from_rows(rows, model)
    expected = rekindle.simulate(model, table, times=TIMES, tolerance=1e-12)
    events = rekindle.EventTable.from_rows(found.rows, found.model)
    own = rekindle.simulate(found.model, events, times=TIMES, tolerance=1e-12)
    for name in ("concentration", "response"):
        assert own[name] == pytest.approx(expected[name], rel=1e-9)
    assert found.model.parameters["CL"].description == "CL [mL/min]"


def unit(name, parts):
    return f"<unitDefinition id='{name}'><listOfUnits><unit {parts}/></listOfUnits></unitDefinition>"


UNITS = many(
    "listOfUnitDefinitions",
    unit("h", "kind='second' exponent='1' scale='0' multiplier='3600'"),
    unit("mg", "kind='gram' exponent='1' scale='-3' multiplier='1'"),
    unit("per_h", "kind='second' exponent='-1' scale='0' multiplier='3600'"),
)


def with_units(unit_of_k, law="k*C*V"):
    return document(
        UNITS
        + many("listOfCompartments", compartment(size="size='2' units='litre'"))
        + many("listOfSpecies", species("C", more="substanceUnits='mg'"))
        + many("listOfParameters", parameter("k", "0.5", more=f"units='{unit_of_k}'" if unit_of_k else ""))
        + many("listOfReactions", reaction("r", [("C", 1)], [], law)),
        attributes="timeUnits='h' extentUnits='mg' substanceUnits='mg' volumeUnits='litre'",
    )


def test_declared_units_that_balance_are_taken_over():
    found = import_sbml(with_units("per_h"))
    assert found.has_units
    assert (found.model.time_unit, found.model.states["C"].unit) == ("h", "mg/L")
    assert found.model.parameters["k"].unit == "1/h"
    expected = np.exp(-0.5 * TIMES)
    assert simulated(found, TIMES)["C"][0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("unit", "law", "reason"),
    [
        (None, "k*C*V", "parameter"),
        ("mg", "k*C*V", "unit"),
        ("second", "C*V/k", "scale"),
        ("per_h", "k*(C + 1)*V", "unit"),
    ],
)
def test_units_that_are_missing_or_do_not_balance_are_left_out_with_the_reason(unit, law, reason):
    found = import_sbml(with_units(unit, law))
    assert not found.has_units
    assert reason in found.remarks[0]
    assert found.remarks[0] in found.text
    with pytest.raises(ModelError, match="RK-MOD-044"):
        import_sbml(with_units(unit, law), units="declared")
    expected = roadrunner_columns(with_units(unit, law), ["C"], TIMES)[0]
    assert simulated(found, TIMES)["C"][0] == pytest.approx(expected, rel=1e-6)
    assert found.model.time_unit == "h"


BASE = many("listOfCompartments", compartment()) + many("listOfSpecies", species("A"))
GOES = "listOfReactions"
REFUSED = {
    "algebraic": (
        BASE + many("listOfRules", f"<algebraicRule>{formula('A - 1')}</algebraicRule>"),
        "algebraic",
    ),
    "delay": (
        BASE
        + many("listOfParameters", parameter("p", "1", "false"))
        + many("listOfRules", rule("assignment", "p", "delay(A, 2)")),
        '"p"',
    ),
    "no law": (
        BASE
        + many(GOES, f"<reaction id='r7' reversible='false'>{side('listOfReactants', ('A', 1))}</reaction>"),
        "r7",
    ),
    "sine": (BASE + many(GOES, reaction("r8", [("A", 1)], [], "sin(A)")), "r8"),
    "two conditions": (BASE + many("listOfEvents", event("both", "A > 2 && A < 3", ("A", "0"))), "both"),
    "equal": (BASE + many("listOfEvents", event("peak", "A == 2", ("A", "0"))), "peak"),
    "ordered": (BASE + many("listOfEvents", event("late", "A > 2", ("A", "0"), priority="1")), "late"),
    "event delay": (
        BASE
        + many("listOfEvents", event("slow", "time > 2", ("A", "0"), delay=f"<delay>{formula('1')}</delay>")),
        "slow",
    ),
    "entangled": (
        BASE
        + many(
            "listOfEvents", event("one", "time > 2", ("A", "0")), event("two", "time > 2", ("A", "A + 1"))
        ),
        "two",
    ),
    "no otherwise": (BASE + many(GOES, reaction("r9", [("A", 1)], [], "piecewise(1, A > 2)")), "r9"),
    "infinite": (BASE + many("listOfParameters", parameter("p", "INF")), '"p"'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_supported_is_refused_by_name(case):
    body, named = REFUSED[case]
    with pytest.raises(ModelError, match="RK-MOD-041") as caught:
        import_sbml(document(body))
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "hill(x, 1, 1)",
        "hill(x, y, 1)",
        "hill(x, 1, y)",
        "hill(x, y, 2)",
        "positive(x)",
        "logistic(x - y)",
        "x^-2*-y",
        "2^(x^y)",
        "-(x - y)^2",
        "x/(y/x)",
        "x - (y - 2)",
    ],
)
def test_what_is_written_reads_to_the_same_expression(text):
    def read(formula):
        heading = "model m\ntime [h]\nparameter x [1] = 2\nparameter y [1] = 3\nstate A [1]\nd/dt(A) = 0\n"
        return read_model(f"{heading}q [1] = {formula}\n").definitions["q"].expression

    assert read(to_text(read(text))) is read(text)


def test_missing_numbers():
    body = (
        many("listOfCompartments", compartment())
        + many("listOfSpecies", species("A", ""))
        + many(GOES, reaction("r", [("A", 1)], [], "A"))
    )
    with pytest.raises(ModelError, match=r'RK-MOD-042.*"A"'):
        import_sbml(document(body))
    found = import_sbml(document(BASE + many("listOfParameters", parameter("p", None))))
    assert found.model.parameters["p"].value is None


@pytest.mark.parametrize(
    "text",
    [
        "<",
        "<sbml/>",
        "<a><b></a>",
        document("<x/>"),
        "/nowhere/to/be/found.xml",
        "<!DOCTYPE a><a/>",
        "<sbml>" + "<apply>" * 5000 + "</apply>" * 5000 + "</sbml>",
        document(BASE + BASE),
        document(many("listOfSpecies", species("A", where="nowhere"))),
    ],
)
def test_what_is_no_sbml_is_refused(text):
    with pytest.raises(ModelError, match="RK-MOD-040"):
        import_sbml(text)


def test_a_file_and_its_limits(tmp_path):
    path = tmp_path / "enzyme.xml"
    path.write_text(ENZYME, encoding="utf-8")
    assert load_sbml(path).states.keys() == {"E", "S", "ES", "P"}
    grown = "".join(function(f"f{n}", f"lambda(x, f{n - 1}(x)*f{n - 1}(x + 1))") for n in range(1, 40))
    body = many("listOfFunctionDefinitions", function("f0", "lambda(x, x)"), grown) + BASE
    with pytest.raises(ModelError, match=r"RK-MOD-041.*parts"):
        import_sbml(document(body + many(GOES, reaction("r", [("A", 1)], [], "f39(A)"))))


def test_the_command_writes_a_model_that_reads_and_its_events(tmp_path, capsys):
    source = tmp_path / "timed.xml"
    source.write_text(TIMED, encoding="utf-8")
    assert run(["model", "import", str(source)]) == 2
    assert "RK-MOD-043" in capsys.readouterr().err
    target, events = tmp_path / "timed.model", tmp_path / "events.csv"
    options = ["--out", str(target), "--events", str(events)]
    assert run(["model", "import", str(source), *options]) == 0
    model = read_model(target)
    assert len(rekindle.EventTable.from_csv(events, model).subjects["1"]) == 5
    source.write_text(ENZYME, encoding="utf-8")
    assert run(["model", "import", str(source), "--units", "none"]) == 0
    assert read_model(capsys.readouterr().out).states.keys() == {"E", "S", "ES", "P"}
