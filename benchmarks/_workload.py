"""The workloads: a model, people whose numbers belong to them, the same doses and output times for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine import EventTable
from rekindle.modelling import Assignment, DoseRule, Model, constant, evaluate, read_model, symbol
from rekindle.people import Stream, random_generator

Array = NDArray[np.float64]

W1_MODEL = Path(__file__).with_name("w1.model")
SEED = 20_240_101

#: Coefficients of variation of the people of W1.
VARIABILITY = {
    "CL_S": 0.25, "CL_R": 0.25, "V1": 0.2, "CLN": 0.3, "K_S": 0.35, "g_bdnf": 0.35, "k_prune": 0.3,
    "tilt_synapse": 0.2,
}  # fmt: skip
#: The stress population varies these rate constants as well, each by 40 %.
STRESSED = (
    "k_site", "k_dissociation", "k_pressure", "k_tolerance", "k_recovery", "k_glutamate", "k_ampa", "k_bdnf",
    "k_mtor", "k_synapse", "k_inflammation",
)  # fmt: skip
STRESS = 0.4
#: Parameters for the derivatives of W3.
DERIVATIVES = (
    "CL_S", "V1", "CLN", "K_S", "k_site", "I_half", "g_bdnf", "k_prune", "tilt_synapse", "tau_mood"
)  # fmt: skip

_DAYS = (0, 3, 7, 10, 14, 17, 21, 24, 28, 35, 42, 49, *range(63, 176, 14))
_END_DAY = 182
_INFUSION_H = 2 / 3
_EARLY_H = (1 / 3, 2 / 3, 1.0, 1.5, 2.0, 4.0, 8.0, 24.0)
_LATE = 6


@dataclass(frozen=True)
class Segment:
    """A stretch without events: infusion rates are constant, the solver starts anew.

    ``jumps`` happen at its start, one after the other: bolus doses and named events, each a set of
    assignments worked out from the values before it.
    """

    start: float
    end: float
    rates: Mapping[str, float]
    times: Array
    jumps: tuple[tuple[Assignment, ...], ...] = ()


@dataclass(frozen=True)
class Workload:
    """What every engine integrates.

    Attributes:
        name: W1, W2 or W3.
        model: the model with typical values.
        states: states wanted, all of them outputs of the model.
        doses: mappings with ``time`` and ``state``, ``amount`` and ``duration``, or ``time`` and ``event``;
            the same for everybody.
        times: output times, the same for everybody.
        varied: parameter -> coefficient of variation.
    """

    name: str
    model: Model
    states: tuple[str, ...]
    doses: tuple[Mapping[str, float | str], ...]
    times: Array
    varied: Mapping[str, float]

    def people(self, count: int, first: int = 0) -> Array:
        """Parameters (people, varied parameters); row i depends on nothing but first + i."""
        rows = np.empty((count, len(self.varied)))
        for column, (name, variation) in enumerate(self.varied.items()):
            spread = np.sqrt(np.log1p(variation**2))
            typical = self.model.parameters[name].value
            rows[:, column] = typical
            if not variation:
                continue
            for row in range(count):
                draw = random_generator(SEED, 0, first + row, 0, Stream.PARAMETERS, name)
                rows[row, column] = typical * np.exp(spread * draw.standard_normal())
        return rows

    @property
    def stressed(self) -> Workload:
        """The same with more variability; the columns of its people are the same."""
        return replace(
            self, name=f"{self.name} stress", varied={**self.varied, **dict.fromkeys(STRESSED, STRESS)}
        )

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The course cut at every start and end of a dose, and at every named event."""
        given = [self._entering(dose) for dose in self.doses]
        infused = tuple(dict.fromkeys(str(dose["state"]) for dose in given if dose["duration"]))
        edges = {0.0, *(dose["time"] for dose in given), *(dose["time"] + dose["duration"] for dose in given)}
        cuts = [*sorted({edge for edge in edges if edge < self.times[-1]}), float(self.times[-1])]
        pieces = []
        for start, end in pairwise(cuts):
            middle = (start + end) / 2
            rates = dict.fromkeys(infused, 0.0)
            for dose in given:
                begin, length = dose["time"], dose["duration"]
                if begin <= middle < begin + length:
                    rates[dose["state"]] += dose["amount"] / length
            inside = self.times[(self.times > start) & (self.times <= end)]
            jumps = [self._jump(dose) for dose in given if dose["time"] == start and not dose["duration"]]
            pieces.append(Segment(start, end, rates, inside, tuple(jumps)))
        return tuple(pieces)

    def _entering(self, dose: Mapping[str, float | str]) -> dict[str, Any]:
        """When and how much of a dose arrives, with the typical person's lag and bioavailability."""
        if "event" in dose:
            return {"duration": 0.0, **dose}
        rule = self.model.dosing.get(str(dose["state"]), DoseRule())
        lag, share = (
            float(evaluate(self.model.inline(part or constant(usual))[0], self.typical))
            for part, usual in ((rule.lag, 0.0), (rule.bioavailability, 1.0))
        )
        return {**dose, "time": float(dose["time"]) + lag, "amount": float(dose["amount"]) * share}

    def _jump(self, dose: Mapping[str, Any]) -> tuple[Assignment, ...]:
        if "event" in dose:
            return self.model.events[dose["event"]].assignments
        return (Assignment(dose["state"], symbol(dose["state"]) + dose["amount"]),)

    @property
    def typical(self) -> dict[str, float]:
        """Parameters and covariates of the typical person."""
        values = {name: parameter.value for name, parameter in self.model.parameters.items()}
        values |= {name: covariate.default for name, covariate in self.model.covariates.items()}
        return {name: value for name, value in values.items() if value is not None}

    def outputs(self, states: Array) -> dict[str, Array]:
        """Outputs (times,) of the typical person from the states (times, states of the model)."""
        known = {**self.typical, "time": self.times, **dict(zip(self.model.states, states.T, strict=True))}
        for name in self.model.states:
            rates = [np.full(len(part.times), part.rates.get(name, 0.0)) for part in self.segments]
            known[f"infusion({name})"] = np.concatenate(rates)
        return {
            name: np.broadcast_to(evaluate(self.model.inline(output.expression)[0], known), len(self.times))
            for name, output in self.model.outputs.items()
        }

    def event_table(self, people: int) -> EventTable:
        """The doses as an event table; everybody shares one tuple of records."""
        rows = [
            {"ID": 0, "TIME": d["time"], "AMT": d["amount"], "DUR": d["duration"], "CMT": d["state"]}
            for d in self.doses
        ]
        records = EventTable.from_rows(rows, self.model).subjects["0"]
        return EventTable({str(person): records for person in range(people)})


def w1() -> Workload:
    """Workload W1: 23 states, 21 infusions, 182 days, 294 output times."""
    model = read_model(W1_MODEL)
    doses = tuple(
        {"time": day * 24.0, "state": f"depot_{side}", "amount": 20.0, "duration": _INFUSION_H}
        for day in _DAYS
        for side in "SR"
    )
    varied = {**VARIABILITY, **dict.fromkeys(STRESSED, 0.0)}
    return Workload("W1", model, tuple(model.states), doses, _times(), varied)


def w2() -> Workload:
    """Workload W2: the pharmacokinetic part of W1."""
    whole = w1()
    model = whole.model
    kinetic = tuple(name for name, state in model.states.items() if state.unit == "mg")
    varied = {name: whole.varied[name] for name in ("CL_S", "CL_R", "V1", "CLN")}
    return replace(whole, name="W2", states=kinetic, varied=varied)


def _times() -> Array:
    edges = [day * 24.0 for day in (*_DAYS, _END_DAY)]
    times: list[float] = []
    for start, end in pairwise(edges):
        times += [start + after for after in _EARLY_H]
        times += list(np.linspace(start + _EARLY_H[-1], end, _LATE + 1)[1:])
    return np.asarray(times)
