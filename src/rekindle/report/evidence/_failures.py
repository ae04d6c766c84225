"""Where the model fails, in words made from the numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rekindle.report._format import number
from rekindle.report.evidence._aims import Aim
from rekindle.report.evidence._groupings import (
    OUTCOME_GROUPINGS,
    PLASMA_GROUPINGS,
    UNSTATED,
    UNTIMED,
    Grouping,
    signed,
)
from rekindle.report.evidence._groups import grouped, inside, of_role, roles_of
from rekindle.report.evidence._names import EFFECT_SIZE, PLASMA, SHARES
from rekindle.report.evidence._points import EvidencePoint
from rekindle.report.evidence._tables import role_words

#: A group is named as a weak spot from this many rows on.
_FEWEST = 3
_NAMED = 3
_SKIPPED = "study"


def failure_words(
    plasma: Sequence[EvidencePoint], outcomes: Sequence[EvidencePoint], found: Sequence[Aim]
) -> list[str]:
    """One paragraph for each role, the independent rows first."""
    both = [*plasma, *outcomes]
    failed = sum(point.failed for point in both)
    paragraphs = [
        text
        for role in roles_of(both)
        if (text := _paragraph(role, of_role(plasma, role), of_role(outcomes, role), found))
    ] or ["No observation lies outside its interval."]
    if failed:
        paragraphs[0] = f"{failed} of {len(both)} rows fail the band of their table. {paragraphs[0]}"
    return paragraphs


def _paragraph(
    role: str, plasma: Sequence[EvidencePoint], outcomes: Sequence[EvidencePoint], found: Sequence[Aim]
) -> str:
    """Aims that are not met, rows outside, weak groups, and the rows furthest off."""
    sentences = [
        _missed_aims(role, found),
        _outside(outcomes, plasma),
        _weak_spots("Clinical outcomes fail", outcomes, OUTCOME_GROUPINGS),
        _weak_spots("Plasma fails", plasma, PLASMA_GROUPINGS),
        _furthest([*plasma, *outcomes]),
    ]
    told = [sentence for sentence in sentences if sentence]
    return f"Where it fails among {role_words(role)}. {' '.join(told)}" if told else ""


def _missed_aims(role: str, found: Sequence[Aim]) -> str:
    missed = [
        f"{aim.name}: {aim.findings[role].words}"
        for aim in found
        if role in aim.findings and aim.findings[role].met is False
    ]
    return f"Aims that are not met: {'; '.join(missed)}." if missed else ""


def _outside(outcomes: Sequence[EvidencePoint], plasma: Sequence[EvidencePoint]) -> str:
    parts = []
    for words, points in (("clinical outcomes", outcomes), ("plasma", plasma)):
        held, compared = inside(points)
        if held < compared:
            parts.append(f"{compared - held} of {compared} in {words}")
    return f"Outside their 90 % interval lie {' and '.join(parts)}." if parts else ""


def _weak_spots(title: str, points: Sequence[EvidencePoint], groupings: Mapping[str, Grouping]) -> str:
    """The group with the largest share outside, by each way of grouping."""
    weak = [_weakest(name, points, key) for name, key in groupings.items() if name != _SKIPPED]
    named = [one for one in weak if one]
    return f"{title} most by {', by '.join(named)}." if named else ""


def _weakest(name: str, points: Sequence[EvidencePoint], key: Grouping) -> str:
    groups = grouped([point for point in points if point.compared], key)
    candidates = {}
    for group, own in groups.items():
        held, compared = inside(own)
        if compared >= _FEWEST and held < compared and group not in (UNTIMED, UNSTATED):
            candidates[group] = (held / compared, -compared)
    if not candidates:
        return ""
    group = min(candidates, key=lambda one: candidates[one])
    own = groups[group]
    held, compared = inside(own)
    return f"{name} for {group} ({compared - held} of {compared} outside{_mean_error(own)})"


def _mean_error(points: Sequence[EvidencePoint]) -> str:
    """The mean error, where all rows have one unit."""
    families = {point.family for point in points}
    errors = [point.error for point in points if math.isfinite(point.error)]
    if len(families) != 1 or not errors:
        return ""
    mean = sum(errors) / len(errors)
    if families == {PLASMA}:
        return f", {number(math.exp(mean), 2)} times the observed on average"
    return f", {signed(mean)} {error_unit(families.pop())} on average"


def error_unit(family: str) -> str:
    """What an error of a family is counted in."""
    return "percentage points" if family == SHARES else family


def _furthest(points: Sequence[EvidencePoint]) -> str:
    """The worst rows, by their residual in standard deviations."""
    outside = [point for point in points if point.compared and point.missed]
    named = [
        f"{point.label} (observed {number(point.numbers[0])}, predicted "
        f"{number(point.numbers[1])}{_unit(point)})"
        for point in worst_in_order(sorted(outside, key=lambda point: -_size(point)))
    ]
    return f"Furthest off: {'; '.join(named)}." if named else ""


def worst_in_order(points: Sequence[EvidencePoint]) -> list[EvidencePoint]:
    """The first few of different studies and quantities."""
    found: dict[tuple[str, str], EvidencePoint] = {}
    for point in points:
        found.setdefault((point.study, point.quantity), point)
    return list(found.values())[:_NAMED]


def _size(point: EvidencePoint) -> float:
    return abs(point.residual) if math.isfinite(point.residual) else math.inf


def _unit(point: EvidencePoint) -> str:
    return "" if point.unit in ("", "ratio", EFFECT_SIZE) else f" {point.unit}"
