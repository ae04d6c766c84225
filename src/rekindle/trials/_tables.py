"""The data files of the trials floor, read once."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files


@cache
def read_table(name: str) -> tuple[dict[str, str], ...]:
    """Rows of a CSV file of this package, each a mapping from column to text.

    >>> read_table("scales.csv")[0]["scale"]
    'MADRS'
    """
    with files("rekindle.trials").joinpath(f"data/{name}").open(encoding="utf-8") as stream:
        return tuple(csv.DictReader(stream))
