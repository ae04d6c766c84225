"""Contraindications and cautions that apply to a person, for a clinician to decide; never a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from rekindle.people._contradictions import Fact
from rekindle.people._person import Person
from rekindle.people._person_file import PersonFacts, criteria_rows
from rekindle.people._resistance import Resistance, resistance
from rekindle.people._tables import data_path, read_provenance

#: Stands under every list.
DECISION_NOTICE = "For a clinician to decide: this list judges nobody, and it holds only what it was told."


@dataclass(frozen=True, slots=True)
class Criterion:
    """A contraindication or caution with its reason and source."""

    id: str
    kind: str
    fact: str
    rule: str
    threshold: str
    what: str
    why: str
    mark: str
    source: str

    def applies(self, known: Mapping[str, Fact]) -> bool | None:
        """Whether it applies to these facts; None if the fact that it needs is unknown.

        >>> pressure = next(one for one in criteria() if one.id == "pressure_systolic")
        >>> pressure.applies({"systolic_mmhg": 150.0}), pressure.applies({})
        (True, None)
        """
        if self.fact in ("pregnant", "breastfeeding") and known.get("sex") == "M":
            return False
        value = known.get(self.fact)
        if value is None:
            return None
        if self.rule == "is":
            return value == {"yes": True, "no": False}.get(self.threshold, self.threshold)
        limit = float(self.threshold)
        return float(value) < limit if self.rule == "below" else float(value) > limit


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What applies to a person, what cannot be judged, and what does not apply.

    Attributes:
        person: identifier.
        applies: criteria that apply, contraindications first.
        unknown: criteria whose fact is missing.
        absent: criteria that do not apply.
        resistance: failed treatments; None if they are not stated.
        notice: who decides.
    """

    person: str
    applies: tuple[Criterion, ...]
    unknown: tuple[Criterion, ...]
    absent: tuple[Criterion, ...]
    resistance: Resistance | None
    notice: str = DECISION_NOTICE


@cache
def criteria() -> tuple[Criterion, ...]:
    """All criteria of ``data/eligibility.csv``, contraindications first."""
    found = []
    for row in criteria_rows():
        read_provenance(f"{data_path('eligibility.csv').name}, {row['id']}", row)
        found.append(Criterion(**row))
    return tuple(sorted(found, key=lambda one: one.kind != "contraindication"))


def assess_eligibility(person: PersonFacts | Person) -> Eligibility:
    """Which contraindications and cautions apply to a person, and which cannot be judged.

    Of a ``Person`` only what a simulation knows can be judged; what did not help before is read from there.

    >>> found = assess_eligibility(PersonFacts("A-17", {"pregnant": True, "hypertension": False}))
    >>> [one.id for one in found.applies], len(found.unknown) > 10
    (['pregnancy'], True)
    """
    facts = PersonFacts.of(person) if isinstance(person, Person) else person
    by: dict[bool | None, list[Criterion]] = {True: [], False: [], None: []}
    for one in criteria():
        by[one.applies(facts.known)].append(one)
    treatments = facts.failed_treatments
    return Eligibility(
        facts.id,
        tuple(by[True]),
        tuple(by[None]),
        tuple(by[False]),
        None if treatments is None else resistance(treatments),
    )
