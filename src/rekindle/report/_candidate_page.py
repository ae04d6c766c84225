"""The report of a candidate compound: what it would do beside ketamine, and what is known of it at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rekindle.report._figures_candidate import Curve, candidate_figure
from rekindle.report._figures_comparison import Bar, comparison_bars_figure
from rekindle.report._format import interval, number
from rekindle.report._page import Page, PageFigure, PageTable, Section, render_page

if TYPE_CHECKING:
    from rekindle.people import CandidateComparison, CandidateRow, Readout
    from rekindle.therapy import Compound, Measure

#: Field of a readout -> words, digits behind the point, and factor for the unit in the words.
_READOUTS: dict[str, tuple[str, int, float]] = {
    "dose_mg": ("dose, mg", 1, 1.0),
    "plasma": ("plasma, peak, ng/mL", 0, 1.0),
    "block": ("block of interneurons, peak, % (state)", 0, 100.0),
    "pyramidal_block": ("block of pyramidal cells, peak, % (state)", 0, 100.0),
    "glutamate": ("glutamate, peak, 1 is the baseline (state)", 2, 1.0),
    "effect_24h": ("severity removed at 24 h, %", 0, 100.0),
    "effect_7d": ("severity removed at 7 days, %", 0, 100.0),
    "dissociation": ("dissociation, peak, 0 to 1 (state)", 2, 1.0),
    "systolic_rise": ("systolic rise, peak, mmHg", 1, 1.0),
    "liking": ("liking, peak, 50 is neutral", 0, 1.0),
    "sedated": ("MOAA/S 4 or less, highest probability, %", 0, 100.0),
}
_SESSION = ("dissociation", "systolic_rise", "liking", "sedated")
_SESSION_TITLES = ("Dissociation (state)", "Systolic rise (mmHg)", "Liking (50 neutral)", "Sedation (%)")
_STATES = {
    "interneuron_block": "Block of interneurons",
    "pyramidal_block": "Block of pyramidal cells",
    "tonic_block": "Block of the tonic current",
    "glutamate_level": "Glutamate (baseline 1)",
}
_SHOWN_H = 8.0
CANDIDATE_REMARKS = (
    "Every number of this page is a hypothesis for a study, prior only. None is evidence about a compound.",
    "How far benefit and dissociation separate rests on the preference for interneurons, on trapping and on "
    "the mechanism; no clinical number identifies any of them.",
    "Only pharmacology is compared: a typical person, without expectancy and without natural course.",
    "Mood and plasticity after the receptor are those of the ketamine model. A compound with other targets "
    "may behave otherwise.",
    "Liking is an index of reinforcement, never a risk of misuse.",
)


def candidate_figures(found: CandidateComparison) -> dict[str, PageFigure]:
    """The figures by file name; every one names the candidate with its mark."""
    label, row = found.compound.label, leading_row(found)
    names = (label, found.reference_words)
    hours = "hours after the start of the session"
    acute = f"Under {row.mechanism}, the first {_SHOWN_H:g} h"
    plasma = {"Parent drug in venous plasma": _curves(found, row, "ketamine_venous", _SHOWN_H)}
    states = {title: _curves(found, row, name, _SHOWN_H) for name, title in _STATES.items()}
    effects = {
        one.mechanism: {
            name: (time / 24.0, 100.0 * values)
            for name, (time, values) in _curves(found, one, "improvement_share", np.inf).items()
        }
        for one in found.rows
    }
    felt = {
        title: {name: _bar(found, row, field, name) for name in names}
        for field, title in zip(_SESSION, _SESSION_TITLES, strict=True)
    }
    return {
        "exposure": PageFigure(
            candidate_figure(plasma, names=names, x_label=hours, y_label="ng/mL"),
            f"Exposure. {_said(found, row, ('plasma',))}",
            f"Exposure. {acute}; the reference at {_reference_dose(row)}.",
        ),
        "receptors": PageFigure(
            candidate_figure(states, names=names, x_label=hours, y_label="share, or ratio", state=True),
            f"Receptor block and glutamate. {_said(found, row, ('block', 'pyramidal_block', 'glutamate'))}",
            f"Receptor block and glutamate. {acute}. Hypotheses: nobody has measured them in people.",
        ),
        "effect": PageFigure(
            candidate_figure(
                effects, names=names, x_label="days after the first session", y_label="severity removed, %"
            ),
            "Predicted effect. "
            + " ".join(
                f"{one.mechanism}: {_said(found, one, ('effect_24h', 'effect_7d'))}" for one in found.rows
            ),
            "Predicted effect under every mechanism, a typical person without expectancy.",
        ),
        "session": PageFigure(
            comparison_bars_figure(felt),
            f"During a session. {_said(found, row, _SESSION)}",
            f"During a session, largest value; {acute.lower()}. Line: 90 % of draws from the stated ranges.",
        ),
    }


def candidate_page(found: CandidateComparison, figures: Mapping[str, PageFigure]) -> Page:
    """The page of a candidate."""
    compound, row = found.compound, leading_row(found)
    known, assumed = _evidence(compound)
    lead = [
        f"{compound.label}: {compound.description}.",
        f"{found.regimen.describe()}. Held against {_reference(found)} at 24 h: {_reference_dose(row)} under "
        f"the mechanism {row.mechanism}. {found.label.capitalize()}.",
    ]
    sections = [
        Section("Side by side", tables=candidate_tables(found)),
        Section("Exposure", figures=[figures["exposure"]]),
        Section("Receptors and glutamate", figures=[figures["receptors"]], state=True),
        Section("Predicted effect", figures=[figures["effect"]]),
        Section("During a session", figures=[figures["session"]]),
        Section("Measured", [_measured_words(compound, known)], tables=_tables("Measured or derived", known)),
        Section(
            "Assumed", [_assumed_words(compound, assumed)], tables=_tables("Assumed or from memory", assumed)
        ),
        Section("Remarks", CANDIDATE_REMARKS),
    ]
    facts = [
        ("Candidate", compound.label),
        ("Regimen", found.regimen.to_text()),
        ("Reference", _reference(found)),
        ("Draws from stated ranges", str(found.draws)),
    ]
    return Page(f"{compound.label} beside ketamine", lead, sections, facts)


def candidate_tables(found: CandidateComparison) -> list[PageTable]:
    """One table for each mechanism: every readout of the candidate, its draws, and the reference."""
    return [_table(found, one) for one in found.rows]


def candidate_records(found: CandidateComparison) -> list[dict[str, Any]]:
    """Rows of a tidy table: compound, mechanism, what the row is, and every readout."""
    rows: list[dict[str, Any]] = []
    for one in found.rows:
        parts = {"candidate": one.candidate, "candidate, 5 % of draws": one.low,
                 "candidate, 95 % of draws": one.high, found.reference_words: one.reference}  # fmt: skip
        rows += [
            {
                "compound": found.compound.label,
                "status": found.label,
                "mechanism": one.mechanism,
                "what": what,
                **asdict(readout),
            }
            for what, readout in parts.items()
            if readout is not None
        ]
    return rows


def write_candidate(found: CandidateComparison, folder: Path) -> list[Path]:
    """Write the page, figures and the table into a folder; return what was written, the page first."""
    import pandas

    from rekindle.report._tables import write_table

    folder.mkdir(parents=True, exist_ok=True)
    figures = candidate_figures(found)
    written = [path for name, figure in figures.items() for path in figure.save(folder / name)]
    written += write_table(pandas.DataFrame(candidate_records(found)), folder / "candidate")
    page = folder / "report.html"
    page.write_text(render_page(candidate_page(found, figures)), encoding="utf-8")
    return [page, *written]


def leading_row(found: CandidateComparison) -> CandidateRow:
    """The first mechanism under which a dose of S-ketamine has the effect, else the first."""
    return next((row for row in found.rows if row.reference is not None), found.rows[0])


def _curves(found: CandidateComparison, row: CandidateRow, output: str, until_h: float) -> dict[str, Curve]:
    courses = {found.compound.label: row.candidate_course, found.reference_words: row.reference_course}
    curves = {}
    for name, course in courses.items():
        if course is not None:
            time = np.asarray(course.grid)
            shown = time <= until_h + 1e-9
            curves[name] = (time[shown], np.asarray(course[output][0, shown]))
    return curves


def _bar(found: CandidateComparison, row: CandidateRow, field: str, name: str) -> Bar:
    factor = _READOUTS[field][2]
    if name != found.compound.label:
        value = np.nan if row.reference is None else factor * getattr(row.reference, field)
        return Bar(value, value, value)
    value = factor * getattr(row.candidate, field)
    if row.low is None or row.high is None:
        return Bar(value, value, value)
    return Bar(value, factor * getattr(row.low, field), factor * getattr(row.high, field))


def _table(found: CandidateComparison, row: CandidateRow) -> PageTable:
    columns = ["", found.compound.label, "90 % of draws", found.reference_words]
    rows = [
        [
            words,
            _text(row.candidate, field),
            _range(row, field),
            _reference_text(row, field),
        ]
        for field, (words, _, _) in _READOUTS.items()
    ]
    return PageTable(f"Under the mechanism {row.mechanism}", columns, rows)


def _text(one: Readout, field: str) -> str:
    _, digits, factor = _READOUTS[field]
    return f"{max(factor * float(getattr(one, field)), 0.0):.{digits}f}"


def _reference_text(row: CandidateRow, field: str) -> str:
    if row.reference is not None:
        return _text(row.reference, field)
    return "no dose has the effect" if field == "dose_mg" else "–"


def _range(row: CandidateRow, field: str) -> str:
    if row.low is None or row.high is None:
        return "–"
    low, high = _text(row.low, field), _text(row.high, field)
    return low if low == high else f"{low} to {high}"


def _reference(found: CandidateComparison) -> str:
    if found.equal:
        return "S-ketamine at the dose with equal effect"
    return "S-ketamine in the number of devices with the nearest effect"


def _reference_dose(row: CandidateRow) -> str:
    return "no dose has the effect" if row.reference is None else f"{number(row.reference.dose_mg)} mg"


def _said(found: CandidateComparison, row: CandidateRow, names: tuple[str, ...]) -> str:
    """Readouts in words, for people who cannot see a figure."""
    parts = []
    for name, one in ((found.compound.label, row.candidate), (found.reference_words, row.reference)):
        if one is not None:
            parts.append(f"{name}: " + ", ".join(f"{_READOUTS[n][0]} {_text(one, n)}" for n in names))
    return "; ".join(parts) + "."


def _evidence(compound: Compound) -> tuple[list[list[str]], list[list[str]]]:
    """Numbers of the compound that were measured or derived, and those that were not."""
    rows = [(one.name, name, measure) for one in compound.species for name, measure in one.measures.items()]
    rows += [("kinetics", name, measure) for name, measure in compound.kinetics.items()]
    known: list[list[str]] = []
    assumed: list[list[str]] = []
    for where, name, measure in rows:
        (known if measure.mark in ("seen", "derived") else assumed).append(_row(where, name, measure))
    return known, assumed


def _row(where: str, name: str, measure: Measure) -> list[str]:
    unit = "" if measure.unit == "1" else f" {measure.unit}"
    value = "none" if measure.value is None else f"{number(measure.value, 4)}{unit}"
    spread = interval(measure.low, measure.high) if measure.low is not None else ""
    return [f"{name}, {where}", value, spread, measure.mark, measure.source]


def _tables(caption: str, rows: list[list[str]]) -> list[PageTable]:
    return [PageTable(caption, ["number", "value", "range", "mark", "source"], rows)] if rows else []


def _measured_words(compound: Compound, rows: list[list[str]]) -> str:
    if compound.hypothetical:
        return "Nothing: this molecule does not exist."
    return f"{len(rows)} numbers of its file were read in a source or follow from one."


def _assumed_words(compound: Compound, rows: list[list[str]]) -> str:
    words = f"{len(rows)} numbers of its file stand on judgement or memory."
    if compound.kinetics_like:
        words += (
            f" Its kinetics, where the file says nothing, are those of {compound.kinetics_like} "
            f"({compound.kinetics_mark}: {compound.kinetics_source or 'no source'})."
        )
    return words
