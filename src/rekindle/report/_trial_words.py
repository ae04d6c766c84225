"""Numbers of a virtual trial in words, the same on the terminal and on the page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rekindle.report._format import number

if TYPE_CHECKING:
    from rekindle.trials import PowerRow

_DASH = "–"


def version_words(row: PowerRow) -> str:
    """What a row of a table of power takes as known."""
    parameters = "drawn" if row.drawn else "most probable"
    return f"{parameters}, each a new study" if row.studies else parameters


def day_words(day: float) -> str:
    """A day in words, behind the name of an outcome.

    >>> day_words(28.0), day_words(1 / 6)
    (', day 28', ', 4 h')
    """
    if math.isnan(day):
        return ""
    return f", {24 * day:.0f} h" if 0 < day < 1 else f", day {day:g}"


def with_unit(value: float, unit: str) -> str:
    """A number with its unit where the name of the outcome does not say it.

    >>> with_unit(44.0, "%"), with_unit(1 / 6, "day"), with_unit(27.5, "day")
    ('44 %', '4 h', '27.5 days')
    """
    if unit == "day" and 0.0 < value < 1.0:
        return f"{24.0 * value:.0f} h"
    shown = "0" if abs(value) < 1e-12 else _limit(value)
    return shown + {"%": " %", "day": " days"}.get(unit, "")


def interval_words(low: float, high: float, unit: str = "") -> str:
    """An interval; that of a number needed may run through infinity, where there is no difference.

    >>> interval_words(1.0, 2.5), interval_words(5.0, -20.0, "people")
    ('1 to 2.5', '5 to \u221e to -20')
    """
    if math.isnan(low):
        return _DASH
    if unit == "day":
        return f"{with_unit(low, unit)} to {with_unit(high, unit)}"
    through = " to \u221e" if unit == "people" and low > 0.0 > high else ""
    return f"{_limit(low)}{through} to {_limit(high)}"


def _limit(value: float) -> str:
    return "\u221e" if math.isinf(value) else number(value)


def worth_a_line(value: float, unit: str) -> bool:
    """Whether a difference has a value; a number needed without any difference has none that says more."""
    return math.isfinite(value) if unit == "people" else not math.isnan(value)


def p_words(p: float) -> str:
    """A p value as papers write it.

    >>> p_words(0.00001), p_words(0.0421)
    ('< 0.001', '0.042')
    """
    if math.isnan(p):
        return _DASH
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
