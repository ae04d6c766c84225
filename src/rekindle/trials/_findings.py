"""What a paper would report of one replicate: every result with arm, time, number of people and interval."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import SolverError
from rekindle.trials._analysis_sets import ArmData, arm_data, sessions_of
from rekindle.trials._design import CROSS, WITHOUT_CONTROL, Condition, Design, Primary
from rekindle.trials._enrolment import meets
from rekindle.trials._estimate import UNKNOWN, Estimate, ancova, carried_forward, paired, welch
from rekindle.trials._repeated_measures import mmrm
from rekindle.trials._shares import number_needed, share_difference
from rekindle.trials._survival import hazard_ratio, kaplan_meier
from rekindle.trials._tables import read_table
from rekindle.trials._trial_data import TrialData

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Finding:
    """One number of a results section.

    Attributes:
        outcome: what, with scale and threshold.
        day: day of the phase; not a number for results over the whole phase.
        arm: arm, or "active - control".
        value: in ``unit``.
        spread: SD between people, or the standard error of a difference.
        low, high: 95 % interval.
        p: two-sided.
        n: people behind it.
    """

    outcome: str
    day: float
    arm: str
    unit: str
    value: float
    spread: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    n: int = 0

    @property
    def key(self) -> tuple[str, float, str]:
        """What makes it the same result in another replicate."""
        return self.outcome, -1.0 if math.isnan(self.day) else self.day, self.arm


def findings(design: Design, data: TrialData) -> list[Finding]:
    """All results of one replicate.

    Differences are taken between each arm and each control arm of the last phase with a comparison, unless
    the design is open label.
    """
    groups = arm_data(design, data)
    found = list(_entry(design, data))
    for arm in groups.values():
        found += _scores(design, arm)
        found += _safety(data, arm)
        found += _course(design, arm)
    if design.control_class is not None and design.control_class not in WITHOUT_CONTROL:
        for active, control in pairs(design):
            if active in groups and control in groups:
                found += _differences(design, groups[active], groups[control])
                found += _harms(data, groups[active], groups[control])
    return found


def pairs(design: Design) -> list[tuple[str, str]]:
    """Arms to be compared with a control arm of the same phase."""
    phase = design.compared
    if phase is None:
        return []
    controls = [arm for arm in phase.allocation if design.arms[arm].control]
    return [(arm, one) for one in controls for arm in phase.allocation if arm != one and arm not in controls]


def primary_result(design: Design, data: TrialData) -> Estimate:
    """The result that decides, as ``design.primary`` states it: that of the interim analysis that stops the
    trial, else that of everybody.

    For relapse the value is the logarithm of the hazard ratio, so that below 0 favours the active arm as in
    every other analysis but response and remission.
    """
    primary = design.primary
    assert primary is not None, "asked only of designs with a primary result"
    for share, alpha in primary.looks:
        found = _primary_of(design, primary, data.first(round(share * len(data.people))))
        if _favours(primary, found) and found.p < alpha:
            return found
    return _primary_of(design, primary, data)


def is_positive(design: Design, result: Estimate) -> bool:
    """Whether a primary result is significant in favour of the active arm; one that is missing is not."""
    primary = design.primary
    assert primary is not None, "asked only of designs with a primary result"
    return bool(_favours(primary, result) and result.p < primary.alpha)


def _favours(primary: Primary, result: Estimate) -> bool:
    return result.value > 0 if primary.analysis in ("response", "remission") else result.value < 0


def _primary_of(design: Design, primary: Primary, data: TrialData) -> Estimate:
    groups = arm_data(design, data)
    if not set(primary.arms) <= set(groups):
        return UNKNOWN
    active, control = (groups[name] for name in primary.arms)
    days = active.days(primary.scale)
    at, level = days.index(primary.day) if primary.day in days else -1, 1.0 - primary.alpha
    match primary.analysis:
        case "relapse":
            found = _relapse_ratio(active, control, level)
            return Estimate(math.log(found.value), found.se, math.log(found.low), math.log(found.high),
                            found.p, found.n) if found.n else UNKNOWN  # fmt: skip
        case "paired":
            return _paired(active, control, primary.scale, at, level)
        case "response" | "remission":
            rule = design.response if primary.analysis == "response" else design.remission
            assert rule is not None, "the reader gives both"
            return share_difference(*_counted(active, rule, at), *_counted(control, rule, at), level)
        case "mmrm":
            return _mixed(active, control, primary.scale, level)[at]
        case "locf":
            return _locf(active, control, primary.scale, at, level)
    return welch(active.change(primary.scale)[:, at], control.change(primary.scale)[:, at], level)


def _entry(design: Design, data: TrialData) -> Iterator[Finding]:
    for scale in design.scales:
        for when in ("screening", "baseline"):
            values = np.array([getattr(one, when)[scale] for one in data.people])
            yield Finding(
                f"{scale} at {when}",
                math.nan,
                "all",
                "points",
                float(values.mean()),
                _sd(values),
                n=len(values),
            )
    yield Finding("people screened for one who entered", math.nan, "all", "1",
                  data.screened / len(data.people), n=data.screened)  # fmt: skip


def _scores(design: Design, arm: ArmData) -> Iterator[Finding]:
    for scale in design.scales:
        change, days = arm.change(scale), arm.days(scale)
        last = carried_forward(arm.scores[scale], arm.baseline[scale]) - arm.baseline[scale][:, None]
        for place, day in enumerate(days):
            for name, values in (("observed cases", change[:, place]), ("LOCF", last[:, place])):
                seen = values[np.isfinite(values)]
                mean = float(seen.mean()) if len(seen) else math.nan
                yield Finding(
                    f"{scale} change, {name}", day, arm.name, "points", mean, _sd(seen), n=len(seen)
                )
    for name, rule in (("response", design.response), ("remission", design.remission)):
        if rule is None:
            continue
        for place, day in enumerate(arm.days(rule.what)):
            reached, seen = arm.reached(rule)[:, place], np.isfinite(arm.scores[rule.what][:, place])
            label = f"{name} ({rule.label})"
            yield _share(f"{label}, observed cases", day, arm.name, reached[seen])
            yield _share(f"{label}, missing as none", day, arm.name, reached)


def _safety(data: TrialData, arm: ArmData) -> Iterator[Finding]:
    readings = sessions_of(data, arm)
    for row in read_table("safety_limits.csv"):
        if row["measure"] in readings.highest:
            limit = Condition(row["measure"], row["test"], float(row["limit"]))
            extreme = readings.lowest if row["test"] == "at_most" else readings.highest
            flags = np.array([meets(limit, value) for value in extreme[row["measure"]].values()])
            yield _share(row["name"], math.nan, arm.name, flags)
    if readings.highest:
        for event, people in readings.reports.items():
            yield _share(f"report of {event}", math.nan, arm.name, people)


def _course(design: Design, arm: ArmData) -> Iterator[Finding]:
    reasons = [str(rule.value) for rule in design.rules if rule.action == "leave"]
    for reason in dict.fromkeys(reasons):
        flags = np.array([one.reason == reason for one in arm.people])
        yield _share(f"left: {reason}", math.nan, arm.name, flags)
    yield _share("completed", math.nan, arm.name, np.array([one.status == "completed" for one in arm.people]))
    if design.response is not None and arm.days(design.response.what):
        yield _share(
            "response at any visit", math.nan, arm.name, np.asarray(arm.reached(design.response).any(axis=1))
        )
    if any(rule.rescue for rule in design.rules):
        flags = np.array([not math.isnan(one.rescued_h) for one in arm.people])
        yield _share("rescued", math.nan, arm.name, flags)
    if design.response is not None and arm.days(design.response.what):
        time, event = arm.time_to(design.response)
        curve = kaplan_meier(time, event)
        yield Finding(
            "median time to response", math.nan, arm.name, "day", _finite(curve.median), n=len(time)
        )
    if design.relapse is not None and arm.relapse_time is not None and arm.relapse_event is not None:
        curve = kaplan_meier(arm.relapse_time, arm.relapse_event)
        end = design.phase(design.relapse_phase).days
        share = 100.0 * (1.0 - (curve.at(end) if len(curve.time) else 1.0))
        label = f"relapse ({design.relapse.label})"
        yield Finding(f"{label}, Kaplan-Meier", math.nan, arm.name, "%", share, n=len(arm.people))
        yield Finding(f"{label}, median time", math.nan, arm.name, "day", _finite(curve.median),
                      n=len(arm.people))  # fmt: skip


def _differences(design: Design, active: ArmData, control: ArmData) -> Iterator[Finding]:
    name = f"{active.name} - {control.name}"
    crossed = design.compared is not None and design.compared.assign == CROSS
    for scale in design.scales:
        days = active.days(scale)
        if crossed:
            for place, day in enumerate(days):
                found = _paired(active, control, scale, place)
                yield _finding(f"{scale} difference, paired", day, name, "points", found)
            continue
        # After a relapse nobody is rated: a mixed model of such scores has nothing to say.
        mixed = _mixed(active, control, scale) if len(days) > 1 and design.relapse is None else []
        for place, day in enumerate(days):
            found = welch(active.change(scale)[:, place], control.change(scale)[:, place])
            yield _finding(f"{scale} difference, observed cases", day, name, "points", found)
            found = _locf(active, control, scale, place)
            yield _finding(f"{scale} difference, LOCF and ANCOVA", day, name, "points", found)
            if mixed:
                yield _finding(f"{scale} difference, MMRM", day, name, "points", mixed[place])
    for label, rule in (("response", design.response), ("remission", design.remission)):
        if rule is None or not active.days(rule.what) or crossed:
            continue
        day = active.days(rule.what)[-1]
        gap = share_difference(*_counted(active, rule, -1), *_counted(control, rule, -1))
        yield _needed(f"number needed to treat, {label} ({rule.label})", day, name, gap)
    if design.relapse is not None and active.relapse_time is not None:
        found = _relapse_ratio(active, control)
        yield _finding(f"hazard ratio of relapse ({design.relapse.label})", math.nan, name, "1", found)


def _harms(data: TrialData, active: ArmData, control: ArmData) -> Iterator[Finding]:
    one, two = sessions_of(data, active), sessions_of(data, control)
    name = f"{active.name} - {control.name}"
    for event in one.reports if one.highest else ():
        if event in two.reports:
            gap = share_difference(
                int(one.reports[event].sum()), len(one.reports[event]),
                int(two.reports[event].sum()), len(two.reports[event]),
            )  # fmt: skip
            yield _needed(f"number needed to harm, report of {event}", math.nan, name, gap)


def _stacked(active: ArmData, control: ArmData, scale: str) -> tuple[Array, Array, Array]:
    scores = np.vstack([active.scores[scale], control.scores[scale]])
    baseline = np.concatenate([active.baseline[scale], control.baseline[scale]])
    return scores, baseline, np.repeat([1.0, 0.0], [len(active.people), len(control.people)])


def _mixed(active: ArmData, control: ArmData, scale: str, level: float = 0.95) -> list[Estimate]:
    scores, baseline, arm = _stacked(active, control, scale)
    try:
        return mmrm(scores - baseline[:, None], baseline, arm, level)
    except SolverError:
        return [UNKNOWN] * scores.shape[1]


def _locf(active: ArmData, control: ArmData, scale: str, place: int, level: float = 0.95) -> Estimate:
    scores, baseline, arm = _stacked(active, control, scale)
    return ancova(carried_forward(scores, baseline)[:, place] - baseline, baseline, arm, level)


def _paired(active: ArmData, control: ArmData, scale: str, place: int, level: float = 0.95) -> Estimate:
    """Difference within people who were in both arms."""
    other = {one.number: row for row, one in enumerate(control.people)}
    both = [(row, other[one.number]) for row, one in enumerate(active.people) if one.number in other]
    if not both:
        return UNKNOWN
    mine, theirs = (list(rows) for rows in zip(*both, strict=True))
    return paired(active.scores[scale][mine, place], control.scores[scale][theirs, place], level)


def _relapse_ratio(active: ArmData, control: ArmData, level: float = 0.95) -> Estimate:
    sides = [active.relapse_time, control.relapse_time, active.relapse_event, control.relapse_event]
    if any(one is None for one in sides):
        return UNKNOWN
    return hazard_ratio(
        np.concatenate([one for one in sides[:2] if one is not None]),
        np.concatenate([one for one in sides[2:] if one is not None]),
        np.repeat([1.0, 0.0], [len(active.people), len(control.people)]),
        level,
    )


def _counted(arm: ArmData, rule: Condition, place: int) -> tuple[int, int]:
    return int(arm.reached(rule)[:, place].sum()), len(arm.people)


def _share(outcome: str, day: float, arm: str, flags: NDArray[np.bool_]) -> Finding:
    share = 100.0 * float(np.mean(flags)) if len(flags) else math.nan
    return Finding(outcome, day, arm, "%", share, n=len(flags))


def _needed(outcome: str, day: float, name: str, gap: Estimate) -> Finding:
    needed = number_needed(gap)
    return Finding(outcome, day, name, "people", _finite(needed.value), math.nan, needed.low, needed.high,
                   gap.p, gap.n)  # fmt: skip


def _finding(outcome: str, day: float, name: str, unit: str, found: Estimate) -> Finding:
    return Finding(outcome, day, name, unit, found.value, found.se, found.low, found.high, found.p, found.n)


def _sd(values: Array) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else math.nan


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan
