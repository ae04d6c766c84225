"""What intervals hold: the shares of their variance by source."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from rekindle.report._format import percent
from rekindle.report._page import PageTable
from rekindle.report.evidence._groups import grouped
from rekindle.report.evidence._names import PLASMA
from rekindle.report.evidence._points import EvidencePoint

_WORDS = {
    "people": "people",
    "assay": "assay",
    "parameters": "parameters",
    "studies": "differences between studies",
    "mechanisms": "mechanism hypothesis",
}


def parts_table(points: Sequence[EvidencePoint]) -> PageTable | None:
    """Median share of each source in the variance of a predicted number, by quantity; None without any."""
    known = [point for point in points if point.parts and sum(point.parts.values()) > 0.0]
    if not known:
        return None
    names = list(dict.fromkeys(name for point in known for name in point.parts))
    rows = []
    for quantity, own in grouped(known, lambda point: point.quantity).items():
        shares = [_shares(point) for point in own]
        cells = [percent(median(share.get(name, 0.0) for share in shares)) for name in names]
        rows.append([quantity, str(len(own)), *cells])
    people = "choice of people" if known[0].family == PLASMA else "choice of people and raters"
    return PageTable(
        f"Share of the variance of a predicted number by source, median over rows. People: {people}.",
        ("quantity", "rows", *(_WORDS.get(name, name) for name in names)),
        rows,
    )


def _shares(point: EvidencePoint) -> dict[str, float]:
    total = sum(error**2 for error in point.parts.values())
    return {name: error**2 / total for name, error in point.parts.items()}
