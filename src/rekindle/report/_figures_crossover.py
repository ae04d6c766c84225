"""A replayed crossover trial: every patient, and the means of the arms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekindle.report._crossover import ArmChange, PatientPanel
from rekindle.report._style import INK, OBSERVED, QUIET, arm_colour, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4
#: Where the score before the first infusion is drawn.
_BASELINE_DAY = -2.0
# Neither of the arms' colours, because a prediction is not an arm.
_BAND = "#DDCB95"


def patients_figure(panels: Sequence[PatientPanel]) -> Figure:
    """Observed scores of every patient over what was predicted for people like them.

    Panels are ordered by the first infusion, then by identifier. A coloured tick marks each infusion.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    ordered = sorted(panels, key=lambda panel: (panel.infusions[0][1] if panel.infusions else "", panel.id))
    rows = -(-len(ordered) // _COLUMNS)
    with styled():
        figure, axes_list = new_figure(8.0, 0.9 + 1.75 * rows, rows, _COLUMNS, sharex=True, sharey=True)
        for place, (panel, axes) in enumerate(zip(ordered, axes_list, strict=False)):
            _patient(axes, panel)
            if place >= len(ordered) - _COLUMNS:
                axes.tick_params(labelbottom=True)
        for axes in axes_list[len(ordered) :]:
            axes.set_visible(False)
        axes_list[0].set_ylim(0, 60)
        axes_list[0].set_yticks([0, 20, 40, 60])
        figure.supylabel("MADRS, points", fontsize=10)
        figure.supxlabel("days after the first infusion", fontsize=10)
        arms = sorted({arm for panel in ordered for _, arm in panel.infusions})
        handles: list[Line2D | Patch] = [
            Line2D([], [], color=OBSERVED, marker="o", linestyle="", markersize=5, label="observed"),
            Line2D([], [], color=QUIET, linewidth=1.5, label="predicted median"),
            Patch(color=_BAND, label="90 % of predictions"),
        ]
        handles += [
            Line2D([], [], color=arm_colour(arm), linewidth=2.5, label=f"{arm} infusion") for arm in arms
        ]
        figure.legend(
            handles=handles, loc="outside upper left", ncols=len(handles), columnspacing=1.2, handlelength=1.2
        )
    return figure


def _patient(axes: Axes, panel: PatientPanel) -> None:
    for day, arm in panel.infusions:
        axes.axvline(day, ymin=0.0, ymax=1.0, color=arm_colour(arm), linewidth=2.0, alpha=0.85)
    if panel.band is not None and panel.band.low is not None and panel.band.high is not None:
        days = panel.band.time_h / 24
        axes.fill_between(days, panel.band.low, panel.band.high, color=_BAND, alpha=0.6, linewidth=0)
        axes.plot(days, panel.band.median, color=QUIET, linewidth=1.2)
    else:
        for visit in panel.visits:
            axes.plot(
                [visit.day] * 2, [visit.low, visit.high], color=_BAND, linewidth=6, solid_capstyle="butt"
            )
            axes.plot([visit.day], [visit.predicted], marker="_", color=QUIET, markersize=9)
    seen = [(_BASELINE_DAY, panel.baseline)] if panel.baseline is not None else []
    seen += [(visit.day, visit.observed) for visit in panel.visits if visit.observed is not None]
    axes.plot(
        [day for day, _ in seen],
        [score for _, score in seen],
        marker="o",
        color=OBSERVED,
        markersize=4.5,
        linewidth=0.9,
    )
    axes.set_title(panel.id, fontsize=9.5)


def arm_change_figure(changes: Sequence[ArmChange]) -> Figure:
    """Mean change from baseline by arm and visit: observed beside predicted, both with intervals."""
    with styled():
        figure, (axes,) = new_figure(8.0, 0.9 + 0.62 * len(changes))
        for place, change in enumerate(reversed(changes)):
            colour = arm_colour(change.arm)
            axes.plot(
                [change.predicted_low, change.predicted_high],
                [place - 0.13] * 2,
                color=colour,
                linewidth=7,
                alpha=0.35,
                solid_capstyle="butt",
            )
            axes.plot(
                [change.predicted],
                [place - 0.13],
                marker="|",
                color=colour,
                markersize=13,
                markeredgewidth=2.5,
            )
            axes.plot(
                [change.observed_low, change.observed_high], [place + 0.15] * 2, color=INK, linewidth=1.3
            )
            axes.plot([change.observed], [place + 0.15], marker="o", color=INK, markersize=6)
        axes.axvline(0, color=QUIET, linewidth=1)
        axes.set_yticks(
            range(len(changes)),
            [f"{change.arm}, {change.visit}\nn = {change.n}" for change in reversed(changes)],
        )
        axes.grid(axis="y", visible=False)
        axes.set_ylim(-0.6, len(changes) - 0.4)
        axes.set_xlabel("mean change of MADRS from baseline, points (further left is better)")
        _key(axes)
    return figure


def _key(axes: Axes) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=INK, marker="o", linewidth=1.3, label="observed, 95 % confidence interval"),
        Line2D(
            [],
            [],
            color=QUIET,
            marker="|",
            markersize=12,
            linewidth=6,
            alpha=0.5,
            label="predicted, 90 % interval",
        ),
    ]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, borderaxespad=0.2)
