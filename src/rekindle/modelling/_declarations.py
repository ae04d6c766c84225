"""From declaring statements to the parts of a model: parameters, covariates, switches, and who they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rekindle.errors import ModelError, ParameterError, nearest
from rekindle.modelling._composition import Composition, Placed
from rekindle.modelling._lexer import Token, refusal
from rekindle.modelling._model import CARRY_RULES, MARKS, Covariate, Parameter, Switch
from rekindle.modelling._parameter_file import ParameterRow, range_problem, refuse_undeclared, with_row
from rekindle.modelling._syntax import (
    CovariateLine,
    Declaration,
    DefinitionLine,
    Literal,
    ParameterLine,
    StateLine,
    SwitchLine,
)
from rekindle.modelling._unit_rules import shown, unit_of

Rows = Mapping[str, ParameterRow]


def declared_names(composition: Composition) -> dict[str, Placed]:
    """All declared names with their statements, in order.

    Raises:
        ModelError: a name that is declared twice.
    """
    names: dict[str, Placed] = {}
    for placed in composition.placed:
        if isinstance(placed.line, ParameterLine | CovariateLine | SwitchLine | StateLine | DefinitionLine):
            name = placed.scope.full(placed.line.name.text)
            if name in names:
                earlier = declaration(names[name]).name
                raise refusal(
                    placed.line.name,
                    "RK-MOD-009",
                    f'"{name}" is declared already in line {earlier.line} of {earlier.file or "the model"}',
                    remedy="Choose another name, or share it between copies with the word shared",
                )
            names[name] = placed
    return names


def declaration(placed: Placed) -> Declaration:
    """The declaring line of a placed statement."""
    assert isinstance(placed.line, ParameterLine | CovariateLine | SwitchLine | StateLine | DefinitionLine)
    return placed.line


def read_switches(names: Mapping[str, Placed], chosen: Mapping[str, str]) -> dict[str, Switch]:
    """Switches with the chosen or their first option.

    Raises:
        ModelError: a choice that the model does not have.
    """
    switches = {}
    for name, placed in names.items():
        if isinstance(placed.line, SwitchLine):
            options = tuple(option.text for option in placed.line.options)
            switches[name] = Switch(name, options, chosen.get(name, options[0]), placed.line.description)
    for name, option in chosen.items():
        if name not in switches:
            raise ModelError(
                "RK-MOD-022",
                given=f'switch "{name}" is not in the model{nearest(str(name), switches)}',
                allowed=f"Switches: {', '.join(switches) or 'none'}",
            )
        if option not in switches[name].options:
            raise ModelError(
                "RK-MOD-022",
                given=f'switch "{name}": no option "{option}"{nearest(str(option), switches[name].options)}',
                allowed=f"Options: {', '.join(switches[name].options)}",
            )
    return switches


def read_parameters(
    names: Mapping[str, Placed], beside: Sequence[Rows], overlays: Sequence[Rows]
) -> dict[str, Parameter]:
    """Parameters with the values of their lines, of the model's data files and of overlays; the last wins.

    A row may name a parameter of a copy with its suffix, or without it for all copies.

    Raises:
        ModelError: a line with a value outside its range or an unknown mark.
        ParameterError: a row that does not fit the model.
    """
    parameters = {n: _parameter(n, p.line) for n, p in names.items() if isinstance(p.line, ParameterLine)}
    plain = {name: declaration(names[name]).name.text for name in parameters}
    own = _merged(beside)
    for layer in (own, *overlays):
        refuse_undeclared(layer, [*parameters, *plain.values()])
        for name, parameter in parameters.items():
            base = plain[name] if plain[name] not in parameters else name
            row = layer.get(name) or layer.get(base)
            if row is None:
                continue
            if layer is own and parameter.value is not None:
                raise ParameterError(
                    "RK-PAR-028",
                    given=f'{row.place}: parameter "{name}" has a value in the model text already',
                    remedy="Keep one of the values, or give the file as an overlay",
                )
            parameters[name] = with_row(parameter, row)
    return parameters


def _merged(files: Sequence[Rows]) -> Rows:
    merged: dict[str, ParameterRow] = {}
    for rows in files:
        for name, row in rows.items():
            if name in merged:
                raise ParameterError(
                    "RK-PAR-022",
                    given=f'{row.place}: parameter "{name}" stands already in {merged[name].place}',
                    remedy="Keep one of the rows",
                )
            merged[name] = row
    return merged


def _parameter(name: str, line: ParameterLine) -> Parameter:
    unit_of(line.unit)
    mark = line.mark.text if line.mark else "user"
    if line.mark and mark not in MARKS:
        raise refusal(
            line.mark,
            "RK-MOD-030",
            f"mark {line.mark} is unknown{nearest(mark, MARKS)}",
            allowed=f"Marks: {', '.join(MARKS)}",
        )
    numbers = _numbers(line.name, line.unit, line.value, line.low, line.high)
    return Parameter(name, line.unit.text, *numbers, mark, line.source, line.description)


def read_covariates(names: Mapping[str, Placed]) -> dict[str, Covariate]:
    """Covariates with defaults, ranges and carry rules.

    Raises:
        ModelError: a default outside its range or an unknown carry rule.
    """
    return {n: _covariate(n, p.line) for n, p in names.items() if isinstance(p.line, CovariateLine)}


def _covariate(name: str, line: CovariateLine) -> Covariate:
    carry = line.carry.text if line.carry else None
    if line.carry and carry not in CARRY_RULES:
        raise refusal(
            line.carry,
            "RK-MOD-030",
            f"carry rule {line.carry} is unknown",
            allowed="locf (last value carried forward), nocb (next value carried backward), linear",
        )
    numbers = _numbers(line.name, line.unit, line.default, line.low, line.high)
    return Covariate(name, line.unit.text, *numbers, carry, line.description)


def _numbers(
    name: Token, unit: Token, value: Literal | None, low: Literal | None, high: Literal | None
) -> tuple[float | None, float | None, float | None]:
    numbers = _in_unit(value, unit), _in_unit(low, unit), _in_unit(high, unit)
    problem = range_problem(*numbers)
    if problem:
        raise refusal(name, "RK-MOD-029", f"{name}: {problem}", remedy="Correct the value or its range")
    return numbers


def _in_unit(literal: Literal | None, unit: Token) -> float | None:
    """A literal in the declared unit; without a unit of its own it is in that unit already."""
    declared = unit_of(unit)
    if literal is None:
        return None
    if literal.unit is None:
        return literal.value
    own = unit_of(literal.unit)
    if not own.same_dimension(declared):
        raise refusal(
            literal.unit, "RK-MOD-018", f"{shown(own)} cannot be converted to the declared {shown(declared)}"
        )
    return literal.value * own.conversion_to(declared)
