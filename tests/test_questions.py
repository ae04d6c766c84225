"""The ten questions: every one runs, its page holds its parts, and its numbers keep what must hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from rekindle.cli._main import run
from rekindle.errors import ParameterError
from rekindle.evidence import assumption
from rekindle.questions import (
    Answer,
    Beside,
    Quantity,
    answer_page,
    answer_question,
    find_question,
    quantity_cells,
    questions,
    write_answer,
)
from rekindle.questions._page import reasons_table
from rekindle.questions._published import agreement
from rekindle.questions._quantity import of_parameters
from rekindle.questions._walk import STEPS, percentage, states
from rekindle.questions._words import amount
from rekindle.report import STANDING_NOTICE, number, render_page
from rekindle.trials import findings, parse_design, run_replicates

NAMES = [one.name for one in questions()]
#: Published arms are predicted with fewer draws than usual: their numbers have tests of their own.
FEW = {"parameter_draws": 1.0, "people_for_parameters": 2.0, "fewest_people": 2.0}


@pytest.fixture(autouse=True, scope="module")
def _few_draws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in ("outcomes._doubt", "outcomes._arm"):
            patch.setattr(
                f"rekindle.evidence.{module}.assumption", lambda name: FEW.get(name) or assumption(name)
            )
        yield


@cache
def answered(name: str, draws: int = 0) -> Answer:
    return answer_question(name, people=12, draws=draws)


def value(name: str, key: str) -> float:
    return answered(name).quantities[key].value


@pytest.mark.parametrize("name", NAMES)
def test_a_page_holds_answer_figures_published_numbers_and_three_kinds_of_statement(name: str) -> None:
    answer = answered(name)
    text = render_page(answer_page(answer))
    for heading in ("Figures", "What is evidence", "What is model", "What nobody knows", "Simulated numbers"):
        assert f">{heading}</h2>" in text
    assert text.count("<figure>") == len(answer.findings.figures) > 0
    assert STANDING_NOTICE in text
    assert answer.sentences
    assert "nan" not in " ".join(answer.sentences)
    assert all(one.observed is not None and one.source and one.mark for one in answer.published)


@pytest.mark.parametrize("name", NAMES)
def test_shares_lie_between_nothing_and_everybody(name: str) -> None:
    shares = [one for one in answered(name).quantities.values() if one.unit == "%"]
    assert all(-1e-9 <= one.value <= 100.0 + 1e-9 for one in shares if np.isfinite(one.value))


def test_every_question_has_its_own_number_and_statements() -> None:
    assert len({one.number for one in questions()}) == len(NAMES)
    assert all(one.evidence and one.model and one.unknown and one.asks for one in questions())
    assert find_question(1) is find_question("onset")
    with pytest.raises(ParameterError, match="onset"):
        find_question("onsets")


def test_files_are_written_and_the_command_lists_and_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = write_answer(answered("onset"), tmp_path)
    assert written[0].name == "report.html"
    assert {"numbers.csv", "published.csv", "course.png"} <= {path.name for path in written}
    assert run(["question"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in NAMES)
    assert run(["question", "1", "--people", "4", "--draws", "1", "--workers", "1", "--json"]) == 0
    assert '"half_time_ketamine"' in capsys.readouterr().out
    assert run(["question", "11"]) == 2


def test_parameters_give_an_interval_that_is_told_and_progress_ends() -> None:
    told: list[int] = []
    answer = answer_question("onset", people=6, draws=3, progress=lambda done, _: told.append(done))
    one = answer.quantities["difference_day_1_ketamine"]
    low, high = one.parameters
    assert high > low
    assert one.varied
    sentences = " ".join(answer.sentences)
    assert f"({number(low, 2)} to {number(high, 2)})" in sentences
    assert told == sorted(told)
    assert told[-1] == 100


def test_an_interval_is_where_the_draws_are_and_need_not_hold_the_number() -> None:
    assert of_parameters(50.0, 40.0, np.linspace(20.0, 30.0, 11), "%") == pytest.approx((30.5, 39.5))
    assert of_parameters(5.0, 40.0, np.linspace(20.0, 30.0, 11), "%") == (0.0, 0.0)
    assert all(np.isnan(of_parameters(5.0, 40.0, np.array([]), "%")))


def test_a_number_that_no_draw_changes_is_not_varied() -> None:
    same, near = _quantity((84.2, 84.2)), _quantity((84.1999, 84.2001))
    assert amount(same, "points") == "84 points (not varied)"
    assert quantity_cells(same)[-1] == "not varied"
    assert amount(near, "points") == "84 points (84 after rounding)"
    assert quantity_cells(near)[-1] == "84.2 after rounding"
    assert amount(_quantity((80.0, 90.0)), "points") == "84 points (80 to 90)"
    assert quantity_cells(replace(same, at_least=True))[1:] == ["84.2 or more", "", ""]


def test_rows_are_counted_as_judged_fitted_and_not_judged() -> None:
    rows = [
        _beside("fitted", 10.0, 12.0, True, role="calibrate"),
        _beside("free", 10.0, 12.0, True),
        _beside("wide", 4.0, 8.0, True, role="calibrate"),
        _beside("out", 10.0, 30.0, False),
        _beside("no interval", 50.0, 64.0, None, unit="%"),
        _beside("pressure", 110.0, 125.0, True, unit="mmHg"),
        _beside("not simulated", 50.0, None, None),
    ]
    told = agreement(rows)
    assert "Published numbers: 7. Of 5 judged, 4 agree within the interval, 2 of them fitted" in told
    assert "Not judged: 2 (1 not simulated, 1 without an interval to judge by)." in told
    assert "Outside: out." in told
    assert told.endswith("by more than 10 points: wide; no interval.")
    assert "all fitted" in agreement(rows[:1])
    assert "fitted" not in agreement(rows[1:2])


@pytest.mark.parametrize("name", ["dose_response", "moderators", "long_term"])
def test_reasons_hold_no_code_line_or_remedy(name: str) -> None:
    reasons = [row[1] for table in reasons_table(answered(name)) for row in table.rows]
    assert reasons
    for reason in reasons:
        assert not re.search(r"RK-|line \d|Fill |_pct|_h\b|session_days", reason)
        assert reason[0].isupper()


def test_ketamine_acts_within_hours_and_an_ssri_within_weeks() -> None:
    assert value("onset", "half_time_ketamine") < 12.0
    assert value("onset", "half_time_ssri") > 168.0


def test_the_first_end_of_the_walk_is_the_open_sample() -> None:
    design = _design("open_sample", 30)
    data = run_replicates(design, [0], seed=3)[0]
    people = data.people_frame(design).set_index("person")
    scores = data.observation_frame()
    lowest = scores[scores["measure"] == "MADRS"].groupby("person")["value"].min()
    completers = people[people["status"] == "completed"]
    reached = lowest.reindex(completers.index) <= 0.5 * completers["MADRS_baseline"]
    assert len(completers) < len(people)
    assert percentage(frozenset(), people=30, seed=3) == pytest.approx(100.0 * reached.mean())


def test_the_blinded_end_of_the_walk_is_the_blinded_trial() -> None:
    design = _design("blinded_trial", 60)
    found = findings(design, run_replicates(design, [0], seed=3)[0])
    label = "response (MADRS fall of at least 50 %), missing as none"
    response = {one.arm: one.value for one in found if one.outcome == label}
    blinded = states()[4]
    assert percentage(blinded, people=30, seed=3) == pytest.approx(response["ketamine"])
    assert percentage(blinded | {"control"}, people=30, seed=3) == pytest.approx(
        response["ketamine"] - response["midazolam"]
    )


def test_the_walk_turns_six_switches_and_noticing_the_drug_only_helps() -> None:
    places = states()
    assert [len(turned) for turned in places] == list(range(7))
    assert len(STEPS) == 6
    without = places[4] | {"unblinding"}
    assert percentage(without, people=30, seed=3) <= percentage(places[4], people=30, seed=3)


def test_more_dose_dissociates_more() -> None:
    for doses in (("iv_0.1", "iv_0.2", "iv_0.5", "iv_1"), ("nasal_28", "nasal_56", "nasal_84", "nasal_112")):
        peaks = [value("dose_response", f"cadss_{dose}") for dose in doses]
        assert peaks == sorted(peaks)
        assert peaks[0] < peaks[-1]


def test_more_sessions_do_not_lower_exposure_or_the_lead() -> None:
    assert value("long_term", "exposure_kept") > value("long_term", "exposure_stopped")
    assert value("long_term", "cadss_8") < value("long_term", "cadss_1")
    weeks = "difference_28"
    assert value("duration", f"{weeks}_weekly") <= value("duration", "largest_weekly")


def test_waiting_gets_people_ready_and_assumed_factors_raise_pressure() -> None:
    for route in ("iv", "nasal"):
        assert value("session", f"not_ready_120_{route}") <= value("session", f"not_ready_90_{route}")
        assert value("session", f"pressure_{route}_old_high") > value("session", f"pressure_{route}_young")


def test_a_swallowed_dose_brings_less_than_a_spray() -> None:
    assert value("routes", "exposure_oral") < value("routes", "exposure_nasal")
    assert value("routes", "dissociated_oral") <= value("routes", "dissociated_nasal")


def test_the_item_falls_with_mood_and_beyond() -> None:
    through = value("suicidality", "through_mood_24")
    assert 0.0 < through < 100.0
    assert value("suicidality", "effect_size_24") > 0.0


def test_training_helps_in_the_window_and_hardly_without_the_drug() -> None:
    assert value("combination", "training_window_28") > 0.5
    assert abs(value("combination", "training_alone_28")) < 0.1 * value("combination", "training_adds_28")


def test_more_inflammation_leaves_less_effect_and_other_conditions_are_not_simulated() -> None:
    leads = [value("moderators", f"ahead_14_{level}") for level in ("-1", "0", "1", "2")]
    assert leads == sorted(leads, reverse=True)
    assert leads[0] > leads[-1]
    other = [one for one in answered("moderators").published if "PTSD" in one.label or "social" in one.label]
    assert other
    assert all(one.predicted is None for one in other)


def _quantity(parameters: tuple[float, float]) -> Quantity:
    return Quantity("key", "label", "points", 84.2, (np.nan, np.nan), "resampled people", parameters)


def _beside(
    label: str,
    observed: float,
    predicted: float | None,
    inside: bool | None,
    role: str = "check",
    unit: str = "points",
) -> Beside:
    return Beside(label, unit, observed, "", predicted, None, None, "seen", role, "source", "", inside)


def _design(name: str, number: int):  # type: ignore[no-untyped-def]
    text = files("rekindle.questions").joinpath(f"data/{name}.yaml").read_text("utf-8")
    return replace(parse_design(text, name), number=number)
