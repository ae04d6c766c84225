"""Facts about mechanism, time course and safety, beside what the model says of them.

>>> "bliss_effect_24h" in QUANTITIES
True
"""

from rekindle.evidence.facts._fact import VERDICTS, Fact, Found, judge
from rekindle.evidence.facts._predict import QUANTITIES, predict_facts
from rekindle.evidence.facts._table import FactFinding, FactTable, Tension

__all__ = [
    "QUANTITIES",
    "VERDICTS",
    "Fact",
    "FactFinding",
    "FactTable",
    "Found",
    "Tension",
    "judge",
    "predict_facts",
]
