"""The result that decides whether a trial is positive."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rekindle.trials._analysis_sets import arm_data, compared_phases
from rekindle.trials._contrasts import last_carried, mixed, observed, reached, relapse_ratio, within_people
from rekindle.trials._design import Design, Primary
from rekindle.trials._estimate import UNKNOWN, Estimate
from rekindle.trials._periods import periods_of
from rekindle.trials._trial_data import TrialData

Array = NDArray[np.float64]


def primary_result(design: Design, data: TrialData) -> Estimate:
    """The result that decides, as ``design.primary`` states it: that of the interim analysis that stops the
    trial, else that of everybody.

    For relapse the value is the logarithm of the hazard ratio, so that below 0 favours the active arm as in
    every other analysis but response and remission. Without a relapse in one arm it is infinite.
    """
    primary = design.primary
    assert primary is not None, "asked only of designs with a primary result"
    for share, alpha in primary.looks:
        found = _result(design, primary, data.first(round(share * len(data.people))))
        if _favours(primary, found) and found.p < alpha:
            return found
    return _result(design, primary, data)


def is_positive(design: Design, result: Estimate) -> bool:
    """Whether a primary result is significant in favour of the active arm; one that is missing is not."""
    primary = design.primary
    assert primary is not None, "asked only of designs with a primary result"
    return bool(_favours(primary, result) and result.p < primary.alpha)


def primary_centre(primary: Primary, found: Sequence[Estimate]) -> float:
    """Mean of the primary results of many trials; for relapse, where a ratio may be 0, their median.

    Not a number without any result.
    """
    known = [one.value for one in found if not math.isnan(one.value)]
    if not known:
        return math.nan
    if primary.analysis == "relapse":
        return float(np.quantile(known, 0.5, method="inverted_cdf"))
    return float(np.mean(known))


def _favours(primary: Primary, result: Estimate) -> bool:
    return result.value > 0 if primary.analysis in ("response", "remission") else result.value < 0


def _result(design: Design, primary: Primary, data: TrialData) -> Estimate:
    groups = arm_data(design, data)
    if not set(primary.arms) <= set(groups):
        return UNKNOWN
    active, control = (groups[name] for name in primary.arms)
    days = active.days(primary.scale)
    at, level = days.index(primary.day) if primary.day in days else -1, 1.0 - primary.alpha
    match primary.analysis:
        case "relapse":
            return _logarithm(relapse_ratio(active, control, level))
        case "paired":
            return within_people(active, control, primary.scale, at, level)
        case "crossover":
            phases = tuple(phase.name for phase in compared_phases(design))
            table = periods_of(groups, control.name, phases, primary.scale, at)
            return table.within(active.name, starts=True, level=level)
        case "response" | "remission":
            rule = design.response if primary.analysis == "response" else design.remission
            assert rule is not None, "the reader gives both"
            return reached(primary.analysis, active, control, rule, at, level)
        case "mmrm":
            return mixed(active, control, primary.scale, level)[at]
        case "locf":
            return last_carried(active, control, primary.scale, at, level)
    return observed(active, control, primary.scale, at, level)


def _logarithm(found: Estimate) -> Estimate:
    if not found.n:
        return UNKNOWN
    value, low, high = (float(one) for one in _log([found.value, found.low, found.high]))
    return Estimate(value, found.se, low, high, found.p, found.n)


def _log(values: Sequence[float]) -> Array:
    """Logarithms; that of 0 is minus infinity."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values), dtype=np.float64)
