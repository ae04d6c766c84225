"""What is missing in a compound, and what contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator

from rekindle.errors import ParameterError
from rekindle.therapy._compound import Compound, Gap, Species
from rekindle.therapy._compound_fields import (
    ENTRY_WHY,
    KINETICS_ALWAYS,
    KINETICS_BY_ROLE,
    KINETICS_BY_ROUTE,
    KINETICS_PAIRS,
    REQUIRED,
    REQUIRED_IF_ACTIVE,
    SPECIES_FIELDS,
)

#: Longest relaxation of binding that is taken as immediate, s (pharmacodynamics, section 13).
SLOWEST_BINDING_S = 60.0
_SHARE_TOLERANCE = 1e-9


def find_gaps(compound: Compound) -> tuple[Gap, ...]:
    """Everything that must be known before the compound can be simulated."""
    return tuple(_species_gaps(compound)) + tuple(_kinetic_gaps(compound))


def refuse_gaps(compound: Compound) -> None:
    """Refuse a compound that cannot be simulated.

    Raises:
        ParameterError: naming every missing field and why it matters.
    """
    if compound.gaps:
        missing = "; ".join(f"{gap.field} ({gap.why})" for gap in compound.gaps)
        raise ParameterError(
            "RK-PAR-123",
            given=f"compound {compound.label} is incomplete. Missing: {missing}",
            why="A number that is made up silently would look like knowledge",
            remedy='State each one with mark and source; mark = "assumed" is allowed where you assume',
        )


def refuse_contradictions(compound: Compound) -> None:
    """Refuse what cannot be true together.

    Raises:
        ParameterError: naming the fields.
    """
    _refuse_shares(compound)
    masses = {one.value("molar_mass") for one in compound.parents if one.value("molar_mass")}
    if len(masses) > 1:
        raise _contradiction(compound, "molar_mass of the parents differ", "Two parents are enantiomers")
    for one in compound.species:
        _refuse_slow_binding(compound, one)
        _refuse_unrepresented(compound, one)
        if compound.hypothetical:
            seen = [name for name, measure in one.measures.items() if measure.mark == "seen"]
            if seen and one.role == "parent":
                raise _contradiction(
                    compound,
                    f'{seen[0]} of {one.name} is marked "seen", but the compound is hypothetical',
                    "Nobody can have measured a molecule that does not exist",
                )
    if {"clearance", "CLint"} <= set(compound.kinetics):
        raise _contradiction(compound, "clearance and CLint are both given", "One follows from the other")
    for volume, flow in KINETICS_PAIRS:
        if (volume in compound.kinetics) != (flow in compound.kinetics) and not compound.kinetics_like:
            raise _contradiction(compound, f"{volume} and {flow} belong together", "A space has both")


def _species_gaps(compound: Compound) -> Iterator[Gap]:
    if not compound.parents:
        yield Gap("species with role parent", "something must be given")
    for one in compound.species:
        active = one.role == "metabolite" and one.value("k_block") is not None
        for name in (*REQUIRED[one.role], *(REQUIRED_IF_ACTIVE if active else ())):
            if name not in one.measures:
                yield Gap(f"{name} of {one.name}", SPECIES_FIELDS[name].why)


def _kinetic_gaps(compound: Compound) -> Iterator[Gap]:
    if not compound.routes:
        yield Gap("routes", "the model must know how it enters the body")
    if compound.kinetics_like:
        return
    roles = {one.role for one in compound.species}
    needed = dict(KINETICS_ALWAYS)
    for role in roles & set(KINETICS_BY_ROLE):
        needed |= KINETICS_BY_ROLE[role]
    for route in compound.routes:
        needed |= dict.fromkeys(KINETICS_BY_ROUTE[route], f"{ENTRY_WHY}: {route}")
    have = {*compound.kinetics, *(("clearance",) if "CLint" in compound.kinetics else ())}
    yield from (Gap(f"kinetics: {name}", why) for name, why in needed.items() if name not in have)


def _refuse_shares(compound: Compound) -> None:
    shares = [one.share for one in compound.parents]
    wanted = 1.0 / len(shares) if shares else 1.0
    if any(abs(share - wanted) > _SHARE_TOLERANCE for share in shares):
        raise _contradiction(
            compound,
            f"shares of the parents are {', '.join(f'{share:g}' for share in shares)}",
            "A dose is one molecule (share 1) or a racemate (0.5 and 0.5)",
        )
    for one in compound.species:
        if one.role != "parent" and one.share:
            raise _contradiction(
                compound, f"{one.name} is a {one.role} with a share of the dose", "It is made"
            )


def _refuse_slow_binding(compound: Compound, one: Species) -> None:
    kon, koff, block = one.value("kon"), one.value("koff"), one.value("k_block")
    if koff is None:
        if kon is not None:
            raise _contradiction(
                compound, f"kon of {one.name} stands without koff", "Both set the relaxation"
            )
        return
    relaxation = 1.0 / (koff + (kon or 0.0) * (block or 0.0) * 1e-6)
    if relaxation > SLOWEST_BINDING_S:
        raise ParameterError(
            "RK-PAR-124",
            given=f"compound {compound.label}: kon and koff of {one.name} relax in {relaxation:.0f} s",
            allowed=f"At most {SLOWEST_BINDING_S:.0f} s",
            why="The model takes binding as complete at every moment, which would be wrong here",
            remedy="Correct kon and koff; a slower blocker needs a model with binding as a state",
        )


def _refuse_unrepresented(compound: Compound, one: Species) -> None:
    """Refuse numbers for which the model has no place, so that none is dropped silently."""
    absent = {
        "NS": ("amp_direct",),
        "NR": ("amp_direct", "sedation_weight"),
        "H": ("k_allosteric", "dissociation_potency", "bp_potency", "sedation_weight"),
    }
    for name in absent.get(one.place, ()):
        if one.value(name):
            raise ParameterError(
                "RK-PAR-126",
                given=f"compound {compound.label}: {name} of {one.name} ({one.role})",
                allowed="The direct route acts through parents and the second metabolite; block, "
                "dissociation, pressure and sedation through parents and first metabolites",
                why="The model has no place for this number and would ignore it",
                remedy='Write value = "none", or 0 for a potency, with the reason as source',
            )


def _contradiction(compound: Compound, given: str, why: str) -> ParameterError:
    return ParameterError("RK-PAR-124", given=f"compound {compound.label}: {given}", why=why)
