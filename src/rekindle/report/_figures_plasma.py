"""Concentration in plasma after a session, on a linear and on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekindle.report._bands import Band
from rekindle.report._style import LINE_COLOURS, label_lines, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: The logarithmic axis ends where an assay would no longer see anything.
_DECADES_SHOWN = 3.5


def plasma_figure(
    bands: Sequence[Band], *, start_h: float = 0.0, window_h: float = 24.0, near_h: float = 6.0
) -> Figure:
    """Plasma concentrations after one session.

    Args:
        bands: one for each substance, all in the same unit; the first gets the first colour.
        start_h: start of the session (h).
        window_h: length shown on the logarithmic axis (h).
        near_h: length shown on the linear axis (h), where the peak is.

    Returns:
        Two panels: linear for the first hours, logarithmic for the decline.
    """
    with styled():
        figure, (near, far) = new_figure(8.0, 3.5, 1, 2)
        shown = [band.between(start_h, start_h + window_h).shifted(-start_h) for band in bands]
        _draw(near, [band.between(0.0, near_h) for band in shown])
        near.set_title("First hours")
        near.set_ylim(bottom=0)
        near.set_xlim(0, near_h)
        _draw(far, shown)
        far.set_yscale("log")
        far.yaxis.set_major_formatter("{x:g}")
        top = max(float((band.median if band.high is None else band.high).max()) for band in shown)
        if top > 0:
            far.set_ylim(top * 10**-_DECADES_SHOWN, top * 1.6)
        far.set_title("Decline, logarithmic axis")
        far.set_xlim(0, window_h)
        far.set_xticks([hour for hour in (0, 4, 8, 12, 16, 20, 24) if hour <= window_h])
        for axes in (near, far):
            axes.set_xlabel("hours after the start of the session")
        near.set_ylabel(f"plasma, {bands[0].unit}")
        figure.draw_without_rendering()
        label_lines(
            far,
            [(_last(band), band.label, colour) for band, colour in zip(shown, LINE_COLOURS, strict=False)],
        )
    return figure


def _draw(axes: Axes, bands: Sequence[Band]) -> None:
    for band, colour in zip(bands, LINE_COLOURS, strict=False):
        if band.low is not None and band.high is not None:
            axes.fill_between(band.time_h, band.low, band.high, color=colour, alpha=0.16, linewidth=0)
        axes.plot(band.time_h, band.median, color=colour)


def _last(band: Band) -> float:
    return max(float(band.median[-1]), 1e-12) if len(band.median) else 1e-12
