"""A quantity over time for many people: the middle and the spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import OutputError

if TYPE_CHECKING:
    from rekindle.engine import Trajectory

Array = NDArray[np.float64]

#: Share of people inside a band unless another is asked for.
BAND_LEVEL = 0.9


@dataclass(frozen=True, eq=False)
class Band:
    """Median over people and the interval that holds a share ``level`` of them; one person has no interval.

    ``time_h`` has shape (times,) in hours, as have ``median``, ``low`` and ``high`` in ``unit``.
    """

    name: str
    label: str
    unit: str
    time_h: Array
    median: Array
    low: Array | None = None
    high: Array | None = None
    measurable: bool = True
    level: float = BAND_LEVEL

    def between(self, start_h: float, end_h: float) -> Band:
        """Return the part of the band in a window of time (h, both ends included).

        >>> import numpy as np
        >>> Band("x", "x", "1", np.arange(4.0), np.arange(4.0)).between(1, 2).median.tolist()
        [1.0, 2.0]
        """
        inside = (self.time_h >= start_h) & (self.time_h <= end_h)
        return replace(
            self,
            time_h=self.time_h[inside],
            median=self.median[inside],
            low=None if self.low is None else self.low[inside],
            high=None if self.high is None else self.high[inside],
        )

    def shifted(self, by_h: float) -> Band:
        """Return the band with its times moved (h)."""
        return replace(self, time_h=self.time_h + by_h)


def band_of(
    values: Array,
    time_h: Array,
    *,
    name: str,
    unit: str,
    label: str = "",
    measurable: bool = True,
    level: float = BAND_LEVEL,
) -> Band:
    """Median and interval over people.

    Args:
        values: shape (people, times).
        time_h: shape (times,), hours.
        name: name of the quantity.
        unit: unit of the values.
        label: words for a figure; the name if empty.
        measurable: False for a state of the model.
        level: share of people inside the interval.

    >>> import numpy as np
    >>> band = band_of(np.arange(11.0)[:, None], np.array([0.0]), name="x", unit="1", level=0.8)
    >>> band.low.tolist(), band.median.tolist(), band.high.tolist()
    ([1.0], [5.0], [9.0])
    """
    values = np.atleast_2d(np.asarray(values, dtype=float))
    median = np.median(values, axis=0)
    low = high = None
    if len(values) > 1:
        # Rounded, so that a quantile that falls on one person is exactly the value of that person.
        tail = round((1 - level) / 2, 12)
        low, high = np.quantile(values, [tail, 1 - tail], axis=0)
    return Band(name, label or name, unit, np.asarray(time_h, float), median, low, high, measurable, level)


def trajectory_bands(
    trajectory: Trajectory, names: Sequence[str] | None = None, *, labels: Mapping[str, str] | None = None
) -> dict[str, Band]:
    """Bands of the outputs of a trajectory whose people share their output times.

    Raises:
        OutputError: people with different output times.
    """
    from rekindle.units import convert

    if trajectory.grid is None:
        raise OutputError(
            "RK-OUT-021",
            given="a trajectory whose people have different output times",
            why="A median over people needs everybody at the same time",
            remedy="Simulate with times=[...]",
        )
    time_h = trajectory.grid * convert(1.0, trajectory.time_unit, "h")
    return {
        name: band_of(
            trajectory[name],
            time_h,
            name=name,
            unit=trajectory.units[name],
            label=(labels or {}).get(name, ""),
            measurable=trajectory.measurable[name],
        )
        for name in (trajectory.names if names is None else names)
    }
