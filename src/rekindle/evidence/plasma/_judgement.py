"""Hold a prediction against the observation of its row."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rekindle.evidence._row import Row, not_simulated


@dataclass(frozen=True)
class Observation:
    """Value or interval that a row observed, and the bounds that it sets to predicted / observed.

    ``judged`` says that a verdict is asked for: the row has a bound, or its target is an interval in a table
    that has bounds.
    """

    value: float | None
    interval: tuple[float, float] | None
    low: float
    high: float
    judged: bool

    def ratio(self, predicted: float) -> float | None:
        """Predicted / observed; None without a value, or if the value is 0."""
        return predicted / self.value if self.value else None

    def verdict(self, predicted: float) -> str:
        """``pass``, ``fail`` or ``no_band``."""
        if not self.judged:
            return "no_band"
        if self.interval is not None:
            return _word(self.interval[0] <= predicted <= self.interval[1])
        ratio = self.ratio(predicted)
        return "no_band" if ratio is None else _word(self.low <= ratio <= self.high)


def read_observation(row: Row) -> Observation:
    """Read value or interval and the bounds of a row.

    Raises:
        EvidenceError: an unreadable number, or bounds the wrong way round.

    >>> row = Row(2, {"value": "40", "pass_low": "0.5", "pass_high": "2"})
    >>> read_observation(row).verdict(70.0)
    'pass'
    """
    value = row.number_of("value")
    low, high = row.number_of("pass_low"), row.number_of("pass_high")
    if low is not None and high is not None and low > high:
        raise not_simulated(f"line {row.number}: pass_low {low:g} is above pass_high {high:g}")
    interval = None
    if row.word("dispersion_kind") == "interval":
        if value is not None:
            raise not_simulated(f"line {row.number}: value and an interval as the target")
        interval = row.interval("dispersion")
    bounds = low is not None or high is not None
    judged = "pass_low" in row.cells or "pass_high" in row.cells if interval else bounds
    return Observation(
        value,
        interval,
        -math.inf if low is None else low,
        math.inf if high is None else high,
        judged,
    )


def _word(passed: bool) -> str:
    return "pass" if passed else "fail"
