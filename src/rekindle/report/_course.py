"""The report of a simulated course: its figures, its page and its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rekindle.report._bands import Band
from rekindle.report._figures_acute import acute_figure
from rekindle.report._figures_mood import mood_figure
from rekindle.report._figures_plasma import plasma_figure
from rekindle.report._figures_states import block_figure, state_figure
from rekindle.report._format import number
from rekindle.report._page import Page, PageFigure, PageTable, Section
from rekindle.report._style import styled
from rekindle.report._summary import CourseSummary, Peak
from rekindle.report._terminal import (
    SURE_COLUMNS,
    SURE_TITLE,
    peak_columns,
    peak_rows,
    score_columns,
    score_rows,
    sure_rows,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Output -> words in figures. What is not simulated is left out of the figures.
PLASMA_LABELS = {
    "ketamine_venous": "ketamine",
    "s_ketamine_venous": "S-ketamine",
    "ketamine_arterial": "ketamine, arterial",
    "s_ketamine_arterial": "S-ketamine, arterial",
    "norketamine": "norketamine",
    "s_norketamine": "S-norketamine",
    "hnk": "hydroxynorketamine",
}
#: The same three for a compound that is not ketamine.
COMPOUND_PLASMA = ("parent", "first metabolite", "second metabolite")
ACUTE_LABELS = {
    "cadss": "Dissociation (CADSS)",
    "systolic_change": "Systolic over baseline",
    "diastolic_change": "Diastolic over baseline",
}
INFUSION_LABELS = {
    "ketamine_venous": "Ketamine, venous plasma",
    "ketamine_arterial": "Ketamine, arterial plasma",
}
BLOCK_LABELS = {
    "interneuron_block": "interneurons",
    "pyramidal_block": "pyramidal cells",
    "tonic_block": "tonic current",
}
COURSE_STATE_LABELS = {
    "potentiation": "Fast potentiation",
    "synapses": "Rescued synapses",
    "expectancy_level": "Expectancy",
    "spines": "Nascent spines",
}
MOOD_OUTPUT = "madrs_latent"
_SURE_WORDS = (
    "The band of the figure shows how people differ if the model and its most probable parameters hold. The "
    "second table adds what is not known: how clinics and studies differ beyond their design, the parameters "
    "that the calibration leaves open, and which hypothesis of the mechanism holds. The squares of the five "
    "sources add up."
)


@dataclass(frozen=True)
class CourseReport:
    """What the report of a course is made from.

    Attributes:
        summary: words and numbers.
        bands: output -> band over people.
        arm: drug given, which sets the colours.
        sessions_h: starts of the sessions (h).
        facts: (name, text) pairs of how it was made.
        compound: compound that is not ketamine, as it is shown; every figure then names it.
    """

    summary: CourseSummary
    bands: Mapping[str, Band]
    arm: str
    sessions_h: Sequence[float]
    facts: Sequence[tuple[str, str]] = ()
    compound: str = ""


def course_figures(report: CourseReport) -> dict[str, PageFigure]:
    """All figures that the simulated outputs allow, by file name."""
    bands, start = report.bands, (report.sessions_h or [0.0])[0]
    spread = "Line: median; band: 90 % of people." if report.summary.people > 1 else "One typical person."
    figures: dict[str, PageFigure] = {}
    plasma = _plasma(bands, report.compound)
    if plasma and max(float(band.median.max()) for band in plasma) > 0:
        figures["plasma"] = _figure(
            plasma_figure(plasma[:3], start_h=start),
            plasma[:3],
            "Plasma concentration after the first session",
            spread,
        )
    acute = _labelled(bands, ACUTE_LABELS)
    if acute:
        figures["acute"] = _figure(
            acute_figure({report.arm: acute}, start_h=start),
            acute,
            "Acute effects during the first session",
            spread,
        )
    if MOOD_OUTPUT in bands:
        mood = bands[MOOD_OUTPUT]
        figures["mood"] = _figure(
            mood_figure({report.arm: mood}, sessions_h=report.sessions_h),
            [mood],
            "Course of the MADRS score without rating error",
            spread,
        )
    block = _labelled(bands, BLOCK_LABELS)
    if block:
        figures["receptor_block"] = _figure(
            block_figure(block, start_h=start),
            block,
            "NMDA receptor block in three pools, model state, not measured",
            spread,
        )
    states = _labelled(bands, COURSE_STATE_LABELS)
    if states:
        figures["plasticity"] = _figure(
            state_figure(states), states, "States behind the mood effect, model state, not measured", spread
        )
    return {name: _marked(figure, report.compound) for name, figure in figures.items()}


def course_page(report: CourseReport, figures: Mapping[str, PageFigure]) -> Page:
    """The page of a simulated course."""
    summary = report.summary
    sections = []
    if summary.peaks:
        table = _peak_table(summary, summary.peaks)
        shown = [figures[name] for name in ("acute", "plasma") if name in figures]
        sections.append(Section("During a session", figures=shown, tables=[table]))
    if summary.scores:
        words = (
            "The score is without rating error; response and remission are counted from simulated ratings."
        )
        table = PageTable("MADRS by day after the first session", score_columns(summary), score_rows(summary))
        paragraphs = [words] if summary.people > 1 else []
        mood = [figures["mood"]] if "mood" in figures else []
        tables = [table]
        if summary.sure:
            tables.append(PageTable(SURE_TITLE, SURE_COLUMNS, sure_rows(summary)))
            paragraphs.append(_SURE_WORDS)
        sections.append(Section("Mood", paragraphs, mood, tables))
    states = [figures[name] for name in ("receptor_block", "plasticity") if name in figures]
    if states or summary.states:
        words = (
            "No human measurement fixes the size of these quantities. "
            "They show how the model gets from the drug to mood."
        )
        table = _peak_table(summary, summary.states)
        sections.append(
            Section("Inside the model", [words], states, [table] if summary.states else [], state=True)
        )
    if summary.notes:
        sections.append(Section("Remarks", summary.notes))
    return Page(summary.title, summary.what, sections, report.facts)


def band_table(bands: Mapping[str, Band]) -> list[dict[str, object]]:
    """Rows of a tidy table: one for each output and time."""
    return [
        {
            "output": name,
            "unit": band.unit,
            "status": "observable" if band.measurable else "model state, not measured",
            "time_h": float(time),
            "median": float(band.median[place]),
            "low": None if band.low is None else float(band.low[place]),
            "high": None if band.high is None else float(band.high[place]),
        }
        for name, band in bands.items()
        for place, time in enumerate(band.time_h)
    ]


def write_course(report: CourseReport, folder: Path) -> list[Path]:
    """Write figures, the page and the table of bands into a folder; return what was written."""
    import pandas

    from rekindle.report._page import render_page
    from rekindle.report._tables import write_table

    folder.mkdir(parents=True, exist_ok=True)
    figures = course_figures(report)
    written = [path for name, figure in figures.items() for path in figure.save(folder / name)]
    table = pandas.DataFrame(band_table(report.bands))
    if report.compound:
        table.insert(0, "compound", report.compound)
    written += write_table(table, folder / "course")
    page = folder / "report.html"
    page.write_text(render_page(course_page(report, figures)), encoding="utf-8")
    return [page, *written]


def _marked(figure: PageFigure, compound: str) -> PageFigure:
    """The figure with the name of a compound that is not ketamine in it, and its mark."""
    if not compound:
        return figure
    with styled():
        figure.figure.suptitle(compound, fontsize=10.5, style="italic")
    return PageFigure(figure.figure, f"{compound}. {figure.alternative}", f"{compound}: {figure.caption}")


def _plasma(bands: Mapping[str, Band], compound: str = "") -> list[Band]:
    """What goes into the figure of plasma; the racemate where there is one, not its parts as well."""
    whole = ("ketamine_venous", "norketamine", "hnk")
    if compound:
        return _labelled(bands, dict(zip(whole, COMPOUND_PLASMA, strict=True)))
    return _labelled(bands, {n: PLASMA_LABELS[n] for n in whole} if whole[0] in bands else PLASMA_LABELS)


def _peak_table(summary: CourseSummary, peaks: Sequence[Peak]) -> PageTable:
    return PageTable("Largest value in each person", peak_columns(summary), peak_rows(summary, peaks))


def _labelled(bands: Mapping[str, Band], labels: Mapping[str, str]) -> list[Band]:
    return [replace(bands[name], label=label) for name, label in labels.items() if name in bands]


def _figure(figure: Figure, bands: Sequence[Band], caption: str, spread: str) -> PageFigure:
    words = "; ".join(_words(band) for band in bands)
    return PageFigure(figure, f"{caption}. {words}.", f"{caption}. {spread}")


def _words(band: Band) -> str:
    """What a band looks like, for people who cannot see it."""
    unit = "" if band.unit == "1" else f" {band.unit}"
    top = int(band.median.argmax())
    first, largest, last = (f"{number(float(band.median[place]))}{unit}" for place in (0, top, -1))
    when = number(float(band.time_h[top]))
    return f"{band.label}: starts at {first}, largest {largest} after {when} h, {last} at the end"
