"""Virtual trials behave like trials: selection, allocation, decisions, dropout, and the same bits again."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from rekindle.errors import DesignError, OutputError
from rekindle.therapy import ParameterSet
from rekindle.trials import (
    Design,
    TrialData,
    World,
    build_design,
    findings,
    is_positive,
    participant_flow,
    posterior_draws,
    run_replicates,
    run_trial,
    shipped_design,
)
from rekindle.trials._agenda import agenda
from rekindle.trials._design import Visit
from rekindle.trials._enrolment import enrol
from rekindle.trials._exposure import draw_course_parameters
from rekindle.trials._study_difference import StudyDifference

ARMS = {
    "ketamine": {"treatment": "ketamine 0.5 mg/kg iv over 40 min"},
    "saline": {"treatment": "saline", "control": True},
}


def design(**changes: Any) -> Design:
    """A one-week parallel trial of one infusion, with changes."""
    content: dict[str, Any] = {
        "title": "test",
        "control_class": "saline_parallel",
        "people": {"number": 24},
        "scales": {"MADRS": {"mean": 33, "sd": 6}},
        "arms": ARMS,
        "phases": [phase()],
    }
    return build_design({**content, **changes})


def phase(**changes: Any) -> dict[str, Any]:
    return {
        "name": "blinded",
        "days": 7,
        "allocation": {"ketamine": 1, "saline": 1},
        "sessions": [0],
        "visits": [{"days": [1, 3, 7]}],
    } | changes


@cache
def spray(number: int = 24) -> TrialData:
    return run_replicates(shipped_design("esketamine_spray"), [0], number=number)[0]


@cache
def withdrawal() -> TrialData:
    return run_replicates(shipped_design("withdrawal"), [0], number=18)[0]


def values(data: TrialData, measure: str, day: float, arm: str | None = None) -> dict[int, float]:
    return {
        note.number: note.value
        for note in data.notes
        if note.measure == measure and note.day == day and (arm is None or note.arm == arm)
    }


def test_the_same_seed_gives_the_same_trial_and_another_another() -> None:
    first, again = (run_replicates(design(), [0], seed=4)[0].notes for _ in range(2))
    other = run_replicates(design(), [0], seed=5)[0].notes
    assert first == again
    assert first != other


def test_a_replicate_does_not_depend_on_those_run_with_it() -> None:
    together = run_replicates(design(), [0, 1, 2])
    alone = [run_replicates(design(), [number])[0] for number in (0, 1, 2)]
    assert [one.notes for one in together] == [one.notes for one in alone]


def test_the_first_people_of_a_large_trial_are_a_small_trial() -> None:
    large = shipped_design("esketamine_spray")
    assert spray().first(10).notes == run_replicates(large, [0], number=10)[0].notes
    assert spray().first(10).screened == run_replicates(large, [0], number=10)[0].screened


def test_regression_to_the_mean_comes_out_of_selection() -> None:
    untreated = build_design(
        {
            "people": {"number": 1500},
            "scales": {"MADRS": {"mean": 28, "sd": 6, "rater_sd": 3}},
            "eligibility": [{"scale": "MADRS", "at_least": 30}],
            "arms": {"waiting": {"treatment": "none"}},
            "phases": [
                {"name": "waiting", "days": 7, "allocation": {"waiting": 1}, "visits": [{"days": [7]}]}
            ],
        }
    )
    data = run_replicates(untreated, [0])[0]
    baseline = np.array([one.baseline["MADRS"] for one in data.people])
    later = np.array(list(values(data, "MADRS", 7.0).values()))
    z = (29.5 - 28) / 6
    mean = 28 + 6 * norm.pdf(z) / norm.sf(z)
    reliability = 1 - 3**2 / 6**2
    expected = (1 - reliability) * (28 - mean)
    assert baseline.mean() == pytest.approx(mean, abs=0.35)
    assert (later - baseline).mean() == pytest.approx(expected, abs=4 * 4.2 / math.sqrt(1500))


def test_screening_failures_are_counted() -> None:
    data = run_replicates(
        design(eligibility=[{"scale": "MADRS", "at_least": 33, "at": "screening"}]), [0], number=40
    )[0]
    assert all(one.screening["MADRS"] >= 33 for one in data.people)
    assert any(one.baseline["MADRS"] < 33 for one in data.people)
    assert 55 < data.screened < 130


def test_nobody_eligible_is_refused() -> None:
    with pytest.raises(DesignError) as caught:
        run_replicates(design(eligibility=[{"scale": "MADRS", "at_least": 60}]), [0])
    assert caught.value.code == "RK-DES-012"


def test_allocation_is_exact_within_blocks_and_strata() -> None:
    found = design(
        phases=[phase(allocation={"ketamine": 2, "saline": 1})],
        stratify=["sex", {"scale": "MADRS", "at_least": 34}],
    )
    people = run_replicates(found, [0], number=60)[0].people
    for stratum in {one.stratum for one in people}:
        arms = [one.arms["blinded"] for one in people if one.stratum == stratum]
        whole = len(arms) // 3 * 3
        assert arms[:whole].count("ketamine") == 2 * arms[:whole].count("saline")


def test_visits_are_made_inside_their_windows() -> None:
    made = [note for note in spray().notes if note.measure == "MADRS"]
    assert all(abs(note.time_h - note.planned_h) <= 24.0 + 1e-6 for note in made)
    assert any(note.time_h != note.planned_h for note in made)
    by_person: dict[int, list[float]] = {}
    for note in made:
        by_person.setdefault(note.number, []).append(note.time_h)
    assert all(times == sorted(times) for times in by_person.values())


def test_every_day_of_a_window_is_as_probable_as_the_others() -> None:
    late = design(
        people={"number": 600}, phases=[phase(visits=[{"days": [3], "window_days": 1}]), phase(name="x")]
    )
    moves = [
        agenda(late, late.phases[0], number, seed=1, replicate=0)[1].time_h / 24.0 - 3.0
        for number in range(1, 601)
    ]
    assert {move: moves.count(move) for move in sorted(set(moves))} == {
        -1.0: pytest.approx(200, abs=35), 0.0: pytest.approx(200, abs=35), 1.0: pytest.approx(200, abs=35)
    }  # fmt: skip
    last = design(phases=[phase(visits=[{"days": [7], "window_days": 2}]), phase(name="x")])
    ends = {agenda(last, last.phases[0], n, seed=1, replicate=0)[1].time_h / 24.0 for n in range(1, 101)}
    assert ends == {5.0, 6.0, 7.0}


def test_flexible_dosing_follows_what_was_observed() -> None:
    data, asked = spray(60), (7.0, 14.0)
    raised = 0
    for one in data.people:
        doses = {day: dose for day, dose in _doses(data, one.number).items() if dose > 0}
        for before, after in zip(list(doses)[:-1], list(doses)[1:], strict=True):
            if doses[after] > doses[before]:
                raised += 1
                decided = max(day for day in asked if day <= after)
                fell = 1 - _last_score(data, one.number, decided) / one.baseline["MADRS"]
                assert fell < 0.5
    assert raised > 3


def _doses(data: TrialData, number: int) -> Mapping[float, float]:
    return {
        note.day: note.value for note in data.notes if note.number == number and note.measure == "session_mg"
    }


def _last_score(data: TrialData, number: int, day: float) -> float:
    return [n.value for n in data.notes if n.number == number and n.measure == "MADRS" and n.day <= day][-1]


def test_a_decision_leaves_everything_before_it_as_it_was() -> None:
    fixed = replace(shipped_design("esketamine_spray"), rules=())
    rule = replace(shipped_design("esketamine_spray").rules[0], conditions=(), days=(14.0,))
    flexible = replace(fixed, rules=(rule,))
    one, two = (run_replicates(this, [0], number=12)[0].notes for this in (fixed, flexible))

    def early(notes: Any) -> list[Any]:
        return [note for note in notes if note.day < 14 or (note.day == 14 and note.measure == "MADRS")]

    assert early(one) == early(two)
    assert [n for n in one if n.day > 14] != [n for n in two if n.day > 14]


def test_people_leave_for_the_reasons_that_the_design_gives() -> None:
    found = design(
        phases=[phase(days=28, visits=[{"days": [7, 14, 21, 28]}])],
        dropout=[
            {"reason": "lack of effect", "weekly_pct": 60, "if": {"scale": "MADRS", "fall_below_pct": 25}},
            {"reason": "other", "weekly_pct": 5},
        ],
    )
    data = run_replicates(found, [0], number=60)[0]
    left = [one for one in data.people if one.reason == "lack of effect"]
    assert len(left) > 15
    for one in left:
        assert _last_score(data, one.number, 28) > 0.75 * one.baseline["MADRS"]
        assert not [n for n in data.notes if n.number == one.number and n.time_h > one.left_h]


def test_reasons_for_leaving_compete_as_constant_hazards_do() -> None:
    weekly = {"lack of effect": 0.2, "adverse event": 0.1, "other": 0.02}
    found = build_design(
        {
            "people": {"number": 1500},
            "scales": {"MADRS": {"mean": 30, "sd": 6}},
            "arms": {"waiting": {"treatment": "none"}},
            "phases": [
                {"name": "waiting", "days": 28, "allocation": {"waiting": 1},
                 "visits": [{"days": [7, 14, 21, 28]}]}
            ],
            "dropout": [{"reason": name, "weekly_pct": 100 * share} for name, share in weekly.items()],
        }
    )  # fmt: skip
    turned = replace(found, dropout=found.dropout[::-1])
    hazards = {name: -math.log(1 - share) for name, share in weekly.items()}
    together = sum(hazards.values())
    for this in (found, turned):
        people = run_replicates(this, [0])[0].people
        for name, hazard in hazards.items():
            expected = hazard / together * -math.expm1(-4 * together)
            share = np.mean([one.reason == name for one in people])
            assert share == pytest.approx(expected, abs=3.5 * math.sqrt(expected / 1500))


def test_everybody_is_somewhere_in_the_flow_of_participants() -> None:
    for name, data in (("withdrawal", withdrawal()), ("esketamine_spray", spray())):
        found = shipped_design(name)
        flow = participant_flow(found, data)
        first = found.phases[0].name
        assert sum(step.started for step in flow.steps if step.phase == first) == flow.entered
        for before, after in itertools.pairwise(found.phases):
            went_on = sum(step.finished for step in flow.steps if step.phase == before.name)
            assert went_on == sum(step.started for step in flow.steps if step.phase == after.name)
        for step in flow.steps:
            assert step.started == step.finished + step.not_admitted + sum(step.left.values())


def test_selection_at_screening_shows_at_baseline() -> None:
    scales = {"MADRS": {"mean": 28, "sd": 6, "rater_sd": 3}}
    found = design(
        people={"number": 1500}, scales=scales,
        eligibility=[{"scale": "MADRS", "at_least": 30, "at": "screening"}],
    )  # fmt: skip
    people = enrol(found, 1, 0)[0]
    z = (29.5 - 28) / 6
    screened = 28 + 6 * norm.pdf(z) / norm.sf(z)
    # Two ratings of one severity are bivariate normal with this correlation.
    expected = 28 + (1 - 3**2 / 6**2) * (screened - 28)
    assert np.mean([one.screening["MADRS"] for one in people]) == pytest.approx(screened, abs=0.35)
    assert np.mean([one.baseline["MADRS"] for one in people]) == pytest.approx(expected, abs=0.4)


def test_what_the_first_period_left_behind_is_there_in_the_second() -> None:
    shipped = shipped_design("saline_crossover")
    first, second = (replace(one, days=3.0, visits=(Visit(1.0, ("MADRS",)),)) for one in shipped.phases)
    data = run_replicates(replace(shipped, number=60, phases=(first, second), rules=(), dropout=()), [0])[0]
    base = {one.number: one.baseline["MADRS"] for one in data.people}
    change: dict[str, list[float]] = {first.name: [], second.name: []}
    for note in data.notes:
        if note.measure == "MADRS" and note.arm == "saline":
            change[note.phase].append(note.value - base[note.number])
    assert np.mean(change[second.name]) < np.mean(change[first.name]) - 2


def test_rescue_and_stopped_treatment() -> None:
    found = design(
        arms={**ARMS, "ketamine": {"treatment": "ketamine 0.05 mg/kg iv over 40 min"}},
        phases=[phase(days=28, sessions=[0, 7, 14, 21], visits=[{"days": [7, 14, 21, 28]}])],
        rules=[
            {
                "name": "rescue",
                "days": [14],
                "if": {"scale": "MADRS", "fall_below_pct": 25},
                "then": {"antidepressant": 1},
                "rescue": True,
            },
            {"name": "stop", "days": [14], "then": {"stop": "end of course"}},
        ],
    )
    data = run_replicates(found, [0], number=20)[0]
    assert all(len(_doses(data, one.number)) == 2 for one in data.people)
    rescued = [one for one in data.people if not math.isnan(one.rescued_h)]
    assert rescued
    assert all((14 * 24.0, "ssri_dose_ratio", 1.0) in one.changes for one in rescued)
    by = {one.key: one.value for one in findings(found, data)}
    for arm in ("ketamine", "saline"):
        people = [one for one in data.people if one.arm == arm]
        assert by["treatment stopped: end of course", -1.0, arm] == 100.0
        assert by["rescued", -1.0, arm] == pytest.approx(100 * np.mean([one in rescued for one in people]))


def rescuing(**changes: Any) -> Design:
    """Everybody who is not well on day 3 is rescued then."""
    rule = {
        "name": "rescue",
        "days": [3],
        "if": {"scale": "MADRS", "above": 12},
        "then": {"antidepressant": 1},
        "rescue": True,
    }
    return design(rules=[rule], **changes)


def test_scores_after_a_rescue_count_or_are_missing_as_the_design_says() -> None:
    counted, missing = rescuing(), rescuing(after_rescue="missing")
    data = run_replicates(counted, [0])[0]
    rescued = {one.number for one in data.people if not math.isnan(one.rescued_h)}
    assert 0 < len(rescued) < len(data.people)
    both = [{one.key: one for one in findings(each, data)} for each in (counted, missing)]
    for arm in ("ketamine", "saline"):
        members = {one.number for one in data.people if one.arm == arm}
        people = [one["MADRS change, observed cases", 7.0, arm].n for one in both]
        assert people == [len(members), len(members - rescued)]
        assert (
            both[0]["MADRS change, observed cases", 3.0, arm]
            == both[1]["MADRS change, observed cases", 3.0, arm]
        )
        # Carried forward is then the score of the visit that led to the rescue.
        scores, last = (values(data, "MADRS", day, arm) for day in (3.0, 7.0))
        base = {one.number: one.baseline["MADRS"] for one in data.people}
        kept = [(scores if number in rescued else last)[number] - base[number] for number in members]
        assert both[1]["MADRS change, LOCF", 7.0, arm].value == pytest.approx(np.mean(kept))


def test_changes_after_a_run_in_may_count_from_its_end() -> None:
    phases = [
        phase(name="run-in", allocation={"saline": 1}, visits=[{"days": [6]}]),
        phase(name="blinded"),
    ]
    entry, late = (design(phases=phases, change_from=start) for start in ("entry", "phase"))
    data = run_replicates(late, [0])[0]
    by = {one.key: one.value for one in findings(late, data)}
    before = {note.number: note.value for note in data.notes if (note.phase, note.day) == ("run-in", 6.0)
              and note.measure == "MADRS"}  # fmt: skip
    after = {note.number: note.value for note in data.notes if (note.phase, note.day) == ("blinded", 7.0)
             and note.measure == "MADRS"}  # fmt: skip
    for arm in ("ketamine", "saline"):
        people = [one for one in data.people if one.arm == arm]
        changes = [after[one.number] - before[one.number] for one in people]
        assert by["MADRS change, observed cases", 7.0, arm] == pytest.approx(np.mean(changes))
        fell = [after[one.number] <= 0.5 * before[one.number] for one in people]
        label = "response (MADRS fall of at least 50 %), observed cases"
        assert by[label, 7.0, arm] == pytest.approx(100 * np.mean(fell))
    assert findings(entry, data) != findings(late, data)


def test_sessions_are_missed_at_the_stated_rate() -> None:
    found = design(phases=[phase(days=28, sessions=list(range(0, 28, 2)))], missed_sessions_pct=20)
    data = run_replicates(found, [0], number=40)[0]
    missed = sum(note.measure == "missed_session" for note in data.notes)
    assert missed / (40 * 14) == pytest.approx(0.2, abs=0.06)


def test_a_scale_that_looks_back_shows_less_of_a_recent_change() -> None:
    def mean(days: float) -> float:
        scales = {"MADRS": {"mean": 33, "sd": 6, "recall_days": days}}
        data = run_replicates(design(scales=scales), [0])[0]
        return float(np.mean(list(values(data, "MADRS", 1.0, "ketamine").values())))

    assert mean(0) + 2 < mean(7)


def test_a_crossover_gives_everybody_both_arms_and_leaves_something_behind() -> None:
    data = run_replicates(shipped_design("saline_crossover"), [0], number=24)[0]
    done = [one for one in data.people if len(one.arms) == 2]
    assert len(done) > 15
    assert all(set(one.arms.values()) == {"ketamine", "saline"} for one in done)
    first = [one.arms["first period"] for one in data.people]
    assert first.count("ketamine") == first.count("saline") == 12


def test_only_responders_are_randomised_in_a_withdrawal_trial() -> None:
    found = shipped_design("withdrawal")
    data = withdrawal()
    entered = [one for one in data.people if "maintenance" in one.arms]
    assert 3 < len(entered) < 18
    start = found.start_h("maintenance")
    for one in entered:
        before = [n.value for n in data.notes if n.number == one.number and n.measure == "MADRS" and
                  n.phase == "optimisation"]  # fmt: skip
        assert before[-1] <= 0.5 * one.baseline["MADRS"]
        if one.reason == "relapse":
            after = [n.value for n in data.notes if n.number == one.number and n.measure == "MADRS" and
                     n.time_h >= start]  # fmt: skip
            assert min(after[-2:]) >= 22
            assert one.left_h == max(n.time_h for n in data.notes if n.number == one.number)


def test_scores_guide_the_interval_between_sessions() -> None:
    data = withdrawal()
    gaps = []
    for one in data.people:
        days = [n.day for n in data.notes if n.number == one.number and n.phase == "maintenance" and
                n.measure == "session_mg"]  # fmt: skip
        gaps += list(np.diff(days))
    assert gaps
    assert set(gaps) <= {7.0, 14.0}


def test_people_randomised_again_can_be_those_of_one_arm_only() -> None:
    found = design(
        phases=[
            phase(name="lead-in"),
            phase(name="again", only=["saline"], others="continue", sessions=[0],
                  enter_if={"scale": "MADRS", "fall_below_pct": 50}),
        ],
    )  # fmt: skip
    data = run_replicates(found, [0], number=24)[0]
    for one in data.people:
        if one.arms["lead-in"] == "ketamine":
            assert one.arms["again"] == "ketamine"
            assert "again" not in one.entered
    assert {one.arms["again"] for one in data.people if "again" in one.entered} == {"ketamine", "saline"}


def test_the_effect_of_the_drug_changes_nothing_in_the_control_arm() -> None:
    full, none = (run_replicates(design(), [0], world=World(effect=effect))[0] for effect in (1.0, 0.0))
    assert values(full, "MADRS", 1.0, "saline") == values(none, "MADRS", 1.0, "saline")
    better = values(full, "MADRS", 1.0, "ketamine"), values(none, "MADRS", 1.0, "ketamine")
    assert np.mean(list(better[0].values())) + 4 < np.mean(list(better[1].values()))


def test_parameter_draws_are_used_in_turn() -> None:
    draws = [ParameterSet({"EP": 0.0, "ES": 0.0}), ParameterSet({"EP": 0.3})]
    mixed = run_replicates(design(), [0, 1], parameter_draws=draws)
    alone = [run_replicates(design(), [n], world=World(drawn=draws[n]))[0] for n in (0, 1)]
    assert [one.notes for one in mixed] == [one.notes for one in alone]


def test_uncertain_parameters_are_kept_apart_from_people_and_trials() -> None:
    found = replace(shipped_design("saline_crossover"), number=8)
    best = (ParameterSet(),)
    known = run_trial(found, replicates=3, parameter_draws=best)
    assert repr(known.drawn) == repr(known.best)
    assert all(row.parameter_sd == 0 for row in known.rows if math.isfinite(row.parameter_sd))
    unsure = run_trial(found, replicates=3, parameter_draws=posterior_draws(3, seed=2))
    assert repr(unsure.best) == repr(known.best)
    change = next(row for row in unsure.rows if row.outcome.startswith("MADRS change") and row.day == 1)
    assert change.parameter_sd > 0
    differences = [
        other.value - one.value
        for one, other in zip(unsure.best, unsure.drawn, strict=True)
        for one, other in zip(one.findings, other.findings, strict=True)
        if one.key == (change.outcome, change.day, change.arm)
    ]
    assert change.parameter_sd == pytest.approx(math.sqrt(np.mean(np.square(differences))))
    screening = unsure.rows[0]
    assert screening.outcome == "MADRS at screening"
    assert screening.parameter_sd == 0


def test_a_study_differs_in_improvement_by_what_was_drawn_for_it() -> None:
    found, compared = design(people={"number": 16}), 0
    plain = run_replicates(found, range(6))
    moved = run_replicates(found, range(6), study_spread={"mood": 0.1})
    for one, other in zip(plain, moved, strict=True):
        before, after = values(one, "MADRS", 1.0), values(other, "MADRS", 1.0)
        for person in other.people:
            scores = before[person.number], after[person.number]
            more = other.study.improvement(person.arm) * person.true["MADRS"]
            if min(scores) > 0.0:  # nobody falls below 0
                compared += 1
                assert scores[0] - scores[1] == pytest.approx(more, abs=1.0)  # whole points
    assert compared > 70


def test_arms_of_a_study_share_half_of_the_variance_of_its_difference() -> None:
    studies = [StudyDifference({"mood": 0.1}, 1, number) for number in range(4000)]
    moves = np.array([[study.improvement(arm) for arm in ("one", "two")] for study in studies])
    assert np.mean(moves, axis=0) == pytest.approx([0.0, 0.0], abs=0.005)
    assert np.std(moves, axis=0) == pytest.approx([0.1, 0.1], rel=0.05)
    assert np.corrcoef(moves.T)[0, 1] == pytest.approx(0.5, abs=0.04)


def test_a_study_differs_in_acute_effects_and_nothing_else() -> None:
    acute = {"minutes": [40], "systolic_error": 0.0, "diastolic_error": 0.0}
    found = design(people={"number": 8}, acute=acute)
    plain = run_replicates(found, [0])[0]
    other = run_replicates(found, [0], study_spread={"acute": 0.5})[0]
    factor = other.study.acute("ketamine")
    assert factor != 1.0
    before, after = (values(one, "systolic_rise", 0.0, "ketamine") for one in (plain, other))
    assert after == {number: pytest.approx(factor * rise) for number, rise in before.items()}
    assert values(plain, "MADRS", 1.0) == values(other, "MADRS", 1.0)


@pytest.mark.parametrize(("events", "sd", "span"), [(30, 5.0, 100.0), (1, 1.0, 2.0)])
def test_a_share_as_a_study_counts_it_is_right_in_the_mean(events: int, sd: float, span: float) -> None:
    studies = [StudyDifference({"shape": 5.0}, 1, number) for number in range(4000)]
    counts = [study.count("response", "a", events, 100) for study in studies]
    assert np.mean(counts) == pytest.approx(events, abs=0.25)
    assert np.std(counts) == pytest.approx(sd, rel=0.15)
    assert min(counts) >= 0.0
    assert max(counts) <= span


def test_studies_are_kept_apart_from_parameters_and_both_are_in_the_interval() -> None:
    found = replace(shipped_design("saline_crossover"), number=8)
    spread, drawn = {"mood": 0.2}, posterior_draws(4, seed=2)
    run = run_trial(found, replicates=4, parameter_draws=drawn, study_spread=spread)
    alone = run_trial(found, replicates=4, parameter_draws=drawn)
    assert repr(run.best) == repr(alone.best)
    assert repr(run.drawn) == repr(alone.drawn)
    with_studies, without = (
        next(one for one in each.rows if one.outcome.startswith("MADRS change") and one.day == 1)
        for each in (run, alone)
    )
    assert with_studies.parameter_sd == without.parameter_sd
    assert with_studies.study_sd > 1.0
    assert math.isnan(without.study_sd)
    assert with_studies.total_high != without.total_high
    one = run_replicates(found, [3], study_spread=spread, parameter_draws=[drawn[3]])[0]
    assert repr(run.study[3].findings) == repr(tuple(findings(found, one)))
    deciding = [one.primary for one in run.study if one.primary is not None]
    assert run.positive_study[0] == sum(is_positive(found, one) for one in deciding) / 4


def test_every_kind_of_drawn_parameter_is_used_and_given_ones_win() -> None:
    one = design()
    drawn = ParameterSet({"EP": 0.1}, {"saline_parallel": {"A_class": 0.6}}, {"course_sensitivity": 1e-9})
    values = World(drawn=drawn, parameters={"EP": 0.25}).typical(one)
    assert (values["EP"], values["A_class"]) == (0.25, 0.6)

    def drawn_numbers(world: World) -> set[float]:
        people = enrol(one, 1, 0, 6)[0]
        draw_course_parameters(one, world, people, seed=1, replicate=0)
        return {round(float(person.parameters["course_sensitivity"]), 6) for person in people}

    assert len(drawn_numbers(World())) == 6
    assert len(drawn_numbers(World(drawn=drawn))) == 1


def test_a_drawn_correlation_between_people_is_used() -> None:
    one, pair = design(), ("course_sensitivity", "mood_sensitivity")

    def correlation(value: float) -> float:
        people = enrol(one, 1, 0, 60)[0]
        world = World(drawn=ParameterSet(correlation={pair: value}))
        draw_course_parameters(one, world, people, seed=1, replicate=0)
        drawn = [[float(np.log(person.parameters[name])) for name in pair] for person in people]
        return float(np.corrcoef(np.array(drawn).T)[0, 1])

    assert correlation(0.0) < 0.3 < 0.8 < correlation(0.95)


def test_results_are_the_same_at_any_number_of_workers_and_after_an_interruption(tmp_path: Path) -> None:
    found = replace(shipped_design("saline_crossover"), number=6)
    plain = run_trial(found, replicates=11)
    assert repr(run_trial(found, replicates=11, workers=2).replicates) == repr(plain.replicates)

    def stop(done: int, total: int) -> None:
        if done >= 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_trial(found, replicates=11, checkpoint=tmp_path, progress=stop)
    assert len(list(tmp_path.glob("replicates_*.json"))) == 1
    reached: list[int] = []
    again = run_trial(
        found, replicates=11, checkpoint=tmp_path, progress=lambda done, _: reached.append(done)
    )
    assert reached[0] == 5
    assert repr(again.replicates) == repr(plain.replicates)
    with pytest.raises(OutputError):
        run_trial(found, replicates=11, seed=2, checkpoint=tmp_path)


def test_pieces_of_another_version_of_the_program_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = replace(shipped_design("saline_crossover"), number=4)
    run_trial(found, checkpoint=tmp_path)
    monkeypatch.setattr("rekindle.trials._trial_run.version", lambda _: "another")
    with pytest.raises(OutputError, match="other inputs"):
        run_trial(found, checkpoint=tmp_path)


def test_a_damaged_piece_is_run_again(tmp_path: Path) -> None:
    found = replace(shipped_design("saline_crossover"), number=4)
    plain = run_trial(found, replicates=2, checkpoint=tmp_path)
    next(tmp_path.glob("replicates_*.json")).write_text("[{")
    assert repr(run_trial(found, replicates=2, checkpoint=tmp_path).replicates) == repr(plain.replicates)


def test_a_definition_may_ask_for_visits_in_a_row() -> None:
    twice = design(response={"scale": "MADRS", "at_most": 16, "consecutive": 2})
    data = run_replicates(twice, [0])[0]
    by = {one.key: one.value for one in findings(twice, data)}
    scores = [values(data, "MADRS", day, "ketamine") for day in (1.0, 3.0, 7.0)]
    label = "response (MADRS <= 16 at 2 visits in a row), observed cases"
    assert by[label, 1.0, "ketamine"] == 0.0
    for place, day in ((1, 3.0), (2, 7.0)):
        met = [max(scores[place][number], scores[place - 1][number]) <= 16 for number in scores[0]]
        assert by[label, day, "ketamine"] == pytest.approx(100 * np.mean(met))
    assert 0.0 < by[label, 7.0, "ketamine"] < 100.0


def test_a_results_section_has_the_numbers_of_its_data_set() -> None:
    found, data = shipped_design("esketamine_spray"), spray()
    by = {one.key: one for one in findings(found, data)}
    last = values(data, "MADRS", 28.0, "placebo")
    base = {one.number: one.baseline["MADRS"] for one in data.people}
    changes = [score - base[number] for number, score in last.items()]
    one = by["MADRS change, observed cases", 28.0, "placebo"]
    assert (one.value, one.spread, one.n) == pytest.approx(
        (np.mean(changes), np.std(changes, ddof=1), len(changes))
    )
    frame = data.observation_frame()
    peak = frame[(frame.measure == "cadss") & (frame.arm == "esketamine")].groupby("person").value.max()
    assert by["dissociation (CADSS > 4)", -1.0, "esketamine"].value == pytest.approx(100 * (peak > 4).mean())
    rises = frame[frame.arm == "esketamine"].pivot_table(
        index="person", columns="measure", values="value", aggfunc="max"
    )
    high = (rises.systolic_rise >= 40) | (rises.diastolic_rise >= 25)
    either = "systolic pressure up by at least 40 or diastolic by at least 25 mmHg"
    assert by[either, -1.0, "esketamine"].value == pytest.approx(100 * high.mean())
    needed = by["number needed to harm, dissociation (CADSS > 4)", -1.0, "esketamine - placebo"].value
    shares = [by["dissociation (CADSS > 4)", -1.0, arm].value for arm in ("esketamine", "placebo")]
    assert needed == pytest.approx(100.0 / (shares[0] - shares[1]))
    assert {"person", "arm", "site", "planned_h", "actual_h", "status", "reason"} <= set(frame.columns)


def test_readings_of_sessions_tell_the_arms_apart() -> None:
    by = {one.key: one.value for one in findings(shipped_design("esketamine_spray"), spray())}
    label = "dissociation (CADSS > 4)"
    assert by[label, -1.0, "placebo"] < 40.0 < 50.0 < by[label, -1.0, "esketamine"]


def test_site_differences_move_all_scores_of_a_site() -> None:
    found = design(sites={"number": 2, "offset_sd": 6})
    data = run_replicates(found, [0], number=80)[0]
    means = [np.mean([one.baseline["MADRS"] - one.true["MADRS"] for one in data.people if one.site == site])
             for site in (1, 2)]  # fmt: skip
    assert abs(means[0] - means[1]) > 1.5


def test_arms_with_an_antidepressant_with_psychotherapy_and_without_sessions() -> None:
    found = design(
        control_class="oral_placebo",
        arms={
            "ssri": {"treatment": "tablets", "antidepressant": 1},
            "placebo": {"treatment": "placebo tablets", "control": True},
            "nothing": {"treatment": "none"},
            "ketamine": {"treatment": "ketamine 0.5 mg/kg iv over 40 min"},
            "both": {"treatment": "ketamine 0.5 mg/kg iv over 40 min", "training_hours_per_day": 0.5},
        },
        phases=[
            phase(
                days=42,
                allocation=dict.fromkeys(("ssri", "placebo", "nothing", "ketamine", "both"), 1),
                visits=[{"days": [42]}],
            )
        ],
    )
    data = run_replicates(found, [0], number=150)[0]
    fall = {
        arm: np.mean(
            [
                1 - score / one.true["MADRS"]
                for one in data.people
                if one.arm == arm and (score := values(data, "MADRS", 42.0).get(one.number)) is not None
            ]
        )
        for arm in found.arms
    }
    assert fall["ssri"] > fall["placebo"] + 0.05
    assert fall["both"] > fall["ketamine"] + 0.05
    assert not [note for note in data.notes if note.arm == "nothing" and note.measure == "session_mg"]
    assert {note.value for note in data.notes if note.arm == "ssri" and note.measure == "session_mg"} == {0.0}


def test_open_label_people_believe_and_no_difference_is_taken() -> None:
    found = design(
        control_class="open_label",
        arms={"ketamine": ARMS["ketamine"]},
        phases=[phase(allocation={"ketamine": 1})],
    )
    data = run_replicates(found, [0], number=6)[0]
    assert all((0.0, "believed_probability", 1.0) in one.changes for one in data.people)
    assert not [one for one in findings(found, data) if " - " in one.arm]


def test_drowsiness_belongs_to_the_person() -> None:
    by_person: dict[int, list[float]] = {}
    for note in spray(60).notes:
        if note.measure == "moaas" and note.arm == "esketamine":
            by_person.setdefault(note.number, []).append(note.value)
    ever = np.mean([min(levels) < 5 for levels in by_person.values()])
    always = np.mean([np.mean(np.array(levels) < 5) for levels in by_person.values()])
    assert 0.2 < always <= ever < 0.9
