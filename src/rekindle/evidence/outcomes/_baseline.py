"""Severity of an arm at entry, as its row states it or as the default population has it."""

from __future__ import annotations

import math

from rekindle.evidence._data import entry_criterion
from rekindle.evidence._row import Row
from rekindle.evidence.outcomes import _notes as notes
from rekindle.evidence.outcomes._people import Baseline
from rekindle.people import default_distributions
from rekindle.therapy import therapy_model
from rekindle.trials import rating_scale


def read_baseline(row: Row, scale: str, remarks: list[str]) -> Baseline:
    """Baseline of a row on the scale of its outcome; what had to be assumed is added to the remarks.

    >>> read_baseline(Row(2, {"baseline_mean": "35", "baseline_sd": "5"}), "MADRS", [])
    Baseline(scale='MADRS', mean=35.0, sd=5.0, entry=None, before_selection=False)
    """
    usual = usual_baseline(scale)
    mean, sd = row.positive("baseline_mean"), row.positive("baseline_sd")
    if mean is None and (mean := notes.stated_baseline(row)) is not None:
        remarks.append(f"baseline {mean:g}, from the notes")
    if mean is None:
        remarks.append(f"baseline not stated: {scale} {usual.mean:.3g} (SD {usual.sd:.2g}) assumed")
        return usual
    if sd is None:
        sd = usual.sd
        remarks.append(f"baseline SD not stated: {sd:.2g} assumed")
    entry = notes.entry_score(row)
    if entry is None and (known := entry_criterion(row.text("study_id"), scale)) is not None:
        entry = known[0]
        remarks.append(f"entry from {scale} {entry:g} ({known[1]})")
    return Baseline(scale, mean, sd, entry)


def usual_baseline(scale: str) -> Baseline:
    """Baseline of the default population; HAM-D17 by the line on which the model reads it off MADRS."""
    row = next(row for row in default_distributions().rows if row.covariate == "madrs_baseline")
    if scale == "MADRS":
        return Baseline(scale, row.mean, row.sd, row.low, before_selection=True)
    parameters = therapy_model().parameters
    slope, intercept = parameters["hamd17_slope"].value, parameters["hamd17_intercept"].value
    assert slope is not None, "the data file gives it"
    assert intercept is not None, "the data file gives it"
    return Baseline(scale, intercept + slope * row.mean, math.hypot(slope * row.sd, rating_scale(scale).sd))
