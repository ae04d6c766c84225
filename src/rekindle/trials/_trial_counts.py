"""How many people got better in real trials, to stand before anything that a model says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rekindle.trials._tables import read_table

if TYPE_CHECKING:
    from rekindle.regimen import Regimen


@dataclass(frozen=True, slots=True)
class TrialResponse:
    """Response or remission in real trials of a product, as a range of people of 100 over arms and trials.

    ``days`` and ``sessions`` say when it was counted: so many days after the first session, with so many
    sessions given.
    """

    drug: str
    product: str
    outcome: str
    days: int
    sessions: int
    drug_low: int
    drug_high: int
    control_low: int
    control_high: int
    words: str
    mark: str
    source: str


@cache
def trial_responses() -> tuple[TrialResponse, ...]:
    """All published counts.

    >>> max(found.drug_high for found in trial_responses())
    69
    """
    return tuple(
        TrialResponse(
            drug=row["drug"],
            product=row["product"],
            outcome=row["outcome"],
            days=int(row["days"]),
            sessions=int(row["sessions"]),
            drug_low=int(row["drug_low"]),
            drug_high=int(row["drug_high"]),
            control_low=int(row["control_low"]),
            control_high=int(row["control_high"]),
            words=row["words"],
            mark=row["mark"],
            source=row["source"],
        )
        for row in read_table("trial_responses.csv")
    )


def responses_in_trials(regimen: Regimen) -> tuple[TrialResponse, ...]:
    """The published counts that speak for a planned course: the same product and as many sessions so far.

    >>> from rekindle.regimen import parse_regimen
    >>> [found.days for found in responses_in_trials(parse_regimen("ketamine 0.5 mg/kg iv over 40 min"))]
    [2, 10]
    """
    starts = [session.time_h for session in regimen.sessions]
    return tuple(
        found
        for found in trial_responses()
        if (found.drug, found.product) == (regimen.given, regimen.product.name)
        and found.sessions == sum(start < 24.0 * found.days for start in starts)
    )
