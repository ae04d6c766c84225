"""Cadences: the gaps between sessions, and the recognition of a cadence in a list of times.

Reader and writer of the regimen language compute times with the same function, so that a written regimen is
read back to the same floating-point numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil

DAY_H, WEEK_H = 24.0, 168.0
_TOLERANCE = 1e-9
_NAMES = {
    (DAY_H,): "daily",
    (WEEK_H,): "weekly",
    (72.0, 96.0): "twice weekly",
    (48.0, 48.0, 72.0): "three times weekly",
}
_CYCLES = tuple(gaps for gaps in _NAMES if len(gaps) > 1)


@dataclass(frozen=True, slots=True)
class Cadence:
    """Gaps in h that repeat: ``(168,)`` is weekly, ``(72, 96)`` is twice weekly.

    >>> [Cadence((72.0, 96.0)).elapsed(index) for index in range(5)]
    [0.0, 72.0, 168.0, 240.0, 336.0]
    """

    gaps: tuple[float, ...]

    def elapsed(self, index: int) -> float:
        """Hours from the first session to session ``index`` (counted from 0)."""
        cycle, rest = divmod(index, len(self.gaps))
        return cycle * sum(self.gaps) + sum(self.gaps[:rest])

    def count_within(self, span_h: float) -> int:
        """Number of sessions that start less than ``span_h`` hours after the first."""
        # The tolerance keeps "every 40 min x 2 h" at three sessions although 40 min is no exact float.
        if len(self.gaps) == 1:
            return max(1, ceil(span_h / self.gaps[0] - _TOLERANCE))
        cycles = int(span_h // sum(self.gaps))
        rest = span_h - cycles * sum(self.gaps) - _TOLERANCE
        begun = sum(start < rest for start in (0.0, *accumulate(self.gaps[:-1])))
        return max(1, cycles * len(self.gaps) + begun)

    def __str__(self) -> str:
        """The words of the regimen language.

        >>> print(Cadence((336.0,)), Cadence((72.0, 96.0)), Cadence((8.0,)), sep=", ")
        every 2 weeks, twice weekly, every 8 h
        """
        if self.gaps in _NAMES:
            return _NAMES[self.gaps]
        gap = self.gaps[0]
        for size, unit in ((WEEK_H, "weeks"), (DAY_H, "days")):
            if gap % size == 0:
                return f"every {number(gap / size)} {unit}"
        return f"every {number(gap)} h"


def number(value: float) -> str:
    """Write a number as briefly as possible, such that reading it gives the same number.

    >>> number(84.0), number(0.1 + 0.2)
    ('84', '0.30000000000000004')
    """
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(float(value))


def longest_run(times: Sequence[float], first: int, end: int) -> tuple[Cadence, int]:
    """Cadence that fits most of ``times[first:end]`` from its start, and how many times it fits.

    A single time has a cadence of one week, which says nothing.

    >>> cadence, count = longest_run([0.0, 72.0, 168.0, 240.0, 408.0], 0, 5)
    >>> print(cadence, count)
    twice weekly 4
    """
    if end - first < 2:
        return Cadence((WEEK_H,)), 1
    gap = times[first + 1] - times[first]
    candidates = [Cadence((gap,)), *(Cadence(gaps) for gaps in _CYCLES if gaps[0] == gap)]
    fits = [(cadence, _fitting(cadence, times, first, end)) for cadence in candidates]
    return max(fits, key=lambda fit: fit[1])


def _fitting(cadence: Cadence, times: Sequence[float], first: int, end: int) -> int:
    count = 1
    while first + count < end and times[first] + cadence.elapsed(count) == times[first + count]:
        count += 1
    return count
