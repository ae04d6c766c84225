"""Facts averaged over the mechanism hypotheses by their weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rekindle.evidence.facts._doubt import bounds
from rekindle.evidence.facts._fact import ABSENT, Fact, Found, judge
from rekindle.evidence.facts._table import FactFinding


@dataclass(frozen=True, slots=True)
class Predicted:
    """A fact under one mechanism: the number, or the reason why there is none, and what it could be."""

    fact: Fact
    found: Found | None
    reason: str = ""
    spread: Sequence[float] = ()

    def finding(self) -> FactFinding:
        """The number with its interval and verdict."""
        if self.found is None:
            return FactFinding(self.fact, None, ABSENT, self.reason)
        value = self.found.value
        ends = bounds(value, self.spread, [1.0] * len(self.spread)) if self.spread else (None, None)
        return FactFinding(self.fact, value, judge(self.fact, value), self.found.note, *ends)


def averaged(each: Mapping[str, Predicted], weights: Mapping[str, float]) -> FactFinding:
    """One fact over several mechanisms.

    Numbers are averaged by weight. Signs, extremes of several numbers, and numbers that a mechanism does not
    reach have no mean: for them it is the value up to which half of the weight lies. A mechanism that gives
    no number is left out.

    >>> from rekindle.evidence.facts._fact import read_fact
    >>> fact = read_fact("X", {"quantity": "points", "expected": "-4"})
    >>> each = {"a": Predicted(fact, Found(-2.0)), "b": Predicted(fact, Found(-6.0))}
    >>> averaged(each, {"a": 0.75, "b": 0.25}).predicted
    -3.0
    """
    known = {name: (one, one.found) for name, one in each.items() if one.found is not None}
    if not known:
        return next(iter(each.values())).finding()
    total = sum(weights[name] for name in known)
    shares = {name: weights[name] / total for name in known}
    heaviest = max(shares, key=lambda name: shares[name])
    fact, values = each[heaviest].fact, {name: found.value for name, (_, found) in known.items()}
    alike = len(set(values.values())) == 1
    ranked = fact.is_sign or any(found.extreme for _, found in known.values())
    if alike or ranked or not all(map(math.isfinite, values.values())):
        value = _half_way(values, shares)
    else:
        value = sum(shares[name] * one for name, one in values.items())
    spread = [number for one, _ in known.values() for number in one.spread]
    sizes = [shares[name] / len(one.spread) for name, (one, _) in known.items() for _ in one.spread]
    ends = bounds(value, spread, sizes) if spread else (None, None)
    note = known[heaviest][1].note
    told = note if alike else f"{heaviest}, which weighs most: {note}"
    return FactFinding(fact, value, judge(fact, value), told, *ends)


def _half_way(values: Mapping[str, float], shares: Mapping[str, float]) -> float:
    """The value up to which half of the weight lies."""
    height = 0.0
    for name in sorted(values, key=lambda one: values[one]):
        height += shares[name]
        if height >= 0.5:
            return values[name]
    return max(values.values())
