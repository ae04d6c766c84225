"""Response, remission, relapse and dissociation as functions of scores, with the threshold in the name."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rekindle.errors import ParameterError

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A yes-or-no outcome of one person, defined by a threshold on a scale."""

    name: str
    scale: str
    rule: str
    threshold: float
    mark: str
    source: str

    @property
    def label(self) -> str:
        """Name with the threshold.

        >>> endpoint("remission", "MADRS").label
        'remission (MADRS <= 10)'
        """
        value = f"{self.threshold:g}"
        words = {
            "fall_pct": f"{self.scale} fall >= {value} %",
            "at_most": f"{self.scale} <= {value}",
            "above": f"{self.scale} > {value}",
            "at_least_twice": f"{self.scale} >= {value} at two consecutive visits",
        }
        return f"{self.name} ({words[self.rule]})"

    def reached(self, scores: ArrayLike, baseline: ArrayLike | None = None) -> Flags:
        """Whether it is reached: scores (..., people); for relapse (visits, people), any two in a row.

        >>> endpoint("response", "MADRS").reached([14, 20], [30, 30]).tolist()
        [True, False]
        >>> endpoint("relapse", "MADRS").reached([[25, 25], [24, 10], [8, 30]]).tolist()
        [True, False]
        """
        values = np.asarray(scores, dtype=float)
        if self.rule == "fall_pct":
            if baseline is None:
                raise ParameterError(
                    "RK-PAR-061", given=f"{self.label} without baseline scores", remedy="Give baseline=..."
                )
            start = np.asarray(baseline, dtype=float)
            return np.asarray((start > 0) & (start - values >= self.threshold / 100 * start))
        if self.rule == "at_most":
            return np.asarray(values <= self.threshold)
        if self.rule == "above":
            return np.asarray(values > self.threshold)
        high = values >= self.threshold
        return np.asarray((high[1:] & high[:-1]).any(axis=0))


@cache
def endpoints() -> tuple[Endpoint, ...]:
    """All defined endpoints."""
    with files("rekindle.trials").joinpath("data/endpoints.csv").open(encoding="utf-8") as stream:
        return tuple(
            Endpoint(r["endpoint"], r["scale"], r["rule"], float(r["threshold"]), r["mark"], r["source"])
            for r in csv.DictReader(stream)
        )


def endpoint(name: str, scale: str, threshold: float | None = None) -> Endpoint:
    """The endpoint with this name and scale, with its usual or another threshold.

    Raises:
        ParameterError: an endpoint that is not defined on that scale.

    >>> endpoint("remission", "MADRS", threshold=12).label
    'remission (MADRS <= 12)'
    """
    for known in endpoints():
        if (known.name, known.scale) == (name, scale):
            if threshold is None:
                return known
            return Endpoint(name, scale, known.rule, float(threshold), "user", "set by the user")
    raise ParameterError(
        "RK-PAR-062",
        given=f'endpoint "{name}" on {scale}',
        allowed=", ".join(known.label for known in endpoints()),
    )
