"""What comes back: every input row in its order, with the prediction added."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rekindle.evidence._csv_text import csv_text

VERDICTS = ("pass", "fail", "no_band", "not_simulated")
_DIGITS = 6

Cell = str | float | None


@dataclass(frozen=True)
class Prediction:
    """Rows of a table of arms with their predictions.

    Attributes:
        columns: columns of the input in their order, then those added.
        rows: one mapping per input row; input cells are text as they were, added numbers are floats or None.
        n_people: people simulated for each interval.
        seed: seed of the random numbers.
        draws: parameter sets of each mechanism for intervals of clinical outcomes; 0 for plasma.
    """

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Cell], ...]
    n_people: int
    seed: int
    draws: int = 0

    @property
    def verdicts(self) -> dict[str, int]:
        """Number of rows by verdict, all four verdicts included."""
        counts = Counter(str(row["verdict"]) for row in self.rows)
        return {verdict: counts[verdict] for verdict in VERDICTS}

    def summary(self) -> str:
        """A few sentences for a reader."""
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items())
        ratios = [ratio for row in self.rows if isinstance(ratio := row.get("ratio"), float)]
        lines = [f"{len(self.rows)} rows: {counts}."]
        if ratios:
            inside = sum(0.67 <= ratio <= 1.5 for ratio in ratios)
            lines.append(f"Predicted / observed lies within 0.67 to 1.5 for {inside} of {len(ratios)} rows.")
        told = "people, assay noise, uncertainty of the typical pharmacokinetic parameters"
        if "difference" in self.columns:
            told = (
                "patients, rater noise, uncertainty of the fitted parameters and the pharmacokinetics, "
                "differences between studies"
            )
            compared = [row for row in self.rows if row.get("difference") is not None]
            inside = sum(_inside(row) for row in compared)
            lines.append(f"The observation lies in its 90 % interval for {inside} of {len(compared)} rows.")
        sets = f", {self.draws} parameter sets of each mechanism" if self.draws else ""
        lines.append(f"Intervals: {self.n_people} people for each arm{sets}, seed {self.seed}; {told}.")
        return "\n".join(lines)

    def to_csv(self, path: str | Path | None = None) -> str:
        """CSV text; with a path it is also written there (UTF-8).

        Raises:
            OutputError: the file cannot be written.
        """
        cells = ([_written(row[column]) for column in self.columns] for row in self.rows)
        return csv_text(self.columns, cells, path, "the prediction")

    def to_json(self) -> str:
        """JSON text: columns, n_people, seed, verdicts and rows; the numbers added are numbers."""
        content: dict[str, Any] = {
            "columns": self.columns,
            "n_people": self.n_people,
            "seed": self.seed,
            "verdicts": self.verdicts,
            "rows": [{column: row[column] for column in self.columns} for row in self.rows],
        }
        return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)


def _inside(row: Mapping[str, Cell]) -> bool:
    """Whether the observation lies in the interval of its row."""
    low, high, predicted, gap = (
        row[column] for column in ("predicted_low", "predicted_high", "predicted", "difference")
    )
    numbers = [cell for cell in (low, high, predicted, gap) if isinstance(cell, float)]
    return len(numbers) == 4 and numbers[0] <= numbers[2] - numbers[3] <= numbers[1]


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else f"{cell:.{_DIGITS}g}"
