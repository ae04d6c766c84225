"""Which agreements are drawn, and what each figure is called and says in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from rekindle.report._page import PageFigure
from rekindle.report.evidence._aims import (
    PLASMA_RATIO,
    SD_RATIO,
    SHARE_POINTS,
    ratio_held,
    ratio_rows,
    sd_held,
    sd_rows,
    share_held,
    share_rows,
)
from rekindle.report.evidence._figure_agreement import Band, Mark, agreement_figure
from rekindle.report.evidence._figure_forest import forest_figures
from rekindle.report.evidence._figure_residuals import residual_figures
from rekindle.report.evidence._groupings import OUTCOME_GROUPINGS, PLASMA_GROUPINGS
from rekindle.report.evidence._groups import grouped, of_role, roles_of
from rekindle.report.evidence._names import DAYS, EFFECT_SIZE, PLASMA, POINTS, PRESSURE, SHARES
from rekindle.report.evidence._points import EvidencePoint
from rekindle.report.evidence._tables import role_words

_FORESTS = {
    POINTS: ("scores", "Scores of rating scales", "points"),
    SHARES: ("per_cent", "Shares of people and percent reductions", "per cent"),
    PRESSURE: ("pressure", "Peak changes of blood pressure", "mmHg"),
    EFFECT_SIZE: ("effect_size", "Effect sizes", "effect size"),
    DAYS: ("days", "Times", "days"),
    PLASMA: ("plasma", "Plasma: concentrations, areas, times and ratios", "predicted / observed"),
}
_FILLED = "Filled points lie outside."
_WORST = "The furthest are numbered and named below."


def forests(points: Sequence[EvidencePoint]) -> dict[str, PageFigure]:
    """Every row with its interval, by family; the keys begin with ``arms_``."""
    found = {}
    for family, own in grouped(points, lambda point: point.family).items():
        if family not in _FORESTS:
            continue
        name, title, unit = _FORESTS[family]
        figures = forest_figures(own, unit)
        for number, figure in enumerate(figures, start=1):
            part = f", part {number} of {len(figures)}" if len(figures) > 1 else ""
            place = f"_{number}" if len(figures) > 1 else ""
            band = " The shade is a ratio of 0.67 to 1.5." if family == PLASMA else " Diamonds are observed."
            found[f"arms_{name}{place}"] = PageFigure(
                figure,
                f"{title}{part}, by study. {counts(own, _inside)}",
                f"{title}{part}: every row with its prediction and 90 % interval. Filled circles miss.{band}",
            )
    return found


def residuals(plasma: Sequence[EvidencePoint], outcomes: Sequence[EvidencePoint]) -> dict[str, PageFigure]:
    """Residuals by group and over time, for outcomes and for plasma."""
    found = {}
    for name, title, points, groupings in (
        ("residuals_outcomes", "Clinical outcomes", outcomes, OUTCOME_GROUPINGS),
        ("residuals_plasma", "Plasma", plasma, PLASMA_GROUPINGS),
    ):
        drawn = [point for point in points if point.compared and math.isfinite(point.residual)]
        if not drawn:
            continue
        by = [key for key in groupings if key != "study"]
        figures = residual_figures(drawn, {key: groupings[key] for key in by})
        for ending, shown, figure in zip(("", "_design"), (by[:1], by[1:]), figures, strict=True):
            found[f"{name}{ending}"] = PageFigure(
                figure,
                f"Residuals of {title.lower()} by {', '.join(shown)}. {counts(drawn, _inside)}",
                f"{title} by {', '.join(shown)}: predicted less observed in standard deviations of the "
                "prediction (of logarithms for plasma), so that different units stand together. The shade "
                "holds nine of ten if intervals are right; arrows lie beyond 6.",
            )
    return found


def agreements(plasma: Sequence[EvidencePoint], outcomes: Sequence[EvidencePoint]) -> dict[str, PageFigure]:
    """The aims as figures: MADRS change, its SD, response and remission, plasma."""
    found = {}
    changes = [point for point in outcomes if point.compared and point.name.endswith("_change")]
    scores = [point for point in changes if point.family == POINTS]
    if scores:
        found["predicted_change"] = PageFigure(
            agreement_figure([_mark(point, point.outside) for point in scores], "points"),
            f"Change of a score, predicted against observed. {counts(scores, _inside)}",
            "Change of a score: the line is perfect agreement, vertical strokes are 90 % intervals. "
            f"{_FILLED} {_WORST}",
        )
    spreads = sd_rows(outcomes)
    if spreads:
        found["predicted_sd"] = PageFigure(
            agreement_figure(
                [_spread_mark(point) for point in spreads], "points", band=Band(*SD_RATIO, factors=True)
            ),
            f"SD of change between people, predicted against observed. {counts(spreads, sd_held)}",
            f"SD of change between people: the shade is a factor of {SD_RATIO[0]:g} to {SD_RATIO[1]:g}. "
            f"{_FILLED} {_WORST}",
        )
    shares = share_rows(outcomes)
    if shares:
        found["predicted_response"] = PageFigure(
            agreement_figure(
                [_mark(point, 0.0 if share_held(point) else abs(point.error)) for point in shares],
                "% of people",
                band=Band(-SHARE_POINTS, SHARE_POINTS, factors=False),
            ),
            f"Response and remission, predicted against observed. {counts(shares, share_held)}",
            f"Response and remission: the shade is {SHARE_POINTS:g} points on either side, vertical strokes "
            f"are 90 % intervals. {_FILLED} {_WORST}",
        )
    ratios = ratio_rows(plasma)
    if ratios:
        found["predicted_pk"] = PageFigure(
            agreement_figure(
                [_mark(point, 0.0 if ratio_held(point) else abs(point.error)) for point in ratios],
                "each row in its own unit",
                band=Band(*PLASMA_RATIO, factors=True),
                logarithmic=True,
            ),
            f"Plasma, predicted against observed on logarithmic axes. {counts(ratios, ratio_held)}",
            f"Plasma: the shade is a ratio of {PLASMA_RATIO[0]:g} to {PLASMA_RATIO[1]:g}, vertical strokes "
            f"are 90 % intervals. {_FILLED} {_WORST}",
        )
    return found


def counts(points: Sequence[EvidencePoint], held: Callable[[EvidencePoint], bool]) -> str:
    """How many rows of each role hold, in words."""
    sentences = []
    for role in roles_of(points):
        own = [point for point in of_role(points, role) if point.compared]
        if own:
            words = role_words(role)
            count = sum(held(point) for point in own)
            sentences.append(f"{words[:1].upper()}{words[1:]}: {count} of {len(own)} agree.")
    return " ".join(sentences)


def _inside(point: EvidencePoint) -> bool:
    return point.outside == 0.0


def _mark(point: EvidencePoint, distance: float) -> Mark:
    return Mark(point.role, point.label, *point.numbers, distance)


def _spread_mark(point: EvidencePoint) -> Mark:
    observed, predicted = point.observed_sd, point.predicted_sd
    assert observed is not None
    assert predicted is not None
    distance = 0.0 if sd_held(point) else abs(math.log(predicted / observed))
    return Mark(point.role, point.label, observed, predicted, predicted, predicted, distance)
