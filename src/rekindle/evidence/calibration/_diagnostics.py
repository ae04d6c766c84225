"""What a fit rests on: what each parameter learned, what each study moves, how it is predicted unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence.calibration._block import normal_log_density
from rekindle.evidence.calibration._fit import Fit
from rekindle.evidence.calibration._free_parameters import FreeParameter, free_parameters

Array = NDArray[np.float64]

#: A posterior SD above this share of the prior SD says that the data did not speak.
PRIOR_ONLY = 0.9
_POINT_90 = 1.6448536269514722


@dataclass(frozen=True)
class Learned:
    """One parameter after the fit: value with its 90 % interval, and posterior over prior SD."""

    parameter: FreeParameter
    value: float
    low: float
    high: float
    standard: float
    sd_ratio: float

    @property
    def prior_only(self) -> bool:
        """Whether the data left the parameter where its prior had it."""
        return self.sd_ratio > PRIOR_ONLY


@dataclass(frozen=True)
class Influence:
    """One study: what changes without it.

    Attributes:
        study_id: the study.
        numbers: how many numbers it gives.
        log_score: log density of its numbers as predicted from all other studies, parameter uncertainty
            included.
        standard_errors: misses of its numbers under that prediction, in SDs of the prediction.
        shifts: parameter -> shift, in posterior SDs, of the fit without the study (those above a quarter).
    """

    study_id: str
    numbers: int
    log_score: float
    standard_errors: tuple[float, ...]
    shifts: Mapping[str, float]


def learned(fit: Fit) -> tuple[Learned, ...]:
    """Every free parameter with what the data said about it."""
    ratios = np.sqrt(np.diag(fit.covariance))
    return tuple(
        Learned(
            parameter,
            parameter.value(float(place)),
            parameter.value(float(place - _POINT_90 * ratio)),
            parameter.value(float(place + _POINT_90 * ratio)),
            float(place),
            float(ratio),
        )
        for parameter, place, ratio in zip(free_parameters(), fit.point, ratios, strict=True)
    )


def correlated(fit: Fit, least: float = 0.7) -> tuple[tuple[str, str, float], ...]:
    """Pairs of parameters that the data cannot tell apart: correlation above ``least`` in size."""
    scale = np.sqrt(np.diag(fit.covariance))
    matrix = fit.covariance / np.outer(scale, scale)
    names = [parameter.name for parameter in free_parameters()]
    return tuple(
        (names[j], names[k], float(matrix[j, k]))
        for j in range(len(names))
        for k in range(j)
        if abs(matrix[j, k]) > least
    )


def influences(fit: Fit) -> tuple[Influence, ...]:
    """Each study left out in turn, by one Fisher step from the fit of all."""
    gradients = fit.slopes.gradients(fit.study_spread)
    information = fit.slopes.information(fit.study_spread)
    names = [parameter.name for parameter in free_parameters()]
    scale = np.sqrt(np.diag(fit.covariance))
    found = []
    for place, (block, slope) in enumerate(zip(fit.slopes.base, fit.slopes.slopes, strict=True)):
        covariance = np.linalg.inv(fit.precision - information[place])
        move = -covariance @ gradients[place]
        miss = block.observed - block.predicted - slope @ move
        wide = block.covariance(fit.study_spread) + slope @ covariance @ slope.T
        shifts = {name: float(by) for name, by in zip(names, move / scale, strict=True) if abs(by) > 0.25}
        found.append(
            Influence(
                block.study_id,
                len(block.observed),
                normal_log_density(miss, wide),
                tuple((miss / np.sqrt(np.diag(wide))).tolist()),
                shifts,
            )
        )
    return tuple(found)
