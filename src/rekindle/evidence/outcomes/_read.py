"""Read what a row of clinical outcomes observed."""

from __future__ import annotations

from rekindle.evidence._data import outcomes_not_modelled, report_outputs
from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence.outcomes._acute import is_acute, read_acute, read_reports
from rekindle.evidence.outcomes._mood import read_mood
from rekindle.evidence.outcomes._target import OutcomeTarget


def read_outcome(row: Row) -> OutcomeTarget:
    """What a row observed.

    Raises:
        EvidenceError, RegimenError, ParameterError: why it cannot be simulated, naming what is missing.
    """
    outcome = row.word("outcome")
    if outcome in outcomes_not_modelled():
        raise not_simulated(f"line {row.number}: {outcome}: {outcomes_not_modelled()[outcome]}")
    if is_acute(row):
        return read_acute(row)
    return read_reports(row) if outcome in report_outputs() else read_mood(row)
