"""The ketamine models of this package, read from their texts and data files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from rekindle.errors import ParameterError, nearest
from rekindle.modelling import Model, Parameter, read_model
from rekindle.therapy._calibration import (
    PARAMETER_SETS,
    Calibration,
    calibrated_mechanisms,
    calibration,
)
from rekindle.therapy._tables import FOLDER, read_table

#: Component files of the therapy model that have parameters, each with a data file of the same name.
_COMPONENTS = (
    "effect_site", "receptors", "glutamate", "mechanism", "serotonin", "plasticity", "learning",
    "electroconvulsive", "expectancy", "natural_course", "mood", "double_well", "suicidality",
    "dissociation", "blood_pressure", "midazolam", "sedation", "exposure_window", "adverse_event",
    "liking", "bladder",
)  # fmt: skip
#: Published parameter sets with a structure of their own: plasma only.
ALTERNATIVES = {
    "perez_ruixo_2021": "literal published nasal model of esketamine; venous; too low for infusions",
    "otto_2021": "Fanta 2015 disposition of esketamine, intravenous; venous",
    "simons_2022": "esketamine thin film and infusion; arterial",
    "kamp_2020a": "pooled intravenous data, one species; arterial",
    "domino_1982": "historical, racemate as one species; arterial type",
    "clements_nimmo_1981": "historical, racemate as one species; venous",
}
#: Calibrations of D1 that split a spray differently between nose and gut.
NASAL_VARIANTS = {
    "nasal_swallowed_0178": "D1 with 0.178 of the swallowed spray reaching the blood (default)",
    "nasal_swallowed_0120": "D1 with 0.120 of the swallowed spray reaching the blood",
    "nasal_swallowed_0080": "D1 with 0.080 of the swallowed spray reaching the blood",
}


@cache
def therapy_model(*, parameters: str = "calibrated", **switches: str) -> Model:
    """The whole chain from dose to mood and safety.

    Args:
        parameters: ``calibrated`` (values of the shipped calibration of the chosen mechanism, where it moved
            them) or ``nominal`` (the values of the parameter tables).
        **switches: structural choices, for example ``mechanism="hnk_direct"`` or ``age_rule="off"``.

    Returns:
        A model with time in h, amounts in mg and concentrations as outputs in ng/mL. Some choices leave
        parameters without a value, which whoever simulates must give (``given_by_user.csv``).

    Raises:
        ModelError: an unknown switch or option.
        ParameterError: another word for ``parameters``.

    >>> therapy_model(mechanism="tonic_eef2").switches["mechanism"].chosen
    'tonic_eef2'
    """
    if parameters not in PARAMETER_SETS:
        raise ParameterError(
            "RK-PAR-181",
            given=f'parameters "{parameters}"{nearest(parameters, PARAMETER_SETS)}',
            allowed=" or ".join(PARAMETER_SETS),
        )
    model = _without_defaults(_read("therapy", ("disposition", *_COMPONENTS), switches))
    mechanism = model.switches["mechanism"].chosen
    if parameters == "nominal" or mechanism not in calibrated_mechanisms():
        return model
    return _with_calibration(model, calibration(mechanism))


def pharmacokinetic_models() -> dict[str, str]:
    """Names of all pharmacokinetic models with one line each.

    >>> "perez_ruixo_2021" in pharmacokinetic_models()
    True
    """
    return {"D1": "default: every route, both enantiomers, metabolites", **NASAL_VARIANTS, **ALTERNATIVES}


@cache
def pharmacokinetic_model(name: str = "D1", **switches: str) -> Model:
    """One pharmacokinetic model by name.

    Args:
        name: a key of ``pharmacokinetic_models``.
        **switches: structural choices of that model (D1: ``age_rule``, ``sex_effect``, ``cyp2b6_effect``).

    Raises:
        ParameterError: an unknown name.
        ModelError: an unknown switch or option.

    >>> sorted(pharmacokinetic_model("otto_2021").outputs)
    ['s_ketamine_venous', 's_norketamine']
    """
    if name in ALTERNATIVES:
        return _read(f"alternatives/{name}", (f"alternatives/{name}",), switches)
    if name not in pharmacokinetic_models():
        raise ParameterError(
            "RK-PAR-042",
            given=f'pharmacokinetic model "{name}"{nearest(name, pharmacokinetic_models())}',
            allowed=f"Models: {', '.join(pharmacokinetic_models())}",
        )
    model = _read("pharmacokinetics", ("disposition",), switches)
    return _with_overlay(model, name) if name in NASAL_VARIANTS else model


def _read(text: str, data: Sequence[str], switches: Mapping[str, str]) -> Model:
    files = [FOLDER / "parameters" / f"{name}.csv" for name in data]
    return read_model(FOLDER / "model" / f"{text}.model", switches=switches, parameters=files)


def _without_defaults(model: Model) -> Model:
    """The model without the values that nobody supplies once a switch is chosen."""
    parameters = dict(model.parameters)
    for row in read_table("given_by_user.csv"):
        if model.switches[row["switch"]].chosen == row["option"]:
            old = parameters[row["parameter"]]
            parameters[old.name] = replace(old, value=None, mark="user", source=row["why"])
    return replace(model, parameters=parameters)


def _with_calibration(model: Model, found: Calibration) -> Model:
    """The model with fitted values, each with the 90 % interval of its posterior as range."""
    parameters = dict(model.parameters)
    for fitted in found.parameters:
        old = parameters.get(fitted.name)
        if old is not None and old.value is not None:
            told = f"{found.provenance['command']}; nominal {old.value:.4g}"
            parameters[fitted.name] = replace(
                old, value=fitted.value, low=fitted.low, high=fitted.high, mark="calibrated", source=told
            )
    return replace(model, parameters=parameters)


def _with_overlay(model: Model, name: str) -> Model:
    """The model with the parameters of an overlay file, provenance included."""
    parameters = dict(model.parameters)
    for row in read_table(f"parameters/alternatives/{name}.csv"):
        parameters[row["name"]] = Parameter(
            row["name"],
            row["unit"],
            float(row["value"]),
            mark=row["mark"],
            source=row["source"],
            description=row["description"],
        )
    return replace(model, parameters=parameters, description=f"{model.description}; {NASAL_VARIANTS[name]}")
