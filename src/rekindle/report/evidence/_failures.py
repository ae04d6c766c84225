"""Where the model fails, in words made from the numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rekindle.report._format import number
from rekindle.report.evidence._aims import Aim
from rekindle.report.evidence._groupings import OUTCOME_GROUPINGS, PLASMA_GROUPINGS, Grouping, signed
from rekindle.report.evidence._groups import grouped, inside, of_role, roles_of, worst
from rekindle.report.evidence._names import EFFECT_SIZE, PLASMA
from rekindle.report.evidence._points import CALIBRATE, CHECK, EvidencePoint
from rekindle.report.evidence._tables import role_words

#: A group is named as a weak spot from this many rows on.
_FEWEST = 3
_NAMED = 3
_SKIPPED = "study"


def failure_words(
    plasma: Sequence[EvidencePoint], outcomes: Sequence[EvidencePoint], found: Sequence[Aim]
) -> str:
    """One paragraph: aims that are not met, weak groups, and the rows furthest outside, by role."""
    both = [*plasma, *outcomes]
    sentences = []
    failed = sum(point.failed for point in both)
    if failed:
        sentences.append(f"{failed} of {len(both)} rows fail the band of their table.")
    for role in roles_of(both):
        own, own_outcomes, own_plasma = (of_role(points, role) for points in (both, outcomes, plasma))
        parts = [_aims(role, found), *_weak_spots(own_outcomes, own_plasma), _furthest(own)]
        told = [part for part in parts if part]
        if told:
            sentences.append(f"Among {role_words(role)}: {'; '.join(told)}.")
    return " ".join(sentences) or "No observation lies outside its interval."


def _aims(role: str, found: Sequence[Aim]) -> str:
    if role not in (CHECK, CALIBRATE):
        return ""
    missed = [
        f"{aim.name} ({aim.findings[role].words}; the aim is {_short(aim.words)})"
        for aim in found
        if aim.findings[role].met is False
    ]
    return f"not met are the aims for {', '.join(missed)}" if missed else ""


def _weak_spots(outcomes: Sequence[EvidencePoint], plasma: Sequence[EvidencePoint]) -> list[str]:
    """The group with the largest share outside, by each way of grouping."""
    told = []
    for words, points, groupings in (
        ("clinical outcomes", outcomes, OUTCOME_GROUPINGS),
        ("plasma", plasma, PLASMA_GROUPINGS),
    ):
        weak = [_weakest(name, points, key) for name, key in groupings.items() if name != _SKIPPED]
        named = [one for one in weak if one]
        if named:
            told.append(f"{words} fail most by {', by '.join(named)}")
    return told


def _weakest(name: str, points: Sequence[EvidencePoint], key: Grouping) -> str:
    groups = grouped([point for point in points if point.compared], key)
    candidates = {}
    for group, own in groups.items():
        held, compared = inside(own)
        if compared >= _FEWEST and held < compared:
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
        return f", predicted over observed {number(math.exp(mean), 2)} on average"
    return f", predicted less observed {signed(mean)} {families.pop()} on average"


def _furthest(points: Sequence[EvidencePoint]) -> str:
    """The worst rows, by their residual in standard deviations."""
    outside = [point for point in points if point.compared and point.missed]
    ranked = sorted(outside, key=lambda point: -_size(point))
    named = [
        f"{point.label} (observed {number(point.numbers[0])}, predicted "
        f"{number(point.numbers[1])}{_unit(point)})"
        for point in worst_in_order(ranked)
    ]
    compared = sum(point.compared for point in points)
    if not named:
        return ""
    return (
        f"{len(outside)} of {compared} observations lie outside their interval, furthest {', '.join(named)}"
    )


def worst_in_order(points: Sequence[EvidencePoint]) -> list[EvidencePoint]:
    """The first few of different studies and quantities."""
    found: dict[tuple[str, str], EvidencePoint] = {}
    for point in points:
        found.setdefault((point.study, point.quantity), point)
    return list(found.values())[:_NAMED]


def scatter_words(points: Sequence[EvidencePoint]) -> str:
    """A figure in words: counts by role, and the worst rows of each."""
    sentences = []
    for role in roles_of(points):
        own = [point for point in of_role(points, role) if point.compared]
        held, compared = inside(own)
        named = "; ".join(point.label for point in worst(own, _NAMED))
        words = role_words(role)
        sentences.append(
            f"{words[:1].upper()}{words[1:]}: {held} of {compared} inside their interval"
            + (f", worst {named}." if named else ".")
        )
    return " ".join(sentences)


def _size(point: EvidencePoint) -> float:
    return abs(point.residual) if math.isfinite(point.residual) else math.inf


def _unit(point: EvidencePoint) -> str:
    return "" if point.unit in ("", "ratio", EFFECT_SIZE) else f" {point.unit}"


def _short(words: str) -> str:
    return words[:1].lower() + words[1:] if not words.startswith("RMSE") else words
