"""Courses of people as cubics piece by piece, and what can be measured on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.streaming._reduce_grid import POINTS, Grid
from rekindle.errors import OutputError

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

Carried = tuple[int, int, int, int]

#: Points through which the cubic of a piece goes, and those through which another goes to tell the error.
CARRIED, COMPARED = (0, 1, 2, 3), (0, 2, 3, 4)
_HALVINGS = 55
#: Peaks that differ by a smaller share are equal, and the first counts.
_EQUAL = 1e-9


@dataclass(frozen=True, eq=False)
class Courses:
    """An output of some people.

    Attributes:
        times, values: at the requested times, shapes (times,) and (people, times).
        starts, widths: of the pieces between them, shape (pieces,).
        points: values at the five points of each piece, shape (people, pieces, 5).
        carried: which four of them carry the cubic.
    """

    times: Array
    values: Array
    starts: Array
    widths: Array
    points: Array
    carried: Carried = CARRIED

    @classmethod
    def straight(cls, times: Array, values: Array) -> Courses:
        """Straight lines through values (people, times); equal times are a jump.

        >>> course = Courses.straight(np.array([0.0, 2.0]), np.array([[1.0, 3.0]]))
        >>> round(float(area(course, 0.0, 1.0)[0]), 12)
        1.5
        """
        long = np.diff(times) > 0.0
        left, right = values[:, :-1][:, long], values[:, 1:][:, long]
        points = left[..., None] + (right - left)[..., None] * POINTS
        return cls(times, values, times[:-1][long], np.diff(times)[long], points)

    @classmethod
    def on(cls, grid: Grid, values: Array, *, between: bool = True) -> Courses:
        """From values (people, times of the grid), with what lies between the requested times or without."""
        requested = grid.times[grid.requested]
        starts, widths, points = grid.starts, grid.widths, grid.points
        if not between:
            starts, widths, points = starts[:0], widths[:0], points[:0]
        # All people and pieces of a point lie together: most is done point by point.
        by_point = np.array([values[:, own] for own in points.T])
        return cls(requested, values[:, grid.requested], starts, widths, np.moveaxis(by_point, 0, -1))

    def at(self, moment: float) -> Array:
        """Values of everybody at a requested time."""
        found: Array = self.values[:, at_time(self.times, moment)]
        return found

    def requested(self, start: float, end: float) -> tuple[Array, Array]:
        """The requested times from start to end, and the values there."""
        inside = (self.times >= start) & (self.times <= end)
        return self.times[inside], self.values[:, inside]

    @cached_property
    def peaks(self) -> dict[tuple[float, float], tuple[Array, Array]]:
        """Peaks of windows that were looked for, see ``peak``."""
        return {}

    @cached_property
    def bounds(self) -> tuple[Array, Array, Array]:
        """Least and greatest that the cubic of each person and piece can be, and its greatest at a point."""
        columns = [self.points[..., point] for point in self.carried]
        least, greatest = reduce(np.minimum, columns), reduce(np.maximum, columns)
        middle, reach = 0.5 * (least + greatest), 0.5 * _SWINGS[self.carried] * (greatest - least)
        return middle - reach, middle + reach, greatest

    @cached_property
    def missing(self) -> NDArray[np.bool_]:
        """People without a course."""
        return np.asarray(np.isnan(self.values).any(axis=1))

    def compared(self) -> Courses:
        """The same people, carried by other points; a measure changes by about its error or more."""
        return replace(self, carried=COMPARED)


@dataclass(frozen=True, eq=False)
class _Window:
    """Courses within a stretch of time: pieces, each from ``low`` to ``high`` in shares of its width."""

    courses: Courses
    starts: Array
    widths: Array
    low: Array
    high: Array
    points: Array  # (people, pieces, 5)
    least: Array  # (people, pieces)
    greatest: Array
    known: Array
    missing: NDArray[np.bool_]  # (people,)

    @classmethod
    def of(cls, courses: Courses, start: float, end: float) -> _Window:
        low, high = (np.clip((t - courses.starts) / courses.widths, 0.0, 1.0) for t in (start, end))
        seen = np.flatnonzero(high > low)
        part = slice(int(seen[0]), int(seen[-1]) + 1) if len(seen) else slice(0, 0)
        least, greatest, known = (bound[:, part] for bound in courses.bounds)
        return cls(
            courses, courses.starts[part], courses.widths[part], low[part], high[part],
            courses.points[:, part], least, greatest, known, courses.missing,
        )  # fmt: skip

    def monotone(self, people: Whole, pieces: Whole, shift: float = 0.0) -> tuple[Array, Array, Array]:
        """Three stretches in which a cubic has no extremum.

        Returns:
            Coefficients (chosen, 4), ends of the stretches (chosen, 4) in shares of the width, values there.
        """
        heights = self.points[people, pieces][:, list(self.courses.carried)]
        powers: Array = np.einsum("nk,jk->nj", heights, _POWERS[self.courses.carried])
        powers[:, 0] -= shift
        low, high = self.low[pieces], self.high[pieces]
        ends = np.stack([low, *_extrema(powers), high], axis=1)
        ends = np.clip(np.where(np.isnan(ends), low[:, None], ends), low[:, None], high[:, None])
        ends.sort(axis=1)
        return powers, ends, _at(powers[:, None, :], ends)


def area(courses: Courses, start: float, end: float) -> Array:
    """Area under each course."""
    seen = _Window.of(courses, start, end)
    order = np.arange(1, 5)
    integrals = (seen.high[:, None] ** order - seen.low[:, None] ** order) / order
    weights: Array = np.einsum("nj,jk,n->nk", integrals, _POWERS[courses.carried], seen.widths)
    total: Array = np.einsum("pnk,nk->p", seen.points[..., list(courses.carried)], weights)
    return total


def peak(courses: Courses, start: float, end: float) -> tuple[Array, Array]:
    """Greatest value of each course and its time, the first of several."""
    if (start, end) not in courses.peaks:
        courses.peaks[start, end] = _peak(courses, start, end)
    return courses.peaks[start, end]


def _peak(courses: Courses, start: float, end: float) -> tuple[Array, Array]:
    seen = _Window.of(courses, start, end)
    count = len(courses.values)
    whole = (seen.low == 0.0) & (seen.high == 1.0)
    known = seen.known[:, whole].max(axis=1, initial=-np.inf)
    people, pieces = np.nonzero(seen.greatest >= _nearly(known)[:, None])
    _, ends, heights = seen.monotone(people, pieces)
    highest = heights.max(axis=1)
    greatest = np.full(count, -np.inf)
    np.maximum.at(greatest, people, highest)
    times, values = courses.requested(start, end)
    greatest = np.maximum(greatest, values.max(axis=1, initial=-np.inf))
    place = ends[np.arange(len(ends)), heights.argmax(axis=1)]
    enough = _nearly(greatest)
    when = np.where(highest >= enough[people], seen.starts[pieces] + place * seen.widths[pieces], np.inf)
    first = np.where(values >= enough[:, None], times, np.inf).min(axis=1, initial=np.inf)
    np.minimum.at(first, people, when)
    return np.where(seen.missing, np.nan, greatest), np.where(seen.missing, np.nan, first)


def _nearly(greatest: Array) -> Array:
    """What counts as equal to a greatest value: rounding must not choose between equal doses."""
    slack = np.where(np.isfinite(greatest), _EQUAL * np.abs(greatest), 0.0)
    return np.asarray(greatest - slack)


def above(courses: Courses, start: float, end: float, threshold: float) -> Array:
    """Time that each course spends at or above a threshold."""
    seen = _Window.of(courses, start, end)
    whole = (seen.least >= threshold) * ((seen.high - seen.low) * seen.widths)
    people, pieces = np.nonzero((seen.least < threshold) & (seen.greatest >= threshold))
    powers, ends, heights = seen.monotone(people, pieces, threshold)
    spent = np.zeros(len(people))
    for left in range(3):
        begin, stop, before, after = ends[:, left], ends[:, left + 1], heights[:, left], heights[:, left + 1]
        crossing = _crossing(powers, begin, stop, before, after)
        rises = np.where(after >= 0.0, stop - crossing, 0.0)
        spent += np.where(before >= 0.0, np.where(after >= 0.0, stop - begin, crossing - begin), rises)
    partly = np.bincount(people, spent * seen.widths[pieces], minlength=len(courses.values))
    return np.where(seen.missing, np.nan, whole.sum(axis=1) + partly)


def below(courses: Courses, start: float, end: float, threshold: float) -> Array:
    """Time that each course spends at or below a threshold."""
    return above(_upside_down(courses), start, end, -threshold)


def first_above(courses: Courses, start: float, end: float, threshold: float) -> Array:
    """First time at which each course is at or above a threshold; infinity for never."""
    seen = _Window.of(courses, start, end)
    times, values = courses.requested(start, end)
    first = np.where(values >= threshold, times, np.inf).min(axis=1, initial=np.inf)
    people, pieces = np.nonzero(seen.least >= threshold)
    np.minimum.at(first, people, seen.starts[pieces] + seen.low[pieces] * seen.widths[pieces])
    people, pieces = np.nonzero((seen.least < threshold) & (seen.greatest >= threshold))
    powers, ends, heights = seen.monotone(people, pieces, threshold)
    place = np.full(len(people), np.inf)
    for left in (2, 1, 0):
        begin, stop, before, after = ends[:, left], ends[:, left + 1], heights[:, left], heights[:, left + 1]
        crossing = _crossing(powers, begin, stop, before, after)
        place = np.where(after >= 0.0, np.where(before >= 0.0, begin, crossing), place)
        place = np.where(before >= 0.0, begin, place)
    np.minimum.at(first, people, seen.starts[pieces] + place * seen.widths[pieces])
    return np.where(seen.missing, np.nan, first)


def first_below(courses: Courses, start: float, end: float, threshold: float) -> Array:
    """First time at which each course is at or below a threshold; infinity for never."""
    return first_above(_upside_down(courses), start, end, -threshold)


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
            why="Between them it would be a guess",
            remedy="Add it to times",
        )
    return place


def _upside_down(courses: Courses) -> Courses:
    return replace(courses, values=-courses.values, points=-courses.points)


def _powers(carried: Carried) -> Array:
    """Matrix from values at the points to the coefficients of the cubic in the share of the width."""
    return np.linalg.inv(np.vander(POINTS[list(carried)], 4, increasing=True))


def _swing(carried: Carried) -> float:
    """The most that a cubic moves away from the middle of its values at the points, over half their range.

    It is the largest sum of the absolute Lagrange polynomials, looked for in steps so short that the sum
    hardly changes between them.
    """
    places = np.vander(np.linspace(0.0, 1.0, 1001), 4, increasing=True)
    return 1.001 * float(np.abs(places @ _powers(carried)).sum(axis=1).max())


_POWERS = {carried: _powers(carried) for carried in (CARRIED, COMPARED)}
_SWINGS = {carried: _swing(carried) for carried in (CARRIED, COMPARED)}


def _extrema(powers: Array) -> tuple[Array, Array]:
    """Where the slopes of cubics vanish; NaN where they do not."""
    _, one, two, three = powers.T
    with np.errstate(invalid="ignore", divide="ignore"):
        root = -(two + np.copysign(np.sqrt(two * two - 3.0 * three * one), two))
        return root / (3.0 * three), one / root


def _at(powers: Array, place: Array) -> Array:
    zero, one, two, three = np.moveaxis(powers, -1, 0)
    return np.asarray(zero + place * (one + place * (two + place * three)))


def _crossing(powers: Array, begin: Array, end: Array, before: Array, after: Array) -> Array:
    """Where monotone stretches cross zero, to the last bits; NaN where they do not."""
    found = np.full(len(begin), np.nan)
    crosses = (before < 0.0) != (after < 0.0)
    powers, low, high, rising = powers[crosses], begin[crosses], end[crosses], before[crosses] < 0.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        reached = (_at(powers, middle) >= 0.0) == rising
        high, low = np.where(reached, middle, high), np.where(reached, low, middle)
    found[crosses] = high
    return found
