"""Simulate people who receive a compound that is not ketamine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rekindle.engine import Trajectory
from rekindle.people._compound_regimen import compound_regimen
from rekindle.people._person import Person
from rekindle.people._simulate import simulate_people
from rekindle.regimen import Regimen
from rekindle.therapy import Compound


def simulate_compound(
    compound: Compound, regimen: Regimen | str, people: Person | Iterable[Person], **options: Any
) -> Trajectory:
    """Simulate a compound as ``simulate_people`` simulates ketamine; no range of studied doses applies.

    Differences between people are those of ketamine, for want of anything better.

    Args:
        compound: a complete compound.
        regimen: a regimen of ``compound_regimen``, or its text without or with the compound's name.
        people: one person, or any number of them.
        **options: times, outputs, setting, mechanism, typical, parameters, seed, trial, tolerance, workers,
            checkpoint, progress; see ``simulate_people``.

    Raises:
        PersonError: a person with interacting drugs, whose factors were measured with ketamine.

    >>> from rekindle.therapy import find_compound
    >>> found = simulate_compound(find_compound("analog-h1"), "40 mg iv over 40 min", Person(1),
    ...                           times=[24], outputs=["improvement_share"])
    >>> bool(0 < found["improvement_share"][0, 0] < 1)
    True
    """
    given = compound_regimen(compound, regimen) if isinstance(regimen, str) else regimen
    return simulate_people(given, people, compound=compound, allow_extrapolation=True, **options)
