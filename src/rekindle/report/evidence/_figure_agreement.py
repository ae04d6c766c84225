"""Predicted against observed: rows the parameters were set with beside rows they were not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from textwrap import wrap
from typing import TYPE_CHECKING

from rekindle.report._style import INK, QUIET, styled
from rekindle.report.evidence._points import CALIBRATE, CHECK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import Formatter

ROLE_COLOURS = {CHECK: "#C65200", CALIBRATE: "#0072B2"}
_TITLES = {CHECK: "check rows", CALIBRATE: "calibration rows\n(no independent evidence)"}
#: Misses that are named below each panel.
NAMED = 5
BAND_COLOUR = "#EFE6CF"
_LINE_LENGTH = 58
# Where a numeral may stand beside its point, and the width of a panel (points).
_OFFSETS = ((-11, 0), (11, 0), (0, 11), (0, -11), (-9, 9), (9, -9), (9, 9), (-9, -9))
_PANEL = 230
# Height of the panels with their labels, and of one line below them.
_PANEL_INCHES, _NOTE_INCHES = 4.6, 0.175


@dataclass(frozen=True, slots=True)
class Mark:
    """One point of the figure: ``distance`` says how far it misses, 0 if it does not."""

    role: str
    label: str
    observed: float
    predicted: float
    low: float
    high: float
    distance: float


@dataclass(frozen=True, slots=True)
class Band:
    """What counts as agreement: factors of the observed value, or distances from it."""

    low: float
    high: float
    factors: bool

    def at(self, values: Sequence[float]) -> tuple[list[float], list[float]]:
        """Ends of the band at some observed values."""
        ends = ([self._end(value, by) for value in values] for by in (self.low, self.high))
        low, high = ends
        return low, high

    def _end(self, value: float, by: float) -> float:
        return value * by if self.factors else value + by


def agreement_figure(
    marks: Sequence[Mark], unit: str, *, band: Band | None = None, logarithmic: bool = False
) -> Figure:
    """Marks by role, with a line of agreement; the worst are numbered and named.

    Args:
        marks: what to draw.
        unit: unit of both axes.
        band: agreement that is asked for, drawn as a shade.
        logarithmic: logarithmic axes; marks that are not positive are left out.
    """
    from matplotlib.figure import Figure

    drawn = [mark for mark in marks if not logarithmic or min(mark.observed, mark.predicted, mark.low) > 0]
    limits = _limits(drawn, logarithmic=logarithmic)
    roles = list(dict.fromkeys((CHECK, CALIBRATE, *(mark.role for mark in marks))))
    named = {role: _furthest([mark for mark in drawn if mark.role == role]) for role in roles}
    notes = {role: _note(misses) for role, misses in named.items()}
    below = _NOTE_INCHES * max(len(lines) for lines in notes.values())
    with styled():
        figure = Figure(figsize=(8.4, _PANEL_INCHES + below), layout="constrained")
        rows = 2 if below else 1
        grid = figure.subplots(
            rows,
            len(roles),
            squeeze=False,
            gridspec_kw={"height_ratios": (_PANEL_INCHES, below)[:rows]},
        )
        for place, role in enumerate(roles):
            axes, own = grid[0][place], [mark for mark in drawn if mark.role == role]
            if logarithmic:
                axes.set_xscale("log")
                axes.set_yscale("log")
                axes.xaxis.set_major_formatter(plain_ticks())
                axes.yaxis.set_major_formatter(plain_ticks())
            if band is not None:
                axes.fill_between(limits, *band.at(limits), color=BAND_COLOUR, linewidth=0)
            axes.plot(limits, limits, color=QUIET, linewidth=1)
            _draw(axes, own, ROLE_COLOURS.get(role, INK))
            axes.set(xlim=limits, ylim=limits, box_aspect=1, xlabel=f"observed, {unit}")
            _number_misses(axes, own, named[role])
            axes.set_title(_TITLES.get(role, role), color=ROLE_COLOURS.get(role, INK))
            if below:
                _write_note(grid[1][place], notes[role])
        grid[0][0].set_ylabel(f"predicted, {unit}")
    return figure


def plain_ticks() -> Formatter:
    """Numbers of a logarithmic axis as people write them."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda value, _: f"{value:g}")


def _limits(marks: Sequence[Mark], *, logarithmic: bool) -> tuple[float, float]:
    values = [value for mark in marks for value in (mark.observed, mark.predicted, mark.low, mark.high)]
    if logarithmic:
        values = values or [1.0]
        return min(values) / 1.5, max(values) * 1.5
    values = values or [0.0]
    margin = 0.05 * (max(values) - min(values)) or 1.0
    return min(values) - margin, max(values) + margin


def _draw(axes: Axes, marks: Sequence[Mark], colour: str) -> None:
    for mark in marks:
        axes.plot([mark.observed] * 2, [mark.low, mark.high], color=colour, linewidth=1, alpha=0.45)
        face = colour if mark.distance else "white"
        axes.plot(
            [mark.observed], [mark.predicted], marker="o", markersize=4.5, color=colour, markerfacecolor=face
        )


def _furthest(marks: Sequence[Mark]) -> list[Mark]:
    """The worst misses, the worst first."""
    return sorted((mark for mark in marks if mark.distance), key=lambda mark: -mark.distance)[:NAMED]


def _note(misses: Sequence[Mark]) -> list[str]:
    """What each numeral stands for, in lines that fit below a panel."""
    return [
        line
        for place, mark in enumerate(misses, start=1)
        for line in wrap(f"{place} {mark.label}", _LINE_LENGTH, subsequent_indent="   ")
    ]


def _write_note(axes: Axes, lines: Sequence[str]) -> None:
    axes.set_axis_off()
    axes.text(0.0, 1.0, "\n".join(lines), transform=axes.transAxes, va="top", fontsize=9.0, linespacing=1.3)


def _number_misses(axes: Axes, marks: Sequence[Mark], misses: Sequence[Mark]) -> None:
    """A numeral beside each of the worst misses, where there is room."""
    if not marks:
        axes.text(0.05, 0.9, "no such rows", transform=axes.transAxes, color=QUIET)
    scale = axes.transLimits
    places = [_PANEL * scale.transform(axes.transScale.transform(_place(mark))) for mark in marks]
    taken = [(float(place[0]), float(place[1])) for place in places]
    for numeral, mark in enumerate(misses, start=1):
        x, y = taken[marks.index(mark)]
        offset = max(_OFFSETS, key=lambda step: _room((x + step[0], y + step[1]), taken))
        taken.append((x + offset[0], y + offset[1]))
        axes.plot([mark.observed], [mark.predicted], "o", color=INK, markersize=8, fillstyle="none")
        axes.annotate(
            str(numeral),
            _place(mark),
            xytext=offset,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=9.5,
            fontweight="bold",
        )


def _place(mark: Mark) -> tuple[float, float]:
    return mark.observed, mark.predicted


def _room(place: tuple[float, float], taken: Sequence[tuple[float, float]]) -> float:
    """Distance to the nearest thing already there; negative where a numeral would leave the panel."""
    if not all(6 < coordinate < _PANEL - 6 for coordinate in place):
        return -1.0
    return min(hypot(place[0] - x, place[1] - y) for x, y in taken)
