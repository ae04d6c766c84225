"""What the notes of a row mean for its simulation. Only the forms named here are understood."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rekindle.evidence._row import Row, not_simulated

_PRIOR = re.compile(
    r"(?P<time>\d+(?:\.\d+)?)\s*(?P<unit>h|hours?|min|minutes?)\s+after\s+(?:a|an|one)\s+"
    r"(?P<dose>\d+(?:\.\d+)?)\s*mg\s+(?P<form>oral thin film|sublingual wafer|oral solution)",
    re.IGNORECASE,
)
_PRIOR_NAME = re.compile(r"(?:\A|_)after_(?:film|wafer|oral)", re.IGNORECASE)
_RATIO = re.compile(r"\s*RATIO:\s*(?P<top>[^/;]+)/(?P<bottom>[^;]+)", re.IGNORECASE)
_TERM = re.compile(
    r"(?P<statistic>[a-z][a-z0-9_.]*)"
    r"(?:\s+(?:of\s+)?(?!with\b|without\b)(?P<analyte>[a-z_]+))?"
    r"(?:\s+(?P<which>without|with)\b(?:\s+(?P<agent>[a-z0-9_ -]+?))?)?\s*\Z"
)


@dataclass(frozen=True, slots=True)
class PriorDose:
    """A dose of another product before the arm's own: how long before (h), how much (mg), in what form."""

    before_h: float
    dose_mg: float
    form: str


@dataclass(frozen=True, slots=True)
class Term:
    """One side of a ratio; ``analyte`` empty = that of the row; ``agent`` None = as given, "" = without."""

    statistic: str
    analyte: str
    agent: str | None


def prior_dose(row: Row) -> PriorDose | None:
    """Dose before the arm's own, from notes such as "started 6 h after a 50 mg oral thin film".

    Raises:
        EvidenceError: the name of the arm speaks of an earlier dose and the notes do not say when it was.
    """
    found = _PRIOR.search(row.text("notes"))
    if found is None:
        if _PRIOR_NAME.search(row.text("arm_id")):
            raise not_simulated(
                f'line {row.number}: arm "{row.text("arm_id")}" has an earlier dose, and no time of it',
                allowed='Notes such as "started 6 h after a 50 mg oral thin film"',
            )
        return None
    hours = float(found["time"]) / (60.0 if found["unit"].lower().startswith("m") else 1.0)
    return PriorDose(hours, float(found["dose"]), found["form"].lower())


def counts_from_last_device(row: Row) -> bool:
    """Whether the time of a peak is counted from the last device instead of the first."""
    return "from the last device" in row.text("notes").lower()


def is_median(row: Row) -> bool:
    """Whether the row states a median, or the value of a typical subject."""
    words = f"{row.text('notes')} {row.text('source')}".lower()
    return bool(re.search(r"\bmedians?\b(?! of the pooled data)|\btypical value", words))


def ratio_terms(row: Row) -> tuple[Term, Term]:
    """Numerator and denominator of a row whose notes begin with ``RATIO: numerator / denominator;``.

    Raises:
        EvidenceError: notes of another form.
    """
    found = _RATIO.match(row.text("notes"))
    sides = [_term(found[side]) for side in ("top", "bottom")] if found else []
    if len(sides) != 2 or None in sides:
        raise not_simulated(
            f"line {row.number}: the notes do not define the ratio in a form that is understood",
            allowed='"RATIO: statistic [analyte] [with drug] / statistic [analyte] [without];"',
        )
    top, bottom = sides
    assert top is not None
    assert bottom is not None
    return top, bottom


def _term(text: str) -> Term | None:
    found = _TERM.match(text.split(",")[0].strip().lower())
    if found is None:
        return None
    agent: str | None = None
    if found["which"] == "without":
        agent = ""
    elif found["which"]:
        agent = "_".join((found["agent"] or "").replace("-", " ").split())
        if not agent:
            return None
    return Term(found["statistic"], found["analyte"] or "", agent)
