"""Values at time 0 and rates of reactions of an SBML model."""

from __future__ import annotations

import math
from typing import Any

from rekindle.modelling._expression import Expression, constant, divide, multiply, substitute, symbol, symbols
from rekindle.modelling._sbml_document import unreadable, unsupported
from rekindle.modelling._sbml_elements import Elements, Quantity, finite, label, listed, missing


class Starts(Elements):
    """Values at time 0, in terms of parameters alone."""

    def _rate(self, identifier: str, reaction: Any) -> tuple[list[Quantity], Expression]:
        what = f'reaction "{identifier}"'
        law = reaction.getKineticLaw()
        if law is None or law.getMath() is None:
            raise unsupported(
                what, "it has no rate law", "Without rates there is nothing to integrate (a model of fluxes?)"
            )
        if reaction.isSetFast() and reaction.getFast():
            raise unsupported(what, "it is marked as fast", "A fast reaction is an algebraic condition")
        own: list[Quantity] = []
        self.scope = {}
        for local in listed(law.getNumLocalParameters(), law.getLocalParameter):
            full = f"{identifier}_{local.getId()}"
            name = self._free(full)
            self.identifiers[name] = name
            self.scope[local.getId()] = name
            value = finite(local.getValue() if local.isSetValue() else None, f'local parameter "{full}"')
            unit = self.unit(local.getUnits(), f'local parameter "{full}"')
            own.append(Quantity(name, "parameter", unit, value=value, description=label(local)))
        try:
            return own, self.math.read(law.getMath(), f"rate law of {what}")
        finally:
            self.scope = {}

    def start(self, identifier: str) -> Expression:
        """Value at time 0 in terms of parameters alone.

        Raises:
            ModelError: RK-MOD-042 it is missing.
        """
        if identifier not in self.begun:
            if identifier in self.opened:
                raise unreadable(f'the initial value of "{identifier}" depends on itself')
            self.opened.add(identifier)
            self.begun[identifier] = self._first(identifier)
        return self.begun[identifier]

    def _first(self, identifier: str) -> Expression:
        if identifier in self.starts:
            found = self.math.read(self.starts[identifier].getMath(), f'initial assignment of "{identifier}"')
            return self.at_start(found)
        if identifier in self.assigned:
            return self.at_start(self._rule(identifier))
        if identifier in self.reactions:
            return self.at_start(self._rate_again(identifier))
        if identifier in self.species:
            return self._first_of_species(identifier)
        moving = identifier in self.rated or identifier in self.by_event
        element = self.parameters.get(identifier) or self.compartments.get(identifier)
        if element is None:
            return constant(self._stoichiometry(self.references[identifier]))
        if not moving:
            return symbol(self.names[identifier])
        is_set = element.isSetValue() if identifier in self.parameters else element.isSetSize()
        value = element.getValue() if identifier in self.parameters else element.getSize()
        return constant(_needed(value if is_set else None, f'the initial value of "{identifier}"'))

    def _rate_again(self, identifier: str) -> Expression:
        self.scope = {
            local.getId(): f"{identifier}_{local.getId()}"
            for law in [self.reactions[identifier].getKineticLaw()]
            if law is not None
            for local in listed(law.getNumLocalParameters(), law.getLocalParameter)
        }
        if self.scope:
            raise unsupported(
                f'reaction "{identifier}"',
                "an initial value uses a rate with local parameters",
                "The order of evaluation would be circular",
                "Make its local parameters global",
            )
        return self._rate(identifier, self.reactions[identifier])[1]

    def _first_of_species(self, identifier: str) -> Expression:
        species = self.species[identifier]
        wants = self.in_concentration(species)
        if species.isSetInitialAmount():
            value = constant(_needed(species.getInitialAmount(), f'species "{identifier}"'))
            return divide(value, self._size(species)) if wants else value
        if species.isSetInitialConcentration():
            value = constant(_needed(species.getInitialConcentration(), f'species "{identifier}"'))
            return value if wants else multiply(value, self._size(species))
        raise missing(f'the initial amount or concentration of species "{identifier}"')

    def _size(self, species: Any) -> Expression:
        return self.start(species.getCompartment())

    def at_start(self, expression: Expression) -> Expression:
        """The expression at time 0."""
        known: dict[str, Expression] = {}
        for name in symbols(expression):
            if name == self.now.name:
                known[name] = constant(0.0)
            elif name in self.identifiers and self.identifiers[name] in self.names:
                known[name] = self.start(self.identifiers[name])
        return substitute([expression], known)[0]


def _needed(value: float | None, what: str) -> float:
    if value is None or math.isnan(value):
        raise missing(what)
    if math.isinf(value):
        raise unsupported(what, f"its value is {value}", "Only finite numbers can be computed with")
    return float(value)
