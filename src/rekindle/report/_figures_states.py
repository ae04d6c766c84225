"""States of the model that nobody can measure; every figure here says so in its own title."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekindle.report._bands import Band
from rekindle.report._style import LINE_COLOURS, label_lines, mark_as_state, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def block_figure(bands: Sequence[Band], *, start_h: float = 0.0, window_h: float = 12.0) -> Figure:
    """Share of receptors that the model thinks are blocked after one session, one line for each pool."""
    with styled():
        figure, (axes,) = new_figure(8.0, 3.4)
        labels = []
        for band, colour in zip(bands, LINE_COLOURS, strict=False):
            shown = band.between(start_h, start_h + window_h).shifted(-start_h)
            _draw(axes, shown, colour, 1.0)
            labels.append((float(shown.median[-1]), band.label, colour))
        axes.set_ylim(0, 1)
        axes.set_xlim(0, window_h)
        axes.set_xticks(range(0, int(window_h) + 1, 2))
        axes.set_ylabel("share of receptors blocked")
        axes.set_xlabel("hours after the start of the session")
        mark_as_state(axes)
        figure.draw_without_rendering()
        label_lines(axes, labels)
    return figure


def state_figure(bands: Sequence[Band]) -> Figure:
    """States of the model over the whole course, one small panel each."""
    with styled():
        columns = min(2, len(bands))
        rows = -(-len(bands) // columns)
        figure, axes_list = new_figure(8.0, 0.6 + 2.2 * rows, rows, columns, sharex=True)
        for place, (band, axes) in enumerate(zip(bands, axes_list, strict=False)):
            _draw(axes, band, LINE_COLOURS[0], 24.0)
            axes.set_title(band.label)
            axes.set_ylabel("relative units" if band.unit == "1" else band.unit)
            axes.set_xlim(0, float(band.time_h[-1]) / 24)
            if place >= len(bands) - columns:
                axes.set_xlabel("days after the first session")
                axes.tick_params(labelbottom=True)
        for axes in axes_list[len(bands) :]:
            axes.set_visible(False)
        figure.suptitle("model state, not measured", x=0.995, ha="right", fontsize=9.5, style="italic")
    return figure


def _draw(axes: Axes, band: Band, colour: str, unit_h: float) -> None:
    if band.low is not None and band.high is not None:
        axes.fill_between(band.time_h / unit_h, band.low, band.high, color=colour, alpha=0.16, linewidth=0)
    axes.plot(band.time_h / unit_h, band.median, color=colour)
