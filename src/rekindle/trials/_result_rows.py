"""Results over many replicates: what trials would show, and what not knowing the parameters adds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rekindle.trials._finding import Finding

Array = NDArray[np.float64]

_LOW, _HIGH = 0.05, 0.95
_ALPHA = 0.05
_NEEDED, _TIME, _RATIO = "people", "day", "ratio"
_Key = tuple[str, float, str]
_Results = Mapping[_Key, Finding]


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One result over all replicates.

    Four kinds of variation stay apart: ``spread`` between people, ``low`` to ``high`` between trials of this
    size at the most probable parameters, ``parameter_sd`` from not knowing the parameters, and ``study_sd``
    from what sets one study apart from the model beyond its design.

    Attributes:
        outcome, day, arm, unit: what it is.
        value: mean over replicates; the median for times and hazard ratios, and the reciprocal of the median
            difference for numbers needed.
        low, high: 5 and 95 % of the replicates.
        spread: mean SD between people within a replicate, or mean standard error of a difference.
        significant: share of replicates with p below 0.05; not a number for results without p.
        replicates: replicates in which there was a result.
        n: mean number of people behind it.
        parameter_sd: root mean square difference between a replicate at drawn parameters and the same
            replicate at the most probable ones; not a number without draws.
        study_sd: the same for a replicate as a study of its own and that replicate without it.
        total_low, total_high: 5 and 95 % of the replicates with all that was drawn.
    """

    outcome: str
    day: float
    arm: str
    unit: str
    value: float
    low: float
    high: float
    spread: float
    significant: float
    replicates: int
    n: float
    parameter_sd: float = math.nan
    study_sd: float = math.nan
    total_low: float = math.nan
    total_high: float = math.nan


def result_rows(
    best: Sequence[Sequence[Finding]],
    drawn: Sequence[Sequence[Finding]] = (),
    study: Sequence[Sequence[Finding]] = (),
) -> list[ResultRow]:
    """Results over replicates in the order in which they first appear.

    Args:
        best: findings of each replicate at the most probable parameters.
        drawn: findings of the same replicates at drawn parameters; may be empty.
        study: findings of the drawn replicates (of the best ones without draws) as studies of their own.
    """
    known, moved, apart = ([_by_key(one) for one in found] for found in (best, drawn, study))
    keys = dict.fromkeys(key for one in known for key in one)
    return [_row(key, known, moved, apart) for key in keys]


def _by_key(found: Sequence[Finding]) -> dict[_Key, Finding]:
    return {one.key: one for one in found}


def _row(
    key: _Key, best: Sequence[_Results], drawn: Sequence[_Results], study: Sequence[_Results]
) -> ResultRow:
    found = [one[key] for one in best if key in one]
    first = found[0]
    known = _known([one.value for one in found])
    total = _known([one[key].value for one in study or drawn if key in one])
    summary = _Summary(first.unit)
    tested = [one.p for one in found if not math.isnan(one.p)]
    return ResultRow(
        first.outcome,
        first.day,
        first.arm,
        first.unit,
        summary.centre(known),
        *summary.range(known),
        _mean([one.spread for one in found]),
        float(np.mean([p < _ALPHA for p in tested])) if tested else math.nan,
        len(known),
        _mean([float(one.n) for one in found]),
        _moved(key, best, drawn),
        _moved(key, drawn or best, study),
        *summary.range(total),
    )


def _moved(key: _Key, before: Sequence[_Results], after: Sequence[_Results]) -> float:
    """Root mean square of what a result of the same replicate moved."""
    both = [
        (one[key], two[key]) for one, two in zip(before, after, strict=False) if key in one and key in two
    ]
    moved = np.array([two.value - one.value for one, two in both])
    moved = moved[np.isfinite(moved)]
    return float(np.sqrt(np.mean(moved**2))) if len(moved) else math.nan


@dataclass(frozen=True, slots=True)
class _Summary:
    """Centre and range of one kind of number over trials.

    Numbers needed are summarised as what they are reciprocals of, since they jump through infinity where
    there is no difference. Times and ratios may be infinite, so that only observed ones are taken as
    quantiles.
    """

    unit: str

    def centre(self, values: Array) -> float:
        if not len(values):
            return math.nan
        if self.unit == _NEEDED:
            return float(_reciprocal(np.median(_reciprocal(values))))
        return float(self._quantile(values, 0.5) if self.unit in (_TIME, _RATIO) else np.mean(values))

    def range(self, values: Array) -> tuple[float, float]:
        if not len(values):
            return math.nan, math.nan
        if self.unit == _NEEDED:
            low, high = np.quantile(_reciprocal(values), (_HIGH, _LOW))
            return float(_reciprocal(low)), float(_reciprocal(high))
        return self._quantile(values, _LOW), self._quantile(values, _HIGH)

    def _quantile(self, values: Array, share: float) -> float:
        method: Literal["inverted_cdf", "linear"] = (
            "inverted_cdf" if self.unit in (_TIME, _RATIO) else "linear"
        )
        return float(np.quantile(values, share, method=method))


def _known(values: Sequence[float]) -> Array:
    return np.array([value for value in values if not math.isnan(value)], dtype=float)


def _reciprocal(values: Array | np.float64) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / np.asarray(values, dtype=float))


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
