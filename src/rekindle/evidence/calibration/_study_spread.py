"""How much a study differs from the model beyond its design and its sampling error."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence.calibration._problem import Blocks

Array = NDArray[np.float64]

_TABLE = Path(__file__).parent / "data" / "study_spread.csv"
#: Distance between the 5 % and the 95 % point of a standard normal distribution.
_WIDTH_90 = 3.2897072539029435


def prior_spread() -> dict[str, float]:
    """Centre of the prior of each kind of difference.

    >>> sorted(prior_spread())
    ['acute', 'mood', 'shape', 'spread']
    """
    return {kind: math.exp(centre) for kind, (centre, _) in _priors().items()}


def log_prior(spread: Mapping[str, float]) -> float:
    """Log-normal prior density of the spreads, up to a constant, on the log scale."""
    return sum(
        -0.5 * ((math.log(spread[kind]) - centre) / sd) ** 2 for kind, (centre, sd) in _priors().items()
    )


def most_probable_spread(blocks: Blocks) -> dict[str, float]:
    """The spread of each kind under which the misses are most probable, with its prior."""
    from scipy.optimize import minimize

    kinds = list(_priors())

    def loss(logs: Array) -> float:
        spread = {kind: math.exp(value) for kind, value in zip(kinds, logs, strict=True)}
        return -log_prior(spread) - sum(block.log_likelihood(spread) for block in blocks)

    found = minimize(loss, np.array([centre for centre, _ in _priors().values()]), method="Nelder-Mead")
    return {kind: math.exp(value) for kind, value in zip(kinds, found.x.tolist(), strict=True)}


@cache
def _priors() -> dict[str, tuple[float, float]]:
    """Kind -> centre and SD of the log."""
    with _TABLE.open(encoding="utf-8", newline="") as stream:
        return {
            row["kind"]: (
                math.log(float(row["centre"])),
                math.log(float(row["high"]) / float(row["low"])) / _WIDTH_90,
            )
            for row in csv.DictReader(stream)
        }
