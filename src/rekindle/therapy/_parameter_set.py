"""Values that replace those of the parameter tables: a fit, or one draw from what a fit leaves open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_NAME = re.compile(r"(?P<name>\w+)(?:\[(?P<of>[\w:]+)\])?\Z")
_SPREAD, _CORRELATION = "spread", "correlation"


@dataclass(frozen=True)
class ParameterSet:
    """Replacements by name; whatever is not named keeps the value of its table.

    Attributes:
        values: parameter of the therapy model -> value for the typical person.
        control: control class -> parameter of its natural course -> value.
        spread: parameter -> SD of its random effect between people.
        correlation: pair of parameters -> correlation of their random effects between people.
        pharmacokinetics: parameter of ketamine's kinetics -> value for the typical person; not for another
            compound, which has values of its own by the same names.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    control: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    spread: Mapping[str, float] = field(default_factory=dict)
    correlation: Mapping[tuple[str, str], float] = field(default_factory=dict)
    pharmacokinetics: Mapping[str, float] = field(default_factory=dict)


def named_parameter_set(found: Mapping[str, float]) -> ParameterSet:
    """Sort parameters by their written names.

    Forms: ``EP``, ``A_class[midazolam]``, ``spread[kelim]``, ``correlation[EX:kelim]``.

    >>> named_parameter_set({"A_class[midazolam]": 0.2}).control
    {'midazolam': {'A_class': 0.2}}
    """
    values: dict[str, float] = {}
    control: dict[str, dict[str, float]] = {}
    spread: dict[str, float] = {}
    correlation: dict[tuple[str, str], float] = {}
    for written, value in found.items():
        match = _NAME.match(written)
        assert match is not None, written
        name, of = match["name"], match["of"]
        if of is None:
            values[name] = value
        elif name == _SPREAD:
            spread[of] = value
        elif name == _CORRELATION:
            first, second = of.split(":")
            correlation[first, second] = value
        else:
            control.setdefault(of, {})[name] = value
    return ParameterSet(values, control, spread, correlation)
