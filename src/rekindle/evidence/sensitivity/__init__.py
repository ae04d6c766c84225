"""Global sensitivity: which uncertain parameters the outcomes of the typical person depend on.

>>> len(uncertain_inputs()) > 30
True
"""

from rekindle.evidence.sensitivity._indices import Sensitivity, check_samples, sensitivity
from rekindle.evidence.sensitivity._inputs import UncertainInput, parameter_set, uncertain_inputs
from rekindle.evidence.sensitivity._outcomes import OUTCOMES, Outcome, outcome_values
from rekindle.evidence.sensitivity._plan import GROUPS, Index, Plan, Spread

__all__ = [
    "GROUPS",
    "OUTCOMES",
    "Index",
    "Outcome",
    "Plan",
    "Sensitivity",
    "Spread",
    "UncertainInput",
    "check_samples",
    "outcome_values",
    "parameter_set",
    "sensitivity",
    "uncertain_inputs",
]
