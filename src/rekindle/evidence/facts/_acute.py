"""Facts about the hours after a dose: dissociation and sedation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence._data import assumption
from rekindle.evidence.facts._bench import SESSION_TIMES, Bench, Quantity
from rekindle.evidence.facts._curves import spells
from rekindle.evidence.facts._fact import Fact, Found, direction, not_computed
from rekindle.evidence.facts._mood import INFUSION
from rekindle.evidence.outcomes._arm import Setup
from rekindle.evidence.outcomes._session_reading import AnySession, SessionPeak
from rekindle.evidence.outcomes._target import ACTIVE
from rekindle.therapy import interaction
from rekindle.trials import endpoint

Array = NDArray[np.float64]

_FIRST_SESSION_H = 1.0
_HNK_UM = 10.0


def fraction_dissociated(bench: Bench, fact: Fact) -> Found:
    """Share of people whose rated CADSS passes the threshold in the first session."""
    rule = endpoint("dissociation", "CADSS")
    reading = AnySession(SessionPeak("cadss", _FIRST_SESSION_H, "CADSS"), rule.threshold)
    found = bench.values(_sprays(bench), ACTIVE, reading)[0]
    return Found(float(found.mean()), f"first session of 56 or 84 mg, {rule.label}")


def cadss_peak_time(bench: Bench, fact: Fact) -> Found:
    """Median time of the highest CADSS of those who dissociate."""
    course, _ = _dissociating(bench)
    return Found(
        60.0 * float(np.median(SESSION_TIMES[course.argmax(axis=1)])), "median of those who dissociate"
    )


def cadss_end_time(bench: Bench, fact: Fact) -> Found:
    """Median time at which those who dissociate are back below the threshold."""
    course, level = _dissociating(bench)
    last = 60.0 * spells(SESSION_TIMES, course, level)[1]
    mean = _first_session(bench, "cadss").mean(axis=0, keepdims=True)
    crossed = 60.0 * spells(SESSION_TIMES, mean, level)[1][0]
    return Found(
        float(np.median(last)),
        f"median of those who dissociate, CADSS back to {level:g}; {100 * (last > 120.0).mean():.0f} % of "
        f"them are still above after 2 h; the mean of all people is back after {crossed:.0f} min",
    )


def sedation_onset(bench: Bench, fact: Fact) -> Found:
    """Median time from which sedation is more likely than not."""
    return _sedation(bench, lambda times, course, level: spells(times, course, level)[0])


def sedation_peak(bench: Bench, fact: Fact) -> Found:
    """Median time of deepest sedation of those who are sedated."""
    return _sedation(bench, lambda times, course, level: times[course.argmax(axis=1)])


def sedation_end(bench: Bench, fact: Fact) -> Found:
    """Median time from which sedation is less likely than not again."""
    return _sedation(bench, lambda times, course, level: spells(times, course, level)[1])


def sedated_patients(bench: Bench, fact: Fact, *, output: str) -> Found:
    """Percentage of people who reach a level of sedation in at least one session."""
    setup = _sprays(bench)
    levels = [
        AnySession(SessionPeak(output, until)) for until in (setup.session_starts[-1] + 1.0, _FIRST_SESSION_H)
    ]
    every, first = (100.0 * float(found.mean()) for found in bench.values(setup, ACTIVE, *levels))
    return Found(
        every,
        f"any of {len(setup.session_starts)} sessions, those of one person taken as independent; "
        f"{first:.3g} % in the first session alone",
    )


def hydroxynorketamine_alone(bench: Bench, fact: Fact) -> Found:
    """Dissociation and sedation with hydroxynorketamine in the brain and nothing else."""
    effects = [bench.value(name, site_hnk=_HNK_UM) for name in ("dissociation", "p_moaas_4")]
    return Found(
        direction(max(effects)),
        f"dissociation {effects[0]:g}, probability of sedation {effects[1]:g} at {_HNK_UM:g} uM "
        "(by structure)",
    )


def lamotrigine(bench: Bench, fact: Fact) -> Found:
    """Change of the highest CADSS under the lamotrigine scenario."""
    scenario = interaction("lamotrigine", "iv").parameters
    times = SESSION_TIMES.tolist()
    plain = bench.typical(INFUSION, times, ["cadss"])["cadss"].max()
    damped = bench.typical(INFUSION, times, ["cadss"], parameters={"L_ltg": scenario["L_ltg"]})["cadss"].max()
    return Found(
        direction(damped - plain),
        f"scenario: highest CADSS {damped - plain:+.3g} points; off by default because studies conflict",
    )


def _sprays(bench: Bench) -> Setup:
    """People of the pooled spray trials, half of them on either dose."""
    return bench.target("TRANSFORM12_AE", "esketamine", "loss_of_consciousness_pct").arm.setup


def _dissociating(bench: Bench) -> tuple[Array, float]:
    """Courses of those who pass the threshold in the first session, and the threshold."""
    level = endpoint("dissociation", "CADSS").threshold
    course = _first_session(bench, "cadss")
    above = course[course.max(axis=1) > level]
    if not len(above):
        raise not_computed(f"nobody passes CADSS {level:g} in the first session")
    return above, level


def _sedation(bench: Bench, read: Callable[[Array, Array, float], Array]) -> Found:
    level = assumption("more_likely_than_not")
    course = _first_session(bench, "p_moaas_4")
    above = course[course.max(axis=1) > level]
    if not len(above):
        raise not_computed("sedation is more likely than not in nobody")
    minutes = 60.0 * float(np.median(read(SESSION_TIMES, above, level)))
    return Found(
        minutes,
        f"median of the {100 * len(above) / len(course):.0f} % in whom MOAA/S 4 or less is more likely than "
        "not; first session",
    )


def _first_session(bench: Bench, output: str) -> Array:
    times = SESSION_TIMES.tolist()
    return bench.course(_sprays(bench), ACTIVE, ("cadss", "p_moaas_4"), times).at(output, times)


ACUTE: dict[str, Quantity] = {
    "fraction_dissociated": fraction_dissociated,
    "cadss_peak_time": cadss_peak_time,
    "cadss_end_time": cadss_end_time,
    "sedation_onset": sedation_onset,
    "sedation_peak": sedation_peak,
    "sedation_end": sedation_end,
    "sedation_moaas_lt5": partial(sedated_patients, output="p_moaas_4"),
    "loss_of_consciousness": partial(sedated_patients, output="p_moaas_0"),
    "dissociation_hnk_alone": hydroxynorketamine_alone,
    "sign_lamotrigine_cadss": lamotrigine,
}
