"""Every row with its prediction and interval, study by study, in figures that fit a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rekindle.report._style import GRID, INK, QUIET, new_figure, styled
from rekindle.report.evidence._aims import PLASMA_RATIO
from rekindle.report.evidence._figure_agreement import BAND_COLOUR, ROLE_COLOURS
from rekindle.report.evidence._groups import grouped, roles_of
from rekindle.report.evidence._names import PLASMA
from rekindle.report.evidence._points import CALIBRATE, CHECK, EvidencePoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Lines on one page, headings of studies among them.
_LINES = 52
_LINE_INCHES = 0.172
_WIDTH, _HEAD_INCHES = 7.6, 0.95
_LONGEST = 62
_RATIOS = (0.1, 0.2, 0.3, 0.5, 0.67, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_ROLE_WORDS = {CHECK: "check row", CALIBRATE: "calibration row"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the figure: a study, or one of its rows."""

    text: str
    point: EvidencePoint | None = None


def forest_figures(points: Sequence[EvidencePoint], unit: str) -> list[Figure]:
    """Figures of all rows that can be compared, as many as the pages need.

    Args:
        points: rows of one family; plasma rows are drawn as ratios to their observation.
        unit: unit of the axis.
    """
    drawn = [point for point in points if point.compared and _numbers(point) is not None]
    return [_figure(lines, unit, plasma=drawn[0].family == PLASMA) for lines in pages(drawn)]


def pages(points: Sequence[EvidencePoint]) -> list[list[Line]]:
    """Lines by page; a study goes on with its name repeated where it does not fit."""
    found: list[list[Line]] = [[]]
    for study, own in grouped(points, lambda point: point.study).items():
        if len(found[-1]) + min(len(own) + 1, 4) > _LINES:
            found.append([])
        found[-1].append(Line(study))
        for point in own:
            if len(found[-1]) >= _LINES:
                found.append([Line(f"{study}, continued")])
            found[-1].append(Line(point.row_label, point))
    return [page for page in found if page]


def _figure(lines: Sequence[Line], unit: str, *, plasma: bool) -> Figure:
    with styled():
        figure, (axes,) = new_figure(_WIDTH, _HEAD_INCHES + _LINE_INCHES * len(lines))
        if plasma:
            axes.set_xscale("log")
            axes.set_xticks(_RATIOS, [f"{ratio:g}" for ratio in _RATIOS])
            axes.minorticks_off()
            axes.axvspan(*PLASMA_RATIO, color=BAND_COLOUR, linewidth=0)
            axes.axvline(1.0, color=QUIET, linewidth=0.9)
        for height, line in enumerate(lines):
            if line.point is not None:
                _draw(axes, height, line.point)
            elif height:
                axes.axhline(height - 0.5, color=GRID, linewidth=0.8)
        if plasma:
            numbers = [_numbers(line.point) or (1.0,) for line in lines if line.point is not None]
            ends = [end for found in numbers for end in found]
            axes.set_xlim(min(*ends, 0.6) / 1.1, max(*ends, 1.6) * 1.1)
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.set_yticks(range(len(lines)), [_shortened(line) for line in lines], fontsize=7.5)
        for label, line in zip(axes.get_yticklabels(), lines, strict=True):
            if line.point is None:
                label.set_fontweight("bold")
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("predicted / observed" if plasma else unit)
        _legend(axes, lines, plasma=plasma)
    return figure


def _draw(axes: Axes, height: int, point: EvidencePoint) -> None:
    numbers = _numbers(point)
    assert numbers is not None
    observed, predicted, low, high = numbers
    colour = ROLE_COLOURS.get(point.role, INK)
    axes.plot([low, high], [height] * 2, color=colour, linewidth=1.6, alpha=0.55)
    face = colour if point.missed else "white"
    axes.plot([predicted], [height], "o", markersize=4.2, color=colour, markerfacecolor=face)
    if point.family != PLASMA:
        axes.plot([observed], [height], "D", markersize=3.6, color=INK, zorder=4)


def _numbers(point: EvidencePoint) -> tuple[float, float, float, float] | None:
    """Observed, predicted and interval; of a plasma row as ratios to its observation."""
    observed, predicted, low, high = point.numbers
    if point.family != PLASMA:
        return observed, predicted, low, high
    if observed <= 0.0 or low <= 0.0:
        return None
    return 1.0, predicted / observed, low / observed, high / observed


def _legend(axes: Axes, lines: Sequence[Line], *, plasma: bool) -> None:
    from matplotlib.lines import Line2D

    roles = roles_of(line.point for line in lines if line.point is not None)
    handles = [
        Line2D([], [], color=ROLE_COLOURS.get(role, INK), marker="o", markersize=4.2, markerfacecolor="white")
        for role in roles
    ]
    labels = [f"{_ROLE_WORDS.get(role, role)}: predicted, 90 %" for role in roles]
    if not plasma:
        handles.append(Line2D([], [], color=INK, marker="D", markersize=3.6, linewidth=0))
        labels.append("observed")
    axes.legend(
        handles, labels, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(labels), fontsize=8,
        borderaxespad=0.2, columnspacing=1.2, handletextpad=0.5,
    )  # fmt: skip


def _shortened(line: Line) -> str:
    text = line.text
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
