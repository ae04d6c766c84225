"""What the predictions should achieve, and whether they do; rows the parameters were set with stand apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rekindle.report._format import number, percent
from rekindle.report._page import PageTable
from rekindle.report.evidence._groupings import root_mean_square
from rekindle.report.evidence._groups import inside, of_role
from rekindle.report.evidence._points import CALIBRATE, CHECK, EvidencePoint

#: The aims, as numbers.
LARGEST_RMSE = 3.0
COVERAGE = (0.80, 0.97)
SD_RATIO = (0.8, 1.25)
SHARE_POINTS = 10.0
PLASMA_RATIO = (0.67, 1.5)
#: Two assessments count as the same time up to this factor.
_SAME_TIME = 1.5
_MADRS = "madrs_change"
_SHARES = ("response_pct", "remission_pct")
_ACTIVE = ("ketamine", "esketamine", "arketamine", "ssri", "paroxetine")


@dataclass(frozen=True, slots=True)
class Finding:
    """What rows of one role say about an aim; ``met`` is None without such rows."""

    words: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Aim:
    """An aim in words, with a finding for each role."""

    name: str
    words: str
    findings: dict[str, Finding]


def aims(plasma: Sequence[EvidencePoint], outcomes: Sequence[EvidencePoint]) -> list[Aim]:
    """Every aim with what the rows of each role say."""
    madrs = madrs_changes(outcomes)

    def by_role(
        points: Sequence[EvidencePoint], find: Callable[[Sequence[EvidencePoint]], Finding]
    ) -> dict[str, Finding]:
        return {role: find(of_role(points, role)) for role in (CHECK, CALIBRATE)}

    return [
        Aim(
            "MADRS change",
            f"RMSE over arms at most {LARGEST_RMSE:g} points and below the naive prediction",
            by_role(madrs, lambda own: _rmse(own, madrs)),
        ),
        Aim(
            "coverage of outcomes",
            f"{percent(COVERAGE[0])} to {percent(COVERAGE[1])} of observations inside their 90 % interval",
            by_role(outcomes, _coverage),
        ),
        Aim(
            "coverage of plasma",
            f"{percent(COVERAGE[0])} to {percent(COVERAGE[1])} of observations inside their 90 % interval",
            by_role(plasma, _coverage),
        ),
        Aim(
            "SD of change",
            f"predicted over observed within {SD_RATIO[0]:g} to {SD_RATIO[1]:g}",
            by_role(sd_rows(outcomes), lambda own: _within(own, sd_held)),
        ),
        Aim(
            "response and remission",
            f"within {SHARE_POINTS:g} percentage points",
            by_role(share_rows(outcomes), lambda own: _within(own, share_held)),
        ),
        Aim(
            "plasma ratios",
            f"predicted over observed within {PLASMA_RATIO[0]:g} to {PLASMA_RATIO[1]:g}",
            by_role(ratio_rows(plasma), lambda own: _within(own, ratio_held)),
        ),
    ]


def aims_table(found: Sequence[Aim]) -> PageTable:
    """The aims as a table."""
    rows = [
        (aim.name, aim.words, *(_cell(aim.findings[role]) for role in (CHECK, CALIBRATE))) for aim in found
    ]
    return PageTable(
        "Naive is the mean observed change of the calibration arms of the same control class, treatment "
        "(drug or control) and time, the row itself left out; where there is none, of the same treatment "
        "and time, else of the same treatment.",
        ("aim", "criterion", "check rows", "calibration rows"),
        rows,
    )


def madrs_changes(points: Sequence[EvidencePoint]) -> list[EvidencePoint]:
    """Arms with a change of MADRS."""
    return [point for point in points if point.compared and point.name == _MADRS]


def sd_rows(points: Sequence[EvidencePoint]) -> list[EvidencePoint]:
    """Changes of a score with an observed and a predicted SD between people."""
    return [
        point
        for point in points
        if point.compared and point.name.endswith("_change") and point.observed_sd and point.predicted_sd
    ]


def share_rows(points: Sequence[EvidencePoint]) -> list[EvidencePoint]:
    """Shares of responders and remitters."""
    return [point for point in points if point.compared and point.name in _SHARES]


def ratio_rows(points: Sequence[EvidencePoint]) -> list[EvidencePoint]:
    """Plasma rows with a ratio."""
    return [point for point in points if point.compared and math.isfinite(point.error)]


def sd_held(point: EvidencePoint) -> bool:
    """Whether the predicted SD agrees with the observed one."""
    assert point.observed_sd is not None
    assert point.predicted_sd is not None
    return SD_RATIO[0] <= point.predicted_sd / point.observed_sd <= SD_RATIO[1]


def share_held(point: EvidencePoint) -> bool:
    """Whether a share is close enough."""
    return abs(point.error) <= SHARE_POINTS


def ratio_held(point: EvidencePoint) -> bool:
    """Whether a plasma ratio is close enough."""
    return PLASMA_RATIO[0] <= math.exp(point.error) <= PLASMA_RATIO[1]


def naive(point: EvidencePoint, arms: Sequence[EvidencePoint]) -> float | None:
    """Mean observed change of similar calibration arms, the row itself left out; None without any."""
    others = [
        other
        for other in arms
        if other is not point and other.role == CALIBRATE and _active(other) == _active(point)
    ]
    timely = [other for other in others if _same_time(point, other)]
    alike = [other for other in timely if other.control_class == point.control_class]
    chosen = alike or timely or others
    return sum(other.numbers[0] for other in chosen) / len(chosen) if chosen else None


def _rmse(own: Sequence[EvidencePoint], arms: Sequence[EvidencePoint]) -> Finding:
    if not own:
        return _no_rows()
    error = root_mean_square([point.error for point in own])
    guesses = [(naive(point, arms), point.numbers[0]) for point in own]
    baseline = root_mean_square([guess - observed for guess, observed in guesses if guess is not None])
    compared = (
        f", naive {number(baseline)}" if math.isfinite(baseline) else ", no similar arm for a naive one"
    )
    beaten = not math.isfinite(baseline) or error < baseline
    return Finding(
        f"{number(error)} over {len(own)} {_rows(own)}{compared}", error <= LARGEST_RMSE and beaten
    )


def _coverage(own: Sequence[EvidencePoint]) -> Finding:
    held, compared = inside(own)
    if not compared:
        return _no_rows()
    share = held / compared
    return Finding(f"{held} of {compared} ({percent(share)})", COVERAGE[0] <= share <= COVERAGE[1])


def _within(own: Sequence[EvidencePoint], held: Callable[[EvidencePoint], bool]) -> Finding:
    if not own:
        return _no_rows()
    count = sum(held(point) for point in own)
    return Finding(f"{count} of {len(own)} ({percent(count / len(own))})", count == len(own))


def _no_rows() -> Finding:
    return Finding("no such rows", None)


def _rows(points: Sequence[EvidencePoint]) -> str:
    return "arm mean" if len(points) == 1 else "arm means"


def _cell(finding: Finding) -> str:
    verdict = {True: ": met", False: ": not met", None: ""}[finding.met]
    return finding.words + verdict


def _active(point: EvidencePoint) -> bool:
    return point.drug in _ACTIVE


def _same_time(point: EvidencePoint, other: EvidencePoint) -> bool:
    if not point.time_h or not other.time_h:
        return False
    return 1.0 / _SAME_TIME <= point.time_h / other.time_h <= _SAME_TIME
