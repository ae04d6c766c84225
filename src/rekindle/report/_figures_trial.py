"""Figures of virtual trials: change by visit in every arm, and power by size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekindle.report._style import INK, LINE_COLOURS, arm_colour, label_lines, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rekindle.trials import PowerRow, ResultRow

_OBSERVED = " change, observed cases"


def trial_figure(rows: Sequence[ResultRow], scale: str) -> Figure:
    """Mean change of a scale by visit, with the range of 90 % of the trials.

    Args:
        rows: results over replicates (``TrialRun.rows``).
        scale: a scale of the design.
    """
    found = [row for row in rows if row.outcome == f"{scale}{_OBSERVED}" and math.isfinite(row.value)]
    arms = list(dict.fromkeys(row.arm for row in found))
    with styled():
        figure, (axes,) = new_figure(6.6, 4.0)
        colours = _colours(arms)
        for place, arm in enumerate(arms):
            own = [row for row in found if row.arm == arm]
            days = [0.0, *(row.day + 0.02 * place for row in own)]
            values = [0.0, *(row.value for row in own)]
            axes.plot(days, values, color=colours[arm], marker="o", markersize=4)
            below = [0.0, *(row.value - row.low for row in own)]
            above = [0.0, *(row.high - row.value for row in own)]
            axes.errorbar(days, values, [below, above], fmt="none", ecolor=colours[arm], elinewidth=1.2)
        axes.set(xlabel="day of the phase", ylabel=f"mean change of {scale}, points")
        axes.axhline(0.0, color=INK, linewidth=0.8)
        figure.draw_without_rendering()
        last = {arm: [row for row in found if row.arm == arm][-1].value for arm in arms}
        label_lines(axes, [(value, arm, colours[arm]) for arm, value in last.items()])
    return figure


def power_figure(rows: Sequence[PowerRow]) -> Figure:
    """Share of positive trials by number of people, one line for each effect, with Monte Carlo intervals.

    Broken lines are trials in which nobody draws conclusions from acute effects.
    """
    cells = list(dict.fromkeys((row.effect, row.unblinding) for row in rows))
    effects = list(dict.fromkeys(row.effect for row in rows))
    with styled():
        figure, (axes,) = new_figure(6.6, 4.0)
        labels = []
        for effect, unblinding in cells:
            own = [row for row in rows if (row.effect, row.unblinding) == (effect, unblinding)]
            colour = LINE_COLOURS[effects.index(effect) % len(LINE_COLOURS)]
            sizes, shares = [row.number for row in own], [100 * row.power for row in own]
            axes.plot(
                sizes, shares, color=colour, marker="o", markersize=4, linestyle="-" if unblinding else "--"
            )
            bars = [[100 * (r.power - r.low) for r in own], [100 * (r.high - r.power) for r in own]]
            axes.errorbar(sizes, shares, bars, fmt="none", ecolor=colour, elinewidth=1.0)
            if unblinding or (effect, True) not in cells:
                labels.append((shares[-1], f"effect x {effect:g}", colour))
        axes.set(xlabel="people who enter", ylabel="positive trials, %", ylim=(0, 103))
        if not all(unblinding for _, unblinding in cells):
            axes.set_title("broken: nobody concludes anything from acute effects", fontweight="normal")
        figure.draw_without_rendering()
        label_lines(axes, labels)
    return figure


def _colours(arms: Sequence[str]) -> dict[str, str]:
    """Colour of the drug in the name of each arm; another one where two arms would look alike."""
    found: dict[str, str] = {}
    spare = iter(LINE_COLOURS)
    for arm in arms:
        colour = arm_colour(arm)
        while colour in found.values():
            colour = next(spare, INK)
            if colour == INK:
                break
        found[arm] = colour
    return found
