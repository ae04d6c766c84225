"""Trials: what raters write down, endpoints, and the replay of a real trial with its own patients."""

from rekindle.trials._crossover import CrossoverReplay, PatientReplay, replay_nimh_crossover
from rekindle.trials._crossover_summary import SummaryRow
from rekindle.trials._endpoints import Endpoint, endpoint, endpoints
from rekindle.trials._ratings import RatingScale, rating_scale, rating_scales, true_baseline

__all__ = [
    "CrossoverReplay",
    "Endpoint",
    "PatientReplay",
    "RatingScale",
    "SummaryRow",
    "endpoint",
    "endpoints",
    "rating_scale",
    "rating_scales",
    "replay_nimh_crossover",
    "true_baseline",
]
