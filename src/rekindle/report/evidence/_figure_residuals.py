"""Residuals by group and by time, in standard deviations of the prediction: units can stand together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rekindle.report._style import INK, QUIET, styled
from rekindle.report.evidence._figure_agreement import BAND_COLOUR, ROLE_COLOURS, plain_ticks
from rekindle.report.evidence._groupings import Grouping
from rekindle.report.evidence._groups import grouped
from rekindle.report.evidence._points import CALIBRATE, CHECK, EvidencePoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINT_90 = 1.6448536269514722
#: Residuals beyond are drawn at the edge, as arrows.
_EDGE = 6.0
_TIME = "time since first dose"
_TITLES = {CHECK: "check rows", CALIBRATE: "calibration rows"}
_WIDTH, _LINE_INCHES = 7.6, 0.2


def residual_figures(points: Sequence[EvidencePoint], groupings: Mapping[str, Grouping]) -> list[Figure]:
    """The rows of each group side by side, and over time, in two figures that fit a page each.

    Args:
        points: rows with a residual.
        groupings: names of the panels and what they group by; the first has a figure of its own, time
            is drawn as it is.
    """
    drawn = [point for point in points if point.compared and math.isfinite(point.residual)]
    panels = {
        name: grouped(sorted(drawn, key=lambda point: key(point).lower()), key)
        for name, key in groupings.items()
        if name != _TIME
    }
    first, *rest = panels.items()
    return [_figure([first], []), _figure(rest, drawn)]


def _figure(
    panels: Sequence[tuple[str, Mapping[str, Sequence[EvidencePoint]]]], timed: Sequence[EvidencePoint]
) -> Figure:
    """Panels above each other, and one over time if there are rows for it."""
    from matplotlib.figure import Figure

    heights = [max(len(groups), 2) + 2.6 for _, groups in panels] + ([13.0] if timed else [])
    with styled():
        figure = Figure(figsize=(_WIDTH, _LINE_INCHES * sum(heights) + 0.4), layout="constrained")
        axes_list = list(
            figure.subplots(len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights}).flat
        )
        for axes, (name, groups) in zip(axes_list, panels, strict=False):
            _groups(axes, name, groups)
        if timed:
            _times(axes_list[-1], timed)
        _legend(axes_list[0])
    return figure


def _groups(axes: Axes, name: str, groups: Mapping[str, Sequence[EvidencePoint]]) -> None:
    axes.axvspan(-_POINT_90, _POINT_90, color=BAND_COLOUR, linewidth=0)
    axes.axvline(0.0, color=QUIET, linewidth=0.8)
    for height, own in enumerate(groups.values()):
        for shift, role in ((-0.17, CHECK), (0.17, CALIBRATE)):
            some = [point for point in own if point.role == role]
            for point in some:
                _mark(axes, point, (_shown(point), height + shift), ">" if point.residual > 0 else "<")
            if some:
                mean = sum(_shown(point) for point in some) / len(some)
                axes.plot([mean] * 2, [height + shift - 0.2, height + shift + 0.2], color=INK, linewidth=1.6)
    axes.set_yticks(
        range(len(groups)), [f"{group} ({len(own)})" for group, own in groups.items()], fontsize=8
    )
    axes.set_ylim(max(len(groups), 2) - 0.5, -0.5)
    axes.set_xlim(-_EDGE - 0.4, _EDGE + 0.4)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_title(f"by {name}")
    axes.set_xlabel("residual, SD")


def _times(axes: Axes, points: Sequence[EvidencePoint]) -> None:
    axes.axhspan(-_POINT_90, _POINT_90, color=BAND_COLOUR, linewidth=0)
    axes.axhline(0.0, color=QUIET, linewidth=0.8)
    axes.set_xscale("log")
    for point in points:
        if point.time_h:
            _mark(axes, point, (point.time_h, _shown(point)), "^" if point.residual > 0 else "v")
    axes.set_ylim(-_EDGE - 0.6, _EDGE + 0.6)
    axes.set_title("by time since first dose (rows with a time)")
    axes.xaxis.set_major_formatter(plain_ticks())
    axes.set_xlabel("hours")
    axes.set_ylabel("residual, SD")


def _mark(axes: Axes, point: EvidencePoint, place: tuple[float, float], arrow: str) -> None:
    colour = ROLE_COLOURS.get(point.role, INK)
    beyond = abs(point.residual) > _EDGE
    axes.plot(
        [place[0]],
        [place[1]],
        arrow if beyond else "o",
        markersize=5.5 if beyond else 4,
        color=colour,
        markerfacecolor=colour if point.missed else "white",
        alpha=0.85,
        linewidth=0,
    )


def _shown(point: EvidencePoint) -> float:
    return max(-_EDGE, min(_EDGE, point.residual))


def _legend(axes: Axes) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [], [], color=ROLE_COLOURS[role], marker="o", markersize=4, markerfacecolor="white", linewidth=0
        )
        for role in (CHECK, CALIBRATE)
    ]
    handles.append(Line2D([], [], color=INK, marker="|", markersize=8, markeredgewidth=1.6, linewidth=0))
    labels = [*_TITLES.values(), "mean of the group"]
    axes.legend(
        handles, labels, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, fontsize=8, borderaxespad=0.2
    )
