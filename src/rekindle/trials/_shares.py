"""Shares of people, their difference, and the number needed to treat or to harm."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rekindle.trials._estimate import Estimate


def share_difference(
    active_events: float, active_n: int, control_events: float, control_n: int, level: float = 0.95
) -> Estimate:
    """Difference of two shares with Newcombe's hybrid score interval (Newcombe 1998, Stat Med 17:873).

    Events need not be whole numbers (``StudyDifference`` moves them).
    p is that of Pearson's chi-square test without correction.

    >>> found = share_difference(56, 70, 48, 80)
    >>> round(found.value, 4), round(found.low, 4), round(found.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    if not active_n or not control_n:
        return Estimate(math.nan)
    one, two = active_events / active_n, control_events / control_n
    z = _normal_quantile(0.5 + level / 2.0)
    low1, high1 = wilson(active_events, active_n, level)
    low2, high2 = wilson(control_events, control_n, level)
    value = one - two
    low = value - math.hypot(one - low1, high2 - two)
    high = value + math.hypot(high1 - one, two - low2)
    pooled = (active_events + control_events) / (active_n + control_n)
    se = math.sqrt(pooled * (1.0 - pooled) * (1.0 / active_n + 1.0 / control_n))
    p = math.erfc(abs(value) / se / math.sqrt(2.0)) if se > 0.0 else math.nan
    return Estimate(value, (high - low) / (2.0 * z), low, high, p, active_n + control_n)


def wilson(events: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of one share.

    >>> low, high = wilson(0, 10)
    >>> low, round(high, 4)
    (0.0, 0.2775)
    """
    z, share = _normal_quantile(0.5 + level / 2.0), events / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At the ends the formula is exact only up to rounding.
    low = 0.0 if events == 0 else centre - half
    return low, 1.0 if events == n else centre + half


@dataclass(frozen=True, slots=True)
class NumberNeeded:
    """One more person has the outcome for every ``value`` treated; negative: one fewer.

    ``low`` and ``high`` are the reciprocals of the limits of the difference. If these have different signs,
    the interval runs from ``low`` over infinity to ``high`` (Altman 1998, 10.1136/bmj.317.7168.1309).
    """

    value: float
    low: float
    high: float

    @property
    def crosses_infinity(self) -> bool:
        """Whether no difference is inside the interval."""
        return self.low * self.high < 0


def number_needed(difference: Estimate) -> NumberNeeded:
    """Number needed to treat (or to harm) from a difference of shares.

    >>> number_needed(share_difference(40, 100, 20, 100)).value
    5.0
    """

    def reciprocal(share: float) -> float:
        return round(1.0 / share, 10) if share else math.inf

    return NumberNeeded(reciprocal(difference.value), reciprocal(difference.high), reciprocal(difference.low))


def _normal_quantile(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)
