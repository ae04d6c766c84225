"""Which mechanism hypothesis predicts studies better that it has not seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.therapy import calibrated_mechanisms, calibration, calibration_studies

Array = NDArray[np.float64]

_ROUNDS = 5000


@dataclass(frozen=True, slots=True)
class HypothesisScore:
    """How one hypothesis predicts each study from all others.

    Attributes:
        mechanism: the hypothesis.
        log_score: sum over studies of the log density of its numbers.
        difference: that less the sum of the best hypothesis, 0 or less.
        error: standard error of the difference, from its scatter between studies.
        weight: share in the mixture that would have predicted the studies best (stacking).
    """

    mechanism: str
    log_score: float
    difference: float
    error: float
    weight: float


@dataclass(frozen=True)
class HypothesisComparison:
    """Calibrated hypotheses side by side.

    Attributes:
        studies: study -> log score of each hypothesis, in the order of ``scores``.
        scores: the hypotheses, best first.
        comparable: whether all were fitted to the same numbers.
    """

    studies: Mapping[str, tuple[float, ...]]
    scores: tuple[HypothesisScore, ...]
    comparable: bool


def compare_hypotheses() -> HypothesisComparison:
    """Compare every hypothesis that has a calibration by its predictions of studies left out.

    Weights are those of stacking (Yao 2018, 10.1214/17-BA1091): they maximise the log score of the mixture.

    >>> found = compare_hypotheses()
    >>> found.scores[0].difference, round(sum(score.weight for score in found.scores), 6)
    (0.0, 1.0)
    """
    mechanisms = calibrated_mechanisms()
    found = {name: {one.study_id: one.log_score for one in calibration_studies(name)} for name in mechanisms}
    common = [study for study in found[mechanisms[0]] if all(study in scores for scores in found.values())]
    matrix = np.array([[found[name][study] for name in mechanisms] for study in common])
    prints = {calibration(name).provenance.get("data fingerprint") for name in mechanisms}
    same = len(prints) == 1 and all(set(scores) == set(common) for scores in found.values())
    scores = hypothesis_scores(mechanisms, matrix)
    order = [mechanisms.index(score.mechanism) for score in scores]
    return HypothesisComparison(
        {study: tuple(row[order].tolist()) for study, row in zip(common, matrix, strict=True)},
        scores,
        same,
    )


def hypothesis_scores(mechanisms: Sequence[str], matrix: Array) -> tuple[HypothesisScore, ...]:
    """Sums, differences from the best and weights, best first.

    Args:
        mechanisms: names of the columns.
        matrix: log scores, shape (studies, mechanisms).
    """
    totals = matrix.sum(axis=0)
    best = int(np.argmax(totals))
    weights = stacking_weights(matrix)
    gaps = matrix - matrix[:, [best]]
    spread = gaps.std(axis=0, ddof=1) if len(matrix) > 1 else np.full(len(mechanisms), math.nan)
    scores = [
        HypothesisScore(
            name,
            float(totals[place]),
            float(totals[place] - totals[best]),
            float(spread[place] * math.sqrt(len(matrix))),
            float(weights[place]),
        )
        for place, name in enumerate(mechanisms)
    ]
    return tuple(sorted(scores, key=lambda score: -score.log_score))


def stacking_weights(matrix: Array) -> Array:
    """Weights of the mixture with the largest sum of log densities, by expectation and maximisation.

    >>> stacking_weights(np.log([[0.9, 0.1], [0.1, 0.9]])).round(6).tolist()
    [0.5, 0.5]
    """
    weights = np.full(matrix.shape[1], 1.0 / matrix.shape[1])
    densities = np.exp(matrix - matrix.max(axis=1, keepdims=True))
    for _ in range(_ROUNDS):
        shares = densities * weights
        weights = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
    return np.asarray(weights)
