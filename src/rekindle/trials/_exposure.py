"""Simulate what people of a trial have received and are to receive, and read it at their own times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import solve
from rekindle.modelling import Model
from rekindle.people import Variability, default_variability, draw_crowd
from rekindle.therapy import ParameterSet, adverse_events, control_response, therapy_model
from rekindle.trials._design import Design
from rekindle.trials._enrolment import Participant
from rekindle.trials._requests import Request, course_events

Array = NDArray[np.float64]

MOOD = "improvement_share"
LEVELS = tuple(f"p_moaas_{level}" for level in (4, 3, 2, 1, 0))
#: Parameters that scale with the effect of the drug on mood, and the one that carries unblinding.
DRUG_EFFECT = ("EP", "ES", "EA")
UNBLINDING = "x1"
#: Relative tolerance of the solver; scores are whole points.
_TOLERANCE = 1e-6


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
    numbers = [one.number for one in people]
    drawn = draw_crowd(model, known, numbers, seed=seed, trial=replicate, occasions=slots, typical=typical)
    for place, one in enumerate(people):
        one.parameters = drawn.of(place)


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
    if not unique:
        return {}
    found = solve(
        model,
        course_events(design, model, unique),
        parameters={request.key: request.participant.parameters for request in unique},
        outputs=outputs(design),
        tolerance=_TOLERANCE,
    )
    ends = np.cumsum(found.rows_each)
    readings = {
        key: dict(zip(times.tolist(), rows, strict=True))
        for key, times, rows in zip(
            found.ids, np.split(found.time, ends[:-1]), np.split(found.rows, ends[:-1]), strict=True
        )
    }
    return {key: readings[keys[0]] for keys in same.values() for key in keys}


def _varies(design: Design) -> bool:
    """Whether absorption of a product in it varies between the sessions of one person."""
    routes = {arm.session.product.route for arm in design.arms.values() if arm.session is not None}
    return bool(routes & {"nasal", "sl"})


@cache
def _variability(mechanism: str, varies: bool) -> Variability:
    known = default_variability(mechanism=mechanism).of(therapy_model(mechanism=mechanism))
    return known if varies else known.without("occasion")
