"""The report of a virtual trial: one page with the primary result first, figures, tables and data files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rekindle.report._figure_flow import flow_figure
from rekindle.report._figures_trial import (
    MOST_TRIALS,
    estimates_figure,
    power_figure,
    share_figure,
    survival_figure,
    trial_figure,
)
from rekindle.report._format import number, percent
from rekindle.report._page import Page, PageFigure, PageTable, Section, render_page
from rekindle.report._trial_tables import (
    by_arm,
    difference_table,
    primary_sentences,
    reported_table,
    variation_table,
)
from rekindle.trials import (
    Flow,
    PowerRow,
    ResultRow,
    TrialRun,
    design_words,
    has_differences,
    is_positive,
    participant_flow,
)

if TYPE_CHECKING:
    from rekindle.evidence import Reported
    from rekindle.trials import TrialData

_REPORTED_WORDS = (
    "Numbers of the study itself for which a result here has the same meaning. The model is calibrated to "
    "many of them; the evidence report says to which."
)
#: Figure that belongs to a primary result; that of changes for the others.
_FIGURE_OF = {"response": "response", "remission": "response", "relapse": "relapse"}
_EVIDENCE = (
    "Put in: the design above; the shares that leave or miss something; how people enter; the rating error "
    "of the scales. What a study or a user did not state is listed as assumed.",
    "Comes out of the model: how everybody's severity moves under drug, contact, expectancy and natural "
    "course; dissociation, blood pressure, sedation and reports in sessions; who meets the conditions of a "
    "rule.",
    "Evidence: the model's parameters are calibrated to published trials and to real patients; how well it "
    "meets them is the subject of the evidence report. This page holds no observation of a real person.",
    "A virtual trial is a way to plan. It is never evidence that a treatment works.",
)


def trial_figures(result: TrialRun, flow: Flow) -> dict[str, PageFigure]:
    """The figures by file name; those without content are left out."""
    design, rows, count = result.task.design, result.rows, len(result.best)
    many = f"mean over {count} trials; bars: the range of 90 % of them" if count > 1 else "one trial"
    figures = {
        "flow": PageFigure(
            flow_figure(flow), _flow_words(flow), "Flow of participants of the first simulated trial."
        ),
    }
    if any(_named(rows, f"{design.scale} change, observed cases")):
        begin = "the start of the phase" if design.changes_from_start else "entry into the trial"
        figures["change"] = PageFigure(
            trial_figure(rows, design.scale, from_zero=design.changes_from_start),
            _last_words(rows, f"{design.scale} change, observed cases", "points"),
            f"Mean change of {design.scale} from {begin} by visit, observed cases; {many}.",
        )
    shares = {
        name: _named(rows, f"{name} ({rule.label}), observed cases")
        for name, rule in (("response", design.response), ("remission", design.remission))
        if rule is not None
    }
    panels = [(f"{name.capitalize()}", found) for name, found in shares.items() if found]
    if panels:
        figures["response"] = PageFigure(
            share_figure(panels),
            "Response and remission by visit. "
            + "; ".join(_last_words(found, None, "%") for _, found in panels),
            f"Response and remission by visit, of those who were seen; {many}.",
        )
    if design.relapse is not None:
        well = _named(rows, f"without relapse ({design.relapse.label}), Kaplan-Meier")
        figures["relapse"] = PageFigure(
            survival_figure(well, "without relapse, %"),
            _last_words(well, None, "%"),
            f"Share without relapse ({design.relapse.label}) by the method of Kaplan and Meier; "
            + ("mean over trials and the range of 90 % of them." if count > 1 else "one trial."),
        )
    if sum(math.isfinite(one.value) for one in result.primary) > 1:
        figures["primary"] = _estimates(result)
    return figures


def trial_page(
    result: TrialRun, flow: Flow, figures: Mapping[str, PageFigure], reported: Sequence[Reported] = ()
) -> Page:
    """The page of a trial; ``reported`` is what its publication says, if it is a published one."""
    design = result.task.design
    first = _FIGURE_OF.get(design.primary.analysis, "change") if design.primary else "change"
    shown = [figures[name] for name in ("primary", first) if name in figures]
    later = [figures[name] for name in ("change", "response", "relapse") if name in figures and name != first]
    sections = [
        Section("Result", figures=shown),
        Section("Design", tables=[PageTable("What was done", ["part", "words"], design_words(design))]),
        Section("Participants", _leaving(flow), [figures["flow"]], [by_arm(result, "participants")]),
        Section("Response, remission, relapse", figures=later, tables=[by_arm(result, "effect")]),
    ]
    if has_differences(design):
        sections.append(Section("Differences", tables=[difference_table(result)]))
    safety = by_arm(result, "safety")
    if safety.rows:
        words = ["Readings and reports of all sessions of a person."]
        sections.append(Section("Safety", words, tables=[safety]))
    if reported:
        sections.append(
            Section(
                "Against what was reported",
                [_REPORTED_WORDS],
                tables=[reported_table(reported)],
            )
        )
    sections += [
        Section("Kinds of variation", _variation_words(result), (), [variation_table(result)]),
        Section("What is assumed", [*design.notes, *_missing(result)]),
        Section("What is model, and what is evidence", _EVIDENCE),
    ]
    world = result.task.world
    given = ", ".join(f"{name} = {value:g}" for name, value in world.parameters.items())
    facts = [
        ("trials", str(len(result.best))),
        ("people in each", str(design.number)),
        ("seed", str(result.task.seed)),
        ("mechanism", world.mechanism),
        ("unblinding", "yes" if world.unblinding else "switched off"),
        ("given parameters", given or "none"),
        ("drawn parameter sets", str(len(result.task.parameter_draws)) if result.drawn else "none"),
        ("differences between studies", _spread_words(result)),
    ]
    return Page(design.title, primary_sentences(result), sections, facts)


def write_trial(result: TrialRun, folder: Path, reported: Sequence[Reported] = ()) -> list[Path]:
    """Write page, figures, results over replicates and of each, and the data set of the first replicate.

    Raises:
        OutputError: an extra that is not installed.
    """
    import pandas

    from rekindle.report._tables import write_table

    folder.mkdir(parents=True, exist_ok=True)
    data = result.task.data([0])[0]
    flow = participant_flow(result.task.design, data)
    figures = trial_figures(result, flow)
    page = folder / "report.html"
    page.write_text(render_page(trial_page(result, flow, figures, reported)), encoding="utf-8")
    written = [page, *(path for name, one in figures.items() for path in one.save(folder / name))]
    written += write_table(pandas.DataFrame(result.rows), folder / "results")
    written += write_table(pandas.DataFrame(_every(result)), folder / "replicates")
    return [*written, *_data_set(result, data, folder)]


def write_power(rows: Sequence[PowerRow], folder: Path) -> list[Path]:
    """Write table and figure of power by simulation."""
    import pandas

    from rekindle.report._tables import write_table

    words = "; ".join(f"{one.number} people, effect x {one.effect:g}: {percent(one.power)}" for one in rows)
    figure = PageFigure(power_figure(rows), f"Positive trials. {words}.", "Positive trials by size.")
    return [*write_table(pandas.DataFrame(rows), folder / "power"), *figure.save(folder / "power")]


def _data_set(result: TrialRun, data: TrialData, folder: Path) -> list[Path]:
    from rekindle.report._tables import write_table

    return [
        *write_table(data.people_frame(result.task.design), folder / "people"),
        *write_table(data.observation_frame(), folder / "observations"),
    ]


def _every(result: TrialRun) -> list[dict[str, object]]:
    study = "drawn, a new study" if result.drawn else "most probable, a new study"
    kinds = (("most probable", result.best), ("drawn", result.drawn), (study, result.study))
    return [
        {"parameters": kind, "replicate": place, **asdict(found)}
        for kind, replicates in kinds
        for place, replicate in enumerate(replicates)
        for found in replicate.findings
    ]


def _named(rows: Iterable[ResultRow], outcome: str) -> list[ResultRow]:
    return [row for row in rows if row.outcome == outcome]


def _estimates(result: TrialRun) -> PageFigure:
    design = result.task.design
    primary = design.primary
    assert primary is not None, "there are primary results"
    label = {
        "relapse": "hazard ratio of relapse",
        "response": "difference of shares",
        "remission": "difference of shares",
    }.get(primary.analysis, f"difference of {primary.scale}, points")
    found = [(one, is_positive(design, one)) for one in result.primary]
    positive = sum(flag for _, flag in found)
    level = 100.0 * (1.0 - primary.alpha)
    ratios = primary.analysis == "relapse"
    between = (" / " if ratios else " - ").join(primary.arms)
    drawn = f" {MOST_TRIALS} of {len(found)} are drawn." if len(found) > MOST_TRIALS else ""
    if endless := sum(math.isinf(one.value) for one, _ in found):
        drawn += f" {endless} without a relapse in one arm are not drawn: their ratio is 0 or infinite."
    return PageFigure(
        estimates_figure(found, f"{label}, {between}", ratios=ratios),
        f"Primary result of every trial; {positive} of {len(found)} are positive.",
        f"What each trial alone would conclude: its primary result with its {level:g} % interval.{drawn}",
    )


def _flow_words(flow: Flow) -> str:
    steps = "; ".join(
        f"{one.phase}, {one.arm}: {one.started} started, {sum(one.left.values())} left, "
        f"{one.finished} went on"
        for one in flow.steps
    )
    return f"{flow.screened} screened, {flow.entered} entered. {steps}."


def _last_words(rows: Sequence[ResultRow], outcome: str | None, unit: str) -> str:
    found = [row for row in rows if outcome is None or row.outcome == outcome]
    last = {row.arm: row for row in found if math.isfinite(row.value)}
    return "; ".join(f"{arm}: {number(row.value)} {unit} on day {row.day:g}" for arm, row in last.items())


def _leaving(flow: Flow) -> list[str]:
    out = flow.screened - flow.entered
    return [
        f"In the first simulated trial {flow.screened} people were screened, {out} of them were not "
        f"eligible, and {flow.entered} entered."
    ]


def _variation_words(result: TrialRun) -> list[str]:
    scale = result.task.design.scales[result.task.design.scale]
    words = [
        "People differ within a trial (SD), trials of this size differ from each other (5 to 95 %), the "
        "parameters of the model are not known for certain, and a study may differ from others of its "
        "design. The SD of people holds what one rating of the "
        f"same person differs from another by, {scale.error:.2g} points (SD)."
    ]
    if not (result.drawn or result.study):
        return [*words, "Parameters and studies were not asked for here; --uncertainty adds them."]
    if result.drawn:
        words.append(
            "For the parameters every trial was run again with the same people, raters and chances at "
            "parameters drawn from the calibration; the column gives the root mean square of what that moved."
        )
    if result.study:
        words.append(
            "For the studies each of these trials was run once more as a study of its own: its people "
            "improve by a share of their baseline more or less than the model says, acute effects are "
            "stronger or weaker, and percentages of people are counted higher or lower, by as much as "
            "the calibration found studies of one design to differ. Half of the variance is common to the "
            "arms of a study."
        )
    return words


def _spread_words(result: TrialRun) -> str:
    spread = result.task.study_spread
    return ", ".join(f"{kind} {value:.3g}" for kind, value in spread.items()) if result.study else "none"


def _missing(result: TrialRun) -> list[str]:
    design = result.task.design
    words = []
    if not design.dropout:
        words.append("Nobody drops out, because the design states no dropout.")
    if not design.missed_visits:
        words.append("No visit is missed, because the design states no share.")
    if design.control_class is None:
        words.append("No control class is stated: without the drug nothing changes but the scores of raters.")
    return words
