"""What each study said in the shipped calibration of a hypothesis, read from its result files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rekindle.therapy._calibration import calibration
from rekindle.therapy._tables import read_table


@dataclass(frozen=True, slots=True)
class CalibrationStudy:
    """One study of a calibration.

    Attributes:
        study_id: the study.
        numbers: how many numbers it gives.
        log_score: log density of its numbers as predicted from all other studies.
        rms_miss: root-mean-square miss of that prediction, in its own SDs.
        shifts: parameter -> shift without the study, in posterior SDs (those above a quarter).
    """

    study_id: str
    numbers: int
    log_score: float
    rms_miss: float
    shifts: Mapping[str, float]


def calibration_studies(mechanism: str = "disinhibition") -> tuple[CalibrationStudy, ...]:
    """Every study of the shipped calibration of a hypothesis.

    Raises:
        ParameterError: a mechanism without one.

    >>> all(study.numbers > 0 for study in calibration_studies())
    True
    """
    calibration(mechanism)  # refuses unknown names
    return tuple(
        CalibrationStudy(
            row["study_id"],
            int(row["numbers"]),
            float(row["log_score"]),
            float(row["rms_miss"]),
            _shifts(row["shifts"]),
        )
        for row in read_table(f"calibration/{mechanism}/studies.csv")
    )


def _shifts(text: str) -> dict[str, float]:
    """Shifts as they are written.

    >>> _shifts("EA -1.34; A_class[mixed] +0.5")
    {'EA': -1.34, 'A_class[mixed]': 0.5}
    """
    pairs = (part.rsplit(" ", 1) for part in text.split("; ") if part)
    return {name: float(by) for name, by in pairs}
