"""The course of the mood score over days and weeks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rekindle.report._bands import Band
from rekindle.report._style import QUIET, arm_colour, label_lines, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def mood_figure(
    arms: Mapping[str, Band],
    *,
    sessions_h: Sequence[float] = (),
    threshold: float | None = 10.0,
    points: Mapping[str, Sequence[tuple[float, float, float, float]]] | None = None,
    label: str = "MADRS, points (lower is better)",
    top: float | None = 60.0,
) -> Figure:
    """Score over time with a mark for every session.

    Args:
        arms: arm -> band of the score (points).
        sessions_h: starts of the sessions (h).
        threshold: score at or below which a person counts as remitted; None draws no line.
        points: arm -> observed (day, mean, low, high), drawn over the bands.
        label: what is written along the axis of the score.
        top: upper end of the scale, which then starts at 0; None fits the axis to the bands.

    Returns:
        One panel; time in days, or in weeks beyond ten weeks.
    """
    with styled():
        figure, (axes,) = new_figure(8.0, 3.8)
        end_h = max(float(band.time_h[-1]) for band in arms.values())
        unit_h, unit = (168.0, "weeks") if end_h > 70 * 24 else (24.0, "days")
        for arm, band in arms.items():
            colour = arm_colour(arm)
            if band.low is not None and band.high is not None:
                axes.fill_between(
                    band.time_h / unit_h, band.low, band.high, color=colour, alpha=0.16, linewidth=0
                )
            axes.plot(band.time_h / unit_h, band.median, color=colour)
            for day, mean, low, high in (points or {}).get(arm, ()):
                spread = [[mean - low], [high - mean]]
                axes.errorbar(
                    [day * 24 / unit_h], [mean], yerr=spread, fmt="o", color=colour, capsize=3, markersize=5
                )
        _sessions(axes, [time / unit_h for time in sessions_h])
        if top is not None:
            axes.set_ylim(0, top)
        axes.set_xlim(
            left=min(0.0, float(next(iter(arms.values())).time_h[0]) / unit_h), right=end_h / unit_h
        )
        axes.set_ylabel(label)
        axes.set_xlabel(f"{unit} after the first session")
        labels = [(float(band.median[-1]), arm, arm_colour(arm)) for arm, band in arms.items()]
        if threshold is not None:
            axes.axhline(threshold, color=QUIET, linewidth=1.0, linestyle=(0, (4, 3)))
            labels.append((threshold, f"remission: {threshold:g} or less", QUIET))
        figure.draw_without_rendering()
        label_lines(axes, labels)
    return figure


def _sessions(axes: Axes, times: Sequence[float]) -> None:
    """Small triangles on the upper edge, one a session."""
    if not times:
        return
    axes.plot(
        times,
        [1.0] * len(times),
        marker="v",
        linestyle="",
        color=QUIET,
        markersize=5.5,
        transform=axes.get_xaxis_transform(),
        clip_on=False,
    )
    word = "session" if len(times) == 1 else f"{len(times)} sessions"
    axes.set_title(f"▼ {word}", loc="left", fontsize=9.5, fontweight="normal", color=QUIET, pad=8)
