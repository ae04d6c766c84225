"""Side effects, interactions on effect, inflammation, the two wells and the circuit view."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rekindle.engine import EventTable, Trajectory, solve
from rekindle.errors import ModelError, ParameterError
from rekindle.modelling import to_sbml
from rekindle.people import Person, Setting, simulate_people
from rekindle.regimen import parse_regimen
from rekindle.therapy import (
    adverse_event_incidence,
    adverse_events,
    check_adverse_event,
    circuit_course,
    circuit_rates,
    derive_adverse_events,
    derive_double_well,
    dose_records,
    therapy_model,
)
from rekindle.therapy._adverse_derivation import label_exposure
from rekindle.therapy._tables import read_table

#: The specification's own numbers, which the shipped calibration moves.
nominal_model = partial(therapy_model, parameters="nominal")

IV = "ketamine 0.5 mg/kg iv over 40 min"
NASAL = "esketamine 84 mg nasal"
COURSE = "esketamine 84 mg nasal on days 1, 4, 8, 11, 15, 18, 22, 25"
SWITCHES = {
    "mood": "double_well",
    "opioid_gate": "naltrexone",
    "ect": "on",
    "session_pressure": "on",
    "pressure_covariates": "assumed",
    "ssri_pressure": "assumed",
    "depressant_sedation": "assumed",
    "midazolam_cue": "sedation",
}


def simulate(
    text: str,
    times: Sequence[float] | np.ndarray[Any, Any],
    *,
    parameters: dict[str, float] | None = None,
    switches: dict[str, str] | None = None,
    outputs: Sequence[str] | None = None,
    **covariates: float,
) -> Trajectory:
    model = nominal_model(**(switches or {}))
    rows = [{**row, **covariates} for row in dose_records(parse_regimen(text), weight_kg=70)]
    return solve(
        model, EventTable.from_rows(rows, model), parameters=parameters, times=times, outputs=outputs
    )


def test_new_effects_are_off_by_default() -> None:
    switches = nominal_model().switches
    for name, option in SWITCHES.items():
        assert switches[name].chosen == switches[name].options[0] != option
        assert option in switches[name].options
    with pytest.raises(ModelError, match="mood"):
        nominal_model(mood="triple_well")


# ---- adverse events -------------------------------------------------------------------------------


def test_exposure_of_the_first_hour_is_an_area_that_stops_and_starts_again() -> None:
    times = np.linspace(0, 2, 481)
    found = simulate(NASAL, times, outputs=["early_exposure", "brain_s_ketamine"])
    area, level = found["early_exposure"][0], found["brain_s_ketamine"][0]
    first_hour = times <= 1.0
    assert area[first_hour][-1] == pytest.approx(np.trapezoid(level[first_hour], times[first_hour]), rel=1e-4)
    assert area[times > 1.0] == pytest.approx(area[-1], rel=1e-6)
    twice = simulate("esketamine 84 mg nasal on days 1, 4", [71.9, 72.0, 73.5], outputs=["early_exposure"])
    assert twice["early_exposure"][0, 0] == pytest.approx(area[-1], rel=1e-5)
    assert twice["early_exposure"][0, 1] == pytest.approx(0.0, abs=1e-9)
    # What is left of the first dose after three days is small, and counts.
    assert twice["early_exposure"][0, 2] == pytest.approx(area[-1], rel=0.01)


def test_adverse_event_numbers_are_derived_not_written_by_hand() -> None:
    model = nominal_model()
    derived = derive_adverse_events()
    assert len(derived) == 2 * len(adverse_events()) == 18
    for name, value in derived.items():
        assert model.parameters[name].value == pytest.approx(value, abs=2e-5)
        assert model.parameters[name].mark == "calibrated"


@pytest.mark.parametrize("row", read_table("adverse_event_targets.csv"), ids=lambda row: row["event"])
def test_incidence_meets_the_label(row: dict[str, str]) -> None:
    event = row["event"]
    drug = adverse_event_incidence(event, [label_exposure()] * 8)
    placebo = adverse_event_incidence(event, [0.0] * 8)
    assert 100 * drug == pytest.approx(float(row["esketamine_pct"]), abs=0.01)
    assert 100 * placebo == pytest.approx(float(row["placebo_pct"]), abs=0.01)


def test_incidence_is_the_mean_over_simulated_people() -> None:
    """The quadrature agrees with people who are drawn one by one and give reports session by session."""
    generator, model = np.random.default_rng(4), nominal_model()
    a, b = (float(model.parameters[f"adverse_{k}_nausea"].value or 0.0) for k in "ab")
    log_odds = a + b * math.log1p(label_exposure() / 0.1) + 1.5 * generator.standard_normal((40_000, 1))
    reports = generator.random((40_000, 8)) < 1 / (1 + np.exp(-log_odds))
    simulated = reports.any(axis=1).mean()
    assert adverse_event_incidence("nausea", [label_exposure()] * 8) == pytest.approx(simulated, abs=0.008)


def test_session_probability_follows_exposure_and_tendency() -> None:
    one = simulate(NASAL, [0.0, 1.5])
    before, after = one["p_report_nausea"][0]
    assert before < after < adverse_event_incidence("nausea", [label_exposure()] * 8)
    tender = simulate(NASAL, [1.5], parameters={"adverse_tendency": 4.0})["p_report_nausea"][0, 0]
    assert tender / (1 - tender) == pytest.approx(4 * after / (1 - after), rel=1e-6)
    lower = simulate("esketamine 28 mg nasal", [1.5])["p_report_nausea"][0, 0]
    assert before < lower < after


@given(st.lists(st.floats(0, 5), min_size=1, max_size=12), st.floats(0, 5))
@settings(max_examples=30)
def test_more_sessions_and_more_exposure_never_lower_an_incidence(areas: list[float], more: float) -> None:
    base = adverse_event_incidence("dizziness", areas)
    assert 0.0 < base <= adverse_event_incidence("dizziness", [*areas, more]) + 1e-12 <= 1.0 + 1e-9
    assert base <= adverse_event_incidence("dizziness", [areas[0] + more, *areas[1:]]) + 1e-12


def test_events_without_an_incidence_are_refused() -> None:
    for name in ("confusion", "agitation"):
        with pytest.raises(ParameterError, match="RK-PAR-043"):
            check_adverse_event(name)
    with pytest.raises(ParameterError, match='did you mean "nausea"'):
        adverse_event_incidence("nausia", [0.1])
    with pytest.raises(ParameterError, match="RK-PAR-045"):
        adverse_event_incidence("nausea", [-0.1])


# ---- liking and bladder ---------------------------------------------------------------------------


def test_liking_is_neutral_without_drug_and_half_at_its_half_point() -> None:
    found = simulate("esketamine 84 mg nasal", np.linspace(0, 6, 361))
    liking, level = found["liking"][0], found["brain_s_ketamine"][0]
    assert liking[0] == pytest.approx(50.0, abs=1e-6)
    assert liking == pytest.approx(50 + 50 * level**2.5 / (level**2.5 + 0.165**2.5), abs=1e-4)
    rushed = simulate(NASAL, np.linspace(0, 6, 361), parameters={"kappa_liking": 5.0})["liking"][0]
    assert (rushed >= liking - 1e-6).all()
    assert rushed.max() <= 100.0
    assert "never a risk" in nominal_model().outputs["liking"].description


def test_bladder_index_adds_up_and_fades_with_thirty_days() -> None:
    times = [48.0, 48.0 + 30 * 24]
    one = simulate(IV, times)["bladder_exposure"][0]
    assert one[1] == pytest.approx(one[0] / 2, rel=0.01)
    fine = np.linspace(0, 48, 4801)
    plasma = simulate(IV, fine, outputs=["ketamine_venous"])["ketamine_venous"][0]
    assert one[0] == pytest.approx(np.trapezoid(plasma, fine), rel=0.05)
    course = simulate("ketamine 0.5 mg/kg iv over 40 min, weekly x 4", [22 * 24.0])["bladder_exposure"][0, 0]
    assert 2.5 * one[0] < course < 4 * one[0]
    assert not nominal_model().outputs["bladder_exposure"].measurable


# ---- blood pressure and sedation ------------------------------------------------------------------


def peak(found: Trajectory, name: str) -> float:
    return float(found[name].max())


def test_a_session_raises_blood_pressure_in_every_arm() -> None:
    on, times = {"session_pressure": "on"}, np.linspace(0, 4, 481)
    placebo = simulate("saline iv over 40 min", times, switches=on)
    assert peak(placebo, "systolic_change") == pytest.approx(6.1, abs=1e-6)
    assert peak(placebo, "diastolic_change") == pytest.approx(4.9, abs=0.01)
    drug, alone = simulate(NASAL, times, switches=on), simulate(NASAL, times)
    # Both arms carry the term, so their difference is the drug's own rise.
    difference = drug["systolic_change"] - placebo["systolic_change"]
    assert difference == pytest.approx(alone["systolic_change"], abs=1e-5)
    assert peak(drug, "systolic_pressure") == pytest.approx(120 + peak(drug, "systolic_change"))


def test_age_hypertension_and_ssri_act_only_when_asked_for() -> None:
    times = np.linspace(0, 3, 181)
    facts = {"age": 55.0, "hypertension": 1.0, "ssri_dose_ratio": 1.0}
    plain = peak(simulate(NASAL, times, age=55.0), "systolic_change")
    assert peak(simulate(NASAL, times, **facts), "systolic_change") == pytest.approx(plain, rel=1e-6)
    person = peak(
        simulate(NASAL, times, switches={"pressure_covariates": "assumed"}, **facts), "systolic_change"
    )
    dissociation = 3.0
    assert 1.2 < person / plain < 1.25**2
    ssri = peak(simulate(NASAL, times, switches={"ssri_pressure": "assumed"}, **facts), "systolic_change")
    assert plain < ssri < 1.16 * plain + dissociation
    assert all(nominal_model().parameters[n].mark == "assumed" for n in ("bp_age_factor", "bp_ssri_factor"))


def test_other_sedatives_deepen_sedation_by_log_odds() -> None:
    def log_odds(**more: Any) -> float:
        p = simulate(NASAL, [0.6], outputs=["p_moaas_4"], **more)["p_moaas_4"][0, 0]
        return float(math.log(p / (1 - p)))

    plain, assumed = log_odds(), {"depressant_sedation": "assumed"}
    assert log_odds(cns_depressants=1.0) == pytest.approx(plain, abs=1e-6)
    assert log_odds(cns_depressants=2.0, switches=assumed) == pytest.approx(plain + 2.0, abs=1e-5)
    assert log_odds(diazepam_equivalent=8.0, switches=assumed) == pytest.approx(plain + 0.5, abs=1e-5)
    assert log_odds(diazepam_equivalent=8.0, parameters={"beta_bzd": 2.0}) == pytest.approx(
        plain + 1.0, abs=1e-5
    )


# ---- mood -----------------------------------------------------------------------------------------


def test_opioid_blockade_needs_a_number_of_the_user() -> None:
    gate = {"opioid_gate": "naltrexone"}
    with pytest.raises(ParameterError, match=r'RK-PAR-004.*"o"'):
        simulate(IV, [24], switches=gate)
    blocked = simulate(IV, [24], switches=gate, parameters={"o": 0.0, "EX": 0.0})["improvement_share"][0, 0]
    assert blocked == pytest.approx(0.0, abs=1e-9)
    # The antidepressant terms are lowered; the acute effects are not.
    acute = simulate(IV, [0.7], switches=gate, parameters={"o": 0.0})["cadss"][0, 0]
    assert acute == pytest.approx(simulate(IV, [0.7])["cadss"][0, 0], rel=1e-6)


def test_inflammation_moderates_and_is_no_mediator() -> None:
    mood = "improvement_share"
    plain = simulate(IV, [24, 240], parameters={"EX": 0.0})
    inflamed = simulate(IV, [24, 240], parameters={"EX": 0.0}, inflammation_z=2.0)
    assert (inflamed[mood] < plain[mood]).all()
    assert inflamed["inflammation_score"] == pytest.approx(2.0)
    assert not simulate("saline iv over 40 min", [24], parameters={"EX": 0.0}, inflammation_z=2.0)[mood].any()
    same = simulate(IV, [24, 240], parameters={"EX": 0.0, "F0": 2.0})
    assert same[mood] == pytest.approx(inflamed[mood], rel=1e-6)
    extreme = simulate(IV, [24, 240], parameters={"EX": 0.0}, inflammation_z=5.0)
    assert (extreme[mood] >= -1e-12).all(), "but for rounding"


def test_two_wells_keep_an_untreated_person_ill() -> None:
    found = simulate(
        "saline iv over 40 min", [0, 24, 2400], switches={"mood": "double_well"}, parameters={"EX": 0}
    )
    assert found["madrs_latent"][0] == pytest.approx([33.0] * 3, abs=1e-4)
    assert found["mood_position"][0] == pytest.approx([-1.38044] * 3, abs=1e-4)
    numbers = derive_double_well()
    for name, value in numbers.items():
        assert nominal_model().parameters[name].value == pytest.approx(value, abs=1e-8)


def test_two_wells_jump_above_half_improvement_and_hold_until_it_is_mostly_lost() -> None:
    wells = {"mood": "double_well"}
    times = np.arange(0, 60 * 24, 12.0)

    def course(sensitivity: float, text: str) -> Trajectory:
        return simulate(text, times, switches=wells, parameters={"mood_sensitivity": sensitivity, "EX": 0.0})

    twice_a_week = "ketamine 0.5 mg/kg iv over 40 min on days 1, 4, 8, 11, 15, 18, 22, 25"
    stays, jumps = course(0.5, twice_a_week), course(2.5, twice_a_week)
    assert stays["target_improvement"].max() < 0.5 < jumps["target_improvement"].max()
    assert stays["madrs_latent"].min() > 15.0
    assert jumps["madrs_latent"].min() < 10.0
    position, drive = jumps["mood_position"][0], jumps["target_improvement"][0]
    # Hysteresis: at the same drive the way back lies in the other well.
    back = int(np.argmax((times > times[drive.argmax()]) & (drive < 0.4)))
    out = int(np.argmax(drive > 0.39))
    assert position[out] < 0.0 < position[back]
    assert not nominal_model(mood="double_well").outputs["mood_position"].measurable


def test_the_linear_form_does_not_know_the_wells() -> None:
    assert (
        simulate(IV, [24], outputs=["madrs_latent"]).solver
        == simulate(IV, [24], outputs=["madrs_latent"], parameters={"tau_well": 6.0}).solver
    )
    assert not simulate(IV, [24])["mood_position"].any()


# ---- circuit --------------------------------------------------------------------------------------


def test_circuit_at_rest_fires_at_its_published_rate() -> None:
    rest = circuit_rates(0.0, 0.0)
    assert (rest.excitatory_Hz, rest.inhibitory_Hz) == (
        pytest.approx(3.077, abs=1e-3),
        pytest.approx(3.922, abs=1e-3),
    )
    assert rest.surge == 1.0


def test_circuit_is_disinhibited_at_low_block_and_silenced_at_high_block() -> None:
    surges = [circuit_rates(i, e).surge for i, e in ((0.0, 0.0), (0.2, 0.06), (0.57, 0.25), (0.93, 0.77))]
    assert surges[1] > surges[0] > surges[2] > surges[3]
    interneurons = [circuit_rates(block, 0.0) for block in np.linspace(0, 1, 11)]
    assert interneurons[2].inhibitory_Hz < interneurons[0].inhibitory_Hz
    assert (np.diff([rates.excitatory_Hz for rates in interneurons]) > 0).all()


def test_circuit_steady_state_is_reached_in_time() -> None:
    """Integrating the published equations from rest ends where the solver says."""
    from scipy.integrate import solve_ivp

    def rate(x: float, a: float, b: float, d: float) -> float:
        return (a * x - b) / (1 - math.exp(-d * (a * x - b)))

    def drift(_: float, s: Any) -> list[float]:
        excitatory = rate(1.4 * 0.15 * 0.9 * s[0] - s[1] + 0.382, 310, 125, 0.16)
        inhibitory = rate(0.15 * 0.7 * s[0] - s[1] + 0.7 * 0.382, 615, 177, 0.087)
        return [-s[0] / 100 + (1 - s[0]) * 0.641e-3 * excitatory, -s[1] / 10 + 1e-3 * inhibitory]

    end = solve_ivp(drift, (0, 5000), [0.0, 0.0], method="LSODA", rtol=1e-9, atol=1e-12).y[:, -1]
    # In the steady state the gating of inhibitory cells is 0.01 s times their rate.
    assert circuit_rates(0.3, 0.1).inhibitory_Hz == pytest.approx(100 * end[1], rel=1e-5)


def test_circuit_course_before_during_and_after_a_dose() -> None:
    found = simulate(IV, [0.0, 0.3, 0.7, 24.0], outputs=["interneuron_block", "pyramidal_block"])
    course = circuit_course(found["interneuron_block"][0].tolist(), found["pyramidal_block"][0].tolist())
    assert course[0].surge == 1.0
    assert course[3].surge == pytest.approx(1.0, abs=0.01)
    assert course[2].inhibitory_Hz < course[0].inhibitory_Hz
    with pytest.raises(ParameterError, match="RK-PAR-046"):
        circuit_rates(1.2, 0.0)
    with pytest.raises(ParameterError, match="RK-PAR-047"):
        circuit_course([0.1], [])


# ---- what is shown and exported -------------------------------------------------------------------


def test_what_nobody_can_measure_is_a_hypothesis() -> None:
    outputs = nominal_model().outputs
    for name in (
        "ssri_occupancy", "ssri_desensitisation", "ssri_plasticity", "learning_window", "learning_level",
        "left_after_ssri", "left_after_learning", "early_exposure", "bladder_exposure", "mood_position",
    ):  # fmt: skip
        assert not outputs[name].measurable, name
    for name in ("liking", "midazolam_venous", "systolic_pressure", "p_report_nausea"):
        assert outputs[name].measurable, name


def test_every_number_has_unit_mark_and_description() -> None:
    for switches in ({}, SWITCHES):
        for parameter in nominal_model(**switches).parameters.values():
            assert parameter.unit
            assert parameter.mark in ("seen", "derived", "calibrated", "assumed", "recalled", "user")
            assert parameter.description
            if parameter.mark in ("seen", "derived"):
                assert parameter.source, parameter.name


@pytest.mark.parametrize("switches", [{}, {"mood": "double_well"}], ids=["linear", "double_well"])
def test_export_agrees_with_another_simulator(switches: dict[str, str]) -> None:
    roadrunner = pytest.importorskip("roadrunner")
    pytest.importorskip("libsbml")
    model = nominal_model(**switches)
    rows = [{**row, "ssri_dose_ratio": 1.0} for row in dose_records(parse_regimen(IV), weight_kg=70)]
    happenings: list[dict[str, object]] = [
        {"time": 0.0, "event": "session"},
        {"time": 0.0, "state": "central_S", "amount": 17.5, "duration": 2 / 3},
        {"time": 0.0, "state": "central_R", "amount": 17.5, "duration": 2 / 3},
    ]
    runner = roadrunner.RoadRunner(to_sbml(model, events=happenings, parameters={"ssri_dose_ratio": 1.0}))
    runner.integrator.setValue("relative_tolerance", 1e-11)
    runner.integrator.setValue("absolute_tolerance", 1e-13)
    runner.integrator.setValue("maximum_num_steps", 200_000)
    names = ["madrs_latent", "p_report_nausea", "liking", "bladder_exposure", "ssri_plasticity"]
    runner.timeCourseSelections = ["time", *names]
    theirs = runner.simulate(0, 96, 97)
    ours = solve(model, EventTable.from_rows(rows, model), times=theirs[:, 0], outputs=names, tolerance=1e-10)
    for column, name in enumerate(names, 1):
        assert theirs[2:, column] == pytest.approx(ours[name][0, 2:], rel=2e-6, abs=1e-9), name


def test_a_steepness_below_one_is_that_of_one() -> None:
    """Draws of an uncertain steepness can lie there; without drug its slope would be infinite."""
    setting = Setting("midazolam")
    below, one = (
        simulate_people(
            "saline iv over 40 min", Person(1), times=[1, 24], outputs=["madrs_latent", "cadss"],
            parameters={"gamma": gamma}, setting=setting,
        )
        for gamma in (0.8, 1.0)
    )  # fmt: skip
    assert np.isfinite(below["madrs_latent"]).all()
    assert below["madrs_latent"].tolist() == one["madrs_latent"].tolist()
