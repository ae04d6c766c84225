"""Clouds of invented molecules, each at the dose with the effect of a reference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import PersonError
from rekindle.people._analog import analog_properties
from rekindle.people._analog_molecules import molecules_with, refuse_unknown, treated
from rekindle.people._equal_effect import DAY_1_H, Bench, Readouts
from rekindle.therapy import PRIOR_ONLY

Array = NDArray[np.float64]
#: Racemic ketamine as it is given most often; others are held against it.
REFERENCE = "ketamine 0.5 mg/kg iv over 40 min"


@dataclass(frozen=True)
class AnalogSearch:
    """Invented molecules, each at the lowest dose with the effect of a reference. A hypothesis, prior only.

    Attributes:
        mechanism: hypothesis that carries the mood effect.
        time_h: when the effect is equal (h).
        reference: what the reference does.
        values: property -> value of each molecule.
        readouts: what each molecule does; nan where no dose has the effect.
        largest: largest effect that any dose of a molecule has, share of baseline severity.
        label: what stands beside every result.
    """

    mechanism: str
    time_h: float
    reference: Readouts
    values: Mapping[str, Array]
    readouts: Readouts
    largest: Array
    label: str = PRIOR_ONLY

    @property
    def reached(self) -> NDArray[np.bool_]:
        """Which molecules have the effect at some dose."""
        return np.isfinite(self.readouts.dose_mg)

    def front(self, *objectives: str) -> NDArray[np.int64]:
        """Molecules that no other betters in every one of these readouts (less is better), by the first."""
        points = np.array([getattr(self.readouts, name) for name in objectives]).T
        best = undominated(points)
        return best[np.argsort(points[best, 0], kind="stable")]


def search_analogs(
    reference: str = REFERENCE,
    *,
    molecules: int = 256,
    vary: Sequence[str] = (),
    time_h: float = DAY_1_H,
    mechanism: str = "disinhibition",
    parameters: Mapping[str, float] | None = None,
    seed: int = 1,
    workers: int = 1,
) -> AnalogSearch:
    """Spread invented molecules over their possible properties, each at the effect of a reference.

    The properties are log-uniform in the ranges of ``analog_properties``, as a scrambled Sobol sequence
    (Owen 1998, 10.1006/jcom.1998.0487). Only pharmacology counts: a typical person, one dose, no expectancy.

    Args:
        reference: a treatment whose effect is to be had.
        molecules: how many; a power of two spreads best and any other number is raised to one.
        vary: properties that differ; default all of them.
        time_h: when the effect must be equal.
        mechanism: hypothesis that carries the mood effect.
        parameters: values that replace those of the model, for example of ``uncertain_parameters``.
        seed: seed of the sequence.
        workers: processes; the numbers do not depend on it.

    Raises:
        PersonError: an unknown property, or fewer than two molecules.

    >>> found = search_analogs(molecules=8, vary=["trapping", "absorption"])
    >>> bool((found.readouts.cadss[found.reached] < found.reference.cadss).any())
    True
    """
    from scipy.stats.qmc import Sobol

    known = analog_properties()
    names = tuple(vary) or tuple(known)
    refuse_unknown(names, known)
    if molecules < 2:
        raise PersonError("RK-PER-092", given=f"a search among {molecules} molecules", allowed="At least 2")
    ends = np.log([(known[name].low, known[name].high) for name in names])
    points = Sobol(len(names), rng=np.random.default_rng(seed)).random_base2(math.ceil(math.log2(molecules)))
    values = dict(zip(names, np.exp(ends[:, 0] + points * (ends[:, 1] - ends[:, 0])).T, strict=True))
    return _matched(values, reference, time_h, Bench(mechanism, parameters or {}, workers))


def vary_one(
    name: str,
    reference: str = REFERENCE,
    *,
    steps: int = 9,
    time_h: float = DAY_1_H,
    mechanism: str = "disinhibition",
    parameters: Mapping[str, float] | None = None,
    workers: int = 1,
) -> AnalogSearch:
    """One property through its range, the others as in S-ketamine, each molecule at equal effect.

    Args:
        name: property.
        steps: values, evenly on a logarithmic scale, ends included.
        reference, time_h, mechanism, parameters, workers: see ``search_analogs``.

    Raises:
        PersonError: an unknown property.

    >>> cadss = vary_one("trapping", steps=3).readouts.cadss
    >>> bool(cadss[0] < cadss[1] < cadss[2])
    True
    """
    known = analog_properties()
    refuse_unknown([name], known)
    values = {name: np.geomspace(known[name].low, known[name].high, steps)}
    return _matched(values, reference, time_h, Bench(mechanism, parameters or {}, workers))


def undominated(points: Array) -> NDArray[np.int64]:
    """Places of the rows that no other row equals or betters in every column; less is better.

    >>> undominated(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 4.0], [np.nan, 0.0]])).tolist()
    [0, 1]
    """
    places = np.flatnonzero(np.isfinite(points).all(axis=1))
    kept = []
    for place in places:
        others = points[places]
        no_worse = (others <= points[place]).all(axis=1)
        better = (others < points[place]).any(axis=1)
        if not (no_worse & better).any():
            kept.append(int(place))
    return np.array(kept, dtype=np.int64)


def _matched(values: Mapping[str, Array], reference: str, time_h: float, bench: Bench) -> AnalogSearch:
    given = treated(reference)
    beside = bench.read([given], np.array([given.dose_mg]))
    effect = float(bench.effects([given], bench.own([given]), np.array([given.dose_mg]), time_h)[0])
    readouts, largest = bench.equal_effect(molecules_with(values), effect, time_h)
    return AnalogSearch(bench.mechanism, time_h, beside, dict(values), readouts, largest)
