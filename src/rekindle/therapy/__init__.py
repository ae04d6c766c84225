"""The ketamine model itself: texts in the model language, parameters as data, products and interactions."""

from typing import TYPE_CHECKING

from rekindle._on_demand import on_demand
from rekindle.therapy._calibration import (
    PARAMETER_SETS,
    CalibratedParameter,
    Calibration,
    calibrated_mechanisms,
    calibration,
    default_parameters,
    from_line,
    moved_from_prior,
    to_line,
)
from rekindle.therapy._compound_names import PRIOR_ONLY, compound_names
from rekindle.therapy._control_response import ControlResponse, control_response, control_responses
from rekindle.therapy._dosing import MIDAZOLAM, dose_records
from rekindle.therapy._interactions import (
    Interaction,
    combined_interactions,
    interaction,
    interaction_names,
    scenario_interactions,
)
from rekindle.therapy._models import (
    ALTERNATIVES,
    pharmacokinetic_model,
    pharmacokinetic_models,
    therapy_model,
)
from rekindle.therapy._parameter_set import ParameterSet, named_parameter_set
from rekindle.therapy._study_difference import SHARED_BETWEEN_ARMS, STUDY_KINDS, arm_difference
from rekindle.therapy._validated_range import Coverage, coverage

if TYPE_CHECKING:
    from rekindle.therapy._adverse_derivation import derive_adverse_events
    from rekindle.therapy._adverse_events import adverse_event_incidence, adverse_events, check_adverse_event
    from rekindle.therapy._calibration_studies import CalibrationStudy, calibration_studies
    from rekindle.therapy._circuit import CircuitRates, circuit_course, circuit_rates
    from rekindle.therapy._comparator_derivation import TRAINING, derive_learning_speed, derive_ssri_share
    from rekindle.therapy._comparators import (
        ect_records,
        midazolam_records,
        refuse_double_count,
        ssri_records,
        training_records,
    )
    from rekindle.therapy._compound import Compound, Gap, Measure, Species
    from rekindle.therapy._compound_model import compound_model, compound_parameters
    from rekindle.therapy._compound_outputs import is_ketamine
    from rekindle.therapy._compounds import compound_source, compounds, find_compound, read_compound
    from rekindle.therapy._control_derivation import derive_control_response
    from rekindle.therapy._double_well_derivation import derive_double_well
    from rekindle.therapy._export import export_events
    from rekindle.therapy._mechanism_strengths import equal_day_one_strengths
    from rekindle.therapy._mechanism_weights import (
        WEIGHTINGS,
        MechanismScore,
        mechanism_scores,
        mechanism_weights,
    )
    from rekindle.therapy._parameter_draws import parameter_draws
    from rekindle.therapy._pharmacokinetic_uncertainty import (
        UncertainParameter,
        moved_pharmacokinetics,
        nasal_variants,
        pharmacokinetic_draws,
        uncertain_pharmacokinetics,
    )
    from rekindle.therapy._residual import residual_errors
else:
    __getattr__ = on_demand(
        __name__,
        {
            "_adverse_derivation": "derive_adverse_events",
            "_adverse_events": "adverse_event_incidence, adverse_events, check_adverse_event",
            "_calibration_studies": "CalibrationStudy, calibration_studies",
            "_circuit": "CircuitRates, circuit_course, circuit_rates",
            "_comparator_derivation": "TRAINING, derive_learning_speed, derive_ssri_share",
            "_comparators": "ect_records, midazolam_records, refuse_double_count, ssri_records, "
            "training_records",
            "_compound": "Compound, Gap, Measure, Species",
            "_compound_model": "compound_model, compound_parameters",
            "_compound_outputs": "is_ketamine",
            "_compounds": "compound_source, compounds, find_compound, read_compound",
            "_control_derivation": "derive_control_response",
            "_double_well_derivation": "derive_double_well",
            "_export": "export_events",
            "_mechanism_strengths": "equal_day_one_strengths",
            "_mechanism_weights": "WEIGHTINGS, MechanismScore, mechanism_scores, mechanism_weights",
            "_parameter_draws": "parameter_draws",
            "_pharmacokinetic_uncertainty": "UncertainParameter, moved_pharmacokinetics, nasal_variants, "
            "pharmacokinetic_draws, uncertain_pharmacokinetics",
            "_residual": "residual_errors",
        },
    )

__all__ = [
    "ALTERNATIVES",
    "MIDAZOLAM",
    "PARAMETER_SETS",
    "PRIOR_ONLY",
    "SHARED_BETWEEN_ARMS",
    "STUDY_KINDS",
    "TRAINING",
    "WEIGHTINGS",
    "CalibratedParameter",
    "Calibration",
    "CalibrationStudy",
    "CircuitRates",
    "Compound",
    "ControlResponse",
    "Coverage",
    "Gap",
    "Interaction",
    "Measure",
    "MechanismScore",
    "ParameterSet",
    "Species",
    "UncertainParameter",
    "adverse_event_incidence",
    "adverse_events",
    "arm_difference",
    "calibrated_mechanisms",
    "calibration",
    "calibration_studies",
    "check_adverse_event",
    "circuit_course",
    "circuit_rates",
    "combined_interactions",
    "compound_model",
    "compound_names",
    "compound_parameters",
    "compound_source",
    "compounds",
    "control_response",
    "control_responses",
    "coverage",
    "default_parameters",
    "derive_adverse_events",
    "derive_control_response",
    "derive_double_well",
    "derive_learning_speed",
    "derive_ssri_share",
    "dose_records",
    "ect_records",
    "equal_day_one_strengths",
    "export_events",
    "find_compound",
    "from_line",
    "interaction",
    "interaction_names",
    "is_ketamine",
    "mechanism_scores",
    "mechanism_weights",
    "midazolam_records",
    "moved_from_prior",
    "moved_pharmacokinetics",
    "named_parameter_set",
    "nasal_variants",
    "parameter_draws",
    "pharmacokinetic_draws",
    "pharmacokinetic_model",
    "pharmacokinetic_models",
    "read_compound",
    "refuse_double_count",
    "residual_errors",
    "scenario_interactions",
    "ssri_records",
    "therapy_model",
    "to_line",
    "training_records",
    "uncertain_pharmacokinetics",
]
