"""Evidence: published observations, and what the model predicts for each of them.

>>> predict_arms(development_arms(), n_people=2).verdicts["not_simulated"]
0
"""

from rekindle.evidence._data import assumption, development_arms, development_outcomes, mechanism_facts
from rekindle.evidence._predict import predict_arms
from rekindle.evidence._prediction import VERDICTS, Prediction
from rekindle.evidence.studies._reported import Reported, reported_results
from rekindle.evidence.studies._studies import Study, studies, study_design, study_text

__all__ = [
    "VERDICTS",
    "Prediction",
    "Reported",
    "Study",
    "assumption",
    "development_arms",
    "development_outcomes",
    "mechanism_facts",
    "predict_arms",
    "reported_results",
    "studies",
    "study_design",
    "study_text",
]
