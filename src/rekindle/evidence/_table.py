"""Read a table of arms; what cannot be read in one row stays the problem of that row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rekindle.errors import EvidenceError, nearest, reason
from rekindle.evidence._row import Row

Source = str | Path | Iterable[Mapping[str, object]]

_REQUIRED = (
    "study_id", "arm_id", "drug", "formulation", "route", "dose", "dose_unit", "analyte", "statistic",
    "value", "unit",
)  # fmt: skip
_REQUIRED_OF_OUTCOMES = ("study_id", "arm_id", "outcome", "value")


@dataclass(frozen=True)
class ArmTable:
    """Rows of a table in their order; ``outcomes``: they are clinical outcomes, not plasma levels."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    outcomes: bool


def read_arms(source: Source) -> ArmTable:
    """Read a table in the format of ``pk_arms.csv`` or of outcome arms.

    Args:
        source: path of a UTF-8 CSV file, CSV text that holds a line break, or rows as mappings.

    Raises:
        EvidenceError: no such file, no header, a column twice, or a required column that is missing.

    >>> read_arms("study_id,arm_id,outcome,value\\nA,active,madrs_change,-12").outcomes
    True
    """
    if isinstance(source, str | Path):
        header, lines = _cells(source)
        rows = [_row(number, header, line) for number, line in lines]
    else:
        header, rows = _mappings(source)
    outcomes = "outcome" in header and "statistic" not in header
    _check_header(header, _REQUIRED_OF_OUTCOMES if outcomes else _REQUIRED)
    return ArmTable(tuple(header), tuple(rows), outcomes)


def _cells(source: str | Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    text = str(source)
    if "\n" not in text:
        try:
            text = Path(source).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError, ValueError) as problem:
            raise EvidenceError(
                "RK-EVI-001",
                given=f"table {str(source)!r} cannot be read ({reason(problem)})",
                remedy="Give the path of a UTF-8 CSV file",
            ) from None
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    try:
        lines = [(reader.line_num, line) for line in reader if any(cell.strip() for cell in line)]
    except csv.Error as problem:
        raise EvidenceError("RK-EVI-001", given=f"the table is not CSV ({problem})") from None
    if not lines:
        raise EvidenceError(
            "RK-EVI-002", given="the table is empty", allowed="A header row and one row for each observation"
        )
    return [cell.strip() for cell in lines[0][1]], lines[1:]


def _row(number: int, header: Sequence[str], line: Sequence[str]) -> Row:
    fault = ""
    if len(line) != len(header):
        fault = (
            f"line {number} has {len(line)} fields, the header has {len(header)}: "
            "check for a missing or an unquoted comma"
        )
    filled = [*line, *[""] * len(header)][: len(header)]
    return Row(number, dict(zip(header, filled, strict=True)), fault)


def _mappings(source: Iterable[Mapping[str, object]]) -> tuple[list[str], list[Row]]:
    rows = [{str(key): _text(value) for key, value in row.items()} for row in source]
    header = list(dict.fromkeys(column for row in rows for column in row))
    if not header:
        raise EvidenceError("RK-EVI-002", given="the table is empty", allowed="One mapping for each row")
    return header, [
        Row(number, {column: row.get(column, "") for column in header}) for number, row in enumerate(rows, 2)
    ]


def _text(value: object) -> str:
    """A cell as text; None and not-a-number, by which data frames mark what is missing, are empty."""
    return "" if value is None or value != value else str(value)


def _check_header(header: Sequence[str], required: Sequence[str]) -> None:
    for column in header:
        if header.count(column) > 1:
            raise EvidenceError("RK-EVI-003", given=f'column "{column}" stands twice in the header')
    for column in required:
        if column not in header:
            raise EvidenceError(
                "RK-EVI-004",
                given=f'column "{column}" is missing{nearest(column, header)}',
                allowed=f"Required: {', '.join(required)}",
                remedy="Use the format of the shipped table pk_arms.csv",
            )
