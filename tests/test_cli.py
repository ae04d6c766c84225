"""The command line: what it prints, what it refuses, and that a stopped run goes on to the same numbers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas
import pytest

from rekindle.cli._interruption import UNFINISHED
from rekindle.cli._main import run
from rekindle.report import STANDING_NOTICE, STATE_NOTICE
from rekindle.therapy import export_events

INFUSION = "ketamine 0.5 mg/kg iv over 40 min"
HEAVY = (
    "numpy",
    "pandas",
    "scipy",
    "matplotlib",
    "llvmlite",
    "pint",
    "jinja2",
    "pyarrow",
    "rich",
    "libsbml",
    "statsmodels",
    "distributed",
)
WARFARIN = """model warfarin "Warfarin, one compartment"
time [h]
parameter CL [L/h] = 0.1 in 0.05 to 0.3 "clearance"
parameter V [L] = 10
state central [mg]
d/dt(central) = -CL/V*central
output concentration [mg/L] = central/V "plasma concentration"
"""


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Message of a run that must fail cleanly."""
    assert run(arguments) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert "Traceback" not in caught.err
    return caught.err


def answered(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Standard output of a run that must succeed."""
    assert run(arguments) == 0
    return capsys.readouterr().out


def as_json(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict:  # type: ignore[type-arg]
    return json.loads(answered([*arguments, "--json"], capsys))


def test_help_loads_nothing_heavy() -> None:
    program = "import sys\nfrom rekindle.cli._main import run\nrun(['--help']); print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    modules = shown.splitlines()[-1].split()
    assert not {name.split(".")[0] for name in modules} & set(HEAVY)
    assert all(command in shown for command in ("simulate", "replay", "evidence", "model"))


COMMANDS = (
    "simulate",
    "population",
    "replay",
    "replay nimh_crossover",
    "evidence",
    "evidence predict",
    "model",
    "model list",
    "model show",
    "model export",
    "compare",
    "compound",
    "compound compare",
    "eligibility",
    "explain",
    "trial",
    "trial power",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Usage: rekindle" in answered([*command.split(), "--help"], capsys)


def test_a_typical_person_gets_the_numbers_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    from rekindle.people import Person, output_times, simulate_people
    from rekindle.regimen import parse_regimen

    shown = as_json(["simulate", INFUSION, "--typical", "--weight", "82000 g", "--madrs", "40"], capsys)
    regimen = parse_regimen(INFUSION)
    expected = simulate_people(
        regimen,
        Person("1", weight_kg=82, madrs_baseline=40),
        times=output_times(regimen),
        outputs=["ketamine_venous", "madrs_latent"],
    )
    peaks = {peak["name"]: peak for peak in shown["summary"]["peaks"]}
    assert peaks["ketamine_venous"]["size"]["value"] == pytest.approx(
        expected["ketamine_venous"].max(), rel=1e-9
    )
    assert peaks["ketamine_venous"]["size"]["low"] is None
    day_one = int(np.flatnonzero(expected.grid == 24.0)[0])
    scores = {score["day"]: score for score in shown["summary"]["scores"]}
    assert list(scores) == [1, 2, 7, 14]
    assert scores[1]["score"]["value"] == pytest.approx(expected["madrs_latent"][0, day_one], rel=1e-6)
    assert scores[1]["shares"] == {}, "one typical person is no share of anybody"


def test_people_differ_and_the_same_seed_gives_the_same_text(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["simulate", INFUSION, "--population", "60", "--seed", "3", "--sex", "F"]
    first = as_json([*arguments, "--workers", "1"], capsys)
    assert as_json([*arguments, "--workers", "2"], capsys) == first
    assert as_json([*arguments[:-3], "4", "--sex", "F"], capsys) != first
    summary = first["summary"]
    assert summary["people"] == 60
    for score in summary["scores"]:
        assert score["score"]["low"] < score["score"]["value"] < score["score"]["high"]
        assert set(score["shares"]) == {"response (MADRS fall >= 50 %)", "remission (MADRS <= 10)"}
        assert (
            0
            <= score["shares"]["remission (MADRS <= 10)"]
            <= score["shares"]["response (MADRS fall >= 50 %)"]
        )


def test_the_summary_says_what_was_simulated_and_what_is_no_measurement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    shown = " ".join(answered(["simulate", INFUSION, "--weight", "72 kg"], capsys).split())
    assert "ketamine 0.5 mg/kg IV over 40 min; 1 session" in shown
    assert "200 virtual people with the same facts" in shown
    assert "72 kg" in shown
    assert "Open label" in shown
    assert "response (MADRS fall >= 50 %)" in shown
    assert "90 % of people" in shown
    assert shown.index(STATE_NOTICE) < shown.index("NMDA block")
    assert STANDING_NOTICE in shown


def test_output_by_name_comes_with_its_course_and_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    shown = as_json(["simulate", INFUSION, "--typical", "--output", "spines,p_moaas_4"], capsys)
    assert shown["course"]["spines"]["measurable"] is False
    assert shown["course"]["p_moaas_4"]["measurable"] is True
    assert len(shown["course"]["spines"]["time_h"]) == len(shown["course"]["spines"]["median"])
    assert "spines" in {peak["name"] for peak in shown["summary"]["states"]}
    assert "spines" not in {peak["name"] for peak in shown["summary"]["peaks"]}


def test_set_converts_units_and_keeps_to_the_range(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["simulate", INFUSION, "--typical", "--set"]
    by_hour = as_json([*arguments, "tauY=0.5 h"], capsys)
    by_minute = as_json([*arguments, "tauY=30 min"], capsys)
    assert by_hour == by_minute
    assert by_hour["made"]["Set: tauY"] == "0.5 h"
    assert "RK-PAR-071" in refused([*arguments, "tauY=500 h"], capsys)
    labelled = as_json([*arguments, "tauY=500 h", "--extrapolate"], capsys)
    assert any(note.startswith("extrapolation: tauY") for note in labelled["summary"]["notes"])


def test_a_published_parameter_set_gives_plasma_only(capsys: pytest.CaptureFixture[str]) -> None:
    regimen = "esketamine 0.4 mg/kg iv over 40 min"
    shown = as_json(["simulate", regimen, "--typical", "--pharmacokinetics", "otto_2021"], capsys)
    assert [peak["name"] for peak in shown["summary"]["peaks"]] == ["s_ketamine_venous", "s_norketamine"]
    assert shown["summary"]["scores"] == shown["summary"]["states"] == []


def test_a_control_class_adds_its_response(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["simulate", "saline over 40 min", "--typical"]
    plain, control = as_json(arguments, capsys), as_json([*arguments, "--control", "midazolam"], capsys)
    assert (
        control["summary"]["scores"][0]["score"]["value"]
        < plain["summary"]["scores"][0]["score"]["value"] - 3
    )


def test_no_treatment_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    shown = as_json(["simulate", "--drug", "none", "--duration", "28 days", "--typical"], capsys)
    assert [score["score"]["value"] for score in shown["summary"]["scores"]] == [33.0] * 5
    assert shown["summary"]["peaks"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("simulate", "Give a REGIMEN"),
        ("simulate|84 mg", "Error: RK-REG-.*--product"),
        ("simulate|0.5 mg/kg iv over 40 min", "Error: RK-REG-.*--drug"),
        (f"simulate|{INFUSION}|--weight|72", 'Error: RK-UNI-005: "72" has no unit'),
        (f"simulate|{INFUSION}|--weight|72 h", "Error: RK-UNI-"),
        (f"simulate|{INFUSION}|--weight|180 kg", "Error: RK-PER-013: .*--extrapolate"),
        (f"simulate|{INFUSION}|--age|12", "Error: RK-PER-011"),
        (f"simulate|{INFUSION}|--child-pugh|C", "Error: RK-PER-016"),
        (f"simulate|{INFUSION}|--co-medication|rifampicinn", "Error: RK-PER-030: .*rifampicin"),
        (f"simulate|{INFUSION}|--duration|28", 'Error: RK-UNI-005: "28" has no unit'),
        (f"simulate|{INFUSION}|--mechanism|magic", "Error: RK-MOD-022: .*disinhibition"),
        (f"simulate|{INFUSION}|--model|otto", "Error: RK-PAR-"),
        (f"simulate|{INFUSION}|--model|otto_2021|--mechanism|mixture", "plasma only"),
        (f"simulate|{INFUSION}|--control|nobody", "Error: RK-PAR-041"),
        (f"simulate|{INFUSION}|--output|ketamine_venus", 'Error: RK-OUT-002: .*"ketamine_venous"'),
        (f"simulate|{INFUSION}|--set|kelim", "Error: RK-PAR-070"),
        (f"simulate|{INFUSION}|--set|kelimm=1 1/h", 'Error: RK-PAR-001: .*"kelim"'),
        (f"simulate|{INFUSION}|--set|kelim=0.002", "Error: RK-UNI-005"),
        (f"simulate|{INFUSION}|--person|nobody.csv", "Error: RK-PER-"),
        (f"simulate|{INFUSION}|--person|a.csv|--age|40", "leave out the other person options"),
        (f"simulate|{INFUSION}|--population|0", "--population"),
        (f"simulate|{INFUSION}|--events|a.csv", "leave out a REGIMEN"),
        ("simulate|--events|a.csv|--weight|70 kg", "leave out --weight"),
        ("simulate|--events|nowhere.csv", "Error: RK-EVT-004"),
        ("evidence|predict|nowhere.csv", "Error: RK-EVI-"),
        ("model|show|nothing", "Error: RK-PAR-042"),
        ("model|show|nowhere.model", "Error: RK-MOD-023"),
        ("model|show|--switch|mechanism", "Error: RK-PAR-072"),
        ("replay|somewhere", "No such command"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_message(
    arguments: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(arguments.split("|"), capsys)
    assert re.search(words, message, re.DOTALL), message


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert "RK-OUT-022" in refused(["simulate", INFUSION, "--out", str(tmp_path / "file" / "x")], capsys)


@pytest.mark.parametrize("extra", ["report", "parquet"])
def test_a_missing_extra_is_named_before_the_work(
    extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rekindle.report import _extras

    monkeypatch.setattr(_extras, "EXTRAS", {"report": (), "parquet": (), extra: ("no_such_package",)})
    message = refused(["simulate", INFUSION, "--out", str(tmp_path / "out")], capsys)
    assert f"pip install 'rekindle[{extra}]'" in message


def test_a_cohort_is_simulated_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "people.csv"
    table.write_text("id,weight_kg,age_years,sex,madrs_baseline\nA,60,30,F,40\nB,90,50,M,25\n")
    shown = as_json(["simulate", INFUSION, "--person", str(table), "--typical"], capsys)
    assert shown["summary"]["people"] == 2
    table.write_text("id,weight_kg,age_years\nA,60,30\n")
    assert as_json(["simulate", INFUSION, "--person", str(table)], capsys)["summary"]["people"] == 200


def test_the_files_of_a_run_agree_with_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    shown = as_json(["simulate", INFUSION, "--population", "12", "--out", str(out)], capsys)
    assert json.loads((out / "summary.json").read_text("utf-8")) == shown
    tables = ("course", "people", "trajectories", "columns")
    figures = ("plasma", "acute", "mood", "receptor_block", "plasticity")
    expected = {f"{name}.{end}" for name in tables for end in ("csv", "parquet")}
    expected |= {f"{name}.{end}" for name in figures for end in ("png", "svg")}
    assert {path.name for path in out.iterdir()} == expected | {"report.html", "summary.json"}
    people, course = pandas.read_csv(out / "people.csv"), pandas.read_parquet(out / "trajectories.parquet")
    assert len(people) == 12
    peaks = course.groupby("id", sort=False)["cadss [points]"].max().to_numpy()
    assert peaks == pytest.approx(people["peak_cadss_points"].to_numpy(), rel=1e-8)
    response = shown["summary"]["scores"][0]["shares"]["response (MADRS fall >= 50 %)"]
    rated = people["madrs_rated_day_1_points"] <= 0.5 * people["madrs_at_entry_points"]
    assert rated.mean() == pytest.approx(response)
    columns = pandas.read_csv(out / "columns.csv").set_index("column")["status"]
    assert columns["synapses [1]"] == STATE_NOTICE
    assert columns["cadss [points]"] == "observable"


def test_a_stopped_run_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    def command(folder: str) -> list[str]:
        regimen = "esketamine 84 mg nasal, twice weekly x 4 weeks"
        program = [sys.executable, "-c", "from rekindle.cli import main; main()"]
        return [*program, "simulate", regimen, "--population", "150", "--workers", "2", "--out", folder]

    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    process = subprocess.Popen(
        command(str(stopped)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    limit = time.monotonic() + 60
    while not list((stopped / UNFINISHED).glob("people_*.npz")) and time.monotonic() < limit:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    shown, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert shown == ""
    assert f"kept in {stopped / UNFINISHED}" in said
    assert "rekindle simulate 'esketamine 84 mg nasal, twice weekly x 4 weeks' --population 150" in said
    assert "Traceback" not in said
    assert not (stopped / "people.csv").exists()
    kept = len(list((stopped / UNFINISHED).glob("people_*.npz")))
    assert 0 < kept < 6
    for folder in (stopped, whole):
        subprocess.run(command(str(folder)), check=True, capture_output=True)
    assert not (stopped / UNFINISHED).exists()
    for name in ("people.csv", "trajectories.csv", "summary.json", "report.html", "mood.svg"):
        assert (stopped / name).read_bytes() == (whole / name).read_bytes(), name


def test_events_of_any_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, table = tmp_path / "warfarin.model", tmp_path / "doses.csv"
    model.write_text(WARFARIN)
    table.write_text("ID,TIME,EVID,AMT,CMT\n1,0,1,100,central\n1,10,0,,\n2,0,1,50,central\n2,20,0,,\n")
    arguments = ["simulate", "--events", str(table), "--model", str(model)]
    shown = as_json(arguments, capsys)
    assert shown["columns"] == ["id", "time", "concentration"]
    assert shown["units"]["concentration"] == "mg/L"
    assert [row[:2] for row in shown["rows"]] == [["1", 10.0], ["2", 20.0]]
    assert [row[2] for row in shown["rows"]] == pytest.approx([10 * np.exp(-0.1), 5 * np.exp(-0.2)])
    changed = as_json([*arguments, "--set", "CL=0.2 L/h"], capsys)
    assert changed["rows"][0][2] == pytest.approx(10 * np.exp(-0.2))
    out = tmp_path / "out"
    text = answered([*arguments, "--duration", "2 days", "--out", str(out)], capsys)
    assert "Warfarin, one compartment" in text
    written = pandas.read_csv(out / "trajectories.csv")
    assert written["time [h]"].max() == 48.0
    assert {path.name for path in out.iterdir()} == {
        f"{name}.{end}" for name in ("trajectories", "columns") for end in ("csv", "parquet")
    }


def test_events_of_the_therapy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "doses.csv"
    rows = ("1,0,2,,,,80,session", "1,0,1,20,central_S,0.5,,", "1,0,1,20,central_R,0.5,,", "1,0.5,0,,,,,")
    table.write_text("\n".join(["ID,TIME,EVID,AMT,CMT,DUR,weight,EVENT", *rows]) + "\n")
    text = answered(["simulate", "--events", str(table)], capsys)
    assert "Covariate weight is carried between records by locf." in text
    assert "ketamine_venous" in text


def test_replay_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "nimh"
    text = answered(["replay", "nimh_crossover", "--replicates", "2", "--out", str(out)], capsys)
    assert "15 real patients in 2 simulated copies" in " ".join(text.split())
    assert "MADRS: mean change, points" in text
    assert "response (MADRS fall >= 50 %)" in text
    assert "naive: no change" in text
    assert STANDING_NOTICE in text
    summary = pandas.read_csv(out / "summary.csv")
    row = summary[(summary.arm == "ketamine") & (summary.day == 2) & (summary.scale == "MADRS")]
    assert row[row.quantity == "mean change"].observed.item() == pytest.approx(-7.42, abs=0.005)
    assert {"report.html", "patients.parquet", "arm_changes.png"} <= {path.name for path in out.iterdir()}


def test_evidence_comes_back_with_predictions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, out = tmp_path / "arms.csv", tmp_path / "predicted.csv"
    columns = (
        "study_id,arm_id,n,weight_kg,drug,route,formulation,dose,dose_unit,infusion_min,analyte,statistic,"
        "time_h,value,unit,pass_low,pass_high"
    )
    arm = (
        "A,iv,17,68,esketamine,iv,solution_for_infusion,10,mg,30,s_ketamine,concentration,0.5,56,ng/mL,0.5,2"
    )
    table.write_text(f"{columns}\n{arm}\n")
    shown = as_json(["evidence", "predict", str(table), "--people", "5"], capsys)
    assert shown["rows"][0]["verdict"] == "pass"
    assert answered(["evidence", "predict", str(table), "--people", "5", "--out", str(out)], capsys)
    written = pandas.read_csv(out)
    assert list(written.columns)[:17] == columns.split(",")
    assert written.predicted.item() == pytest.approx(shown["rows"][0]["predicted"], rel=1e-4)


def test_models_are_listed_shown_and_switched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from rekindle.therapy import pharmacokinetic_models

    listed = answered(["model", "list"], capsys)
    assert all(name in listed for name in ("therapy", *pharmacokinetic_models()))
    shown = answered(["model", "show"], capsys)
    assert "d/dt(nascent_spines) =" in shown
    assert answered(["model", "show", "--switch", "mechanism=hnk_direct"], capsys) != shown
    path = tmp_path / "warfarin.model"
    path.write_text(WARFARIN)
    assert "d/dt(central) = -CL/V*central" in answered(["model", "show", str(path)], capsys)
    assert "$$" in answered(["model", "show", str(path), "--markdown"], capsys)


def test_exported_doses_run_elsewhere_to_the_same_concentrations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roadrunner = pytest.importorskip("roadrunner")
    from rekindle.people import Person, simulate_people

    out = tmp_path / "model.xml"
    regimen = "esketamine 84 mg nasal"
    answered(
        ["model", "export", "--sbml", "D1", "--regimen", regimen, "--weight", "80 kg", "--out", str(out)],
        capsys,
    )
    runner = roadrunner.RoadRunner(out.read_text("utf-8"))
    runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = 1e-10, 1e-12
    runner.timeCourseSelections = ["time", "ketamine_venous", "norketamine"]
    found = np.array(runner.simulate(0, 6, 25))
    times = found[1:, 0]
    expected = simulate_people(
        regimen, Person("1", weight_kg=80), times=times, outputs=["ketamine_venous", "norketamine"]
    )
    assert found[1:, 1] == pytest.approx(expected["ketamine_venous"][0], rel=1e-4)
    assert found[1:, 2] == pytest.approx(expected["norketamine"][0], rel=1e-4)


def test_a_later_device_is_exported_with_its_own_share() -> None:
    from rekindle.regimen import parse_regimen
    from rekindle.therapy import pharmacokinetic_model

    model = pharmacokinetic_model()
    events = export_events(model, parse_regimen("esketamine 84 mg nasal"), 80.0, "D1")
    nose = [event["amount"] for event in events if event["state"] == "nose_S"]
    assert nose[0] == 28.0
    assert nose[1] == nose[2]
    assert nose[1] != 28.0
