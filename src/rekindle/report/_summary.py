"""A simulated course in few numbers: peaks of the acute effects, scores on some days, shares of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rekindle.report._bands import BAND_LEVEL

if TYPE_CHECKING:
    from rekindle.engine import Trajectory
    from rekindle.people import ScoreUncertainty

Array = NDArray[np.float64]

#: What the time of a peak counts from: acute effects, and states that build up over sessions.
INTO_SESSION, FROM_FIRST = "into the session", "from the start of the course"
#: Days after the first session on which the score is reported.
SCORE_DAYS = (1, 2, 7, 14, 28)


@dataclass(frozen=True)
class Estimate:
    """Median over people with the interval that holds 90 % of them; one person has no interval."""

    value: float
    unit: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Peak:
    """Largest value of an output in each person, and when it came (h); ``since`` says after what."""

    name: str
    label: str
    size: Estimate
    time: Estimate
    measurable: bool = True
    since: str = INTO_SESSION


@dataclass(frozen=True)
class ScoreAtDay:
    """Score on one day, and the share of people for each endpoint; its threshold is part of its name."""

    day: float
    score: Estimate
    shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class CourseSummary:
    """What was simulated, in words, and what came out.

    Attributes:
        title: what was given, in one line.
        what: sentences that say what was simulated.
        people: number of people.
        peaks: acute effects that can be measured.
        scores: mood on some days.
        sure: how sure the score on these days is, by source.
        states: peaks of states of the model; never measured.
        notes: extrapolations and other remarks that belong to every number.
        solver: what the solver did.
    """

    title: str
    what: Sequence[str]
    people: int
    peaks: Sequence[Peak] = ()
    scores: Sequence[ScoreAtDay] = ()
    sure: Sequence[ScoreUncertainty] = ()
    states: Sequence[Peak] = ()
    notes: Sequence[str] = ()
    solver: str = ""
    interval: str = field(default=f"{100 * BAND_LEVEL:.0f} % of people")

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, texts and numbers, for JSON."""
        return asdict(self)


def estimate(values: Array, unit: str) -> Estimate:
    """Median and 90 % interval over people.

    >>> import numpy as np
    >>> estimate(np.arange(21.0), "mmHg")
    Estimate(value=10.0, unit='mmHg', low=1.0, high=19.0)
    """
    values = np.asarray(values, dtype=float)
    if len(values) == 1:
        return Estimate(float(values[0]), unit)
    tail = round((1 - BAND_LEVEL) / 2, 12)
    low, middle, high = np.quantile(values, [tail, 0.5, 1 - tail])
    return Estimate(float(middle), unit, float(low), float(high))


def find_peaks(
    trajectory: Trajectory, labels: Mapping[str, str], *, sessions_h: Sequence[float] = ()
) -> tuple[Peak, ...]:
    """Peak of each labelled output of a trajectory whose people share their output times (in h).

    The time of a peak counts from the last of ``sessions_h`` before it, or from the start of the first
    session where none are given. An output that stays the same in everybody has no peak and is left out.
    """
    assert trajectory.grid is not None
    starts = np.array([0.0, *sessions_h])
    since = trajectory.grid - starts[np.searchsorted(starts, trajectory.grid + 1e-9) - 1]
    peaks = []
    for name, label in labels.items():
        values = trajectory[name]
        if not np.ptp(values, axis=1).any():
            continue
        places = values.argmax(axis=1)
        peaks.append(
            Peak(
                name,
                label,
                estimate(values[np.arange(len(values)), places], trajectory.units[name]),
                estimate(since[places], "h"),
                trajectory.measurable[name],
                INTO_SESSION if len(sessions_h) else FROM_FIRST,
            )
        )
    return tuple(peaks)


def scores_by_day(
    trajectory: Trajectory,
    name: str,
    *,
    shares: Mapping[float, Mapping[str, float]] | None = None,
    days: Sequence[float] = SCORE_DAYS,
) -> tuple[ScoreAtDay, ...]:
    """Score on every day that was simulated.

    Args:
        trajectory: people with shared output times (h).
        name: output that holds the score without rating error.
        shares: day -> endpoint -> share of people.
        days: days after the first session; those without an output time are left out.
    """
    assert trajectory.grid is not None
    found = []
    for day in days:
        places = np.flatnonzero(np.isclose(trajectory.grid, 24.0 * day))
        if len(places):
            score = estimate(trajectory[name][:, places[0]], trajectory.units[name])
            found.append(ScoreAtDay(day, score, dict((shares or {}).get(day, {}))))
    return tuple(found)
