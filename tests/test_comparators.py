"""Comparators: antidepressants, training, electroconvulsive therapy, midazolam, reported results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

from rekindle.engine import EventTable, Trajectory, solve
from rekindle.errors import ParameterError
from rekindle.regimen import parse_regimen
from rekindle.therapy import (
    control_responses,
    derive_learning_speed,
    derive_ssri_share,
    dose_records,
    ect_records,
    midazolam_records,
    refuse_double_count,
    ssri_records,
    therapy_model,
    training_records,
)
from rekindle.trials import (
    condition_results,
    conditions,
    empirical_arm,
    empirical_result,
    paroxetine_reduction,
    simulate_paroxetine,
)

#: The specification's own numbers, which the shipped calibration moves.
nominal_model = partial(therapy_model, parameters="nominal")

IV = "ketamine 0.5 mg/kg iv over 40 min"
SILENT = {"EX": 0.0}
WEEK = 168.0


def run(
    rows: Sequence[dict[str, Any]],
    times: Sequence[float],
    parameters: dict[str, float] | None = None,
    **switches: str,
) -> Trajectory:
    model = nominal_model(**switches)
    ordered = sorted(rows, key=lambda row: float(row["TIME"]))
    return solve(model, EventTable.from_rows(ordered, model), parameters=parameters or SILENT, times=times)


def doses(text: str = IV) -> list[dict[str, Any]]:
    return dose_records(parse_regimen(text), weight_kg=70)


# ---- antidepressants ------------------------------------------------------------------------------


def test_occupancy_is_four_fifths_at_the_minimum_dose() -> None:
    for ratio, occupancy in ((1.0, 0.8), (2.0, 2 / 2.25), (0.25, 0.5), (0.0, 0.0)):
        found = run(ssri_records(ratio), [1.0])
        assert found["ssri_occupancy"][0, 0] == pytest.approx(occupancy, abs=1e-12)


def test_slow_plasticity_follows_its_closed_form() -> None:
    weeks = np.array([1.0, 2.0, 4.0, 6.0, 8.0])
    found = run(ssri_records(1.0), (weeks * WEEK).tolist())
    fast, slow = 0.5**weeks, 0.5 ** (weeks / 2)
    assert found["ssri_desensitisation"][0] == pytest.approx(0.8 * (1 - fast), rel=1e-6)
    assert found["ssri_plasticity"][0] == pytest.approx(0.64 * (1 - 2 * slow + fast), rel=1e-6)
    assert found["improvement_share"][0] == pytest.approx(0.25 * found["ssri_plasticity"][0], rel=0.02)


def test_onset_takes_hours_with_ketamine_and_weeks_with_an_ssri() -> None:
    times = np.linspace(0, 12 * WEEK, 2017)
    for rows, low, high in ((doses(), 0.0, 12.0), (ssri_records(1.0), WEEK, 12 * WEEK)):
        course = run(rows, times.tolist())["improvement_share"][0]
        half = times[np.argmax(course >= course.max() / 2)]
        assert low < half < high


def test_ssri_strength_is_derived_and_held_in_its_range() -> None:
    derived, parameter = derive_ssri_share(), nominal_model().parameters["EQ"]
    assert parameter.value == derived["EQ"] == parameter.high
    # A known tension: the development half asks for more than the range allows.
    assert derived["least_squares"] == pytest.approx(0.45, abs=0.01)
    # About 2 HAM-D17 points over placebo at 8 weeks, on what placebo leaves of 18.
    left = 18.06 - 5.24
    assert left * 0.25 * run(ssri_records(1.0), [8 * WEEK])["ssri_plasticity"][0, 0] == pytest.approx(
        2, abs=1
    )


def test_a_stopped_antidepressant_fades() -> None:
    found = run(ssri_records(1.0, end_h=6 * WEEK), [6 * WEEK, 12 * WEEK])["improvement_share"][0]
    assert 0.0 < found[1] < 0.5 * found[0]


def test_both_treatments_act_on_what_is_left() -> None:
    together = run([*ssri_records(1.0), *doses()], [WEEK])["improvement_share"][0, 0]
    apart = [run(rows, [WEEK])["improvement_share"][0, 0] for rows in (ssri_records(1.0), doses())]
    assert max(apart) < together < sum(apart)
    assert together == pytest.approx(1 - (1 - apart[0]) * (1 - apart[1]), abs=1e-4)


def test_slow_plasticity_can_feed_spines_when_the_user_says_how_much() -> None:
    plain = run(ssri_records(1.0), [6 * WEEK])
    fed = run(ssri_records(1.0), [6 * WEEK], {**SILENT, "qQ": 0.05, "qT": 0.05})
    assert not plain["synapses"].any()
    assert fed["synapses"][0, 0] > 0.0
    assert fed["improvement_share"][0, 0] > plain["improvement_share"][0, 0]


def test_an_antidepressant_is_counted_once() -> None:
    for name in ("placebo_spray_new_ad", "inpatient_new_ad"):
        refuse_double_count(name, 0.0)
        with pytest.raises(ParameterError, match="RK-PAR-050"):
            refuse_double_count(name, 1.0)
    for name in set(control_responses()) - {"placebo_spray_new_ad", "inpatient_new_ad"}:
        refuse_double_count(name, 1.0)


# ---- training -------------------------------------------------------------------------------------


def training() -> list[dict[str, Any]]:
    return training_records(40 / 1440, start_h=24, end_h=120)


def test_training_keeps_what_ketamine_opened_and_does_nothing_after_saline() -> None:
    times = [24.0, 720.0]
    trained, sham = (run(rows, times)["improvement_share"][0] for rows in ([*doses(), *training()], doses()))
    saline = run([*doses("saline iv over 40 min"), *training()], times)["improvement_share"][0]
    assert trained[0] == pytest.approx(sham[0], abs=1e-6)
    # Known tension: flat cannot be reached with EL 0.3 and forgetting over 60 days; three quarters are kept.
    assert (trained[1] - sham[1]) / (sham[0] - sham[1]) == pytest.approx(0.75, abs=1e-3)
    assert not saline.any()


def test_training_outside_the_window_comes_too_late() -> None:
    late = training_records(40 / 1440, start_h=24 * 20, end_h=24 * 24)
    found = [run([*doses(), *rows], [24 * 30.0])["learning_level"][0, 0] for rows in (training(), late)]
    assert found[1] < 0.01 * found[0]


def test_learning_speed_is_derived_not_written_by_hand() -> None:
    assert nominal_model().parameters["eta_learning"].value == pytest.approx(
        derive_learning_speed(), rel=1e-4
    )


# ---- electroconvulsive therapy --------------------------------------------------------------------


def test_electroconvulsive_therapy_without_numbers_is_refused() -> None:
    with pytest.raises(ParameterError, match="RK-PAR-004"):
        run(ect_records([0, 2]), [100.0], ect="on")
    with pytest.raises(ParameterError, match="n50_ect"):
        run(ect_records([0, 2]), [100.0], {**SILENT, "E_ect": 0.6}, ect="on")


def test_electroconvulsive_therapy_counts_its_sessions() -> None:
    numbers = {**SILENT, "E_ect": 0.6, "n50_ect": 4.0}
    found = run(ect_records([0, 2, 4, 7]), [24.0, 480.0], numbers, ect="on")["improvement_share"][0]
    assert found == pytest.approx([0.6 * 1 / 5, 0.6 * 4 / 8], abs=1e-6)


# ---- midazolam ------------------------------------------------------------------------------------


def test_midazolam_course_conserves_its_dose() -> None:
    times = np.linspace(0, 48, 9601)
    plasma = run(midazolam_records([0], weight_kg=70), times.tolist())["midazolam_venous"][0]
    assert np.trapezoid(plasma, times) == pytest.approx(1000 * 0.045 * 70 / 28, rel=2e-3)
    assert times[plasma.argmax()] == pytest.approx(2 / 3, abs=0.01)
    assert 20 < plasma.max() < 80


def test_midazolam_sedates_without_ketamine_and_never_dissociates() -> None:
    found = run(midazolam_records([0], weight_kg=70), [0.6, 24.0])
    assert 0.05 < found["p_moaas_4"][0, 0] < 0.5
    assert found["p_moaas_4"][0, 1] < 1e-3
    for name in ("cadss", "interneuron_block", "potentiation", "improvement_share"):
        assert not found[name].any()


def test_the_cue_of_midazolam_is_that_of_its_class_or_its_own_sedation() -> None:
    rows = midazolam_records([0], weight_kg=70)
    numbers = {"control_cue_size": 0.5, "x0": 0.0}
    by_class = run(rows, [1.0], numbers)["expectancy_level"][0, 0]
    own = run(rows, [1.0], numbers, midazolam_cue="sedation")
    fade = math.exp(-math.log(2) / 168 * (1 - 2 / 3))
    assert by_class == pytest.approx(0.3 * 0.5 * fade, rel=1e-6)
    sedation = run(rows, [2 / 3], numbers)["p_moaas_4"][0, 0]
    assert own["expectancy_level"][0, 0] == pytest.approx(0.3 * sedation * fade, rel=1e-4)
    assert control_responses()["midazolam"].parameters["control_cue_size"] == 0.5


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: midazolam_records([0], weight_kg=0), "RK-PAR-052"),
        (lambda: ssri_records(-1), "RK-PAR-048"),
        (lambda: training_records(2, start_h=0, end_h=1), "RK-PAR-049"),
        (lambda: training_records(0.1, start_h=5, end_h=5), "RK-PAR-051"),
    ],
)
def test_impossible_comparators_are_refused(call: Any, code: str) -> None:
    with pytest.raises(ParameterError, match=code):
        call()


# ---- paroxetine -----------------------------------------------------------------------------------


def test_paroxetine_equations() -> None:
    largest = 90.9 - (3000 / 2610.43) ** -8.56
    half = 0.984 + (29 / 28.64) ** 2.38
    found = paroxetine_reduction([0, 1, 6], auc_week1=3000, madrs_week1=29)
    assert found == pytest.approx([0.0, largest / (half + 1), 6 * largest / (half + 6)], rel=1e-12)


def test_paroxetine_is_refused_where_it_was_not_seen() -> None:
    with pytest.raises(ParameterError, match="1642 to 5814"):
        paroxetine_reduction([1], auc_week1=1541, madrs_week1=29)
    with pytest.raises(ParameterError, match="RK-PAR-092"):
        paroxetine_reduction([1], auc_week1=3000, madrs_week1=None)
    with pytest.raises(ParameterError, match="0 to 6 weeks"):
        paroxetine_reduction([8], auc_week1=3000, madrs_week1=29)
    with pytest.raises(ParameterError, match="non-specific response"):
        simulate_paroxetine([1], auc_week1=[3000], madrs_week1=[29], seed=1, control_class="oral_placebo")
    with pytest.raises(ParameterError, match="RK-PAR-095"):
        simulate_paroxetine([1], auc_week1=[3000], madrs_week1=[], seed=1)


def test_paroxetine_redraws_negative_half_times() -> None:
    n = 4000
    found = simulate_paroxetine([1, 6], auc_week1=[3200] * n, madrs_week1=[29] * n, seed=3, residual=False)
    # A normal relative deviation with variance 0.486 is below -1 in 7.6 %.
    assert found.redrawn / (n + found.redrawn) == pytest.approx(0.076, abs=0.015)
    assert (found.reduction_pct[:, 1] >= found.reduction_pct[:, 0] - 1e-9).mean() > 0.98
    assert found.reduction_pct.max() <= 100.0
    again = simulate_paroxetine([1, 6], auc_week1=[3200], madrs_week1=[29], seed=3, residual=False)
    assert again.reduction_pct[0].tolist() == found.reduction_pct[0].tolist()


def test_paroxetine_is_near_its_own_observations() -> None:
    """Mean percentage falls of the 50 people were 25.9, 45.7, 57.5 and 64.2 at weeks 1, 2, 4 and 6."""
    n = 3000
    found = simulate_paroxetine([1, 2, 4, 6], auc_week1=[3000] * n, madrs_week1=[29.3] * n, seed=1)
    assert found.reduction_pct.mean(axis=0) == pytest.approx([25.9, 45.7, 57.5, 64.2], abs=8)


# ---- reported results -----------------------------------------------------------------------------


def test_quetiapine_is_only_what_was_reported() -> None:
    arm = empirical_arm("quetiapine")
    assert {result.role for result in arm} == {"check"}
    assert {result.control_class for result in arm} == {"open_label"}
    assert empirical_result("quetiapine", "phq9_response_pct", 5376).value == 40.3
    with pytest.raises(ParameterError, match="RK-PAR-099"):
        empirical_result("quetiapine", "remission_pct", 2000)
    with pytest.raises(ParameterError, match="RK-PAR-098"):
        empirical_arm("lithium")


def test_conditions_have_their_own_scales_or_are_refused() -> None:
    scales = {name: {result.scale for result in condition_results(name)} for name in conditions()}
    assert scales["ptsd"] == {"CAPS-5"}
    assert scales["anxiety"] == {"LSAS", "VAS anxiety"}
    assert scales["bipolar_depression"] == {"MADRS"}
    assert "suicidal-ideation item" in scales["mdd_suicidal"]
    for name in ("ocd", "substance_users", "schizophrenia"):
        with pytest.raises(ParameterError, match="RK-PAR-097"):
            condition_results(name)
    with pytest.raises(ParameterError, match="RK-PAR-096"):
        condition_results("trd")
