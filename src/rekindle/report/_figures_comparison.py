"""Treatments side by side: the course of mood, and what is felt in the first session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from rekindle.report._bands import Band
from rekindle.report._format import number
from rekindle.report._style import INK, LINE_COLOURS, QUIET, label_lines, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABEL_WIDTH = 22


@dataclass(frozen=True, slots=True)
class Bar:
    """One value with its interval; nan where there is none, and the words that then stand there."""

    value: float
    low: float
    high: float
    absent: str = "not modelled"


def treatment_colours(names: Sequence[str]) -> dict[str, str]:
    """Colour of each treatment, by its place.

    >>> treatment_colours(["a", "b"])["a"]
    '#0072B2'
    """
    return {name: LINE_COLOURS[place % len(LINE_COLOURS)] for place, name in enumerate(names)}


def comparison_mood_figure(courses: Mapping[str, Band], *, threshold: float = 10.0) -> Figure:
    """Median score of every treatment in the same people, with the middle half of people as a band.

    Args:
        courses: treatment -> band of the score (points).
        threshold: score at or below which a person counts as remitted.
    """
    colours = treatment_colours(list(courses))
    with styled():
        figure, (axes,) = new_figure(8.4, 4.2)
        end_h = max(float(band.time_h[-1]) for band in courses.values())
        unit_h, unit = (168.0, "weeks") if end_h > 70 * 24 else (24.0, "days")
        labels = []
        for name, band in courses.items():
            time, colour = band.time_h / unit_h, colours[name]
            if band.low is not None and band.high is not None:
                axes.fill_between(time, band.low, band.high, color=colour, alpha=0.10, linewidth=0)
            axes.plot(time, band.median, color=colour)
            labels.append((float(band.median[-1]), fill(name, _LABEL_WIDTH), colour))
        axes.axhline(threshold, color=QUIET, linewidth=1.0, linestyle=(0, (4, 3)))
        labels.append((threshold, f"remission: {threshold:g} or less", QUIET))
        axes.set_ylim(0, None)
        axes.set_xlim(0, end_h / unit_h)
        axes.set_ylabel("MADRS, points (lower is better)")
        axes.set_xlabel(f"{unit} after the first session")
        figure.draw_without_rendering()
        lines = max(text.count("\n") + 1 for _, text, _ in labels)
        label_lines(axes, labels, gap=0.062 * lines)
    return figure


def comparison_bars_figure(panels: Mapping[str, Mapping[str, Bar]], *, columns: int = 4) -> Figure:
    """One small panel for each outcome, one bar for each treatment.

    Args:
        panels: title of an outcome -> treatment -> value with interval.
        columns: panels in a row.
    """
    names = list(next(iter(panels.values())))
    colours = treatment_colours(names)
    rows = -(-len(panels) // columns)
    with styled():
        figure, axes_list = new_figure(9.6, rows * (0.85 + 0.42 * len(names)), rows, columns)
        for place, axes in enumerate(axes_list):
            if place >= len(panels):
                axes.set_visible(False)
                continue
            title, bars = list(panels.items())[place]
            _bars(axes, bars, colours)
            axes.set_title(title, fontsize=9.5)
            axes.set_yticks(range(len(names)))
            shown = (
                [fill(name, _LABEL_WIDTH) for name in names] if place % columns == 0 else [""] * len(names)
            )
            axes.set_yticklabels(shown)
            axes.invert_yaxis()
    return figure


def _bars(axes: Axes, bars: Mapping[str, Bar], colours: Mapping[str, str]) -> None:
    largest = max((bar.high for bar in bars.values() if np.isfinite(bar.high)), default=0.0)
    axes.set_xlim(0, 1.38 * largest if largest > 0 else 1.0)
    axes.set_ylim(-0.6, len(bars) - 0.4)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)
    edge = axes.get_xlim()[1]
    for row, (name, bar) in enumerate(bars.items()):
        if not np.isfinite(bar.value):
            axes.text(0.02 * edge, row, bar.absent, va="center", fontsize=8.5, color=QUIET, style="italic")
            continue
        axes.barh(row, bar.value, height=0.62, color=colours[name], alpha=0.85)
        axes.plot([bar.low, bar.high], [row, row], color=INK, linewidth=1.1)
        place = max(bar.high, bar.value) + 0.03 * edge
        axes.text(place, row, number(bar.value, 2), va="center", fontsize=8.5, color=INK)
