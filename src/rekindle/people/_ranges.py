"""Which facts about a person are validated, possible, or refused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import SupportsFloat

from rekindle.errors import PersonError
from rekindle.people._tables import data_path, read_number, read_provenance, read_rows

ADULT_AGE_YEARS = 18
_COLUMNS = (
    "field",
    "unit",
    "covariate",
    "validated_low",
    "validated_high",
    "possible_low",
    "possible_high",
    "mark",
    "source",
    "description",
)


@dataclass(frozen=True, slots=True)
class Range:
    """Limits of one field: what the data behind the model cover, and what is possible at all.

    ``covariate`` is the covariate of the therapy model that takes the value as it is; empty for the others.
    """

    field: str
    unit: str
    validated: tuple[float, float]
    possible: tuple[float, float]
    mark: str
    source: str
    description: str
    covariate: str = ""

    def check(self, person: str, value: object) -> tuple[float, str]:
        """Return the value as a float, and the label of an extrapolation (empty within the validated range).

        Raises:
            PersonError: not a number, not finite, not possible, or below 18 years of age.
        """
        what = f"person {person}: {self.field} {value!r}"
        # Asking whether something can be made a number is slow, so that numbers are let through before.
        if isinstance(value, bool) or not isinstance(value, (float, int, SupportsFloat)):
            raise PersonError(
                "RK-PER-010", given=f"{what} is not a number", remedy=f"Give a plain number in {self.unit}"
            )
        number = float(value)
        if self.field == "age_years" and 0 <= number < ADULT_AGE_YEARS:
            raise PersonError(
                "RK-PER-011",
                given=f"{what} is below {ADULT_AGE_YEARS}",
                why="Children need paediatric models, which are out of scope",
                remedy="Simulate adults only",
            )
        low, high = self.possible
        if not (math.isfinite(number) and low <= number <= high):
            raise PersonError(
                "RK-PER-012",
                given=f"{what} is not possible",
                allowed=f"{low:g} to {high:g} {self.unit}",
                remedy=f"Check the value and its unit ({self.unit})",
            )
        low, high = self.validated
        if low <= number <= high:
            return number, ""
        return number, f"{self.description} {number:g} {self.unit} is outside {low:g} to {high:g} {self.unit}"


@cache
def person_ranges() -> dict[str, Range]:
    """Return the range of every numeric field of a person, from the data file with its sources.

    >>> person_ranges()["weight_kg"].validated
    (39.0, 170.0)
    """
    ranges = {}
    for place, row in read_rows(data_path("person_ranges.csv"), _COLUMNS):
        possible = (read_number(place, row, "possible_low"), read_number(place, row, "possible_high"))
        validated = possible
        if row["validated_low"]:
            validated = (read_number(place, row, "validated_low"), read_number(place, row, "validated_high"))
        mark, source = read_provenance(place, row)
        ranges[row["field"]] = Range(
            row["field"],
            row["unit"],
            validated,
            possible,
            mark,
            source,
            row["description"],
            row["covariate"],
        )
    return ranges
