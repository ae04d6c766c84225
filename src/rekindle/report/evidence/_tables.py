"""Tables of the report on the evidence: the rows that miss, and those that were not simulated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rekindle.report._format import interval, number
from rekindle.report._page import PageTable
from rekindle.report.evidence._groups import grouped, of_role, ranked, roles_of
from rekindle.report.evidence._names import DAYS, EFFECT_SIZE, PLASMA, POINTS, PRESSURE, SHARES
from rekindle.report.evidence._points import ROLE_WORDS, EvidencePoint

#: Misses that the page lists for each family and role; the tables as files hold all of them.
LISTED = 6
_TITLES = {
    PLASMA: "Plasma",
    POINTS: "Rating scales, points",
    SHARES: "Shares and reductions, per cent",
    PRESSURE: "Blood pressure, mmHg",
    EFFECT_SIZE: "Effect sizes",
    DAYS: "Times, days",
}


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


def absent_tables(points: Sequence[EvidencePoint]) -> list[PageTable]:
    """Every row that is not simulated, with the reason, by role."""
    tables = []
    for role in roles_of(points):
        absent = [point for point in of_role(points, role) if point.predicted is None]
        if absent:
            rows = Counter((f"{p.study} {p.arm.replace('_', ' ')}", p.quantity, p.reason) for p in absent)
            cells = [
                (arm, quantity if count == 1 else f"{quantity}, {count} rows", reason)
                for (arm, quantity, reason), count in rows.items()
            ]
            title = f"Not simulated among {role_words(role)}"
            tables.append(PageTable(title, ("study and arm", "outcome", "why"), cells))
    return tables
