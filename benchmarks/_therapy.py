"""The therapy model itself over 26 weeks: our engine, heyoka, and libroadrunner on the exported document."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks._course import REGIMEN, WEEKS
from benchmarks._quiet import quiet
from benchmarks._workload import Array, Workload
from rekindle.engine import DEFAULT_TOLERANCE, EventTable, solve
from rekindle.modelling import to_sbml
from rekindle.people import Population, output_times, simulate_people
from rekindle.regimen import parse_regimen
from rekindle.therapy import dose_records, export_events, therapy_model

#: Outputs are compared a little after the moments of doses, where engines report different sides of a jump.
_AFTER_H = 0.011
_WEIGHT_KG = 70.0
_ROADRUNNER_TOLERANCES = (1e-6, 1e-7, 1e-8, 1e-9)
#: heyoka's tolerance is of the largest state, and the events at kinks need the small ones.
_HEYOKA_TOLERANCES = (1e-12, 1e-14, 1e-16)
#: libroadrunner looks for triggers only between steps, so that its steps must not pass over one.
_LONGEST_STEP_H = 0.5

_Prepared = tuple[tuple[float, ...], Callable[[float], Array]]


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
    events = EventTable.from_rows(dose_records(regimen, weight_kg=_WEIGHT_KG), model)
    apart = times + _AFTER_H
    reference = solve(model, events, times=apart, tolerance=1e-12)
    usual = solve(model, events, times=apart)
    names = [n for n in model.outputs if n in reference]
    wanted = np.column_stack([reference[n][0] for n in names])
    doses = tuple(export_events(model, regimen, _WEIGHT_KG, "D1"))
    workload = Workload("therapy", model, tuple(model.states), doses, apart, {})
    lines += [
        "", "| engine | tolerance | largest error | median error over outputs | people per CPU second |",
        "|---|---|---|---|---|",
        _row("Rekindle", DEFAULT_TOLERANCE, np.column_stack([usual[n][0] for n in names]), wanted,
             statistics.median(own)),
    ]  # fmt: skip
    for peer, prepare in (("heyoka", _heyoka), ("libroadrunner", _roadrunner)):
        say(f"therapy model: {peer}")
        try:
            tolerances, run = prepare(workload, names)
        except ImportError:
            lines.append(f"| {peer} | missing (`pip install {peer}`) | | | |")
            continue
        lines += [_measured(peer, tolerance, run, wanted, rounds) for tolerance in tolerances]
    return "\n".join(
        [
            *lines,
            "",
            "Errors are relative to the largest value of each output, for the typical person, against our "
            "own engine at tolerance 1e-12. All work on the same equations: heyoka on their smooth pieces, "
            "libroadrunner on the exported SBML, with steps of at most "
            f"{_LONGEST_STEP_H} h, so that it misses no trigger.",
            "",
        ]
    )


def _heyoka(workload: Workload, names: list[str]) -> _Prepared:
    from benchmarks.peers.heyoka import prepare_scalar

    scalar, nobody = prepare_scalar(workload), np.empty((1, 0))

    def run(tolerance: float) -> Array:
        found = workload.outputs(scalar(nobody, tolerance)[0])
        return np.column_stack([found[name] for name in names])

    for tolerance in _HEYOKA_TOLERANCES:
        scalar.integrator(tolerance)  # compiles
    return _HEYOKA_TOLERANCES, run


def _roadrunner(workload: Workload, names: list[str]) -> _Prepared:
    import roadrunner

    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_ERROR)
    runner = roadrunner.RoadRunner(to_sbml(workload.model, events=list(workload.doses)))
    runner.integrator.maximum_time_step = _LONGEST_STEP_H
    known = set(runner.model.getGlobalParameterIds())
    runner.timeCourseSelections = ["time", *(_their_name(n, known) for n in names)]

    def run(tolerance: float) -> Array:
        runner.integrator.relative_tolerance = tolerance
        runner.integrator.absolute_tolerance = tolerance * 1e-3
        runner.reset(roadrunner.SelectionRecord.ALL)
        with quiet():
            return np.asarray(runner.simulate(times=[0.0, *workload.times]))[1:, 1:]

    return _ROADRUNNER_TOLERANCES, run


def _measured(peer: str, tolerance: float, run: Callable[[float], Array], wanted: Array, rounds: int) -> str:
    rates = []
    try:
        for _ in range(rounds):
            start = time.process_time()
            found = run(tolerance)
            rates.append(1 / (time.process_time() - start))
    except RuntimeError as problem:
        return f"| {peer} | {tolerance:g} | failed: {str(problem)[:60]} | | |"
    if not np.isfinite(found).all():
        return f"| {peer} | {tolerance:g} | failed: it stopped before the end | | |"
    return _row(peer, tolerance, found, wanted, statistics.median(rates))


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
