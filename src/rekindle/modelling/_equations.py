"""Equations of a model: states, definitions, derivatives, outputs and dosing rules, with units checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rekindle.modelling._composition import Placed
from rekindle.modelling._declarations import declaration
from rekindle.modelling._definition_order import dependent_last
from rekindle.modelling._events import target_state
from rekindle.modelling._expression import Expression, constant
from rekindle.modelling._lexer import Token, refusal
from rekindle.modelling._model import Definition, DoseRule, Output, State
from rekindle.modelling._syntax import (
    DefinitionLine,
    DerivativeLine,
    DoseLine,
    Node,
    Number,
    OutputLine,
    Prefix,
    StateLine,
)
from rekindle.modelling._unit_check import UnitChecker
from rekindle.modelling._unit_rules import Typed, convert_to, unit_of
from rekindle.units import PURE, Unit


class Equations:
    """Checked equations of all placed statements; definitions come first: they give units to names."""

    def __init__(
        self, placed: Sequence[Placed], names: Mapping[str, Placed], checker: UnitChecker, time: Unit
    ) -> None:
        self.placed, self.names, self.checker, self.time = placed, names, checker, time
        for name, item in names.items():
            unit = getattr(item.line, "unit", None)
            if unit is not None:
                checker.units[name] = unit_of(unit)
            if isinstance(item.line, StateLine):
                checker.states[name] = checker.units[name]

    def states(self) -> dict[str, State]:
        """States with their initial values."""
        states = {}
        for name, placed in self.names.items():
            line = placed.line
            if isinstance(line, StateLine):
                initial = constant(0.0)
                if line.initial is not None:
                    initial = self._converted(line.initial, placed, line.unit, line.name)
                states[name] = State(name, line.unit.text, initial, line.description)
        return states

    def definitions(self) -> dict[str, Definition]:
        """Definitions, each after those that it uses."""
        definitions = {}
        lines = {name: p for name, p in self.names.items() if isinstance(p.line, DefinitionLine)}
        for name in dependent_last(lines):
            placed, line = lines[name], lines[name].line
            assert isinstance(line, DefinitionLine)
            expression, unit = self._with_unit(line.expression, placed, line.unit, line.name)
            self.checker.units[name] = unit
            definitions[name] = Definition(name, unit.text, expression, line.description)
        return definitions

    def outputs(self) -> dict[str, Output]:
        """Outputs in their declared units."""
        outputs: dict[str, Output] = {}
        for placed in self.placed:
            line = placed.line
            if isinstance(line, OutputLine):
                name = "_".join((line.name.text, *(suffix for _, suffix in placed.scope.copies)))
                if name in outputs:
                    raise refusal(line.name, "RK-MOD-009", f'output "{name}" is declared twice')
                expression, unit = self._with_unit(line.expression, placed, line.unit, line.name)
                outputs[name] = Output(name, unit.text, expression, line.description, line.measurable)
        return outputs

    def derivatives(self) -> dict[str, Expression]:
        """Right-hand sides in the unit of the state over time."""
        found: dict[str, Expression] = {}
        for placed in self.placed:
            if isinstance(placed.line, DerivativeLine):
                line = placed.line
                name = target_state(line.name, placed, self.checker)
                if name in found:
                    raise refusal(line.name, "RK-MOD-009", f"d/dt({name}) is given twice")
                unit = self.checker.states[name] / self.time
                value = self.checker.check(line.expression, placed.scope)
                found[name] = convert_to(value, unit, line.name, f"d/dt({name})")
        for name in self.checker.states:
            if name not in found:
                raise refusal(
                    declaration(self.names[name]).name,
                    "RK-MOD-012",
                    f'state "{name}" has no equation',
                    remedy=f"Write d/dt({name}) = ..., or declare it as a parameter or definition",
                )
        return {name: found[name] for name in self.checker.states}

    def dosing(self) -> dict[str, DoseRule]:
        """How doses enter states."""
        rules: dict[str, DoseRule] = {}
        for placed in self.placed:
            if isinstance(placed.line, DoseLine):
                line = placed.line
                name = target_state(line.name, placed, self.checker)
                rule = rules.get(name, DoseRule())
                if getattr(rule, line.rule.text) is not None:
                    raise refusal(line.name, "RK-MOD-009", f"{line.rule.text}({name}) is given twice")
                rules[name] = replace(rule, **{line.rule.text: self._dose_expression(line, placed, name)})
        return rules

    def _dose_expression(self, line: DoseLine, placed: Placed, state: str) -> Expression:
        time = self.time
        wanted = {"bioavailability": PURE, "rate": self.checker.states[state] / time}.get(
            line.rule.text, time
        )
        left = f"{line.rule.text}({state})"
        if line.unit is None:
            return convert_to(self.checker.check(line.expression, placed.scope), wanted, line.name, left)
        expression, unit = self._with_unit(line.expression, placed, line.unit, line.name)
        return convert_to(Typed(expression, unit), wanted, line.unit, left)

    def _converted(self, node: Node, placed: Placed, unit: Token, name: Token) -> Expression:
        return self._with_unit(node, placed, unit, name)[0]

    def _with_unit(
        self, node: Node, placed: Placed, declared: Token | None, name: Token
    ) -> tuple[Expression, Unit]:
        """A right side in its declared unit, or with the unit that follows from it."""
        value = self.checker.check(node, placed.scope)
        if declared is None:
            expression = convert_to(value, value.unit or PURE, name, f'"{name.text}"')
            return expression, value.unit or PURE
        unit = unit_of(declared)
        if _is_bare_number(node):
            return value.expression, unit
        return convert_to(value, unit, name, f'"{name.text}"'), unit


def _is_bare_number(node: Node) -> bool:
    """Whether a right side is one number without a unit: it then has the declared unit."""
    if isinstance(node, Prefix):
        node = node.operand
    return isinstance(node, Number) and node.unit is None
