"""Trials: what raters write down, endpoints, virtual trials, and the replay of a real one."""

from rekindle.trials._comparison import Comparison, compare_treatments
from rekindle.trials._comparison_outcomes import Measure, cumulative_exposure, readiness_rule, ready_to_leave
from rekindle.trials._comparison_result import Result, resamples
from rekindle.trials._comparison_result import result as measure_result
from rekindle.trials._course_times import half_time, lasting_days
from rekindle.trials._crossover import CrossoverReplay, replay_nimh_crossover
from rekindle.trials._crossover_patient import PatientReplay
from rekindle.trials._crossover_summary import SummaryRow
from rekindle.trials._design import Design, Primary
from rekindle.trials._design_reader import build_design, parse_design, read_design
from rekindle.trials._design_words import design_words
from rekindle.trials._designs import design_text, shipped_design, shipped_designs
from rekindle.trials._endpoints import Endpoint, endpoint, endpoints
from rekindle.trials._estimate import Estimate, ancova, carried_forward, paired, welch
from rekindle.trials._exposure import World
from rekindle.trials._finding import Finding
from rekindle.trials._findings import findings, has_differences
from rekindle.trials._flow import Flow, FlowStep, participant_flow
from rekindle.trials._outlook import (
    NEW_ANTIDEPRESSANT,
    Outlook,
    Report,
    simulate_outlook,
    spray_reports,
)
from rekindle.trials._paroxetine import ParoxetineReductions, paroxetine_reduction, simulate_paroxetine
from rekindle.trials._power import PowerRow, power
from rekindle.trials._primary import is_positive, primary_centre, primary_result
from rekindle.trials._ratings import RatingScale, rating_scale, rating_scales, true_baseline
from rekindle.trials._repeated_measures import mmrm, random_intercept
from rekindle.trials._replicate import run_replicates
from rekindle.trials._reported_results import (
    ReportedResult,
    condition_results,
    conditions,
    empirical_arm,
    empirical_result,
    refuse_other_condition,
)
from rekindle.trials._result_rows import ResultRow
from rekindle.trials._run_options import RunOptions, posterior_draws
from rekindle.trials._scales import (
    Scale,
    ScaleThreshold,
    convert_score,
    ideation_is_urgent,
    scale,
    scales,
)
from rekindle.trials._shares import NumberNeeded, number_needed, share_difference
from rekindle.trials._study_people import study_distributions
from rekindle.trials._survival import SurvivalCurve, hazard_ratio, kaplan_meier
from rekindle.trials._treatment import (
    ComparisonPlan,
    Treatment,
    comparison_plan,
    comparison_plans,
    read_comparison,
)
from rekindle.trials._trial_counts import TrialResponse, responses_in_trials, trial_responses
from rekindle.trials._trial_data import TrialData
from rekindle.trials._trial_run import TrialRun, TrialTask, run_trial

__all__ = [
    "NEW_ANTIDEPRESSANT",
    "Comparison",
    "ComparisonPlan",
    "CrossoverReplay",
    "Design",
    "Endpoint",
    "Estimate",
    "Finding",
    "Flow",
    "FlowStep",
    "Measure",
    "NumberNeeded",
    "Outlook",
    "ParoxetineReductions",
    "PatientReplay",
    "PowerRow",
    "Primary",
    "RatingScale",
    "Report",
    "ReportedResult",
    "Result",
    "ResultRow",
    "RunOptions",
    "Scale",
    "ScaleThreshold",
    "SummaryRow",
    "SurvivalCurve",
    "Treatment",
    "TrialData",
    "TrialResponse",
    "TrialRun",
    "TrialTask",
    "World",
    "ancova",
    "build_design",
    "carried_forward",
    "compare_treatments",
    "comparison_plan",
    "comparison_plans",
    "condition_results",
    "conditions",
    "convert_score",
    "cumulative_exposure",
    "design_text",
    "design_words",
    "empirical_arm",
    "empirical_result",
    "endpoint",
    "endpoints",
    "findings",
    "half_time",
    "has_differences",
    "hazard_ratio",
    "ideation_is_urgent",
    "is_positive",
    "kaplan_meier",
    "lasting_days",
    "measure_result",
    "mmrm",
    "number_needed",
    "paired",
    "paroxetine_reduction",
    "parse_design",
    "participant_flow",
    "posterior_draws",
    "power",
    "primary_centre",
    "primary_result",
    "random_intercept",
    "rating_scale",
    "rating_scales",
    "read_comparison",
    "read_design",
    "readiness_rule",
    "ready_to_leave",
    "refuse_other_condition",
    "replay_nimh_crossover",
    "resamples",
    "responses_in_trials",
    "run_replicates",
    "run_trial",
    "scale",
    "scales",
    "share_difference",
    "shipped_design",
    "shipped_designs",
    "simulate_outlook",
    "simulate_paroxetine",
    "spray_reports",
    "study_distributions",
    "trial_responses",
    "true_baseline",
    "welch",
]
