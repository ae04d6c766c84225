"""An invented molecule by its properties, and the ranges in which one may look for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from rekindle.errors import PersonError, nearest
from rekindle.people._tables import data_path, read_number, read_provenance, read_rows
from rekindle.therapy import Compound, Measure, Species, find_compound, therapy_model

_COLUMNS = ("name", "unit", "low", "high", "follows", "mark", "source", "description")
#: The only way an analog is given: from a depot without first pass, at a rate that is a property.
ANALOG_ROUTE = "im_injection"


@dataclass(frozen=True, slots=True)
class AnalogProperty:
    """One property of an invented molecule.

    Attributes:
        name: short name.
        unit: unit.
        low, high: where it is looked for.
        start: its value in S-ketamine, from which a search begins.
        mark, source: where the range comes from.
        description: in words.
    """

    name: str
    unit: str
    low: float
    high: float
    start: float
    mark: str
    source: str
    description: str


@cache
def analog_properties() -> dict[str, AnalogProperty]:
    """Properties that a search may change, with the value that S-ketamine has.

    S-ketamine acts directly only through its metabolite, so ``direct`` starts at that of the metabolite.

    >>> analog_properties()["trapping"].start
    0.86
    """
    found = {}
    for place, row in read_rows(data_path("analog_properties.csv"), _COLUMNS):
        mark, source = read_provenance(place, row)
        low = read_number(place, row, "low", low=0.0)
        found[row["name"]] = AnalogProperty(
            row["name"],
            row["unit"],
            low,
            read_number(place, row, "high", low=low),
            _start(row["follows"]),
            mark,
            source,
            row["description"],
        )
    return found


def analog(**properties: float) -> Compound:
    """An invented molecule: one parent without metabolites, the rest as S-ketamine.

    Args:
        **properties: values of ``analog_properties`` in their units; others stay as in S-ketamine.

    Returns:
        A hypothetical compound, given by ``ANALOG_ROUTE``; everything about it is assumed.

    Raises:
        PersonError: an unknown property, or a value that is not positive.

    >>> analog(trapping=0.5).label
    'analog (hypothetical)'
    >>> analog(traping=0.5)
    Traceback (most recent call last):
    rekindle.errors.PersonError: RK-PER-090: analog property "traping" is unknown; did you mean "trapping"?...
    """
    known = analog_properties()
    for name, value in properties.items():
        if name not in known:
            raise PersonError(
                "RK-PER-090",
                given=f'analog property "{name}" is unknown{nearest(name, known)}',
                allowed=f"Properties: {', '.join(known)}",
            )
        if not (math.isfinite(value) and value > 0.0):
            raise PersonError(
                "RK-PER-091",
                given=f"analog property {name} = {value:g}",
                allowed=f"A positive number in {known[name].unit}",
            )
    chosen = {name: properties.get(name, one.start) for name, one in known.items()}
    ketamine = _s_ketamine()
    block, trapping = ketamine.value("k_block"), ketamine.value("trapping")
    assert block is not None
    assert trapping is not None
    relative = block / chosen["affinity"]
    measures = {
        "molar_mass": ketamine.measures["molar_mass"],
        "k_block": _assumed(chosen["affinity"], "uM"),
        "rho": _assumed(chosen["rho"], "1"),
        "k_allosteric": _assumed(chosen["allosteric"], "uM"),
        "trapping": _assumed(chosen["trapping"], "1"),
        "amp_direct": _assumed(chosen["direct"], "uM"),
        "liking_potency": _assumed(chosen["liking"] * relative * chosen["trapping"] / trapping, "1"),
    }
    return Compound(
        name="analog",
        description="an invented molecule of a search; it does not exist",
        hypothetical=True,
        routes=(ANALOG_ROUTE,),
        species=(Species("analog", "parent", "S", 1.0, measures),),
        kinetics={
            "clearance": _assumed(chosen["clearance"], "L/h"),
            "ke0": _assumed(chosen["equilibration"], "1/h"),
            "ka_im": _assumed(chosen["absorption"], "1/h"),
            "F_im": _assumed(1.0, "1"),
        },
        kinetics_like="ketamine",
        kinetics_mark="assumed",
        kinetics_source="volumes and binding in plasma as S-ketamine",
    )


def _start(name: str) -> float:
    """What S-ketamine has under the name of a compound file; 1 for a property that it has not."""
    if not name:
        return 1.0
    parameters = therapy_model().parameters
    if name == "clearance":
        intrinsic, flow = parameters["CLint"].value, parameters["Qh"].value
        assert intrinsic is not None
        assert flow is not None
        return flow * intrinsic / (flow + intrinsic)
    if name == "amp_direct":
        metabolite = find_compound("ketamine").at("H")
        value = None if metabolite is None else metabolite.value(name)
    else:
        value = _s_ketamine().value(name)
    if value is None:
        value = parameters[name].value
    assert value is not None, name
    return value


def _s_ketamine() -> Species:
    found = find_compound("ketamine").at("S")
    assert found is not None
    return found


def _assumed(value: float, unit: str) -> Measure:
    return Measure(value, unit, "assumed", "invented for a search")
