"""The report on the evidence: every published row beside its prediction, failures first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rekindle.report._evidence_rows import (
    EFFECT_SIZE,
    POINTS,
    PRESSURE,
    SHARES,
    EvidencePoint,
    evidence_points,
    grouped,
    inside,
    of_role,
    roles_of,
    worst,
)
from rekindle.report._evidence_tables import (
    LISTED,
    Grouping,
    absent_tables,
    group_table,
    miss_tables,
    role_words,
)
from rekindle.report._figures_evidence import outcome_evidence_figure, plasma_evidence_figure
from rekindle.report._format import number
from rekindle.report._page import Page, PageFigure, Section

if TYPE_CHECKING:
    from rekindle.evidence import Prediction

_FIGURES = {
    POINTS: ("predicted_points", "Scores of rating scales"),
    SHARES: ("predicted_per_cent", "Shares of people and percent reductions"),
    PRESSURE: ("predicted_pressure", "Peak changes of blood pressure"),
    EFFECT_SIZE: ("predicted_effect_size", "Effect sizes"),
}
_KEY_WORDS = (
    "the line is perfect agreement, vertical strokes are 90 % intervals. Filled points lie outside their "
    "interval; the worst are numbered and named below."
)


def evidence_figures(plasma: Prediction, outcomes: Prediction) -> dict[str, PageFigure]:
    """Predicted against observed, by file name; a family of outcomes without rows has no figure.

    Args:
        plasma: predictions of a table of pharmacokinetic arms.
        outcomes: predictions of a table of clinical outcomes.
    """
    rows = evidence_points(plasma)
    figures = {}
    if inside(rows)[1]:
        figures["predicted_pk"] = PageFigure(
            plasma_evidence_figure(rows),
            f"Plasma, predicted against observed on logarithmic axes. {_scatter_words(rows)}",
            "Plasma: concentrations, areas, times and ratios. The shaded band is a ratio of 0.67 to 1.5; "
            f"{_KEY_WORDS}",
        )
    by_family = grouped(evidence_points(outcomes), lambda point: point.family)
    for family, (name, title) in _FIGURES.items():
        own = by_family.get(family, [])
        if inside(own)[1]:
            figures[name] = PageFigure(
                outcome_evidence_figure(own, family),
                f"{title}, predicted against observed. {_scatter_words(own)}",
                f"{title}. {_sentence(_KEY_WORDS)}",
            )
    return figures


def evidence_page(plasma: Prediction, outcomes: Prediction, figures: dict[str, PageFigure]) -> Page:
    """The page of the report; its first paragraph says where the model fails."""
    rows, results = evidence_points(plasma), evidence_points(outcomes)
    both = [*rows, *results]
    clinical = [figure for name, figure in figures.items() if name != "predicted_pk"]
    sections = [
        Section("Where it fails", [_listing_words()], tables=miss_tables(both)),
        Section(
            "Plasma", _role_sentences(rows), [figures["predicted_pk"]] if "predicted_pk" in figures else []
        ),
        *_role_sections("Plasma", rows),
        Section("Clinical outcomes", _role_sentences(results), clinical),
        *_role_sections("Outcomes", results),
        Section("Not simulated", [_absent_words(both)], tables=absent_tables(both)),
    ]
    facts = (
        ("People for each arm", _both(plasma.n_people, outcomes.n_people)),
        ("Seed", _both(plasma.seed, outcomes.seed)),
        ("Rows", f"{len(rows)} plasma, {len(results)} clinical outcomes"),
        ("Complete tables", "predicted_pk.csv and predicted_outcomes.csv beside this page"),
    )
    return Page("Predicted against observed", _lead(rows, results), sections, facts)


def write_evidence(plasma: Prediction, outcomes: Prediction, folder: Path) -> list[Path]:
    """Write both tables, the figures and the page; return what was written, the page first."""
    from rekindle.report._page import render_page

    folder.mkdir(parents=True, exist_ok=True)
    figures = evidence_figures(plasma, outcomes)
    page = folder / "evidence.html"
    page.write_text(render_page(evidence_page(plasma, outcomes, figures)), encoding="utf-8")
    tables = {folder / "predicted_pk.csv": plasma, folder / "predicted_outcomes.csv": outcomes}
    for path, prediction in tables.items():
        prediction.to_csv(path)
    return [page, *tables, *(path for name, figure in figures.items() for path in figure.save(folder / name))]


def _lead(rows: Sequence[EvidencePoint], results: Sequence[EvidencePoint]) -> list[str]:
    both = [*rows, *results]
    failures = [_worst_words(role, of_role(both, role)) for role in roles_of(both)]
    failed = sum(point.failed for point in both)
    if failed:
        failures.insert(0, f"{failed} of {len(both)} rows fail the band of their table.")
    counts = [
        f"{role_words(role)} {_count_words(rows, role)} in plasma and {_count_words(results, role)} of "
        "clinical outcomes"
        for role in roles_of(both)
    ]
    return [
        " ".join(text for text in failures if text) or "No observation lies outside its interval.",
        f"Observations inside their 90 % interval: {'; '.join(counts)}. About nine of ten would be expected.",
        "Intervals of clinical outcomes hold the sampling of patients, rater noise, the uncertainty of the "
        "fitted parameters and differences between studies. Those of plasma hold people and assay noise only "
        "and are too narrow.",
        "The parameters were set with the rows of role calibrate. Agreement with those is no independent "
        "evidence, so they stand apart from the check rows everywhere on this page.",
    ]


def _worst_words(role: str, points: Sequence[EvidencePoint]) -> str:
    """The worst row of each family, one sentence for a role."""
    found = [
        f"{point.label} (observed {number(point.numbers[0])}, predicted {number(point.numbers[1])}"
        f"{_unit(point)})"
        for own in grouped(points, lambda point: point.family).values()
        for point in worst([point for point in own if point.compared], 1)
    ]
    return f"Furthest outside among {role_words(role)}: {'; '.join(found)}." if found else ""


def _listing_words() -> str:
    return (
        f"The {LISTED} rows furthest outside in each family and role, rows that fail the band of their table "
        "first. Distance is counted from the edge of the interval: a factor for plasma, and the unit of the "
        "outcome otherwise."
    )


def _role_sections(title: str, points: Sequence[EvidencePoint]) -> list[Section]:
    groupings: list[tuple[str, Grouping]] = [
        ("statistic" if title == "Plasma" else "outcome", lambda point: point.quantity),
        ("study", lambda point: point.study),
        ("route", lambda point: point.route or "not stated"),
    ]
    return [
        Section(
            f"{title}: {role}",
            [f"{_sentence(role_words(role))}. Groups with the largest share outside come first."],
            tables=[group_table(name, of_role(points, role), key) for name, key in groupings],
        )
        for role in roles_of(points)
    ]


def _role_sentences(points: Sequence[EvidencePoint]) -> list[str]:
    return [
        f"{_sentence(role_words(role))}: {_count_words(points, role)} observations lie inside their 90 % "
        "interval."
        for role in roles_of(points)
    ]


def _absent_words(points: Sequence[EvidencePoint]) -> str:
    absent = sum(point.predicted is None for point in points)
    unstated = sum(point.predicted is not None and not point.compared for point in points)
    words = f"{absent} of {len(points)} rows are not simulated."
    if unstated:
        words += f" {unstated} more are simulated, but state no single value to compare with."
    return words


def _scatter_words(points: Sequence[EvidencePoint]) -> str:
    """A figure in words: counts by role, and the worst row of each."""
    sentences = []
    for role in roles_of(points):
        own = [point for point in of_role(points, role) if point.compared]
        named = "; ".join(point.label for point in worst(own, 3))
        sentences.append(
            f"{_sentence(role_words(role))}: {_count_words(points, role)} inside their interval"
            + (f", worst {named}." if named else ".")
        )
    return " ".join(sentences)


def _count_words(points: Sequence[EvidencePoint], role: str) -> str:
    held, compared = inside(of_role(points, role))
    return f"{held} of {compared}"


def _unit(point: EvidencePoint) -> str:
    return "" if point.unit in ("", "ratio", EFFECT_SIZE) else f" {point.unit}"


def _both(first: int, second: int) -> str:
    return str(first) if first == second else f"{first} for plasma, {second} for outcomes"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
