"""One style for every figure: readable, quiet, and the same colour for the same arm everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours that stay apart for people with any of the common colour vision deficiencies (Okabe and Ito 2008).
ARM_COLOURS = {
    "ketamine": "#0072B2",
    "esketamine": "#C65200",
    "arketamine": "#B0578D",
    "midazolam": "#00825D",
    "saline": "#666666",
    "placebo": "#8A7000",
    "none": "#333333",
}
#: For lines that are not arms, in order of use.
LINE_COLOURS = ("#0072B2", "#C65200", "#00825D", "#B0578D", "#8A7000", "#333333")
OBSERVED = "#111111"
INK, QUIET, GRID = "#1A1A1A", "#595959", "#DDDDDD"
#: What stands above everything that shows a state of the model.
STATE_NOTICE = "model state, not measured"

_SETTINGS: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10.0,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10.0,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.9,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "white",
    "figure.constrained_layout.w_pad": 0.09,
    "figure.constrained_layout.h_pad": 0.07,
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "svg.hashsalt": "rekindle",
    "svg.fonttype": "path",
}


@contextmanager
def styled() -> Iterator[None]:
    """Apply the style to figures that are made or saved inside, and to nothing else."""
    import matplotlib

    with matplotlib.rc_context(_SETTINGS):  # type: ignore[arg-type]
        yield


def arm_colour(arm: str) -> str:
    """Colour of an arm, by the drug named in it; an unknown arm is nearly black.

    >>> arm_colour("ketamine 0.5 mg/kg") == arm_colour("ketamine")
    True
    """
    # Longest first, because "esketamine" contains "ketamine".
    for name in sorted(ARM_COLOURS, key=len, reverse=True):
        if name in arm.lower():
            return ARM_COLOURS[name]
    return INK


def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1, **options: object
) -> tuple[Figure, list[Axes]]:
    """An empty figure (inches) without global state, and its axes row by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, **options)  # type: ignore[call-overload]
    return figure, list(grid.flat)


def label_lines(axes: Axes, labels: list[tuple[float, str, str]], *, gap: float = 0.068) -> None:
    """Write (height in data units, text, colour) beside the right edge, moved apart so that none overlap.

    ``gap`` is the least distance between two labels as a share of the height of the axes.
    """
    to_axes = axes.transAxes.inverted()
    shown = [float(to_axes.transform(axes.transData.transform((0, height)))[1]) for height, _, _ in labels]
    order = sorted(range(len(labels)), key=shown.__getitem__)
    heights = _spread_out([min(max(shown[place], 0.0), 1.0) for place in order], gap)
    for place, height in zip(order, heights, strict=True):
        axes.annotate(
            labels[place][1],
            (1.0, height),
            xycoords="axes fraction",
            xytext=(5, 0),
            textcoords="offset points",
            color=labels[place][2],
            va="center",
            fontsize=9.5,
            annotation_clip=False,
        )


def _spread_out(heights: list[float], gap: float) -> list[float]:
    """Ascending heights moved as little as needed so that neighbours are ``gap`` apart and none is above 1.

    >>> [round(height, 2) for height in _spread_out([0.0, 0.01, 0.99, 1.0], 0.1)]
    [0.0, 0.1, 0.9, 1.0]
    """
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + gap) if placed else height)
    limit = 1.0
    for place in reversed(range(len(placed))):
        placed[place] = min(placed[place], limit)
        limit = placed[place] - gap
    return placed


def mark_as_state(axes: Axes) -> None:
    """Write above the axes that what is shown was never measured."""
    axes.set_title(STATE_NOTICE, loc="right", fontsize=9.5, fontweight="normal", style="italic", color=QUIET)
