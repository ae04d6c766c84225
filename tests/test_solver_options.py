"""Options of the command line that say where and how exactly a simulation is solved."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rekindle.cli._main import run
from rekindle.engine.gpu._driver import CardError, load_driver
from rekindle.people import Population, simulate_people

DOSE = "ketamine 0.5 mg/kg iv over 40 min"


def has_card() -> bool:
    try:
        load_driver()
    except CardError:
        return False
    return True


no_card = pytest.mark.skipif(has_card(), reason="this machine has a driver of a card")


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert run(arguments) == 2
    return capsys.readouterr().err


def test_the_error_of_each_person_is_that_of_a_run_at_a_tenth_of_the_tolerance() -> None:
    known = {"times": [0.0, 1.0, 24.0, 168.0], "outputs": ["madrs_latent", "ketamine_venous"], "seed": 4}
    people = Population(5, seed=2)
    found = simulate_people(DOSE, people, estimate_error=True, **known)  # type: ignore[arg-type]
    plain = simulate_people(DOSE, people, **known)  # type: ignore[arg-type]
    closer = simulate_people(DOSE, people, tolerance=1e-8, **known)  # type: ignore[arg-type]
    assert found.rows.tobytes() == plain.rows.tobytes()
    assert not plain.solver.errors
    for place, person in enumerate(found.ids):
        apart = [
            np.abs(plain[name][place] - closer[name][place]).max() / np.abs(closer[name][place]).max()
            for name in ("madrs_latent", "ketamine_venous")
        ]
        assert found.solver.errors[person] == pytest.approx(max(apart), rel=1e-12)


def test_the_command_says_the_error_on_the_terminal_and_in_what_it_saves(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path_factory.mktemp("errors")
    asked = ["simulate", DOSE, "--population", "4", "--draws", "0", "--workers", "1", "--duration", "2 days"]
    assert run([*asked, "--estimate-error", "--device", "cpu", "--out", str(folder)]) == 0
    shown = capsys.readouterr().out
    saved = json.loads((folder / "summary.json").read_text())
    assert "estimated error" in shown
    assert "estimated error" in saved["made"]["Solver"]
    assert saved["made"]["Solver"] == saved["summary"]["solver"]
    assert saved["made"]["Device"] == "cpu (the processor was asked for)"
    assert run([*asked, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)["made"]
    assert "estimated error" not in plain["Solver"]
    assert plain["Device"] == "cpu (fewer than 10000 people)"


def test_a_population_refuses_both_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["population", DOSE, "--people", "10"]
    said = refused([*asked, "--estimate-error"], capsys)
    assert "RK-SOL-037" in said
    assert "nobody's course is kept" in said
    assert "rekindle simulate REGIMEN --population" in said
    said = refused([*asked, "--device", "gpu"], capsys)
    assert "RK-SOL-036" in said
    assert "piece by piece" in said


def test_a_trial_refuses_a_card_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["trial", "run", "esketamine_spray", "--device", "gpu"], capsys)
    assert "RK-SOL-036" in said
    assert "too few" in said


@no_card
@pytest.mark.parametrize("what", [[DOSE], ["--events", "doses.csv", "--output", "madrs_latent"]])
def test_a_card_that_is_not_there_is_refused_with_the_reason(
    what: list[str], capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = tmp_path_factory.mktemp("table") / "doses.csv"
    table.write_text("ID,TIME,EVID,AMT,CMT,DUR\n1,0,1,17.5,central_S,0.67\n")
    said = refused(
        ["simulate", *[str(table) if one == "doses.csv" else one for one in what], "--device", "gpu"], capsys
    )
    assert "RK-SOL-030" in said
    assert "driver" in said


def test_an_unknown_device_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'auto', 'cpu', 'gpu'" in refused(["simulate", DOSE, "--device", "tpu"], capsys)
