"""The flow of participants of one trial, in boxes as trial reports draw it."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from rekindle.report._style import INK, QUIET, arm_colour, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rekindle.trials import Flow, FlowStep

_COLUMN, _LINE, _GAP = 2.9, 0.19, 0.42
_WIDTH = 26


def flow_figure(flow: Flow) -> Figure:
    """Boxes from screening to the end of the trial, one column an arm, one row a phase."""
    phases = list(dict.fromkeys(step.phase for step in flow.steps))
    arms = list(dict.fromkeys(step.arm for step in flow.steps))
    out = flow.screened - flow.entered
    top = [f"{flow.screened} screened", f"{out} not eligible", f"{flow.entered} entered"]
    rows = [
        {step.arm: _words(step, last=phase == phases[-1]) for step in flow.steps if step.phase == phase}
        for phase in phases
    ]
    heights = [_LINE * (max(map(len, row.values())) + 1.2) for row in rows]
    height = _LINE * (len(top) + 1.2) + sum(heights) + _GAP * len(rows) + 0.2
    width = _COLUMN * max(len(arms), 2)
    with styled():
        figure, (axes,) = new_figure(width, height)
        axes.set(xlim=(0, width), ylim=(-height, 0))
        axes.axis("off")
        middle, level = width / 2.0, -0.1
        bottom = _box(axes, middle, level, top, INK)
        before = dict.fromkeys(arms, (middle, bottom))
        for phase, row, tall in zip(phases, rows, heights, strict=True):
            level = min(place for _, place in before.values()) - _GAP
            here = {}
            for arm, words in row.items():
                at = _COLUMN * (arms.index(arm) + 0.5) + (width - _COLUMN * len(arms)) / 2.0
                origins = next(one.came_from for one in flow.steps if (one.phase, one.arm) == (phase, arm))
                for start in dict.fromkeys(before[origin] for origin in origins or (arm,)):
                    _arrow(axes, start, (at, level))
                here[arm] = at, _box(axes, at, level, words, arm_colour(arm), tall)
            before = here
    return figure


def _words(step: FlowStep, *, last: bool) -> list[str]:
    lines = [step.phase, f"{step.arm}: {step.started}", f"had a session: {step.treated}"]
    lines += [f"left, {reason}: {count}" for reason, count in step.left.items()] or ["left: 0"]
    lines += [f"treatment stopped, {reason}: {count}" for reason, count in step.stopped.items()]
    if step.rescued:
        lines.append(f"rescued: {step.rescued}")
    if step.not_admitted:
        lines.append(f"not admitted to the next phase: {step.not_admitted}")
    lines.append(f"{'completed' if last else 'went on'}: {step.finished}")
    return [part for line in lines for part in fill(line, _WIDTH).splitlines()]


def _box(
    axes: Axes, middle: float, top: float, lines: Sequence[str], colour: str, tall: float = 0.0
) -> float:
    from matplotlib.patches import FancyBboxPatch

    tall = tall or _LINE * (len(lines) + 1.2)
    wide = _COLUMN - 0.35
    axes.add_patch(
        FancyBboxPatch(
            (middle - wide / 2.0, top - tall),
            wide,
            tall,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor="white",
            edgecolor=colour,
            linewidth=1.4,
        )
    )
    text = axes.text(middle, top - tall / 2.0, "\n".join(lines), ha="center", va="center", fontsize=9.5)
    text.set_linespacing(1.3)
    return top - tall


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    arrow = {"arrowstyle": "-|>", "color": QUIET, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=arrow)
