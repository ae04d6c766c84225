"""Who is simulated: one described person many times over, a cohort from a file, or a virtual population."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rekindle.people import Person

#: Facts that are shown by their name.
_FURTHER = (
    "hypertension", "sedatives", "systolic_mmhg", "diastolic_mmhg", "inflammation_z", "stress",
    "mtor_inhibition", "ssri_dose_ratio", "training_hours_per_day",
)  # fmt: skip
#: People who share the stated facts, simulated to show how far such people differ.
ALIKE = 200


@dataclass(frozen=True)
class Group:
    """People to simulate, in words and as objects; ``typical`` gives everybody the typical parameters."""

    people: Sequence[Person]
    words: str
    typical: bool


def person_facts(options: Mapping[str, Any], *, extrapolate: bool) -> dict[str, Any]:
    """Fields of ``Person`` that the command line states; what is not stated is left out.

    >>> person_facts({"weight": "72 kg", "age": "45", "sex": "F"}, extrapolate=False)
    {'weight_kg': 72.0, 'age_years': 45.0, 'sex': 'F'}
    """
    from rekindle.cli._options import age, quantity
    from rekindle.people import read_fact

    readers: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "weight": ("weight_kg", lambda text: quantity(text, "kg")),
        "age": ("age_years", age),
        "sex": ("sex", str),
        "madrs": ("madrs_baseline", float),
        "child_pugh": ("child_pugh", str),
        "co_medication": ("co_medication", tuple),
        "diazepam": ("diazepam_equivalent_mg", lambda text: quantity(text, "mg")),
    }
    facts = {
        field: read(options[option])
        for option, (field, read) in readers.items()
        if options.get(option) not in (None, ())
    }
    for text in options.get("facts", ()):
        name, value = read_fact(text)
        if name in facts:
            raise click.UsageError(f"{name} is stated twice.")
        facts[name] = value
    return {**facts, "allow_extrapolation": True} if extrapolate else facts


def find_group(
    facts: Mapping[str, Any],
    *,
    file: str | None,
    population: int | None,
    typical: bool,
    seed: int,
    extrapolate: bool,
) -> Group:
    """The people that the options describe.

    Args:
        facts: fields of ``Person`` that are the same for everybody.
        file: person file or table of people, who are simulated as they are.
        population: size of a virtual population; facts that are not stated are drawn.
        typical: use typical parameters.
        seed: seed of all random numbers.
        extrapolate: accept people outside the validated range.

    Raises:
        click.UsageError: options that contradict each other.
        PersonError: people that cannot be simulated.
    """
    from rekindle.people import Person, Population, read_cohort, read_person_facts

    if file is not None:
        if population is not None or {*facts} - {"allow_extrapolation"}:
            raise click.UsageError(
                "--person FILE already says who is simulated; leave out the other person options."
            )
        if file.lower().endswith((".yaml", ".yml", ".toml")):
            return _alike(read_person_facts(file).person(allow_extrapolation=extrapolate), typical)
        cohort = read_cohort(file, allow_extrapolation=extrapolate)
        if len(cohort) > 1:
            return Group(cohort, f"{len(cohort)} people from {file}", typical)
        return _alike(cohort[0], typical)
    if population is not None:
        people = Population(population, seed, fixed=dict(facts))
        words = f"{population} virtual people like those of trials in difficult-to-treat depression"
        stated = _stated(facts)
        return Group(list(people), words + (f", all with {stated}" if stated else ""), typical)
    return _alike(Person("1", **facts), typical)


def _alike(person: Person, typical: bool) -> Group:
    if typical:
        return Group([person], f"One person with typical parameters: {describe(person)}", typical)
    people = [replace(person, id=str(number)) for number in range(1, ALIKE + 1)]
    return Group(
        people,
        f"{ALIKE} virtual people with the same facts, who differ as people do: {describe(person)}",
        False,
    )


def describe(person: Person) -> str:
    """The facts of a person in words.

    >>> from rekindle.people import Person
    >>> describe(Person(1, weight_kg=72, sex="F", co_medication=("rifampicin",)))
    '72 kg, 40 years, female, MADRS at entry 33 (default), taking rifampicin'
    """
    words = [f"{person.weight_kg:g} kg", f"{person.age_years:g} years"]
    words += [{"F": "female", "M": "male"}[person.sex]] if person.sex else []
    words.append(
        "MADRS at entry 33 (default)"
        if person.madrs_baseline is None
        else f"MADRS at entry {person.madrs_baseline:g}"
    )
    words += [f"Child-Pugh {person.child_pugh}"] if person.child_pugh else []
    words += [f"taking {', '.join(person.co_medication)}"] if person.co_medication else []
    words += (
        [f"diazepam equivalent {person.diazepam_equivalent_mg:g} mg"] if person.diazepam_equivalent_mg else []
    )
    further = {name: getattr(person, name) for name in _FURTHER}
    words += [_further(name, value) for name, value in further.items() if value is not None]
    return ", ".join(words)


def _further(name: str, value: object) -> str:
    """A fact without words of its own.

    >>> _further("ssri_dose_ratio", 1.0), _further("hypertension", False)
    ('ssri dose ratio 1', 'hypertension no')
    """
    shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value:g}"
    return f"{name.replace('_', ' ')} {shown}"


def _stated(facts: Mapping[str, Any]) -> str:
    units = {
        "weight_kg": "weight {:g} kg",
        "age_years": "age {:g} years",
        "madrs_baseline": "MADRS at entry {:g}",
    }
    words = [units[name].format(value) for name, value in facts.items() if name in units]
    words += [f"sex {facts['sex']}"] if "sex" in facts else []
    words += [f"Child-Pugh {facts['child_pugh']}"] if "child_pugh" in facts else []
    words += [f"co-medication {', '.join(facts['co_medication'])}"] if "co_medication" in facts else []
    words += (
        ["a diazepam equivalent of {:g} mg".format(facts["diazepam_equivalent_mg"])]
        if "diazepam_equivalent_mg" in facts
        else []
    )
    words += [_further(name, value) for name, value in facts.items() if name in _FURTHER]
    return ", ".join(words)
