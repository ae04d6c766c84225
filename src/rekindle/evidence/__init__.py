"""Evidence: published observations, and what the model predicts for each of them.

>>> predict_arms(development_arms(), n_people=2).verdicts["not_simulated"]
0
"""

from rekindle.evidence._data import assumption, development_arms, development_outcomes, mechanism_facts
from rekindle.evidence._predict import predict_arms
from rekindle.evidence._prediction import VERDICTS, Prediction
from rekindle.evidence._study_design import Study, studies, study_design, study_text

__all__ = [
    "VERDICTS",
    "Prediction",
    "Study",
    "assumption",
    "development_arms",
    "development_outcomes",
    "mechanism_facts",
    "predict_arms",
    "studies",
    "study_design",
    "study_text",
]
