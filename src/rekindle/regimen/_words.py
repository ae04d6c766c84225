"""The words of the regimen language: units, frequencies, keywords, and words that are refused on purpose."""

from __future__ import annotations

from collections.abc import Mapping

from rekindle.units import convert

#: Words for units of mass and time, with the symbol that ``rekindle.units`` knows.
MASS: Mapping[str, str] = {
    **dict.fromkeys(("mg", "mgs", "milligram", "milligrams"), "mg"),
    **dict.fromkeys(("g", "gram", "grams"), "g"),
    **dict.fromkeys(("ug", "mcg", "µg", "μg", "microgram", "micrograms"), "ug"),
}
TIME: Mapping[str, str] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("week", "weeks", "wk", "wks"), "week"),
}
#: Gaps in h of "N times a day" and "N times a week".
PER_DAY: Mapping[int, tuple[float, ...]] = {1: (24.0,), 2: (12.0,), 3: (8.0,)}
PER_WEEK: Mapping[int, tuple[float, ...]] = {1: (168.0,), 2: (72.0, 96.0), 3: (48.0, 48.0, 72.0)}
TIMES_OF: Mapping[str, int] = {"once": 1, "twice": 2, "thrice": 3, "three": 3}
COUNTED = ("dose", "doses", "session", "sessions", "times")
KEYWORDS = (
    "over", "for", "after", "on", "day", "days", "at", "starting", "from", "once", "twice", "three", "thrice",
    "times", "a", "per", "daily", "weekly", "every", "other", "q", "x", "then", "and", "none",
)  # fmt: skip
#: Words that two readers understand differently, with what to write instead.
AMBIGUOUS: Mapping[str, str] = {
    "biweekly": '"twice weekly" or "every 2 weeks"',
    "bimonthly": '"every 2 weeks" or "every 8 weeks"',
    "monthly": '"every 4 weeks" or "every 30 days"',
    "biannually": '"every 26 weeks" or "every 104 weeks"',
}
NOT_FINITE = ("nan", "inf", "infinity", "infinite")


def to_mg(value: float, word: str) -> float:
    """Convert a mass in the unit of a word of ``MASS`` to mg.

    >>> to_mg(0.5, "grams")
    500.0
    """
    return _exactly(value, MASS[word], "mg")


def to_hours(value: float, word: str) -> float:
    """Convert a time in the unit of a word of ``TIME`` to h.

    >>> to_hours(2.0, "weeks"), to_hours(49.0, "min") == 49 / 60
    (336.0, True)
    """
    return _exactly(value, TIME[word], "h")


def to_per_hour(value: float, word: str) -> float:
    """Convert a rate per unit of a word of ``TIME`` to a rate per h.

    >>> to_per_hour(0.1, "min")
    6.0
    """
    per_hour = convert(1.0, "h", TIME[word])
    return value * per_hour if per_hour >= 1 else value / convert(1.0, TIME[word], "h")


def _exactly(value: float, unit: str, target: str) -> float:
    """Convert with one rounding: by the factor that is a whole number, so that 40 min is 40/60 h."""
    factor = convert(1.0, unit, target)
    return value * factor if factor >= 1 else value / convert(1.0, target, unit)
