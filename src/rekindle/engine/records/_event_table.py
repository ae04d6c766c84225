"""Event tables: who receives what and when, in the records that the field's data sets use."""

from __future__ import annotations

import csv
import io
import math
from bisect import insort_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rekindle.engine.records._records import COLUMNS, Record, read_record
from rekindle.errors import EventError, nearest, reason
from rekindle.modelling import CARRY_RULES, Model
from rekindle.units import convert

_MISSING = ("", ".", "NA", "n/a", "nan", "NaN")


@dataclass(frozen=True)
class EventTable:
    """Checked dose, observation, reset and other records of one or more people.

    Attributes:
        subjects: person identifier -> records in the order of the table.
        carry: covariate -> how its value is carried between records (locf, nocb or linear).
        remarks: what was decided while a data set of another program was read.
    """

    subjects: Mapping[str, Sequence[Record]]
    carry: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @classmethod
    def from_rows(
        cls,
        rows: Iterable[Mapping[str, Any]],
        model: Model,
        *,
        carry: Mapping[str, str] | None = None,
        extra: Sequence[str] = (),
        time_unit: str | None = None,
        extrapolate: bool = False,
    ) -> EventTable:
        """Check rows given as mappings from column name to value.

        Args:
            rows: one mapping per record; empty, ``"."`` and missing entries count as not given.
            model: the model that the table drives (its states, covariates and events are the known names).
            carry: carry rule of covariates for which the model states none.
            extra: columns that come back with the result without being used.
            time_unit: unit of TIME, DUR and II if it is not the model's time unit.
            extrapolate: accept covariates outside the model's validated range.

        Raises:
            EventError: an unknown column, a missing or contradictory entry, unsorted times.

        >>> from rekindle import load_model
        >>> text = "model m\\ntime [h]\\nstate C [mg]\\nd/dt(C) = -0.1[1/h]*C\\noutput A [mg] = C"
        >>> model = load_model(text)
        >>> table = EventTable.from_rows([dict(ID=1, TIME=0, AMT=100, CMT="C")], model)
        >>> table.subjects["1"][0].amount
        100.0
        """
        numbered = enumerate(rows, start=1)
        return cls.from_numbered(
            numbered, model, carry=carry or {}, extra=extra, time_unit=time_unit, extrapolate=extrapolate
        )

    @classmethod
    def from_numbered(
        cls,
        rows: Iterable[tuple[int, Mapping[str, Any]]],
        model: Model,
        *,
        carry: Mapping[str, str] = MappingProxyType({}),
        extra: Sequence[str] = (),
        time_unit: str | None = None,
        extrapolate: bool = False,
        remarks: Sequence[str] = (),
    ) -> EventTable:
        """Check rows that come with their numbers, by which messages name them; see ``from_rows``."""
        factor = convert(1.0, time_unit, model.time_unit) if time_unit else 1.0
        carry_rules = _carry_rules(model, carry)
        subjects: dict[str, list[Record]] = {}
        last_person = None
        for number, raw in rows:
            row = {str(key): value for key, value in raw.items() if _is_given(value)}
            _refuse_unknown_columns(raw, model, extra, number)
            person = _person(row.get("ID", 1))
            if person != last_person and person in subjects:
                raise EventError(
                    "RK-EVT-002",
                    given=f"row {number}: person {person} appears again after another person",
                    allowed="The records of one person are contiguous",
                    remedy="Sort the table by ID",
                )
            last_person = person
            record = read_record(row, model, number, person, factor, extrapolate=extrapolate, extra=extra)
            _refuse_unsorted(subjects.setdefault(person, []), record, person)
            subjects[person].append(record)
        if not subjects:
            raise EventError(
                "RK-EVT-003", given="the event table has no rows", remedy="Give at least one record"
            )
        people = {person: tuple(records) for person, records in subjects.items()}
        table = cls(people, carry_rules, tuple(remarks))
        table._refuse_unstated_carry(model)
        return table

    @classmethod
    def from_csv(
        cls,
        source: str | Path,
        model: Model,
        *,
        carry: Mapping[str, str] | None = None,
        extra: Sequence[str] = (),
        time_unit: str | None = None,
        extrapolate: bool = False,
    ) -> EventTable:
        """Read a table from a CSV file, or from text that holds a line break; see ``from_rows``."""
        text = str(source)
        if "\n" not in text:
            try:
                text = Path(source).read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as problem:
                raise EventError(
                    "RK-EVT-004",
                    given=f"event table {text!r} cannot be read ({reason(problem)})",
                    remedy="Give the path of a UTF-8 CSV file",
                ) from None
        reader = csv.reader(io.StringIO(text, newline=""))
        try:
            lines = [line for line in reader if any(cell.strip() for cell in line)]
        except csv.Error as problem:
            raise EventError("RK-EVT-004", given=f"the event table is not CSV ({problem})") from None
        if not lines:
            raise EventError(
                "RK-EVT-003", given="the event table has no rows", remedy="Give at least one record"
            )
        header = [cell.strip() for cell in lines[0]]
        repeated = {name for name in header if header.count(name) > 1}
        if repeated:
            raise EventError("RK-EVT-005", given=f"column {sorted(repeated)[0]!r} stands twice in the header")
        rows = []
        for number, line in enumerate(lines[1:], start=1):
            if len(line) != len(header):
                raise EventError(
                    "RK-EVT-006",
                    given=f"row {number} has {len(line)} fields, the header has {len(header)}",
                    remedy="Check for a missing or an unquoted comma",
                )
            rows.append(dict(zip(header, (cell.strip() for cell in line), strict=True)))
        return cls.from_rows(
            rows, model, carry=carry, extra=extra, time_unit=time_unit, extrapolate=extrapolate
        )

    @classmethod
    def from_nonmem(
        cls,
        source: str | Path,
        model: Model,
        *,
        ignore: str | Sequence[str] = "@",
        rename: Mapping[str, str] | None = None,
        drop: Sequence[str] = (),
        extra: Sequence[str] = (),
        compartments: Mapping[int, str] | None = None,
        carry: Mapping[str, str] | None = None,
        time_unit: str | None = None,
        repeated: str = "refuse",
        extrapolate: bool = False,
    ) -> EventTable:
        """Read a data set written for NONMEM or a program with its conventions.

        The first line names the columns, in any case; commas, tabs or blanks separate fields. ``.`` is a
        missing entry. TIME, II and DUR may be clock times (hh:mm), with dates in DATE (month/day/year), DAT1
        (day/month/year), DAT2 (year/month/day) or DAT3 (year/day/month); time is then counted in hours from
        the first record of each person. Without EVID it is derived. Numbers in CMT are the states of the
        model in their order. A column ``C`` is dropped. All that was decided stands in ``remarks``; rows in
        messages are lines of the file.

        Args:
            source: path, or a text with line breaks.
            model: the model that the table drives.
            ignore: lines to leave out: ``"@"`` (that begin with a letter, @ or #), one character (``"#"``,
                ``"C"``), or conditions such as ``"DOSE.EQ.0"``; or several of them.
            rename: name in the file -> name of a column or covariate.
            drop: columns to leave out.
            extra: columns that come back with the result without being used.
            compartments: meaning of the numbers in CMT, if not the order of the states.
            carry: carry rule of covariates for which the model states none.
            time_unit: unit of TIME, DUR and II if it is not the model's (clock times are hours).
            repeated: what records of a person after those of another mean: ``"refuse"``, or ``"new"`` for a
                new person, as in NONMEM.
            extrapolate: accept covariates outside the model's validated range.

        Raises:
            EventError: what cannot be read, with row and column.

        >>> from rekindle import load_model
        >>> text = "model m\\ntime [h]\\nstate A [mg]\\nd/dt(A) = -0.1[1/h]*A\\noutput amount [mg] = A"
        >>> data = "C,id,time,amt,cmt,dv\\n.,1,8:00,100,1,.\\nC,1,8:30,.,.,7\\n.,1,9:15,.,.,88"
        >>> table = EventTable.from_nonmem(data, load_model(text))
        >>> [(record.time, record.amount) for record in table.subjects["1"]]
        [(0.0, 100.0), (1.25, 0.0)]
        >>> table.remarks[-1]
        'Clock times are counted in hours from the first record of each person.'
        """
        from rekindle.engine.exchange._nonmem import read_nonmem

        found = read_nonmem(
            source,
            model,
            ignore=ignore,
            rename=rename,
            drop=drop,
            extra=extra,
            compartments=compartments,
            time_unit=time_unit,
            repeated=repeated,
        )
        return cls.from_numbered(
            found.rows,
            model,
            carry=carry or {},
            extra=extra,
            time_unit=found.time_unit,
            extrapolate=extrapolate,
            remarks=found.remarks,
        )

    def with_rows(
        self, rows: Iterable[Mapping[str, Any]], model: Model, *, extrapolate: bool = False
    ) -> EventTable:
        """Return a table with more records of its people, in any order.

        A record stands after those that the table holds for its time.

        Raises:
            EventError: as ``from_rows``; a person who is not in the table; a table whose clock restarts.
        """
        subjects = {person: list(records) for person, records in self.subjects.items()}
        first = 1 + max(record.row for records in subjects.values() for record in records)
        for number, raw in enumerate(rows, start=first):
            _refuse_unknown_columns(raw, model, (), number)
            row = {str(key): value for key, value in raw.items() if _is_given(value)}
            person = _person(row.get("ID", ""))
            records = subjects.get(person)
            if records is None or any(b.time < a.time for a, b in pairwise(records)):
                raise EventError(
                    "RK-EVT-032",
                    given=f'row {number}: {"the clock of" if records else "there is no"} person "{person}"'
                    f"{' restarts' if records else nearest(person, subjects)}",
                    allowed="A person of the table whose times do not decrease",
                    remedy="Give ID as in the table",
                )
            record = read_record(row, model, number, person, 1.0, extrapolate=extrapolate, extra=())
            insort_right(records, record, key=attrgetter("time"))
        table = replace(self, subjects={person: tuple(records) for person, records in subjects.items()})
        table._refuse_unstated_carry(model)
        return table

    def _refuse_unstated_carry(self, model: Model) -> None:
        for person, records in self.subjects.items():
            for name in model.covariates:
                values = {record.covariates[name] for record in records if name in record.covariates}
                if len(values) > 1 and name not in self.carry:
                    raise EventError(
                        "RK-EVT-007",
                        given=f'covariate "{name}" changes within person {person} and has no carry rule',
                        allowed=f"Rules: {', '.join(CARRY_RULES)}",
                        why="Software packages differ in their silent default",
                        remedy=f'Give carry={{"{name}": "locf"}} or state it in the model',
                    )


def _carry_rules(model: Model, given: Mapping[str, str]) -> dict[str, str]:
    rules = {name: c.carry for name, c in model.covariates.items() if c.carry is not None}
    for name, rule in given.items():
        if name not in model.covariates:
            raise EventError(
                "RK-EVT-008",
                given=f'carry rule for unknown covariate "{name}"{nearest(name, model.covariates)}',
            )
        if rule not in CARRY_RULES:
            raise EventError(
                "RK-EVT-009",
                given=f'carry rule "{rule}" of covariate "{name}"',
                allowed=f"Rules: {', '.join(CARRY_RULES)}",
            )
        rules[name] = rule
    return rules


def _is_given(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip() not in _MISSING
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _person(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _refuse_unknown_columns(row: Mapping[str, Any], model: Model, extra: Sequence[str], number: int) -> None:
    for column in row:
        if column not in COLUMNS and column not in model.covariates and column not in extra:
            raise EventError(
                "RK-EVT-001",
                given=f'row {number} (person {_person(row.get("ID", 1))}): unknown column "{column}"'
                f"{nearest(str(column), [*COLUMNS, *model.covariates])}",
                allowed=f"Known: {', '.join(COLUMNS)} and the model's covariates "
                f"({', '.join(model.covariates) or 'none'})",
                why="A column that is silently ignored may carry a dose or a covariate",
                remedy=f'Rename it, drop it, or list it in extra=["{column}"]',
            )


def _refuse_unsorted(before: Sequence[Record], record: Record, person: str) -> None:
    if before and record.time < before[-1].time and not record.is_reset:
        raise EventError(
            "RK-EVT-010",
            given=f"row {record.row} (person {person}): TIME {record.time:g} after {before[-1].time:g}",
            allowed="TIME does not decrease within a person, except at a reset (EVID 3 or 4)",
            remedy="Sort the rows of the person by TIME",
        )
