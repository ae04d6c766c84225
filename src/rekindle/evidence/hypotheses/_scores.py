"""Which mechanism hypothesis predicts studies better that it has not seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rekindle.therapy import MechanismScore, calibration, mechanism_scores, mechanism_weights


@dataclass(frozen=True, slots=True)
class HypothesisScore:
    """How one hypothesis predicts each study from all others.

    Attributes:
        mechanism: the hypothesis.
        log_score: sum over studies of the log density of its numbers.
        difference: that less the sum of the best hypothesis, 0 or less.
        error: standard error of the difference, from its scatter between studies.
    """

    mechanism: str
    log_score: float
    difference: float
    error: float


@dataclass(frozen=True)
class HypothesisComparison:
    """Calibrated hypotheses side by side.

    Attributes:
        studies: study -> log score of each hypothesis, in the order of ``scores``.
        scores: the hypotheses, best first.
        weights: weighting -> hypothesis -> weight in averaged predictions.
        comparable: whether all were fitted to the same numbers.
    """

    studies: Mapping[str, tuple[float, ...]]
    scores: tuple[HypothesisScore, ...]
    weights: Mapping[str, Mapping[str, float]]
    comparable: bool


def compare_hypotheses() -> HypothesisComparison:
    """Compare every hypothesis that has a calibration by its predictions of studies left out.

    >>> found = compare_hypotheses()
    >>> found.scores[0].difference, round(sum(found.weights["predictive"].values()), 6)
    (0.0, 1.0)
    """
    found = mechanism_scores()
    common = [study for study in found[0].studies if all(study in one.studies for one in found)]
    scores = hypothesis_scores(found, common)
    by_name = {one.mechanism: one for one in found}
    prints = {calibration(one.mechanism).provenance.get("data fingerprint") for one in found}
    return HypothesisComparison(
        {study: tuple(by_name[one.mechanism].studies[study] for one in scores) for study in common},
        scores,
        {name: mechanism_weights(name) for name in ("predictive", "prior", "equal")},
        len(prints) == 1 and all(len(one.studies) == len(common) for one in found),
    )


def hypothesis_scores(found: Sequence[MechanismScore], studies: Sequence[str]) -> tuple[HypothesisScore, ...]:
    """Sums over the studies and differences from the best, best first."""
    table = {one.mechanism: np.array([one.studies[study] for study in studies]) for one in found}
    best = max(table, key=lambda name: float(table[name].sum()))
    scores = []
    for name, own in table.items():
        gaps = own - table[best]
        spread = float(gaps.std(ddof=1)) if len(studies) > 1 else math.nan
        scores.append(
            HypothesisScore(name, float(own.sum()), float(gaps.sum()), spread * math.sqrt(len(studies)))
        )
    return tuple(sorted(scores, key=lambda score: -score.log_score))
