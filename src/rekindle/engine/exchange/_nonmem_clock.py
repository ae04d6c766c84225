"""Times of data sets that are written as clock times and calendar dates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from rekindle.errors import EventError

#: Column with a calendar date -> order of its parts, as NONMEM names them.
DATE_COLUMNS: Mapping[str, tuple[str, str, str]] = {
    "DATE": ("month", "day", "year"),
    "DAT1": ("day", "month", "year"),
    "DAT2": ("year", "month", "day"),
    "DAT3": ("year", "day", "month"),
}
#: Columns that hold a time or a length of time and may be written as hh:mm.
CLOCK_COLUMNS = ("TIME", "II", "DUR")
_CLOCK = re.compile(r"(\d{1,3}):([0-5]?\d)(?::([0-5]?\d))?")
_DATE = re.compile(r"(\d{1,4})[/-](\d{1,4})[/-](\d{1,4})")
_HOURS_OF_DAY = 24.0


def uses_clock(row: Mapping[str, Any]) -> bool:
    """Whether a row has a clock time or a date."""
    return any(column in row for column in DATE_COLUMNS) or any(
        ":" in str(row.get(column, "")) for column in CLOCK_COLUMNS
    )


def clock_hours(text: str, row: int, column: str) -> float:
    """Hours of ``hh:mm``, ``hh:mm:ss`` or a plain number.

    Raises:
        EventError: RK-EVT-040 neither of them.

    >>> clock_hours("07:30", 1, "TIME")
    7.5
    """
    match = _CLOCK.fullmatch(text)
    if match:
        return int(match[1]) + int(match[2]) / 60.0 + int(match[3] or 0) / 3600.0
    try:
        return float(text)
    except ValueError:
        raise _refusal(row, column, text, "hh:mm, hh:mm:ss or a number of hours") from None


def day_number(text: str, row: int, column: str) -> float:
    """Days of a date, counted from a fixed day; a plain number is a day already.

    Raises:
        EventError: RK-EVT-040 no date, or a year of two digits.

    >>> day_number("3/1/2024", 1, "DATE") - day_number("2/28/2024", 1, "DATE")
    2.0
    """
    order = DATE_COLUMNS[column]
    match = _DATE.fullmatch(text)
    if match is None:
        try:
            return float(text)
        except ValueError:
            raise _refusal(row, column, text, f"{'/'.join(order)} or the number of a day") from None
    parts = {name: match[place] for place, name in enumerate(order, start=1)}
    if len(parts["year"]) != 4:
        raise _refusal(row, column, text, "a year of four digits (two digits leave the century open)")
    try:
        return float(date(int(parts["year"]), int(parts["month"]), int(parts["day"])).toordinal())
    except ValueError as problem:
        raise _refusal(row, column, text, f"{'/'.join(order)} ({problem})") from None


def hours_of(row: Mapping[str, str], number: int) -> float:
    """Hours of date and time together.

    Raises:
        EventError: RK-EVT-040 a missing or unreadable part.
    """
    dated = [column for column in DATE_COLUMNS if column in row]
    if "TIME" not in row:
        raise _refusal(number, "TIME", ".", "a time for every record")
    days = day_number(row[dated[0]], number, dated[0]) if dated else 0.0
    return days * _HOURS_OF_DAY + clock_hours(row["TIME"], number, "TIME")


def _refusal(row: int, column: str, text: str, allowed: str) -> EventError:
    return EventError(
        "RK-EVT-040", given=f"row {row}: {column} {text[:40]!r}", allowed=f"{column} is {allowed}"
    )
