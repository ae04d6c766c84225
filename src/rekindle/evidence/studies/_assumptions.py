"""What had to be assumed so that a published study can be run, kept as data beside the rows of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rekindle.errors import DesignError, nearest
from rekindle.evidence._data import study_assumption_rows
from rekindle.evidence._row import Row


@dataclass(frozen=True, slots=True)
class StudyAssumption:
    """A cell that the table leaves empty, with its value; ``low`` and ``high`` bound what is plausible."""

    study_id: str
    arm_id: str
    column: str
    value: str
    low: str
    high: str
    reason: str

    @property
    def words(self) -> str:
        """As a note of a design."""
        span = f" ({self.low} to {self.high})" if self.low else ""
        return f"arm {self.arm_id}: {self.column} {self.value}{span} assumed: {self.reason}"


def study_assumptions(study_id: str, given: Mapping[str, str] | None = None) -> list[StudyAssumption]:
    """Assumptions of a study, with other values where they are given (column -> value).

    Raises:
        DesignError: a column that the study does not assume.

    >>> [one.value for one in study_assumptions("LAPIDUS2014", {"systemic_share": "0.25"})][:1]
    ['0.25']
    """
    known = [
        StudyAssumption(**{name: row[name] for name in StudyAssumption.__slots__})
        for row in study_assumption_rows()
        if row["study_id"] == study_id
    ]
    columns = list(dict.fromkeys(one.column for one in known))
    for column in given or {}:
        if column not in columns:
            raise DesignError(
                "RK-DES-014",
                given=f'study {study_id} assumes no "{column}"{nearest(column, columns)}',
                allowed=", ".join(columns) or "nothing: its rows say all that is needed",
                why="What the table states is not for you to change",
                remedy="Leave it out, or print the design with `rekindle trial show` and change that",
            )
    return [replace(one, value=(given or {}).get(one.column, one.value)) for one in known]


def filled(rows: Sequence[Row], assumptions: Sequence[StudyAssumption]) -> list[Row]:
    """The rows with the assumed cells where the table leaves them empty."""
    found = []
    for row in rows:
        own = {
            one.column: one.value
            for one in assumptions
            if one.arm_id == row.text("arm_id") and not row.text(one.column)
        }
        found.append(replace(row, cells={**row.cells, **own}))
    return found
