"""What must be said about people beside their numbers: guessed interactions, and facts that do nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rekindle.people._person import Person
from rekindle.therapy import interaction

if TYPE_CHECKING:
    from rekindle.modelling import Model

#: Field of a person, its covariate, and the switch and option without which it does not act, on what.
_NEEDS = (
    ("hypertension", "hypertension", "pressure_covariates", "assumed", "blood pressure"),
    ("sedatives", "cns_depressants", "depressant_sedation", "assumed", "sedation"),
    ("diazepam_equivalent_mg", "diazepam_equivalent", "depressant_sedation", "assumed", "sedation"),
    ("cyp2b6_poor", "cyp2b6_poor", "cyp2b6_effect", "on", "plasma"),
)


def co_medication_notes(people: Iterable[Person], route: str) -> list[str]:
    """What is known and not known of the interacting drugs of these people.

    >>> co_medication_notes([Person(1, co_medication=("rifampicin",))], "iv")
    []
    """
    notes = []
    for name in sorted({drug for person in people for drug in person.co_medication}):
        found = interaction(name, route)
        if found.user_parameter:
            notes.append(f"{name}: {found.user_parameter} is a number of your own; {found.description}")
        elif found.confidence == "low":
            notes.append(f"the effect of {name} is a guess, not measured with ketamine: {found.description}")
    return notes


def idle_fact_notes(people: Sequence[Person], model: Model) -> list[str]:
    """Stated facts that do not act on something until a switch of the model is chosen.

    >>> from rekindle.therapy import therapy_model
    >>> idle_fact_notes([Person(1, hypertension=True)], therapy_model())
    ['hypertension does not act on blood pressure here: that needs the switch pressure_covariates=assumed']
    """
    notes = []
    for field, covariate, switch, option, what in _NEEDS:
        stated = any(getattr(person, field) for person in people)
        idle = covariate in model.covariates and model.switches[switch].chosen != option
        if stated and idle:
            notes.append(f"{field} does not act on {what} here: that needs the switch {switch}={option}")
    return notes
