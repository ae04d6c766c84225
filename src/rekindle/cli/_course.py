"""Simulate a regimen and say in words and numbers what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rekindle.cli._people import Group

if TYPE_CHECKING:
    from rekindle.engine import Trajectory
    from rekindle.modelling import Model
    from rekindle.people import ScoreUncertainty, Setting
    from rekindle.regimen import Regimen
    from rekindle.report import CourseReport, CourseSummary
    from rekindle.therapy import Compound

#: Outputs whose peaks are reported, in words; those that a model does not have are left out.
_PEAKS = {
    "ketamine_venous": "ketamine, venous plasma",
    "norketamine": "norketamine, plasma",
    "cadss": "dissociation (CADSS)",
    "systolic_change": "systolic pressure, rise",
    "diastolic_change": "diastolic pressure, rise",
}
#: The same for published parameter sets that do not add up both enantiomers.
_PEAKS_OF_SETS = {
    "s_ketamine_venous": "S-ketamine, venous plasma",
    "ketamine_arterial": "ketamine, arterial plasma",
    "s_ketamine_arterial": "S-ketamine, arterial plasma",
    "norketamine": "norketamine, plasma",
    "s_norketamine": "S-norketamine, plasma",
}
PLASMA = ("ketamine_venous", "norketamine")
_STATE_PEAKS = {
    "interneuron_block": "NMDA block, interneurons",
    "pyramidal_block": "NMDA block, pyramidal cells",
    "glutamate_level": "glutamate (baseline 1)",
    "synapses": "synapse deficit rescued",
}
#: States that rise and fall within a session; all others build up over the course.
_ACUTE_STATES = ("interneuron_block", "pyramidal_block", "tonic_block", "glutamate_level")
#: Wanted for the figures only.
_FIGURES = ("hnk", "tonic_block", "potentiation", "spines", "expectancy_level")
MOOD = "madrs_latent"
_SCALE = "MADRS"


@dataclass(frozen=True)
class Request:
    """Everything that determines the numbers of a simulated course; ``model`` receives the doses."""

    regimen: Regimen
    model: Model
    compound: Compound | None
    group: Group
    setting: Setting
    pharmacokinetics: str
    switches: Mapping[str, str]
    parameters: Mapping[str, float]
    seed: int
    duration_h: float | None
    outputs: Sequence[str]
    notes: Sequence[str] = field(default=())
    extrapolate: bool = False


def run_course(
    request: Request,
    *,
    workers: int,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Trajectory:
    """Solve the model for everybody."""
    from rekindle.people import output_times, simulate_people

    return simulate_people(
        request.regimen,
        request.group.people,
        times=output_times(request.regimen, request.duration_h),
        outputs=wanted_outputs(request.model, request.outputs),
        setting=request.setting,
        compound=request.compound,
        pharmacokinetics=request.pharmacokinetics,
        switches=request.switches,
        typical=request.group.typical,
        parameters=request.parameters,
        allow_extrapolation=request.extrapolate,
        seed=request.seed,
        workers=workers,
        checkpoint=checkpoint,
        progress=progress,
    )


def wanted_outputs(model: Model, more: Sequence[str]) -> list[str]:
    """What the summary and the figures need, as far as the model has it, and what the user names.

    Raises:
        OutputError: a named output that the model does not have.
    """
    from rekindle.engine import output_names

    standard = [name for name in (*_STATE_PEAKS, *_FIGURES, MOOD) if name in model.outputs]
    return list(output_names(model, list(dict.fromkeys([*peak_labels(model), *standard, *more]))))


def peak_labels(model: Model) -> dict[str, str]:
    """Measurable outputs whose peaks are reported for a model, with their words."""
    labels = _PEAKS if "ketamine_venous" in model.outputs else _PEAKS_OF_SETS
    return {name: label for name, label in labels.items() if name in model.outputs}


def _peak_words(request: Request) -> dict[str, str]:
    """The words of the peaks; those of plasma name the compound that is not ketamine."""
    labels = peak_labels(request.model)
    if not request.regimen.compound:
        return labels
    return {
        name: request.model.outputs[name].description if name in PLASMA else label
        for name, label in labels.items()
    }


def how_sure(
    request: Request,
    trajectory: Trajectory,
    *,
    draws: int,
    mechanism: str | None,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ScoreUncertainty, ...]:
    """What is not known of the score, by source, on the days of the summary; nothing without mood.

    A mechanism that the user chose is taken as true.
    """
    from rekindle.people import score_uncertainty
    from rekindle.report import SCORE_DAYS
    from rekindle.therapy import calibrated_mechanisms

    assert trajectory.grid is not None
    known = mechanism is None or mechanism in calibrated_mechanisms()
    if draws < 2 or not known or request.group.typical or MOOD not in trajectory.names:
        return ()
    times = [24.0 * day for day in SCORE_DAYS if np.isclose(trajectory.grid, 24.0 * day).any()]
    return score_uncertainty(
        request.regimen,
        request.group.people,
        times,
        setting=request.setting,
        compound=request.compound,
        weights=None if mechanism is None else {mechanism: 1.0},
        switches=request.switches,
        parameters=request.parameters,
        draws=draws,
        seed=request.seed,
        workers=workers,
        progress=progress,
    )


def summarise(
    request: Request, trajectory: Trajectory, sure: Sequence[ScoreUncertainty] = ()
) -> CourseSummary:
    """The course in words and few numbers; ``sure`` says how sure its score is."""
    from rekindle.report import CourseSummary, find_peaks, scores_by_day

    measured = _peak_words(request)
    states = {name: label for name, label in _STATE_PEAKS.items() if name in trajectory.names}
    asked = {name: request.model.outputs[name].description or name for name in request.outputs}
    for name, label in asked.items():
        (measured if trajectory.measurable[name] else states).setdefault(name, label)
    shares = _shares(request, trajectory) if MOOD in trajectory.names and not request.group.typical else None
    return CourseSummary(
        title=request.regimen.describe(),
        what=_words(request, trajectory),
        people=len(trajectory.ids),
        peaks=find_peaks(trajectory, measured, sessions_h=_starts(request)),
        scores=scores_by_day(trajectory, MOOD, shares=shares) if MOOD in trajectory.names else (),
        sure=tuple(sure),
        states=(
            *find_peaks(
                trajectory, {n: states[n] for n in states if n in _ACUTE_STATES}, sessions_h=_starts(request)
            ),
            *find_peaks(trajectory, {n: states[n] for n in states if n not in _ACUTE_STATES}),
        ),
        notes=_notes(request),
        solver=str(trajectory.solver),
    )


def course_report(request: Request, trajectory: Trajectory, summary: CourseSummary) -> CourseReport:
    """What the figures and the page are made from."""
    from rekindle.cli._version import version
    from rekindle.report import CourseReport, trajectory_bands

    facts = [
        ("Regimen", request.regimen.to_text()),
        *_compound_facts(request),
        ("People", request.group.words),
        ("Pharmacokinetics", request.pharmacokinetics),
        *((name.capitalize().replace("_", " "), option) for name, option in request.switches.items()),
        *(
            (f"Set: {name}", f"{value:g} {request.model.parameters[name].unit}")
            for name, value in request.parameters.items()
        ),
        ("Seed", str(request.seed)),
        ("Solver", summary.solver),
        ("Rekindle", version()),
    ]
    bands = trajectory_bands(trajectory)
    return CourseReport(
        summary, bands, request.regimen.given, _starts(request), facts, compound=request.regimen.compound
    )


def rated_scores(request: Request, trajectory: Trajectory, days: Sequence[float]) -> dict[float, np.ndarray]:
    """MADRS on some days as raters would write it down; each person has random numbers of their own."""
    from rekindle.people import Stream, random_generator
    from rekindle.trials import rating_scale

    assert trajectory.grid is not None
    scale = rating_scale(_SCALE)
    found = [day for day in days if np.isclose(trajectory.grid, 24.0 * day).any()]
    places = [int(np.flatnonzero(np.isclose(trajectory.grid, 24.0 * day))[0]) for day in found]
    latent = trajectory[MOOD][:, places]
    rated = np.array(
        [
            scale.rate(scores, random_generator(request.seed, 0, person, 0, Stream.OBSERVATION, _SCALE))
            for person, scores in zip(trajectory.ids, latent, strict=True)
        ]
    )
    return {day: rated[:, column] for column, day in enumerate(found)}


def entry_scores(request: Request) -> np.ndarray:
    """MADRS at entry of everybody."""
    default = request.model.covariates["madrs_baseline"].default
    return np.array(
        [
            default if person.madrs_baseline is None else person.madrs_baseline
            for person in request.group.people
        ],
        dtype=float,
    )


def _starts(request: Request) -> list[float]:
    return [session.time_h for session in request.regimen.sessions]


def _shares(request: Request, trajectory: Trajectory) -> dict[float, dict[str, float]]:
    from rekindle.report import SCORE_DAYS
    from rekindle.trials import endpoint

    baseline = entry_scores(request)
    rules = [endpoint(name, _SCALE) for name in ("response", "remission")]
    return {
        day: {rule.label: float(np.mean(rule.reached(scores, baseline))) for rule in rules}
        for day, scores in rated_scores(request, trajectory, SCORE_DAYS).items()
    }


def _words(request: Request, trajectory: Trajectory) -> list[str]:
    from rekindle.report import duration

    assert trajectory.grid is not None
    words = [
        f"{request.group.words}.",
        f"Simulated for {duration(float(trajectory.grid[-1]))} from the first session.",
    ]
    if request.compound is not None:
        words.append(_compound_words(request.compound))
    if MOOD in trajectory.names:
        words.append(_setting_words(request.setting))
        mechanism = request.switches["mechanism"]
        words.append(f"Mechanism of the mood effect: {mechanism}, one of several hypotheses.")
    else:
        words.append(f"Plasma only: published parameter set {request.pharmacokinetics}.")
    return words


def _compound_words(compound: Compound) -> str:
    return (
        f"{compound.label}: {compound.description}. Mood, plasticity and differences between people are "
        "taken from ketamine."
    )


def _compound_facts(request: Request) -> list[tuple[str, str]]:
    if request.compound is None:
        return []
    from rekindle.therapy import PRIOR_ONLY

    return [("Compound", f"{request.compound.label}; {PRIOR_ONLY}")]


def _setting_words(setting: Setting) -> str:
    if setting.control_class is None:
        return "Open label, with expectancy but without the non-specific response of a trial."
    return f"Non-specific response of a trial with control class {setting.control_class}."


def _notes(request: Request) -> list[str]:
    from rekindle.people import co_medication_notes, idle_fact_notes
    from rekindle.therapy import ALTERNATIVES, coverage

    labels = {label for person in request.group.people for label in person.extrapolations}
    for person in request.group.people:
        labels |= set(coverage(request.regimen, person.weight_kg).labels)
    notes = [
        *request.regimen.warnings,
        *request.notes,
        *(f"extrapolation: {label}" for label in sorted(labels)),
    ]
    notes += co_medication_notes(request.group.people, request.regimen.product.route)
    notes += idle_fact_notes(request.group.people, request.model)
    if request.pharmacokinetics in ALTERNATIVES and request.regimen.drug == "ketamine":
        notes.append(
            f"{request.pharmacokinetics} knows one species: the whole racemate is treated as that one"
        )
    return list(dict.fromkeys(notes))
