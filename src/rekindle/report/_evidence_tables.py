"""Tables of the report on the evidence: misses, groups, and what was not simulated."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from rekindle.report._evidence_rows import (
    DAYS,
    EFFECT_SIZE,
    PLASMA,
    POINTS,
    PRESSURE,
    ROLE_WORDS,
    SHARES,
    EvidencePoint,
    grouped,
    inside,
    of_role,
    ranked,
    roles_of,
)
from rekindle.report._format import interval, number
from rekindle.report._page import PageTable

#: Misses that the page lists for each family and role; the tables as files hold all of them.
LISTED = 8
_TITLES = {
    PLASMA: "Plasma",
    POINTS: "Rating scales, points",
    SHARES: "Shares and reductions, per cent",
    PRESSURE: "Blood pressure, mmHg",
    EFFECT_SIZE: "Effect sizes",
    DAYS: "Times, days",
}
Grouping = Callable[[EvidencePoint], str]


def role_words(role: str) -> str:
    """What a role means."""
    return ROLE_WORDS.get(role, role)


def miss_tables(points: Sequence[EvidencePoint]) -> list[PageTable]:
    """The rows furthest outside, by role and family, failures first."""
    tables = []
    for role in roles_of(points):
        for family, own in grouped(of_role(points, role), lambda point: point.family).items():
            misses = ranked(own)
            if misses:
                shown = f"{min(LISTED, len(misses))} of {len(misses)} misses"
                tables.append(
                    PageTable(
                        f"{_TITLES.get(family, family)}: {shown} among {role_words(role)}",
                        ("row", "observed", "predicted", "90 % interval", "outside by"),
                        [_miss_cells(point) for point in misses[:LISTED]],
                    )
                )
    return tables


def _miss_cells(point: EvidencePoint) -> list[str]:
    if not point.compared:
        assert point.predicted is not None
        predicted_alone = number(point.predicted), interval(point.low, point.high)
        return [point.label, "–", *predicted_alone, "fails its band"]
    observed, predicted, low, high = point.numbers
    distance = point.outside
    beyond = f"a factor of {number(distance + 1)}" if point.family == PLASMA else number(distance)
    if point.failed:
        beyond = f"{beyond}, fails its band" if distance else "fails its band"
    unit = f" {point.unit}" if point.family == PLASMA and point.unit != "ratio" else ""
    return [point.label, number(observed) + unit, number(predicted), interval(low, high), beyond]


def group_table(name: str, points: Sequence[EvidencePoint], key: Grouping) -> PageTable:
    """Counts and errors by group; outcomes of different units are never put together."""
    groups = grouped(points, lambda point: (key(point), point.family))

    def share_inside(group: tuple[str, str]) -> tuple[float, int]:
        held, compared = inside(groups[group])
        return (held / compared if compared else math.inf, -compared)

    plasma = all(family == PLASMA for _, family in groups)
    rows = []
    for group in sorted(groups, key=share_inside):
        own = groups[group]
        simulated = sum(point.predicted is not None for point in own)
        held, compared = inside(own)
        unit = [] if plasma else [group[1]]
        cells = [group[0], *unit, str(len(own)), str(simulated), f"{held} of {compared}", _error(own)]
        rows.append(cells)
    error = "predicted / observed" if plasma else "root-mean-square error"
    unit = [] if plasma else ["unit"]
    return PageTable(
        f"By {name}: {role_words(points[0].role)}",
        (name, *unit, "rows", "simulated", "inside 90 %", error),
        rows,
    )


def _error(points: Sequence[EvidencePoint]) -> str:
    """Range of ratios for plasma, root-mean-square error otherwise."""
    pairs = [point.numbers[:2] for point in points if point.compared]
    if not pairs:
        return "–"
    if points[0].family == PLASMA:
        ratios = [predicted / observed for observed, predicted in pairs if observed]
        if not ratios:
            return "–"
        return number(ratios[0]) if len(ratios) == 1 else interval(min(ratios), max(ratios))
    return number(math.sqrt(sum((predicted - observed) ** 2 for observed, predicted in pairs) / len(pairs)))


def absent_tables(points: Sequence[EvidencePoint]) -> list[PageTable]:
    """Every row that is not simulated, with the reason, by role."""
    tables = []
    for role in roles_of(points):
        absent = [point for point in of_role(points, role) if point.predicted is None]
        if absent:
            cells = [(f"{p.study} {p.arm.replace('_', ' ')}", p.quantity, p.reason) for p in absent]
            title = f"Not simulated among {role_words(role)}"
            tables.append(PageTable(title, ("study and arm", "outcome", "why"), cells))
    return tables
