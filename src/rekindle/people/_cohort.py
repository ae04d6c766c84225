"""Real people read from a table; what cannot be used is refused with its row and person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from rekindle.errors import PersonError
from rekindle.people._person import Person
from rekindle.people._ranges import person_ranges
from rekindle.people._tables import read_rows

#: Field of Person -> column where they differ. The unit is part of the name: nothing is left to guess.
_COLUMNS = {"bmi": "bmi_kg_m2"}
_REQUIRED = ("id", "age_years")
_YES_NO = ("cyp2b6_poor", "hypertension")
_TEXTS = ("sex", "co_medication", "child_pugh", *_YES_NO)
_MISSING = ("", "n/a", "NA", "NaN", "nan", ".")
_ANSWERS = {"yes": True, "no": False, "1": True, "0": False}


def read_cohort(
    path: str | PathLike[str], *, ignore: Sequence[str] = (), allow_extrapolation: bool = False
) -> list[Person]:
    """Read people from a comma-separated (.csv) or tab-separated (.tsv, .tab, .txt) table with a header.

    Columns: id, age_years, weight_kg (or height_cm and bmi_kg_m2, from which weight is computed), and if
    known sex (F, M), co_medication (separated by semicolons), child_pugh (A, B), cyp2b6_poor and hypertension
    (yes, no), and every other number of ``person_ranges`` by its name. An empty cell or ``n/a`` is an unknown
    fact; age and weight must be known.

    Args:
        path: the file.
        ignore: columns that are there on purpose and not used.
        allow_extrapolation: accept people outside the validated range, labelled.

    Raises:
        PersonError: naming row and person.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     table = Path(folder, "two.csv")
    ...     _ = table.write_text("id,weight_kg,age_years,sex\\nA,82,35,F\\nB,70.5,51,n/a\\n")
    ...     [(person.id, person.weight_kg, person.sex) for person in read_cohort(table)]
    [('A', 82.0, 'F'), ('B', 70.5, None)]
    """
    people: dict[str, Person] = {}
    optional = [column for column in (*number_columns(), *_TEXTS) if column not in _REQUIRED]
    for row_place, cells in read_rows(path, _REQUIRED, optional, ignore):
        row = known_cells(cells)
        place = f"{row_place}, person {row['id'] or '?'}"
        person = _person(place, row, allow_extrapolation)
        if person.id in people:
            raise PersonError(
                "RK-PER-025",
                given=f"{place}: this person was in an earlier row",
                allowed="One row for each person",
            )
        people[person.id] = person
    return list(people.values())


def number_columns() -> dict[str, str]:
    """Column -> field of ``Person`` for everything that is a number."""
    return {_COLUMNS.get(field, field): field for field in person_ranges()}


def known_cells(row: Mapping[str, str]) -> dict[str, str]:
    """Return the row with an empty text for every way of writing that something is unknown."""
    return {column: "" if cell in _MISSING else cell for column, cell in row.items()}


def read_cell(place: str, column: str, text: str) -> float | None:
    """Return the number in a cell, or None for an empty one."""
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise PersonError(
            "RK-PER-023",
            given=f'{place}: {column} "{text}" is not a number',
            allowed="A plain number with a decimal point, or n/a",
        ) from None


def _person(place: str, row: Mapping[str, str], allow_extrapolation: bool) -> Person:
    numbers = {field: read_cell(place, column, row[column]) for column, field in number_columns().items()}
    facts: dict[str, Any] = {field: value for field, value in numbers.items() if value is not None}
    if "weight_kg" not in facts and {"height_cm", "bmi"} <= set(facts):
        facts["weight_kg"] = facts["bmi"] * (facts["height_cm"] / 100) ** 2
    for field in ("age_years", "weight_kg"):
        if field not in facts:
            raise PersonError(
                "RK-PER-024",
                given=f"{place}: {field} is not known",
                why="Concentrations depend on it",
                remedy="Give it (weight also as height_cm and bmi_kg_m2), or leave the person out",
            )
    for column in _YES_NO:
        if row[column] and row[column].lower() not in _ANSWERS:
            raise PersonError(
                "RK-PER-023", given=f'{place}: {column} "{row[column]}"', allowed="yes, no or n/a"
            )
    drugs = tuple(drug.strip() for drug in row["co_medication"].split(";") if drug.strip())
    try:
        return Person(
            row["id"],
            sex=row["sex"] or None,
            child_pugh=row["child_pugh"] or None,
            cyp2b6_poor=_ANSWERS.get(row["cyp2b6_poor"].lower(), False),
            hypertension=_ANSWERS.get(row["hypertension"].lower()),
            co_medication=drugs,
            allow_extrapolation=allow_extrapolation,
            **facts,
        )
    except PersonError as error:
        raise PersonError(
            error.code,
            given=f"{place}: {error.given}",
            allowed=error.allowed,
            why=error.why,
            remedy=error.remedy,
        ) from error
