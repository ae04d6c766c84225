"""The first hours of a session: dissociation and blood pressure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rekindle.report._bands import Band
from rekindle.report._style import arm_colour, label_lines, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def acute_figure(
    arms: Mapping[str, Sequence[Band]], *, start_h: float = 0.0, window_h: float = 4.0
) -> Figure:
    """What is felt and measured during a session.

    Args:
        arms: arm -> the bands to show, one panel each; every arm has the same quantities in the same order.
        start_h: start of the session (h).
        window_h: length shown (h).

    Returns:
        One panel for each quantity, one colour for each arm.
    """
    with styled():
        panels = len(next(iter(arms.values())))
        figure, axes_list = new_figure(8.0, 3.4, 1, panels)
        for place, axes in enumerate(axes_list):
            labels = []
            for arm, bands in arms.items():
                band = bands[place].between(start_h, start_h + window_h).shifted(-start_h)
                _draw(axes, band, arm_colour(arm))
                labels.append((float(band.median[-1]), arm, arm_colour(arm)))
            first = next(iter(arms.values()))[place]
            axes.set_title(first.label)
            axes.set_ylabel(first.unit)
            axes.set_xlabel("hours after the start" if panels > 2 else "hours after the start of the session")
            axes.set_xlim(0, window_h)
            axes.set_xticks(range(int(window_h) + 1))
            axes.margins(y=0.06)
            if len(arms) > 1 and place == panels - 1:
                figure.draw_without_rendering()
                label_lines(axes, labels)
    return figure


def _draw(axes: Axes, band: Band, colour: str) -> None:
    if band.low is not None and band.high is not None:
        axes.fill_between(band.time_h, band.low, band.high, color=colour, alpha=0.16, linewidth=0)
    axes.plot(band.time_h, band.median, color=colour)
