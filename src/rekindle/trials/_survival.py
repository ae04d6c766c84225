"""Time to an event: Kaplan-Meier curve, its median, and the hazard ratio of two arms (statsmodels)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rekindle.trials._estimate import UNKNOWN, Estimate
from rekindle.trials._extra import require_analysis

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SurvivalCurve:
    """Share without the event from each ``time`` on; ``median`` is infinite if it is not reached."""

    time: Array
    share: Array
    median: float

    def at(self, time: float) -> float:
        """Share without the event at a time."""
        before = self.time <= time
        return float(self.share[before][-1]) if before.any() else 1.0


def kaplan_meier(time: ArrayLike, event: ArrayLike) -> SurvivalCurve:
    """Kaplan-Meier curve.

    Args:
        time: time of the event or of the end of observation.
        event: whether it was the event.

    Raises:
        OutputError: the extra ``analysis`` is not installed.

    >>> curve = kaplan_meier([1, 2, 3, 4], [True, False, True, True])
    >>> curve.time.tolist(), curve.share.tolist(), curve.median
    ([1.0, 3.0, 4.0], [0.75, 0.375, 0.0], 3.0)
    """
    require_analysis()
    from statsmodels.duration.survfunc import SurvfuncRight

    times, events = np.asarray(time, dtype=float), np.asarray(event, dtype=float)
    if not events.any():
        return SurvivalCurve(np.array([]), np.array([]), math.inf)
    found = SurvfuncRight(times, events)
    share = np.asarray(found.surv_prob, dtype=float)
    happened = np.asarray(found.surv_times, dtype=float)
    steps = np.asarray(found.n_events) > 0
    happened, share = happened[steps], share[steps]
    below = share <= 0.5 + 1e-12
    return SurvivalCurve(happened, share, float(happened[below][0]) if below.any() else math.inf)


def hazard_ratio(time: ArrayLike, event: ArrayLike, active: ArrayLike, level: float = 0.95) -> Estimate:
    """Hazard of the active arm over that of the control arm (Cox model, Efron's ties), with a Wald interval.

    ``se`` is that of the logarithm. Where only one arm has events the ratio is 0 or infinite and has no
    interval, and ``p`` is that of the log-rank test. Without any event there is no ratio.

    Raises:
        OutputError: the extra ``analysis`` is not installed.

    >>> time, active = [1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 1, 1]
    >>> found = hazard_ratio(time, [1, 1, 1, 0, 0, 0], active)
    >>> found.value, round(found.p, 3)
    (0.0, 0.025)
    """
    require_analysis()
    from statsmodels.duration.hazard_regression import PHReg

    times, events = np.asarray(time, dtype=float), np.asarray(event, dtype=float)
    arm = np.asarray(active, dtype=float)
    if not events.any():
        return UNKNOWN
    if not (events * arm).any() or not (events * (1.0 - arm)).any():
        ratio = math.inf if (events * arm).any() else 0.0
        return Estimate(ratio, p=_log_rank(times, events, arm), n=len(times))
    fit = PHReg(times, arm[:, None], status=events, ties="efron").fit()
    log, se = float(fit.params[0]), float(fit.bse[0])
    from scipy.stats import norm

    half = float(norm.ppf(0.5 + level / 2.0)) * se
    p = 2.0 * float(norm.sf(abs(log) / se))
    return Estimate(math.exp(log), se, math.exp(log - half), math.exp(log + half), p, len(times))


def _log_rank(time: Array, event: Array, active: Array) -> float:
    """Two-sided p of the log-rank test; not a number if one group is empty."""
    from statsmodels.duration.survfunc import survdiff

    if len(set(active.tolist())) < 2:
        return math.nan
    return float(survdiff(time, event, active)[1])
