"""Predictions of clinical outcomes: every trial simulated as it was run."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from rekindle.errors import EvidenceError, ModelError
from rekindle.evidence import Prediction, development_outcomes
from rekindle.evidence import predict_arms as predict_arms_averaged
from rekindle.evidence._row import Row
from rekindle.evidence._table import read_arms
from rekindle.evidence.outcomes import _notes as notes
from rekindle.evidence.outcomes._arm import read_outcome_arm
from rekindle.evidence.outcomes._number import Number, average
from rekindle.evidence.outcomes._people import Baseline, entry_scores, trial_people
from rekindle.evidence.outcomes._read import read_outcome
from rekindle.evidence.outcomes._schedule import session_times
from rekindle.evidence.outcomes._summary import arm_reports, summarise
from rekindle.people import Population, Setting, Stream, random_generator, simulate_people
from rekindle.therapy import mechanism_weights

PEOPLE = 30


def predict_arms(*args: Any, **options: Any) -> Prediction:
    """One hypothesis is enough for what does not concern their average."""
    return predict_arms_averaged(*args, **{"mechanism": "disinhibition", **options})


def arm(**changes: Any) -> dict[str, Any]:
    """A ketamine arm of a saline-controlled trial."""
    return {
        "study_id": "A", "arm_id": "ketamine", "condition": "mdd", "design": "double-blind parallel",
        "drug": "ketamine", "route": "iv", "dose": 0.5, "dose_unit": "mg/kg", "infusion_min": 40,
        "session_days": "0", "control_class": "saline_parallel", "n": 20, "baseline_mean": 33,
        "baseline_sd": 6, "outcome": "madrs_change", "threshold": "", "time_h": 24, "value": -12,
        "n_at_time": "", "notes": "",
    } | changes  # fmt: skip


def spray(**changes: Any) -> dict[str, Any]:
    """An esketamine arm with two sessions."""
    changes = {"drug": "esketamine", "route": "nasal", "dose": 84, "dose_unit": "mg"} | changes
    changes = {"infusion_min": "", "session_days": "0;3"} | changes
    return arm(**{"control_class": "placebo_spray_existing_ad", **changes})


def predicted(*rows: dict[str, Any], **changes: Any) -> list[float]:
    """Predicted numbers of some rows."""
    found = predict_arms(rows, **{"n_people": PEOPLE, **changes})
    values = [row["predicted"] for row in found.rows]
    assert all(isinstance(value, float) for value in values), [row["reason"] for row in found.rows]
    return [value for value in values if isinstance(value, float)]


def reason(row: dict[str, Any]) -> str:
    """Why a row is not simulated."""
    found = predict_arms([row], n_people=2).rows[0]
    assert (found["verdict"], found["predicted"]) == ("not_simulated", None)
    return str(found["reason"])


def row_of(**changes: Any) -> Row:
    """One row as it is read."""
    return read_arms([arm(**changes)]).rows[0]


# ---- the prediction of a row -------------------------------------------------------------------------------


def test_columns_difference_and_verdict() -> None:
    table = [arm(pass_low=-60, pass_high=60), arm(pass_low=5, pass_high=60), arm(pass_low="", pass_high="")]
    found = predict_arms(table, n_people=PEOPLE)
    assert found.columns[-10:] == (
        "predicted", "predicted_low", "predicted_high", "difference",
        "se_people", "se_parameters", "se_studies", "predicted_sd", "verdict", "reason",
    )  # fmt: skip
    assert [row["verdict"] for row in found.rows] == ["pass", "fail", "no_band"]
    first = found.rows[0]
    assert first["difference"] == first["predicted"] + 12
    assert first["predicted_low"] < first["predicted"] < first["predicted_high"]


def test_a_row_does_not_depend_on_the_others() -> None:
    other = [arm(study_id="B"), arm(arm_id="saline", drug="saline", dose="", outcome="cadss_total")]
    alone = predict_arms([arm()], n_people=PEOPLE).rows[0]
    among = predict_arms([*other, arm(), spray()], n_people=PEOPLE).rows[2]
    later = predict_arms([arm(time_h=72), arm()], n_people=PEOPLE).rows[1]
    for column in ("predicted", "predicted_low", "predicted_high"):
        assert alone[column] == among[column]
        assert alone[column] == pytest.approx(later[column], abs=1e-3)


def test_the_seed_decides() -> None:
    assert predicted(arm()) == predicted(arm())
    assert predicted(arm()) != predicted(arm(), seed=2)


def test_smaller_arms_have_wider_intervals() -> None:
    found = predict_arms([arm(n_at_time=5), arm(n_at_time=500)], n_people=PEOPLE).rows
    widths = [float(row["predicted_high"] or 0) - float(row["predicted_low"] or 0) for row in found]
    assert widths[0] > 1.5 * widths[1]
    assert found[0]["predicted"] == found[1]["predicted"]


def test_a_control_arm_meets_its_control_class() -> None:
    """A saline arm at day 2 is what other people of the same class show."""
    saline = arm(drug="saline", dose="", outcome="madrs_pct_reduction", time_h=48, baseline_mean=40)
    times = [48.0]
    others = simulate_people(
        "saline over 40 min", Population(400, 5), times=times, outputs=["improvement_share"],
        setting=Setting("saline_parallel"),
    )  # fmt: skip
    share = 100 * float(others["improvement_share"].mean())
    assert predicted(saline, n_people=400)[0] == pytest.approx(share, abs=5)


# ---- comparisons -------------------------------------------------------------------------------------------


def test_a_difference_is_the_difference_of_two_arms() -> None:
    rows = [
        arm(),
        arm(arm_id="saline", drug="saline", dose=""),
        arm(outcome="madrs_difference"),
    ]
    active, control, difference = predicted(*rows, n_people=200)
    # Scores of the two control arms hold rating errors of their own.
    assert difference == pytest.approx(active - control, abs=0.6)
    assert difference < -4


def test_a_crossover_is_compared_within_people() -> None:
    rows = [
        arm(outcome="madrs_difference", design=design) for design in ("parallel", "double-blind crossover")
    ]
    parallel, crossover = predict_arms(rows, n_people=100).rows
    assert parallel["predicted"] == crossover["predicted"]
    widths = [float(row["predicted_high"]) - float(row["predicted_low"]) for row in (parallel, crossover)]
    assert widths[1] < widths[0]


def test_an_effect_size_favours_the_active_arm() -> None:
    effect, ideation = predicted(
        arm(outcome="madrs_effect_size"), arm(outcome="suicidal_ideation_effect_size")
    )
    assert effect > 0.5
    assert ideation > 0.0


def test_an_open_label_arm_has_no_difference() -> None:
    assert "no control course" in reason(arm(control_class="open_label", outcome="madrs_difference"))
    assert "from itself" in reason(arm(drug="saline", dose="", outcome="madrs_difference"))


def test_withdrawal_selects_responders_of_the_run_in() -> None:
    row = arm(
        route="oral_er", dose=180, dose_unit="mg", infusion_min="", session_days="", time_h=336,
        control_class="withdrawal", outcome="madrs_difference",
        notes="twice weekly for 12 weeks, mostly at home, after 5 daily open-label doses of 120 mg",
    )  # fmt: skip
    setup = read_outcome_arm(read_arms([row]).rows[0], acute=False).setup
    assert [phase.start_h for phase in setup.phases] == [0.0, 168.0]
    assert [phase.believed for phase in setup.phases] == [1.0, 0.5]
    assert [len(phase.plans[0].sessions) for phase in setup.phases] == [5, 24]
    control = setup.control()
    assert control.phases[0] == setup.phases[0]
    assert control.phases[1].plans[0].drug == "saline"
    assert predicted(row, n_people=60)[0] < 0.0
    assert "run-in" in reason({**row, "notes": ""})


# ---- outcomes ----------------------------------------------------------------------------------------------


def test_forms_of_a_score_agree() -> None:
    change, total, fall = predicted(
        arm(), arm(outcome="madrs_total"), arm(outcome="madrs_pct_reduction"), n_people=100
    )
    assert total == pytest.approx(33 + change, abs=0.2)
    assert fall == pytest.approx(-100 * change / 33, abs=2.0)


def test_shares_follow_their_thresholds() -> None:
    thresholds = ("MADRS<=10", "MADRS<10", "MADRS<=20", "MADRS<=60")
    remission = predicted(
        *(arm(outcome="remission_pct", threshold=text) for text in thresholds), n_people=100
    )
    assert remission[1] <= remission[0] <= remission[2] <= remission[3]
    assert remission[3] == 100.0
    response = predicted(
        *(arm(outcome="response_pct", threshold=text) for text in ("fall >=50%", "fall >=0%")), n_people=100
    )
    assert response[0] < response[1]
    ever = predicted(arm(outcome="response_ever_pct", time_h="", threshold="fall >=50%"), n_people=100)[0]
    assert ever > response[0]
    assert "threshold" in reason(arm(outcome="remission_pct", threshold="QIDS<=5"))


def test_hamd17_has_its_own_scale() -> None:
    found = predict_arms([arm(outcome="hamd17_change", baseline_mean="", baseline_sd="")], n_people=100).rows[
        0
    ]
    assert "HAM-D17 20.3" in str(found["reason"])
    assert -15 < float(found["predicted"] or 0) < -4


def test_an_antidepressant_improves_on_oral_placebo() -> None:
    rows = [
        arm(drug=drug, route="oral", dose="", dose_unit="", session_days="", infusion_min="", time_h=1008,
            control_class="oral_placebo", outcome="hamd17_change", baseline_mean=19, baseline_sd=5)
        for drug in ("ssri", "placebo_oral")
    ]  # fmt: skip
    with_drug, without = predicted(*rows, n_people=100)
    assert -3.5 < with_drug - without < -0.5


def test_acute_outcomes_of_a_session() -> None:
    rows = [
        spray(outcome="cadss_peak"), spray(outcome="cadss_total", time_h=0),
        spray(outcome="sbp_peak_change"), spray(outcome="dbp_peak_change"),
        spray(outcome="sedation_session_pct"), spray(outcome="dissociation_pct", threshold="CADSS>4"),
        spray(outcome="loss_of_consciousness_pct", threshold="MOAA/S 0"),
        spray(outcome="nausea_pct", threshold="spontaneously reported adverse event", time_h=168),
    ]  # fmt: skip
    peak, before, systolic, diastolic, sedated, dissociated, unconscious, nausea = predicted(*rows)
    assert peak > 5
    assert 0.0 < before < 4.0  # what people without any drug answer
    assert systolic > diastolic > 4
    assert 100 > sedated > unconscious > 0
    assert 100 >= dissociated > 50
    assert 1 < nausea < 40
    placebo = spray(drug="placebo_spray", dose="", outcome="sbp_peak_change")
    assert predicted(placebo)[0] == pytest.approx(6.1)


def test_relapse_is_counted_from_the_last_session() -> None:
    row = arm(
        control_class="saline_crossover",
        session_days="0;2;4;7;9;11",
        outcome="relapse_median_days",
        time_h="",
    )
    assert 3.0 <= predicted(row, n_people=60)[0] <= 83.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outcome": "phq9_response_pct"}, "PHQ-9"),
        ({"outcome": "ptsd_response_pct"}, "post-traumatic"),
        ({"outcome": "hr_peak_change"}, "no heart rate"),
        ({"outcome": "mood_index"}, "not known"),
        ({"condition": "ptsd"}, "condition ptsd"),
        ({"drug": "quetiapine"}, "no numbers for quetiapine"),
        ({"drug": "aspirin"}, "drug is"),
        ({"dose": ""}, "no dose"),
        ({"infusion_min": ""}, "no infusion time"),
        ({"session_days": ""}, "sessions are not stated"),
        ({"session_days": "3;0"}, "Rising days"),
        ({"time_h": ""}, "no time"),
        ({"time_h": "soon"}, "time_h"),
        ({"control_class": "sham"}, "control class"),
        ({"route": "nasal", "infusion_min": ""}, "nasal ketamine"),
        ({"pass_low": 2, "pass_high": 1}, "pass_low"),
    ],
)
def test_what_cannot_be_simulated_says_why(changes: dict[str, Any], words: str) -> None:
    assert words in reason(arm(**changes))


# ---- parts -------------------------------------------------------------------------------------------------


def test_flexible_doses_are_divided_over_people() -> None:
    row = read_arms([spray(dose="", notes="dose_levels=56;84, first dose taken as 56 mg")]).rows[0]
    found = read_outcome_arm(row, acute=False)
    plans = found.setup.phases[0].plans
    assert [[session.doses[0].amount for session in plan.sessions] for plan in plans] == [[56, 56], [56, 84]]
    assert any("divided evenly over 56, 84 mg (assumed)" in remark for remark in found.remarks)


def test_notes_that_are_understood() -> None:
    def note(text: str) -> Row:
        return Row(2, {"notes": text})

    assert notes.series(note("six infusions in 21 days then maintenance")) == (6, 21.0)
    assert notes.usual_dose(note("dose mostly 0.5 mg/kg over 40 min")) == pytest.approx((0.5, 2 / 3))
    continued = note("0.4 mg/kg over 10 min, then 0.4 mg/kg/h; total infusion 176 (SD 20.7) min")
    assert notes.continued_infusion(continued) == pytest.approx((0.4, 176 / 60))
    assert notes.stated_baseline(note("baseline about 37-38 (derived)")) == 37.5
    assert notes.entry_score(note("entry MADRS >= 28")) == 28.0
    assert notes.is_change_at_time(note("mean change at 30 min"))
    assert not notes.is_change_at_time(note("largest mean change, at 30-40 min"))


def test_the_label_schedule() -> None:
    remarks: list[str] = []
    found = session_times(Row(2, {"notes": "label schedule"}), acute=False, remarks=remarks)
    assert [time / 24 for time in found[:14]] == [0, 3, 7, 10, 14, 17, 21, 24, 28, 35, 42, 49, 63, 77]
    assert "label schedule" in remarks[0]


@pytest.mark.parametrize("entry", [None, 28.0])
def test_entry_scores_have_the_stated_mean_and_spread(entry: float | None) -> None:
    rated, true = entry_scores(Baseline("MADRS", 37.0, 5.5, entry), "A", 4000, 1)
    assert rated.mean() == pytest.approx(37.0, abs=0.1)
    assert rated.std() == pytest.approx(5.5, abs=0.15)
    assert rated.min() >= (entry or 0.0)
    # Selection on a noisy score: the true severity is lower on average.
    assert true.mean() == pytest.approx(37.0 - (0.0 if entry is None else 0.1), abs=0.1)


def test_regression_to_the_mean_with_a_strict_criterion() -> None:
    rated, true = entry_scores(Baseline("MADRS", 30.0, 6.0, 30.0, before_selection=True), "A", 4000, 1)
    assert rated.min() == 30.0
    assert 0.5 < rated.mean() - true.mean() < 2.0


def test_people_of_a_study() -> None:
    setup = read_outcome_arm(row_of(age_mean=60, female_pct=100, weight_kg=60), acute=False).setup
    people = trial_people(setup, 200, 1)
    assert {person.sex for person in people} == {"F"}
    assert np.mean([person.age_years for person in people]) == pytest.approx(60, abs=3)
    assert np.mean([person.weight_kg for person in people]) == pytest.approx(60, abs=3)


def test_crowds_of_long_courses_are_smaller() -> None:
    long = read_outcome_arm(row_of(session_days=";".join(map(str, range(12)))), acute=False).setup
    assert long.crowd_size(200) == 100
    assert long.crowd_size(400) == 200
    assert long.crowd_size(50) == 50
    assert read_outcome_arm(row_of(), acute=False).setup.crowd_size(200) == 200


def test_summaries() -> None:
    values, others = np.array([[1.0], [3.0], [5.0]]), np.array([[4.0], [5.0], [6.0]])
    once = np.ones((1, 3))
    assert summarise("difference", once, values, others, once)[0] == -2.0
    assert summarise("effect_size", once, values, others, once)[0] == pytest.approx(2 / math.sqrt(2.5))
    assert summarise("share", once, np.array([[1.0], [0.0], [0.5]]), None, once)[0] == 50.0
    assert summarise("median", once, np.array([[np.nan], [3.0], [7.0]]), None, once)[0] == 3.0
    assert summarise("largest_mean", once, np.array([[1.0, 2.0]] * 3), None, once)[0] == 2.0


def test_an_interval_of_a_share_that_nobody_has() -> None:
    generator = random_generator(1, 0, 0, 0, Stream.RESAMPLING)
    found, people = arm_reports("share", np.zeros((50, 1)), None, 10, paired=False, generator=generator)
    assert np.quantile(found, 0.05) == 0.0
    assert np.quantile(found, 0.95) <= 10.0
    assert 0.0 < people < 10.0
    generator = random_generator(1, 0, 0, 0, Stream.RESAMPLING)
    values = np.full((200, 1), 0.3)
    found, people = arm_reports("share", values, None, 2000, paired=False, generator=generator)
    assert 22 < np.quantile(found, 0.05) < 28 < 32 < np.quantile(found, 0.95) < 38
    assert people == pytest.approx(100.0 * math.sqrt(0.3 * 0.7 * (1 / 200 + 1 / 2000)), rel=0.02)


def number(predicted: float, sd: float, *, shares: bool = False) -> Number:
    reports = predicted + sd * np.random.default_rng(3).standard_normal(4000)
    return Number(predicted, reports, np.full(4000, 1 / 4000), sd, 0.0, 0.0, 0.0, sd, shares)


def test_an_average_of_hypotheses_is_the_mixture_of_what_they_predict() -> None:
    one, two = number(-10.0, 1.0), number(-4.0, 1.0)
    both = average({"one": one, "two": two}, {"one": 0.75, "two": 0.25})
    assert both.predicted == pytest.approx(-8.5)
    # Total variance: the mean of the variances and the variance of the means.
    assert both.people == pytest.approx(1.0)
    assert both.mechanisms == pytest.approx(6.0 * math.sqrt(0.75 * 0.25))
    spread = math.hypot(both.people, both.mechanisms)
    mixed = np.average((both.reports - both.predicted) ** 2, weights=both.weights)
    assert math.sqrt(mixed) == pytest.approx(spread, rel=0.03)
    # 5 % and 95 % points of the mixture of two normal distributions.
    assert both.interval[0] == pytest.approx(-10.0 + norm.ppf(0.05 / 0.75), abs=0.1)
    assert both.interval[1] == pytest.approx(-4.0 + norm.ppf(0.80), abs=0.1)
    assert average({"one": one}, {"one": 1.0}) is one


def test_percentages_are_rounded_outwards() -> None:
    low, high = number(40.2, 3.0, shares=True).interval
    assert (low, high) == (math.floor(low), math.ceil(high))
    assert low < 36 < 44 < high


def test_an_averaged_prediction_names_its_parts() -> None:
    found = predict_arms_averaged([arm()], n_people=PEOPLE).rows[0]
    weights = mechanism_weights()
    if len(weights) < 2:
        pytest.skip("only one hypothesis is calibrated")
    each = {name: float(found[f"predicted_{name}"]) for name in weights}
    assert found["predicted"] == pytest.approx(sum(weights[name] * each[name] for name in weights))
    assert found["predicted_equal_weights"] == pytest.approx(sum(each.values()) / len(each))
    alone = predict_arms([arm()], n_people=PEOPLE).rows[0]
    assert alone["predicted"] == each["disinhibition"]
    assert "se_mechanisms" not in alone


def test_a_mechanism_that_is_not_known() -> None:
    with pytest.raises(ModelError, match="disinhibtion"):
        predict_arms([arm()], mechanism="disinhibtion")


def test_every_shipped_row_is_read_or_refused_with_a_reason() -> None:
    table = read_arms(development_outcomes())
    assert len(table.rows) == 191
    refused: dict[str, str] = {}
    for row in table.rows:
        try:
            read_outcome(row)
        except EvidenceError as problem:
            refused[f"{row.number} {row.word('outcome')}"] = str(problem)
    assert len(refused) == 37
    assert all("RK-EVI-010" in text for text in refused.values())
