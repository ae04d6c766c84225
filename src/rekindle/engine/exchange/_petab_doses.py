"""Doses as parameters: one SBML model whose events differ from person to person by numbers alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rekindle.engine.records._event_table import EventTable
from rekindle.engine.records._records import DOSE, OBSERVATION, Record
from rekindle.errors import EventError
from rekindle.modelling import Model, Parameter

#: Time of a dose that a person does not receive: beyond every measurement.
_NEVER = 1e12
_MOST = 500


@dataclass(frozen=True, slots=True)
class Given:
    """One dose or named event of one person; ``duration`` 0 is a bolus."""

    time: float
    amount: float = 0.0
    duration: float = 0.0


class Slots:
    """Places for doses and events, as many as the person with most of them needs.

    Raises:
        EventError: RK-EVT-045 a record that cannot be expressed.
    """

    def __init__(self, model: Model, events: EventTable) -> None:
        self.model, self.people = model, dict(events.subjects)
        self.given = {person: _given(model, person, own) for person, own in self.people.items()}
        self.covariates = {person: _covariates(model, person, own) for person, own in self.people.items()}
        counts: dict[tuple[str, str], int] = {}
        for own in self.given.values():
            for key, listed in own.items():
                counts[key] = max(counts.get(key, 0), len(listed))
        if sum(counts.values()) > _MOST:
            raise EventError(
                "RK-EVT-045", given=f"the regimens need {sum(counts.values())} doses and events",
                allowed=f"At most {_MOST}", why="Each becomes an event of the SBML model",
            )  # fmt: skip
        self.slots = [(key, place) for key, count in counts.items() for place in range(count)]
        self._refuse_taken_names()

    def _refuse_taken_names(self) -> None:
        model = self.model
        taken = {*model.parameters, *model.covariates, *model.states, *model.definitions}
        for name in self.parameters():
            if name in taken:
                raise EventError(
                    "RK-EVT-045", given=f'the model has the name "{name}", which the export needs',
                    remedy="Rename it",
                )  # fmt: skip

    def _names(self, key: tuple[str, str], place: int) -> dict[str, str]:
        kind, target = key
        parts = {"event": ("time",), "bolus": ("time", "amount"), "infusion": ("time", "amount", "duration")}
        return {part: f"{kind}_{target}_{place + 1}_{part}" for part in parts[kind]}

    def parameters(self) -> dict[str, Parameter]:
        """Parameters that the SBML model has in addition, set to what the first person receives."""
        first = self._values(next(iter(self.people)))
        units = {"time": self.model.time_unit, "duration": self.model.time_unit}
        found = {}
        for key, place in self.slots:
            for part, name in self._names(key, place).items():
                unit = units[part] if part in units else self.model.states[key[1]].unit
                found[name] = Parameter(name, unit, first[name], description=f"{part} of a dose or event")
        return found

    def events(self) -> list[dict[str, object]]:
        """Events for ``to_sbml``, with parameters in the place of numbers."""
        return [
            {"event" if key[0] == "event" else "state": key[1], **self._names(key, place)}
            for key, place in self.slots
        ]

    def covariates_of_first(self) -> Mapping[str, float]:
        """Covariates of the first person."""
        return next(iter(self.covariates.values()))

    def conditions(self) -> list[dict[str, Any]]:
        """Rows of the conditions table, one a person."""
        return [
            {
                "conditionId": identifier(person),
                "conditionName": person,
                **{name: repr(value) for name, value in self.covariates[person].items()},
                **{name: repr(value) for name, value in self._values(person).items()},
            }
            for person in self.people
        ]

    def _values(self, person: str) -> dict[str, float]:
        values = {}
        for key, place in self.slots:
            own = self.given[person].get(key, [])
            dose = own[place] if place < len(own) else Given(_NEVER, 0.0, 1.0)
            for part, name in self._names(key, place).items():
                values[name] = getattr(dose, part)
        return values


def identifier(person: str) -> str:
    """Identifier of a person in PEtab; different people get different ones.

    >>> identifier("7"), identifier("a b")
    ('person_7', 'person_a_20_b')
    """
    return "person_" + re.sub(r"[^A-Za-z0-9]", lambda match: f"_{ord(match[0]):x}_", person)


def _given(model: Model, person: str, records: Sequence[Record]) -> dict[tuple[str, str], list[Given]]:
    found: dict[tuple[str, str], list[Given]] = {}
    for record in records:
        problem = _problem(model, record)
        if problem:
            raise _refusal(record, person, problem)
        if record.event:
            found.setdefault(("event", record.event), []).append(Given(record.time))
        if record.kind == DOSE:
            duration = record.amount / record.rate if record.rate > 0 else record.duration
            if record.rate > 0 and _changes_amount(model, record.state):
                raise _refusal(record, person, "RATE into a state with bioavailability; give DUR instead")
            key = ("infusion" if duration else "bolus", record.state)
            found.setdefault(key, []).extend(
                Given(record.time + copy * record.interval, record.amount, duration)
                for copy in range(record.additional + 1)
            )
    _refuse_before_dose(person, records)
    _refuse_at_once(person, found)
    return found


def _problem(model: Model, record: Record) -> str:
    if record.is_reset:
        return "a reset (EVID 3 or 4)"
    if record.steady_state:
        return "a steady state (SS)"
    if record.rate < 0:
        return "a modelled rate or duration (RATE -1 or -2)"
    if record.occasion not in (None, 1):
        return "an occasion (OCC) other than the first"
    if record.time < 0:
        return "a negative TIME"
    if record.additional > _MOST:
        return f"ADDL {record.additional}, with at most {_MOST} doses"
    return ""


def _changes_amount(model: Model, state: str) -> bool:
    return state in model.dosing and model.dosing[state].bioavailability is not None


def _refuse_before_dose(person: str, records: Sequence[Record]) -> None:
    """A program that reads PEtab sees the state after an event of the same time."""
    for place, record in enumerate(records):
        if record.kind != OBSERVATION or "DV" not in record.carried or record.carried.get("MDV"):
            continue
        for later in records[place + 1 :]:
            instant = later.event or (later.kind == DOSE and not (later.rate or later.duration))
            if later.time == record.time and instant:
                raise _refusal(
                    record,
                    person,
                    "an observation at the time of a dose that comes after it; move it a moment back",
                )


def _refuse_at_once(person: str, found: Mapping[tuple[str, str], list[Given]]) -> None:
    """Conditions change the times of events and not their order."""
    fired = {event.time for key, own in found.items() if key[0] == "event" for event in own}
    for key, own in found.items():
        clash = fired & {dose.time for dose in own} if key[0] == "bolus" else set()
        if clash:
            raise EventError(
                "RK-EVT-045",
                given=f"person {person}: a dose into {key[1]} and an event at the same TIME {min(clash):g}",
                why="PEtab version 1 cannot say which of them comes first",
                remedy="Move one of them a moment away",
            )


def _covariates(model: Model, person: str, records: Sequence[Record]) -> dict[str, float]:
    found = {}
    for name, covariate in model.covariates.items():
        values = [record.covariates[name] for record in records if name in record.covariates]
        if len(set(values)) > 1:
            raise EventError(
                "RK-EVT-045", given=f'covariate "{name}" changes within person {person}',
                why="A condition of PEtab holds from beginning to end",
            )  # fmt: skip
        value = values[0] if values else covariate.default
        if value is None:
            raise EventError(
                "RK-EVT-045", given=f'person {person}: covariate "{name}" is not given',
                remedy=f'Add a column "{name}" to the event table',
            )  # fmt: skip
        found[name] = value
    return found


def _refusal(record: Record, person: str, what: str) -> EventError:
    return EventError(
        "RK-EVT-045",
        given=f"row {record.row} (person {person}): {what}",
        why="PEtab version 1 cannot express it",
        remedy="Simulate and estimate with this package, or leave the record out",
    )
