"""Designs are read as written, and what cannot be run is refused with file, key and remedy."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rekindle.errors import DesignError
from rekindle.trials import Design, build_design, design_text, parse_design, read_design, shipped_designs

BASE: dict[str, Any] = {
    "title": "A small trial",
    "control_class": "midazolam",
    "people": {"number": 12},
    "scales": {"MADRS": {"mean": 33, "sd": 6}},
    "arms": {
        "ketamine": {"treatment": "ketamine 0.5 mg/kg iv over 40 min"},
        "midazolam": {"treatment": "midazolam", "control": True},
    },
    "phases": [
        {
            "name": "blinded",
            "days": 7,
            "allocation": {"ketamine": 2, "midazolam": 1},
            "sessions": [0],
            "visits": [{"days": [1, 7]}],
        }
    ],
}


def changed(path: str, value: object) -> dict[str, Any]:
    """The base design with one entry changed; a path such as ``phases.0.days``."""
    found: Any = copy.deepcopy(BASE)
    *before, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    inner = found
    for part in before:
        inner = inner.setdefault(part, {}) if isinstance(inner, dict) else inner[part]
    inner[last] = value
    return dict(found)


@pytest.mark.parametrize("name", shipped_designs())
def test_shipped_designs_can_be_read(name: str) -> None:
    assert parse_design(design_text(name), name).number > 0


def test_a_design_is_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(BASE), encoding="utf-8")
    design: Design = read_design(path)
    assert design.phases[0].allocation == {"ketamine": 2.0, "midazolam": 1.0}
    assert design.arms["ketamine"].active
    assert not design.arms["midazolam"].active
    assert [visit.day for visit in design.phases[0].visits] == [1.0, 7.0]
    assert design.response is not None
    assert design.response.label == "MADRS fall of at least 50 %"


def test_hours_and_weekly_sessions() -> None:
    content = changed("phases.0.visits", [{"hours": [2, 24]}])
    content["phases"][0] |= {"days": 28, "sessions": {"per_week": 2, "weeks": 2}}
    phase = build_design(content).phases[0]
    assert phase.sessions == (0.0, 3.0, 7.0, 10.0)
    assert [visit.day for visit in phase.visits] == [2 / 24, 1.0]


PRIMARY = {"analysis": "locf", "day": 7, "arms": ["ketamine", "midazolam"]}
LOOKS = [{"share": 0.8, "alpha": 0.01}, {"share": 0.5, "alpha": 0.01}]
SHORT = {"name": "daily", "then": {"interval_days": 1}}
RULE = {"if": {"scale": "MADRS", "at_least": 20}, "then": {"leave": "too ill"}}


@pytest.mark.parametrize(
    ("path", "value", "code", "words"),
    [
        ("phases.0.visits", [{"days": [9]}], "RK-DES-007", "day 9"),
        ("phases.0.visits", [{"days": [1, 2], "window_days": 1}], "RK-DES-007", "windows"),
        ("phases.0.sessions", [7], "RK-DES-007", "session on day 7"),
        ("phases.0.assign", "cross", "RK-DES-007", "first phase"),
        ("phases.0.allocation", {"ketamine": 0.5, "midazolam": 0.4}, "RK-DES-006", "makes 0.9"),
        ("phases.0.allocation", {"ketamine": 0.333, "midazolam": 0.667}, "RK-DES-006", "hundredths"),
        ("phases.0.sessions", {"per_week": 7, "weeks": 1e9}, "RK-DES-010", "7000000000 sessions"),
        ("people.number", 1e9, "RK-DES-004", "100000"),
        ("dropout", [{"reason": "advers event", "weekly_pct": 1}], "RK-DES-005", "adverse event"),
        ("subgroups", ["mood"], "RK-DES-005", "subgroups"),
        ("phases.0.allocation", {"ketamine": 1, "midazolan": 1}, "RK-DES-005", "midazolam"),
        ("phases.0.allocation", {"ketamine": 1}, "RK-DES-007", "midazolam"),
        ("phases.0.days", None, "RK-DES-010", "phases 1, days"),
        ("phases.0.days", "until relapse", "RK-DES-010", "until relapse"),
        ("scales", {"QIDS-SR16": {"mean": 15, "sd": 4}}, "RK-DES-011", "QIDS-SR16"),
        ("scales", {"MADRAS": {"mean": 15, "sd": 4}}, "RK-DES-011", 'did you mean "MADRS"'),
        ("scales.MADRS.sd", 2.0, "RK-DES-004", "rating error"),
        ("phases.0.visits", [{"days": [1], "scales": ["HAM-D17"]}], "RK-DES-011", "HAM-D17"),
        ("response", {"fall_at_least_pct": 50}, "RK-DES-009", "has no scale"),
        ("rules", [RULE | {"if": {"at_least": 20}}], "RK-DES-009", "at_least 20"),
        ("rules", [RULE | {"then": {"interval_days": 0}}], "RK-DES-010", "never end"),
        ("rules", [RULE | {"days": [3]}], "RK-DES-007", "day 3"),
        ("rules", [RULE | {"if": {"reading": "cadss", "above": 4}}], "RK-DES-003", "minutes"),
        ("rules", [RULE | {"if": {"report": "hiccups"}}], "RK-DES-005", "hiccups"),
        ("primary", PRIMARY | {"day": 3}, "RK-DES-007", "day 3"),
        ("primary", PRIMARY | {"arms": ["midazolam", "ketamine"]}, "RK-DES-008", "not a control arm"),
        ("primary", PRIMARY | {"analysis": "paired"}, "RK-DES-008", "crossover"),
        ("primary", PRIMARY | {"analysis": "relapse"}, "RK-DES-003", "relapse is not defined"),
        ("arms.ketamine.treatment", "ketamine 0.5 mg/kg iv", "RK-DES-013", "ketamine, treatment"),
        ("arms.ketamine.treatment", "ketamine 84 mg nasal", "RK-DES-013", "nasal"),
        ("arms.ketamine.treatment", "ketamine 1 mg/kg im, weekly x 3", "RK-DES-013", "one session"),
        ("control_class", "midazolm", "RK-DES-005", 'did you mean "midazolam"'),
        ("peoples", {"number": 3}, "RK-DES-002", 'did you mean "people"'),
        ("people.number", 2.5, "RK-DES-004", "whole number"),
        ("people.women_pct", -1, "RK-DES-004", "women_pct"),
        ("people.number", True, "RK-DES-004", "number"),
        ("dropout", [{"reason": "other", "weekly_pct": 101}], "RK-DES-004", "0 to 100"),
        ("stratify", ["mood"], "RK-DES-005", "stratify"),
        ("phases", [], "RK-DES-003", "phases"),
        ("acute", {"minutes": []}, "RK-DES-003", "minutes"),
        ("people.women_pct", 155, "RK-DES-004", "0 to 100"),
        ("people.age_mean", 5, "RK-DES-004", "age_mean"),
        ("people.weight_mean", 0, "RK-DES-004", "weight_mean"),
        ("arms.ketamine.treatment", "ketamine 5 mg/kg iv over 40 min", "RK-DES-013", "outside 2.5 to 140 mg"),
        ("rules", [RULE | {"then": {"dose_mg": 5000}}], "RK-DES-013", "5000 mg of ketamine"),
        ("arms.a - b", {"treatment": "saline"}, "RK-DES-004", "a - b"),
        ("arms.all", {"treatment": "saline"}, "RK-DES-004", '"all"'),
        ("phases.0.visits", [], "RK-DES-003", "no visit"),
        ("acute", {"minutes": [5000]}, "RK-DES-004", "1 to 1440"),
        ("eligibility", [{"reading": "cadss", "above": 4}], "RK-DES-009", "not a score"),
        ("eligibility", [{"scale": "MADRS", "fall_at_least_pct": 20}], "RK-DES-004", "no other score"),
        ("stratify", [{"scale": "MADRS", "above": 30, "consecutive": 2}], "RK-DES-004", "no other score"),
        ("response", {"report": "any"}, "RK-DES-009", "not a score"),
        ("relapse", {"reading": "cadss", "above": 4}, "RK-DES-009", "not a score"),
        ("phases.0.enter_if", {"report": "any"}, "RK-DES-009", "not a score"),
        ("primary", PRIMARY | {"arms": ["midazolam", "midazolam"]}, "RK-DES-008", "against midazolam"),
        ("after_rescue", "missing", "RK-DES-005", "no rule rescues"),
        ("after_rescue", "nothing", "RK-DES-005", "observed, missing"),
        ("change_from", "screening", "RK-DES-005", "entry, phase"),
        ("control_class", "open_label", "RK-DES-008", "in control class open_label"),
        ("eligibility", [{"scale": "MADRS", "at_least": 70}], "RK-DES-004", "From 0 to 60"),
        ("response", {"scale": "MADRS", "fall_at_least_pct": 500}, "RK-DES-004", "-100 to 100 %"),
        ("rules", [RULE | {"then": {"leave": "x", "skip": "y"}}], "RK-DES-003", "2 actions: leave, skip"),
        ("rules", [RULE | {"if": {"scale": "MADRS", "above": 1, "below": 9}}], "RK-DES-003", "2 thresholds"),
        ("rules", [SHORT], "RK-DES-010", "3 days or more"),
        ("primary", PRIMARY | {"interim": LOOKS}, "RK-DES-004", "shares 0.8, 0.5"),
    ],
)
def test_what_cannot_be_run_is_refused(path: str, value: object, code: str, words: str) -> None:
    content = changed(path, value)
    if path == "control_class" and value == "open_label":
        content["primary"] = PRIMARY
    if value == [SHORT]:
        content["phases"][0]["sessions"] = [0, 3]
    with pytest.raises(DesignError) as caught:
        build_design(content, "small.yaml")
    assert caught.value.code == code
    assert "small.yaml" in str(caught.value)
    parts = (caught.value.given, caught.value.allowed, caught.value.why, caught.value.remedy)
    assert all(parts)
    assert words in str(caught.value)


PHASE: dict[str, Any] = BASE["phases"][0]


@pytest.mark.parametrize(
    ("phases", "primary", "code", "words"),
    [
        ([PHASE, PHASE | {"name": "again"}], PRIMARY | {"phase": "blinded"}, "RK-DES-008", "Phase again"),
        (
            [PHASE | {"name": "wide"}, PHASE | {"allocation": {"midazolam": 1, "low": 1}}],
            PRIMARY,
            "RK-DES-008",
            "ketamine against midazolam",
        ),
        (
            [PHASE, PHASE | {"name": "b", "assign": "cross", "allocation": {"ketamine": 1, "low": 1}}],
            None,
            "RK-DES-007",
            "nothing to cross to from arm midazolam",
        ),
    ],
)
def test_a_comparison_that_is_not_made_is_refused(
    phases: list[Any], primary: Any, code: str, words: str
) -> None:
    content = copy.deepcopy(BASE) | {"phases": phases, "primary": primary}
    if any("low" in phase["allocation"] for phase in phases):
        content["arms"]["low"] = {"treatment": "ketamine 0.2 mg/kg iv over 40 min"}
    with pytest.raises(DesignError) as caught:
        build_design(content, "small.yaml")
    assert caught.value.code == code
    assert words in str(caught.value)


def test_relapse_is_compared_where_arms_are() -> None:
    content = copy.deepcopy(BASE) | {
        "phases": [PHASE | {"name": "first"}, PHASE],
        "relapse": {"phase": "first", "scale": "MADRS", "at_least": 22},
        "primary": {"analysis": "relapse", "arms": ["ketamine", "midazolam"]},
    }
    with pytest.raises(DesignError, match="phase first"):
        build_design(content)


def test_the_primary_result_is_usually_that_of_the_last_comparison() -> None:
    extension = {"name": "extension", "days": 7, "assign": "continue", "visits": [{"days": 7}]}
    design = build_design(BASE | {"phases": [PHASE, extension], "primary": PRIMARY})
    assert design.primary is not None
    assert design.primary.phase == "blinded"


def test_a_dose_outside_the_evidence_is_labelled_when_it_is_wanted() -> None:
    content = changed("arms.ketamine.treatment", "ketamine 5 mg/kg iv over 40 min") | {"extrapolate": True}
    (note,) = build_design(content).notes
    assert note.startswith("Extrapolation: ")
    assert "mg of ketamine in one session is outside 2.5 to 140 mg" in note
    assert not build_design(BASE).notes


@pytest.mark.parametrize("control_class", [None, "open_label"])
def test_a_difference_needs_a_control_class(control_class: str | None) -> None:
    content = changed("primary", PRIMARY) | {"control_class": control_class}
    with pytest.raises(DesignError) as caught:
        build_design(content, "small.yaml")
    assert caught.value.code == "RK-DES-008"


def test_an_antidepressant_is_not_counted_twice() -> None:
    content = changed("arms.ketamine.antidepressant", 1.0) | {"control_class": "placebo_spray_new_ad"}
    with pytest.raises(DesignError, match="twice"):
        build_design(content)


@pytest.mark.parametrize("text", ["a: [", "people: {number: 3, number: 4}"])
def test_a_text_that_is_not_a_design_is_refused(text: str) -> None:
    with pytest.raises(DesignError) as caught:
        parse_design(text, "broken.yaml")
    assert caught.value.code == "RK-DES-001"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="cannot be read"):
        read_design(tmp_path / "nothing.yaml")


def test_the_documented_design_and_its_rules_can_be_read() -> None:
    page = (Path(__file__).parents[1] / "docs" / "trials.md").read_text(encoding="utf-8")
    whole, rules = (block.split("```")[0] for block in page.split("```yaml\n")[1:])
    assert parse_design(whole).number == 60
    content = copy.deepcopy(BASE) | yaml.safe_load(rules) | {"acute": {"minutes": [40]}}
    content["arms"]["esketamine"] = content["arms"].pop("ketamine")
    content["phases"][0] |= {"days": 28, "allocation": {"esketamine": 1, "midazolam": 1}}
    content["phases"][0]["visits"] = [{"days": [7, 14]}]
    assert [rule.action for rule in build_design(content).rules] == [
        "dose", "interval", "antidepressant", "stop"
    ]  # fmt: skip


WEIRD = [None, -1, "x", [], {}, True, 1e308, math.nan, [None], [{}], {"a": None}, [["a"]], 2.5, 0]
OPTIONAL = ("rules", "dropout", "stratify", "subgroups", "eligibility", "response", "relapse", "acute",
            "sites", "primary", "notes")  # fmt: skip


def places(node: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if at:
        yield at
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from places(value, (*at, key))


@pytest.mark.parametrize("name", [None, *shipped_designs()])
def test_whatever_stands_in_a_design_it_is_read_or_refused_in_four_parts(name: str | None) -> None:
    base = (BASE if name is None else yaml.safe_load(design_text(name))) | {}
    for key in OPTIONAL:
        base.setdefault(key, None)
    refused = 0
    for place in list(places(base)):
        for value in WEIRD:
            content = copy.deepcopy(base)
            inner: Any = content
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = value
            try:
                build_design(content, "small.yaml")
            except DesignError as problem:
                refused += 1
                assert problem.given.startswith("small.yaml")
                assert all((problem.allowed, problem.why, problem.remedy)), str(problem)
    assert refused > 100


def test_subgroups_and_dropout_are_read() -> None:
    content = copy.deepcopy(BASE) | {
        "subgroups": ["sex", {"scale": "MADRS", "at_least": 35}],
        "dropout": [{"reason": "withdrew consent", "weekly_pct": 2}],
    }
    design = build_design(content)
    assert len(design.subgroups) == 2
    assert design.leave_reasons == ("withdrew consent",)
    assert not design.rules


def test_a_relapse_of_people_who_never_improved_is_noted() -> None:
    relapse = {"scale": "MADRS", "at_least": 22}
    everybody = build_design(changed("relapse", relapse))
    content = changed("relapse", relapse)
    content["phases"][0]["enter_if"] = {"scale": "MADRS", "fall_at_least_pct": 50}
    assert "never improved" in " ".join(everybody.notes)
    assert not build_design(content).notes
