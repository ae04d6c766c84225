"""A candidate compound beside its reference: courses in small panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.report._figures_comparison import treatment_colours
from rekindle.report._style import QUIET, STATE_NOTICE, label_lines, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LABEL_WIDTH = 16
Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


def candidate_figure(
    panels: Mapping[str, Mapping[str, Curve]],
    *,
    names: Sequence[str],
    x_label: str,
    y_label: str,
    state: bool = False,
) -> Figure:
    """One panel for each title with the course of the candidate and of its reference.

    Args:
        panels: title -> name -> (times, values); a panel may lack the reference.
        names: every name, the candidate first; each keeps its colour in all panels.
        x_label: what is along the time axes.
        y_label: what is along the axis of values.
        state: every panel shows a state that nobody measures.
    """
    colours = treatment_colours(names)
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    with styled():
        figure, axes_list = new_figure(8.8, 0.7 + 2.5 * rows, rows, columns)
        for place, (title, curves) in enumerate(panels.items()):
            axes = axes_list[place]
            for name, (time, values) in curves.items():
                # Dashes, because equal effect often means equal courses, one over the other.
                style = "-" if name == names[0] else (0, (4, 3))
                axes.plot(time, values, color=colours[name], linestyle=style)
            axes.set_title(title)
            axes.set_xlim(0, max(float(time[-1]) for time, _ in curves.values()))
            axes.set_ylim(bottom=min(0.0, *(float(values.min()) for _, values in curves.values())))
            if place % columns == 0:
                axes.set_ylabel(y_label)
            if place >= len(panels) - columns:
                axes.set_xlabel(x_label)
        for axes in axes_list[len(panels) :]:
            axes.set_visible(False)
        if state:
            figure.suptitle(STATE_NOTICE, fontsize=9.5, style="italic", color=QUIET)
        figure.draw_without_rendering()
        curves, axes = list(panels.values())[columns - 1], axes_list[columns - 1]
        label_lines(
            axes,
            [
                (float(values[-1]), fill(name, _LABEL_WIDTH), colours[name])
                for name, (_, values) in curves.items()
            ],
            gap=0.2,
        )
    return figure
