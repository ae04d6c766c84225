"""Errors of responders and remitters against the size of the arm, beside what chance alone would leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekindle.report._page import PageFigure
from rekindle.report._style import INK, QUIET, new_figure, styled
from rekindle.report.evidence._aims import SHARE_POINTS, share_held, share_rows
from rekindle.report.evidence._figure_agreement import BAND_COLOUR, ROLE_COLOURS
from rekindle.report.evidence._groups import roles_of
from rekindle.report.evidence._points import EvidencePoint
from rekindle.report.evidence._tables import role_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = {"response_pct": "o", "remission_pct": "s"}
_TICKS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
_POINT_90 = 1.6448536269514722


def share_figure(points: Sequence[EvidencePoint]) -> PageFigure | None:
    """Error of every share against the size of its arm; None without rows of known size."""
    rows = [point for point in share_rows(points) if point.people]
    if not rows:
        return None
    held = sum(share_held(point) for point in rows)
    return PageFigure(
        _figure(rows),
        f"Error of shares against the number of people. {held} of {len(rows)} lie within {SHARE_POINTS:g} "
        "points.",
        f"Responders (circles) and remitters (squares): predicted less observed. The shade is "
        f"{SHARE_POINTS:g} points; between the lines lie nine of ten arms by the choice of people alone, at "
        "a share of 50 % (full) and of 10 % (dashed). Filled points lie outside their own 90 % interval, "
        "which also holds what is not known of the model.",
    )


def _figure(rows: Sequence[EvidencePoint]) -> Figure:
    with styled():
        figure, (axes,) = new_figure(7.6, 4.2)
        axes.set_xscale("log")
        axes.axhspan(-SHARE_POINTS, SHARE_POINTS, color=BAND_COLOUR, linewidth=0)
        axes.axhline(0.0, color=QUIET, linewidth=0.8)
        ends = _ends(rows)
        _chance_lines(axes, ends)
        for point in rows:
            colour = ROLE_COLOURS.get(point.role, INK)
            axes.plot(
                [point.people or 1],
                [point.error],
                _MARKERS[point.name],
                color=colour,
                markerfacecolor=colour if point.outside else "white",
                markersize=4.5,
                alpha=0.85,
            )
        ticks = [size for size in _TICKS if ends[0] <= size <= ends[1]]
        axes.set_xticks(ticks, [str(size) for size in ticks])
        axes.minorticks_off()
        axes.set_xlim(*ends)
        axes.set_xlabel("people in the arm")
        axes.set_ylabel("predicted less observed, points")
        _legend(axes, rows)
    return figure


def _ends(rows: Sequence[EvidencePoint]) -> tuple[float, float]:
    """Ends of the axis of people."""
    sizes = [point.people for point in rows if point.people]
    return min(sizes) / 1.3, max(sizes) * 1.3


def _chance_lines(axes: Axes, ends: tuple[float, float]) -> None:
    """Nine of ten arms by the choice of people alone."""
    low, high = ends
    sizes = [low * (high / low) ** (step / 80.0) for step in range(81)]
    for share, style in ((0.5, "-"), (0.1, "--")):
        reach = [100.0 * _POINT_90 * (share * (1.0 - share) / size) ** 0.5 for size in sizes]
        for sign in (1.0, -1.0):
            axes.plot(sizes, [sign * one for one in reach], style, color=QUIET, linewidth=0.9)


def _legend(axes: Axes, rows: Sequence[EvidencePoint]) -> None:
    from matplotlib.lines import Line2D

    roles = roles_of(rows)
    handles = [
        Line2D([], [], color=ROLE_COLOURS.get(role, INK), marker="o", markerfacecolor="white", linewidth=0)
        for role in roles
    ]
    labels = [role_words(role).split(" (")[0] for role in roles]
    axes.legend(
        handles, labels, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, fontsize=8, borderaxespad=0.2
    )
