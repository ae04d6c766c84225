"""Outputs of a course that are shown, and the words for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rekindle.modelling import Model

#: Outputs whose peaks are reported, in words; those that a model does not have are left out.
_PEAKS = {
    "ketamine_venous": "ketamine, venous plasma",
    "norketamine": "norketamine, plasma",
    "cadss": "dissociation (CADSS)",
    "systolic_change": "systolic pressure, rise",
    "diastolic_change": "diastolic pressure, rise",
}
#: The same for published parameter sets that do not add up both enantiomers.
_PEAKS_OF_SETS = {
    "s_ketamine_venous": "S-ketamine, venous plasma",
    "ketamine_arterial": "ketamine, arterial plasma",
    "s_ketamine_arterial": "S-ketamine, arterial plasma",
    "norketamine": "norketamine, plasma",
    "s_norketamine": "S-norketamine, plasma",
}
PLASMA = ("ketamine_venous", "norketamine")
STATE_PEAKS = {
    "interneuron_block": "NMDA block, interneurons",
    "pyramidal_block": "NMDA block, pyramidal cells",
    "glutamate_level": "glutamate (baseline 1)",
    "synapses": "synapse deficit rescued",
}
#: States that rise and fall within a session; all others build up over the course.
ACUTE_STATES = ("interneuron_block", "pyramidal_block", "tonic_block", "glutamate_level")
#: Wanted for the figures only.
_FIGURES = ("hnk", "tonic_block", "potentiation", "spines", "expectancy_level")
MOOD = "madrs_latent"


def wanted_outputs(model: Model, more: Sequence[str]) -> list[str]:
    """What the summary and the figures need, as far as the model has it, and what the user names.

    Raises:
        OutputError: a named output that the model does not have.
    """
    from rekindle.engine import output_names

    standard = [name for name in (*STATE_PEAKS, *_FIGURES, MOOD) if name in model.outputs]
    return list(output_names(model, list(dict.fromkeys([*peak_labels(model), *standard, *more]))))


def peak_labels(model: Model) -> dict[str, str]:
    """Measurable outputs whose peaks are reported for a model, with their words."""
    labels = _PEAKS if "ketamine_venous" in model.outputs else _PEAKS_OF_SETS
    return {name: label for name, label in labels.items() if name in model.outputs}
