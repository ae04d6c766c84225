"""What a comparison reads off the simulated people of one treatment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import Trajectory
from rekindle.people import Stream, random_generator
from rekindle.trials._course_times import half_time, lasting_days
from rekindle.trials._endpoints import endpoint
from rekindle.trials._ratings import rating_scale
from rekindle.trials._tables import read_table
from rekindle.trials._treatment import SCALE

Array = NDArray[np.float64]

MOOD = "madrs_latent"
#: Outputs that a comparison reads; what the model of a compound does not have stays open.
OUTPUTS = (
    MOOD, "cadss", "systolic_change", "p_moaas_4", "p_report_nausea", "p_report_dizziness", "liking",
    "bladder_exposure",
)  # fmt: skip
#: Length of a session that is looked at, and when its reports are complete (h).
ACUTE_H, REPORT_H = 6.0, 1.5


@dataclass(frozen=True)
class Measure:
    """One outcome in all people of a treatment.

    Attributes:
        name: short name, the same in every treatment.
        label: words with everything that defines it.
        unit: unit; ``%`` is a share of people.
        values: (people,) or (people, times); None where it does not apply.
        statistic: the number that is reported, from the values of any group of people.
        resampled: the interval is that of the statistic over resampled people; otherwise that of the people.
        limit: the largest value that could be seen; at it, the truth is "more than".
    """

    name: str
    label: str
    unit: str
    values: Array | None
    statistic: Callable[[Array], float]
    resampled: bool = False
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Visits:
    """When a treatment is given (h): starts of its drug sessions, its last visit, and how many visits."""

    sessions_h: tuple[float, ...]
    last_visit_h: float | None
    visits: int


def measures(
    found: Trajectory,
    visits: Visits,
    *,
    baseline: Array,
    days: Sequence[int],
    fading: float,
    seed: int,
) -> tuple[Measure, ...]:
    """Every outcome of one treatment, in the order of the table.

    Args:
        found: people with shared times (h) and the outputs ``OUTPUTS``.
        visits: when it is given.
        baseline: MADRS at entry, one for each person.
        days: days of depth, response and remission.
        fading: rate at which past exposure fades (1/h), from which the area follows.
        seed: seed of all random numbers.
    """
    return (
        *_mood(found, visits, baseline, days, seed),
        *_acute(found, visits, seed),
        *_burden(found, visits, fading),
    )


def _mood(
    found: Trajectory, visits: Visits, baseline: Array, days: Sequence[int], seed: int
) -> list[Measure]:
    times = _grid(found)
    fall = found[MOOD][:, :1] - found[MOOD]
    last = visits.last_visit_h
    made = [
        Measure(
            "onset", "time to half of the largest median fall of MADRS", "h", fall,
            lambda curves: half_time(times, np.median(curves, axis=0)), resampled=True,
        )
    ]  # fmt: skip
    made += [
        Measure(
            f"fall_day_{day}", f"fall of MADRS, day {day}", "points", fall[:, _at(times, 24.0 * day)], _median
        )
        for day in days
    ]
    made.append(
        Measure(
            "lasting", "days after the last visit with more than half of the largest median fall", "days",
            None if last is None else fall,
            lambda curves: lasting_days(times, np.median(curves, axis=0), last or 0.0),
            resampled=True,
            limit=None if last is None else (float(times[-1]) - last) / 24.0,
        )
    )  # fmt: skip
    rated = _rated(found, days, seed)
    for name in ("response", "remission"):
        rule = endpoint(name, SCALE)
        for day in days:
            reached = rule.reached(rated[day], baseline).astype(float)
            made.append(Measure(f"{name}_day_{day}", f"{rule.label}, day {day}", "%", reached, _share, True))
    return made


def _acute(found: Trajectory, visits: Visits, seed: int) -> list[Measure]:
    times, starts = _grid(found), visits.sessions_h
    applies = bool(starts)
    start = starts[0] if applies else 0.0
    window = (times >= start - 1e-9) & (times <= start + ACUTE_H + 1e-9)

    def peak(name: str) -> Array | None:
        if not applies or name not in found.names:
            return None
        return np.asarray(found[name][:, window].max(axis=1))

    def reports(name: str) -> Array | None:
        if not applies or name not in found.names:
            return None
        places = [_at(times, session + REPORT_H) for session in starts]
        return np.asarray(1.0 - np.prod(1.0 - found[name][:, places], axis=1))

    made = [
        Measure(
            "dissociation",
            "dissociation (CADSS), peak of the first session",
            "points",
            peak("cadss"),
            _median,
        ),
        Measure(
            "systolic_rise",
            "systolic rise, peak of the first session",
            "mmHg",
            peak("systolic_change"),
            _median,
        ),
        Measure(
            "sedation",
            "sedation (MOAA/S 4 or less), highest probability, first session",
            "%",
            peak("p_moaas_4"),
            _share,
            True,
        ),
        Measure("nausea", "nausea, reported in any session", "%", reports("p_report_nausea"), _share, True),
        Measure(
            "dizziness",
            "dizziness, reported in any session",
            "%",
            reports("p_report_dizziness"),
            _share,
            True,
        ),
        Measure(
            "liking",
            "drug liking, peak of the first session (50 neutral; never a risk of misuse)",
            "points",
            peak("liking"),
            _median,
        ),
    ]
    judged = {"cadss", "systolic_change", "p_moaas_4"} <= set(found.names)
    for minutes in (90, 120):
        ready = (
            ready_to_leave(found, _at(times, start + minutes / 60.0), seed) if applies and judged else None
        )
        label = f"ready to leave at {minutes} min of the first session (assumed rule)"
        made.append(Measure(f"ready_{minutes}_min", label, "%", ready, _share, True))
    return made


def _burden(found: Trajectory, visits: Visits, fading: float) -> list[Measure]:
    count = np.full(len(found.ids), float(visits.visits))
    return [
        Measure(
            "exposure",
            "cumulative plasma exposure (ketamine S + R)",
            "ng*h/mL",
            cumulative_exposure(found, fading),
            _median,
        ),
        Measure("visits", "visits with a session", "1", count, _median),
    ]


def cumulative_exposure(found: Trajectory, fading: float) -> Array | None:
    """Area under the plasma curve (S + R) of each person, ng*h/mL; None for a compound that is not ketamine.

    ``fading`` is the rate of the bladder index (kUb, 1/h).
    """
    if "bladder_exposure" not in found.names:
        return None
    past = found["bladder_exposure"]
    # The index is the area that has not faded yet: what has faded is fading times its own area.
    return np.asarray(past[:, -1] + fading * np.trapezoid(past, _grid(found), axis=1))


def _rated(found: Trajectory, days: Sequence[int], seed: int) -> dict[int, Array]:
    """Ratings on some days; one person's rating error on a day is the same under every treatment."""
    scale, times = rating_scale(SCALE), _grid(found)
    rated = {}
    for day in days:
        latent = found[MOOD][:, _at(times, 24.0 * day)]
        rated[day] = np.array(
            [
                scale.rate(score, random_generator(seed, 0, person, day, Stream.OBSERVATION, SCALE))
                for person, score in zip(found.ids, latent, strict=True)
            ]
        )
    return rated


def ready_to_leave(found: Trajectory, place: int, seed: int) -> Array:
    """1 for people whom the rule in ``readiness_rule.csv`` would let go, at one place of their times."""
    limits = _limits()
    draws = np.array(
        [random_generator(seed, 0, person, 0, Stream.OBSERVATION, "MOAA/S").random() for person in found.ids]
    )
    calm = found["cadss"][:, place] <= limits["cadss"]
    steady = found["systolic_change"][:, place] < limits["systolic_change"]
    return np.asarray(calm & steady & (draws >= found["p_moaas_4"][:, place]), dtype=float)


def readiness_rule() -> str:
    """The rule by which people count as ready to leave, in words.

    >>> readiness_rule()
    'CADSS at most 4, systolic rise below 20 mmHg, MOAA/S 5 in a draw from its probability'
    """
    limits = _limits()
    return (
        f"CADSS at most {limits['cadss']:g}, systolic rise below {limits['systolic_change']:g} mmHg, "
        "MOAA/S 5 in a draw from its probability"
    )


def _limits() -> dict[str, float]:
    return {row["quantity"]: float(row["limit"]) for row in read_table("readiness_rule.csv") if row["limit"]}


def _grid(found: Trajectory) -> Array:
    assert found.grid is not None, "everybody is simulated at the same times"
    return np.asarray(found.grid)


def _at(times: Array, time_h: float) -> int:
    return int(np.argmin(np.abs(times - time_h)))


def _median(values: Array) -> float:
    return float(np.median(values))


def _share(values: Array) -> float:
    return 100.0 * float(np.mean(values))
