"""Read a person file (YAML or TOML) for eligibility and simulation: every fact checked."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any

from rekindle.errors import PersonError, nearest, reason
from rekindle.people._contradictions import Fact, refuse_contradictions
from rekindle.people._person import Person
from rekindle.people._ranges import person_ranges
from rekindle.people._resistance import FailedTreatment, read_failed_treatments
from rekindle.people._tables import data_path, read_rows

#: What is possible where a clinician may meet more than a simulation accepts.
_WIDER = {
    "age_years": (0.0, 120.0),
    "weight_kg": (20.0, 350.0),
    "systolic_mmhg": (60.0, 260.0),
    "diastolic_mmhg": (30.0, 160.0),
    "weeks_since_cardiovascular_event": (0.0, 5200.0),
}
CHOICES = {"sex": ("F", "M"), "child_pugh": ("none", "A", "B", "C")}
TEXTS = ("id", "diagnosis")
LISTS = ("failed_treatments", "co_medication")
#: Answered yes or no, for a simulation only.
_YES_NO = ("cyp2b6_poor",)
#: Written for an event that never happened.
NEVER = "never"


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What is known about a person who may be treated; a fact that is not in ``known`` is unknown.

    ``co_medication`` names interacting drugs as ``Person`` does.
    """

    id: str
    known: Mapping[str, Fact]
    failed_treatments: tuple[FailedTreatment, ...] | None = field(default=None)
    co_medication: tuple[str, ...] = field(default=())

    def person(self, *, allow_extrapolation: bool = False) -> Person:
        """The person for a simulation: with every fact that one uses; the others are for eligibility only.

        Raises:
            PersonError: age or weight unknown, or a person whom ``Person`` refuses.

        >>> facts = PersonFacts("A", {"age_years": 45.0, "weight_kg": 72.0, "pregnant": False})
        >>> facts.person().age_years
        45.0
        """
        for name in ("age_years", "weight_kg"):
            if name not in self.known:
                raise PersonError(
                    "RK-PER-024",
                    given=f"person {self.id}: {name} is not known",
                    why="Concentrations depend on it",
                    remedy="Give it in the person file",
                )
        used = {one.name for one in fields(Person) if one.init}
        facts: dict[str, Any] = {name: value for name, value in self.known.items() if name in used}
        if facts.get("child_pugh") == "none":
            del facts["child_pugh"]
        return Person(
            self.id,
            co_medication=self.co_medication,
            failed_treatments=self.failed_treatments,
            allow_extrapolation=allow_extrapolation,
            **facts,
        )

    @staticmethod
    def of(person: Person) -> PersonFacts:
        """What eligibility can read from a person of a simulation.

        >>> PersonFacts.of(Person(1, systolic_mmhg=150)).known["systolic_mmhg"]
        150.0
        """
        others = ("id", "failed_treatments", "co_medication", "allow_extrapolation", "extrapolations")
        stated = {one.name: getattr(person, one.name) for one in fields(Person) if one.name not in others}
        known = {name: value for name, value in stated.items() if value is not None}
        return PersonFacts(person.id, known, person.failed_treatments, person.co_medication)


def read_person_facts(path: str | PathLike[str]) -> PersonFacts:
    """Read a person file.

    Args:
        path: a file ending in .yaml, .yml or .toml with one fact a line, for example ``hypertension: no``.

    Raises:
        PersonError: a file that cannot be read, an unknown fact, an impossible value, or facts that
            contradict each other, naming the fields.
    """
    name = Path(path).name
    content = _content(Path(path), name)
    if not isinstance(content, Mapping):
        raise PersonError(
            "RK-PER-050", given=f"{name} holds no facts", allowed="One fact a line, name: value"
        )
    facts = {str(key): _fact(name, str(key), value) for key, value in content.items() if key not in LISTS}
    treatments = read_failed_treatments(name, content.get("failed_treatments"))
    known = {key: value for key, value in facts.items() if value is not None}
    refuse_contradictions(name, known)
    drugs = _drugs(name, content.get("co_medication"))
    return PersonFacts(str(known.pop("id", Path(path).stem)), known, treatments, drugs)


def read_fact(text: str) -> tuple[str, Fact]:
    """One fact of a simulation as ``name=value``, for example ``hypertension=yes``.

    Raises:
        PersonError: a fact that a simulation does not use, or a value that is not possible.

    >>> read_fact("hypertension=yes"), read_fact("systolic_mmhg=150")
    (('hypertension', True), ('systolic_mmhg', 150.0))
    """
    name, _, written = (part.strip() for part in text.partition("="))
    used = [
        one.name for one in fields(Person) if one.init and one.name in (*number_facts(), *_simulated_yes_no())
    ]
    if name not in used or not written:
        raise PersonError(
            "RK-PER-037",
            given=f'fact "{text}"{nearest(name, used)}',
            allowed=f"NAME=VALUE with one of: {', '.join(used)}",
            why="A fact that is silently ignored could be the one that matters",
        )
    value = {"yes": True, "no": False}.get(written, _as_number(written))
    found = _fact("fact", name, value)
    assert found is not None, "only what is written reaches this place"
    return name, found


def _simulated_yes_no() -> tuple[str, ...]:
    return tuple(one.name for one in fields(Person) if one.name in yes_no_facts())


def _as_number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


@cache
def number_facts() -> Mapping[str, tuple[float, float]]:
    """Facts that are numbers, with what is possible.

    >>> number_facts()["bmi"]
    (8.0, 120.0)
    """
    return {**{name: limits.possible for name, limits in person_ranges().items()}, **_WIDER}


def yes_no_facts() -> tuple[str, ...]:
    """Facts that are answered yes or no: those of the criteria that are no numbers or choices, and some more.

    >>> "pregnant" in yes_no_facts()
    True
    """
    others = {*number_facts(), *CHOICES}
    facts = [row["fact"] for row in criteria_rows() if row["fact"] not in others]
    return tuple(dict.fromkeys([*facts, *_YES_NO]))


def criteria_rows() -> list[dict[str, str]]:
    """Rows of ``data/eligibility.csv``."""
    columns = ("id", "kind", "fact", "rule", "threshold", "what", "why", "mark", "source")
    return [row for _, row in read_rows(data_path("eligibility.csv"), columns)]


def _content(path: Path, name: str) -> Any:
    suffix = path.suffix.lower()
    if suffix not in (".yaml", ".yml", ".toml"):
        raise PersonError(
            "RK-PER-050", given=f'person file "{name}"', allowed="A file ending in .yaml, .yml or .toml"
        )
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text) if suffix == ".toml" else _yaml(text, name)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PersonError("RK-PER-050", given=f'cannot read "{name}": {reason(error)}') from None


def _yaml(text: str, name: str) -> Any:
    import yaml

    try:
        return yaml.load(text, Loader=_unique_keys(yaml, name))
    except yaml.YAMLError as error:
        raise PersonError("RK-PER-050", given=f'cannot read "{name}": {error}') from None


def _unique_keys(yaml: Any, name: str) -> Any:
    """A safe loader that refuses a fact that is stated twice, which YAML would let pass."""

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
            for key in keys:
                if keys.count(key) > 1:
                    raise PersonError("RK-PER-052", given=f"{name}: {key} is stated twice")
            return super().construct_mapping(node, deep)

    return Loader


def _fact(file: str, name: str, value: Any) -> Fact | None:
    known = (*TEXTS, *number_facts(), *CHOICES, *yes_no_facts(), *LISTS)
    if name not in known:
        raise PersonError(
            "RK-PER-051",
            given=f'{file}: fact "{name}" is unknown{nearest(name, known)}',
            allowed=f"Facts: {', '.join(known)}",
            why="A fact that is silently ignored could be the one that matters",
        )
    if value is None or value == "unknown":
        return None
    if name in TEXTS:
        return str(value)
    if name in number_facts():
        return _number(file, name, value)
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise _bad(file, name, value, f"One of: {', '.join(CHOICES[name])}, unknown")
        return str(value)
    if not isinstance(value, bool):
        raise _bad(file, name, value, "yes, no or unknown (in TOML: true or false)")
    return value


def _drugs(file: str, entry: Any) -> tuple[str, ...]:
    if entry is None or entry == "unknown":
        return ()
    if not isinstance(entry, list) or not all(isinstance(name, str) for name in entry):
        raise _bad(file, "co_medication", entry, "A list of names, for example [rifampicin]")
    return tuple(entry)


def _number(file: str, name: str, value: Any) -> float:
    if name == "weeks_since_cardiovascular_event" and value == NEVER:
        return math.inf
    low, high = number_facts()[name]
    ordinary = isinstance(value, int | float) and not isinstance(value, bool)
    if not (ordinary and low <= value <= high):
        raise _bad(file, name, value, f"A number from {low:g} to {high:g}, or unknown")
    return float(value)


def _bad(file: str, name: str, value: object, allowed: str) -> PersonError:
    return PersonError("RK-PER-053", given=f"{file}: {name} {value!r}", allowed=allowed)
