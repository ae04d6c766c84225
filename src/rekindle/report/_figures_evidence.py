"""Predicted against observed: rows the parameters were set with beside rows they were not."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from textwrap import fill
from typing import TYPE_CHECKING

from rekindle.report._evidence_rows import CALIBRATE, CHECK, EvidencePoint, roles_of, worst
from rekindle.report._style import INK, QUIET, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROLE_COLOURS = {CHECK: "#C65200", CALIBRATE: "#0072B2"}
_TITLES = {CHECK: "check rows", CALIBRATE: "calibration rows, no independent evidence"}
BAND_LOW, BAND_HIGH = 0.67, 1.5
#: Misses that are named below each panel.
NAMED = 5
_BAND = "#EFE6CF"
_LINE_LENGTH = 48
# Where a numeral may stand beside its point, and the width of a panel (points).
_OFFSETS = ((-11, 0), (11, 0), (0, 11), (0, -11), (-9, 9), (9, -9), (9, 9), (-9, -9))
_PANEL = 240


def plasma_evidence_figure(points: Sequence[EvidencePoint]) -> Figure:
    """Pharmacokinetic rows on logarithmic axes, each in its own unit, with the 0.67 to 1.5 band."""
    drawn = [point for point in points if point.compared and min(point.numbers) > 0]
    values = [value for point in drawn for value in point.numbers] or [1.0]
    limits = (min(values) / 2, max(values) * 2)
    return _figure(drawn, limits, "each row in its own unit", logarithmic=True)


def outcome_evidence_figure(points: Sequence[EvidencePoint], unit: str) -> Figure:
    """Rows of one family of outcomes with their 90 % intervals."""
    drawn = [point for point in points if point.compared]
    values = [value for point in drawn for value in point.numbers] or [0.0]
    margin = 0.05 * (max(values) - min(values)) or 1.0
    return _figure(drawn, (min(values) - margin, max(values) + margin), unit)


def _figure(
    points: Sequence[EvidencePoint], limits: tuple[float, float], unit: str, *, logarithmic: bool = False
) -> Figure:
    roles = list(dict.fromkeys((CHECK, CALIBRATE, *roles_of(points))))
    with styled():
        figure, axes_list = new_figure(8.4, 5.4, 1, len(roles), sharex=True, sharey=True)
        for axes, role in zip(axes_list, roles, strict=True):
            own = [point for point in points if point.role == role]
            if logarithmic:
                axes.set_xscale("log")
                axes.set_yscale("log")
                low, high = ([factor * end for end in limits] for factor in (BAND_LOW, BAND_HIGH))
                axes.fill_between(limits, low, high, color=_BAND, linewidth=0)
            axes.plot(limits, limits, color=QUIET, linewidth=1)
            _draw(axes, own, ROLE_COLOURS.get(role, INK))
            axes.set(xlim=limits, ylim=limits, box_aspect=1, xlabel=f"observed, {unit}")
            _name_misses(axes, own)
            axes.set_title(_TITLES.get(role, role), color=ROLE_COLOURS.get(role, INK))
        axes_list[0].set_ylabel(f"predicted, {unit}")
    return figure


def _draw(axes: Axes, points: Sequence[EvidencePoint], colour: str) -> None:
    for point in points:
        observed, predicted, low, high = point.numbers
        axes.plot([observed] * 2, [low, high], color=colour, linewidth=1, alpha=0.45)
        face = colour if point.missed else "white"
        axes.plot([observed], [predicted], marker="o", markersize=4.5, color=colour, markerfacecolor=face)


def _name_misses(axes: Axes, points: Sequence[EvidencePoint]) -> None:
    """A numeral at each of the worst misses, and what it stands for below the axes."""
    if not points:
        axes.text(0.05, 0.9, "no such rows", transform=axes.transAxes, color=QUIET)
    misses = worst(points, NAMED)
    scale = axes.transLimits
    places = [_PANEL * scale.transform(axes.transScale.transform(point.numbers[:2])) for point in points]
    taken = [(float(place[0]), float(place[1])) for place in places]
    for numeral, point in enumerate(misses, start=1):
        x, y = taken[points.index(point)]
        offset = max(_OFFSETS, key=lambda step: _room((x + step[0], y + step[1]), taken))
        taken.append((x + offset[0], y + offset[1]))
        axes.plot(*([value] for value in point.numbers[:2]), "o", color=INK, markersize=8, fillstyle="none")
        axes.annotate(
            str(numeral),
            point.numbers[:2],
            xytext=offset,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=9.5,
            fontweight="bold",
        )
    lines = [
        fill(f"{place} {point.label}", _LINE_LENGTH, subsequent_indent="   ")
        for place, point in enumerate(misses, start=1)
    ]
    axes.annotate(
        "\n".join(lines),
        (0, 0),
        xycoords="axes fraction",
        xytext=(0, -40),
        textcoords="offset points",
        va="top",
        fontsize=9.0,
        linespacing=1.35,
        annotation_clip=False,
    )


def _room(place: tuple[float, float], taken: Sequence[tuple[float, float]]) -> float:
    """Distance to the nearest thing already there; negative where a numeral would leave the panel."""
    if not all(6 < coordinate < _PANEL - 6 for coordinate in place):
        return -1.0
    return min(hypot(place[0] - x, place[1] - y) for x, y in taken)
