"""A compound in the therapy model: its numbers in the places that ketamine's numbers have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rekindle.therapy._compound import Compound, Measure, Species
from rekindle.therapy._compound_fields import GUT_METABOLITE, RATIOS
from rekindle.therapy._compound_outputs import compound_outputs, is_ketamine
from rekindle.therapy._compound_rules import refuse_gaps
from rekindle.therapy._models import therapy_model

if TYPE_CHECKING:
    from rekindle.modelling import Model, Parameter

#: Trapping of ketamine, to which the factor of other compounds refers (pharmacodynamics, section 13).
KETAMINE_TRAPPING = 0.86
#: Place -> suffixes and names of its parameters. The model keeps ketamine's names for what the place holds.
_AFFINITY = {"S": "KS", "R": "KR", "NS": "KNS", "NR": "KNR"}
_DISSOCIATION = {"S": "dissociation_S", "R": "rhoD", "NS": "rhoN", "NR": "dissociation_NR"}
_PRESSURE = {"S": "pressor_S", "R": "rhoBP", "NS": "pressor_NS", "NR": "pressor_NR"}
_LIKING = {"S": "liking_S", "R": "liking_R", "NS": "liking_NS"}
#: A weight of 0 for the reference of sedation is written as this share, because the model divides by it.
_NO_SEDATION = 1e-9


def compound_model(compound: Compound, **switches: str) -> Model:
    """The therapy model with the numbers of a compound.

    Structure, mood and plasticity stay those of the ketamine model; only what belongs to the molecule
    changes: kinetics, affinities, trapping and relative potencies. For ketamine nothing changes at all.

    Args:
        compound: a complete compound.
        **switches: structural choices, as for ``therapy_model``.

    Raises:
        ParameterError: a compound with gaps.
        ModelError: an unknown switch or option.

    >>> from rekindle.therapy import find_compound, therapy_model
    >>> compound_model(find_compound("ketamine")).parameters["rhoD"].value
    0.25
    >>> round(compound_model(find_compound("memantine")).parameters["trapping_factor_S"].value, 3)
    0.826
    """
    refuse_gaps(compound)
    base = therapy_model(**switches)
    parameters = dict(base.parameters)
    for name, measure in _values(compound, base):
        if name in parameters:
            parameters[name] = _parameter(parameters[name], measure, compound)
    return replace(
        base,
        parameters=parameters,
        outputs=compound_outputs(compound, base.outputs),
        description=f"{compound.label}: {compound.description}; structure of the ketamine model",
    )


def compound_parameters(compound: Compound, **switches: str) -> dict[str, float]:
    """Everything that a compound decides in the therapy model, by name; the rest stays as it is.

    For many compounds in one simulation: their structure is the same, only these numbers differ.

    Raises:
        ParameterError: a compound with gaps.

    >>> from rekindle.therapy import find_compound
    >>> compound_parameters(find_compound("memantine"))["rho"]
    5.0
    """
    refuse_gaps(compound)
    base = therapy_model(**switches)
    found = {name: measure.value for name, measure in _values(compound, base) if name in base.parameters}
    return {name: float(value) for name, value in found.items() if value is not None}


def _parameter(old: Parameter, measure: Measure, compound: Compound) -> Parameter:
    assert measure.value is not None
    if old.value == measure.value:
        return old
    source = f"{compound.label}: {measure.source or 'assumed'}"
    return replace(old, value=float(measure.value), low=None, high=None, mark=measure.mark, source=source)


def _values(compound: Compound, base: Model) -> Iterator[tuple[str, Measure]]:
    """Name in the model and number of everything that the compound decides."""
    reference = {name: parameter.value for name, parameter in base.parameters.items()}
    yield from _kinetics(compound, reference)
    first = compound.parents[0]
    masses = {
        "ketamine": first,
        "norketamine": compound.at("NS") or compound.at("NR"),
        "hnk": compound.at("H"),
    }
    for name, one in masses.items():
        if one is not None:
            yield f"molar_mass_{name}", one.measures["molar_mass"]
    yield "rho", first.measures["rho"]
    for one in compound.species:
        if one.place != "H":
            yield from _binding(one, first, reference)
            yield from _potencies(one, reference)
    yield from _sedation(compound, reference)
    yield from _direct(compound, reference)
    if not is_ketamine(compound):
        yield "KNK_BP", _assumed(1e9, "uM", "no metabolite that lowers the rise is known")


def _kinetics(compound: Compound, reference: Mapping[str, float | None]) -> Iterator[tuple[str, Measure]]:
    given = dict(compound.kinetics)
    if "clearance" in given:
        given["CLint"] = _intrinsic(given.pop("clearance"), reference["Qh"] or 0.0, compound)
    yield from given.items()
    if not compound.kinetics_like:
        for name in ("Q1", "Q2", "QN", "QH"):
            if name not in given:
                yield name, _assumed(0.0, "L/h", "no such space is described")
        for ratio in RATIOS:
            if f"ratio_{ratio}_R" not in given:
                yield f"ratio_{ratio}_R", _assumed(1.0, "1", "both parents alike")
        for name in ("CLint_child_pugh_B", "CLint_cyp2b6_poor", "CLint_female"):
            yield name, _assumed(1.0, "1", "no number; taken as without influence")
    if compound.at("NS") is None and compound.at("NR") is None:
        for name in ("fm", *GUT_METABOLITE):
            yield name, _assumed(0.0, "1", "no first metabolite is described")


def _intrinsic(clearance: Measure, flow: float, compound: Compound) -> Measure:
    """CLint of a plasma clearance, for a well-mixed liver: CL = Q CLint/(Q + CLint)."""
    from rekindle.errors import ParameterError

    assert clearance.value is not None
    if clearance.value >= flow:
        raise ParameterError(
            "RK-PAR-124",
            given=f"compound {compound.label}: clearance {clearance.value:g} L/h",
            allowed=f"Below the flow through the liver of the model, {flow:g} L/h",
            why="All loss of parent drug goes through the liver space of this model",
        )
    return replace(clearance, value=clearance.value * flow / (flow - clearance.value))


def _binding(
    one: Species, first: Species, reference: Mapping[str, float | None]
) -> Iterator[tuple[str, Measure]]:
    block, rho, site, trap = (one.measures.get(n) for n in ("k_block", "rho", "k_allosteric", "trapping"))
    if block is not None:
        inactive = block.value is None
        yield _AFFINITY[one.place], replace(block, value=1e9) if inactive else block
    if rho is not None and rho.value is not None:
        common = first.value("rho") or rho.value
        yield f"rho_factor_{one.place}", replace(rho, value=rho.value / common)
    if site is not None:
        scale = reference["K_allo"] or 1.0
        yield f"allosteric_{one.place}", replace(site, value=scale / site.value if site.value else 0.0)
    if trap is not None and trap.value is not None:
        yield f"trapping_factor_{one.place}", replace(trap, value=trap.value / KETAMINE_TRAPPING)


def _potencies(one: Species, reference: Mapping[str, float | None]) -> Iterator[tuple[str, Measure]]:
    default = _relative_block(one, reference)
    trapping = one.value("trapping") or KETAMINE_TRAPPING
    yield _DISSOCIATION[one.place], one.measures.get("dissociation_potency", default)
    yield _PRESSURE[one.place], one.measures.get("bp_potency", default)
    if one.place in _LIKING:
        trapped = replace(default, value=(default.value or 0.0) * trapping / KETAMINE_TRAPPING)
        yield _LIKING[one.place], one.measures.get("liking_potency", trapped)


def _relative_block(one: Species, reference: Mapping[str, float | None]) -> Measure:
    block = one.value("k_block")
    value = 0.0 if block is None else (reference["KS"] or 0.0) / block
    return _assumed(value, "1", "relative block potency")


def _sedation(compound: Compound, reference: Mapping[str, float | None]) -> Iterator[tuple[str, Measure]]:
    """Weights of sedation; the first place is the reference, so its weight moves the half-point."""
    weights = {
        one.place: one.measures.get("sedation_weight", _relative_block(one, reference))
        for one in compound.species
        if one.place != "H"
    }
    if "S" not in weights:
        if "R" in weights:
            yield "sedation_R", weights["R"]
        return
    scale = weights["S"].value or _NO_SEDATION
    yield "C50_sedation", replace(weights["S"], value=(reference["C50_sedation"] or 0.0) / scale)
    for place, name in (("R", "sedation_R"), ("NS", "sedation_N")):
        if place in weights:
            yield name, replace(weights[place], value=(weights[place].value or 0.0) / scale)


def _direct(compound: Compound, reference: Mapping[str, float | None]) -> Iterator[tuple[str, Measure]]:
    """The direct route: the second metabolite sets its half-effect, parents act relative to it."""
    second = compound.at("H")
    direct = None if second is None else second.measures.get("amp_direct")
    half = reference["EC50H"] or 0.0
    acts = False
    if direct is None or direct.value is None:
        yield "direct_H", _assumed(0.0, "1", "no second metabolite that acts directly is described")
    else:
        half, acts = direct.value, True
        yield "EC50H", direct
    for one in compound.parents:
        own = one.measures["amp_direct"]
        acts = acts or bool(own.value)
        yield f"direct_{one.place}", replace(own, value=half / own.value if own.value else 0.0)
    if not acts:
        yield "e_H", _assumed(0.0, "1", "no direct action is described")
    block = None if second is None else second.value("k_block")
    if second is not None and block is not None:
        yield "block_hnk", replace(second.measures["k_block"], value=1.0 / block)


def _assumed(value: float, unit: str, source: str) -> Measure:
    return Measure(value, unit, "assumed", source)
