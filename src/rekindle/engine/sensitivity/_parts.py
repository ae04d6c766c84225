"""What a model with tangents consists of, and how its parts are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rekindle.errors import ParameterError, nearest
from rekindle.modelling import Expression, Model


@dataclass(frozen=True)
class DoseSlopes:
    """How a dose into one state is given, and how that changes with each parameter.

    Attributes:
        rule: bioavailability, lag, duration and rate.
        slopes: parameter -> tangents of the four.
        peak: a watched maximum that the beginning or end of such a dose can make; "" for none.
    """

    rule: tuple[Expression, ...]
    slopes: Mapping[str, tuple[Expression, ...]]
    peak: str


@dataclass(frozen=True)
class TangentModel:
    """The larger model and what is to be known about it.

    Attributes:
        model: states and their tangents; outputs and those of their derivatives that are not always zero.
        stepped: tangents that share eigenvalues with their states and cannot be solved with them by modes.
        doses: states whose doses depend on a wanted parameter; they have no dosing rule in ``model``.
        units: (output, parameter) -> unit of the derivative.
    """

    model: Model
    stepped: tuple[str, ...]
    doses: Mapping[str, DoseSlopes]
    units: Mapping[tuple[str, str], str]


def tangent_name(name: str, parameter: str) -> str:
    """Name of the tangent of a state, or of the derivative of an output; no name of a model looks like it."""
    return f"d({name})/d({parameter})"


def before_dose(state: str) -> str:
    """Name of the event just before a bolus whose moment depends on a parameter."""
    return f"before a dose into {state}"


def after_dose(state: str) -> str:
    """Name of the event just after it."""
    return f"after a dose into {state}"


def check_names(model: Model, wanted: Sequence[str]) -> None:
    """Refuse names that are neither parameters nor states, repeated ones, and none at all.

    Raises:
        ParameterError: which name, and what is known.
    """
    known = [*model.parameters, *model.states]
    for name in wanted:
        if name not in known:
            raise ParameterError(
                "RK-PAR-190",
                given=f'"{name}" is neither a parameter nor a state of model "{model.name}"'
                f"{nearest(name, known)}",
                allowed="Parameters, and states for their initial values",
            )
    if not wanted or len(set(wanted)) < len(wanted):
        raise ParameterError(
            "RK-PAR-191",
            given=f"with_respect_to is {list(wanted)}",
            allowed="One or more names, each once",
        )
