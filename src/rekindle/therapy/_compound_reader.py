"""Read a compound file (TOML): every field checked, every number with its evidence."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from rekindle.errors import ParameterError, nearest, reason
from rekindle.modelling import MARKS
from rekindle.therapy._compound import PLACES, Compound, Gap, Measure, Species
from rekindle.therapy._compound_fields import (
    KINETICS_BY_ROUTE,
    REQUIRED,
    SPECIES_FIELDS,
    Field,
    kinetic_names,
)

_TOP = ("name", "description", "hypothetical", "routes", "species", "kinetics")
_SPECIES = ("name", "role", "place", "share", "from", *SPECIES_FIELDS)
_KINETICS = ("like", "mark", "source")
_MEASURE = ("value", "unit", "mark", "source", "low", "high", "description")
_NONE = "none"


def read_file(path: str | PathLike[str]) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ParameterError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ParameterError(
            "RK-PAR-120",
            given=f'compound file "{Path(path).name}" cannot be read: {reason(error)}',
            allowed="A TOML file; `rekindle compound show ketamine --toml` prints one",
        ) from None


def parse_compound(tables: Mapping[str, Any], file: str, known: Mapping[str, Compound]) -> Compound:
    """A compound from the tables of a file, without judging whether it is complete.

    Args:
        tables: what the file says.
        file: its name, for messages.
        known: compounds whose species and kinetics may be referred to.
    """
    _refuse_unknown(tables, _TOP, file)
    name = _text(tables, "name", file)
    place = f"{file}: compound {name}"
    species = [_species(row, place, known) for row in tables.get("species", ())]
    kinetics = tables.get("kinetics", {})
    _refuse_unknown(kinetics, (*_KINETICS, *kinetic_names()), f"{place}, kinetics")
    like, mark, source = _like(kinetics, place, known)
    return Compound(
        name=name,
        description=_text(tables, "description", place),
        hypothetical=_flag(tables, "hypothetical", place),
        routes=_routes(tables.get("routes", ()), place),
        species=_placed(species, place),
        kinetics={
            key: _measure(key, kinetics[key], kinetic_field(key), f"{place}, kinetics")
            for key in kinetic_names()
            if key in kinetics
        },
        kinetics_like=like,
        kinetics_mark=mark,
        kinetics_source=source,
    )


def kinetic_field(name: str) -> Field:
    """Unit and range of a kinetic parameter, from the therapy model."""
    from rekindle.therapy._models import therapy_model

    if name == "clearance":
        return Field("L/h", "")
    parameters = therapy_model().parameters
    parameter = parameters.get(name) or parameters[f"{name}_S"]
    fraction = parameter.unit == "1" and not name.startswith(("ratio", "kp_"))
    return Field(parameter.unit, "", high=1.0 if fraction else math.inf)


def with_gaps(compound: Compound, gaps: tuple[Gap, ...]) -> Compound:
    """The compound with a list of what is missing."""
    from dataclasses import replace

    return replace(compound, gaps=gaps)


def _species(row: Mapping[str, Any], place: str, known: Mapping[str, Compound]) -> Species:
    name = _text(row, "name", place)
    where = f"{place}, species {name}"
    _refuse_unknown(row, _SPECIES, where)
    base = _borrowed(row, where, known)
    role = row.get("role", base.role if base else "")
    if role not in REQUIRED:
        raise _bad(f'{where}: role "{role}"{nearest(str(role), REQUIRED)}', f"One of: {', '.join(REQUIRED)}")
    share = row.get("share", base.share if base else 0.0)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise _bad(f"{where}: share {share!r}", "A number from 0 to 1: share of a dose")
    own = {key: _measure(key, row[key], field, where) for key, field in SPECIES_FIELDS.items() if key in row}
    measures = {**(base.measures if base else {}), **own}
    return Species(name, role, row.get("place", base.place if base else ""), float(share), measures)


def _borrowed(row: Mapping[str, Any], where: str, known: Mapping[str, Compound]) -> Species | None:
    """The species of a shipped compound that the key ``from`` refers to."""
    if "from" not in row:
        return None
    if row["from"] not in known:
        raise unknown_compound(str(row["from"]), known)
    for species in known[row["from"]].species:
        if species.name == row["name"]:
            return species
    names = [species.name for species in known[row["from"]].species]
    raise _bad(
        f"{where}: {row['from']} has no such species{nearest(row['name'], names)}",
        f"It has {', '.join(names)}",
    )


def unknown_compound(name: str, known: Iterable[str]) -> ParameterError:
    """The refusal of a name that is no compound."""
    return ParameterError(
        "RK-PAR-125",
        given=f'compound "{name}" is unknown{nearest(name, known)}',
        allowed=f"Compounds: {', '.join(known)}, or the path of a TOML file",
    )


def _placed(species: list[Species], place: str) -> tuple[Species, ...]:
    """Species with their places: stated, or by order of parents and metabolites."""
    from dataclasses import replace

    free = {"parent": ["S", "R"], "metabolite": ["NS", "NR"], "second_metabolite": ["H"]}
    taken = [one.place for one in species if one.place]
    done: list[Species] = []
    for one in species:
        options = free[one.role]
        spot = one.place or next((p for p in options if p not in taken), "")
        if spot not in options or [other.place for other in done].count(spot):
            raise ParameterError(
                "RK-PAR-126",
                given=f"{place}: no place for species {one.name} ({one.role}{', ' + spot if spot else ''})",
                allowed=f"Two parents, one metabolite of each, one second metabolite: {', '.join(PLACES)}",
                remedy="Leave out the least active species",
            )
        taken.append(spot)
        done.append(replace(one, place=spot))
    return tuple(done)


def _like(kinetics: Mapping[str, Any], place: str, known: Mapping[str, Compound]) -> tuple[str, str, str]:
    like = kinetics.get("like", "")
    if not like:
        return "", "", ""
    if like != "ketamine":
        raise _bad(
            f'{place}: kinetics like "{like}"{nearest(str(like), known)}',
            'Only like = "ketamine" is possible',
        )
    return "ketamine", *_evidence(kinetics, f"{place}, kinetics")


def _measure(name: str, entry: Any, field: Field, place: str) -> Measure:
    if not isinstance(entry, Mapping):
        raise _bad(
            f"{place}: {name} = {entry!r} has no evidence",
            f'{name} = {{ value = ..., unit = "{field.unit}", mark = "...", source = "..." }}',
            "Every number carries its source",
        )
    _refuse_unknown(entry, _MEASURE, f"{place}, {name}")
    mark, source = _evidence(entry, f"{place}, {name}")
    if entry.get("value") == _NONE:
        if not field.may_be_none:
            raise _bad(f'{place}: {name} "none"', f"A number in {field.unit}", field.why)
        return Measure(None, field.unit, mark, source, description=str(entry.get("description", "")))
    unit = entry.get("unit", "1" if field.unit == "1" else "")
    numbers = {
        key: _number(entry[key], unit, field, f"{place}: {name}", key)
        for key in ("value", "low", "high")
        if key in entry
    }
    if "value" not in numbers:
        raise _bad(f"{place}: {name} has no value", f'A number in {field.unit}, or "none"')
    low, value, high = (numbers.get(key, numbers["value"]) for key in ("low", "value", "high"))
    if not low <= value <= high:
        raise ParameterError(
            "RK-PAR-124", given=f"{place}: {name} = {value:g} lies outside its own range {low:g} to {high:g}"
        )
    words = str(entry.get("description", ""))
    return Measure(value, field.unit, mark, source, numbers.get("low"), numbers.get("high"), words)


def _number(raw: Any, unit: str, field: Field, place: str, key: str) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise _bad(f"{place}: {key} {raw!r}", f"A number in {field.unit}")
    if not unit:
        raise _bad(
            f"{place}: {key} {raw:g} has no unit", f'unit = "{field.unit}" or one of the same dimension'
        )
    if unit == field.unit:
        value = float(raw)
    else:
        from rekindle.units import convert

        value = convert(float(raw), unit, field.unit)
    if not field.low <= value <= field.high or (field.positive and value == 0.0):
        bounds = f"above {field.low:g}" if field.positive else f"at least {field.low:g}"
        top = "" if math.isinf(field.high) else f" and at most {field.high:g}"
        raise _bad(f"{place}: {key} {value:g} {field.unit}", f"A number {bounds}{top} {field.unit}")
    return value


def _evidence(entry: Mapping[str, Any], place: str) -> tuple[str, str]:
    mark, source = str(entry.get("mark", "")), str(entry.get("source", ""))
    if mark not in MARKS:
        raise _bad(f'{place}: mark "{mark}"{nearest(mark, MARKS)}', f"One of: {', '.join(MARKS)}")
    if not source and mark not in ("assumed", "user"):
        raise _bad(f'{place}: marked "{mark}" without a source', "", "Every number carries its source")
    return mark, source


def _routes(entry: Any, place: str) -> tuple[str, ...]:
    for route in entry:
        if route not in KINETICS_BY_ROUTE:
            raise _bad(
                f'{place}: route "{route}"{nearest(str(route), KINETICS_BY_ROUTE)}',
                f"Products: {', '.join(KINETICS_BY_ROUTE)}",
            )
    return tuple(entry)


def _text(table: Mapping[str, Any], key: str, place: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise _bad(f"{place}: {key} is missing", "A text")
    return value.strip()


def _flag(table: Mapping[str, Any], key: str, place: str) -> bool:
    value = table.get(key)
    if not isinstance(value, bool):
        raise _bad(
            f"{place}: {key} is {'missing' if value is None else repr(value)}",
            "true or false",
            "A compound that does not exist must never be shown as if it did",
        )
    return value


def _refuse_unknown(table: Mapping[str, Any], known: Iterable[str], place: str) -> None:
    for key in table:
        if key not in known:
            raise ParameterError(
                "RK-PAR-121",
                given=f'{place}: field "{key}" is unknown{nearest(key, known)}',
                allowed=f"Fields: {', '.join(known)}",
                why="A field that is silently ignored hides a mistake",
            )


def _bad(given: str, allowed: str, why: str = "") -> ParameterError:
    return ParameterError("RK-PAR-122", given=given, allowed=allowed, why=why)
