"""Search for invented molecules with the effect of a reference and less of what is felt during a session."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import PersonError, nearest
from rekindle.people._analog import ANALOG_ROUTE, analog, analog_properties
from rekindle.people._compound_regimen import read_treatment
from rekindle.people._equal_effect import DAY_1_H, HIGHEST_MG, LOWEST_MG, Bench, Molecule, Readouts
from rekindle.people._random import Stream, random_generator
from rekindle.people._tables import data_path, read_rows
from rekindle.therapy import PRIOR_ONLY, find_compound, therapy_model

Array = NDArray[np.float64]
#: Racemic ketamine as it is given most often; others are held against it.
REFERENCE = "ketamine 0.5 mg/kg iv over 40 min"
#: What a front may change; affinity alone only sets the dose, and liking changes nothing but liking.
_SEARCHED = ("rho", "trapping", "allosteric", "direct", "clearance", "equilibration", "absorption")
#: Half of the effect must be there by this time (h), or the molecule would not act within hours.
ONSET_H = 2.0
#: Differential evolution: members for each property, and cost of missing a condition.
_MEMBERS, _MISS = 5, 1e3
#: Dose from which a search begins (mg).
_START_MG = 30.0


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
    _refuse_unknown(names, known)
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
    _refuse_unknown([name], known)
    values = {name: np.geomspace(known[name].low, known[name].high, steps)}
    return _matched(values, reference, time_h, Bench(mechanism, parameters or {}, workers))


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
    _refuse_unknown(vary, known)
    bench = Bench(mechanism, parameters or {})
    bounds = [(math.log(known[name].low), math.log(known[name].high)) for name in vary]
    bounds.append((math.log(LOWEST_MG), math.log(HIGHEST_MG)))
    start = np.log([*(known[name].start for name in vary), _START_MG])
    spans = np.ptp(bounds, axis=1)

    def read(points: Array) -> Readouts:
        values = np.exp(points)
        return bench.read(_molecules(dict(zip(vary, values[:-1], strict=True))), values[-1])

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


def uncertain_parameters(
    draws: int, *, mechanism: str = "disinhibition", seed: int = 1
) -> list[dict[str, float]]:
    """Parameters on which a search rests, drawn from their stated ranges (log-uniform, from 0 uniform).

    >>> 2 <= uncertain_parameters(1)[0]["rho"] <= 6
    True
    """
    parameters = therapy_model(parameters="nominal", mechanism=mechanism).parameters
    found = []
    for number in range(draws):
        one = {}
        for _, row in read_rows(data_path("analog_uncertainty.csv"), ("parameter", "why")):
            name = row["parameter"]
            low, high = parameters[name].low, parameters[name].high
            assert low is not None, name
            assert high is not None, name
            share = float(random_generator(seed, 0, number, 0, Stream.PARAMETERS, name).random())
            one[name] = low * (high / low) ** share if low > 0.0 else low + (high - low) * share
        found.append(one)
    return found


def treated(text: str) -> Molecule:
    """What a treatment gives, as one molecule or the mixture that it is.

    >>> treated("esketamine 84 mg nasal").dose_mg
    84.0
    """
    regimen, compound = read_treatment(text)
    return Molecule.given(compound or find_compound(regimen.drug), regimen)


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
    readouts, largest = bench.equal_effect(_molecules(values), effect, time_h)
    return AnalogSearch(bench.mechanism, time_h, beside, dict(values), readouts, largest)


def _molecules(values: Mapping[str, Array]) -> list[Molecule]:
    rows = Molecule.given(analog(), f"1 mg {ANALOG_ROUTE.split('_')[0]}").rows
    columns = zip(*(column.tolist() for column in values.values()), strict=True)
    return [Molecule(analog(**dict(zip(values, row, strict=True))), rows, 1.0) for row in columns]


def _refuse_unknown(names: Sequence[str], known: Mapping[str, object]) -> None:
    for name in names:
        if name not in known:
            raise PersonError(
                "RK-PER-090",
                given=f'analog property "{name}" is unknown{nearest(name, known)}',
                allowed=f"Properties: {', '.join(known)}",
            )
