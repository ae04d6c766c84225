"""The page for a patient conversation: honest counts, easy words, no dose."""

from __future__ import annotations

import re
from functools import cache

import pytest

from rekindle.errors import ParameterError, RegimenError
from rekindle.regimen import parse_regimen
from rekindle.trials import Outlook, responses_in_trials, simulate_outlook, spray_reports, trial_responses

pytest.importorskip("rekindle.report._page", reason="the report floor is not there yet")
pytest.importorskip("matplotlib")

from rekindle.report._figure_patient import about, of_100
from rekindle.report._patient_page import HIGHEST_GRADE, PatientPage, patient_page, reading_grade

COURSES = {
    "nasal": "esketamine nasal 84 mg, twice weekly x 4 weeks",
    "iv": "ketamine 0.5 mg/kg iv over 40 min, weekly x 3",
}


@cache
def outlook(name: str) -> Outlook:
    return simulate_outlook(COURSES[name], people=60)


@cache
def page(name: str) -> PatientPage:
    return patient_page(outlook(name))


@pytest.mark.parametrize("name", COURSES)
def test_it_reads_easily(name: str) -> None:
    pytest.importorskip("textstat")
    assert reading_grade(page(name).prose) <= HIGHEST_GRADE
    assert reading_grade(page(name).text) <= HIGHEST_GRADE
    longest = max(re.split(r"[.?!]\s", page(name).prose), key=lambda sentence: len(sentence.split()))
    assert len(longest.split()) <= 25, longest


@pytest.mark.parametrize("name", COURSES)
def test_it_holds_no_dose(name: str) -> None:
    assert not re.search(r"\b\d+([.,]\d+)?\s*(mg|milligram|ml|mL|ug|g)\b", page(name).html)
    assert "Never take this drug on your own" in page(name).text


@pytest.mark.parametrize("name", COURSES)
def test_it_says_what_must_be_said(name: str) -> None:
    text = page(name).text
    for words in (
        "only in a clinic", "The first hours", "The first days", "The next weeks", "SSRI", "Risks",
        "What we do not know", "ending your life", "pregnant", "bladder", "drive", "of 100",
    ):  # fmt: skip
        assert words in text, words


@pytest.mark.parametrize("name", COURSES)
def test_it_needs_nothing_from_anywhere(name: str) -> None:
    html = page(name).html
    assert not re.search(r'(src|href)="(?!data:|#)', html)
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org", "")


def test_the_same_course_gives_the_same_page() -> None:
    assert patient_page(outlook("iv")).html == page("iv").html


def test_published_counts_come_first_and_replace_those_of_the_model() -> None:
    text = page("nasal").text
    for found in responses_in_trials(outlook("nasal").regimen):
        assert found.words in text
        assert f"{found.drug_low} to {found.drug_high} of 100" in text
        assert found.source in text
    assert text.index("27 to 42 of 100") < text.index("53 to 69 of 100")
    assert "A computer model says" not in text, "studies speak for every count of the prose"
    for day in (1, 7, 28):
        wrong = about(outlook("nasal").better["control"][day])
        assert f"{wrong} (model)" not in page("nasal").figure.alternative
    for report in spray_reports():
        assert report.words in text


def test_counts_of_the_model_are_marked_where_no_study_speaks() -> None:
    found, text = outlook("iv"), page("iv").text
    last = max(found.better["treatment"])
    assert f"A computer model says {about(found.better['treatment'][last])}" in text.replace("\n", " ")
    assert "Treat these numbers as a guess" in text
    assert f"{about(found.better['control'][1])} (model)" in page("iv").figure.alternative
    assert "12 people" in text, "the small study speaks for its own day"


def test_a_study_speaks_only_for_plans_like_its_own() -> None:
    def days(text: str) -> list[int]:
        return [found.days for found in responses_in_trials(parse_regimen(text))]

    assert days("esketamine nasal 84 mg") == [1]
    assert days("esketamine nasal 84 mg, weekly x 4") == [1]
    assert days(COURSES["nasal"]) == [1, 7, 28, 28]
    assert days("esketamine 0.2 mg/kg iv over 40 min") == []
    assert all(found.mark in ("seen", "derived") and found.source for found in trial_responses())


def test_treatment_does_more_than_its_control_and_a_tablet_is_slower() -> None:
    nasal, infusion = outlook("nasal"), outlook("iv")
    for found in (nasal, infusion):
        for day, share in found.better["treatment"].items():
            assert share > found.better["control"][day]
            assert found.well["treatment"][day] <= share
    # Both arms of the nasal trials start a tablet; counting it again would count it twice.
    assert nasal.control_class == "placebo_spray_new_ad"
    assert "antidepressant" not in nasal.better
    tablet = infusion.better["antidepressant"]
    assert tablet[1] - infusion.better["control"][1] < 0.05
    assert tablet[14] >= infusion.better["control"][14]


def test_counts_are_no_finer_than_the_model() -> None:
    assert {of_100(share / 1000) % 5 for share in range(1001)} == {0}
    assert about(0.0) == "fewer than 5 of 100"
    assert about(1.0) == "more than 95 of 100"


def test_courses_without_a_drug_and_unknown_controls_are_refused() -> None:
    with pytest.raises(RegimenError, match="RK-REG-091"):
        simulate_outlook("saline iv over 40 min")
    with pytest.raises(ParameterError, match="RK-PAR-041"):
        simulate_outlook(COURSES["iv"], control="midazolan")
