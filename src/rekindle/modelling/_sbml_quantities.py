"""Species, compartments, parameters and reactions of SBML as parameters, states and definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rekindle.modelling._expression import Expression, add, constant, divide, multiply, negate, symbol
from rekindle.modelling._sbml_elements import (
    Quantity,
    UndeclaredUnit,
    finite,
    label,
    participants,
    stoichiometry_of,
)
from rekindle.modelling._sbml_start import Starts


class Quantities(Starts):
    """Everything of an SBML model that becomes a name of the model language."""

    def all(self) -> list[Quantity]:
        """Every quantity, in the order of the document."""
        found = [self._plain(p, f'parameter "{i}"', p.getValue() if p.isSetValue() else None)
                 for i, p in self.parameters.items()]  # fmt: skip
        found += [self._plain(c, f'compartment "{i}"', c.getSize() if c.isSetSize() else None)
                  for i, c in self.compartments.items()]  # fmt: skip
        for identifier, reaction in self.reactions.items():
            locals_, rate = self._rate(identifier, reaction)
            found += locals_
            found.append(self._defined(identifier, rate, None if self.with_units else "1", label(reaction)))
        for identifier, reference in self.references.items():
            if self._moves(identifier):
                found.append(
                    self._plain(reference, f'species reference "{identifier}"', stoichiometry_of(reference))
                )
        for identifier, species in self.species.items():
            found += self._one_species(identifier, species)
        return found

    def _defined(
        self, identifier: str, expression: Expression, unit: str | None, text: str, shown: bool = False
    ) -> Quantity:
        return Quantity(
            self.names[identifier], "definition", unit, expression=expression, description=text, shown=shown
        )

    def _plain(self, element: Any, what: str, value: float | None) -> Quantity:
        """A parameter, compartment or stoichiometry: its number means itself."""
        identifier = element.getId()
        name, text = self.names[identifier], label(element)
        if identifier in self.assigned:
            unit = self._optional(self.unit_of_plain, element, what)
            return self._defined(identifier, self._rule(identifier), unit, text, shown=True)
        unit = self.unit_of_plain(element, what)
        if identifier in self.rated or identifier in self.by_event:
            rate = (
                self.math.read(self.rated[identifier].getMath(), f'rate rule of "{identifier}"')
                if identifier in self.rated
                else constant(0.0)
            )
            return Quantity(
                name,
                "state",
                unit,
                expression=rate,
                initial=self.start(identifier),
                description=text,
                shown=True,
            )
        if identifier in self.starts:
            return self._defined(identifier, self.start(identifier), unit, text)
        return Quantity(name, "parameter", unit, value=finite(value, what), description=text)

    def _optional(self, unit_of: Callable[[Any, str], str], element: Any, what: str) -> str | None:
        try:
            return unit_of(element, what)
        except UndeclaredUnit:
            return None

    def _one_species(self, identifier: str, species: Any) -> list[Quantity]:
        text, what = label(species), f'species "{identifier}"'
        if identifier in self.assigned:
            return [
                self._defined(
                    identifier,
                    self._rule(identifier),
                    self._optional(self.unit_of_species, species, what),
                    text,
                    shown=True,
                )
            ]
        unit, name = self.unit_of_species(species, what), self.names[identifier]
        if identifier in self.rated:
            rate = self.math.read(self.rated[identifier].getMath(), f'rate rule of "{identifier}"')
            return [self._state(name, unit, rate, self.start(identifier), text)]
        flow = self._flow(identifier, species)
        if self.is_amount_state(identifier):
            amount = self.amount_name(identifier)
            unit_amount = self.unit_of_species(species, what, amount=True)
            size = symbol(self.names[species.getCompartment()])
            first = multiply(self.start(identifier), self.start(species.getCompartment()))
            return [
                self._state(amount, unit_amount, flow or constant(0.0), first, f"amount of {text or name}"),
                self._defined(identifier, divide(symbol(amount), size), unit, text, shown=True),
            ]
        if flow is not None or identifier in self.by_event:
            flow = constant(0.0) if flow is None else flow
            if self.in_concentration(species):
                flow = divide(flow, symbol(self.names[species.getCompartment()]))
            return [self._state(name, unit, flow, self.start(identifier), text)]
        first = self._first(identifier)
        if first.is_constant:
            return [Quantity(name, "parameter", unit, value=first.value, description=text, shown=True)]
        return [self._defined(identifier, first, unit, text, shown=True)]

    def _state(
        self, name: str, unit: str | None, rate: Expression, initial: Expression, text: str
    ) -> Quantity:
        return Quantity(name, "state", unit, expression=rate, initial=initial, description=text, shown=True)

    def _flow(self, identifier: str, species: Any) -> Expression | None:
        """Amount per time that reactions bring, None where no reaction changes the species."""
        if species.getBoundaryCondition() or species.getConstant():
            return None
        total: Expression | None = None
        for name, reaction in self.reactions.items():
            for reference, sign in participants(reaction):
                if reference.getSpecies() == identifier:
                    amount = (
                        self._symbol(reference.getId())
                        if reference.getId()
                        else constant(self._stoichiometry(reference))
                    )
                    part = multiply(amount, symbol(self.names[name]))
                    part = part if sign > 0 else negate(part)
                    total = part if total is None else add(total, part)
        factor = species.getConversionFactor() or self.source.getConversionFactor()
        return total if total is None or not factor else multiply(self._symbol(factor), total)
