"""The command line of virtual trials, and published studies as designs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas
import pytest

from rekindle.cli._main import run
from rekindle.evidence import reported_results, studies, study_design, study_text
from rekindle.trials import findings, parse_design, run_replicates, run_trial

SMALL = ["trial", "saline_crossover", "--people", "6", "--workers", "1"]
NOT_RUN = {"FEDER2021": "ptsd", "TAYLOR2018_SAD": "anxiety"}
#: Study -> what a run of it cannot show.
MISSING = {
    "ESCAPE_TRD": "quetiapine_xr is left out",
    "HIETAMIES2023": "no qids_effect_size",
    "DELSANT2020": "no bp_over_180_110_pct",
}
RUN = [one.study_id for one in studies() if not one.reason]


def printed(capsys: pytest.CaptureFixture[str], arguments: Sequence[str], code: int = 0) -> str:
    assert run(list(arguments)) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_a_trial_prints_its_results_section(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, SMALL)
    text = " ".join(text.split())
    for words in (
        "MADRS change",
        "Differences",
        "The primary result, the difference of MADRS in points on day 1 (ketamine against saline)",
        "95 %",
    ):
        assert words in text


def test_a_trial_writes_its_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed(capsys, [*SMALL, "--replicates", "2", "--out", str(tmp_path)])
    observations = pandas.read_csv(tmp_path / "observations.csv")
    assert {"person", "arm", "site", "planned_h", "actual_h", "measure", "value"} <= set(observations)
    assert observations.person.nunique() == len(pandas.read_parquet(tmp_path / "people.parquet")) == 6
    assert set(pandas.read_csv(tmp_path / "replicates.csv").replicate) == {0, 1}
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for words in ("What was done", "screened", "What is assumed", "never evidence", "image/svg+xml"):
        assert words in page
    assert page.index("The primary result") < page.index("What was done")
    assert not (tmp_path / ".unfinished").exists()


def test_a_trial_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(printed(capsys, [*SMALL, "--json"]))
    assert content["results"][0]["outcome"] == "MADRS at screening"


def test_uncertainty_comes_from_the_calibration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*SMALL, "--replicates", "2", "--uncertainty"]
    text = " ".join(printed(capsys, [*arguments, "--out", str(tmp_path)]).split())
    assert "Kinds of variation" in text
    assert "With parameters that are not known for certain" in text
    assert "As a new study" in text
    kinds = pandas.read_csv(tmp_path / "replicates.csv").parameters
    assert set(kinds) == {"most probable", "drawn", "drawn, a new study"}
    content = json.loads(printed(capsys, [*arguments, "--json"]))
    assert any(row["parameter_sd"] for row in content["results"])
    assert any(row["study_sd"] for row in content["results"])
    same = json.loads(printed(capsys, [*arguments, "--no-study-differences", "--json"]))
    assert same["positive_in_a_new_study"] is None
    assert same["positive_with_uncertain_parameters"] == content["positive_with_uncertain_parameters"]
    power = ["trial", "power", "saline_crossover", "--n", "4", "--replicates", "1", "--workers", "1"]
    found = json.loads(printed(capsys, [*power, "--assurance", "--json"]))
    assert [(row["drawn"], row["studies"]) for row in found] == [(False, False), (True, False), (True, True)]
    found = json.loads(printed(capsys, [*power, "--assurance", "--no-study-differences", "--json"]))
    assert [(row["drawn"], row["studies"]) for row in found] == [(False, False), (True, False)]


def test_power_and_its_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draws = tmp_path / "draws.csv"
    pair = "correlation[course_sensitivity:mood_sensitivity]"
    names = f"EP,A_class[saline_crossover],spread[kelim],{pair}"
    draws.write_text(f"{names}\n0.2,0.1,0.3,0.2\n0.3,0.2,0.2,0.4\n")
    arguments = [
        "trial",
        "power",
        "saline_crossover",
        "--n",
        "4,6",
        "--effects",
        "0.5,1",
        "--replicates",
        "2",
    ]
    text = printed(capsys, [*arguments, "--workers", "1", "--unblinding", "--draws", str(draws)])
    assert "Power from 2 simulated trials" in text
    assert "drawn" in text
    rows = json.loads(printed(capsys, [*arguments, "--workers", "1", "--json"]))
    assert [(row["number"], row["effect"]) for row in rows] == [(4, 0.5), (6, 0.5), (4, 1.0), (6, 1.0)]


def test_shipped_designs_and_studies_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, ["trial", "list"])
    assert "esketamine_spray" in text
    assert "DALY2018_P1" in text
    assert parse_design(printed(capsys, ["trial", "show", "withdrawal"])).relapse is not None
    assert parse_design(printed(capsys, ["trial", "show", "TRANSFORM2"])).number == 223


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trial", "esketamin_spray"], "esketamine_spray"),
        (["trial", "nothing.yaml"], "nothing.yaml"),
        (["trial"], "Usage"),
        (["trial", "run"], "--study"),
        (["trial", "--study", "DALY2018"], "DALY2018_P1"),
        (["trial", "--study", "FEDER2021"], "post-traumatic stress"),
        (["trial", "--study", "LAPIDUS2014", "--assume", "dose=70"], 'assumes no "dose"'),
        (["trial", "--study", "LAPIDUS2014", "--assume", "dose"], "NAME=VALUE"),
        (["trial", "saline_crossover", "--assume", "dose=70"], "--study"),
        (["trial", "saline_crossover", "--set", "EP=9"], "EP = 9"),
        (["trial", "power", "saline_crossover", "--n", "four"], "--n four"),
        (["trial", "power", "saline_crossover", "--draws", "nothing.csv"], "RK-PAR-172"),
    ],
)
def test_what_cannot_be_run_is_refused(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(arguments)
    captured = capsys.readouterr()
    assert code == 2 or arguments == ["trial"]
    assert words in captured.err + captured.out


def test_every_study_runs_or_says_why_not() -> None:
    known = {one.study_id: one.reason for one in studies()}
    assert len(known) == 32
    assert {name for name, reason in known.items() if reason} == set(NOT_RUN)
    assert all(words in known[name] for name, words in NOT_RUN.items())


def test_every_study_says_what_it_cannot_show() -> None:
    known = {one.study_id: " ".join(one.missing) for one in studies()}
    assert all(words in known[name] for name, words in MISSING.items())
    assert not known["DALY2018_P1"]


def test_the_page_on_trials_lists_what_does_not_run() -> None:
    page = (Path(__file__).parents[1] / "docs" / "trials.md").read_text(encoding="utf-8")
    listed = {
        cells[0].strip(" `"): cells[1].strip()
        for line in page.split("## Published studies")[1].splitlines()
        if line.startswith("| `") and (cells := line.strip("|").split(" | "))
    }
    expected = {one.study_id: one.reason or "; ".join(one.missing) for one in studies()}
    assert listed == {name: words for name, words in expected.items() if words}
    assert f"{len(RUN)} of {len(studies())} studies" in page


@pytest.mark.parametrize("name", RUN)
def test_a_study_runs_as_its_rows_say(name: str) -> None:
    design = study_design(name)
    data = run_replicates(design, [0], number=5)[0]
    assert len(data.people) == 5
    assert findings(design, data)
    assert design.notes


def test_a_study_keeps_what_the_table_states() -> None:
    design = study_design("DALY2018_P1")
    phase = design.phases[0]
    assert dict(phase.allocation) == {
        "placebo": 33, "esketamine_28": 11, "esketamine_56": 11, "esketamine_84": 12
    }  # fmt: skip
    assert phase.sessions == (0.0, 3.0)
    assert [24 * visit.day for visit in phase.visits] == pytest.approx([2.0, 24.0, 168.0], abs=1e-4)
    assert design.number == 67
    assert study_design("NIMH_DS005917_ODD").number == 15


def test_baseline_of_those_who_enter_is_that_of_the_study() -> None:
    design = study_design("NIMH_DS005917_ODD")
    people = run_replicates(design, [0], number=400)[0].people
    scores = [one.baseline["MADRS"] for one in people]
    assert sum(scores) / 400 == pytest.approx(32.27, abs=0.8)
    assert min(scores) >= 20


def test_what_a_study_assumes_is_data_and_can_be_changed() -> None:
    usual, low = (study_design("LAPIDUS2014", given) for given in ({}, {"systemic_share": "0.25"}))
    doses = [one.arms["ketamine_50mg"].treatment for one in (usual, low)]
    assert doses == ["ketamine 24 mg iv over 40 min", "ketamine 12.5 mg iv over 40 min"]
    assert any("systemic_share 0.25" in note for note in low.notes)
    psychotherapy = study_design("WILKINSON2021_CBT")
    assert psychotherapy.arms["ketamine_plus_cbt"].training_hours_per_day == pytest.approx(1 / 7, abs=0.001)
    assert psychotherapy.arms["usual_care"].training_hours_per_day == 0


def test_what_a_study_reported_stands_beside_the_result_of_the_same_meaning() -> None:
    design = replace(study_design("TRANSFORM12_BY_SEX"), number=24)
    run = run_trial(design, replicates=1)
    found = reported_results("TRANSFORM12_BY_SEX", run.rows)
    by = {(one.outcome, one.arm): one for one in found}
    assert by["MADRS change, observed cases, sex M", "placebo"].value == -16.0
    difference = by["MADRS difference, LOCF and ANCOVA, sex F", "esketamine - placebo"]
    assert (difference.value, difference.unit) == (-4.5, "points")
    row = next(one for one in run.rows if (one.outcome, one.arm) == (difference.outcome, difference.arm))
    assert difference.simulated == row


def test_the_definition_of_remission_is_that_of_the_study() -> None:
    remission = study_design("TRANSFORM2").remission
    assert remission is not None
    assert remission.label == "MADRS <= 12"


def test_flexible_doses_divide_people_evenly() -> None:
    assert "chance_pct: 50.0" in study_text("TRANSFORM2")
    design = study_design("TRANSFORM2")
    data = run_replicates(design, [0], number=60)[0]
    last = {
        note.number: note.value
        for note in data.notes
        if note.measure == "session_mg" and note.arm == "esketamine_flex"
    }
    assert 0.25 < sum(dose == 84.0 for dose in last.values()) / len(last) < 0.75
