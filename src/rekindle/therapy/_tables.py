"""The data files of the therapy floor, read once."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

#: Folder of this package; model texts and data files lie beside the code.
FOLDER = Path(__file__).parent


@cache
def read_table(path: str) -> tuple[dict[str, str], ...]:
    """Rows of a CSV file of this package, each a mapping from column to text.

    >>> read_table("entries.csv")[0]["state"]
    'central'
    """
    with (FOLDER / path).open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))
