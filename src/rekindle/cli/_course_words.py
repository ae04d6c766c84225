"""Say in words and numbers what came out of a simulated course."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekindle.cli._course import Request, reached_shares
from rekindle.cli._course_outputs import ACUTE_STATES, MOOD, PLASMA, STATE_PEAKS, peak_labels

if TYPE_CHECKING:
    from rekindle.engine import Trajectory
    from rekindle.people import ScoreUncertainty, Setting
    from rekindle.report import CourseReport, CourseSummary
    from rekindle.therapy import Compound


def summarise(
    request: Request, trajectory: Trajectory, sure: Sequence[ScoreUncertainty] = ()
) -> CourseSummary:
    """The course in words and few numbers; ``sure`` says how sure its score is."""
    from rekindle.report import CourseSummary, find_peaks, scores_by_day

    measured = _peak_words(request)
    states = {name: label for name, label in STATE_PEAKS.items() if name in trajectory.names}
    asked = {name: request.model.outputs[name].description or name for name in request.outputs}
    for name, label in asked.items():
        (measured if trajectory.measurable[name] else states).setdefault(name, label)
    shares = (
        reached_shares(request, trajectory)
        if MOOD in trajectory.names and not request.group.typical
        else None
    )
    return CourseSummary(
        title=request.regimen.describe(),
        what=_words(request, trajectory),
        people=len(trajectory.ids),
        peaks=find_peaks(trajectory, measured, sessions_h=_starts(request)),
        scores=scores_by_day(trajectory, MOOD, shares=shares) if MOOD in trajectory.names else (),
        sure=tuple(sure),
        states=(
            *find_peaks(
                trajectory, {n: states[n] for n in states if n in ACUTE_STATES}, sessions_h=_starts(request)
            ),
            *find_peaks(trajectory, {n: states[n] for n in states if n not in ACUTE_STATES}),
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
        ("Device", f"{trajectory.solver.device} ({trajectory.solver.device_reason})"),
        ("Rekindle", version()),
    ]
    bands = trajectory_bands(trajectory)
    return CourseReport(
        summary, bands, request.regimen.given, _starts(request), facts, compound=request.regimen.compound
    )


def _peak_words(request: Request) -> dict[str, str]:
    """The words of the peaks; those of plasma name the compound that is not ketamine."""
    labels = peak_labels(request.model)
    if not request.regimen.compound:
        return labels
    return {
        name: request.model.outputs[name].description if name in PLASMA else label
        for name, label in labels.items()
    }


def _starts(request: Request) -> list[float]:
    return [session.time_h for session in request.regimen.sessions]


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
