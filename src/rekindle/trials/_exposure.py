"""Simulate what people of a trial have received and are to receive, and read it at their own times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import EventTable, solve
from rekindle.modelling import Model
from rekindle.people import Variability, default_variability, draw_parameters
from rekindle.regimen import Dose, Regimen, Session
from rekindle.therapy import ParameterSet, adverse_events, control_response, dose_records, therapy_model
from rekindle.trials._design import Arm, Design
from rekindle.trials._enrolment import Participant

Array = NDArray[np.float64]

MOOD = "improvement_share"
LEVELS = tuple(f"p_moaas_{level}" for level in (4, 3, 2, 1, 0))
#: Parameters that scale with the effect of the drug on mood, and the one that carries unblinding.
DRUG_EFFECT = ("EP", "ES", "EA")
UNBLINDING = "x1"
#: Relative tolerance of the solver; scores are whole points.
_TOLERANCE = 1e-6
_NOTHING = (Dose(0.0, "mg", 0.5),)
_DIGITS = 6


@dataclass(frozen=True)
class World:
    """What is assumed about drug and mind, the same for everybody in a run.

    Attributes:
        mechanism: hypothesis that carries the mood effect.
        effect: factor on the drug's effect on mood.
        unblinding: False switches off what people conclude from acute effects.
        drawn: parameters that replace those of the shipped calibration and the typical kinetics.
        parameters: typical values that are given; they replace all others.
    """

    mechanism: str = "disinhibition"
    effect: float = 1.0
    unblinding: bool = True
    drawn: ParameterSet = field(default_factory=ParameterSet)
    parameters: Mapping[str, float] = field(default_factory=dict)

    def model(self, design: Design) -> Model:
        """The therapy model of a design."""
        rise = "on" if design.session_rise else "off"
        return therapy_model(mechanism=self.mechanism, session_pressure=rise)

    def typical(self, design: Design) -> dict[str, float]:
        """Typical values: control class, given values, then effect and unblinding."""
        model = self.model(design)
        values: dict[str, float] = {}
        if design.control_class is not None:
            known = control_response(design.control_class, mechanism=self.mechanism)
            found = {**known.parameters, **self.drawn.control.get(known.name, {})}
            values |= {name: value for name, value in found.items() if name in model.parameters}
        values |= {**self.drawn.pharmacokinetics, **self.drawn.values, **self.parameters}
        if self.effect != 1.0:
            for name in DRUG_EFFECT:
                usual = values.get(name, model.parameters[name].value)
                assert usual is not None, "the data file gives it"
                values[name] = self.effect * usual
        if not self.unblinding:
            values[UNBLINDING] = 0.0
        return values


def outputs(design: Design) -> tuple[str, ...]:
    """Outputs of the model that a design observes."""
    if design.acute is None:
        return (MOOD,)
    reports = tuple(f"p_report_{event}" for event in adverse_events())
    return (MOOD, "cadss", "systolic_change", "diastolic_change", *LEVELS, *reports)


def draw_course_parameters(
    design: Design, world: World, people: Sequence[Participant], *, seed: int, replicate: int
) -> None:
    """Give everybody the parameters that they keep through the trial."""
    model, typical = world.model(design), world.typical(design)
    slots = max(1, sum(len(phase.sessions) for phase in design.phases))
    known = _variability(world.mechanism, _varies(design))
    known = known.with_spread(world.drawn.spread).with_correlation(world.drawn.correlation)
    for one in people:
        one.parameters = draw_parameters(
            model, known, seed=seed, trial=replicate, person=one.number, occasions=slots, typical=typical
        )


@dataclass(frozen=True, slots=True)
class Request:
    """One person, the sessions to come (time in h, slot, arm, dose in mg), and the times to be read."""

    key: str
    participant: Participant
    sessions: tuple[tuple[float, int, str, float | None], ...]
    times: tuple[float, ...]

    @property
    def content(self) -> tuple[Any, ...]:
        """What the course depends on; two versions of a person with the same parameters may share it."""
        one = self.participant
        return id(one.parameters), self.sessions, tuple(one.changes), tuple(one.periods), self.times


def expose(design: Design, world: World, requests: Sequence[Request]) -> dict[str, Mapping[float, Array]]:
    """Outputs (in the order of ``outputs``) of everybody at their times: key -> time -> values."""
    model = world.model(design)
    same: dict[tuple[Any, ...], list[str]] = {}
    unique: list[Request] = []
    for request in requests:
        keys = same.setdefault(request.content, [])
        if not keys:
            unique.append(request)
        keys.append(request.key)
    rows = [row for request in unique for row in _rows(design, model, request)]
    found = solve(
        model,
        EventTable.from_rows(rows, model, extrapolate=True),
        parameters={request.key: dict(request.participant.parameters) for request in unique},
        outputs=outputs(design),
        tolerance=_TOLERANCE,
    )
    readings: dict[str, dict[float, Array]] = {request.key: {} for request in unique}
    for person, time, values in zip(found.person, found.time, found.rows, strict=True):
        readings[found.ids[person]][round(float(time), _DIGITS)] = values
    return {key: readings[keys[0]] for keys in same.values() for key in keys}


def moment(time_h: float) -> float:
    """A time as requests and readings know it."""
    return round(float(time_h), _DIGITS)


def _rows(design: Design, model: Model, request: Request) -> list[dict[str, Any]]:
    one = request.participant
    facts = one.person.covariates(model)
    rows: list[dict[str, Any]] = [{"TIME": 0.0, "EVID": 2, **facts, **_first_values(one)}]
    for time, covariate, value in one.changes:
        if time > 0.0:
            rows.append({"TIME": time, "EVID": 2, covariate: value})
    periods = sorted(one.periods)
    for time, slot, arm, dose in request.sessions:
        opens = bool(periods) and time >= periods[0]
        if opens:
            periods = [start for start in periods if start > time]
        regimen = session_of(design.arms[arm], dose)
        found = dose_records(
            regimen,
            weight_kg=one.person.weight_kg,
            first_occasion=slot,
            control=design.control_class if opens else None,
        )
        rows += [{**row, "TIME": row["TIME"] + time} for row in found]
    rows += [{"TIME": moment(time), "EVID": 0} for time in request.times]
    # Sorting keeps the order of equal times: facts, then sessions, then readings.
    return [{"ID": request.key, **row} for row in sorted(rows, key=lambda row: float(row["TIME"]))]


def _first_values(one: Participant) -> dict[str, float]:
    values = dict.fromkeys((name for _, name, _ in one.changes), 0.0)
    return values | {name: value for time, name, value in one.changes if time <= 0.0}


@lru_cache(maxsize=256)
def session_of(arm: Arm, dose: float | None) -> Regimen:
    """One session of an arm, with another dose if one is given."""
    if arm.session is None:
        return Regimen.of(drug="saline", product="iv_infusion", sessions=[Session(0.0, _NOTHING)])
    regimen = arm.session
    if dose is None:
        return regimen
    first = regimen.sessions[0].doses[0]
    doses = (replace(first, amount=dose, unit="mg"),)
    return Regimen.of(drug=regimen.drug, product=regimen.product, sessions=[Session(0.0, doses)])


def dose_mg(arm: Arm, dose: float | None, weight_kg: float) -> float:
    """Amount that one session of an arm brings; 0 without an active substance."""
    if arm.session is None:
        return 0.0
    given = session_of(arm, dose).sessions[0].doses
    return sum(one.amount * (weight_kg if one.unit == "mg/kg" else 1.0) for one in given)


def _varies(design: Design) -> bool:
    """Whether absorption of a product in it varies between the sessions of one person."""
    routes = {arm.session.product.route for arm in design.arms.values() if arm.session is not None}
    return bool(routes & {"nasal", "sl"})


@cache
def _variability(mechanism: str, varies: bool) -> Variability:
    known = default_variability(mechanism=mechanism).of(therapy_model(mechanism=mechanism))
    return known if varies else known.without("occasion")
