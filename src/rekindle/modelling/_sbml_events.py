"""Doses, named events, peaks and crossings of one person as events of SBML."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rekindle.errors import EventError, ModelError, nearest
from rekindle.modelling._expression import (
    Expression,
    add,
    call,
    constant,
    differentiate,
    divide,
    multiply,
    select,
    subtract,
    symbol,
    symbols,
)
from rekindle.modelling._model import CrossingEvent, DoseRule, Model, PeakEvent
from rekindle.modelling._unit_check import TIME, infusion_symbol

_KEYS = ("time", "state", "amount", "duration", "event")


@dataclass(frozen=True, slots=True)
class Happening:
    """Assignments made when ``trigger`` turns true; ``at_start`` lets it fire when it is true at time 0."""

    name: str
    trigger: Expression
    assignments: tuple[tuple[str, Expression], ...]
    at_start: bool = True


def happenings(model: Model, events: Sequence[Mapping[str, object]]) -> list[Happening]:
    """All events of a person in the order in which those of one time take place.

    Raises:
        EventError: a dose or event that the model does not know or that has impossible numbers.
        ModelError: a peak that SBML cannot express.
    """
    listed = [part for number, event in enumerate(events, start=1) for part in _listed(model, event, number)]
    peaks = [_peak(model, peak, listed) for peak in model.peaks.values()]
    return listed + peaks + [_crossing(crossing) for crossing in model.crossings.values()]


def _listed(model: Model, event: Mapping[str, object], number: int) -> Iterator[Happening]:
    unknown = [key for key in event if key not in _KEYS]
    if unknown:
        raise _refusal(
            number, f'key "{unknown[0]}" is unknown{nearest(str(unknown[0]), _KEYS)}', ", ".join(_KEYS)
        )
    time = _quantity(model, event, "time", number, needed=True)
    if event.get("state") is not None:
        yield from _dose(model, event, number, time)
    if event.get("event") is not None:
        name = str(event["event"])
        if name not in model.events:
            raise _refusal(
                number,
                f'the model has no event "{name}"{nearest(name, model.events)}',
                ", ".join(model.events) or "none",
            )
        parts = tuple((a.state, a.expression) for a in model.events[name].assignments)
        yield Happening(f"event_{number}_{name}", _from_time(time), parts)


def _dose(model: Model, event: Mapping[str, object], number: int, time: Expression) -> Iterator[Happening]:
    state = str(event["state"])
    if state not in model.states:
        raise _refusal(
            number, f'the model has no state "{state}"{nearest(state, model.states)}', ", ".join(model.states)
        )
    amount = _quantity(model, event, "amount", number, needed=True)
    duration = _quantity(model, event, "duration", number)
    rule = model.dosing.get(state, DoseRule())
    amount_in = multiply(rule.bioavailability or constant(1.0), amount)
    start = add(time, rule.lag or constant(0.0))
    if duration.equals(0.0):
        yield Happening(f"dose_{number}", _from_time(start), ((state, add(symbol(state), amount_in)),))
        return
    name = infusion_symbol(state)
    rate = divide(amount_in, duration)
    yield Happening(f"infusion_{number}_starts", _from_time(start), ((name, add(symbol(name), rate)),))
    end = add(start, duration)
    yield Happening(f"infusion_{number}_ends", _from_time(end), ((name, subtract(symbol(name), rate)),))


def _from_time(time: Expression) -> Expression:
    return call("ge", symbol(TIME), time)


def _peak(model: Model, peak: PeakEvent, listed: Sequence[Happening]) -> Happening:
    """A peak is where the slope of the expression turns from positive to not positive."""
    watched = model.inline(peak.expression)[0]
    used = symbols(watched)
    jumping = {target for happening in listed for target, _ in happening.assignments}
    obstacles = sorted(name for name in used if name.startswith("infusion(") or name in jumping)
    if obstacles:
        raise ModelError(
            "RK-MOD-034",
            given=f'event "{peak.name}": the peak depends directly on "{obstacles[0]}", which jumps',
            allowed="SBML can only express peaks of what changes continuously",
            remedy="Leave the event out of the model, or give the dose as an infusion",
        )
    slope = differentiate(watched, TIME)
    for state in model.states:
        if state in used:
            name = infusion_symbol(state)
            inflow = symbol(name) if name in jumping else constant(0.0)
            slope = slope + differentiate(watched, state) * (model.derivatives[state] + inflow)
    return Happening(peak.name, call("le", slope, constant(0.0)), _if_it_holds(peak), at_start=False)


def _crossing(event: CrossingEvent) -> Happening:
    return Happening(event.name, event.comparison, _if_it_holds(event))


def _if_it_holds(event: PeakEvent | CrossingEvent) -> tuple[tuple[str, Expression], ...]:
    holds = event.condition if event.condition is not None else constant(1.0)
    return tuple((a.state, select(holds, a.expression, symbol(a.state))) for a in event.assignments)


def _quantity(
    model: Model, event: Mapping[str, object], key: str, number: int, needed: bool = False
) -> Expression:
    """A number, or the name of a parameter that holds it."""
    value = event.get(key)
    if value is None and not needed:
        return constant(0.0)
    if isinstance(value, str) and value in model.parameters:
        return symbol(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return constant(float(value))
    allowed = "a finite number that is not negative, or the name of a parameter"
    raise _refusal(number, f"{key} is {value!r}", allowed)


def _refusal(number: int, problem: str, allowed: str) -> EventError:
    return EventError(
        "RK-EVT-090", given=f"event {number} of the SBML export: {problem}", allowed=f"Allowed: {allowed}"
    )
