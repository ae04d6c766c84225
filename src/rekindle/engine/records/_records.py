"""One record of an event table, checked on its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rekindle.errors import EventError, nearest
from rekindle.modelling import Model

#: Columns with a fixed meaning; everything else must be a covariate of the model or be named as extra.
COLUMNS = (
    "ID", "TIME", "EVID", "AMT", "RATE", "DUR", "II", "ADDL", "SS", "CMT", "DV", "MDV", "CENS", "LLOQ", "OCC",
    "EVENT",
)  # fmt: skip

OBSERVATION, DOSE, OTHER, RESET, RESET_AND_DOSE = range(5)


@dataclass(frozen=True, slots=True)
class Record:
    """One row: times in the model's time unit, amounts in the unit of the state that receives them.

    ``rate`` > 0 is an infusion rate, -1 and -2 ask for the model's rate or duration; ``duration`` > 0 is an
    infusion of that length; both 0 is a bolus. ``carried`` holds what comes back with the result unused:
    DV, MDV, CENS, LLOQ and the extra columns.
    """

    row: int
    time: float
    kind: int
    amount: float = 0.0
    rate: float = 0.0
    duration: float = 0.0
    interval: float = 0.0
    additional: int = 0
    steady_state: int = 0
    state: str = ""
    occasion: int | None = None
    event: str = ""
    covariates: Mapping[str, float] = field(default_factory=dict)
    carried: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_dose(self) -> bool:
        """Whether the record gives a dose."""
        return self.kind in (DOSE, RESET_AND_DOSE)

    @property
    def asks(self) -> bool:
        """Whether the record only asks for the outputs at its time."""
        return self.kind in (OBSERVATION, OTHER) and not self.event

    @property
    def is_reset(self) -> bool:
        """Whether the record resets the state."""
        return self.kind in (RESET, RESET_AND_DOSE)


class _Row:
    """Reads numbers from a raw row with messages that name row and person."""

    def __init__(self, values: Mapping[str, Any], number: int, person: str) -> None:
        self.values, self.number, self.person = values, number, person

    def refuse(self, code: str, given: str, **parts: str) -> EventError:
        return EventError(code, given=f"row {self.number} (person {self.person}): {given}", **parts)

    def number_of(self, column: str, default: float = 0.0) -> float:
        if column not in self.values:
            return default
        try:
            value = float(self.values[column])
        except (TypeError, ValueError):
            raise self.refuse(
                "RK-EVT-011",
                f"{column} {self.values[column]!r} is not a number",
                remedy="Write a plain number",
            ) from None
        if not math.isfinite(value):
            raise self.refuse("RK-EVT-012", f"{column} is {value}", allowed="Finite numbers only")
        return value

    def whole(self, column: str, default: int, allowed: str, low: int, high: int) -> int:
        if column not in self.values:
            return default
        value = self.number_of(column)
        if not value.is_integer() or not low <= value <= high:
            raise self.refuse("RK-EVT-013", f"{column} {value:g}", allowed=f"{column} is {allowed}")
        return int(value)


def read_record(
    values: Mapping[str, Any],
    model: Model,
    number: int,
    person: str,
    time_factor: float,
    *,
    extrapolate: bool,
    extra: Sequence[str] = (),
) -> Record:
    """Check one row and turn it into a record; ``time_factor`` converts its times to the model's unit."""
    row = _Row(values, number, person)
    if "TIME" not in values:
        raise row.refuse("RK-EVT-014", "TIME is missing", remedy="Give a TIME for every record")
    default = DOSE if row.number_of("AMT") or row.number_of("SS") else OBSERVATION
    kind = row.whole("EVID", default, "0, 1, 2, 3 or 4", 0, 4)
    record = Record(
        row=number,
        time=row.number_of("TIME") * time_factor,
        kind=kind,
        amount=row.number_of("AMT"),
        rate=_rate(row.number_of("RATE"), time_factor),
        duration=row.number_of("DUR") * time_factor,
        interval=row.number_of("II") * time_factor,
        additional=row.whole("ADDL", 0, "a whole number of 0 or more", 0, 10**7),
        steady_state=row.whole("SS", 0, "0, 1 or 2", 0, 2),
        state=_state(row, model),
        occasion=row.whole("OCC", 1, "a whole number from 1", 1, 10**7) if "OCC" in values else None,
        event=_event(row, model, kind),
        covariates=_covariates(row, model, extrapolate),
        carried=_carried(row, extra),
    )
    if record.is_dose:
        _check_dose(row, record, model)
    else:
        _check_no_dose(row, record)
    return record


def _rate(rate: float, time_factor: float) -> float:
    return rate / time_factor if rate > 0 else rate


def _state(row: _Row, model: Model) -> str:
    if "CMT" not in row.values:
        return next(iter(model.states)) if len(model.states) == 1 else ""
    given = row.values["CMT"]
    if str(given) in model.states:
        return str(given)
    states = list(model.states)
    try:
        position = float(given)
    except (TypeError, ValueError):
        position = math.nan
    if not (position.is_integer() and 1 <= position <= len(states)):
        raise row.refuse(
            "RK-EVT-015",
            f"CMT {given!r} is not a compartment{nearest(str(given), states)}",
            allowed=f"A name, or a number from 1 to {len(states)} ({', '.join(states[:12])}"
            f"{', ...' if len(states) > 12 else ''})",
        )
    return states[int(position) - 1]


def _event(row: _Row, model: Model, kind: int) -> str:
    if "EVENT" not in row.values:
        return ""
    name = str(row.values["EVENT"])
    if name not in model.events:
        raise row.refuse(
            "RK-EVT-016",
            f'EVENT "{name}" is not in the model{nearest(name, model.events)}',
            allowed=f"Events: {', '.join(model.events) or 'none'}",
        )
    if kind != OTHER:
        raise row.refuse("RK-EVT-017", f"EVENT on a record with EVID {kind}", allowed="EVENT needs EVID 2")
    return name


def _covariates(row: _Row, model: Model, extrapolate: bool) -> dict[str, float]:
    values = {}
    for name, covariate in model.covariates.items():
        if name not in row.values:
            continue
        value = row.number_of(name)
        low, high = covariate.low, covariate.high
        outside = (low is not None and value < low) or (high is not None and value > high)
        if outside and not extrapolate:
            raise row.refuse(
                "RK-EVT-018",
                f'covariate "{name}" is {value:g} {covariate.unit}',
                allowed=f"Validated from {low} to {high} {covariate.unit}",
                why="Outside that range the model has not been compared with anything",
                remedy="Correct the value, or ask for extrapolation explicitly",
            )
        values[name] = value
    return values


def _carried(row: _Row, extra: Sequence[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {name: row.number_of(name) for name in ("DV", "LLOQ") if name in row.values}
    kept |= {name: row.whole(name, 0, "0 or 1", 0, 1) for name in ("MDV", "CENS") if name in row.values}
    return kept | {name: row.values[name] for name in extra if name in row.values}


def _check_no_dose(row: _Row, record: Record) -> None:
    for column in ("AMT", "RATE", "DUR", "II", "ADDL", "SS"):
        if row.number_of(column):
            raise row.refuse(
                "RK-EVT-019",
                f"{column} is given on a record with EVID {record.kind}, which is not a dose",
                remedy="Use EVID 1 for a dose, or leave the column empty",
            )


def _check_dose(row: _Row, record: Record, model: Model) -> None:
    if not record.state:
        raise row.refuse(
            "RK-EVT-020",
            "a dose without CMT",
            allowed=f"CMT: {', '.join(list(model.states)[:12])}",
            why="The model has more than one compartment",
            remedy="Name the compartment that receives the dose",
        )
    for column, value in (("AMT", record.amount), ("DUR", record.duration), ("II", record.interval)):
        if value < 0:
            raise row.refuse("RK-EVT-021", f"{column} is negative ({value:g})", allowed="Zero or more")
    if record.rate < 0 and record.rate not in (-1.0, -2.0):
        raise row.refuse("RK-EVT-022", f"RATE {record.rate:g}", allowed="A positive rate, 0, -1 or -2")
    if record.rate and record.duration:
        raise row.refuse(
            "RK-EVT-023",
            f"both RATE {record.rate:g} and DUR {record.duration:g} are given",
            why="They contradict each other unless they say the same",
            remedy="Keep one of them",
        )
    _check_modelled(row, record, model)
    _check_repetition(row, record)


def _check_modelled(row: _Row, record: Record, model: Model) -> None:
    rule = model.dosing.get(record.state)
    if record.rate == -1.0 and (rule is None or rule.rate is None):
        raise row.refuse("RK-EVT-024", f"RATE -1, but the model has no rate({record.state})")
    if record.rate == -2.0 and (rule is None or rule.duration is None):
        raise row.refuse("RK-EVT-024", f"RATE -2, but the model has no duration({record.state})")
    modelled = rule is not None and (rule.duration is not None or rule.rate is not None)
    if modelled and "RATE" not in row.values and "DUR" not in row.values:
        raise row.refuse(
            "RK-EVT-025",
            f"a dose into {record.state} without RATE or DUR, although the model gives its duration or rate",
            why="As a bolus the modelled duration would be silently ignored",
            remedy="Write RATE -2 (modelled duration), RATE -1 (modelled rate), RATE 0 (bolus) or a DUR",
        )


def _check_repetition(row: _Row, record: Record) -> None:
    constant_infusion = record.steady_state == 1 and record.amount == 0.0 and record.rate > 0.0
    if record.additional and not record.interval:
        raise row.refuse("RK-EVT-026", f"ADDL {record.additional} without II", remedy="Give II, the interval")
    if record.steady_state and not record.interval and not constant_infusion:
        raise row.refuse(
            "RK-EVT-027",
            f"SS {record.steady_state} without II",
            remedy="Give II, or AMT 0 with RATE > 0 for the steady state of a constant infusion",
        )
    if record.interval and not (record.additional or record.steady_state):
        raise row.refuse(
            "RK-EVT-028", "II without ADDL or SS", why="It would have no effect", remedy="Remove it"
        )
    if record.amount == 0.0 and not constant_infusion:
        raise row.refuse(
            "RK-EVT-029",
            "a dose of amount 0",
            allowed="AMT > 0; AMT 0 only with SS 1, RATE > 0 and no II",
        )
