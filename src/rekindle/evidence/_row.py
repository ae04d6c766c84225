"""One row of an arm table: cells read with a reason when they cannot be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rekindle.errors import EvidenceError

_INTERVAL = re.compile(r"\s*(?P<low>[-+\d.eE]+)\s+to\s+(?P<high>[-+\d.eE]+)\s*\Z")


def not_simulated(given: str, *, allowed: str = "", why: str = "", remedy: str = "") -> EvidenceError:
    """Return the refusal of one row; the other rows of the table go on."""
    return EvidenceError("RK-EVI-010", given=given, allowed=allowed, why=why, remedy=remedy)


@dataclass(frozen=True)
class Row:
    """Cells of one line; ``number`` is its line in the table, the header being line 1.

    ``fault`` says why the line as a whole cannot be read; empty if it can.
    """

    number: int
    cells: Mapping[str, str]
    fault: str = ""

    def text(self, column: str) -> str:
        """Cell without blanks around it; empty if the table has no such column."""
        return self.cells.get(column, "").strip()

    def word(self, column: str) -> str:
        """Cell in lower case, blanks and hyphens as underscores."""
        return "_".join(self.text(column).lower().replace("-", " ").split())

    def number_of(self, column: str, *, low: float = -math.inf, whole: bool = False) -> float | None:
        """Finite number of a cell, None if it is empty.

        Raises:
            EvidenceError: anything else, naming line and column.
        """
        text = self.text(column)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= low and "_" not in text):
            bound = "" if low == -math.inf else f" from {low:g}"
            raise self._unreadable(column, f"A finite number{bound} with a decimal point, or an empty cell")
        if whole and not value.is_integer():
            raise self._unreadable(column, "A whole number, or an empty cell")
        return value

    def positive(self, column: str, *, whole: bool = False) -> float | None:
        """Number above 0, None if the cell is empty."""
        value = self.number_of(column, low=0.0, whole=whole)
        if value == 0.0:
            raise self._unreadable(column, "A number above 0, or an empty cell")
        return value

    def interval(self, column: str) -> tuple[float, float]:
        """Interval written ``low to high``."""
        match = _INTERVAL.match(self.text(column))
        try:
            low, high = (float(match[name]) for name in ("low", "high")) if match else (math.nan, math.nan)
        except ValueError:
            low = high = math.nan
        if not -math.inf < low <= high < math.inf:
            raise self._unreadable(column, 'An interval written "low to high"')
        return low, high

    def _unreadable(self, column: str, allowed: str) -> EvidenceError:
        return not_simulated(f'line {self.number}: {column} is "{self.text(column)}"', allowed=allowed)
