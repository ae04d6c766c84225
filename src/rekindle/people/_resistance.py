"""Treatment resistance: failed treatments with dose, duration and adherence, judged one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from rekindle.errors import PersonError, nearest
from rekindle.people._tables import data_path, read_number, read_rows

#: Least duration (weeks) and share of doses taken for a fair trial of an antidepressant (assumed: consensus
#: definitions ask for 4 to 8 weeks, and say "taken as prescribed" without one number).
ADEQUATE_WEEKS, ADEQUATE_ADHERENCE = 6.0, 0.8
#: Number of adequate failed treatments usually called treatment-resistant (recalled: label of esketamine).
RESISTANT_FROM = 2
_FIELDS = ("drug", "dose", "weeks", "adherence")


@dataclass(frozen=True, slots=True)
class FailedTreatment:
    """A treatment that did not help; None means unknown.

    Attributes:
        drug: name of the antidepressant.
        dose_mg: daily dose, mg.
        weeks: duration at that dose.
        adherence: share of doses taken, 0 to 1.
    """

    drug: str
    dose_mg: float | None = None
    weeks: float | None = None
    adherence: float | None = None

    @property
    def adequate(self) -> bool | None:
        """Whether it was a fair trial; None if a fact is missing and the others do not decide.

        >>> FailedTreatment("sertraline", 100, 8, 0.9).adequate, FailedTreatment("sertraline", 25).adequate
        (True, False)
        """
        answers = [answer for answer, _ in self._judged()]
        if False in answers:
            return False
        return None if None in answers else True

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not known to be a fair trial, in words.

        >>> FailedTreatment("sertraline", 100, 3, 0.9).reasons
        ('3 weeks, less than 6',)
        """
        return tuple(words for answer, words in self._judged() if answer is not True)

    def _judged(self) -> list[tuple[bool | None, str]]:
        least = minimum_doses().get(self.drug.lower())
        if least is None:
            dose: tuple[bool | None, str] = None, f"no least dose of {self.drug} is known to this package"
        else:
            dose = _at_least(self.dose_mg, least, "dose", "mg a day")
        return [
            dose,
            _at_least(self.weeks, ADEQUATE_WEEKS, "duration", "weeks"),
            _at_least(self.adherence, ADEQUATE_ADHERENCE, "adherence", "of doses taken"),
        ]


@dataclass(frozen=True, slots=True)
class Resistance:
    """Failed treatments of a person by how they are judged; no size of effect is attached to it.

    The model has no number for how much less resistant people respond beyond the trials' own selection.
    """

    adequate: tuple[FailedTreatment, ...]
    inadequate: tuple[FailedTreatment, ...]
    unjudged: tuple[FailedTreatment, ...]

    @property
    def resistant(self) -> bool | None:
        """Whether at least two adequate treatments failed; None if unjudged ones could decide."""
        if len(self.adequate) >= RESISTANT_FROM:
            return True
        return None if len(self.adequate) + len(self.unjudged) >= RESISTANT_FROM else False


def resistance(treatments: tuple[FailedTreatment, ...]) -> Resistance:
    """Sort failed treatments.

    >>> fair = FailedTreatment("sertraline", 100, 8, 0.9)
    >>> resistance((fair, FailedTreatment("venlafaxine", 150, 8))).resistant is None
    True
    """
    by = {answer: tuple(t for t in treatments if t.adequate is answer) for answer in (True, False, None)}
    return Resistance(by[True], by[False], by[None])


@cache
def minimum_doses() -> dict[str, float]:
    """Usual least effective daily dose (mg) by antidepressant."""
    rows = read_rows(data_path("antidepressant_doses.csv"), ("drug", "minimum_mg", "mark", "source"))
    return {row["drug"]: read_number(place, row, "minimum_mg", 0.0) for place, row in rows}


def read_failed_treatments(file: str, entry: Any) -> tuple[FailedTreatment, ...] | None:
    """The list ``failed_treatments`` of a person file; None if it is not stated.

    Raises:
        PersonError: an entry that is not understood, naming it.
    """
    if entry is None or entry == "unknown":
        return None
    if not isinstance(entry, list):
        raise _bad(f"{file}: failed_treatments {entry!r}")
    return tuple(_treatment(f"{file}: failed_treatments, entry {n}", one) for n, one in enumerate(entry, 1))


def _treatment(place: str, entry: Any) -> FailedTreatment:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("drug"), str):
        raise _bad(f"{place}: {entry!r}")
    for key in entry:
        if key not in _FIELDS:
            raise PersonError(
                "RK-PER-051",
                given=f'{place}: "{key}" is unknown{nearest(str(key), _FIELDS)}',
                allowed=f"Fields: {', '.join(_FIELDS)}",
            )
    dose = entry.get("dose")
    return FailedTreatment(
        entry["drug"].strip(),
        None if dose in (None, "unknown") else _dose(place, dose),
        _plain(place, "weeks", entry.get("weeks"), 0.0, 1500.0),
        _plain(place, "adherence", entry.get("adherence"), 0.0, 1.0),
    )


def _dose(place: str, text: Any) -> float:
    from rekindle.units import convert, parse_quantity

    if not isinstance(text, str):
        raise PersonError(
            "RK-PER-053", given=f"{place}: dose {text!r} has no unit", allowed='A dose such as "100 mg"'
        )
    found = parse_quantity(text)
    return float(convert(found.value, found.unit, "mg"))


def _plain(place: str, name: str, value: Any, low: float, high: float) -> float | None:
    if value in (None, "unknown"):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise PersonError(
            "RK-PER-053",
            given=f"{place}: {name} {value!r}",
            allowed=f"A number from {low:g} to {high:g}, or unknown",
        )
    return float(value)


def _at_least(value: float | None, least: float, what: str, unit: str) -> tuple[bool | None, str]:
    if value is None:
        return None, f"{what} is unknown"
    return value >= least, f"{value:g} {unit}, less than {least:g}"


def _bad(given: str) -> PersonError:
    return PersonError(
        "RK-PER-053",
        given=given,
        allowed='A list of treatments, each with drug, dose ("100 mg"), weeks and adherence (0 to 1)',
    )
