"""The ten questions: every one runs, its page holds its parts, and its numbers keep what must hold."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from rekindle.cli._main import run
from rekindle.errors import ParameterError
from rekindle.questions import Answer, answer_page, answer_question, find_question, questions, write_answer
from rekindle.report import STANDING_NOTICE, render_page

NAMES = [one.name for one in questions()]


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
    assert "nan" not in " ".join(answer.sentences)
    assert all(one.observed is not None and one.source and one.mark for one in answer.published)


@pytest.mark.parametrize("name", NAMES)
def test_shares_lie_between_nothing_and_everybody(name: str) -> None:
    shares = [one for one in answered(name).quantities.values() if one.unit == "%"]
    assert all(0.0 <= one.value <= 100.0 for one in shares)


def test_every_question_has_its_own_number_and_statements() -> None:
    assert [one.number for one in questions()] == sorted({one.number for one in questions()})
    assert all(one.evidence and one.model and one.unknown for one in questions())
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


def test_parameters_give_an_interval_that_holds_the_value() -> None:
    one = answered("onset", draws=3).quantities["difference_day_1_ketamine"]
    low, high = one.parameters
    assert low <= one.value <= high
    assert high > low


def test_ketamine_acts_within_hours_and_an_ssri_within_weeks() -> None:
    assert value("onset", "half_time_ketamine") < 12.0
    assert value("onset", "half_time_ssri") > 168.0
