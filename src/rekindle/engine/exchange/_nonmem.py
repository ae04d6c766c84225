"""Data sets in the conventions of NONMEM: from text to rows of an event table, with every choice said."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rekindle.engine.exchange._nonmem_clock import (
    CLOCK_COLUMNS,
    DATE_COLUMNS,
    clock_hours,
    hours_of,
    uses_clock,
)
from rekindle.engine.exchange._nonmem_ignore import Ignore
from rekindle.engine.records._records import COLUMNS
from rekindle.errors import EventError, nearest, reason
from rekindle.modelling import Model

_DOSE_COLUMNS = ("AMT", "RATE", "DUR", "II", "ADDL", "SS")
_MISSING = ("", ".", "NA", "na", "NaN", "nan")
_FORTRAN = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))[dD]([+-]?\d+)")
#: NONMEM's own name for a column that is read and not used.
_COMMENT_COLUMN = "C"


@dataclass
class NonmemRows:
    """Rows with the line on which each stands, and what was decided on the way."""

    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    time_unit: str | None = None


def read_nonmem(
    source: str | Path,
    model: Model,
    *,
    ignore: str | Sequence[str] = "@",
    rename: Mapping[str, str] | None = None,
    drop: Sequence[str] = (),
    extra: Sequence[str] = (),
    compartments: Mapping[int, str] | None = None,
    time_unit: str | None = None,
    repeated: str = "refuse",
) -> NonmemRows:
    """Rows of a data set as ``EventTable.from_rows`` takes them; see ``EventTable.from_nonmem``."""
    found = NonmemRows()
    header, lines = _table(source, Ignore(ignore), found.remarks)
    names = _columns(header, model, rename or {}, [*drop, *extra], found.remarks)
    left_out = {*drop, *({_COMMENT_COLUMN} - set(model.covariates))}
    kept = [name for name in names if name not in left_out]
    for number, cells in lines:
        pairs = zip(names, cells, strict=True)
        row = {name: _fortran(cell) for name, cell in pairs if name in kept and cell not in _MISSING}
        found.rows.append((number, row))
    _warn_of_missing_covariates(found, model, kept)
    _put_evid(found, kept)
    _put_compartments(found, model, compartments or {})
    _put_people(found, repeated)
    _put_hours(found, time_unit)
    _drop_dv_of_doses(found)
    return found


def _table(
    source: str | Path, ignore: Ignore, remarks: list[str]
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    text = str(source)
    if "\n" not in text:
        try:
            text = Path(source).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError, ValueError) as problem:
            raise EventError(
                "RK-EVT-004",
                given=f"data set {text[:200]!r} cannot be read ({reason(problem)})",
                remedy="Give the path of a UTF-8 text file",
            ) from None
    numbered = [(n, line) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
    while numbered and numbered[0][1].lstrip().startswith("#"):
        del numbered[0]
    if len(numbered) < 2:
        raise EventError(
            "RK-EVT-003",
            given="the data set has no rows",
            allowed="A line with the names of the columns, then one line for each record",
        )
    first = numbered[0][1]
    header = [cell.strip() for cell in _cells(first, first)]
    lines, ignored = [], 0
    for number, line in numbered[1:]:
        if ignore.line(line):
            ignored += 1
            continue
        cells = [cell.strip() for cell in _cells(line, first)]
        if len(cells) != len(header):
            raise EventError(
                "RK-EVT-006",
                given=f"row {number} has {len(cells)} fields, the header has {len(header)}",
                remedy="Check for a missing or an unquoted separator",
            )
        if ignore.row(dict(zip((name.upper() for name in header), cells, strict=True)), number):
            ignored += 1
            continue
        lines.append((number, cells))
    if ignored:
        remarks.append(f"{ignored} of {len(numbered) - 1} lines were ignored by the rule {ignore}.")
    if not lines:
        raise EventError("RK-EVT-003", given=f"every line of the data set is ignored by the rule {ignore}")
    return header, lines


def _cells(line: str, first: str) -> list[str]:
    """Fields of a line; the header shows whether commas, tabs or blanks separate them."""
    delimiter = "," if "," in first else "\t" if "\t" in first else ""
    if not delimiter:
        return line.split()
    try:
        return next(csv.reader(io.StringIO(line), delimiter=delimiter), [])
    except csv.Error as problem:
        raise EventError("RK-EVT-004", given=f"the data set is not a table ({problem})") from None


def _columns(
    header: Sequence[str], model: Model, rename: Mapping[str, str], asked: Sequence[str], remarks: list[str]
) -> list[str]:
    for name in rename:
        if name not in header:
            raise EventError(
                "RK-EVT-041",
                given=f'rename: the data set has no column "{name}"{nearest(name, header)}',
                allowed=f"Columns: {', '.join(header)}",
            )
    known = {name.upper(): name for name in (*COLUMNS, *DATE_COLUMNS, _COMMENT_COLUMN)}
    known |= {name.upper(): name for name in model.covariates}
    names = []
    for name in header:
        new = rename.get(name) or (name if name in asked else known.get(name.upper(), name))
        if new != name:
            remarks.append(f'Column "{name}" is read as {new}.')
        names.append(new)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise EventError("RK-EVT-005", given=f'column "{repeated[0]}" stands twice in the header')
    dated = [name for name in names if name in DATE_COLUMNS and name not in asked]
    if len(dated) > 1:
        raise EventError(
            "RK-EVT-041", given=f"columns {' and '.join(dated)}", allowed="One column with dates",
            remedy="List the others in drop",
        )  # fmt: skip
    if "ID" not in names:
        raise EventError(
            "RK-EVT-041", given="the data set has no column ID", allowed=f"Found: {', '.join(header)}"
        )
    return names


def _fortran(cell: str) -> str:
    match = _FORTRAN.fullmatch(cell)
    return f"{match[1]}e{match[2]}" if match else cell


def _number(row: Mapping[str, str], column: str, number: int) -> float:
    try:
        value = float(row.get(column, 0.0))
    except ValueError:
        raise EventError(
            "RK-EVT-011", given=f"row {number}: {column} {row[column]!r} is not a number",
            remedy="Write a plain number",
        ) from None  # fmt: skip
    if not math.isfinite(value):
        raise EventError(
            "RK-EVT-012", given=f"row {number}: {column} is {value}", allowed="Finite numbers only"
        )
    return value


def _warn_of_missing_covariates(found: NonmemRows, model: Model, names: Sequence[str]) -> None:
    for name in model.covariates:
        missing = [number for number, row in found.rows if name in names and name not in row]
        if missing:
            found.remarks.append(
                f'Covariate "{name}" is missing in {_listed(missing)}: it is carried by its rule '
                "(NONMEM would read 0)."
            )


def _put_evid(found: NonmemRows, names: Sequence[str]) -> None:
    """A missing column EVID is derived: a dose where a dose column is not 0, else 2 with MDV 1, else 0."""
    given = "EVID" in names
    for number, row in found.rows:
        if given:
            row.setdefault("EVID", "0")
            continue
        dose = any(_number(row, column, number) for column in _DOSE_COLUMNS if column not in CLOCK_COLUMNS)
        row["EVID"] = "1" if dose else "2" if _number(row, "MDV", number) == 1 else "0"
    if not given:
        count = {kind: sum(row["EVID"] == kind for _, row in found.rows) for kind in "012"}
        found.remarks.append(
            f"EVID is derived from AMT, RATE, ADDL, SS and MDV: {count['1']} doses, "
            f"{count['0']} observations, {count['2']} other records."
        )


def _put_compartments(found: NonmemRows, model: Model, given: Mapping[int, str]) -> None:
    states = list(model.states)
    for name in given.values():
        if name not in states:
            raise EventError(
                "RK-EVT-015", given=f'compartments names "{name}", which is no state{nearest(name, states)}',
                allowed=f"States: {', '.join(states)}",
            )  # fmt: skip
    named = dict(given) or dict(enumerate(states, start=1))
    used = set()
    for number, row in found.rows:
        if "CMT" not in row or row["CMT"] in states:
            continue
        position = _number(row, "CMT", number)
        if position == 0:
            del row["CMT"]
            continue
        if position not in named:
            raise EventError(
                "RK-EVT-015",
                given=f"row {number}: CMT {row['CMT']} is not a compartment",
                allowed=", ".join(f"{place}: {name}" for place, name in named.items()),
                why="A negative number switches a compartment off in NONMEM, which is not supported"
                if position < 0
                else "",
                remedy="Say what the numbers mean: compartments={1: ...}",
            )
        row["CMT"] = named[int(position)]
        used.add(int(position))
    if used:
        meaning = ", ".join(f"{place} is {named[place]}" for place in sorted(used))
        how = "as given" if given else "the states of the model in their order"
        found.remarks.append(f"CMT: {meaning} ({how}).")


def _put_people(found: NonmemRows, repeated: str) -> None:
    """People whose records are not together are other people to NONMEM."""
    if repeated not in ("refuse", "new"):
        raise EventError("RK-EVT-041", given=f"repeated={repeated!r}", allowed="refuse or new")
    runs: dict[str, int] = {}
    last, again = None, []
    for number, row in found.rows:
        if "ID" not in row:
            raise EventError("RK-EVT-042", given=f"row {number}: ID is missing", allowed="An ID in every row")
        value = row["ID"]
        if value != last:
            runs[value] = runs.get(value, 0) + 1
            if runs[value] > 1:
                again.append((value, number))
        last = value
        if runs[value] > 1:
            row["ID"] = f"{value} ({runs[value]})"
    if again and repeated == "refuse":
        value, number = again[0]
        raise EventError(
            "RK-EVT-002",
            given=f"row {number}: person {value} appears again after another person",
            allowed="The records of one person are contiguous",
            why="NONMEM takes the second group for a new person without a word",
            remedy='Sort the data set by ID and TIME, or say repeated="new" if they are other people',
        )
    for value, number in again:
        found.remarks.append(f"ID {value} returns in row {number}: a new person, as in NONMEM.")


def _put_hours(found: NonmemRows, time_unit: str | None) -> None:
    """Clock times and dates become time since the first record of each person."""
    found.time_unit = time_unit
    if not any(uses_clock(row) for _, row in found.rows):
        return
    if time_unit not in (None, "h"):
        raise EventError(
            "RK-EVT-041", given=f"time_unit={time_unit!r} with clock times or dates", allowed="Hours",
            why="Clock times are counted in hours, and so are II, DUR and RATE beside them",
        )  # fmt: skip
    found.time_unit = "h"
    origin: dict[str, float] = {}
    for number, row in found.rows:
        hours = hours_of(row, number)
        row["TIME"] = repr(hours - origin.setdefault(row["ID"], hours))
        for column in ("II", "DUR"):
            if column in row:
                row[column] = repr(clock_hours(row[column], number, column))
        for column in DATE_COLUMNS:
            row.pop(column, None)
    found.remarks.append("Clock times are counted in hours from the first record of each person.")


def _drop_dv_of_doses(found: NonmemRows) -> None:
    used = []
    for number, row in found.rows:
        if row["EVID"] in ("1", "4", "1.0", "4.0"):
            if "DV" in row and _number(row, "DV", number):
                used.append(number)
            row.pop("DV", None)
    if used:
        found.remarks.append(f"DV is given on dose records and not used there: {_listed(used)}.")


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:5]))
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return f"row{'s' if len(numbers) > 1 else ''} {shown}{more}"
