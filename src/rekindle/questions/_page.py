"""The page of an answer and its files."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

from rekindle.questions._answer import Answer
from rekindle.questions._published import cells
from rekindle.questions._quantity import Quantity
from rekindle.questions._words import LONG_H, NOT_VARIED
from rekindle.report import Page, PageTable, Section, interval, number, render_page, write_table
from rekindle.therapy import mechanism_weights

#: Headings of the three kinds of statement.
EVIDENCE, MODEL, UNKNOWN = "What is evidence", "What is model", "What nobody knows"
_HOW = (
    "Each published arm is simulated as its trial was run: people, entry score, sessions, setting, raters. "
    "The interval is for an arm of that size and holds people, raters, uncertain parameters and differences "
    "between studies. Facts without an arm stand beside the number of this page. Rows with role calibrate "
    "were fitted, so that agreement with them is no independent evidence; rows with role check were not."
)


def answer_page(answer: Answer) -> Page:
    """The page: the answer, figures, published beside simulated, and what is evidence, model and unknown."""
    question, findings = answer.question, answer.findings
    sections = [Section("Figures", figures=list(findings.figures.values()))]
    if answer.published:
        tables = [published_table(answer), *findings.tables, source_table(answer), *reasons_table(answer)]
        sections.append(Section("Published beside simulated", [_HOW], tables=tables))
    sections += [
        Section(EVIDENCE, question.evidence),
        Section(MODEL, [*question.model, *findings.notes]),
        Section(UNKNOWN, question.unknown),
        Section("Simulated numbers", tables=[quantity_table(answer)]),
    ]
    return Page(f"{question.number}. {question.title}", answer.sentences, sections, facts(answer))


def facts(answer: Answer) -> list[tuple[str, str]]:
    """How the answer was made."""
    inquiry = answer.inquiry
    return [
        ("command", f"rekindle question {answer.question.number}"),
        ("simulated", answer.question.asks),
        *_effort(answer),
        ("mechanism", _mechanism(inquiry.mechanism)),
        ("seed", str(inquiry.seed)),
    ]


def _effort(answer: Answer) -> list[tuple[str, str]]:
    """How much was simulated, in the words of the question where it counts something else than people."""
    inquiry, own = answer.inquiry, answer.findings.effort
    draws = len(inquiry.parameter_draws())
    few = f"{draws}, of the same {min(inquiry.few, inquiry.people)} people each" if draws else "none"
    return list(own) or [("people", str(inquiry.people)), ("parameter draws", few)]


def _mechanism(name: str) -> str:
    """The mechanism that an answer rests on, with the weights in averaged predictions."""
    weights = mechanism_weights()
    if name not in weights:
        return f"{name} (not calibrated)"
    others = ", ".join(f"{other} {weight:.2f}" for other, weight in weights.items() if other != name)
    return f"{name} (weight {weights[name]:.2f} by prediction of studies left out; {others})"


def quantity_table(answer: Answer) -> PageTable:
    """Every simulated number with both intervals."""
    return PageTable(
        "Mean or share of the virtual people; intervals hold 90 %. Not varied: every draw gives the same",
        ("quantity", "value", "between people", "by uncertainty of the parameters"),
        [quantity_cells(one) for one in answer.quantities.values()],
    )


def quantity_cells(one: Quantity) -> list[str]:
    """A row of the table, as texts."""
    long = one.unit == "h" and one.value >= LONG_H
    unit, factor = ("days", 24.0) if long else (one.unit, 1.0)
    value = number(one.value / factor)
    places = len(value.partition(".")[2])

    def told(ends: tuple[float, float]) -> str:
        low, high = (round(end / factor, places) for end in ends)
        if low == high:
            return f"{number(low)} after rounding"
        return interval(low, high) if math.isfinite(low + high) else ""

    parameters = told(one.parameters)
    if parameters and not one.varied:
        parameters = "" if one.at_least else NOT_VARIED

    people = told(one.people) if one.over == "people" else ""
    return [
        f"{one.label}, {unit}" if unit != "1" else one.label,
        f"{value} or more" if one.at_least else value,
        people,
        parameters,
    ]


def published_table(answer: Answer) -> PageTable:
    """Published numbers beside simulated ones; the last column is the number of the source."""
    sources = _sources(answer)
    return PageTable(
        "Published numbers beside simulated ones",
        ("what", "published", "simulated", "90 % interval", "mark, role", "source"),
        [[*cells(one), str(sources.index(one.source) + 1)] for one in answer.published],
    )


def source_table(answer: Answer) -> PageTable:
    """The sources of the published numbers by number."""
    rows = [[str(place), source] for place, source in enumerate(_sources(answer), 1)]
    return PageTable("Sources of the published numbers", ("", "source"), rows)


def reasons_table(answer: Answer) -> list[PageTable]:
    """Why some of the published arms are not simulated; none if all are."""
    rows = [[one.label, one.remark] for one in answer.published if one.predicted is None and one.remark]
    return [PageTable("Not simulated, and why", ("what", "why"), rows)] if rows else []


def _sources(answer: Answer) -> list[str]:
    return list(dict.fromkeys(one.source for one in answer.published))


def write_answer(answer: Answer, folder: str | Path) -> list[Path]:
    """Write page, figures and tables into a folder; return what was written, the page first.

    Raises:
        OutputError: the extras ``report`` and ``parquet`` are not installed.
    """
    import pandas

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    written = [path for name, figure in answer.findings.figures.items() for path in figure.save(place / name)]
    tables = {
        "numbers": [_numbers(one) for one in answer.quantities.values()],
        "published": [asdict(one) for one in answer.published],
        **answer.findings.courses,
    }
    for name, rows in tables.items():
        if rows:
            written += write_table(pandas.DataFrame(list(rows)), place / name)
    page = place / "report.html"
    page.write_text(render_page(answer_page(answer)), encoding="utf-8")
    return [page, *written]


def _numbers(one: Quantity) -> dict[str, object]:
    row = asdict(one)
    for name in ("people", "parameters"):
        row[f"{name}_low"], row[f"{name}_high"] = row.pop(name)
    return {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in row.items()}
