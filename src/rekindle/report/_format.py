"""Numbers as text: few digits, never more than the model can know."""

from __future__ import annotations

import math


def number(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, without exponent where that is readable.

    >>> number(102.345), number(0.012345), number(-3.0), number(float("nan"))
    ('102', '0.0123', '-3', '–')
    """
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    if places > 6:
        return f"{value:.{digits - 1}e}"
    text = (
        f"{round(value, places):.{max(0, min(places, digits))}f}"
        if abs(value) >= 1
        else f"{value:.{places}f}"
    )
    return text.rstrip("0").rstrip(".") if "." in text else text


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """An interval in words, or nothing when there is none.

    >>> interval(1.0, 2.5), interval(None, None)
    ('1 to 2.5', '')
    """
    if low is None or high is None:
        return ""
    return f"{number(low, digits)} to {number(high, digits)}"


def percent(share: float) -> str:
    """A share as whole per cent.

    >>> percent(0.416)
    '42 %'
    """
    return "–" if not math.isfinite(share) else f"{100 * share:.0f} %"


def duration(hours: float) -> str:
    """A length of time in the unit that people would use.

    >>> duration(2 / 3), duration(26.0), duration(24 * 28), duration(1.5)
    ('40 min', '26 h', '28 days', '90 min')
    """
    if hours < 2:
        return f"{number(hours * 60)} min"
    if hours < 48:
        return f"{number(hours)} h"
    return f"{number(hours / 24)} days"
