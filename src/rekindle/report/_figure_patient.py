"""Frequencies as fields of 100 dots, for people who do not read percentages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rekindle.report._style import INK, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FILLED = {"treatment": "#0072B2", "control": "#8A7000", "antidepressant": "#00825D"}
_EMPTY = "#DADDE0"
_SIDE = 10


def of_100(share: float) -> int:
    """People of 100, no finer than a model can know: in steps of 5.

    >>> of_100(0.478), of_100(0.01), of_100(0.99)
    (50, 0, 100)
    """
    return 5 * round(20 * share)


def about(share: float) -> str:
    """The same in words.

    >>> about(0.478), about(0.01), about(0.99)
    ('about 50 of 100', 'fewer than 5 of 100', 'more than 95 of 100')
    """
    count = of_100(share)
    if count == 0:
        return "fewer than 5 of 100"
    return "more than 95 of 100" if count == 100 else f"about {count} of 100"


def frequency_figure(
    rows: Sequence[tuple[str, str, Mapping[str, float | None]]], columns: Sequence[str]
) -> Figure:
    """One field of 100 dots for each row and column.

    Args:
        rows: arm, words for it, and share by column (None: not known).
        columns: headings, in words.
    """
    with styled():
        figure, axes = new_figure(2.35 * len(columns) + 1.5, 2.3 * len(rows) + 0.4, len(rows), len(columns))
        for place, axis in enumerate(axes):
            row, column = divmod(place, len(columns))
            arm, words, shares = rows[row]
            share = shares[columns[column]]
            _dots(axis, share, _FILLED[arm])
            below = "not known" if share is None else about(share)
            axis.set_xlabel(below, fontsize=11, labelpad=3)
            if row == 0:
                axis.set_title(columns[column], loc="center", fontsize=12, pad=8)
            if column == 0:
                axis.set_ylabel(
                    words,
                    rotation=0,
                    ha="right",
                    va="center",
                    labelpad=8,
                    fontsize=11.5,
                    color=INK,
                    fontweight="bold",
                )
    return figure


def _dots(axis: Axes, share: float | None, colour: str) -> None:
    count = 0 if share is None else of_100(share)
    across = [index % _SIDE for index in range(_SIDE**2)]
    up = [_SIDE - 1 - index // _SIDE for index in range(_SIDE**2)]
    colours = [colour if index < count else _EMPTY for index in range(_SIDE**2)]
    axis.scatter(across, up, c=colours, s=62, linewidths=0)
    axis.set(xlim=(-0.7, _SIDE - 0.3), ylim=(-0.7, _SIDE - 0.3), xticks=[], yticks=[], aspect="equal")
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)
