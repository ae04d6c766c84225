"""What a paper would report of one replicate: every result with arm, time, number of people and interval."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from rekindle.trials._analysis_sets import ArmData, arm_data
from rekindle.trials._contrasts import (
    last_carried,
    mixed,
    observed,
    pairs,
    reached,
    relapse_ratio,
    within_people,
)
from rekindle.trials._design import CROSS, WITHOUT_CONTROL, Design
from rekindle.trials._estimate import carried_forward
from rekindle.trials._finding import Finding, difference_of, mean_of, needed_of, share_of
from rekindle.trials._findings_crossover import crossover_findings
from rekindle.trials._findings_safety import harms, leaving, safety
from rekindle.trials._subgroups import subgroup_findings
from rekindle.trials._survival import kaplan_meier
from rekindle.trials._trial_data import TrialData


def findings(design: Design, data: TrialData) -> list[Finding]:
    """All results of one replicate.

    Differences are taken between each arm and each control arm of the last phase with a comparison, unless
    the design is open label.
    """
    groups = arm_data(design, data)
    found = list(_entry(design, data))
    for arm in groups.values():
        found += _scores(design, arm)
        found += safety(data, arm)
        found += leaving(design, data, arm)
        found += _times(design, arm)
    if has_differences(design):
        for active, control in pairs(design):
            if active in groups and control in groups:
                found += _differences(design, groups[active], groups[control])
                found += crossover_findings(design, groups, active, control)
                found += harms(design, data, groups[active], groups[control])
    found += subgroup_findings(design, data, differences=has_differences(design))
    return found


def has_differences(design: Design) -> bool:
    """Whether a difference between arms means anything: the control class has a blinded control arm."""
    return design.control_class is not None and design.control_class not in WITHOUT_CONTROL


def _entry(design: Design, data: TrialData) -> Iterator[Finding]:
    for scale in design.scales:
        for when in ("screening", "baseline"):
            values = np.array([getattr(one, when)[scale] for one in data.people])
            yield mean_of(f"{scale} at {when}", math.nan, "all", values)
    yield Finding("people screened for one who entered", math.nan, "all", "1",
                  data.screened / len(data.people), n=data.screened)  # fmt: skip


def _scores(design: Design, arm: ArmData) -> Iterator[Finding]:
    for scale in design.scales:
        change, days = arm.change(scale), arm.days(scale)
        last = carried_forward(arm.scores[scale], arm.baseline[scale]) - arm.baseline[scale][:, None]
        for place, day in enumerate(days):
            for name, values in (("observed cases", change[:, place]), ("LOCF", last[:, place])):
                yield mean_of(f"{scale} change, {name}", day, arm.name, values)
    for name, rule in (("response", design.response), ("remission", design.remission)):
        if rule is None:
            continue
        for place, day in enumerate(arm.days(rule.what)):
            met, seen = arm.reached(rule)[:, place], np.isfinite(arm.scores[rule.what][:, place])
            label = f"{name} ({rule.label})"
            yield share_of(f"{label}, observed cases", day, arm.name, *arm.counted(name, met[seen]))
            yield share_of(f"{label}, missing as none", day, arm.name, *arm.counted(name, met))


def _times(design: Design, arm: ArmData) -> Iterator[Finding]:
    rule = design.response
    if rule is not None and arm.days(rule.what):
        ever = arm.counted("response", np.asarray(arm.reached(rule).any(axis=1)))
        yield share_of("response at any visit", math.nan, arm.name, *ever)
        time, event = arm.time_to(rule)
        reaching = kaplan_meier(time, event)
        for day in arm.days(rule.what):
            share = 100.0 * (1.0 - reaching.at(day))
            yield Finding("response so far, Kaplan-Meier", day, arm.name, "%", share, n=len(time))
        yield Finding("median time to response", math.nan, arm.name, "day", reaching.median, n=len(time))
    if design.relapse is not None and arm.relapse is not None:
        curve = kaplan_meier(arm.relapse.time, arm.relapse.event)
        share = 100.0 * (1.0 - curve.at(design.phase(design.relapse_phase).days))
        label, people = f"relapse ({design.relapse.label})", len(arm.people)
        for day in sorted({visit.day for visit in design.phase(design.relapse_phase).visits}):
            well = 100.0 * curve.at(day)
            yield Finding(f"without {label}, Kaplan-Meier", day, arm.name, "%", well, n=people)
        yield Finding(f"{label}, Kaplan-Meier", math.nan, arm.name, "%", share, n=people)
        yield Finding(f"{label}, median time", math.nan, arm.name, "day", curve.median, n=people)


def _differences(design: Design, active: ArmData, control: ArmData) -> Iterator[Finding]:
    arms = f"{active.name} - {control.name}"
    crossed = design.compared is not None and design.compared.assign == CROSS
    for scale in design.scales:
        days = active.days(scale)
        if crossed:
            for place, day in enumerate(days):
                found = within_people(active, control, scale, place)
                yield difference_of(f"{scale} difference, paired", day, arms, "points", found)
            continue
        # After a relapse nobody is rated: a mixed model of such scores has nothing to say.
        model = mixed(active, control, scale) if len(days) > 1 and design.relapse is None else []
        for place, day in enumerate(days):
            by_name = {
                "observed cases": observed(active, control, scale, place),
                "LOCF and ANCOVA": last_carried(active, control, scale, place),
            }
            if model:
                by_name["MMRM"] = model[place]
            for name, found in by_name.items():
                yield difference_of(f"{scale} difference, {name}", day, arms, "points", found)
    for label, rule in (("response", design.response), ("remission", design.remission)):
        if rule is None or not active.days(rule.what) or crossed:
            continue
        day = active.days(rule.what)[-1]
        gap = reached(label, active, control, rule, -1)
        yield needed_of(f"number needed to treat, {label} ({rule.label})", day, arms, gap)
    if design.relapse is not None and active.relapse is not None:
        label = f"hazard ratio of relapse ({design.relapse.label})"
        yield difference_of(label, math.nan, arms, "ratio", relapse_ratio(active, control))
