"""The mechanism hypotheses beside each other: how they predict unseen studies, and where they differ.

>>> MECHANISMS
('disinhibition', 'tonic_eef2', 'hnk_direct')
"""

from rekindle.evidence.hypotheses._contrasts import (
    MECHANISMS,
    Contrast,
    ContrastValue,
    contrast_values,
    contrasts,
)
from rekindle.evidence.hypotheses._scores import (
    HypothesisComparison,
    HypothesisScore,
    compare_hypotheses,
    hypothesis_scores,
)

__all__ = [
    "MECHANISMS",
    "Contrast",
    "ContrastValue",
    "HypothesisComparison",
    "HypothesisScore",
    "compare_hypotheses",
    "contrast_values",
    "contrasts",
    "hypothesis_scores",
]
