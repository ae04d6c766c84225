"""Where the courses of people are looked at, so that what happens between the requested times is seen.

The time is cut into pieces at the requested times and wherever a record begins or ends something. After
such a moment the pieces grow in proportion to the time that has passed since, so that a rate is followed as
long as it matters, whatever it is. In each piece are five points, none at its ends: what jumps there belongs
to neither side.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.records._event_table import EventTable
from rekindle.engine.records._shared_records import differently_timed

Array = NDArray[np.float64]

#: Points of a piece: the four of Gauss-Legendre, and one near the end that serves to tell the error.
POINTS = np.append(0.5 * (np.polynomial.legendre.leggauss(4)[0] + 1.0), 0.99)
#: Pieces into which the time after a moment is cut at most, and how much later each ends than the one before.
_GRADES, _GROWTH = 12, 1.75
#: No piece needs to be shorter than this share of the whole.
_SHORTEST = 1e-5
#: More moments than this in a part of the population are left out: people then have little in common.
_MOST_MOMENTS = 2000


@dataclass(frozen=True, eq=False)
class Grid:
    """Times at which the courses are wanted.

    Attributes:
        times: all of them, in order.
        requested: places of the requested times.
        starts, widths: pieces, shape (pieces,).
        points: places of the points of each piece, shape (pieces, points).
    """

    times: Array
    requested: NDArray[np.int64]
    starts: Array
    widths: Array
    points: NDArray[np.int64]

    @classmethod
    def plain(cls, times: Array) -> Grid:
        """The requested times and nothing between them."""
        empty = np.empty(0)
        return cls(times, np.arange(len(times)), empty, empty, np.empty((0, len(POINTS)), dtype=np.int64))

    @classmethod
    def fine(cls, times: Array, events: EventTable, start: float, end: float) -> Grid:
        """The requested times, and the points between them from start to end."""
        starts, widths = _pieces(times, _moments(events), start, end)
        points = starts[:, None] + widths[:, None] * POINTS
        every = np.concatenate([times, points.ravel()])
        order = np.argsort(every, kind="stable")
        place = np.empty(len(every), dtype=np.int64)
        place[order] = np.arange(len(every))
        between = place[len(times) :].reshape(points.shape)
        return cls(every[order], place[: len(times)], starts, widths, between)


def _pieces(times: Array, moments: Array, start: float, end: float) -> tuple[Array, Array]:
    """Starts and widths of the pieces from start to end.

    >>> starts, widths = _pieces(np.array([0.0, 8.0]), np.array([0.0]), 0.0, 8.0)
    >>> round(float(widths.sum()), 9), bool((np.diff(widths[1:]) > 0.0).all()), float(widths.max()) > 2.0
    (8.0, True, True)
    """
    edges = np.unique(np.concatenate([times, moments, [start, end]]))
    edges = edges[(edges >= start) & (edges <= end)]
    known = np.unique(np.append(moments, times[0]))
    cuts = [edges]
    for left, right in pairwise(edges.tolist()):
        origin = known[max(np.searchsorted(known, left, side="right") - 1, 0)]
        first, last = left - origin, right - origin
        if first <= 0.0:
            after = last / _GROWTH ** np.arange(_GRADES - 1, 0, -1)
            cuts.append(origin + after[after >= _SHORTEST * (end - start)])
        elif last > _GROWTH * first:
            grades = min(int(np.ceil(np.log(last / first) / np.log(_GROWTH))), _GRADES)
            cuts.append(origin + first * (last / first) ** (np.arange(1, grades) / grades))
    every = np.unique(np.concatenate(cuts))
    return every[:-1], np.diff(every)


def _moments(events: EventTable) -> Array:
    """Times at which a record begins or ends something, for anybody."""
    given = {
        (r.time, r.amount / r.rate if r.rate > 0.0 else r.duration, r.interval, r.additional)
        for records in differently_timed(events.subjects.values())
        for r in records
        if not r.asks
    }
    found: set[float] = set()
    for time, length, interval, additional in given:
        begins = [time + number * interval for number in range(additional + 1)]
        found.update(begins, (begin + length for begin in begins if length > 0.0))
        if len(found) > _MOST_MOMENTS:
            return np.empty(0)
    return np.array(sorted(found))
