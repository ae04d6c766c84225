"""How much each mechanism hypothesis counts in an average, from how it predicted studies it had not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from rekindle.errors import ParameterError, nearest
from rekindle.therapy._calibration import calibrated_mechanisms
from rekindle.therapy._models import therapy_model
from rekindle.therapy._tables import read_table

#: Mechanism -> parameter that holds its weight before any data.
_PRIOR = {"disinhibition": "s_dis", "tonic_eef2": "s_eef2", "hnk_direct": "s_hnk"}
#: Ways to weigh: by prediction and prior, by the prior alone, or all alike.
WEIGHTINGS = ("predictive", "prior", "equal")
_RESAMPLES = 4000
_SEED = 1


@dataclass(frozen=True, slots=True)
class MechanismScore:
    """One calibrated hypothesis.

    Attributes:
        mechanism: its name.
        studies: study -> log density of its numbers, predicted from all other studies.
        prior: weight before any data (a judgement).
    """

    mechanism: str
    studies: Mapping[str, float]
    prior: float

    @property
    def log_score(self) -> float:
        """Sum over studies; higher is better, and only differences on the same studies mean something."""
        return sum(self.studies.values())


@cache
def mechanism_scores() -> tuple[MechanismScore, ...]:
    """Every hypothesis with a shipped calibration, in the order of their priors.

    >>> mechanism_scores()[0].mechanism
    'disinhibition'
    """
    parameters = therapy_model(parameters="nominal").parameters
    found = []
    for mechanism, weight in _PRIOR.items():
        if mechanism in calibrated_mechanisms():
            rows = read_table(f"calibration/{mechanism}/studies.csv")
            prior = parameters[weight].value
            assert prior is not None, "the data file gives it"
            scores = {row["study_id"]: float(row["log_score"]) for row in rows}
            found.append(MechanismScore(mechanism, scores, float(prior)))
    return tuple(found)


def mechanism_weights(weighting: str = "predictive") -> dict[str, float]:
    """Weight of each calibrated hypothesis, summing to 1.

    Predictive weights are pseudo-BMA+ weights with a prior: a weight is proportional to the prior times the
    exponential of the log score over studies left out, averaged over Bayesian bootstraps of the studies, so
    that a difference carried by one or two studies counts for little.

    Args:
        weighting: predictive, prior or equal.

    Raises:
        ParameterError: another weighting.

    References:
        Yao Y, Vehtari A, Simpson D, Gelman A (2018) Using stacking to average Bayesian predictive
        distributions. Bayesian Analysis 13:917-1007. doi:10.1214/17-BA1091

    >>> weights = mechanism_weights("equal")
    >>> round(sum(weights.values()), 9), len(set(weights.values()))
    (1.0, 1)
    """
    if weighting not in WEIGHTINGS:
        raise ParameterError(
            "RK-PAR-181",
            given=f'weighting "{weighting}"{nearest(weighting, WEIGHTINGS)}',
            allowed=", ".join(WEIGHTINGS),
        )
    scores = mechanism_scores()
    names = [one.mechanism for one in scores]
    if weighting == "equal":
        return dict.fromkeys(names, 1.0 / len(names))
    if weighting == "prior":
        total = sum(one.prior for one in scores)
        return {one.mechanism: one.prior / total for one in scores}
    return _predictive(scores)


def _predictive(scores: tuple[MechanismScore, ...]) -> dict[str, float]:
    import numpy as np

    studies = [study for study in scores[0].studies if all(study in one.studies for one in scores)]
    table = np.array([[one.studies[study] for study in studies] for one in scores])
    shares = np.random.default_rng(_SEED).dirichlet(np.ones(len(studies)), _RESAMPLES)
    logs = len(studies) * shares @ table.T + np.log([one.prior for one in scores])
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    mean = (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)
    return {one.mechanism: float(weight) for one, weight in zip(scores, mean, strict=True)}
