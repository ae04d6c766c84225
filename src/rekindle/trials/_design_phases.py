"""Phases of a design file: allocation, days of sessions, visits."""

from __future__ import annotations

from collections.abc import Mapping

from rekindle.errors import nearest
from rekindle.trials._design import CONTINUE, CROSS, RANDOMISE, Arm, MoodScale, Phase, Visit
from rekindle.trials._design_check import MOST_SESSIONS
from rekindle.trials._design_conditions import read_conditions
from rekindle.trials._design_section import Section

_WEEK_DAYS = {1: (0,), 2: (0, 3), 3: (0, 2, 4), 7: tuple(range(7))}


def read_phase(part: Section, arms: Mapping[str, Arm], known: Mapping[str, MoodScale]) -> Phase:
    """One phase."""
    name = part.text("name")
    if not isinstance(part.raw("days", None), int | float):
        raise part.refusal(
            "RK-DES-010",
            f"{part.raw('days', 'no length')}",
            key="days",
            allowed="The length of the phase in days",
            why="Without an end nobody ever completes the trial",
            remedy="State a length, and leave earlier by a rule",
        )
    days = part.number("days", low=0.01, high=36525.0)
    assign = part.choice("assign", (RANDOMISE, CONTINUE, CROSS), RANDOMISE)
    allocation = _allocation(part, arms) if assign != CONTINUE else {}
    belief = part.raw("believed", None)
    found = Phase(
        name,
        days,
        assign,
        allocation,
        _sessions(part),
        tuple(visit for one in part.sections("visits") for visit in _visits(one, known)),
        None if belief is None else part.number("believed", low=0.0, high=1.0),
        tuple(read_conditions(part, "enter_if", known, scores=True)),
        part.texts("only", ()),
        part.choice("others", ("leave", "continue"), "leave"),
    )
    for arm in found.only:
        if arm not in arms:
            raise part.refusal(
                "RK-DES-005", f'arm "{arm}"{nearest(arm, arms)}', key="only", allowed=", ".join(arms)
            )
    part.finish()
    return found


def _allocation(part: Section, arms: Mapping[str, Arm]) -> dict[str, float]:
    inner = part.section("allocation")
    for arm in inner.names:
        if arm not in arms:
            raise part.refusal(
                "RK-DES-005",
                f'arm "{arm}"{nearest(arm, arms)}',
                key="allocation",
                allowed=", ".join(arms),
            )
    found = {arm: inner.number(arm, low=0.0) for arm in inner.names}
    total = sum(found.values())
    stated = f"{', '.join(f'{arm} {value:g}' for arm, value in found.items())} makes {total:g}"
    if all(value == int(value) for value in found.values()):
        fits = total > 0
    else:
        fits = abs(total - 1.0) < 1e-9
        if any(abs(100.0 * value - round(100.0 * value)) > 1e-9 for value in found.values()):
            fits, stated = False, stated.replace(" makes", ", not in whole hundredths, makes")
    if not fits:
        raise part.refusal("RK-DES-006", stated, key="allocation")
    return found


def _sessions(part: Section) -> tuple[float, ...]:
    given = part.raw("sessions", [])
    if not isinstance(given, Mapping):
        return part.numbers("sessions", [])
    inner = part.section("sessions")
    a_week, weeks = inner.whole("per_week", low=1), inner.whole("weeks", low=1)
    every = inner.whole("every_weeks", 1, low=1)
    if a_week not in _WEEK_DAYS:
        raise inner.refusal(
            "RK-DES-004", f"{a_week}", key="per_week", allowed=", ".join(str(n) for n in _WEEK_DAYS)
        )
    if a_week * weeks // max(every, 1) > MOST_SESSIONS:
        raise inner.refusal("RK-DES-010", f"{a_week * weeks // every} sessions", key="weeks",
                            allowed=f"Up to {MOST_SESSIONS} in a phase")  # fmt: skip
    first = inner.number("from_day", 0.0, low=0.0)
    inner.finish()
    return tuple(first + 7.0 * week + day for week in range(0, weeks, every) for day in _WEEK_DAYS[a_week])


def _visits(part: Section, known: Mapping[str, MoodScale]) -> list[Visit]:
    names = part.texts("scales", tuple(known))
    for name in names:
        if name not in known:
            raise part.refusal(
                "RK-DES-011", f'scale "{name}"{nearest(name, known)}', key="scales",
                allowed=f"The scales of this design: {', '.join(known)}",
            )  # fmt: skip
    window = part.number("window_days", 0.0, low=0.0)
    days = [*part.numbers("days", []), *(hour / 24.0 for hour in part.numbers("hours", []))]
    part.finish()
    return [Visit(day, names, window) for day in days]
