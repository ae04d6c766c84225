"""Where the model is run for Sobol indices, and what the runs say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence.sensitivity._inputs import (
    FITTED,
    PUBLISHED,
    VARIANT,
    UncertainInput,
    parameter_set,
)
from rekindle.therapy import calibration

Array = NDArray[np.float64]

GROUPS = {
    FITTED: "fitted parameters together",
    PUBLISHED: "pharmacokinetics together",
    VARIANT: "nasal variant",
}
_CONFIDENCE = 0.9
_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Index:
    """Share of the variance of an outcome by one input, with half-widths of 90 % confidence intervals.

    ``first`` is what knowing the input alone would remove, ``total`` what would remain if all others were
    known.
    """

    outcome: str
    input: str
    first: float
    first_error: float
    total: float
    total_error: float


@dataclass(frozen=True, slots=True)
class Spread:
    """An outcome at the most probable parameters, and its SD if inputs are independent or correlated.

    ``low`` and ``high`` bound 90 % with the correlations of the posterior.
    """

    outcome: str
    centre: float
    sd: float
    sd_correlated: float
    low: float
    high: float


@dataclass(frozen=True)
class Plan:
    """Inputs of a mechanism as a problem of SALib."""

    inputs: Sequence[UncertainInput]
    mechanism: str

    @property
    def centre(self) -> Mapping[str, float]:
        """Most probable parameters, with the default nasal variant."""
        return parameter_set(self.inputs, np.zeros(len(self.inputs)), self.mechanism)

    def points(self, samples: int, seed: int, *, groups: bool = False) -> Array:
        """Points of a scrambled Sobol sequence in numbers of SDs, shape (runs, inputs)."""
        from SALib.sample import sobol

        problem = self._problem(groups=groups)
        return np.asarray(sobol.sample(problem, samples, calc_second_order=False, seed=seed))

    def set_at(self, point: Array, *, correlated: bool = False) -> Mapping[str, float]:
        """Parameter values at a point; with ``correlated`` fitted ones follow their posterior together."""
        moves = point
        if correlated:
            moves = point.copy()
            moves[self._fitted] = self._root @ point[self._fitted]
        return parameter_set(self.inputs, moves, self.mechanism)

    def indices(self, values: Mapping[str, Array], seed: int, *, groups: bool = False) -> tuple[Index, ...]:
        """Indices of every outcome at the points of the plan; none of groups where there is one only."""
        from SALib.analyze import sobol

        if groups and not self._several_groups:
            return ()
        problem = self._problem(groups=groups)
        names = list(dict.fromkeys(problem.get("groups") or problem["names"]))
        indices: list[Index] = []
        for outcome, found in values.items():
            result = sobol.analyze(
                problem,
                found,
                calc_second_order=False,
                num_resamples=_RESAMPLES,
                conf_level=_CONFIDENCE,
                seed=seed,
            )
            columns = (result[name].tolist() for name in ("S1", "S1_conf", "ST", "ST_conf"))
            indices += [Index(outcome, *line) for line in zip(names, *columns, strict=True)]
        return tuple(indices)

    def spreads(
        self, alone: Mapping[str, Array], correlated: Mapping[str, Array], centre: Mapping[str, Array]
    ) -> tuple[Spread, ...]:
        """SDs of every outcome over the points."""
        return tuple(
            Spread(
                name,
                float(centre[name][0]),
                float(np.std(alone[name])),
                float(np.std(correlated[name])),
                *(float(end) for end in np.quantile(correlated[name], (0.05, 0.95))),
            )
            for name in alone
        )

    def _problem(self, *, groups: bool) -> dict[str, Any]:
        found: dict[str, Any] = {
            "num_vars": len(self.inputs),
            "names": [one.name for one in self.inputs],
            "bounds": [[0.0, 1.0] for _ in self.inputs],
            "dists": ["unif" if one.kind == VARIANT else "norm" for one in self.inputs],
        }
        if groups and self._several_groups:
            found["groups"] = [GROUPS[one.kind] for one in self.inputs]
        return found

    @property
    def _several_groups(self) -> bool:
        return len({one.kind for one in self.inputs}) > 1

    @cached_property
    def _fitted(self) -> list[int]:
        return [place for place, one in enumerate(self.inputs) if one.kind == FITTED]

    @cached_property
    def _root(self) -> Array:
        """Root of the correlation of the fitted inputs."""
        found = calibration(self.mechanism)
        names = [one.name for one in found.parameters]
        places = [names.index(self.inputs[place].name) for place in self._fitted]
        return np.asarray(np.linalg.cholesky(np.array(found.correlation)[np.ix_(places, places)]))
