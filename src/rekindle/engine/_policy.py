"""Doses that are decided on the way, from what was seen of a person until then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rekindle.engine._solve import output_grid, solve
from rekindle.engine._trajectory import Trajectory
from rekindle.engine.records._event_table import EventTable
from rekindle.errors import EventError
from rekindle.modelling import Model

#: ``policy(time, seen)``: rows to add to the event table, with ID, from what was seen up to ``time``.
Policy = Callable[[float, Trajectory], Iterable[Mapping[str, Any]]]


def simulate_with_policy(
    model: Model,
    events: EventTable,
    policy: Policy,
    *,
    decisions: Iterable[float],
    times: Iterable[float],
    **options: Any,
) -> tuple[Trajectory, EventTable]:
    """Integrate a model while a policy adds doses and other records.

    At each decision time everybody is simulated up to that time and the policy sees the trajectory: the
    output times before it, and the decision time itself as the last one, after the records of that time. The
    rows that it returns are checked like those of any table and take place after what the table holds for
    their time. Everybody is simulated from the start each time: n decisions cost about n/2 whole runs.

    Args:
        model, events, times: as for ``solve``; ``events`` holds what does not depend on the policy.
        policy: function of the decision time and the trajectory so far; returns rows with ``ID``. ``TIME`` is
            the decision time where it is missing.
        decisions: times of decisions, in order.
        options: further arguments of ``solve``.

    Returns:
        The trajectory, and the event table with all that was added.

    Raises:
        EventError: a row for the time before the decision, of a person who is not in the table, or one that
            is no record.

    >>> from rekindle import load_model
    >>> model = load_model("model m\\ntime [h]\\nstate C [mg]\\nd/dt(C) = -0.1[1/h]*C\\noutput A [mg] = C")
    >>> first = EventTable.from_rows([dict(ID=i, TIME=0, AMT=60 * i, CMT="C") for i in (1, 2)], model)
    >>> def top_up(time, seen):
    ...     left = dict(zip(seen.ids, seen["A"][:, -1]))
    ...     return [dict(ID=person, AMT=50, CMT="C") for person in left if left[person] < 40]
    >>> found, given = simulate_with_policy(model, first, top_up, decisions=[8, 16], times=[8, 10, 20])
    >>> found["A"].round(1).tolist(), [len(records) for records in given.subjects.values()]
    ([[77.0, 63.0, 56.7], [53.9, 44.1, 49.8]], [3, 2])
    """
    moments, wanted = output_grid(decisions), output_grid(times)
    for moment in moments.tolist():
        seen = solve(model, events, times=[*wanted[wanted < moment], moment], **options)
        rows = [_timed(row, moment) for row in policy(moment, seen)]
        if rows:
            events = events.with_rows(rows, model)
    return solve(model, events, times=wanted, **options), events


def _timed(row: Mapping[str, Any], moment: float) -> dict[str, Any]:
    found = {"TIME": moment, **row}
    if float(found["TIME"]) < moment:
        raise EventError(
            "RK-EVT-033",
            given=f"person {found.get('ID')}: a row with TIME {found['TIME']}, decided at {moment:g}",
            allowed=f"TIME from {moment:g} on",
            why="What was seen before the decision would change after it",
            remedy="Leave TIME out for a dose at once, or give a later one",
        )
    return found
