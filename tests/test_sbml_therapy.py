"""The exported therapy model runs in libroadrunner and in COPASI to the numbers of our own engine.

Everything is compared at a relative 1e-6, at every time and for every output and state. Far below the largest
value of a course (a billionth of it) numbers are compared at that absolute size, because there a solver's
absolute tolerance is all that is left.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from rekindle.engine import EventTable, solve
from rekindle.modelling import Model, Output, symbol, to_sbml
from rekindle.regimen import parse_regimen
from rekindle.therapy import dose_records, export_events, therapy_model
from sbml_engines import run_in_copasi, run_in_roadrunner

pytest.importorskip("roadrunner")
pytest.importorskip("basico")

HALF_YEAR = {
    "iv": "ketamine 0.5 mg/kg iv over 40 min, weekly x 21",
    "nasal": "esketamine nasal 84 mg, twice weekly x 4 weeks, then weekly x 4, then every 2 weeks x 9",
}
ALTERNATIVES = [
    {"mechanism": "tonic_eef2"},
    {"mechanism": "hnk_direct"},
    {"mechanism": "mixture"},
    {"mood": "double_well"},
]
WEIGHT_KG = 70.0
# Around a session, but not at the moments of events, where one reports the left and one the right limit.
IN_SESSION_H = (0.011, 0.3, 0.7, 1.011, 2.0, 4.0, 12.0)

Course = tuple[np.ndarray, dict[str, np.ndarray], str]


def with_states(model: Model) -> Model:
    """The model with every state as an output of its own, so that our engine reports it too."""
    extra = {
        name: Output(name, state.unit, symbol(name), state.description, measurable=False)
        for name, state in model.states.items()
        if name not in model.outputs and name not in model.definitions
    }
    return replace(model, outputs={**model.outputs, **extra})


@cache
def course(text: str, days: int, switches: tuple[tuple[str, str], ...] = ()) -> Course:
    """Times, our own numbers, and the SBML of one course."""
    model, regimen = with_states(therapy_model(**dict(switches))), parse_regimen(text)
    sessions = [session.time_h for session in regimen.sessions]
    near = [start + after for start in sessions for after in IN_SESSION_H]
    times = np.unique(np.round([*near, *np.arange(0.011, 24.0 * days, 24.0)], 6))
    events = EventTable.from_rows(dose_records(regimen, weight_kg=WEIGHT_KG), model)
    own = solve(model, events, times=times, tolerance=1e-11)
    sbml = to_sbml(model, events=export_events(model, regimen, WEIGHT_KG, "D1"))
    return times, {name: own[name][0] for name in own.names}, sbml


def assert_same(theirs: dict[str, np.ndarray], own: dict[str, np.ndarray]) -> None:
    worst = {}
    for name, values in own.items():
        bound = 1e-6 * np.abs(values) + 1e-9 * np.abs(values).max() + 1e-15
        worst[name] = float((np.abs(theirs[name] - values) / bound).max())
    assert max(worst.values()) <= 1.0, sorted(worst.items(), key=lambda item: -item[1])[:5]


@pytest.mark.parametrize("run", [run_in_roadrunner, run_in_copasi])
@pytest.mark.parametrize("text", HALF_YEAR.values(), ids=list(HALF_YEAR))
def test_half_a_year_of_sessions_runs_to_the_same_numbers(text: str, run: Any) -> None:
    assert len(parse_regimen(text).sessions) == 21
    times, own, sbml = course(text, 182)
    assert len(own) > 110
    assert own["cue"].max() > 0.1, "the peak event must have fired"
    assert_same(run(times, own, sbml), own)


@pytest.mark.parametrize("run", [run_in_roadrunner, run_in_copasi])
@pytest.mark.parametrize("switches", ALTERNATIVES, ids=lambda chosen: "-".join(chosen.values()))
def test_every_form_of_the_model_runs_to_the_same_numbers(switches: dict[str, str], run: Any) -> None:
    times, own, sbml = course("ketamine 0.5 mg/kg iv over 40 min, weekly x 2", 10, tuple(switches.items()))
    assert_same(run(times, own, sbml), own)
