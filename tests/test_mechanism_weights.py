"""Weights of the mechanism hypotheses."""

from __future__ import annotations

import math

import pytest

from rekindle.errors import ParameterError
from rekindle.therapy import WEIGHTINGS, MechanismScore, mechanism_scores, mechanism_weights
from rekindle.therapy._mechanism_weights import _predictive


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_weights_sum_to_one(weighting: str) -> None:
    weights = mechanism_weights(weighting)
    assert math.fsum(weights.values()) == pytest.approx(1.0)
    assert set(weights) == {one.mechanism for one in mechanism_scores()}


def test_prior_weights_are_those_of_the_parameter_table() -> None:
    weights = mechanism_weights("prior")
    assert weights["disinhibition"] == max(weights.values())


def test_another_weighting_is_refused() -> None:
    with pytest.raises(ParameterError, match="RK-PAR-181"):
        mechanism_weights("predictiv")


def scored(prior: float, *scores: float) -> MechanismScore:
    names = [f"study {place}" for place in range(len(scores))]
    return MechanismScore("a", dict(zip(names, scores, strict=True)), prior)


def named(*scores: MechanismScore) -> list[float]:
    found = _predictive(tuple(MechanismScore(str(k), s.studies, s.prior) for k, s in enumerate(scores)))
    return list(found.values())


def test_equal_predictions_leave_the_prior() -> None:
    assert named(scored(0.6, -3, -4), scored(0.3, -3, -4), scored(0.1, -3, -4)) == pytest.approx(
        [0.6, 0.3, 0.1]
    )


def test_the_same_gain_in_every_study_is_believed() -> None:
    """Without differences between studies the bootstrap changes nothing: a ratio of likelihoods."""
    first, second = named(scored(0.5, *[-3.0] * 10), scored(0.5, *[-3.3] * 10))
    assert first / second == pytest.approx(math.exp(3.0))


def test_a_gain_in_one_study_counts_for_less() -> None:
    everywhere = named(scored(0.5, *[-3.0] * 10), scored(0.5, *[-3.3] * 10))[0]
    once = named(scored(0.5, *[-3.0] * 10), scored(0.5, -6.0, *[-3.0] * 9))[0]
    assert 0.5 < once < everywhere
