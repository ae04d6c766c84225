"""Figures of virtual trials: change by visit, shares by visit, survival, and what each trial concludes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rekindle.report._style import (
    INK,
    LINE_COLOURS,
    QUIET,
    arm_colour,
    label_lines,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rekindle.trials import Estimate, PowerRow, ResultRow

_OBSERVED = " change, observed cases"
#: Trials beyond which their results are not drawn one by one.
MOST_TRIALS = 100


def trial_figure(rows: Sequence[ResultRow], scale: str, *, from_zero: bool = True) -> Figure:
    """Mean change of a scale by visit, with the range of 90 % of the trials.

    Args:
        rows: results over replicates (``TrialRun.rows``).
        scale: a scale of the design.
        from_zero: whether changes count from day 0 of the phase, where they are then 0.
    """
    found = [row for row in rows if row.outcome == f"{scale}{_OBSERVED}" and math.isfinite(row.value)]
    with styled():
        figure, (axes,) = new_figure(6.6, 4.0)
        axes.set(xlabel="day of the phase", ylabel=f"mean change of {scale}, points")
        axes.axhline(0.0, color=INK, linewidth=0.8)
        _lines(figure, axes, found, start=0.0 if from_zero else None)
    return figure


def share_figure(panels: Sequence[tuple[str, Sequence[ResultRow]]]) -> Figure:
    """Shares of people by visit, one panel for each (heading, rows), with the range of 90 % of the trials."""
    with styled():
        figure, every = new_figure(8.0, 3.4, 1, len(panels), sharey=True)
        for place, (axes, (heading, rows)) in enumerate(zip(every, panels, strict=True)):
            axes.set(xlabel="day of the phase", title=heading, ylim=(0, 103))
            if place == 0:
                axes.set_ylabel("people, %")
            _lines(figure, axes, [row for row in rows if math.isfinite(row.value)])
    return figure


def survival_figure(rows: Sequence[ResultRow], label: str) -> Figure:
    """Share without an event by visit as steps (mean over trials), with the range of 90 % of the trials."""
    arms = list(dict.fromkeys(row.arm for row in rows))
    with styled():
        figure, (axes,) = new_figure(6.6, 3.8)
        colours = _colours(arms)
        for arm in arms:
            own = [row for row in rows if row.arm == arm and math.isfinite(row.value)]
            days = [0.0, *(row.day for row in own)]
            if any(row.high > row.low for row in own):
                low, high = ([100.0, *(getattr(row, end) for row in own)] for end in ("low", "high"))
                axes.fill_between(days, low, high, step="post", color=colours[arm], alpha=0.18, linewidth=0)
            axes.step(days, [100.0, *(row.value for row in own)], where="post", color=colours[arm])
        axes.set(xlabel="day of the phase", ylabel=label, ylim=(0, 103))
        figure.draw_without_rendering()
        label_lines(axes, [(_last(rows, arm), arm, colours[arm]) for arm in arms])
    return figure


def estimates_figure(found: Sequence[tuple[Estimate, bool]], label: str, *, ratios: bool = False) -> Figure:
    """The primary result of every trial with its confidence interval, in order; positive ones in colour.

    Args:
        found: estimate, and whether the trial is positive; at most ``MOST_TRIALS`` are drawn.
        label: words of the axis.
        ratios: whether the estimates are logarithms of ratios; they are then drawn as ratios.
    """
    known = [one for one in found if math.isfinite(one[0].value)][:MOST_TRIALS]
    ordered = sorted(known, key=lambda one: one[0].value)
    with styled():
        figure, (axes,) = new_figure(6.6, 1.3 + min(3.6, 0.14 * len(ordered)))
        shown: Callable[[float], float] = math.exp if ratios else float
        for place, (estimate, positive) in enumerate(ordered):
            colour = LINE_COLOURS[0] if positive else QUIET
            ends = [shown(estimate.low), shown(estimate.high)]
            axes.plot(ends, [place, place], color=colour, linewidth=1.3, alpha=0.7)
            axes.plot([shown(estimate.value)], [place], marker="o", color=colour, markersize=4)
        axes.axvline(shown(0.0), color=INK, linewidth=0.9)
        if ratios:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
            axes.xaxis.set_minor_formatter("")
        axes.set(xlabel=label, yticks=[], ylim=(-1, len(ordered)), ylabel="trials, in order")
        axes.grid(axis="y", visible=False)
        for positive, words, colour in ((True, "positive", LINE_COLOURS[0]), (False, "not positive", QUIET)):
            if any(one[1] == positive for one in ordered):
                axes.plot([], [], color=colour, marker="o", markersize=4, label=words)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, borderaxespad=0.2)
    return figure


def power_figure(rows: Sequence[PowerRow]) -> Figure:
    """Share of positive trials by number of people, one line for each effect, with Monte Carlo intervals.

    Broken lines are trials in which nobody draws conclusions from acute effects; open dots are trials with
    drawn parameters; open squares in their place are those of new studies, if there are any.
    """
    everything = any(row.studies for row in rows)
    shown = [row for row in rows if row.studies or not (row.drawn and everything)]
    cells = list(dict.fromkeys(_cell(row) for row in shown))
    effects = list(dict.fromkeys(row.effect for row in rows))
    with styled():
        figure, (axes,) = new_figure(6.6, 4.0)
        labels = []
        width = max(row.number for row in rows) - min(row.number for row in rows)
        for place, cell in enumerate(cells):
            effect, unblinding, drawn, studies = cell
            plain = not (drawn or studies)
            aside = 0.008 * width * (place - (len(cells) - 1) / 2.0)
            own = [row for row in shown if _cell(row) == cell]
            colour = LINE_COLOURS[effects.index(effect) % len(LINE_COLOURS)]
            sizes, shares = [row.number + aside for row in own], [100 * row.power for row in own]
            axes.plot(
                sizes,
                shares,
                color=colour,
                marker="s" if studies else "o",
                markersize=4 if plain else 5,
                markerfacecolor=colour if plain else "white",
                linestyle="-" if unblinding else "--",
                linewidth=1.9 if plain else 1.2,
            )
            bars = [[100 * (r.power - r.low) for r in own], [100 * (r.high - r.power) for r in own]]
            axes.errorbar(sizes, shares, bars, fmt="none", ecolor=colour, elinewidth=1.0)
            if plain and (unblinding or (effect, True, False, False) not in cells):
                labels.append((shares[-1], f"effect x {effect:g}", colour))
        axes.set(xlabel="people who enter", ylabel="positive trials, %", ylim=(0, 103))
        notes = []
        if not all(unblinding for _, unblinding, *_ in cells):
            notes.append("broken: nobody concludes anything from acute effects")
        if any(drawn and not studies for *_, drawn, studies in cells):
            notes.append("open dots: parameters drawn")
        if any(studies for *_, studies in cells):
            notes.append("open squares: each trial a new study" + (", parameters drawn" * cells[-1][2]))
        axes.set_title("\n".join(notes), fontweight="normal")
        figure.draw_without_rendering()
        label_lines(axes, labels)
    return figure


def _cell(row: PowerRow) -> tuple[float, bool, bool, bool]:
    """What is drawn as one line."""
    return row.effect, row.unblinding, row.drawn, row.studies


def _lines(figure: Figure, axes: Axes, rows: Sequence[ResultRow], *, start: float | None = None) -> None:
    """One line an arm over days, with the range of trials as bars; ``start`` is the value on day 0."""
    arms = list(dict.fromkeys(row.arm for row in rows))
    colours = _colours(arms)
    for place, arm in enumerate(arms):
        own = [row for row in rows if row.arm == arm]
        first = [] if start is None else [start]
        aside = 0.006 * max((row.day for row in rows), default=0.0) * (place - (len(arms) - 1) / 2.0)
        days = [aside + day for day in [*([0.0] * len(first)), *(row.day for row in own)]]
        values = [*first, *(row.value for row in own)]
        axes.plot(days, values, color=colours[arm], marker="o", markersize=4)
        below = [*([0.0] * len(first)), *(row.value - row.low for row in own)]
        above = [*([0.0] * len(first)), *(row.high - row.value for row in own)]
        axes.errorbar(days, values, [below, above], fmt="none", ecolor=colours[arm], elinewidth=1.2)
    figure.draw_without_rendering()
    label_lines(axes, [(_last(rows, arm), arm, colours[arm]) for arm in arms])


def _last(rows: Sequence[ResultRow], arm: str) -> float:
    return [row for row in rows if row.arm == arm][-1].value


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
