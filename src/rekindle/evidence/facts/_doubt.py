"""What uncertain parameters leave open of a predicted fact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rekindle.evidence._data import assumption
from rekindle.evidence.facts._bench import Bench
from rekindle.evidence.facts._fact import Fact, Found
from rekindle.people import Stream, random_generator
from rekindle.therapy import parameter_draws

_QUANTILES = (0.05, 0.95)
#: Shares end here.
_TOP = {"fraction": 1.0, "percent of patients": 100.0}


def drawn_benches(bench: Bench, count: int) -> list[Bench]:
    """Fewer people of a bench at its own parameters, then the same people at each drawn set.

    A set is one from the posterior of the calibration with one that published pharmacokinetics leave open.
    """
    generator = random_generator(bench.seed, 0, 0, 0, Stream.PARAMETERS, "facts")
    sets = [
        replace(one, values={**one.values, **one.pharmacokinetics})
        for one in parameter_draws(bench.mechanism, count, generator)
    ]
    people = min(bench.n_people, round(assumption("people_for_parameters")))
    return [Bench(bench.mechanism, people, bench.seed, bench.workers, own) for own in (None, *sets)]


def spread_of(fact: Fact, found: Found, few: float | None, drawn: Sequence[float | None]) -> list[float]:
    """The number at each drawn set, moved by what fewer people make of it at the most probable parameters.

    Signs, extremes of several numbers, and numbers that are not reached cannot be moved and stay as they are.

    Args:
        fact: what is predicted.
        found: the number itself.
        few: the number of fewer people at the same parameters.
        drawn: their numbers at drawn parameters; None where it could not be computed.

    >>> from rekindle.evidence.facts._fact import read_fact
    >>> share = read_fact("X", {"quantity": "share", "expected": "0.5", "unit": "fraction"})
    >>> spread_of(share, Found(0.75), 0.5, [0.25, 0.875, None])
    [0.5, 1.0]
    """
    values = [value for value in drawn if value is not None]
    if (
        few is None
        or fact.is_sign
        or found.extreme
        or not (math.isfinite(found.value) and math.isfinite(few))
    ):
        return values
    top = _TOP.get(fact.unit, math.inf)
    bottom = 0.0 if fact.unit in _TOP else -math.inf
    return [min(max(found.value + (value - few), bottom), top) for value in values]


def bounds(value: float, spread: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    """90 % of a spread, widened to hold the number itself.

    Args:
        value: the number.
        spread: what it could be.
        weights: of each of these.

    >>> bounds(2.0, [1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    (1.0, 3.0)
    """
    order = np.argsort(spread, kind="stable")
    heights, sizes = np.array(spread)[order], np.array(weights)[order]
    places = (np.cumsum(sizes) - sizes / 2.0) / sizes.sum()
    with np.errstate(invalid="ignore"):
        ends = np.interp(_QUANTILES, places, heights)
    # Between a number and one that is not reached lies one that is not reached.
    low, high = np.where(np.isnan(ends), np.inf, ends).tolist()
    return min(low, value), max(high, value)
