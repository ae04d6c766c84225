"""The molecule with the least dissociation that still has an effect: a search over properties and dose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.people._analog import analog_properties
from rekindle.people._analog_molecules import molecules_with, refuse_unknown
from rekindle.people._equal_effect import HIGHEST_MG, LOWEST_MG, Bench, Readouts

Array = NDArray[np.float64]
#: What a front may change; affinity alone only sets the dose, and liking changes nothing but liking.
_SEARCHED = ("rho", "trapping", "allosteric", "direct", "clearance", "equilibration", "absorption")
#: Half of the effect must be there by this time (h), or the molecule would not act within hours.
ONSET_H = 2.0
#: Differential evolution: members for each property, and cost of missing a condition.
_MEMBERS, _MISS = 5, 1e3
#: Dose from which a search begins (mg).
_START_MG = 30.0


@dataclass(frozen=True)
class AnalogOptimum:
    """The molecule with the lowest peak of CADSS that meets the conditions of ``least_dissociation``.

    Attributes:
        effect: improvement that was asked for at day 1, share of baseline severity.
        values: property -> value; empty where no molecule was found.
        readouts: what it does; nan where none was found.
    """

    effect: float
    values: Mapping[str, float]
    readouts: Readouts

    @property
    def found(self) -> bool:
        """Whether any molecule meets the conditions."""
        return bool(self.values)


def least_dissociation(
    effect: float,
    *,
    vary: Sequence[str] = _SEARCHED,
    onset: float = ONSET_H,
    thrift: float = 0.0,
    mechanism: str = "disinhibition",
    parameters: Mapping[str, float] | None = None,
    generations: int = 20,
    seed: int = 1,
) -> AnalogOptimum:
    """The properties and the dose with the lowest peak of CADSS that still have an effect at day 1.

    Minimised by differential evolution (Storn and Price 1997, 10.1023/A:1008202821328). A minimum that is
    found so is an upper bound of the true one.

    Args:
        effect: improvement wanted at 24 h, share of baseline severity.
        vary: properties that may change within their ranges; the others are those of S-ketamine.
        onset: latest time at which half of the effect at 24 h must be there (h).
        thrift: points of CADSS that moving one property from S-ketamine through all of its range must save;
            keeps properties that do not matter where they are.
        mechanism: hypothesis that carries the mood effect.
        parameters: values that replace those of the model.
        generations: of the search; more come closer to the true minimum.
        seed: seed of the search.

    Raises:
        PersonError: an unknown property.

    >>> least_dissociation(0.9, vary=["trapping"]).found
    False
    """
    from scipy.optimize import Bounds, differential_evolution

    known = analog_properties()
    refuse_unknown(vary, known)
    bench = Bench(mechanism, parameters or {})
    bounds = [(math.log(known[name].low), math.log(known[name].high)) for name in vary]
    bounds.append((math.log(LOWEST_MG), math.log(HIGHEST_MG)))
    start = np.log([*(known[name].start for name in vary), _START_MG])
    spans = np.ptp(bounds, axis=1)

    def read(points: Array) -> Readouts:
        values = np.exp(points)
        return bench.read(molecules_with(dict(zip(vary, values[:-1], strict=True))), values[-1])

    def cost(points: Array, /) -> Any:
        columns = points.reshape(len(bounds), -1)
        found = read(columns)
        moved = (np.abs(columns - start[:, None]) / spans[:, None])[:-1].sum(axis=0)
        missed = np.maximum(effect - found.effect_day_1, 0.0) + np.maximum(found.onset - onset, 0.0)
        return np.where(missed > 0.0, _MISS * (1.0 + missed), found.cadss + thrift * moved)

    best = differential_evolution(
        cost,
        Bounds(*np.array(bounds).T),
        popsize=_MEMBERS,
        maxiter=generations,
        init="sobol",
        x0=start,
        updating="deferred",
        vectorized=True,
        polish=False,
        rng=np.random.default_rng(seed),
    )
    readouts = read(best.x[:, None])
    if best.fun >= _MISS:
        return AnalogOptimum(effect, {}, Readouts.nothing(1))
    return AnalogOptimum(effect, dict(zip(vary, np.exp(best.x[:-1]).tolist(), strict=True)), readouts)
