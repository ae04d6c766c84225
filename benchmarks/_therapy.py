"""The therapy model itself over 26 weeks: our engine against libroadrunner on the document that we export."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks._quiet import quiet
from benchmarks._waiting import REGIMEN, WEEKS
from rekindle.engine import DEFAULT_TOLERANCE, EventTable, solve
from rekindle.modelling import to_sbml
from rekindle.people import Population, output_times, simulate_people
from rekindle.regimen import parse_regimen
from rekindle.therapy import dose_records, export_events, therapy_model

#: Outputs are compared a little after the moments of doses, where engines report different sides of a jump.
_AFTER_H = 0.011
_WEIGHT_KG = 70.0
_PEER_TOLERANCES = (1e-6, 1e-7, 1e-8, 1e-9)
#: libroadrunner looks for triggers only between steps, so that its steps must not pass over one.
_LONGEST_STEP_H = 0.5


def therapy(people: int, rounds: int, say: Callable[[str], None]) -> str:
    """The section of the page."""
    model, regimen = therapy_model(), parse_regimen(REGIMEN)
    times = np.asarray(output_times(regimen, WEEKS * 7 * 24.0))
    say("therapy model: our own engine")
    own = [_own(people, times) for _ in range(rounds + 1)][1:]
    lines = [
        f"Workload: `{REGIMEN}`, {len(model.states)} states, {len(model.outputs)} outputs at {len(times)} "
        "times.",
        "",
        f"Rekindle: **{statistics.median(own):.4g} people per CPU second** ({min(own):.4g} to "
        f"{max(own):.4g}, {people} people with variability, relative tolerance {DEFAULT_TOLERANCE:g}).",
    ]
    try:
        import roadrunner
    except ImportError:
        return "\n".join([*lines, "", "libroadrunner is missing (`pip install libroadrunner`).", ""])
    say("therapy model: libroadrunner")
    events = EventTable.from_rows(dose_records(regimen, weight_kg=_WEIGHT_KG), model)
    apart = times + _AFTER_H
    reference = solve(model, events, times=apart, tolerance=1e-12)
    usual = solve(model, events, times=apart)
    names = [n for n in model.outputs if n in reference]
    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_ERROR)
    runner = roadrunner.RoadRunner(to_sbml(model, events=export_events(model, regimen, _WEIGHT_KG, "D1")))
    runner.integrator.maximum_time_step = _LONGEST_STEP_H
    known = set(runner.model.getGlobalParameterIds())
    runner.timeCourseSelections = ["time", *(_their_name(n, known) for n in names)]
    wanted = np.column_stack([reference[n][0] for n in names])
    lines += [
        "", "| engine | tolerance | largest error | median error over outputs | people per CPU second |",
        "|---|---|---|---|---|",
        _row("Rekindle", DEFAULT_TOLERANCE, np.column_stack([usual[n][0] for n in names]), wanted,
             statistics.median(own)),
    ]  # fmt: skip
    for tolerance in _PEER_TOLERANCES:
        runner.integrator.relative_tolerance = tolerance
        runner.integrator.absolute_tolerance = tolerance * 1e-3
        rates = []
        try:
            for _ in range(rounds):
                runner.reset(roadrunner.SelectionRecord.ALL)
                start = time.process_time()
                with quiet():
                    found = runner.simulate(times=[0.0, *apart])
                rates.append(1 / (time.process_time() - start))
        except RuntimeError as problem:
            lines.append(f"| libroadrunner | {tolerance:g} | failed: {str(problem)[:60]} | | |")
            continue
        lines.append(
            _row("libroadrunner", tolerance, np.asarray(found)[1:, 1:], wanted, statistics.median(rates))
        )
    return "\n".join(
        [
            *lines,
            "",
            "Errors are relative to the largest value of each output, for the typical person, against our "
            "own engine at tolerance 1e-12; both work on the same equations, one of them reads them from the "
            f"exported SBML, with steps of at most {_LONGEST_STEP_H} h, so that it misses no trigger.",
            "",
        ]
    )


def _own(people: int, times: np.ndarray) -> float:
    who = Population(people, seed=1)
    start = time.process_time()
    simulate_people(REGIMEN, who, times=times)
    return people / (time.process_time() - start)


def _their_name(name: str, known: set[str]) -> str:
    return f"output_{name}" if f"output_{name}" in known else name


def _row(label: str, tolerance: float, found: np.ndarray, wanted: np.ndarray, rate: float) -> str:
    scale = np.maximum(np.abs(wanted).max(axis=0), 1e-12)
    errors = (np.abs(found - wanted) / scale).max(axis=0)
    return f"| {label} | {tolerance:g} | {errors.max():.1e} | {np.median(errors):.1e} | {rate:.4g} |"
