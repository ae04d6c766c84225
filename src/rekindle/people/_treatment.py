"""What people receive and in which setting: event rows, and typical values of their parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rekindle.errors import PersonError, nearest
from rekindle.people._person import Person
from rekindle.regimen import Regimen
from rekindle.therapy import (
    combined_interactions,
    control_response,
    dose_records,
    interaction,
    interaction_names,
    refuse_double_count,
    scenario_interactions,
)

if TYPE_CHECKING:
    from rekindle.modelling import Model


@dataclass(frozen=True, slots=True)
class Course:
    """A regimen that starts at ``start_h``; a crossover is two courses of one person."""

    regimen: Regimen
    start_h: float = 0.0


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a course is given: control class of the trial (None: no non-specific response) and blinding.

    ``believed_probability`` None takes the default of the control class, or 1 (open label) without one.
    """

    control_class: str | None = None
    believed_probability: float | None = None

    def covariates(self, model: Model) -> dict[str, float]:
        """What people believe, if the model has a place for it."""
        belief = self.believed_probability
        if belief is None:
            belief = control_response(self.control_class).believed_probability if self.control_class else 1.0
        return {"believed_probability": belief} if "believed_probability" in model.covariates else {}

    def parameters(self, model: Model) -> dict[str, float]:
        """Natural course of the control class, if the model has a place for it."""
        if self.control_class is None:
            return {}
        switch = model.switches.get("mechanism")
        mechanism = {} if switch is None else {"mechanism": switch.chosen}
        found = control_response(self.control_class, **mechanism).parameters
        return {name: value for name, value in found.items() if name in model.parameters}


def event_rows(
    model: Model,
    person: Person,
    courses: Sequence[Course],
    setting: Setting,
    model_name: str = "D1",
    extra_rows: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Rows of one person for an event table; every session is an occasion of its own.

    Each course opens a period of its own, so that the control class's transient response comes again.
    ``extra_rows`` are further rows, without ID.
    """
    rows = crowd_rows(model, [person], courses, setting, model_name, extra_rows)
    return [{"ID": person.id, **row} for row in rows]


def crowd_rows(
    model: Model,
    people: Sequence[Person],
    courses: Sequence[Course],
    setting: Setting,
    model_name: str = "D1",
    extra_rows: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Rows without ID of people who receive the same and of whom the same facts are known.

    What differs between several people, amounts by weight and facts, are arrays over them.
    """
    alone = len(people) == 1
    weight = people[0].weight_kg if alone else np.array([person.weight_kg for person in people])
    rows: list[dict[str, Any]] = []
    occasion = 1
    for course in sorted(courses, key=lambda course: course.start_h):
        found = dose_records(
            course.regimen,
            weight_kg=weight,
            first_occasion=occasion,
            control=setting.control_class,
            events="session" in model.events,
            model=model_name,
        )
        rows += [{**row, "TIME": row["TIME"] + course.start_h} for row in found]
        occasion += len(course.regimen.sessions)
    for person in people:
        _refuse_antidepressant_twice(person, setting, extra_rows)
    own = [person.covariates(model) for person in people]
    facts = {name: own[0][name] if alone else np.array([one[name] for one in own]) for name in own[0]}
    if extra_rows:
        rows = sorted([*(dict(row) for row in extra_rows), *rows], key=lambda row: float(row["TIME"]))
    first = min((row["TIME"] for row in rows), default=0.0)
    return [{"TIME": min(first, 0.0), "EVID": 2, **facts, **setting.covariates(model)}, *rows]


def _refuse_antidepressant_twice(
    person: Person, setting: Setting, extra_rows: Sequence[Mapping[str, Any]]
) -> None:
    later = max((float(row.get("ssri_dose_ratio", 0.0)) for row in extra_rows), default=0.0)
    own = person.ssri_dose_ratio or 0.0
    refuse_double_count(setting.control_class, max(own, later))
    if own > 0.0 and later > 0.0:
        raise PersonError(
            "RK-PER-034",
            given=f"person {person.id} starts an SSRI, and so does the treatment",
            why="The treatment would replace what the person takes",
            remedy="State it once",
        )


def with_implied_switches(people: Iterable[Person], switches: Mapping[str, str]) -> dict[str, str]:
    """Switches of the model, with those that a drug of these people needs.

    Raises:
        PersonError: a switch for a drug that nobody takes, or one that contradicts what somebody takes.

    >>> with_implied_switches([Person("1", co_medication=("naltrexone",))], {})
    {'opioid_gate': 'naltrexone'}
    """
    chosen = dict(switches)
    taken = {name for person in people for name in person.co_medication}
    for drug in scenario_interactions():
        stated = chosen.get(drug.switch)
        if drug.name in taken and stated in (None, drug.option):
            chosen[drug.switch] = drug.option
        elif (drug.name in taken) != (stated == drug.option):
            raise PersonError(
                "RK-PER-035",
                given=f"switch {drug.switch}={stated}, while "
                f"{'somebody' if drug.name in taken else 'nobody'} takes {drug.name}",
                allowed="A switch that says the same as the co-medication of the people",
                remedy=f"State {drug.name} as co-medication and leave the switch out",
            )
    return chosen


def refuse_idle_numbers(people: Iterable[Person], parameters: Mapping[str, float]) -> None:
    """Refuse a number for the effect of a drug that nobody takes.

    Raises:
        PersonError: naming the drug.

    >>> refuse_idle_numbers([Person("1")], {})
    """
    taken = {name for person in people for name in person.co_medication}
    for drug in scenario_interactions():
        if drug.user_parameter in parameters and drug.name not in taken:
            raise PersonError(
                "RK-PER-039",
                given=f"{drug.user_parameter} has a value, and nobody takes {drug.name}",
                why="It acts in those who take the drug, so it would do nothing",
                remedy=f"State {drug.name} as co-medication",
            )


def typical_parameters(
    model: Model, person: Person, routes: Collection[str], setting: Setting, given: Mapping[str, float]
) -> dict[str, float]:
    """Values around which a person's parameters vary: control class, interacting drugs and own values.

    Raises:
        PersonError: an interacting drug that has no record, or one whose effect needs a number of the user.
    """
    return {
        **setting.parameters(model),
        **_interactions(model, person, routes),
        **given,
        **_scenarios(model, person, given),
    }


def _scenarios(model: Model, person: Person, given: Mapping[str, float]) -> dict[str, float]:
    """Numbers of the user for drugs without one: they act in those who take the drug."""
    values = {}
    for drug in scenario_interactions():
        chosen = drug.switch in model.switches and model.switches[drug.switch].chosen == drug.option
        takes = drug.name in person.co_medication
        if takes and drug.switch in model.switches and not (chosen and drug.user_parameter in given):
            raise PersonError(
                "RK-PER-036",
                given=f"person {person.id} takes {drug.name}, and {drug.user_parameter} has no value",
                allowed=f"{drug.user_parameter}: {model.parameters[drug.user_parameter].description}",
                why=drug.description[0].upper() + drug.description[1:],
                remedy=f"Give a number of your own, for example --set {drug.user_parameter}=0.5 "
                "(to show the form only)",
            )
        if not takes and (chosen or drug.user_parameter in given):
            values[drug.user_parameter] = drug.without
    return values


def _interactions(model: Model, person: Person, routes: Collection[str]) -> dict[str, float]:
    routes = sorted(routes)
    if not person.co_medication or not routes:
        return {}
    for name in person.co_medication:
        if name not in interaction_names():
            raise PersonError(
                "RK-PER-030",
                given=f'person {person.id}: co-medication "{name}" has no interaction record'
                f"{nearest(name, interaction_names())}",
                allowed=f"Known: {', '.join(interaction_names())}",
                why="Taking it as without effect would be a guess",
                remedy="Leave it out to simulate without it, or name the class that it belongs to",
            )
    by_route = [
        combined_interactions([interaction(n, route) for n in person.co_medication]) for route in routes
    ]
    if any(values != by_route[0] for values in by_route):
        raise PersonError(
            "RK-PER-031",
            given=f"person {person.id}: {', '.join(person.co_medication)} acts differently on the routes "
            f"{', '.join(routes)}",
            remedy="Simulate the routes one by one",
        )
    return {name: value for name, value in by_route[0].items() if name in model.parameters}
