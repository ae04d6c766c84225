"""The report on the evidence: where it fails first, then every published row beside its prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rekindle.report._page import Page, PageFigure, PageTable, Section
from rekindle.report.evidence._agreement import agreements, forests, residuals
from rekindle.report.evidence._aims import aims, aims_table
from rekindle.report.evidence._by_mechanism import errors_table
from rekindle.report.evidence._calibration import calibration_figures, calibration_sections
from rekindle.report.evidence._facts import facts_section
from rekindle.report.evidence._failures import failure_words
from rekindle.report.evidence._figure_shares import share_figure
from rekindle.report.evidence._groupings import OUTCOME_GROUPINGS, PLASMA_GROUPINGS, Grouping, group_table
from rekindle.report.evidence._groups import inside, of_role, roles_of
from rekindle.report.evidence._hypotheses import contrast_figure, hypotheses_section
from rekindle.report.evidence._parts import parts_table
from rekindle.report.evidence._points import EvidencePoint, evidence_points
from rekindle.report.evidence._provenance import provenance
from rekindle.report.evidence._sensitivity import sensitivity_figure, sensitivity_section
from rekindle.report.evidence._share_misses import share_section
from rekindle.report.evidence._tables import LISTED, absent_tables, miss_tables, role_words

if TYPE_CHECKING:
    from rekindle.evidence import Prediction
    from rekindle.evidence.facts import FactTable
    from rekindle.evidence.hypotheses import ContrastValue, HypothesisComparison
    from rekindle.evidence.sensitivity import Sensitivity


@dataclass(frozen=True)
class EvidenceReport:
    """What the report is made of.

    Attributes:
        plasma: predictions of a table of pharmacokinetic arms.
        outcomes: predictions of a table of clinical outcomes.
        mechanisms: hypotheses whose shipped calibration is shown.
        hypotheses: their comparison, if there is one.
        contrasts: predictions that would tell the hypotheses apart.
        sensitivity: global sensitivity under each hypothesis, if it was asked for.
        facts: facts about mechanism, time course and safety beside their predictions.
    """

    plasma: Prediction
    outcomes: Prediction
    mechanisms: tuple[str, ...] = ()
    hypotheses: HypothesisComparison | None = None
    contrasts: tuple[ContrastValue, ...] = ()
    sensitivity: tuple[Sensitivity, ...] = ()
    facts: FactTable | None = None


def evidence_figures(report: EvidenceReport) -> dict[str, PageFigure]:
    """All figures by file name; what has no rows has no figure."""
    plasma, outcomes = evidence_points(report.plasma), evidence_points(report.outcomes)
    figures = {
        **agreements(plasma, outcomes),
        **forests([*outcomes, *plasma]),
        **residuals(plasma, outcomes),
        **calibration_figures(report.mechanisms),
    }
    if (drawn := share_figure(outcomes)) is not None:
        figures["share_errors"] = drawn
    if report.contrasts:
        figures["contrasts"] = contrast_figure(report.contrasts)
    if report.sensitivity:
        figures["sensitivity"] = sensitivity_figure(report.sensitivity)
    return figures


def evidence_page(report: EvidenceReport, figures: Mapping[str, PageFigure]) -> Page:
    """The page of the report; its first paragraph says where the model fails."""
    plasma, outcomes = evidence_points(report.plasma), evidence_points(report.outcomes)
    both = [*plasma, *outcomes]
    found = aims(plasma, outcomes)
    sections = [
        Section("Aims", [], tables=[aims_table(found)]),
        Section("Where it fails", [_LISTING], tables=miss_tables(both)),
        Section("Agreement", [], _chosen(figures, "predicted_")),
        *([shares] if (shares := share_section(outcomes, _chosen(figures, "share_errors"))) else []),
        Section("Every clinical arm", [_counts(outcomes)], _chosen(figures, "arms_", "plasma", without=True)),
        Section("Every plasma row", [_counts(plasma)], _chosen(figures, "arms_plasma")),
        Section(
            "Residuals of clinical outcomes",
            [_RESIDUALS],
            _chosen(figures, "residuals_outcomes"),
            _group_tables(outcomes, OUTCOME_GROUPINGS),
        ),
        Section(
            "Residuals of plasma",
            [],
            _chosen(figures, "residuals_plasma"),
            _group_tables(plasma, PLASMA_GROUPINGS),
        ),
        Section("What the intervals hold", _INTERVALS, tables=_parts(outcomes, plasma)),
        *calibration_sections(report.mechanisms),
    ]
    if report.hypotheses is not None or report.contrasts:
        sections.append(
            hypotheses_section(
                report.hypotheses,
                report.contrasts,
                _chosen(figures, "contrasts"),
                errors_table(report.outcomes),
            )
        )
    if report.facts is not None:
        sections.append(facts_section(report.facts))
    if report.sensitivity:
        sections.append(sensitivity_section(report.sensitivity, _chosen(figures, "sensitivity")))
    sections.append(Section("Not simulated", [_absent_words(both)], tables=absent_tables(both)))
    facts = [
        *provenance(report.plasma, report.outcomes, report.mechanisms),
        ("Complete tables", "as CSV files beside this page"),
    ]
    lead = [*failure_words(plasma, outcomes, found), _counts_by_role(plasma, outcomes), _ROLES]
    return Page("Predicted against observed", lead, [one for one in sections if _filled(one)], facts)


_LISTING = (
    f"The {LISTED} rows furthest outside in each family and role, rows that fail the band of their table "
    "first. Distance is counted from the edge of the interval: a factor for plasma, and the unit of the "
    "outcome otherwise."
)
_RESIDUALS = (
    "The tables count in the unit of the outcome, the figures below them in standard deviations of the "
    "prediction. Groups with the smallest share inside come first."
)
_INTERVALS = [
    "Intervals of clinical outcomes hold the choice of people with the errors of raters, the uncertainty of "
    "the fitted parameters and of the typical pharmacokinetics, the calibrated mechanism hypotheses by their "
    "weights, and differences between studies of one design. They do not hold the uncertainty of other "
    "parameters that were not fitted.",
    "Intervals of plasma hold people, the error of the assay, and what published estimates leave open of the "
    "typical parameters. These are drawn independently of each other, because no published model states "
    "their correlations: half-lives and late concentrations come out wider than they would with them. For "
    "clinical outcomes they are drawn independently of the fitted parameters too, which makes intervals "
    "rather too wide than too narrow. Multipliers of interacting drugs have no uncertainty here.",
]
_ROLES = (
    "The parameters were set with the rows of role calibrate. Agreement with those is no independent "
    "evidence, so they stand apart from the check rows everywhere on this page."
)


def _counts_by_role(plasma: Sequence[EvidencePoint], outcomes: Sequence[EvidencePoint]) -> str:
    counts = [
        f"{role_words(role)} {_count(plasma, role)} in plasma and {_count(outcomes, role)} of clinical "
        "outcomes"
        for role in roles_of([*plasma, *outcomes])
    ]
    return (
        f"Observations inside their 90 % interval: {'; '.join(counts)}. About nine of ten would be expected."
    )


def _counts(points: Sequence[EvidencePoint]) -> str:
    told = [f"{_count(points, role)} {role_words(role)}" for role in roles_of(points)]
    return f"Inside their 90 % interval: {'; '.join(told)}."


def _count(points: Sequence[EvidencePoint], role: str) -> str:
    held, compared = inside(of_role(points, role))
    return f"{held} of {compared}"


def _group_tables(points: Sequence[EvidencePoint], groupings: Mapping[str, Grouping]) -> list[PageTable]:
    compared = [point for point in points if point.compared]
    return [group_table(name, compared, key) for name, key in groupings.items()] if compared else []


def _parts(*families: Sequence[EvidencePoint]) -> list[PageTable]:
    return [table for points in families if (table := parts_table(points)) is not None]


def _chosen(
    figures: Mapping[str, PageFigure], prefix: str, other: str = "", *, without: bool = False
) -> list[PageFigure]:
    """Figures by the beginning of their name."""
    return [
        figure
        for name, figure in figures.items()
        if name.startswith(prefix) and not (without and other in name)
    ]


def _filled(section: Section) -> bool:
    return bool(section.figures or section.tables or section.heading == "Not simulated")


def _absent_words(points: Sequence[EvidencePoint]) -> str:
    absent = sum(point.predicted is None for point in points)
    unstated = sum(point.predicted is not None and not point.compared for point in points)
    words = f"{absent} of {len(points)} rows are not simulated."
    if unstated:
        words += f" {unstated} more are simulated, but state no single value to compare with."
    return words
