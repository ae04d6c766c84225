"""Read a person file (YAML or TOML) for the eligibility check: every fact checked, contradictions refused."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from rekindle.errors import PersonError, nearest
from rekindle.people._person import BMI_TOLERANCE
from rekindle.people._resistance import FailedTreatment, read_failed_treatments
from rekindle.people._tables import data_path, read_rows

#: Facts that are numbers, with what is possible.
NUMBERS = {
    "age_years": (0.0, 120.0),
    "weight_kg": (20.0, 350.0),
    "height_cm": (100.0, 230.0),
    "bmi": (8.0, 120.0),
    "madrs_baseline": (0.0, 60.0),
    "systolic_mmhg": (60.0, 260.0),
    "diastolic_mmhg": (30.0, 160.0),
    "diazepam_equivalent_mg": (0.0, 200.0),
    "weeks_since_cardiovascular_event": (0.0, 5200.0),
}
CHOICES = {"sex": ("F", "M"), "child_pugh": ("none", "A", "B", "C")}
TEXTS = ("id", "diagnosis")
LISTS = ("failed_treatments",)
#: Written for an event that never happened.
NEVER = "never"

Fact = bool | float | str


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What is known about a person who may be treated; a fact that is not in ``known`` is unknown."""

    id: str
    known: Mapping[str, Fact]
    failed_treatments: tuple[FailedTreatment, ...] | None = field(default=None)


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
    _refuse_contradictions(name, known)
    return PersonFacts(str(known.pop("id", Path(path).stem)), known, treatments)


def yes_no_facts() -> tuple[str, ...]:
    """Facts that are answered yes or no: those of the criteria that are no numbers or choices.

    >>> "pregnant" in yes_no_facts()
    True
    """
    others = {*NUMBERS, *CHOICES}
    return tuple(dict.fromkeys(row["fact"] for row in criteria_rows() if row["fact"] not in others))


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
        raise PersonError("RK-PER-050", given=f'cannot read "{name}": {error}') from None


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
    known = (*TEXTS, *NUMBERS, *CHOICES, *yes_no_facts(), *LISTS)
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
    if name in NUMBERS:
        return _number(file, name, value)
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise _bad(file, name, value, f"One of: {', '.join(CHOICES[name])}, unknown")
        return str(value)
    if not isinstance(value, bool):
        raise _bad(file, name, value, "yes, no or unknown (in TOML: true or false)")
    return value


def _number(file: str, name: str, value: Any) -> float:
    if name == "weeks_since_cardiovascular_event" and value == NEVER:
        return math.inf
    low, high = NUMBERS[name]
    ordinary = isinstance(value, int | float) and not isinstance(value, bool)
    if not (ordinary and low <= value <= high):
        raise _bad(file, name, value, f"A number from {low:g} to {high:g}, or unknown")
    return float(value)


def _bad(file: str, name: str, value: object, allowed: str) -> PersonError:
    return PersonError("RK-PER-053", given=f"{file}: {name} {value!r}", allowed=allowed)


def _refuse_contradictions(file: str, known: Mapping[str, Fact]) -> None:
    def refuse(fields: str, why: str) -> None:
        raise PersonError(
            "RK-PER-052",
            given=f"{file}: {fields} contradict each other",
            why=why,
            remedy="Correct one of them, or write unknown",
        )

    get = known.get
    for name in ("pregnant", "breastfeeding"):
        if get(name) is True and get("sex") == "M":
            refuse(f"sex M and {name} yes", "One of the two is a mistake")
    if get("psychosis_now") is True and get("psychosis_history") is False:
        refuse("psychosis_now yes and psychosis_history no", "What is there now is part of the history")
    event = get("weeks_since_cardiovascular_event")
    if isinstance(event, float) and math.isfinite(event) and get("heart_disease") is False:
        refuse(
            f"weeks_since_cardiovascular_event {event:g} and heart_disease no", "The event is a heart disease"
        )
    dose = get("diazepam_equivalent_mg")
    if isinstance(dose, float) and dose > 0 and get("cns_depressants") is False:
        refuse(
            f"diazepam_equivalent_mg {dose:g} and cns_depressants no", "A benzodiazepine is such a sedative"
        )
    _refuse_pressure(get("systolic_mmhg"), get("diastolic_mmhg"), refuse)
    weight, height, bmi = (get(name) for name in ("weight_kg", "height_cm", "bmi"))
    if isinstance(weight, float) and isinstance(height, float) and isinstance(bmi, float):
        computed = weight / (height / 100) ** 2
        if abs(computed / bmi - 1) > BMI_TOLERANCE:
            refuse(
                f"weight_kg {weight:g}, height_cm {height:g} and bmi {bmi:g}",
                f"Weight and height make {computed:.1f} kg/m^2",
            )


def _refuse_pressure(systolic: Fact | None, diastolic: Fact | None, refuse: Any) -> None:
    if isinstance(systolic, float) and isinstance(diastolic, float) and systolic <= diastolic:
        refuse(
            f"systolic_mmhg {systolic:g} and diastolic_mmhg {diastolic:g}",
            "Systolic pressure is the higher of the two",
        )
