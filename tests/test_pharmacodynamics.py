"""The model from brain concentration to mood and safety, against independently derived numbers."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rekindle.engine import EventTable, Trajectory, solve
from rekindle.errors import ModelError, ParameterError
from rekindle.modelling import evaluate, symbol
from rekindle.people import default_variability
from rekindle.regimen import parse_regimen
from rekindle.therapy import (
    control_response,
    control_responses,
    derive_control_response,
    dose_records,
    equal_day_one_strengths,
    pharmacokinetic_model,
    therapy_model,
)
from rekindle.therapy._tables import read_table

#: The specification's own numbers, which the shipped calibration moves.
nominal_model = partial(therapy_model, parameters="nominal")

REFERENCE = Path(__file__).parent / "data" / "receptor_reference.csv"
IV = "ketamine 0.5 mg/kg iv over 40 min"
NASAL = "esketamine 84 mg nasal"
COURSE = "esketamine 84 mg nasal on days 1, 4, 8, 11, 15, 18, 22, 25"
SILENT = {"EX": 0.0}
MECHANISMS = ("disinhibition", "tonic_eef2", "hnk_direct")


def simulate(
    text: str,
    times: Sequence[float] | NDArray[np.float64],
    *,
    parameters: Mapping[str, float] | None = None,
    mechanism: str = "disinhibition",
    outputs: Sequence[str] | None = None,
    control: str | None = None,
    **covariates: float,
) -> Trajectory:
    model = nominal_model(mechanism=mechanism)
    rows = [{**row, **covariates} for row in dose_records(parse_regimen(text), weight_kg=70, control=control)]
    events = EventTable.from_rows(rows, model)
    return solve(model, events, parameters=parameters, times=times, outputs=outputs)


def receptor_rows() -> list[dict[str, float]]:
    with REFERENCE.open(encoding="utf-8") as stream:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(stream)]


def at_site(name: str, s_ketamine: float, r_ketamine: float) -> float:
    """Value of a definition with given brain concentrations (uM) and nothing else."""
    model = nominal_model()
    values = {key: parameter.value for key, parameter in model.parameters.items()}
    values |= {key: covariate.default for key, covariate in model.covariates.items()}
    values |= dict.fromkeys(model.states, 0.0) | {"site_S": s_ketamine, "site_R": r_ketamine}
    return float(evaluate(model.inline(symbol(name))[0], values))


@pytest.mark.parametrize("row", receptor_rows(), ids=lambda row: f"{row['s_ketamine']}-{row['r_ketamine']}")
def test_receptor_reference_values(row: dict[str, float]) -> None:
    names = {
        "a": "occupancy_ratio",
        "b_i": "block_interneuron",
        "b_e": "block_pyramidal",
        "b_x": "block_tonic",
        "u": "glutamate_drive",
    }
    for column, name in names.items():
        assert round(at_site(name, row["s_ketamine"], row["r_ketamine"]), 4) == row[column], column


def test_glutamate_drive_is_an_inverted_u() -> None:
    levels = np.linspace(0.02, 5, 2000)
    drive = np.array([at_site("glutamate_drive", level, level) for level in levels])
    assert drive.max() == pytest.approx(2.237, abs=5e-4)
    assert levels[drive.argmax()] == pytest.approx(0.49, abs=0.01)
    assert at_site("glutamate_drive", 2.735, 2.735) == pytest.approx(1.0, abs=1e-3)


MOOD = {2 / 3: 0.05, 1.2: 0.13, 3.8: 0.28, 24: 0.29, 48: 0.27, 72: 0.25, 168: 0.15, 336: 0.08}


def test_one_infusion_without_expectancy() -> None:
    found = simulate(IV, list(MOOD), parameters=SILENT)
    assert found["improvement_share"][0].tolist() == pytest.approx(list(MOOD.values()), abs=0.0105)
    assert found["synapses"][0, 3] == pytest.approx(0.37, abs=0.0105)
    early = simulate(IV, np.linspace(0, 4, 481), parameters=SILENT, outputs=["glutamate_level"])
    assert early["glutamate_level"].max() == pytest.approx(1.94, abs=0.0105)


def test_without_new_spines_onset_stays_and_maintenance_is_lost() -> None:
    found = simulate(IV, [24, 168], parameters={**SILENT, "kform": 0.0})["improvement_share"][0]
    assert found.tolist() == pytest.approx([0.24, 0.09], abs=0.0105)


def test_synapses_rise_between_12_and_24_hours() -> None:
    synapses = simulate(IV, [0, 12, 24, 24 * 30], parameters=SILENT)["synapses"][0]
    assert synapses[0] == 0.0
    assert synapses[1] < synapses[2]
    assert 0.0 < synapses[3] < synapses[2] <= 1.0


def test_eight_nasal_sessions_overshoot_the_trials_as_documented() -> None:
    """A known tension: 0.31 on day 27, although the pooled trials show less."""
    found = simulate(COURSE, [27 * 24], parameters=SILENT)
    assert found["improvement_share"][0, 0] == pytest.approx(0.31, abs=0.0105)


def peak(values: NDArray[np.float64], times: NDArray[np.float64]) -> tuple[float, float]:
    """Largest value and the minute at which it is reached."""
    return float(values.max()), float(60 * times[values.argmax()])


def test_dissociation_peaks_and_ends_as_derived() -> None:
    times = np.linspace(0, 6, 2161)
    no_tolerance = {"kTin": 0.0}
    drip = simulate(IV, times, parameters=no_tolerance)["dissociation_level"][0]
    spray = simulate(NASAL, times, parameters=no_tolerance)["dissociation_level"][0]
    assert peak(drip, times)[1] == pytest.approx(40, abs=1.5)
    assert peak(spray, times)[1] == pytest.approx(38, abs=1.5)
    assert times[spray > 0.1].max() == pytest.approx(3.0, abs=0.25)
    tolerant = simulate(NASAL, times)["dissociation_level"][0]
    assert times[tolerant > 0.1].max() == pytest.approx(2.5, abs=0.25)


def test_tolerance_lowers_the_eighth_session_by_about_half() -> None:
    times = np.concatenate([np.linspace(start, start + 2, 121) for start in (0.0, 576.0)])
    cadss = simulate(COURSE, times)["cadss"][0]
    assert 1 - cadss[121:].max() / cadss[:121].max() == pytest.approx(0.46, abs=0.02)


def test_blood_pressure_peaks_as_derived() -> None:
    times = np.linspace(0, 4, 1441)
    for text, rise, minute in ((IV, 9.2, 46), (NASAL, 8.7, 53)):
        found = simulate(text, times)
        systolic = found["systolic_change"][0]
        assert peak(systolic, times) == (pytest.approx(rise, abs=0.15), pytest.approx(minute, abs=1.5))
        assert found["diastolic_change"][0] == pytest.approx(0.65 * systolic)


def test_sedation_probabilities() -> None:
    found = {k: at_output(f"p_moaas_{k}", 0.2) for k in range(5)}
    assert found[4] == pytest.approx(0.5, abs=1e-9)
    assert found[0] == pytest.approx(0.003, abs=1e-5)
    assert sorted(found.values()) == [found[k] for k in range(5)]
    assert at_output("p_moaas_4", 0.0) == 0.0


def at_output(name: str, s_ketamine: float) -> float:
    model = nominal_model()
    values = {key: parameter.value for key, parameter in model.parameters.items()}
    values |= {key: covariate.default for key, covariate in model.covariates.items()}
    values |= dict.fromkeys(model.states, 0.0) | {"site_S": s_ketamine}
    return float(evaluate(model.inline(model.outputs[name].expression)[0], values))


def test_mechanisms_agree_one_day_after_the_infusion() -> None:
    strengths = equal_day_one_strengths()
    model = nominal_model()
    for name, value in strengths.items():
        assert model.parameters[name].value == pytest.approx(value, rel=1e-3)
    day = [
        simulate(IV, [24], parameters=SILENT, mechanism=mechanism)["improvement_share"][0, 0]
        for mechanism in MECHANISMS
    ]
    assert day == pytest.approx([day[0]] * 3, rel=1e-3)


def day_one(text: str, mechanism: str) -> float:
    return float(simulate(text, [24], parameters=SILENT, mechanism=mechanism)["improvement_share"][0, 0])


def test_mechanisms_differ_where_the_hypotheses_differ() -> None:
    half = "ketamine 0.1 mg/kg iv over 40 min"
    shares = {name: day_one(half, name) / day_one(IV, name) for name in MECHANISMS}
    assert shares["disinhibition"] < min(shares["tonic_eef2"], shares["hnk_direct"])
    left, right = "esketamine 15 mg iv over 40 min", "arketamine 15 mg iv over 40 min"
    assert day_one(left, "disinhibition") > 1.2 * day_one(right, "disinhibition")
    assert day_one(left, "hnk_direct") == pytest.approx(day_one(right, "hnk_direct"), rel=0.25)
    # 196 mg by mouth give the ketamine area of 35 mg by vein, more slowly and with far more HNK.
    oral = "ketamine 196 mg oral"
    assert day_one(oral, "disinhibition") < day_one(IV, "disinhibition")
    assert day_one(oral, "hnk_direct") > day_one(IV, "hnk_direct")


def test_what_weakens_the_surge_weakens_the_mood_effect() -> None:
    plain = day_one(IV, "disinhibition")
    loaded = simulate(IV, [24], parameters=SILENT, diazepam_equivalent=20.0)["improvement_share"][0, 0]
    lamotrigine = simulate(IV, [24], parameters={**SILENT, "L_ltg": 0.4})
    rapamycin = simulate(IV, [24, 168], parameters=SILENT, mtor_inhibition=1.0)
    permission = simulate(IV, [24], parameters={**SILENT, "o": 0.5})
    # A known tension: clinical reports point to 20 to 60 %, the nominal numbers give about 10 %.
    assert 1 - loaded / plain == pytest.approx(0.10, abs=0.01)
    assert lamotrigine["improvement_share"][0, 0] < plain
    assert lamotrigine["cadss"].max() < simulate(IV, [24], parameters=SILENT)["cadss"].max()
    assert not rapamycin["synapses"].any()
    assert permission["improvement_share"][0, 0] < 0.6 * plain


def test_shares_stay_in_their_range_for_a_very_sensitive_person() -> None:
    found = simulate(COURSE, np.linspace(0, 40 * 24, 200), parameters={"mood_sensitivity": 10.0})
    for name in ("improvement_share", "target_improvement", "synapses", "potentiation", "expectancy_level"):
        assert found[name].min() >= -1e-9
        assert found[name].max() <= 1.0 + 1e-9
    assert (found["madrs_latent"] >= -1e-6).all()


def test_expectancy_jumps_once_per_session_and_once_for_its_highest_peak() -> None:
    times = np.linspace(0, 4, 481)
    found = simulate(NASAL, times)
    level, seen = found["expectancy_level"][0], found["dissociation_level"][0].max()
    decay = math.exp(-math.log(2) / 168 * 4)
    assert level[1] == pytest.approx(0.5, abs=1e-3)
    # The jump at the peak falls a little after the one at the start, hence the tolerance.
    assert level[-1] == pytest.approx((1 - 0.5 * (1 - 0.3 * seen)) * decay, abs=2e-3)


def test_a_second_higher_peak_replaces_the_first() -> None:
    twice = simulate("ketamine 0.3 mg/kg iv over 20 min; 0.6 mg/kg iv over 20 min after 2 h", [6.0])
    once = simulate("ketamine 0.6 mg/kg iv over 20 min", [6.0])
    dissociation = simulate(
        "ketamine 0.3 mg/kg iv over 20 min; 0.6 mg/kg iv over 20 min after 2 h", np.linspace(0, 6, 1441)
    )["dissociation_level"].max()
    decay = math.exp(-math.log(2) / 168 * 6)
    expected = (1 - 0.5 * (1 - 0.3 * dissociation)) * decay
    assert twice["expectancy_level"][0, 0] == pytest.approx(expected, abs=5e-3)
    assert twice["expectancy_level"][0, 0] > once["expectancy_level"][0, 0]


def test_belief_scales_the_jump_at_the_start() -> None:
    level = simulate("saline iv over 40 min", [0.1], believed_probability=0.5)["expectancy_level"][0, 0]
    assert level == pytest.approx(0.25, abs=1e-3)


def control_rows(name: str, days: str) -> list[dict[str, object]]:
    choice = control_responses()[name]
    times = [24.0 * float(day) for day in days.split(";")]
    rows: list[dict[str, object]] = [{"TIME": 0.0, "EVID": 2, "EVENT": "period"}]
    for time in times:
        rows.append({"TIME": time, "EVID": 2, "EVENT": "session"})
        rows.append({"TIME": time + 2 / 3, "EVID": 2, "EVENT": "control_cue"})
    return [{**row, "believed_probability": choice.believed_probability} for row in rows]


@pytest.mark.parametrize("design", read_table("control_designs.csv"), ids=lambda row: row["control_class"])
def test_control_arms_meet_their_observations(design: dict[str, str]) -> None:
    name = design["control_class"]
    targets = [row for row in read_table("control_targets.csv") if row["control_class"] == name]
    if not targets:
        pytest.skip("no development number for this class")
    model = nominal_model()
    events = EventTable.from_rows(control_rows(name, design["session_days"]), model)
    times = sorted({float(row["time_h"]) for row in targets})
    found = solve(model, events, parameters=control_responses()[name].parameters, times=times)
    for row in targets:
        observed = -float(row["change"]) / float(row["baseline"])
        simulated = found["improvement_share"][0, times.index(float(row["time_h"]))]
        assert simulated == pytest.approx(observed, abs=0.022), row


def test_control_numbers_are_derived_not_written_by_hand() -> None:
    model = nominal_model()
    names = ("x0", "x1", "EX", "kX", "tauY")
    derived = derive_control_response({name: float(model.parameters[name].value or 0.0) for name in names})
    assert list(derived) == list(control_responses())
    for name, numbers in derived.items():
        shipped = control_responses()[name]
        known = {**shipped.parameters, "believed_probability": shipped.believed_probability}
        assert known == pytest.approx(numbers, rel=1e-3), name


def test_unblinding_raises_the_difference_between_arms() -> None:
    """Both arms carry the same layer; the difference then exceeds the drug's own effect."""
    control = control_responses()["saline_crossover"]
    active, saline = (
        simulate(
            text,
            [24],
            parameters=control.parameters,
            control="saline_crossover",
            believed_probability=control.believed_probability,
        )["improvement_share"][0, 0]
        for text in (IV, "saline iv over 40 min")
    )
    # Bliss fraction, as in the published contrast.
    bliss = 1 - (1 - active) / (1 - saline)
    assert bliss > simulate(IV, [24], parameters=SILENT)["improvement_share"][0, 0]
    assert bliss == pytest.approx(0.35, abs=0.08)


def test_biology_is_never_called_measurable() -> None:
    outputs = nominal_model().outputs
    hidden = {name for name, output in outputs.items() if not output.measurable}
    for name in (
        "interneuron_block", "pyramidal_block", "tonic_block", "glutamate_level", "bdnf_activity",
        "mtor_activity", "potentiation", "spines", "synapses", "expectancy_level",
        "inflammation_score", "madrs_item10",
    ):  # fmt: skip
        assert name in hidden
    assert {"madrs_latent", "cadss", "systolic_change", "ketamine_venous"} <= set(outputs) - hidden


def test_spreads_belong_to_parameters_of_their_model() -> None:
    default_variability().check(nominal_model())
    for name in ("perez_ruixo_2021", "otto_2021", "simons_2022"):
        spread = default_variability(name)
        assert spread.effects
        spread.check(pharmacokinetic_model(name))
    assert not default_variability("domino_1982").effects


def test_unknown_choices_are_refused() -> None:
    with pytest.raises(ModelError, match="mechanism"):
        nominal_model(mechanism="magic")
    with pytest.raises(ParameterError, match="midazolam"):
        control_response("midazolan")
