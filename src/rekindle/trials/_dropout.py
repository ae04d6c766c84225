"""Leaving a trial for one of several reasons that compete with each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache

from rekindle.trials._design import Rule
from rekindle.trials._tables import read_table


@cache
def dropout_reasons() -> Mapping[str, bool]:
    """Reasons for which people drop out, and whether the reason is a harm.

    >>> dropout_reasons()["adverse event"], dropout_reasons()["lack of effect"]
    (True, False)
    """
    return {row["reason"]: row["harm"] == "yes" for row in read_table("dropout_reasons.csv")}


def first_reason(reasons: Sequence[tuple[Rule, float]], weeks: float) -> Rule | None:
    """The reason that comes first since the last occasion, None if nobody leaves.

    Every reason that applies has a constant hazard, so its time is exponential; the earliest wins. The order
    in which a design names its reasons does not matter.

    Args:
        reasons: those that apply, each with a uniform random number.
        weeks: time since the last occasion.

    >>> slow, fast = Rule("a", (), "leave", chance=0.1), Rule("b", (), "leave", chance=0.9)
    >>> first_reason([(slow, 0.05), (fast, 0.05)], 1.0).name
    'b'
    """
    times = [(_share_of_interval(rule, uniform, weeks), rule) for rule, uniform in reasons]
    coming = [(time, rule) for time, rule in times if time < 1.0]
    return min(coming, key=lambda one: one[0])[1] if coming else None


def _share_of_interval(rule: Rule, uniform: float, weeks: float) -> float:
    """When the reason comes, as a share of the time between the two occasions."""
    periods = weeks if rule.weekly else 1.0
    if rule.chance >= 1.0:
        return 0.0 if periods > 0.0 else 1.0
    hazard = -math.log1p(-rule.chance) * periods
    return -math.log1p(-uniform) / hazard if hazard > 0.0 else math.inf
