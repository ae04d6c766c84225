"""A comparator without a model in a comparison: what its trial reported, and a dash for the rest."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import NormalDist

from rekindle.trials._comparison_result import LEVEL, Result
from rekindle.trials._endpoints import endpoint
from rekindle.trials._reported_results import ReportedResult, empirical_arm
from rekindle.trials._treatment import SCALE

#: Reported outcome -> endpoint of the table.
_ENDPOINTS = {"remission_pct": "remission", "response_pct": "response"}
_OVER = "people of the trial"
_NOTHING = Result(math.nan, math.nan, math.nan, _OVER)


def reported_days(drug: str) -> tuple[int, ...]:
    """Days on which an endpoint of a comparison was reported.

    >>> reported_days("quetiapine")
    (56,)
    """
    return tuple(sorted({day for _, day in _comparable(drug)}))


def empirical_results(drug: str, outcomes: Iterable[str]) -> dict[str, Result]:
    """Results of a comparator by outcome of the table; nan where nothing was reported.

    >>> found = empirical_results("quetiapine", ["remission_day_56", "dissociation"])
    >>> found["remission_day_56"].value, found["dissociation"].value
    (17.6, nan)
    """
    known = {f"{name}_day_{day}": result for (name, day), result in _comparable(drug).items()}
    return {name: _result(known[name]) if name in known else _NOTHING for name in outcomes}


def empirical_note(name: str, drug: str) -> str:
    """What must be said beside reported results."""
    first = next(iter(_comparable(drug).values()))
    return (
        f"{name}: nothing is simulated. Its number is that of other people, in {first.study} "
        f"({first.source}; {first.notes}; {first.control_class.replace('_', ' ')}); the model was not set to "
        "it, and no difference within people exists. A dash: not reported on this scale."
    )


def _comparable(drug: str) -> Mapping[tuple[str, int], ReportedResult]:
    """Endpoint and day -> result, for results with the very definition that the table uses."""
    found = {}
    for result in empirical_arm(drug):
        name = _ENDPOINTS.get(result.outcome)
        if name is None or result.scale != SCALE or result.time_h is None:
            continue
        if name == "remission" and result.threshold != f"{SCALE}<={endpoint(name, SCALE).threshold:g}":
            continue
        found[name, round(result.time_h / 24.0)] = result
    return found


def _result(found: ReportedResult) -> Result:
    if found.n is None:
        return Result(found.value, math.nan, math.nan, _OVER)
    low, high = _wilson(found.value / 100.0, found.n)
    return Result(found.value, 100.0 * low, 100.0 * high, _OVER)


def _wilson(share: float, people: int) -> tuple[float, float]:
    """Interval of a share (Wilson 1927, 10.1080/01621459.1927.10502953)."""
    z = NormalDist().inv_cdf((1.0 + LEVEL) / 2.0)
    middle = (share + z * z / (2.0 * people)) / (1.0 + z * z / people)
    half = z / (1.0 + z * z / people) * math.sqrt(share * (1 - share) / people + (z / (2.0 * people)) ** 2)
    return middle - half, middle + half
