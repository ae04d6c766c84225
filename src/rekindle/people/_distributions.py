"""How covariates are distributed in a population, read from a table, and drawn for one person."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache, cached_property
from os import PathLike
from typing import TYPE_CHECKING

from rekindle.errors import PersonError, nearest
from rekindle.people._correlation import Correlation, correlate, correlation_root, read_correlations
from rekindle.people._person import Person
from rekindle.people._random import Stream, random_generator
from rekindle.people._tables import data_path, read_choice, read_number, read_provenance, read_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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

    def value(self, z: float) -> float:
        """Return the value at standard normal score z.

        >>> Distribution("w", "kg", "", "normal", 78, 16, 40, 170, "clip", "assumed", "", "").value(0.5)
        86.0
        """
        if self.distribution == "bernoulli":
            return float(_share_below(z) < self.mean)
        if self.bounds == "truncate":
            z = self._truncated(z)
        lognormal = self.distribution == "lognormal"
        value = self.mean * math.exp(self.sd * z) if lognormal else self.mean + self.sd * z
        return min(max(value, self.low), self.high)

    def _truncated(self, z: float) -> float:
        from scipy.special import ndtri

        low, high = _share_below(self._score(self.low)), _share_below(self._score(self.high))
        return float(ndtri(low + (high - low) * _share_below(z)))

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
    def root(self) -> NDArray[np.float64]:
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
        normals = {
            name: float(random_generator(seed, trial, person, 0, Stream.COVARIATES, name).standard_normal())
            for name in self.names
        }
        scores = correlate(self.root, normals)
        values = dict(fixed or {})
        for row in self.rows:
            sex = "F" if values.get("female") else "M"
            if row.covariate not in values and row.group in ("", sex):
                values[row.covariate] = row.value(scores[row.covariate])
        return values


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


def _share_below(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))
