"""The ketamine model itself: texts in the model language, parameters as data, products and interactions."""

from rekindle.therapy._control_derivation import derive_control_response
from rekindle.therapy._control_response import ControlResponse, control_response, control_responses
from rekindle.therapy._dosing import dose_records
from rekindle.therapy._interactions import (
    Interaction,
    combined_interactions,
    interaction,
    interaction_names,
)
from rekindle.therapy._mechanism_strengths import equal_day_one_strengths
from rekindle.therapy._models import (
    ALTERNATIVES,
    pharmacokinetic_model,
    pharmacokinetic_models,
    therapy_model,
)
from rekindle.therapy._residual import residual_errors
from rekindle.therapy._validated_range import Coverage, coverage

__all__ = [
    "ALTERNATIVES",
    "ControlResponse",
    "Coverage",
    "Interaction",
    "combined_interactions",
    "control_response",
    "control_responses",
    "coverage",
    "derive_control_response",
    "dose_records",
    "equal_day_one_strengths",
    "interaction",
    "interaction_names",
    "pharmacokinetic_model",
    "pharmacokinetic_models",
    "residual_errors",
    "therapy_model",
]
