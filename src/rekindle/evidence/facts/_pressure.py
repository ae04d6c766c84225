"""Facts about blood pressure: how large, when, and back."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence._data import assumption
from rekindle.evidence.facts._bench import SESSION_TIMES, Bench, Quantity
from rekindle.evidence.facts._curves import largest_mean, spells
from rekindle.evidence.facts._fact import Fact, Found
from rekindle.evidence.outcomes._target import ACTIVE

Array = NDArray[np.float64]

_SYSTOLIC, _DIASTOLIC = "systolic_change", "diastolic_change"
_ROWS = {_SYSTOLIC: "sbp_peak_change", _DIASTOLIC: "dbp_peak_change"}
_INFUSIONS = ("IV_BP_741", "ketamine")
_SPRAYS, _INERT = ("DOHERTY2020", "esketamine"), ("DOHERTY2020", "placebo")
_ANCHOR_NG_ML = 1959.0


def infusion_rise(bench: Bench, fact: Fact, *, output: str) -> Found:
    """Largest mean rise after an infusion."""
    size, time = largest_mean(SESSION_TIMES, _courses(bench, *_INFUSIONS, output))
    return Found(size, f"mean of all people, {60 * time:.0f} min after the start of the infusion")


def infusion_time(bench: Bench, fact: Fact) -> Found:
    """Minutes from the start of an infusion to the largest mean systolic rise."""
    _, time = largest_mean(SESSION_TIMES, _courses(bench, *_INFUSIONS, _SYSTOLIC))
    _, spray = largest_mean(SESSION_TIMES, _courses(bench, *_SPRAYS, _SYSTOLIC))
    return Found(60.0 * time, f"largest mean rise; {60 * spray:.0f} min after a spray")


def spray_rise(bench: Bench, fact: Fact, *, output: str) -> Found:
    """Largest mean rise after the spray less that after a placebo spray, each at its own time."""
    drug, time = largest_mean(SESSION_TIMES, _courses(bench, *_SPRAYS, output))
    control, _ = largest_mean(SESSION_TIMES, _courses(bench, *_INERT, output))
    return Found(
        drug - control,
        f"{drug:.3g} less {control:.3g} mmHg; with the spray {60 * time:.0f} min after the dose",
    )


def infusion_return(bench: Bench, fact: Fact) -> Found:
    """Minutes until the mean systolic rise after an infusion is back at its baseline."""
    mean = _courses(bench, *_INFUSIONS, _SYSTOLIC).mean(axis=0, keepdims=True)
    level = assumption("baseline_pressure")
    return Found(
        60.0 * float(spells(SESSION_TIMES, mean, level)[1][0]),
        f"mean systolic rise down to {level:g} mmHg (assumed)",
    )


def arterial_rise(bench: Bench, fact: Fact) -> Found:
    """Rise of mean arterial pressure, in %, at a steady plasma level of S-ketamine alone."""
    names = ("kp_K", "fu", "molar_mass_ketamine")
    partition, free, mass = (bench.parameter(name) for name in names)
    site = partition * free * _ANCHOR_NG_ML / mass
    # At a rise of 0 the derivative is the speed times the rise that pressure is moving to.
    systolic = bench.expression(bench.model.derivatives["systolic_rise"], site_S=site) / bench.parameter(
        "kBP"
    )
    diastolic = bench.value(_DIASTOLIC, systolic_rise=systolic)
    covariates = bench.model.covariates
    before = [covariates[name].default for name in ("systolic_entry", "diastolic_entry")]
    assert None not in before, "the model text gives both"
    start = _arterial(*(float(value or 0.0) for value in before))
    return Found(
        100.0 * _arterial(systolic, diastolic) / start,
        "typical person at rest, steady level, no norketamine; the size of the drug's rise was set with this",
    )


def _arterial(systolic: float, diastolic: float) -> float:
    """Mean arterial pressure by the usual third."""
    return (systolic + 2.0 * diastolic) / 3.0


def _courses(bench: Bench, study: str, arm: str, output: str) -> Array:
    """Rise of everybody in the first session, shape (people, times)."""
    setup = bench.target(study, arm, _ROWS[output]).arm.setup
    times = SESSION_TIMES.tolist()
    return bench.course(setup, ACTIVE, (_SYSTOLIC, _DIASTOLIC), times).at(output, times)


PRESSURE: dict[str, Quantity] = {
    "sbp_peak_change_iv": partial(infusion_rise, output=_SYSTOLIC),
    "dbp_peak_change_iv": partial(infusion_rise, output=_DIASTOLIC),
    "sbp_peak_time_iv": infusion_time,
    "sbp_peak_change_in_minus_control": partial(spray_rise, output=_SYSTOLIC),
    "dbp_peak_change_in_minus_control": partial(spray_rise, output=_DIASTOLIC),
    "bp_return_iv": infusion_return,
    "map_rise_1959": arterial_rise,
}
