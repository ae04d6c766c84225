"""The elements of an SBML model under the names and units that they have in the model language."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rekindle.errors import ModelError, UnitError
from rekindle.modelling._expression import Expression, constant, negate, symbol
from rekindle.modelling._notation import number_text
from rekindle.modelling._sbml_document import unreadable, unsupported
from rekindle.modelling._sbml_math import MathReader
from rekindle.modelling._sbml_units import unit_text
from rekindle.modelling._statements import RESERVED
from rekindle.modelling._unit_check import TIME
from rekindle.units import parse_unit


@dataclass(frozen=True, slots=True)
class Quantity:
    """One statement to write: a parameter (``value``), a state (``initial``, ``rate``) or a definition.

    ``unit`` None: inferred from the expression. ``shown``: whether it becomes an output.
    """

    name: str
    kind: str
    unit: str | None
    value: float | None = None
    expression: Expression | None = None
    initial: Expression | None = None
    description: str = ""
    shown: bool = False


class UndeclaredUnit(Exception):  # noqa: N818 - a reason to read without units, never an error of the user
    """Units cannot be taken from the document; the text says why."""


def listed(count: int, get: Callable[[int], Any]) -> Iterator[Any]:
    """The elements of a libsbml list."""
    return (get(number) for number in range(count))


class Elements:
    """Everything of an SBML model that becomes a name of the model language."""

    def __init__(self, sbml_model: Any, with_units: bool) -> None:
        self.source, self.with_units = sbml_model, with_units
        m = sbml_model
        self.compartments = {c.getId(): c for c in listed(m.getNumCompartments(), m.getCompartment)}
        self.species = {s.getId(): s for s in listed(m.getNumSpecies(), m.getSpecies)}
        self.parameters = {p.getId(): p for p in listed(m.getNumParameters(), m.getParameter)}
        self.reactions = {r.getId(): r for r in listed(m.getNumReactions(), m.getReaction)}
        self.assigned, self.rated = self._rules()
        self.starts = {a.getSymbol(): a for a in listed(m.getNumInitialAssignments(), m.getInitialAssignment)}
        self.by_event = {
            a.getVariable()
            for e in listed(m.getNumEvents(), m.getEvent)
            for a in listed(e.getNumEventAssignments(), e.getEventAssignment)
        }
        self.references = {
            r.getId(): r
            for reaction in self.reactions.values()
            for r, _ in participants(reaction)
            if r.getId()
        }
        self.changed = self._changed()
        self.taken: set[str] = set()
        self.names = {
            identifier: self._free(identifier)
            for group in (self.parameters, self.compartments, self.species, self.reactions, self.references)
            for identifier in group
        }
        self.identifiers = {name: identifier for identifier, name in self.names.items()}
        self.amounts: dict[str, str] = {}
        self.scope: dict[str, str] = {}
        self.time_unit, self.time_is_declared = self._time()
        now = symbol(TIME) if with_units else symbol(f"({TIME}/1[{self.time_unit}])")
        self.now = now
        self.math = MathReader(m, self._symbol, now, self._number)
        self.begun: dict[str, Expression] = {}
        self.opened: set[str] = set()

    def _rules(self) -> tuple[dict[str, Any], dict[str, Any]]:
        assigned: dict[str, Any] = {}
        rated: dict[str, Any] = {}
        for rule in listed(self.source.getNumRules(), self.source.getRule):
            if rule.isAlgebraic():
                raise unsupported(
                    f"algebraic rule {rule.getId() or rule.getMetaId() or rule.getFormula()!r}",
                    "algebraic rules are not read",
                    "The model language has differential equations and definitions only",
                    "Solve it for one variable and write an assignment rule",
                )
            (assigned if rule.isAssignment() else rated)[rule.getVariable()] = rule
        return assigned, rated

    def _changed(self) -> set[str]:
        """Compartments whose size changes."""
        return {
            name
            for name in self.compartments
            if name in self.assigned or name in self.rated or name in self.by_event
        }

    def _free(self, wanted: str) -> str:
        name = wanted if wanted.isascii() and wanted.isidentifier() else "unnamed"
        while name in RESERVED or name in self.taken or name in (TIME, "d", "dt", "as", "for", "to"):
            name += "_"
        self.taken.add(name)
        return name

    def _time(self) -> tuple[str, bool]:
        if self.source.isSetTimeUnits():
            try:
                text = unit_text(self.source, self.source.getTimeUnits())
                if text != "1" and not set(text) & set("*/(^"):
                    return text, True
            except UnitError:
                pass
        if self.with_units:
            raise UndeclaredUnit("the unit of time is not declared")
        return "s", False

    def _symbol(self, identifier: str) -> Expression:
        identifier = self.scope.get(identifier, identifier)
        if identifier in self.references and not self._moves(identifier):
            return constant(self._stoichiometry(self.references[identifier]))
        if identifier in self.names:
            return symbol(self.names[identifier])
        if identifier in self.identifiers:
            return symbol(identifier)
        raise unreadable(f"{self.math.element} uses {identifier!r}, which is not in the document")

    def _number(self, value: float, unit: str) -> Expression:
        if not self.with_units or not value:
            return constant(value)
        try:
            text = unit_text(self.source, unit)
        except UnitError as problem:
            raise UndeclaredUnit(f"a number has a unit that cannot be read ({problem})") from None
        written = number_text(abs(value))
        known = symbol(f"{written}[{text}]")
        return known if value > 0 else negate(known)

    def _moves(self, identifier: str) -> bool:
        return any(identifier in group for group in (self.assigned, self.rated, self.starts, self.by_event))

    def unit(self, name: str, what: str) -> str:
        """Unit of a parameter, by the name that the document gives."""
        if not self.with_units:
            return "1"
        try:
            return unit_text(self.source, name)
        except UnitError as problem:
            raise UndeclaredUnit(f"{what}: {problem.given}") from None

    def unit_of_plain(self, element: Any, what: str) -> str:
        """Unit of a parameter, compartment or stoichiometry."""
        identifier = element.getId()
        if identifier in self.references:
            return "1"
        if identifier not in self.compartments:
            return self.unit(element.getUnits(), what)
        m, dimensions = self.source, element.getSpatialDimensionsAsDouble()
        usual = {3: m.getVolumeUnits, 2: m.getAreaUnits, 1: m.getLengthUnits}.get(dimensions, str)()
        return self.unit(element.getUnits() or usual, what)

    def unit_of_species(self, species: Any, what: str, *, amount: bool = False) -> str:
        """Unit of what the symbol of a species means, or of its amount."""
        substance = self.unit(species.getSubstanceUnits() or self.source.getSubstanceUnits(), what)
        if not self.with_units or amount or not self.in_concentration(species):
            return substance
        size = self.unit_of_plain(self.compartments[species.getCompartment()], what)
        return (parse_unit(substance) / parse_unit(size)).text

    def in_concentration(self, species: Any) -> bool:
        """Whether the symbol of a species means its concentration."""
        compartment = self.compartments[species.getCompartment()]
        return not species.getHasOnlySubstanceUnits() and compartment.getSpatialDimensionsAsDouble() != 0

    def is_amount_state(self, identifier: str) -> bool:
        """Whether the state must be the amount, because the compartment changes its size."""
        species = self.species[identifier]
        follows = identifier not in self.assigned and identifier not in self.rated
        return follows and self.in_concentration(species) and species.getCompartment() in self.changed

    def amount_name(self, identifier: str) -> str:
        """Name of the state that holds the amount of such a species."""
        if identifier not in self.amounts:
            name = self._free(f"{self.names[identifier]}_amount")
            self.amounts[identifier] = name
        return self.amounts[identifier]

    def _stoichiometry(self, reference: Any) -> float:
        value = stoichiometry_of(reference)
        if value is None:
            raise missing(f'stoichiometry of species "{reference.getSpecies()}"')
        return value

    def _rule(self, identifier: str) -> Expression:
        return self.math.read(self.assigned[identifier].getMath(), f'assignment rule of "{identifier}"')


def label(element: Any) -> str:
    """Description of an element: its name where it says more than the identifier, on one line."""
    text = "".join(c if c.isprintable() else " " for c in element.getName()).replace('"', "'")
    text = " ".join(text.split())[:200]
    return "" if text == element.getId() else text


def participants(reaction: Any) -> list[tuple[Any, int]]:
    """Reactants (-1) and products (1) of a reaction."""
    return [
        *((r, -1) for r in listed(reaction.getNumReactants(), reaction.getReactant)),
        *((r, 1) for r in listed(reaction.getNumProducts(), reaction.getProduct)),
    ]


def stoichiometry_of(reference: Any) -> float | None:
    """The number of a species reference, None where it is missing."""
    value = float(reference.getStoichiometry())
    return value if reference.isSetStoichiometry() and math.isfinite(value) else None


def finite(value: float | None, what: str) -> float | None:
    """The number of a parameter; one that is missing must be given by the user."""
    if value is not None and not math.isfinite(value):
        if math.isnan(value):
            return None
        raise unsupported(what, f"its value is {value}", "Only finite numbers can be computed with")
    return value


def missing(what: str) -> ModelError:
    """Error for a number without which there is no solution."""
    return ModelError(
        "RK-MOD-042",
        given=f"{what} is missing in the SBML document",
        why="Without it the model has no solution",
        remedy="Give it in the SBML file",
    )
