"""Errors by group: the two roles in columns of their own, units never mixed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from rekindle.report._format import interval, number
from rekindle.report._page import PageTable
from rekindle.report.evidence._groups import grouped, inside, of_role
from rekindle.report.evidence._names import PLASMA, plain_name
from rekindle.report.evidence._points import CALIBRATE, CHECK, EvidencePoint

Grouping = Callable[[EvidencePoint], str]

#: Ends of the stretches of time since the first dose (h) by which residuals are counted.
_TIMES = ((4.0, "up to 4 h"), (36.0, "4 to 36 h"), (180.0, "36 h to 7 days"), (800.0, "8 to 33 days"))
_LATER = "after 33 days"
#: Groups of rows that do not say to which group they belong.
UNTIMED, UNSTATED = "no time stated", "not stated"


def time_class(point: EvidencePoint) -> str:
    """Stretch of time since the first dose in which a row was observed."""
    if point.time_h is None:
        return UNTIMED
    return next((words for end, words in _TIMES if point.time_h <= end), _LATER)


#: What residuals are grouped by, for clinical outcomes and for plasma.
OUTCOME_GROUPINGS: dict[str, Grouping] = {
    "outcome": lambda point: point.quantity,
    "route": lambda point: plain_name(point.route) or UNSTATED,
    "control class": lambda point: plain_name(point.control_class),
    "time since first dose": time_class,
    "study": lambda point: point.study,
}
PLASMA_GROUPINGS: dict[str, Grouping] = {
    "quantity": lambda point: point.quantity,
    "route": lambda point: plain_name(point.route) or UNSTATED,
    "time since first dose": time_class,
    "study": lambda point: point.study,
}


def group_table(name: str, points: Sequence[EvidencePoint], key: Grouping) -> PageTable:
    """Counts and errors by group and unit: times in their order, else the smallest share inside first."""
    groups = grouped([point for point in points if point.compared], lambda point: (key(point), point.family))

    def share_inside(group: tuple[str, str]) -> tuple[float, int]:
        held, compared = inside(groups[group])
        return held / compared, -compared

    timely = [words for _, words in _TIMES] + [_LATER, UNTIMED]
    chronological = all(group in timely for group, _ in groups)

    def order(group: tuple[str, str]) -> tuple[float, int]:
        return (timely.index(group[0]), 0) if chronological else share_inside(group)

    plasma = all(family == PLASMA for _, family in groups)
    rows = [
        [
            group[0],
            *([] if plasma else [group[1]]),
            *_cells(groups[group], CHECK),
            *_cells(groups[group], CALIBRATE),
        ]
        for group in sorted(groups, key=order)
    ]
    errors = ("mean ratio", "ratios") if plasma else ("mean error", "RMSE")
    columns = [f"{role}: {column}" for role in (CHECK, CALIBRATE) for column in ("inside", *errors)]
    return PageTable(
        f"By {name}. Inside: observations inside their 90 % interval. "
        + (
            "Ratios are predicted over observed, their mean is geometric."
            if plasma
            else "Errors are predicted less observed, in the unit named."
        ),
        (name, *([] if plasma else ["unit"]), *columns),
        rows,
    )


def _cells(points: Sequence[EvidencePoint], role: str) -> list[str]:
    own = of_role(points, role)
    if not own:
        return ["–", "", ""]
    held, compared = inside(own)
    errors = [point.error for point in own if math.isfinite(point.error)]
    if not errors:
        return [f"{held} of {compared}", "–", "–"]
    mean = sum(errors) / len(errors)
    if own[0].family == PLASMA:
        ratios = [math.exp(error) for error in errors]
        span = "" if len(ratios) == 1 else interval(min(ratios), max(ratios), 2)
        return [f"{held} of {compared}", number(math.exp(mean), 2), span]
    return [f"{held} of {compared}", signed(mean), number(root_mean_square(errors))]


def root_mean_square(errors: Sequence[float]) -> float:
    """Root of the mean square; not a number without errors.

    >>> root_mean_square([3.0, -3.0])
    3.0
    """
    return math.sqrt(sum(error**2 for error in errors) / len(errors)) if errors else math.nan


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign.

    >>> signed(1.234), signed(-2.0), signed(0.0)
    ('+1.2', '-2', '0')
    """
    text = number(value, digits)
    return f"+{text}" if value > 0 and text != "0" else text
