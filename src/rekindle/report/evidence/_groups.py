"""Points by role, by group and by how far they miss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from rekindle.report.evidence._points import CALIBRATE, CHECK, EvidencePoint

Key = TypeVar("Key")


def roles_of(points: Iterable[EvidencePoint]) -> list[str]:
    """Roles that occur, independent rows first."""
    found = {point.role for point in points}
    known = [role for role in (CHECK, CALIBRATE) if role in found]
    return known + sorted(found - set(known))


def worst(points: Iterable[EvidencePoint], most: int) -> list[EvidencePoint]:
    """The rows furthest outside, failures first, one for each study, arm and quantity."""
    found: dict[tuple[str, str, str], EvidencePoint] = {}
    for point in ranked(points):
        found.setdefault((point.study, point.arm, point.quantity), point)
    return list(found.values())[:most]


def ranked(points: Iterable[EvidencePoint]) -> list[EvidencePoint]:
    """All misses of one family, failures first, then those furthest outside."""
    missed = [point for point in points if point.missed]
    return sorted(missed, key=lambda point: (not point.failed, -_distance(point)))


def inside(points: Sequence[EvidencePoint]) -> tuple[int, int]:
    """Number of observations inside their interval, and of all that can be compared."""
    compared = [point for point in points if point.compared]
    return sum(point.outside == 0 for point in compared), len(compared)


def grouped(
    points: Iterable[EvidencePoint], key: Callable[[EvidencePoint], Key]
) -> dict[Key, list[EvidencePoint]]:
    """Points by a key, in the order of first appearance."""
    groups: dict[Key, list[EvidencePoint]] = {}
    for point in points:
        groups.setdefault(key(point), []).append(point)
    return groups


def of_role(points: Iterable[EvidencePoint], role: str) -> list[EvidencePoint]:
    """Points of one role."""
    return [point for point in points if point.role == role]


def _distance(point: EvidencePoint) -> float:
    return point.outside if point.compared else 0.0
