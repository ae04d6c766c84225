"""What an arm of a published study received, in the words of a trial design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence.outcomes import _notes as notes
from rekindle.evidence.outcomes._arm import KETAMINES, SEROTONERGIC, dose_ratio
from rekindle.regimen import find_product

_WORDS = {
    "saline": "saline",
    "midazolam": "midazolam",
    "placebo_spray": "placebo spray",
    "placebo_oral": "placebo tablets",
    "none": "none",
}


@dataclass(frozen=True, slots=True)
class StudyTreatment:
    """Words for one session, an antidepressant, and dose levels (mg) that follow the first session."""

    name: str
    text: str
    antidepressant: float = 0.0
    levels: tuple[float, ...] = ()
    first_differs: bool = False

    def rules(self, days: Sequence[float]) -> list[dict[str, Any]]:
        """Rules that bring people to the dose levels; they are divided evenly over them.

        >>> StudyTreatment("a", "esketamine 56 mg nasal", levels=(56.0, 84.0)).rules([0.0])[0]["chance_pct"]
        50.0
        """
        after = 1 if self.first_differs and len(days) > 1 else 0
        found = []
        for place, level in enumerate(self.levels):
            if place == 0 and not (self.first_differs and len(self.levels) == 1):
                continue
            found.append(
                {
                    "name": f"{self.name}: {level:g} mg",
                    "arms": [self.name],
                    "phases": ["treatment"],
                    "days": [days[after]],
                    "chance_pct": round(100.0 / (place + 1), 4),
                    "then": {"dose_mg": level},
                }
            )
        return found


def read_treatment(row: Row, name: str, remarks: list[str]) -> StudyTreatment:
    """The treatment of an arm.

    Raises:
        EvidenceError: what the model has no numbers for, or a dose that is not stated.

    >>> cells = {"drug": "esketamine", "route": "nasal", "dose": "56", "dose_unit": "mg"}
    >>> read_treatment(Row(2, cells), "a", []).text
    'esketamine 56 mg nasal'
    """
    drug = row.word("drug")
    if drug in _WORDS:
        return StudyTreatment(name, _WORDS[drug])
    if drug in SEROTONERGIC:
        return StudyTreatment(name, "tablets", dose_ratio(row, drug, remarks))
    if drug not in KETAMINES:
        raise not_simulated(f"the model has no numbers for {drug}")
    if row.word("route") == "nasal" and drug != "esketamine":
        return StudyTreatment(name, _as_infusion(row, drug))
    product = find_product(row.word("route"))
    minutes, levels, first = row.positive("infusion_min"), notes.dose_levels(row), notes.first_dose(row)
    amount, unit = row.positive("dose"), row.word("dose_unit")
    if amount is None and levels:
        amount, unit = levels[0], "mg"
        remarks.append(f"arm {name}: people divided evenly over the dose levels (assumed)")
    elif amount is not None:
        levels = ()
    usual = notes.usual_dose(row)
    if amount is None and usual is not None:
        amount, unit, minutes = usual[0], "mg/kg", 60.0 * usual[1]
        remarks.append(f"arm {name}: dose of most trials of the pool for all")
    if amount is None:
        raise not_simulated(f"arm {name}: no dose is stated")
    if product.needs_duration and minutes is None:
        raise not_simulated(f"arm {name}: no infusion time is stated")
    if notes.continued_infusion(row) is not None:
        return StudyTreatment(name, _bolus_and_infusion(row, drug, amount, float(minutes or 0.0)))
    if first is not None and first != amount:
        levels, amount = (levels or (amount,)), first
        remarks.append(f"arm {name}: first session {first:g} mg, as the notes assume")
    text = f"{drug} {amount:g} {'mg/kg' if unit == 'mg/kg' else 'mg'} {product.word}"
    if product.needs_duration:
        text += f" over {minutes:g} min"
    return StudyTreatment(name, text, 0.0, levels, first is not None)


def _as_infusion(row: Row, drug: str) -> str:
    """A spray without a product of its own, as an infusion of the share that is assumed to be absorbed."""
    share, minutes, dose = (row.positive(name) for name in ("systemic_share", "absorption_min", "dose"))
    if share is None or minutes is None or dose is None:
        raise not_simulated(
            f"nasal {drug}",
            allowed="A dose, with an assumed systemic_share and absorption_min",
            why="No product with its bioavailability is known for another spray",
        )
    return f"{drug} {share * dose:.4g} mg iv over {minutes:g} min"


def _bolus_and_infusion(row: Row, drug: str, amount: float, minutes: float) -> str:
    found = notes.continued_infusion(row)
    assert found is not None, "asked only of rows that continue"
    rate, end = found
    rest = 60.0 * end - minutes
    then = f"{rate * rest / 60.0:.4g} mg/kg over {rest:g} min"
    return f"{drug} iv {amount:g} mg/kg over {minutes:g} min; {then}"
