"""Compounds as data: what a molecule binds, how it leaves, and where each number comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Places of the therapy model that a species can fill: two parents, their metabolites, one more metabolite.
PLACES = ("S", "R", "NS", "NR", "H")


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of a compound with its evidence. ``value`` None means "none": it does not have the property.

    ``low`` and ``high`` bound what is plausible; they make the cloud of a candidate report.
    """

    value: float | None
    unit: str
    mark: str
    source: str = ""
    low: float | None = None
    high: float | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Species:
    """One active molecule: a parent that is given, or a metabolite that the body makes.

    Attributes:
        name: name of the molecule.
        role: "parent", "metabolite" (of one parent) or "second_metabolite" (of both together).
        place: which of ``PLACES`` it fills in the model.
        share: share of a dose; 0 for metabolites.
        measures: the numbers of ``SPECIES_FIELDS`` that are known.
    """

    name: str
    role: str
    place: str
    share: float
    measures: Mapping[str, Measure]

    def value(self, name: str) -> float | None:
        """The number of a field, None if it is unknown or "none"."""
        measure = self.measures.get(name)
        return None if measure is None else measure.value


@dataclass(frozen=True, slots=True)
class Gap:
    """What a compound file does not say, and why the model needs it."""

    field: str
    why: str


@dataclass(frozen=True, slots=True)
class Compound:
    """A molecule, or a mixture of two, as the therapy model takes it (see ``read_compound``).

    Attributes:
        name: short name, used in regimens.
        description: one line in words.
        hypothetical: it does not exist; every place that shows it says so.
        routes: products by which it can be given.
        species: active molecules.
        kinetics: parameters of disposition, absorption and effect site.
        kinetics_like: name of the compound whose kinetics are taken where ``kinetics`` says nothing.
        kinetics_mark: how far that can be trusted.
        gaps: what is missing; a compound with gaps can be shown but not simulated.
    """

    name: str
    description: str
    hypothetical: bool
    routes: tuple[str, ...]
    species: tuple[Species, ...]
    kinetics: Mapping[str, Measure]
    kinetics_like: str = ""
    kinetics_mark: str = ""
    kinetics_source: str = ""
    gaps: tuple[Gap, ...] = field(default=())

    @property
    def label(self) -> str:
        """The name as it is shown.

        >>> from rekindle.therapy import find_compound
        >>> find_compound("analog-h1").label
        'analog-h1 (hypothetical)'
        """
        return f"{self.name} (hypothetical)" if self.hypothetical else self.name

    @property
    def parents(self) -> tuple[Species, ...]:
        """The molecules that are given."""
        return tuple(one for one in self.species if one.role == "parent")

    @property
    def stand_in(self) -> str:
        """Drug of the regimen language whose doses enter the same places of the model.

        >>> from rekindle.therapy import find_compound
        >>> find_compound("arketamine").stand_in
        'arketamine'
        """
        places = {one.place for one in self.parents}
        return "ketamine" if len(places) == 2 else {"S": "esketamine", "R": "arketamine"}[min(places)]

    def at(self, place: str) -> Species | None:
        """The species in a place of the model."""
        return next((one for one in self.species if one.place == place), None)
