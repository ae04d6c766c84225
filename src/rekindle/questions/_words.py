"""Numbers of an answer as parts of a sentence, with what the uncertainty of the parameters makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable

from rekindle.questions._quantity import Quantity
from rekindle.report import interval, number

#: Instead of an interval, where every draw gives the same number.
NOT_VARIED = "not varied"
#: Significant digits in a sentence.
_DIGITS = 2
#: Times below are told in minutes, and those from the second on in days (h).
_MINUTES_BELOW_H, LONG_H = 2.0, 48.0


def amount(one: Quantity, unit: str = "") -> str:
    """A number with unit and interval.

    >>> nan = (float("nan"),) * 2
    >>> amount(Quantity("k", "", "points", 3.21, nan, "people", (2.0, 4.0)), "points")
    '3.2 points (2 to 4)'
    """
    return f"{number(one.value, _DIGITS)} {unit}".strip() + _spread(one, lambda end: number(end, _DIGITS))


def percent(one: Quantity) -> str:
    """A share of people with its interval, in whole per cent.

    >>> percent(Quantity("k", "", "%", 41.6, (0, 0), "resampled people", (38.2, 44.9)))
    '42 % (38 to 45)'
    """
    return "–" if math.isnan(one.value) else f"{one.value:.0f} %{_spread(one, lambda end: f'{end:.0f}')}"


def time(one: Quantity) -> str:
    """A time in the unit that people would use, with its interval; "more than" at the end of a simulation.

    >>> time(Quantity("k", "", "h", 1.26, (0, 0), "resampled people", (1.1, 1.4)))
    '76 min (66 min to 84 min)'
    """
    factor = {"h": 1.0, "days": 24.0, "min": 1 / 60}[one.unit]
    if math.isnan(one.value):
        return "–"
    spread = "" if one.at_least else _spread(one, lambda end: _length(factor * end))
    return f"{'more than ' if one.at_least else ''}{_length(factor * one.value)}{spread}"


def ends(value: float | None, low: float | None, high: float | None) -> str:
    """An interval in words; empty where there is none.

    >>> ends(3.0, 2.0, 4.0), ends(3.0, 3.0, 3.0), ends(3.0, None, None)
    ('2 to 4', 'not varied', '')
    """
    if low is None or high is None or not math.isfinite(low + high):
        return ""
    return NOT_VARIED if low == high == value else interval(low, high)


def _spread(one: Quantity, words: Callable[[float], str]) -> str:
    """The interval of the parameters in brackets, where there is one."""
    if not math.isfinite(sum(one.parameters)):
        return ""
    if not one.varied:
        return f" ({NOT_VARIED})"
    low, high = (words(end) for end in one.parameters)
    return f" ({low} after rounding)" if low == high else f" ({low} to {high})"


def _length(hours: float) -> str:
    if hours < _MINUTES_BELOW_H:
        return f"{round(60 * hours)} min"
    return f"{number(hours, _DIGITS)} h" if hours < LONG_H else f"{number(hours / 24, _DIGITS)} days"
