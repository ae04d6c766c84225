"""What of a regimen the evidence does not cover: product and drug, dose of a session, length."""

from __future__ import annotations

from dataclasses import dataclass

from rekindle.regimen import Regimen, Session
from rekindle.therapy._compound_names import PRIOR_ONLY
from rekindle.therapy._dosing import INACTIVE
from rekindle.therapy._tables import read_table

#: Half the lowest to twice the highest dose studied counts as covered (assumed: kinetics are linear).
MARGIN = 2.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of a regimen is not covered, in words.

    Attributes:
        labels: everything that must be shown with a result.
        refusals: the part of it that is refused unless the user asks for extrapolation.
    """

    labels: tuple[str, ...]
    refusals: tuple[str, ...]


def coverage(regimen: Regimen, weight_kg: float) -> Coverage:
    """Compare a regimen with the doses and lengths in ``validated_doses.csv``.

    A product or drug without any evidence, and a longer course, are labelled. A dose outside the
    studied range (with a margin of a factor of two) is refused unless extrapolation is asked for.

    >>> from rekindle.regimen import parse_regimen
    >>> coverage(parse_regimen("ketamine 0.5 mg/kg iv over 40 min"), 70.0).labels
    ()
    >>> coverage(parse_regimen("ketamine 10 mg/kg iv over 40 min"), 70.0).refusals
    ('700 mg of ketamine in one session is outside 2.5 to 140 mg (iv_infusion)',)
    """
    if regimen.drug in INACTIVE or not regimen.sessions:
        return Coverage((), ())
    if regimen.compound:
        words = f"nothing that {regimen.compound} does here was checked against data: {PRIOR_ONLY}"
        return Coverage((words,), ())
    product = regimen.product.name
    rows = [
        r for r in read_table("validated_doses.csv") if (r["product"], r["drug"]) == (product, regimen.drug)
    ]
    if not rows:
        return Coverage((f"no human data in this package for {regimen.drug} as {product}",), ())
    low, high = float(rows[0]["low_mg"]) / MARGIN, float(rows[0]["high_mg"]) * MARGIN
    amounts = sorted({round(_amount(session, weight_kg), 6) for session in regimen.sessions})
    refusals = tuple(
        f"{amount:g} mg of {regimen.drug} in one session is outside {low:g} to {high:g} mg ({product})"
        for amount in amounts
        if not low <= amount <= high
    )
    longest, days = float(rows[0]["longest_days"]), regimen.duration_h / 24.0
    long = (f"{days:.0f} days of {product} are more than the {longest:g} days that were studied",)
    return Coverage((*refusals, *(long if days > longest + 0.5 else ())), refusals)


def _amount(session: Session, weight_kg: float) -> float:
    return sum(dose.amount * (weight_kg if dose.unit == "mg/kg" else 1.0) for dose in session.doses)
