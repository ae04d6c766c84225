"""Curves of an answer, drawn in one way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.questions._inquiry import Courses
from rekindle.report import LINE_COLOURS, label_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
#: A curve with its interval: value, low, high, each (times,).
Curve = tuple[Array, Array, Array]


def colours(names: Sequence[str]) -> dict[str, str]:
    """One colour for each name, in order.

    >>> colours(["a"])["a"] == LINE_COLOURS[0]
    True
    """
    return {name: LINE_COLOURS[place % len(LINE_COLOURS)] for place, name in enumerate(names)}


def draw_curves(
    axes: Axes,
    time: Array,
    curves: Mapping[str, Curve],
    *,
    limits: tuple[float | None, float | None] = (None, None),
    labels: bool = True,
    width: int = 20,
) -> None:
    """Draw curves with their bands; each is named at its right end.

    Args:
        axes: where.
        time: times in the unit of the axis.
        curves: name -> curve.
        limits: ends of the vertical axis; None leaves an end to the curves.
        labels: whether names are written.
        width: letters in a line of a name.
    """
    colour = colours(list(curves))
    for name, (value, low, high) in curves.items():
        axes.fill_between(time, low, high, color=colour[name], alpha=0.13, linewidth=0)
        axes.plot(time, value, color=colour[name])
    axes.set_xlim(float(time[0]), float(time[-1]))
    axes.set_ylim(*limits)
    if labels:
        names = [
            (float(value[-1]), fill(name, width), colour[name]) for name, (value, _, _) in curves.items()
        ]
        lines = max(name.count("\n") + 1 for _, name, _ in names)
        axes.figure.draw_without_rendering()  # type: ignore[union-attr]
        label_lines(axes, names, gap=0.075 * lines)


def curve_rows(
    curves: Mapping[str, Curve], group: str, place: str, places: Array, value: str
) -> list[dict[str, object]]:
    """Curves as rows of a tidy table, for files.

    Args:
        curves: name -> curve.
        group: column of the names.
        place: column of the places.
        places: times or days of the curves.
        value: column of the values; ``low`` and ``high`` are their interval.

    >>> curve = (np.array([1.0]), np.array([0.5]), np.array([2.0]))
    >>> curve_rows({"a": curve}, "arm", "day", np.array([7.0]), "madrs")
    [{'arm': 'a', 'day': 7.0, 'madrs': 1.0, 'low': 0.5, 'high': 2.0}]
    """
    return [
        {group: name, **dict(zip((place, value, "low", "high"), numbers, strict=True))}
        for name, curve in curves.items()
        for numbers in zip(*(part.tolist() for part in (places, *curve)), strict=True)
    ]


def grid(courses: Courses) -> Array:
    """Times (h) that all arms share."""
    found = next(iter(courses.values())).grid
    assert found is not None, "everybody is simulated at the same times"
    return np.asarray(found)


def at(times: Array, time_h: float) -> int:
    """Place of the time that is nearest.

    >>> at(np.array([0.0, 24.0]), 20.0)
    1
    """
    return int(np.argmin(np.abs(times - time_h)))


def day_grid(days: float, *, fine_h: float = 6.0, sessions: Sequence[float] = (0.0,)) -> list[float]:
    """Times (h): every 5 min in the first hours of some sessions, hourly to day 1, then daily.

    >>> day_grid(2.0)[-1]
    48.0
    """
    points = {float(hour) for hour in range(25)} | {24.0 * day for day in range(int(days) + 1)}
    points |= {start + minute / 60.0 for start in sessions for minute in range(0, int(60 * fine_h) + 1, 5)}
    return sorted({round(point, 9) for point in points if point <= 24.0 * days})
