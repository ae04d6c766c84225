"""Frequencies as fields of 100 dots, for people who do not read percentages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Count:
    """People of 100 in one field: a range over studies, or one number of the model in steps of 5."""

    low: int
    high: int
    from_model: bool

    @property
    def words(self) -> str:
        """The count in words, without where it comes from.

        >>> Count(53, 69, from_model=False).words, Count(0, 0, from_model=True).words
        ('53 to 69 of 100', 'fewer than 5 of 100')
        """
        if self.from_model:
            return about(self.low / 100)
        low = f"{self.low} of 100" if self.low else "no one"
        return low if self.low == self.high else f"{self.low} to {self.high} of 100"

    @property
    def marked(self) -> str:
        """The same with where it comes from."""
        return f"{self.words} ({'model' if self.from_model else 'studies'})"


def frequency_figure(
    rows: Sequence[tuple[str, str, Mapping[str, Count | None]]], columns: Sequence[str]
) -> Figure:
    """One field of 100 dots for each row and column; the dots of a range over studies fade out.

    Args:
        rows: arm, words for it, and count by column (None: not known).
        columns: headings, in words.
    """
    with styled():
        figure, axes = new_figure(2.35 * len(columns) + 1.5, 2.3 * len(rows) + 0.4, len(rows), len(columns))
        for place, axis in enumerate(axes):
            row, column = divmod(place, len(columns))
            arm, words, counts = rows[row]
            count = counts[columns[column]]
            _dots(axis, count, _FILLED[arm])
            axis.set_xlabel("not known" if count is None else _two_lines(count), fontsize=11, labelpad=3)
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


def _two_lines(count: Count) -> str:
    return f"{count.words}\n{'from a model' if count.from_model else 'from studies'}"


def _dots(axis: Axes, count: Count | None, colour: str) -> None:
    low, high = (0, 0) if count is None else (count.low, count.high)
    across = [index % _SIDE for index in range(_SIDE**2)]
    up = [_SIDE - 1 - index // _SIDE for index in range(_SIDE**2)]
    places = range(_SIDE**2)
    from matplotlib.colors import to_rgba

    colours = [to_rgba(colour, 1.0 if n < low else 0.45) if n < high else to_rgba(_EMPTY) for n in places]
    axis.scatter(across, up, c=colours, s=62, linewidths=0)
    axis.set(xlim=(-0.7, _SIDE - 0.3), ylim=(-0.7, _SIDE - 0.3), xticks=[], yticks=[], aspect="equal")
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)
