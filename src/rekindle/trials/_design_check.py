"""What a design must fulfil as a whole before anybody is simulated."""

from __future__ import annotations

from itertools import pairwise

from rekindle.errors import RekindleError
from rekindle.therapy import control_responses, refuse_double_count
from rekindle.trials._design import CONTINUE, CROSS, MISSING, WITHOUT_CONTROL, Design, Phase
from rekindle.trials._design_errors import design_error

#: Sessions of one phase beyond which a schedule is taken as one without an end.
MOST_SESSIONS = 1000


def check_design(design: Design) -> None:
    """Refuse a design that contradicts itself.

    Raises:
        DesignError: unreachable visits or phases, a difference without a control, sessions without end.
    """
    before: set[str] = set()
    current: set[str] = set()
    names = [phase.name for phase in design.phases]
    for place, phase in enumerate(design.phases):
        where = f"{design.source}, phases, {phase.name}"
        if names.count(phase.name) > 1:
            raise design_error("RK-DES-005", f"{where}: this name stands twice", allowed="One name each")
        if phase.assign in (CONTINUE, CROSS) and not before:
            raise design_error(
                "RK-DES-007",
                f"{where}: {phase.assign} in the first phase",
                allowed="randomise",
                why="Nobody is in an arm yet",
            )
        for name in phase.only:
            if name not in before:
                raise design_error(
                    "RK-DES-007",
                    f'{where}: only people of arm "{name}" enter, which no phase before has',
                    allowed=", ".join(sorted(before)) or "none",
                    why="Nobody could reach its visits",
                )
        _check_days(where, phase, last=place == len(design.phases) - 1)
        if phase.assign == CROSS and not current <= set(phase.allocation):
            raise design_error(
                "RK-DES-007",
                f"{where}: nothing to cross to from arm {', '.join(sorted(current - set(phase.allocation)))}",
                allowed="An allocation that names every arm of the period before",
                why="Its people could not go on",
            )
        if phase.assign != CONTINUE:
            kept = current if phase.others == "continue" else set[str]()
            current = set(phase.allocation) | kept
        before |= set(phase.allocation)
    unused = [name for name in design.arms if name not in before]
    if unused:
        raise design_error(
            "RK-DES-007",
            f'{design.source}: nobody is ever allocated to arm "{unused[0]}"',
            remedy="Name it in the allocation of a phase, or leave it out",
        )
    for arm in design.arms.values():
        try:
            refuse_double_count(design.control_class, arm.antidepressant)
        except RekindleError as problem:
            raise design_error(
                "RK-DES-005",
                f"{design.source}, arms, {arm.name}: {problem.given}",
                allowed="antidepressant: 0 in this class",
                why=problem.why,
                remedy="Leave antidepressant out, or choose another control class",
            ) from None
    if not any(phase.visits or (phase.sessions and design.acute) for phase in design.phases):
        raise design_error(
            "RK-DES-003",
            f"{design.source}, phases: no visit, and no readings of a session",
            why="Nothing would ever be observed",
            remedy="Add visits: [{days: 7}] to a phase",
        )
    _check_rules(design)
    _check_intervals(design)
    _check_difference(design)


def cautions(design: Design) -> tuple[str, ...]:
    """What can be run and may not be what was meant."""
    if design.relapse is None:
        return ()
    phase = design.phase(design.relapse_phase)
    upper = any(one.condition.test in ("at_most", "below") for one in design.eligibility)
    if phase.enter or (phase is design.phases[0] and upper):
        return ()
    return (
        f"Relapse is asked of everybody in phase {phase.name}, also of those who never improved, because "
        "nothing has to be met to enter it.",
    )


def _check_days(where: str, phase: Phase, *, last: bool) -> None:
    if len(phase.sessions) > MOST_SESSIONS:
        raise design_error(
            "RK-DES-010", f"{where}: {len(phase.sessions)} sessions", allowed=f"Up to {MOST_SESSIONS}"
        )
    if list(phase.sessions) != sorted(set(phase.sessions)):
        raise design_error("RK-DES-004", f"{where}: sessions", allowed="Rising days, each once")
    days = sorted(phase.visits, key=lambda visit: visit.day)
    for what, day in [("visit", one.day) for one in days] + [("session", day) for day in phase.sessions]:
        over = day > phase.days or (what == "session" and day >= phase.days)
        if day < 0 or over:
            raise design_error(
                "RK-DES-007",
                f"{where}: a {what} on day {day:g} of a phase of {phase.days:g} days",
                allowed=f"Days from 0 to {phase.days:g}"
                + ("; a session needs a day before the end" if what == "session" else ""),
                why="Nobody could reach it",
            )
    moments: dict[float, float] = dict.fromkeys(phase.sessions, 0.0)
    for visit in days:
        moments[visit.day] = max(visit.window, moments.get(visit.day, 0.0))
    ordered = sorted(moments.items())
    for (one, before), (two, after) in pairwise(ordered):
        if one + before >= two - after:
            raise design_error(
                "RK-DES-007",
                f"{where}: day {one:g} and day {two:g} with windows of {before:g} and {after:g} days",
                allowed="Windows that do not meet",
                why="The later one could come first",
                remedy="Make the windows smaller",
            )
    if ordered and ordered[0][1] > ordered[0][0]:
        raise design_error(
            "RK-DES-007",
            f"{where}: the window of day {ordered[0][0]:g} begins before the phase",
            remedy="Make the window smaller",
        )


def _check_intervals(design: Design) -> None:
    """Refuse an interval that would ask for more sessions than are planned."""
    for rule in design.rules:
        if rule.action != "interval":
            continue
        phases = [one for one in design.phases if not rule.phases or one.name in rule.phases]
        gaps = [after - before for phase in phases for before, after in pairwise(phase.sessions)]
        if gaps and float(rule.value) < min(gaps) - 1e-6:
            raise design_error(
                "RK-DES-010",
                f"{design.source}, rules, {rule.name}: sessions {float(rule.value):g} days apart",
                allowed=f"{min(gaps):g} days or more, the least gap between the sessions that are planned",
                why="Sessions are given on planned days only, so that every schedule ends; a rule can make "
                "them rarer, not more frequent",
                remedy="Plan sessions as often as they may be needed, and let rules leave some of them out",
            )


def _check_rules(design: Design) -> None:
    if design.after_rescue == MISSING and not any(rule.rescue for rule in design.rules):
        raise design_error(
            "RK-DES-005",
            f"{design.source}, after_rescue: {MISSING}, and no rule rescues",
            allowed="A rule with rescue: yes",
            why="It would change nothing without a word",
            remedy="Add rescue: yes to a rule, or leave after_rescue out",
        )
    for rule in (*design.rules, *design.dropout):
        where = f"{design.source}, rules, {rule.name}"
        if design.acute is None and any(
            one.what == "report" or one.what not in design.scales for one in rule.conditions
        ):
            raise design_error(
                "RK-DES-003",
                f"{where}: it asks for a reading of a session, and the design takes none",
                remedy="Add acute: {minutes: [40, 80, 120]}",
            )
        if not rule.days:
            continue
        phases = [one for one in design.phases if not rule.phases or one.name in rule.phases]
        reached = {day for phase in phases for day in (*phase.sessions, *(v.day for v in phase.visits))}
        for day in rule.days:
            if not any(abs(day - one) < 1e-6 for one in reached):
                raise design_error(
                    "RK-DES-007",
                    f"{where}: day {day:g} has neither a visit nor a session",
                    why="The decision would never be taken",
                )


def _check_difference(design: Design) -> None:
    primary = design.primary
    if primary is None:
        return
    where = f"{design.source}, primary"
    stated = f"in control class {design.control_class}" if design.control_class else "without a control class"
    blinded = [name for name in control_responses() if name not in WITHOUT_CONTROL]
    phase, (active, control) = design.phase(primary.phase), primary.arms
    if design.control_class is None or design.control_class in WITHOUT_CONTROL:
        raise design_error(
            "RK-DES-008",
            f"{where}: a difference between {active} and {control} {stated}",
            allowed=f"One of {', '.join(blinded)}",
            why="The change in a control arm is set by its design; a difference without it means nothing",
            remedy="State the control_class of the design, or leave primary out",
        )
    if primary.analysis == "relapse" and design.relapse is None:
        raise design_error(
            "RK-DES-003",
            f"{where}: relapse is not defined",
            remedy="Add relapse: {scale: ...}",
        )
    for name, compared in ((primary.phase, design.compared), (design.relapse_phase, design.compared)):
        relevant = name == primary.phase or primary.analysis == "relapse"
        if relevant and (compared is None or compared.name != name):
            raise design_error(
                "RK-DES-008",
                f"{where}: phase {name or 'not stated'}",
                allowed=f"Phase {compared.name}" if compared else "A phase that randomises to two arms",
                why="Arms are compared in the last phase that randomises to, or crosses between, two or more",
                remedy="Name that phase, or end the trial with the phase of the primary result",
            )
    if active == control or not {active, control} <= set(phase.allocation):
        raise design_error(
            "RK-DES-008",
            f"{where}: {active} against {control} in phase {phase.name}",
            allowed=f"Two arms of its allocation: {', '.join(phase.allocation)}",
            remedy="Name two arms of the phase, active first",
        )
    if not design.arms[control].control:
        raise design_error(
            "RK-DES-008",
            f'{where}: a difference to arm "{control}", which is not a control arm',
            remedy=f"Add control: yes to arm {control}, or name another arm",
        )
    rated = [v.day for v in phase.visits if primary.scale in v.scales]
    if primary.analysis != "relapse" and not any(abs(day - primary.day) < 1e-6 for day in rated):
        raise design_error(
            "RK-DES-007",
            f"{where}: {primary.scale} is not rated on day {primary.day:g} of phase {phase.name}",
            allowed=", ".join(f"{day:g}" for day in rated) or "no day",
            why="The primary result could not be reached",
        )
    if (primary.analysis in ("paired", "crossover")) != (phase.assign == CROSS):
        raise design_error(
            "RK-DES-008",
            f"{where}: analysis {primary.analysis} where arms are assigned by {phase.assign}",
            allowed="paired or crossover for a crossover (its last period), and only there",
        )
