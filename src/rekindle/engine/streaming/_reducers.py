"""What can be asked of a population without keeping its courses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.streaming._reduce_course import (
    Courses,
    above,
    area,
    at_time,
    below,
    first_above,
    first_below,
    peak,
)
from rekindle.engine.streaming._reduce_sketch import FEWEST_BINS
from rekindle.errors import OutputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Quantiles:
    """Quantiles over people at each time.

    Exact for as many people as there are bins; beyond, each comes with the most that it may be off.

    Args:
        output: name of the output.
        shares: from 0 to 1.
        bins: most bins at each time (16 bytes each); more of them are finer.

    >>> Quantiles("madrs_latent").shares
    (0.05, 0.5, 0.95)
    """

    output: str
    shares: tuple[float, ...] = (0.05, 0.5, 0.95)
    bins: int = FEWEST_BINS

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", tuple(map(float, self.shares)))
        if not self.shares or not all(0.0 <= share <= 1.0 for share in self.shares):
            raise _refused(f"quantiles at {self.shares}", "One or more shares from 0 to 1")
        if self.bins < FEWEST_BINS:
            raise _refused(f"{self.bins} bins", f"At least {FEWEST_BINS}")


@dataclass(frozen=True)
class MeanCourse:
    """Mean, standard deviation, least and greatest over people at each time.

    Args:
        output: name of the output.
    """

    output: str


@dataclass(frozen=True)
class Measure(ABC):
    """A number for each person, taken from the course of an output."""

    output: str

    #: Whether the number depends on the course between the requested times.
    between_times: ClassVar[bool] = True

    def check(self, times: Array) -> None:  # noqa: B027 - most measures take any times
        """Refuse a window that the times do not cover."""

    def unit(self, output: str, time: str) -> str:
        """Unit of the number, given those of output and time."""
        return output

    def span(self, times: Array) -> tuple[float, float]:
        """Start and end of what the number depends on."""
        return float(times[0]), float(times[-1])

    @abstractmethod
    def numbers(self, courses: Courses) -> Array:
        """The number of each person."""


@dataclass(frozen=True)
class _Windowed(Measure):
    start: float | None = None
    end: float | None = None

    def check(self, times: Array) -> None:
        start, end = self.span(times)
        if not times[0] <= start < end <= times[-1]:
            raise _refused(
                f"a window from {start:g} to {end:g} for output times from {times[0]:g} to {times[-1]:g}",
                "A start before the end, both within the output times",
            )

    def span(self, times: Array) -> tuple[float, float]:
        start = times[0] if self.start is None else self.start
        return float(start), float(times[-1] if self.end is None else self.end)


@dataclass(frozen=True)
class Peak(_Windowed):
    """Greatest value of a window.

    >>> Peak("y").numbers(Courses.straight(np.array([0.0, 1, 2]), np.array([[0.0, 5, 1]]))).round(12).tolist()
    [5.0]
    """

    def numbers(self, courses: Courses) -> Array:
        return peak(courses, *self.span(courses.times))[0]


@dataclass(frozen=True)
class PeakTime(_Windowed):
    """Time of the greatest value, the first of several (to a billionth).

    >>> course = Courses.straight(np.array([0.0, 1, 2]), np.array([[0.0, 5, 1]]))
    >>> PeakTime("y").numbers(course).round(12).tolist()
    [1.0]
    """

    def unit(self, output: str, time: str) -> str:
        return time

    def numbers(self, courses: Courses) -> Array:
        return peak(courses, *self.span(courses.times))[1]


@dataclass(frozen=True)
class Area(_Windowed):
    """Area under the curve of a window.

    >>> Area("y").numbers(Courses.straight(np.array([0.0, 1, 2]), np.array([[0.0, 5, 1]]))).round(12).tolist()
    [5.5]
    """

    def unit(self, output: str, time: str) -> str:
        return f"{output}*{time}"

    def numbers(self, courses: Courses) -> Array:
        return area(courses, *self.span(courses.times))


@dataclass(frozen=True)
class _Crossing(_Windowed):
    threshold: float = field(kw_only=True)

    def check(self, times: Array) -> None:
        super().check(times)
        if not np.isfinite(self.threshold):
            raise _refused(f"a threshold of {self.threshold}", "A finite number")

    def unit(self, output: str, time: str) -> str:
        return time


@dataclass(frozen=True)
class TimeAbove(_Crossing):
    """Time of a window spent at or above a threshold (in the unit of the output).

    >>> course = Courses.straight(np.array([0.0, 1, 2]), np.array([[0.0, 4, 0]]))
    >>> TimeAbove("y", threshold=2).numbers(course).round(12).tolist()
    [1.0]
    """

    def numbers(self, courses: Courses) -> Array:
        return above(courses, *self.span(courses.times), self.threshold)


@dataclass(frozen=True)
class TimeBelow(_Crossing):
    """Time of a window spent at or below a threshold (in the unit of the output).

    >>> course = Courses.straight(np.array([0.0, 1, 2]), np.array([[0.0, 4, 0]]))
    >>> TimeBelow("y", threshold=1).numbers(course).round(12).tolist()
    [0.5]
    """

    def numbers(self, courses: Courses) -> Array:
        return below(courses, *self.span(courses.times), self.threshold)


@dataclass(frozen=True)
class FirstPassage(_Crossing):
    """First time of a window at or above a threshold, or with ``falling`` at or below; infinite for never.

    >>> course = Courses.straight(np.array([0.0, 1]), np.array([[0.0, 4], [0, 1]]))
    >>> FirstPassage("y", threshold=2).numbers(course).round(12).tolist()
    [0.5, inf]
    """

    falling: bool = field(default=False, kw_only=True)

    def numbers(self, courses: Courses) -> Array:
        passage = first_below if self.falling else first_above
        return passage(courses, *self.span(courses.times), self.threshold)


@dataclass(frozen=True)
class Value(Measure):
    """Value at time ``at``, one of the output times.

    >>> course = Courses.straight(np.array([0.0, 1]), np.array([[30.0, 9], [30, 16]]))
    >>> Value("y", at=1).numbers(course).tolist()
    [9.0, 16.0]
    """

    at: float = field(kw_only=True)

    between_times: ClassVar[bool] = False

    def check(self, times: Array) -> None:
        at_time(times, self.at)

    def numbers(self, courses: Courses) -> Array:
        return courses.at(self.at)


@dataclass(frozen=True)
class Response(Measure):
    """1 for who has fallen by some share of the value at ``baseline`` at time ``at``, else 0.

    Args:
        output: name of the output.
        at: one of the output times.
        fall: share of the baseline.
        baseline: one of the output times; None takes the first.

    >>> course = Courses.straight(np.array([0.0, 1]), np.array([[30.0, 15], [30, 16]]))
    >>> Response("y", at=1, fall=0.5).numbers(course).tolist()
    [1.0, 0.0]
    """

    at: float = field(kw_only=True)
    fall: float = field(default=0.5, kw_only=True)
    baseline: float | None = field(default=None, kw_only=True)

    between_times: ClassVar[bool] = False

    def check(self, times: Array) -> None:
        for moment in (self.at, self._first(times)):
            at_time(times, moment)

    def _first(self, times: Array) -> float:
        return float(times[0]) if self.baseline is None else self.baseline

    def unit(self, output: str, time: str) -> str:
        return "1"

    def numbers(self, courses: Courses) -> Array:
        first, last = courses.at(self._first(courses.times)), courses.at(self.at)
        return np.where(np.isnan(last), np.nan, (last <= first * (1.0 - self.fall)).astype(float))


@dataclass(frozen=True)
class AtMost(Measure):
    """1 for who is at or below a level at time ``at``, else 0 (remission, for example).

    >>> course = Courses.straight(np.array([0.0, 1]), np.array([[30.0, 9], [30, 16]]))
    >>> AtMost("y", at=1, level=10).numbers(course).tolist()
    [1.0, 0.0]
    """

    at: float = field(kw_only=True)
    level: float = field(kw_only=True)

    between_times: ClassVar[bool] = False

    def check(self, times: Array) -> None:
        at_time(times, self.at)

    def unit(self, output: str, time: str) -> str:
        return "1"

    def numbers(self, courses: Courses) -> Array:
        last = courses.at(self.at)
        return np.where(np.isnan(last), np.nan, (last <= self.level).astype(float))


Reducer = Quantiles | MeanCourse | Measure


def outputs_of(reducers: Sequence[Reducer]) -> tuple[str, ...]:
    """Outputs that reducers look at, each once."""
    return tuple(dict.fromkeys(reducer.output for reducer in reducers))


def _refused(given: str, allowed: str) -> OutputError:
    return OutputError("RK-OUT-050", given=given, allowed=allowed)
