"""Read the small tables of this floor: every cell checked, every fault named by file and row."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping
from importlib.resources import files
from os import PathLike
from pathlib import Path

from rekindle.errors import PersonError, nearest
from rekindle.modelling import MARKS

Row = Mapping[str, str]

_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": "\t"}


def data_path(*parts: str) -> Path:
    """Return the path of a data file of this package."""
    return Path(str(files("rekindle.people").joinpath("data", *parts)))


def read_rows(
    path: str | PathLike[str],
    columns: Collection[str],
    optional: Collection[str] = (),
    ignore: Collection[str] = (),
) -> list[tuple[str, dict[str, str]]]:
    """Return (place, row) of a comma- or tab-separated table, by the ending of its name.

    The columns may stand in any order; optional ones that the file does not have are empty in every row, and
    those in ``ignore`` are left out. ``place`` is ``"variability.csv, row 3"``, the header being row 1.

    Raises:
        PersonError: the file cannot be read, a column is missing, repeated or unknown, or a row is ragged.
    """
    name = Path(path).name
    header, *lines = _cells(path, name) or [[]]
    known = (*columns, *optional)
    for missing in columns:
        if missing not in header:
            raise PersonError(
                "RK-PER-003",
                given=f'{name}: column "{missing}" is missing{nearest(missing, header)}',
                allowed=f"Columns: {', '.join(known)}",
                why="The unit is part of a column's name" if "_" in missing else "",
            )
    for column in header:
        if header.count(column) > 1 or column not in (*known, *ignore):
            raise PersonError(
                "RK-PER-003",
                given=f'{name}: column "{column}" is repeated or unknown{nearest(column, known)}',
                allowed=f"Columns: {', '.join(known)}",
                why="A column that is silently ignored hides a mistake",
            )
    empty = dict.fromkeys(optional, "")
    rows = []
    for number, line in enumerate(lines, start=2):
        if any(line):
            row = empty | _row(f"{name}, row {number}", header, line)
            rows.append((f"{name}, row {number}", {column: row[column] for column in known}))
    return rows


def read_number(place: str, row: Row, column: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a finite number of a row, within bounds."""
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and low <= value <= high):
        raise PersonError(
            "RK-PER-004",
            given=f'{place}: {column} "{row[column]}" is not usable',
            allowed=f"A number from {low:g} to {high:g}, with a decimal point",
        )
    return value


def read_choice(place: str, row: Row, column: str, choices: Collection[str]) -> str:
    """Return a cell that must be one of the choices."""
    if row[column] not in choices:
        raise PersonError(
            "RK-PER-005",
            given=f'{place}: {column} "{row[column]}" is unknown{nearest(row[column], choices)}',
            allowed=f"One of: {', '.join(choice or '(empty)' for choice in choices)}",
        )
    return row[column]


def read_provenance(place: str, row: Row) -> tuple[str, str]:
    """Return mark and source. What is not an assumption must say where it comes from."""
    mark = read_choice(place, row, "mark", MARKS)
    if not row["source"] and mark not in ("assumed", "user"):
        raise PersonError(
            "RK-PER-005",
            given=f'{place}: marked "{mark}" without a source',
            why="Every number carries its source",
        )
    return mark, row["source"]


def _cells(path: str | PathLike[str], name: str) -> list[list[str]]:
    delimiter = _DELIMITERS.get(Path(path).suffix.lower())
    if delimiter is None:
        raise PersonError(
            "RK-PER-002", given=f'the table "{name}"', allowed=f"A file ending in {', '.join(_DELIMITERS)}"
        )
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return [[cell.strip() for cell in line] for line in csv.reader(file, delimiter=delimiter)]
    except (OSError, UnicodeDecodeError) as error:
        raise PersonError("RK-PER-002", given=f'cannot read "{name}": {error}') from error


def _row(place: str, header: list[str], line: list[str]) -> dict[str, str]:
    if len(line) != len(header):
        raise PersonError(
            "RK-PER-003",
            given=f"{place}: {len(line)} cells under {len(header)} columns",
            remedy="Put a text that holds the separator between double quotes",
        )
    return dict(zip(header, line, strict=True))
