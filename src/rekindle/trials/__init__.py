"""Trials: what raters write down, endpoints, and the replay of a real trial with its own patients."""

from rekindle.trials._comparison import Comparison, compare_treatments
from rekindle.trials._comparison_outcomes import readiness_rule
from rekindle.trials._comparison_result import Result
from rekindle.trials._crossover import CrossoverReplay, PatientReplay, replay_nimh_crossover
from rekindle.trials._crossover_summary import SummaryRow
from rekindle.trials._endpoints import Endpoint, endpoint, endpoints
from rekindle.trials._outlook import (
    NEW_ANTIDEPRESSANT,
    Outlook,
    Report,
    simulate_outlook,
    spray_reports,
)
from rekindle.trials._paroxetine import ParoxetineReductions, paroxetine_reduction, simulate_paroxetine
from rekindle.trials._ratings import RatingScale, rating_scale, rating_scales, true_baseline
from rekindle.trials._reported_results import (
    ReportedResult,
    condition_results,
    conditions,
    empirical_arm,
    empirical_result,
    refuse_other_condition,
)
from rekindle.trials._scales import (
    Scale,
    ScaleThreshold,
    convert_score,
    ideation_is_urgent,
    scale,
    scales,
)
from rekindle.trials._treatment import (
    ComparisonPlan,
    Treatment,
    comparison_plan,
    comparison_plans,
    read_comparison,
)
from rekindle.trials._trial_counts import TrialResponse, responses_in_trials, trial_responses

__all__ = [
    "NEW_ANTIDEPRESSANT",
    "Comparison",
    "ComparisonPlan",
    "CrossoverReplay",
    "Endpoint",
    "Outlook",
    "ParoxetineReductions",
    "PatientReplay",
    "RatingScale",
    "Report",
    "ReportedResult",
    "Result",
    "Scale",
    "ScaleThreshold",
    "SummaryRow",
    "Treatment",
    "TrialResponse",
    "compare_treatments",
    "comparison_plan",
    "comparison_plans",
    "condition_results",
    "conditions",
    "convert_score",
    "empirical_arm",
    "empirical_result",
    "endpoint",
    "endpoints",
    "ideation_is_urgent",
    "paroxetine_reduction",
    "rating_scale",
    "rating_scales",
    "read_comparison",
    "readiness_rule",
    "refuse_other_condition",
    "replay_nimh_crossover",
    "responses_in_trials",
    "scale",
    "scales",
    "simulate_outlook",
    "simulate_paroxetine",
    "spray_reports",
    "trial_responses",
    "true_baseline",
]
