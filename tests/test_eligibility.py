"""Contraindications and cautions: what applies, what cannot be judged, and what contradicts itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from rekindle.errors import PersonError
from rekindle.people import (
    DECISION_NOTICE,
    Eligibility,
    FailedTreatment,
    assess_eligibility,
    criteria,
    read_person_facts,
    resistance,
)


def assessed(folder: Path, text: str, name: str = "person.yaml") -> Eligibility:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return assess_eligibility(read_person_facts(path))


def ids(group: object) -> set[str]:
    return {one.id for one in group}  # type: ignore[attr-defined]


def test_every_criterion_has_a_reason_a_mark_and_a_source() -> None:
    assert len({one.id for one in criteria()}) == len(criteria()) > 20
    for one in criteria():
        assert one.kind in ("contraindication", "caution")
        assert one.rule in ("is", "below", "above")
        assert one.why
        assert one.mark in ("seen", "recalled")
        assert one.source


def test_what_applies_what_is_unknown_and_what_does_not_apply(tmp_path: Path) -> None:
    found = assessed(
        tmp_path,
        "id: A-17\nsex: F\nage_years: 45\naneurysm_or_malformation: yes\npregnant: no\nsystolic_mmhg: 150\n"
        "diastolic_mmhg: 85\nweeks_since_cardiovascular_event: never\n",
    )
    assert found.person == "A-17"
    assert ids(found.applies) == {"aneurysm", "pressure_systolic"}
    assert found.applies[0].kind == "contraindication"
    assert {"pregnancy", "pressure_diastolic", "age_65", "recent_heart_event"} <= ids(found.absent)
    assert {"brain_bleeding", "liver_severe", "psychosis"} <= ids(found.unknown)
    assert found.notice == DECISION_NOTICE
    assert len(found.applies) + len(found.unknown) + len(found.absent) == len(criteria())


def test_nothing_known_means_nothing_judged(tmp_path: Path) -> None:
    found = assessed(tmp_path, "id: 1\n")
    assert not found.applies
    assert not found.absent
    assert found.resistance is None


@pytest.mark.parametrize(("value", "applies"), [(3, True), (6, False), ('"never"', False)])
def test_a_recent_heart_event(tmp_path: Path, value: object, applies: bool) -> None:
    found = assessed(tmp_path, f"weeks_since_cardiovascular_event: {value}\n")
    assert ("recent_heart_event" in ids(found.applies)) is applies


def test_toml_says_the_same_as_yaml(tmp_path: Path) -> None:
    yaml = assessed(
        tmp_path, "id: x\nhypertension: yes\nfailed_treatments:\n  - {drug: sertraline, weeks: 8}\n"
    )
    toml = assessed(
        tmp_path,
        'id = "x"\nhypertension = true\n[[failed_treatments]]\ndrug = "sertraline"\nweeks = 8\n',
        "person.toml",
    )
    assert yaml == toml


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        ("sex: M\npregnant: yes\n", "RK-PER-052", "pregnant"),
        ("psychosis_now: yes\npsychosis_history: no\n", "RK-PER-052", "psychosis_history"),
        ("systolic_mmhg: 80\ndiastolic_mmhg: 90\n", "RK-PER-052", "diastolic_mmhg"),
        ("weight_kg: 80\nheight_cm: 180\nbmi: 35\n", "RK-PER-052", "bmi"),
        ("heart_disease: no\nweeks_since_cardiovascular_event: 3\n", "RK-PER-052", "heart_disease"),
        ("cns_depressants: no\ndiazepam_equivalent_mg: 10\n", "RK-PER-052", "cns_depressants"),
        ("pregnant: yes\npregnant: no\n", "RK-PER-052", "pregnant"),
        ("pregnnt: yes\n", "RK-PER-051", 'did you mean "pregnant"'),
        ("pregnant: maybe\n", "RK-PER-053", "pregnant"),
        ("age_years: -4\n", "RK-PER-053", "age_years"),
        ("child_pugh: D\n", "RK-PER-053", "child_pugh"),
        ("failed_treatments: [{drug: sertraline, dose: 100}]\n", "RK-PER-053", "unit"),
        ("failed_treatments: [{drug: sertraline, week: 8}]\n", "RK-PER-051", 'did you mean "weeks"'),
        ("failed_treatments: two\n", "RK-PER-053", "failed_treatments"),
        ("- one\n", "RK-PER-050", "no facts"),
        ("a: [\n", "RK-PER-050", "person.yaml"),
    ],
)
def test_wrong_and_contradictory_files_are_refused(tmp_path: Path, text: str, code: str, field: str) -> None:
    with pytest.raises(PersonError, match=code) as error:
        assessed(tmp_path, text)
    assert field in str(error.value)


def test_a_yaml_file_cannot_run_anything(tmp_path: Path) -> None:
    with pytest.raises(PersonError, match="RK-PER-050"):
        assessed(tmp_path, "id: !!python/object/apply:os.getcwd []\n")


@pytest.mark.parametrize(
    ("treatment", "adequate"),
    [
        (FailedTreatment("sertraline", 50, 6, 0.8), True),
        (FailedTreatment("sertraline", 49, 6, 0.8), False),
        (FailedTreatment("sertraline", 50, 5.9, 0.8), False),
        (FailedTreatment("sertraline", 50, 6, 0.79), False),
        (FailedTreatment("sertraline", 50, 6), None),
        (FailedTreatment("lithium", 900, 8, 1.0), None),
        (FailedTreatment("lithium", 900, 2, 1.0), False),
    ],
)
def test_a_failed_treatment_is_judged_by_dose_duration_and_adherence(
    treatment: FailedTreatment, adequate: bool | None
) -> None:
    assert treatment.adequate is adequate
    assert bool(treatment.reasons) is (adequate is not True)


def test_resistance_needs_two_fair_trials() -> None:
    fair, short, unknown = (
        FailedTreatment("sertraline", 100, 8, 0.9),
        FailedTreatment("venlafaxine", 150, 2, 0.9),
        FailedTreatment("venlafaxine", 150, 8),
    )
    assert resistance((fair, fair)).resistant is True
    assert resistance((fair, short)).resistant is False
    assert resistance((fair, unknown)).resistant is None
    assert resistance(()).resistant is False
