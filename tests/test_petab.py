"""PEtab export: accepted by PEtab's own linter, and each condition simulates to the engine's numbers."""

import csv

import pytest

import rekindle
from rekindle.engine import Observable, to_petab
from rekindle.errors import EventError, OutputError, ParameterError

roadrunner = pytest.importorskip("roadrunner")
libsbml = pytest.importorskip("libsbml")

MODEL = rekindle.load_model(
    """
model warfarin
time [h]
parameter ka [1/h] = 0.6 in 0.1 to 3 "absorption"
parameter CL [L/h] = 0.13 in 0.05 to 0.5
parameter V [L] = 8 in 4 to 16
parameter shift [1] = 0.1 in -1 to 1
parameter tlag [h] = 0.5
covariate weight [kg] = 70
state depot [mg]
state central [mg]
state R [1] = 1
d/dt(depot) = -ka*depot
d/dt(central) = ka*depot - CL*(weight/70[kg])^0.75/V*central
d/dt(R) = 0.3[1/h]*(1 + shift - R) - 0.1[1/h]*hill(central/V, 3[mg/L], 2)
bioavailability(depot) = 0.9
lag(depot) = tlag
on rescue: R <- R + 1
output concentration [ng/mL] = central/V "in plasma"
output R [%] = R
"""
)
CSV = """ID,TIME,EVID,AMT,DUR,CMT,II,ADDL,EVENT,DV,MDV,DVID,weight
1,0,1,100,,depot,24,2,,,,,70
1,2,0,,,,,,,7000,0,1,
1,30,0,,,,,,,9000,0,1,
1,30,0,,,,,,,95,0,2,
1,31,0,,,,,,,,1,1,
b c,0,1,30,2,central,,,,,,,95
b c,1,1,50,,depot,,,,,,,
b c,5,2,,,,,,rescue,,,,
b c,6,0,,,,,,,4000,0,1,
b c,6,0,,,,,,,150,0,2,
"""
BOTH = {
    "1": Observable("concentration", 0.2, "log", sd_range=(0.01, 2.0)),
    "2": Observable("R", 5.0),
}


def table(text=CSV, model=MODEL):
    return rekindle.EventTable.from_csv(text, model, extra=["DVID"], carry={"weight": "locf"})


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture
def problem(tmp_path):
    estimate = {"ka": None, "CL": (0.01, 1.0), "shift": None}
    to_petab(MODEL, table(), tmp_path / "problem", BOTH, estimate=estimate)
    return tmp_path / "problem"


def test_accepted_by_the_linter_of_petab(problem):
    v1 = pytest.importorskip("petab.v1")
    lint = pytest.importorskip("petab.v1.lint")
    loaded = v1.Problem.from_yaml(str(problem / "problem.yaml"))
    assert lint.lint_problem(loaded) is False
    assert sorted(loaded.x_free_ids) == ["CL", "ka", "sd_concentration", "shift"]


def test_tables_and_their_rules(problem):
    conditions, observables = read(problem / "conditions.tsv"), read(problem / "observables.tsv")
    measurements, parameters = read(problem / "measurements.tsv"), read(problem / "parameters.tsv")
    names = {row["conditionId"] for row in conditions}
    assert names == {"person_1", "person_b_20_c"}
    assert {row["simulationConditionId"] for row in measurements} == names
    assert {row["observableId"] for row in measurements} == {row["observableId"] for row in observables}
    assert [(row["observableId"], row["measurement"], row["time"]) for row in measurements] == [
        ("obs_concentration", "7000.0", "2.0"), ("obs_concentration", "9000.0", "30.0"),
        ("obs_R", "95.0", "30.0"), ("obs_concentration", "4000.0", "6.0"), ("obs_R", "150.0", "6.0"),
    ]  # fmt: skip
    scales = {row["parameterId"]: row["parameterScale"] for row in parameters}
    assert scales == {"ka": "log10", "CL": "log10", "shift": "lin", "sd_concentration": "log10"}
    model = libsbml.readSBMLFromFile(str(problem / "model.xml")).getModel()
    columns = set(conditions[0]) - {"conditionId", "conditionName"}
    assert all(model.getParameter(name).getConstant() for name in columns)
    formulas = {row["observableFormula"] for row in observables}
    assert formulas == {"concentration", "output_R"}
    assert all(model.getParameter(name) is not None for name in formulas)


def test_every_condition_simulates_to_the_numbers_of_the_engine(problem):
    times = [0.75, 2.0, 6.0, 30.0]
    expected = rekindle.simulate(MODEL, table(), times=times, tolerance=1e-10)
    for person, row in enumerate(read(problem / "conditions.tsv")):
        document = libsbml.readSBMLFromFile(str(problem / "model.xml"))
        for name, value in row.items():
            if not name.startswith("condition"):
                document.getModel().getParameter(name).setValue(float(value))
        engine = roadrunner.RoadRunner(libsbml.writeSBMLToString(document))
        engine.getIntegrator().setValue("relative_tolerance", 1e-11)
        engine.getIntegrator().setValue("absolute_tolerance", 1e-13)
        engine.timeCourseSelections = ["time", "concentration", "output_R"]
        found = engine.simulate(times=[0.0, *times])[1:]
        assert found[:, 1] == pytest.approx(expected["concentration"][person], rel=1e-6)
        assert found[:, 2] == pytest.approx(expected["R"][person], rel=1e-6)


HEAD = "ID,TIME,EVID,AMT,RATE,CMT,SS,II,OCC,EVENT,DV,CENS,weight,DVID\n"
REFUSED = {
    "1,0,1,9,,central,1,12,,,,,,\n": "steady state",
    "1,0,1,9,,central,,,,,,,,\n1,4,3,,,,,,,,,,,\n": "reset",
    "1,0,1,9,,central,,,2,,,,,\n": "occasion",
    "1,-1,1,9,,central,,,,,,,,\n": "negative TIME",
    "1,0,1,9,3,depot,,,,,,,,\n": "DUR instead",
    "1,0,1,9,,central,,,,,,,70,\n1,4,0,,,,,,,,,,80,1\n": "changes within",
    "1,0,1,9,,central,,,,,,,,\n1,4,0,,,,,,,,2,1,,1\n": "censored",
    "1,4,0,,,,,,,,2,,,1\n1,4,1,9,,central,,,,,,,,\n": "moment back",
    "1,4,1,9,,central,,,,,,,,\n1,4,2,,,,,,,rescue,,,,\n": "same TIME",
    "1,4,0,,,,,,,,2,,,7\n": "DVID is",
    "1,4,0,,,,,,,,-2,,,1\n": "Positive values",
    "1,0,1,9,,central,,,,,,,,\n": "no observed value",
}


@pytest.mark.parametrize("rows", REFUSED)
def test_what_petab_cannot_say_is_refused(rows, tmp_path):
    with pytest.raises(EventError, match="RK-EVT-045") as caught:
        to_petab(MODEL, table(HEAD + rows), tmp_path / "p", BOTH, estimate=["ka"])
    assert REFUSED[rows] in str(caught.value)
    assert not (tmp_path / "p").exists()


def test_unknown_names_and_ranges(tmp_path):
    def export(observables=BOTH, estimate=("ka",)):
        return to_petab(MODEL, table(), tmp_path, observables, estimate=estimate)

    with pytest.raises(ParameterError, match="RK-PAR-001"):
        export(estimate=["kaa"])
    for estimate in ([], ["tlag"], {"ka": (1.0, 2.0)}):
        with pytest.raises(ParameterError, match="RK-PAR-030"):
            export(Observable("R", 1.0), estimate)
    with pytest.raises(OutputError, match="RK-OUT-002"):
        export(Observable("concentratoin", 1.0))
    for observable in (
        Observable("R", -1.0),
        Observable("R", 1.0, "ln"),
        Observable("R", 1.0, "lin", (2.0, 3.0)),
    ):
        with pytest.raises(OutputError, match="RK-OUT-092"):
            export(observable)
    with pytest.raises(OutputError, match=r"RK-OUT-092.*twice"):
        export({"1": Observable("R", 1.0), "2": Observable("R", 2.0)})
    assert len(export(Observable("concentration", 0.1, "log10"))) == 6
