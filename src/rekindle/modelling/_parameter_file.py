"""Data files of parameters: ``name,unit,value,low,high,mark,source,description``."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from rekindle.errors import ParameterError, UnitError, nearest
from rekindle.modelling._model import MARKS, Parameter
from rekindle.units import conversion_factor

COLUMNS = ("name", "unit", "value", "low", "high", "mark", "source", "description")
_NEEDED = ("name", "unit", "value")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One row of a data file; empty cells are None or empty texts. ``place`` names file and line."""

    name: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    mark: str
    source: str
    description: str
    place: str


def read_parameter_rows(text: str, file: str) -> dict[str, ParameterRow]:
    """Read a data file into rows by name; lines that begin with ``#`` are comments.

    Raises:
        ParameterError: a missing or unknown column, a repeated name, an unknown mark, a number that is none.

    >>> rows = read_parameter_rows("name,unit,value\\nCL,L/h,0.13", "warfarin.csv")
    >>> rows["CL"].value, rows["CL"].place
    (0.13, 'warfarin.csv, line 2')
    """
    rows: dict[str, ParameterRow] = {}
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells) or cells[0].startswith("#"):
                continue
            place = f"{file}, line {reader.line_num}"
            if not header:
                header = _header([cell.strip() for cell in cells], place)
                continue
            row = _row(header, cells, place)
            if row.name in rows:
                raise ParameterError(
                    "RK-PAR-022",
                    given=f'{place}: parameter "{row.name}" stands already in {rows[row.name].place}',
                    remedy="Keep one of the rows",
                )
            rows[row.name] = row
    except csv.Error as error:
        raise ParameterError(
            "RK-PAR-021",
            given=f"{file}, line {reader.line_num}: not a table ({error})",
            remedy="Check the quotes",
        ) from error
    if not header:
        _header([], f"{file}, line 1")
    return rows


def refuse_undeclared(rows: Mapping[str, ParameterRow], declared: Iterable[str]) -> None:
    """Refuse rows whose name no parameter of the model answers to.

    Raises:
        ParameterError: with the nearest name.
    """
    names = set(declared)
    for row in rows.values():
        if row.name not in names:
            raise ParameterError(
                "RK-PAR-027",
                given=f'{row.place}: the model declares no parameter "{row.name}"{nearest(row.name, names)}',
                why="A value that nothing uses is usually a spelling mistake",
                remedy="Correct the name or remove the row",
            )


def with_row(parameter: Parameter, row: ParameterRow) -> Parameter:
    """The parameter with the numbers of a row, in the declared unit; empty cells keep what was there.

    Raises:
        ParameterError: a unit of another dimension, or a value outside its range.
    """
    try:
        factor = conversion_factor(row.unit, parameter.unit)
    except UnitError as error:
        raise ParameterError(
            "RK-PAR-024",
            given=f'{row.place}: parameter "{row.name}" has the unit "{row.unit}"',
            allowed=f'The model declares it in "{parameter.unit}"',
            why=str(error),
        ) from error
    changed = replace(
        parameter,
        value=None if row.value is None else row.value * factor,
        low=parameter.low if row.low is None else row.low * factor,
        high=parameter.high if row.high is None else row.high * factor,
        mark=row.mark or "user",
        source=row.source,
        description=row.description or parameter.description,
    )
    problem = range_problem(changed.value, changed.low, changed.high)
    if problem:
        raise ParameterError(
            "RK-PAR-025",
            given=f'{row.place}: parameter "{row.name}": {problem} (in {parameter.unit})',
            remedy="Correct the value or its range",
        )
    return changed


def range_problem(value: float | None, low: float | None, high: float | None) -> str:
    """What is wrong with a value and its range, or an empty text.

    >>> range_problem(2.0, 0.0, 1.0)
    'the value 2 is outside 0 to 1'
    """
    numbers = [number for number in (value, low, high) if number is not None]
    if not all(map(math.isfinite, numbers)):
        return "a number is not finite in this unit"
    below, above = -math.inf if low is None else low, math.inf if high is None else high
    if below > above:
        return f"the range {below:g} to {above:g} is empty"
    if value is not None and not below <= value <= above:
        return f"the value {value:g} is outside {below:g} to {above:g}"
    return ""


def _header(names: list[str], place: str) -> list[str]:
    missing = [name for name in _NEEDED if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    if missing or unknown or len(set(names)) < len(names):
        problem = f'the column "{missing[0]}" is missing' if missing else "a column is repeated"
        if unknown:
            problem = f'the column "{unknown[0]}" is unknown{nearest(unknown[0], COLUMNS)}'
        raise ParameterError(
            "RK-PAR-020",
            given=f"{place}: {problem}",
            allowed=f"Columns: {', '.join(COLUMNS)}; the first three must be there",
        )
    return names


def _row(header: list[str], cells: list[str], place: str) -> ParameterRow:
    if len(cells) != len(header):
        raise ParameterError(
            "RK-PAR-021",
            given=f"{place}: {len(cells)} cells under {len(header)} columns",
            remedy="Put texts with commas in quotes",
        )
    row = dict.fromkeys(COLUMNS, "") | {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    if not row["name"] or not row["unit"]:
        missing = "unit" if row["name"] else "name"
        raise ParameterError(
            "RK-PAR-021",
            given=f'{place}: the {missing} of "{row["name"] or cells}" is missing',
            remedy='A pure number has the unit "1"' if missing == "unit" else "",
        )
    if row["mark"] and row["mark"] not in MARKS:
        raise ParameterError(
            "RK-PAR-023",
            given=f'{place}: mark "{row["mark"]}" of "{row["name"]}" is unknown{nearest(row["mark"], MARKS)}',
            allowed=f"Marks: {', '.join(MARKS)}",
        )
    value, low, high = (_number(row[column], row["name"], place) for column in ("value", "low", "high"))
    texts = (row["mark"], row["source"], row["description"])
    return ParameterRow(row["name"], row["unit"], value, low, high, *texts, place)


def _number(text: str, name: str, place: str) -> float | None:
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ParameterError(
            "RK-PAR-026",
            given=f'{place}: "{text}" of "{name}" is not a finite number',
            allowed="A number with a decimal point, or an empty cell",
        )
    return float(text)
