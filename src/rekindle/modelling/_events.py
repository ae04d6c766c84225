"""Events of a model: assignments fired by name, at a peak, or where a comparison turns true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rekindle.errors import nearest
from rekindle.modelling._composition import Placed
from rekindle.modelling._expression import Expression, symbols
from rekindle.modelling._lexer import Token, refusal
from rekindle.modelling._model import Assignment, CrossingEvent, NamedEvent, PeakEvent
from rekindle.modelling._syntax import (
    AssignmentPart,
    CrossingEventLine,
    Name,
    NamedEventLine,
    Node,
    PeakEventLine,
)
from rekindle.modelling._unit_check import UnitChecker
from rekindle.modelling._unit_rules import convert_to, refuse_conditions, require_condition


def target_state(token: Token, placed: Placed, checker: UnitChecker) -> str:
    """Full name of the state that a statement is about.

    Raises:
        ModelError: no state has this name.
    """
    name = placed.scope.full(token.text)
    if name not in checker.states:
        kind = "not a state" if name in checker.units else "not declared"
        raise refusal(
            token,
            "RK-MOD-011",
            f'"{name}" is {kind}{nearest(name, checker.states)}',
            allowed="The name of a state",
            remedy=f"Declare it: state {name} [unit]",
        )
    return name


def read_named_events(placed: Sequence[Placed], checker: UnitChecker) -> dict[str, NamedEvent]:
    """Events by name; statements for one name, from whichever file, are joined into one event.

    Raises:
        ModelError: an assignment to what is no state, or two to one state.
    """
    events: dict[str, NamedEvent] = {}
    for item in placed:
        if isinstance(item.line, NamedEventLine):
            name = item.line.name.text
            event = events.get(name, NamedEvent(name, ()))
            found = _assignments(item.line.assignments, item, checker, event.assignments)
            texts = dict.fromkeys(text for text in (event.description, item.line.description) if text)
            events[name] = replace(event, assignments=found, description="; ".join(texts))
    return events


def read_peak_events(
    placed: Sequence[Placed], checker: UnitChecker, named: Mapping[str, NamedEvent]
) -> dict[str, PeakEvent]:
    """Peak events by name.

    Raises:
        ModelError: a repeated name, or an assignment to what is no state.
    """
    peaks: dict[str, PeakEvent] = {}
    for item in placed:
        if isinstance(item.line, PeakEventLine):
            line = item.line
            name = _peak_name(line, item)
            if name in peaks or name in named:
                raise refusal(line.name or line.token, "RK-MOD-009", f'event "{name}" is declared twice')
            watched = checker.check(line.expression, item.scope)
            refuse_conditions(line.token, watched)
            condition = _condition(line.token, line.condition, item, checker)
            assignments = _assignments(line.assignments, item, checker, ())
            peaks[name] = PeakEvent(name, watched.expression, condition, assignments, line.description)
    return peaks


def read_crossing_events(
    placed: Sequence[Placed],
    checker: UnitChecker,
    others: Mapping[str, NamedEvent | PeakEvent],
) -> dict[str, CrossingEvent]:
    """Events fired by a comparison that turns true, by name.

    Raises:
        ModelError: a repeated name, a comparison of what never changes, or an assignment to what is no state.
    """
    found: dict[str, CrossingEvent] = {}
    for item in placed:
        if isinstance(item.line, CrossingEventLine):
            line = item.line
            name = _copied(line.name, item)
            if name in found or name in others:
                raise refusal(line.name, "RK-MOD-009", f'event "{name}" is declared twice')
            comparison = require_condition(line.token, checker.check(line.comparison, item.scope))
            if not symbols(comparison):
                raise refusal(line.token, "RK-MOD-037", "it holds always or never", allowed="What changes")
            condition = _condition(line.token, line.condition, item, checker)
            assignments = _assignments(line.assignments, item, checker, ())
            found[name] = CrossingEvent(name, comparison, condition, assignments, line.description)
    return found


def _condition(token: Token, node: Node | None, placed: Placed, checker: UnitChecker) -> Expression | None:
    return None if node is None else require_condition(token, checker.check(node, placed.scope))


def _peak_name(line: PeakEventLine, placed: Placed) -> str:
    if line.name is None:
        assert isinstance(line.expression, Name)
        return f"peak_{placed.scope.full(line.expression.token.text)}"
    return _copied(line.name, placed)


def _copied(name: Token, placed: Placed) -> str:
    return "_".join((name.text, *(suffix for _, suffix in placed.scope.copies)))


def _assignments(
    parts: Sequence[AssignmentPart], placed: Placed, checker: UnitChecker, earlier: tuple[Assignment, ...]
) -> tuple[Assignment, ...]:
    found = {assignment.state: assignment for assignment in earlier}
    for part in parts:
        state = target_state(part.name, placed, checker)
        if state in found:
            raise refusal(part.name, "RK-MOD-009", f'the event assigns to "{state}" twice')
        value = checker.check(part.expression, placed.scope)
        found[state] = Assignment(state, convert_to(value, checker.states[state], part.name, f'"{state}"'))
    return tuple(found.values())
