"""When one person comes in a phase: planned days, actual times, missed sessions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rekindle.people import Stream, random_generator
from rekindle.trials._design import Design, Phase

#: Rounding that does not cost a day of a window.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Occasion:
    """One day on which a person is expected.

    Attributes:
        place: number within the phase, from 0.
        day: planned day of the phase.
        planned_h, time_h: planned and actual time, h from the first day of the trial.
        planned: what is to be rated; read in the model even if the visit was missed, so that more people are
            alike and run together.
        scales: what is rated; empty if the visit was missed.
        slot: number of the session among all sessions of the trial, from 1; 0 without one.
        missed: the session that was planned here did not take place.
    """

    place: int
    day: float
    planned_h: float
    time_h: float
    planned: tuple[str, ...]
    scales: tuple[str, ...]
    slot: int
    missed: bool = False


def agenda(design: Design, phase: Phase, number: int, *, seed: int, replicate: int) -> list[Occasion]:
    """Occasions of one person in a phase, in order of time.

    A visit is made on any day of its window with equal probability, at the planned time of day (in a window
    under a day, at any hour of it); a session on the same day goes with it. The last day of a phase is not
    passed when another phase follows.
    """
    start, windows = design.start_h(phase.name), dict.fromkeys(phase.sessions, 0.0)
    rated: dict[float, tuple[str, ...]] = {}
    for visit in phase.visits:
        windows[visit.day] = max(visit.window, windows.get(visit.day, 0.0))
        rated[visit.day] = (*rated.get(visit.day, ()), *visit.scales)
    generator = random_generator(seed, replicate, number, 0, Stream.ALLOCATION, f"visits of {phase.name}")
    followed = phase.name != design.phases[-1].name
    before = slots_before(design, phase)
    found = []
    for place, (day, window) in enumerate(sorted(windows.items())):
        uniform, no_session, no_visit = generator.random(), generator.random(), generator.random()
        late = window if not followed else min(window, phase.days - day)
        shift = moved_days(uniform, window, late)
        planned = start + 24.0 * day
        session = day in phase.sessions
        missed = session and no_session < design.missed_sessions
        scales = tuple(dict.fromkeys(rated.get(day, ())))
        found.append(
            Occasion(
                place,
                day,
                planned,
                max(0.0, round(planned + 24.0 * shift, 6)),
                scales,
                () if no_visit < design.missed_visits else scales,
                before + 1 + phase.sessions.index(day) if session and not missed else 0,
                missed,
            )
        )
    return found


def moved_days(uniform: float, early: float, late: float) -> float:
    """Days by which a visit is moved, from ``-early`` to ``late``: whole ones, or hours in less than a day.

    >>> [moved_days(uniform, 1.0, 1.0) for uniform in (0.1, 0.5, 0.9)], moved_days(0.9, 2.5, 0.0)
    ([-1.0, 0.0, 1.0], 0.0)
    >>> round(24 * moved_days(0.99, 0.25, 0.25))
    6
    """
    a_day = 1 if early >= 1.0 else 24
    first, last = -math.floor(early * a_day + _SLACK), math.floor(late * a_day + _SLACK)
    return (first + math.floor(uniform * (last - first + 1))) / a_day


def slots_before(design: Design, phase: Phase) -> int:
    """Sessions planned in all phases before this one."""
    names = [one.name for one in design.phases]
    return sum(len(one.sessions) for one in design.phases[: names.index(phase.name)])
