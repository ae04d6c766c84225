"""Events of SBML: those at known times as named events and records, the others as crossings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rekindle.modelling._expression import Expression, call, evaluate, multiply, substitute, symbol, symbols
from rekindle.modelling._sbml_document import unsupported
from rekindle.modelling._sbml_elements import Quantity, label, listed
from rekindle.modelling._sbml_quantities import Quantities
from rekindle.modelling._statements import RESERVED
from rekindle.modelling._unit_check import TIME

_WHY = "An event happens at a time that is known beforehand, or where one comparison turns true"
_TURNS = ("lt", "le", "gt", "ge")


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """A named event with its time in the unit of the model."""

    name: str
    time: float
    priority: float
    assignments: tuple[tuple[str, Expression], ...]
    description: str = ""
    at_trigger: bool = True
    used: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class ReleasedEvent:
    """An event that happens whenever a comparison of quantities turns true."""

    name: str
    comparison: Expression
    counts_at_start: bool
    assignments: tuple[tuple[str, Expression], ...]
    description: str = ""


def read_events(
    quantities: Quantities, found: Sequence[Quantity]
) -> tuple[list[TimedEvent], list[ReleasedEvent], list[str]]:
    """Events in the order in which they take place, those that quantities release, and remarks.

    Raises:
        ModelError: RK-MOD-041 an event with a delay, or with a trigger that is not one comparison.
    """
    values = {q.name: q.value for q in found if q.kind == "parameter"}
    definitions = {q.name: q.expression for q in found if q.kind == "definition" and q.expression is not None}
    events: list[TimedEvent] = []
    released: list[ReleasedEvent] = []
    remarks: list[str] = []
    taken: set[str] = set()
    for number, event in enumerate(
        listed(quantities.source.getNumEvents(), quantities.source.getEvent), start=1
    ):
        what = f'event "{event.getId() or event.getName() or number}"'
        trigger = _trigger(quantities, event, what)
        if not _is_time(quantities, trigger, values, definitions):
            timed = _event(quantities, event, what, _name(event, number, taken), 0.0, values)
            released.append(_released(event, what, trigger, timed))
            continue
        moment = _moment(quantities, event, what, trigger, values, definitions)
        if moment is None:
            remarks.append(f"{what} is already true at time 0 and never fires.")
            continue
        name = _name(event, number, taken)
        events.append(_event(quantities, event, what, name, max(moment, 0.0), values))
    events.sort(key=lambda event: (event.time, -event.priority))
    _refuse_entangled(events)
    return events, released, remarks


def _trigger(quantities: Quantities, event: Any, what: str) -> Expression:
    """The condition; it has time on its left side if it is about time alone."""
    if event.isSetDelay():
        raise unsupported(what, "it has a delay", _WHY, "Add the delay to the time of its trigger")
    trigger = event.getTrigger()
    if trigger is None:
        raise unsupported(what, "it has no trigger", "It would never happen")
    condition = quantities.math.read_condition(trigger.getMath(), f"trigger of {what}")
    operation, arguments = condition.operation, condition.arguments
    if operation in ("le", "lt") and arguments[1] is quantities.now:
        return call({"le": "ge", "lt": "gt"}[operation], arguments[1], arguments[0])
    return condition


def _is_time(
    quantities: Quantities,
    trigger: Expression,
    values: Mapping[str, float | None],
    definitions: Mapping[str, Expression],
) -> bool:
    """Whether the trigger is a time that is known beforehand."""
    if trigger.operation not in ("ge", "gt") or trigger.arguments[0] is not quantities.now:
        return False
    return symbols(_written_out(trigger.arguments[1], definitions)) <= set(values)


def _released(event: Any, what: str, trigger: Expression, read: TimedEvent) -> ReleasedEvent:
    if trigger.operation not in _TURNS:
        raise unsupported(
            what, "its trigger is not one comparison by <, <=, > or >=", _WHY,
            "Leave the event out, or write it in the model language: when a > b if c as name: state <- ...",
        )  # fmt: skip
    if event.isSetPriority():
        raise unsupported(
            what, "it has a priority and no time of its own",
            "Events that states release at one moment are not ordered", "Leave the priority out",
        )  # fmt: skip
    at_start = not event.getTrigger().getInitialValue()
    return ReleasedEvent(read.name, trigger, at_start, read.assignments, read.description)


def _name(event: Any, number: int, taken: set[str]) -> str:
    name = next(
        (n for n in (event.getId(), event.getName()) if n and n.isascii() and n.isidentifier()),
        f"event_{number}",
    )
    while name in taken or name in RESERVED:
        name += "_"
    taken.add(name)
    return name


def _moment(
    quantities: Quantities,
    event: Any,
    what: str,
    trigger: Expression,
    values: Mapping[str, float | None],
    definitions: Mapping[str, Expression],
) -> float | None:
    moment = _written_out(trigger.arguments[1], definitions)
    time = _number(moment, what, "the time of its trigger", values)
    if time < 0 or (time == 0 and trigger.operation == "ge"):
        return None if event.getTrigger().getInitialValue() else 0.0
    return time


def _written_out(expression: Expression, definitions: Mapping[str, Expression]) -> Expression:
    for _ in range(len(definitions)):
        if not symbols(expression) & set(definitions):
            break
        expression = substitute([expression], definitions)[0]
    return expression


def _number(expression: Expression, what: str, part: str, values: Mapping[str, float | None]) -> float:
    for name in sorted(symbols(expression)):
        if values.get(name) is None:
            raise unsupported(what, f'{part} depends on "{name}", which is no fixed number', _WHY)
    number = float(evaluate(expression, values))
    if not math.isfinite(number):
        raise unsupported(what, f"{part} is {number}", _WHY)
    return number


def _event(
    quantities: Quantities, event: Any, what: str, name: str, time: float, values: Mapping[str, float | None]
) -> TimedEvent:
    priority = 0.0
    if event.isSetPriority() and event.getPriority().getMath() is not None:
        found = quantities.math.read(event.getPriority().getMath(), f"priority of {what}")
        priority = _number(found, what, "its priority", values)
    parts = [
        (
            a.getVariable(),
            quantities.math.read(a.getMath(), f'assignment to "{a.getVariable()}" of {what}'),
        )
        for a in listed(event.getNumEventAssignments(), event.getEventAssignment)
    ]
    assigned = {variable for variable, _ in parts}
    assignments = tuple(_assignment(quantities, variable, value, assigned, what) for variable, value in parts)
    return TimedEvent(
        name,
        time,
        priority,
        assignments,
        label(event) if label(event) != name else "",
        event.getUseValuesFromTriggerTime(),
        frozenset(symbols(*(value for _, value in assignments)) - {TIME}),
    )


def _assignment(
    quantities: Quantities, variable: str, value: Expression, assigned: set[str], what: str
) -> tuple[str, Expression]:
    if variable not in quantities.species or not quantities.is_amount_state(variable):
        return quantities.names[variable], value
    compartment = quantities.species[variable].getCompartment()
    if compartment in assigned:
        raise unsupported(
            what,
            f'it sets the concentration of "{variable}" and the size of "{compartment}" at once',
            "The amount would depend on which of the two comes first",
        )
    return quantities.amount_name(variable), multiply(value, symbol(quantities.names[compartment]))


def _refuse_entangled(events: Sequence[TimedEvent]) -> None:
    """Records take place one after another; SBML may mean the values before any of them."""
    for place, event in enumerate(events):
        for earlier in events[:place]:
            if earlier.time != event.time or not event.at_trigger:
                continue
            both = sorted({name for name, _ in earlier.assignments} & event.used)
            if both:
                raise unsupported(
                    f'events "{earlier.name}" and "{event.name}"',
                    f'both happen at {event.time:g}, and the second uses "{both[0]}", which the first sets',
                    "SBML takes the value before both, an event table the value after the first",
                    "Set useValuesFromTriggerTime to false if the order is meant",
                )
