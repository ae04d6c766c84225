"""How covariates are distributed in a population, read from a table, and drawn for one person."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, cached_property
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import PersonError, nearest
from rekindle.people._correlation import Correlation, correlate, correlation_root, read_correlations
from rekindle.people._crowd_normals import standard_normals
from rekindle.people._person import Person
from rekindle.people._random import Stream
from rekindle.people._tables import data_path, read_choice, read_number, read_provenance, read_rows

Array = NDArray[np.float64]

_COLUMNS = (
    "covariate", "unit", "group", "distribution", "mean", "sd", "low", "high", "bounds", "mark", "source",
    "description",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Distribution:
    """One row: a covariate, for everybody or for one sex (``group`` F or M).

    ``distribution`` is normal, lognormal (``mean`` is then the median and ``sd`` that of the logarithm) or
    bernoulli (``mean`` is the share). ``bounds`` says what happens at low and high: ``clip`` moves values to
    the bound, ``truncate`` draws from the distribution between the bounds.
    """

    covariate: str
    unit: str
    group: str
    distribution: str
    mean: float
    sd: float
    low: float
    high: float
    bounds: str
    mark: str
    source: str
    description: str

    def values(self, scores: Array) -> Array:
        """Return the values at standard normal scores, shape (people,).

        >>> weight = Distribution("w", "kg", "", "normal", 78, 16, 40, 170, "clip", "assumed", "", "")
        >>> weight.values(np.array([0.5])).tolist()
        [86.0]
        """
        if self.distribution == "bernoulli":
            return (_shares_below(scores) < self.mean).astype(float)
        if self.bounds == "truncate":
            scores = self._truncated(scores)
        lognormal = self.distribution == "lognormal"
        # The exponential of NumPy differs in the last bit from one processor to another.
        grown = np.array([math.exp(self.sd * z) for z in scores.tolist()]) if lognormal else scores
        values = self.mean * grown if lognormal else self.mean + self.sd * grown
        return np.minimum(np.maximum(values, self.low), self.high)

    def _truncated(self, scores: Array) -> Array:
        from scipy.special import ndtri

        low, high = _shares_below(np.array([self._score(self.low), self._score(self.high)])).tolist()
        return np.asarray(ndtri(low + (high - low) * _shares_below(scores)))

    def _score(self, value: float) -> float:
        if self.distribution == "lognormal":
            return math.log(value / self.mean) / self.sd if value > 0 else -math.inf
        return (value - self.mean) / self.sd


@dataclass(frozen=True)
class CovariateDistributions:
    """Distributions of the covariates of a population, with correlations of their normal scores.

    The rows decide in their order; rows for one sex need ``female`` before them.

    Raises:
        PersonError: rows that do not belong to a field of ``Person``, or correlations that contradict.
    """

    rows: tuple[Distribution, ...]
    correlations: tuple[Correlation, ...] = ()

    def __post_init__(self) -> None:
        known = ["female", *(item.name for item in fields(Person) if item.name.endswith(_NUMERIC))]
        seen: list[tuple[str, str]] = []
        for row in self.rows:
            if row.covariate not in known or (row.covariate, row.group) in seen:
                raise PersonError(
                    "RK-PER-019",
                    given=f'distribution of "{row.covariate}" is unknown or given twice'
                    f"{nearest(row.covariate, known)}",
                    allowed=f"One row each for: {', '.join(known)}",
                )
            if row.group and ("female", "") not in seen:
                raise PersonError(
                    "RK-PER-019",
                    given=f'"{row.covariate}" of group {row.group} comes before "female"',
                    remedy='Put the row "female" first',
                )
            seen.append((row.covariate, row.group))
        self.root  # noqa: B018 - contradicting correlations must fail here, not at the first draw

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Covariates, each once, in the order of the table."""
        return tuple(dict.fromkeys(row.covariate for row in self.rows))

    @cached_property
    def root(self) -> Array:
        """Triangular root of the correlation matrix of the normal scores."""
        return correlation_root(self.names, self.correlations)

    def only(self, *covariates: str) -> CovariateDistributions:
        """Return the distributions of some covariates; their independent numbers stay the same."""
        rows = tuple(row for row in self.rows if row.covariate in covariates)
        pairs = tuple(c for c in self.correlations if {c.first, c.second} <= set(covariates))
        return CovariateDistributions(rows, pairs)

    def draw(
        self, *, seed: int, trial: int, person: int | str, fixed: Mapping[str, float] | None = None
    ) -> dict[str, float]:
        """Return covariate -> value for one person; ``fixed`` values are used as given (and decide groups).

        A covariate that is not stated for the person's sex is left out.
        """
        return self.draw_crowd(seed=seed, trial=trial, people=[person], fixed=fixed)[0]

    def draw_crowd(
        self,
        *,
        seed: int,
        trial: int,
        people: Sequence[int | str],
        fixed: Mapping[str, float] | None = None,
    ) -> list[dict[str, float]]:
        """Return covariate -> value for each of some people; see ``draw``."""
        normals = standard_normals(seed, trial, people, 0, Stream.COVARIATES, self.names)
        scores = dict(zip(self.names, correlate(self.root, normals), strict=True))
        values = {name: np.full(len(people), value) for name, value in (fixed or {}).items()}
        for name in self.names:
            if name in values:
                continue
            values[name] = np.full(len(people), np.nan)
            for row in (row for row in self.rows if row.covariate == name):
                female = values.get("female", np.zeros(len(people))) != 0.0
                own = female == (row.group == "F") if row.group else np.isnan(values[name])
                own = own & np.isnan(values[name])
                values[name][own] = row.values(scores[name][own])
        columns = zip(*(column.tolist() for column in values.values()), strict=True)
        return [
            {name: value for name, value in zip(values, own, strict=True) if not math.isnan(value)}
            for own in columns
        ]


_NUMERIC = ("_kg", "_years", "_cm", "bmi", "_baseline", "_mg")


def read_distributions(
    path: str | PathLike[str], correlations: str | PathLike[str] | None = None
) -> CovariateDistributions:
    """Read a table of covariate distributions, and if given the table of their correlations.

    Args:
        path: comma-separated, columns covariate, unit, group, distribution, mean, sd, low, high, bounds,
            mark, source, description.
        correlations: comma-separated, columns covariate_1, covariate_2, correlation, mark, source.

    Raises:
        PersonError: naming file and row, for anything that cannot be used as written.
    """
    rows = tuple(_distribution(place, row) for place, row in read_rows(path, _COLUMNS))
    pairs = read_correlations(correlations, "covariate") if correlations else ()
    return CovariateDistributions(rows, pairs)


@cache
def default_distributions() -> CovariateDistributions:
    """Return the distributions of the default population: adults with difficult-to-treat depression.

    >>> for row in default_distributions().rows[:2]:
    ...     print(row.covariate, row.mean, row.mark)
    female 0.584 seen
    age_years 45.0 assumed
    """
    return read_distributions(
        data_path("covariate_distributions.csv"), data_path("covariate_correlations.csv")
    )


def _distribution(place: str, row: Mapping[str, str]) -> Distribution:
    kind = read_choice(place, row, "distribution", ("normal", "lognormal", "bernoulli"))
    share = kind == "bernoulli"
    mean = read_number(place, row, "mean", *((0.0, 1.0) if share else ()))
    low = read_number(place, row, "low") if row["low"] else -math.inf
    high = read_number(place, row, "high", low) if row["high"] else math.inf
    bounds = read_choice(place, row, "bounds", ("clip", "truncate") if row["low"] or row["high"] else ("",))
    sd = 1.0 if share else read_number(place, row, "sd", 0.0)
    if (sd == 0 and bounds == "truncate") or (kind == "lognormal" and mean <= 0):
        raise PersonError(
            "RK-PER-004",
            given=f"{place}: mean {mean:g} and SD {sd:g} cannot make a {kind} distribution",
            allowed="A median above 0 for lognormal; an SD above 0 for truncated distributions",
        )
    return Distribution(
        row["covariate"],
        row["unit"],
        read_choice(place, row, "group", ("", "F", "M")),
        kind,
        *(mean, sd, low, high),
        bounds,
        *read_provenance(place, row),
        row["description"],
    )


def _shares_below(scores: Array) -> Array:
    return np.array([0.5 * math.erfc(-z / math.sqrt(2)) for z in scores.tolist()])
