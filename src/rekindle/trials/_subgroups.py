"""Results in subgroups that the design names, and whether the difference depends on the subgroup."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

from rekindle.trials._analysis_sets import ArmData, arm_data
from rekindle.trials._contrasts import last_carried, pairs
from rekindle.trials._design import CROSS, Design
from rekindle.trials._enrolment import Grouping, group_name
from rekindle.trials._estimate import Estimate
from rekindle.trials._finding import Finding, difference_of, mean_of
from rekindle.trials._trial_data import TrialData


def subgroup_findings(design: Design, data: TrialData, *, differences: bool) -> Iterator[Finding]:
    """Mean changes by arm, differences (LOCF and ANCOVA) and their interaction, for every subgroup."""
    for grouping in design.subgroups:
        members = _members(grouping, data)
        groups = {name: arm_data(design, part) for name, part in members.items()}
        for name, arms in groups.items():
            for arm in arms.values():
                yield from _changes(design, name, arm)
        if differences and design.compared is not None and design.compared.assign != CROSS:
            for active, control in pairs(design):
                yield from _contrast(design, groups, active, control)


def interaction(one: Estimate, two: Estimate) -> Estimate:
    """Difference between the differences of two independent subgroups (normal distribution).

    >>> found = interaction(Estimate(-4.5, 1.41), Estimate(-1.6, 2.04))
    >>> round(found.value, 1), round(found.se, 2)
    (-2.9, 2.48)
    """
    value, se = one.value - two.value, math.hypot(one.se, two.se)
    if not se > 0.0:
        return Estimate(math.nan)
    normal = NormalDist()
    half = normal.inv_cdf(0.975) * se
    p = 2.0 * normal.cdf(-abs(value) / se)
    return Estimate(value, se, value - half, value + half, p, one.n + two.n)


def _members(grouping: Grouping, data: TrialData) -> dict[str, TrialData]:
    names = {one.number: group_name(grouping, one.person, one.site, one.baseline) for one in data.people}
    return {name: _part(data, names, name) for name in sorted(set(names.values()))}


def _part(data: TrialData, names: dict[int, str], name: str) -> TrialData:
    return data.only(lambda one: names[one.number] == name)


def _changes(design: Design, name: str, arm: ArmData) -> Iterator[Finding]:
    scale = design.scale
    for place, day in enumerate(arm.days(scale)):
        yield mean_of(f"{scale} change, observed cases, {name}", day, arm.name, arm.change(scale)[:, place])


def _contrast(
    design: Design, groups: dict[str, dict[str, ArmData]], active: str, control: str
) -> Iterator[Finding]:
    known = {name: arms for name, arms in groups.items() if active in arms and control in arms}
    label, arms = f"{design.scale} difference, LOCF and ANCOVA", f"{active} - {control}"
    days = next(iter(known.values()))[active].days(design.scale) if known else ()
    for place, day in enumerate(days):
        found = {
            name: last_carried(one[active], one[control], design.scale, place) for name, one in known.items()
        }
        for name, estimate in found.items():
            yield difference_of(f"{label}, {name}", day, arms, "points", estimate)
        if len(found) == 2:
            first, second = found.values()
            words = " less ".join(found)
            yield difference_of(f"{label}, {words}", day, arms, "points", interaction(first, second))
