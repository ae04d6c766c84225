"""Exact arithmetic on courses made of straight lines between times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import OutputError

Array = NDArray[np.float64]


def window(times: Array, courses: Array, start: float, end: float) -> tuple[Array, Array]:
    """Times from start to end and the courses (people, times) there; what is cut lies on the line."""
    inside = (times >= start) & (times <= end)
    if inside.all():
        return times, courses
    places = np.flatnonzero(inside)
    # At a jump the left limit closes a window and the right limit opens one.
    pieces = [(times[places], courses[:, places])]
    if not len(places) or times[places[0]] > start:
        pieces.insert(0, _cut(times, courses, start))
    if not len(places) or times[places[-1]] < end:
        pieces.append(_cut(times, courses, end))
    return np.concatenate([t for t, _ in pieces]), np.concatenate([y for _, y in pieces], axis=1)


def _cut(times: Array, courses: Array, moment: float) -> tuple[Array, Array]:
    after = int(np.searchsorted(times, moment, side="right"))
    share = (moment - times[after - 1]) / (times[after] - times[after - 1])
    left, right = courses[:, after - 1], courses[:, after]
    return np.array([moment]), (left + share * (right - left))[:, None]


def area(times: Array, courses: Array) -> Array:
    """Area under each course.

    >>> area(np.array([0.0, 2.0]), np.array([[1.0, 3.0]])).tolist()
    [4.0]
    """
    middle: Array = 0.5 * (courses[:, 1:] + courses[:, :-1])
    total: Array = (middle * np.diff(times)).sum(axis=1)
    return total


def above(times: Array, over: Array) -> Array:
    """Time that each course spends at or above zero.

    >>> above(np.array([0.0, 2.0]), np.array([[-1.0, 1.0], [0.0, 0.0]])).tolist()
    [1.0, 2.0]
    """
    left, right = over[:, :-1], over[:, 1:]
    high, low = np.maximum(left, right), np.minimum(left, right)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(low >= 0.0, 1.0, np.where(high < 0.0, 0.0, high / (high - low)))
    total = (share * np.diff(times)).sum(axis=1)
    return np.where(np.isnan(over).any(axis=1), np.nan, total)


def first_at_least(times: Array, over: Array) -> Array:
    """First time at which each course is at or above zero; infinity for never.

    >>> first_at_least(np.array([0.0, 2.0]), np.array([[-1.0, 1.0], [-2.0, -1.0]])).tolist()
    [1.0, inf]
    """
    reached = over >= 0.0
    place = np.argmax(reached, axis=1)
    people = np.arange(len(over))
    before = np.maximum(place - 1, 0)
    left, right = over[people, before], over[people, place]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(place > 0, left / (left - right), 0.0)
    found = times[before] + share * (times[place] - times[before])
    found = np.where(reached.any(axis=1), found, np.inf)
    return np.where(np.isnan(over).any(axis=1), np.nan, found)


def at_time(times: Array, moment: float) -> int:
    """Place of an output time, the last of several equal ones.

    Raises:
        OutputError: a moment at which there is no output.
    """
    place = int(np.searchsorted(times, moment, side="right")) - 1
    if place < 0 or times[place] != moment:
        raise OutputError(
            "RK-OUT-051",
            given=f"a value at time {moment:g}, which is not an output time",
            allowed="One of the output times",
            why="Between them it would be a guess along a straight line",
            remedy="Add it to times",
        )
    return place
