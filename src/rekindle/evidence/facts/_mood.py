"""Facts about mood: effects of one infusion, of sprays, relapse, suicidal ideation, a benzodiazepine."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from rekindle.evidence._data import assessments, assumption, fact_rows
from rekindle.evidence.facts._bench import Bench, Quantity
from rekindle.evidence.facts._curves import bliss_fraction, constant_hazard
from rekindle.evidence.facts._fact import Fact, Found, not_computed
from rekindle.evidence.outcomes._reading import IMPROVEMENT, Item10, RelapseTime, Score
from rekindle.evidence.outcomes._target import ACTIVE, OutcomeTarget
from rekindle.trials import endpoint

INFUSION = "ketamine 0.5 mg/kg iv over 40 min"
INERT = "saline iv over 40 min"
_POOLED = "WILKINSON2018_IPD"
_POOL_DAYS = (1.0, 2.0, 3.0, 7.0)
_SEXES = "TRANSFORM12_BY_SEX"
_DAY_28_H = 648.0
#: Remarks about the number of people, which decides the width of an interval only.
_OF_INTERVALS = ("subjects assumed", "interval for")


def reported(bench: Bench, fact: Fact) -> Found:
    """A number that stands in the table of outcomes too (``fact_rows.csv``)."""
    where = fact_rows()[fact.quantity]
    time = float(where["time_h"]) if where["time_h"] else None
    target = bench.target(where["study_id"], where["arm_id"], where["outcome"], time)
    value = bench.number(target)
    words = f"as {where['study_id']} {where['arm_id']}"
    if where["less"]:
        value -= bench.number(bench.target(where["study_id"], where["less"], where["outcome"], time))
        words += f", less {where['less']}"
    remarks = (*target.arm.remarks, *target.remarks)
    notes = [words, *(remark for remark in remarks if not remark.startswith(_OF_INTERVALS))]
    if np.isinf(value):
        days = assumption("relapse_horizon") / 24.0
        notes.insert(0, f"fewer than half reach it within {days:g} days")
    return Found(value, "; ".join(notes))


def bliss_effect(bench: Bench, fact: Fact, *, time_h: float) -> Found:
    """Drug effect on what the control leaves, both arms rated in trials of the same design."""
    drug, control = (_pool(bench, arm) for arm in ("ketamine", "control"))
    means = []
    for target in (drug, control):
        reading = target.reading
        assert isinstance(reading, Score)
        setup, times = target.arm.setup, [24.0 * day for day in _POOL_DAYS]
        entry = replace(reading, form="entry")
        scores = [replace(reading, time_h=time) for time in times]
        before, *after = bench.values(setup, ACTIVE, entry, *scores)
        means += [float(after[times.index(time_h)].mean()), float(before.mean())]
    return Found(bliss_fraction(*means), "arms of the pooled trials, unblinding included")


def day_of_largest_separation(bench: Bench, fact: Fact) -> Found:
    """When the mean improvement under the drug is furthest from that of the control."""
    times = assessments()
    courses = [
        bench.course(_pool(bench, arm).arm.setup, ACTIVE, (IMPROVEMENT,), times).at(IMPROVEMENT, times)
        for arm in ("ketamine", "control")
    ]
    gap = courses[0].mean(axis=0) - courses[1].mean(axis=0)
    day = times[int(gap.argmax())] / 24.0
    return Found(
        day,
        f"at the usual assessments; {100 * gap[0]:.2g} % of baseline apart after {60 * times[0]:.0f} min, "
        f"{100 * gap.max():.2g} % at most",
        extreme=True,
    )


def relapse_hazard(bench: Bench, fact: Fact) -> Found:
    """Constant hazard of relapse after a course of infusions."""
    where = fact_rows()["relapse_after_course"]
    target = bench.target(where["study_id"], where["arm_id"], where["outcome"])
    assert isinstance(target.reading, RelapseTime)
    days = bench.values(target.arm.setup, ACTIVE, target.reading)[0][:, 0]
    if np.isnan(days).all():
        raise not_computed("nobody responds to the course")
    horizon = assumption("relapse_horizon") / 24.0
    return Found(
        constant_hazard(days, horizon),
        f"events over time at risk in {horizon:g} days; {int(np.isfinite(days).sum())} of "
        f"{int((~np.isnan(days)).sum())} responders relapse",
    )


def pooled_difference(bench: Bench, fact: Fact) -> Found:
    """Difference of eight sprays on day 28, women and men weighted by the people of the trials."""
    total = people = 0.0
    for sex in ("women", "men"):
        drug, control = (
            bench.target(_SEXES, f"{arm}_{sex}", "madrs_change", _DAY_28_H)
            for arm in ("esketamine", "placebo")
        )
        size = drug.arm.subjects + control.arm.subjects
        total += size * (bench.number(drug) - bench.number(control))
        people += size
    return Found(total / people, "women and men weighted by their numbers in the trials")


def suicidal_ideation(bench: Bench, fact: Fact) -> Found:
    """Effect size on MADRS item 10 at the assessment where it is furthest from the expected one."""
    target = bench.target(_POOLED, "ketamine", "suicidal_ideation_effect_size")
    sizes = bench.numbers(*(replace(target, reading=Item10(24.0 * day)) for day in _POOL_DAYS))
    found = dict(zip(_POOL_DAYS, sizes, strict=True))
    day = max(found, key=lambda one: abs(found[one] - fact.expected))
    others = ", ".join(f"{value:.2f} on day {one:g}" for one, value in found.items())
    return Found(
        found[day], f"furthest of {others}; MADRS item 10 stands for suicidal ideation", extreme=True
    )


def response_duration(bench: Bench, fact: Fact) -> Found:
    """How long people keep the response that they have one day after an infusion."""
    horizon = int(assumption("response_horizon"))
    times = [24.0 * day for day in range(1, horizon + 1)]
    course = bench.course(_pool(bench, "ketamine").arm.setup, ACTIVE, (IMPROVEMENT,), times)
    rule = endpoint("response", "MADRS")
    responds = 100.0 * course.at(IMPROVEMENT, times) >= rule.threshold
    lasting = responds[responds[:, 0]]
    if not len(lasting):
        raise not_computed("nobody responds one day after the infusion")
    kept = lasting.all(axis=1)
    days = np.where(kept, horizon, lasting.argmin(axis=1) + 1)
    return Found(
        float(days.mean()),
        f"mean over people with a {rule.label} on day 1, without rating error; {100 * kept.mean():.0f} % "
        f"still respond after {horizon} days and count with that time",
    )


def benzodiazepine(bench: Bench, fact: Fact) -> Found:
    """Loss of the drug's effect with a benzodiazepine, on the day of the largest effect in its source."""
    dose, times = assumption("benzodiazepine_dose"), (24.0, 72.0, 168.0)

    def effects(amount: float) -> list[float]:
        left = [
            1.0
            - bench.typical(
                treatment, times, [IMPROVEMENT], control_class="mixed", diazepam_equivalent_mg=amount
            )[IMPROVEMENT]
            for treatment in (INFUSION, INERT)
        ]
        return [bliss_fraction(drug, 1.0, control, 1.0) for drug, control in zip(*left, strict=True)]

    plain, loaded = effects(0.0), effects(dose)
    # Finer digits would show the tolerance of the solver.
    lost = [round(100.0 * (1.0 - less / more), 3) for less, more in zip(loaded, plain, strict=True)]
    return Found(
        lost[1],
        f"typical person on {dose:g} mg a day (assumed), day 3; {lost[0]:.3g} % on day 1, "
        f"{lost[2]:.3g} % on day 7",
    )


def _pool(bench: Bench, arm: str) -> OutcomeTarget:
    return bench.target(_POOLED, arm, "madrs_total", 24.0)


MOOD: dict[str, Quantity] = {
    **dict.fromkeys(fact_rows(), reported),
    **{f"bliss_effect_{hours}h": partial(bliss_effect, time_h=float(hours)) for hours in (24, 48, 72, 168)},
    "day_of_largest_separation": day_of_largest_separation,
    "relapse_hazard_after_course": relapse_hazard,
    "madrs_difference_d28_pooled": pooled_difference,
    "suicidal_ideation_effect_size": suicidal_ideation,
    "response_duration_single": response_duration,
    "effect_reduction_bzd": benzodiazepine,
}
