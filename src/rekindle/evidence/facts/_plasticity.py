"""Facts about what stays: learning, spines, conventional antidepressants, errors of ratings."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from rekindle.evidence._data import assumption
from rekindle.evidence.facts._bench import Bench, Quantity
from rekindle.evidence.facts._fact import Fact, Found, direction
from rekindle.evidence.facts._mood import INERT, INFUSION
from rekindle.evidence.outcomes._reading import IMPROVEMENT, Score
from rekindle.evidence.outcomes._target import ACTIVE, CONTROL
from rekindle.therapy import TRAINING, training_records
from rekindle.trials import rating_scale

_MADRS = "madrs_latent"
_LEARNING_CLASS = "saline_parallel"
_DAY_1_H, _DAY_7_H, _DAY_30_H = 24.0, 168.0, 720.0
_WEEKS = (6.0, 7.0, 8.0)
_YEAR_DAYS = 365


def slope_after_ketamine(bench: Bench, fact: Fact, *, trained: bool) -> Found:
    """Sign of the change of MADRS from day 1 to day 30."""
    scores = _learner(bench, INFUSION, trained)
    return _signed(scores[1] - scores[0], "from day 1 to day 30")


def training_after_saline(bench: Bench, fact: Fact) -> Found:
    """Sign of what training changes by day 30 after saline."""
    with_it, without = (_learner(bench, INERT, trained)[1] for trained in (True, False))
    return _signed(with_it - without, "by the training on day 30")


def spine_removal(bench: Bench, fact: Fact) -> Found:
    """Sign of the change of the effect on day 7 when no spines are formed."""
    whole, bare = (
        bench.typical(INFUSION, [_DAY_1_H, _DAY_7_H], [IMPROVEMENT], parameters=parameters)[IMPROVEMENT]
        for parameters in ({}, {"kform": 0.0})
    )
    lost = 100.0 * (1.0 - bare / whole)
    return Found(
        direction(float(bare[1] - whole[1])),
        f"typical person without expectancy; {lost[0]:.3g} % of the effect lost at 24 h, {lost[1]:.3g} % on "
        "day 7",
    )


def spine_duration(bench: Bench, fact: Fact) -> Found:
    """Days until new and rescued spines are down to half of their peak."""
    days = np.arange(0, _YEAR_DAYS, 0.5)
    found = bench.typical(INFUSION, (24.0 * days).tolist(), ["spines", "synapses"])
    total = found["spines"] + found["synapses"]
    over = (total <= total.max() / 2.0) & (days > days[total.argmax()])
    return Found(
        float(days[over.argmax()]),
        "time to half of the peak after one infusion in man; when mice are back is not known as a share",
    )


def transporter(bench: Bench, fact: Fact) -> Found:
    """Transporter occupancy at the usual minimum dose."""
    return Found(bench.value("ssri_occupancy", ssri_dose_ratio=1.0), "the parameter was set to this")


def ssri_difference(bench: Bench, fact: Fact) -> Found:
    """HAM-D17 difference between an SSRI and placebo, mean of weeks 6 to 8."""
    target = bench.target("DIA_ODD", "drug", "hamd17_change", 1008.0)
    assert isinstance(target.reading, Score)
    readings = [replace(target.reading, time_h=168.0 * week) for week in _WEEKS]
    setup = target.arm.setup
    drug = bench.values(setup, ACTIVE, *readings)
    control = bench.values(setup.control(), CONTROL, *readings)
    gaps = [float(one.mean() - other.mean()) for one, other in zip(drug, control, strict=True)]
    return Found(
        float(np.mean(gaps)),
        "people of DIA_ODD on the usual minimum dose (assumed) against the same on placebo; target recalled",
    )


def rating_error(bench: Bench, fact: Fact) -> Found:
    """SD of one MADRS rating."""
    return Found(rating_scale("MADRS").sd, "the rating error was set to this")


def _learner(bench: Bench, treatment: str, trained: bool) -> list[float]:
    """MADRS of the typical person on day 1 and day 30."""
    found = bench.typical(
        treatment,
        [_DAY_1_H, _DAY_30_H],
        [_MADRS],
        control_class=_LEARNING_CLASS,
        extra_rows=training_records(TRAINING.rate, start_h=TRAINING.start_h, end_h=TRAINING.end_h)
        if trained
        else (),
    )[_MADRS]
    return [float(value) for value in found]


def _signed(points: float, words: str) -> Found:
    flat = assumption("flat_score")
    return Found(
        direction(points, flat),
        f"MADRS of the typical person {points:+.2g} points {words}; up to {flat:g} points count as none",
    )


PLASTICITY: dict[str, Quantity] = {
    "sign_slope_ketamine_asat": partial(slope_after_ketamine, trained=True),
    "sign_slope_ketamine_sham": partial(slope_after_ketamine, trained=False),
    "sign_effect_saline_asat": training_after_saline,
    "sign_spine_removal_day7": spine_removal,
    "spine_elevation_duration": spine_duration,
    "sert_occupancy_min_dose": transporter,
    "ssri_minus_placebo_hamd17": ssri_difference,
    "madrs_within_sd": rating_error,
}
