"""The default population moved to the people of one study."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from rekindle.people import CovariateDistributions, Distribution, default_distributions, person_ranges


@lru_cache(maxsize=64)
def study_distributions(
    women_pct: float | None = None, age_mean: float | None = None, weight_mean: float | None = None
) -> CovariateDistributions:
    """Sex, age (years) and weight (kg) around the means of a study; None keeps the default.

    The spread of age stays; the spread of weight stays in proportion to its mean.

    >>> study_distributions(weight_mean=60.0).rows[-1].mean
    60.0
    """
    default = default_distributions().only("female", "age_years", "weight_kg")
    rows = tuple(_moved(row, women_pct, age_mean, weight_mean) for row in default.rows)
    return CovariateDistributions(rows, default.correlations)


def _moved(
    row: Distribution, women_pct: float | None, age_mean: float | None, weight_mean: float | None
) -> Distribution:
    if row.covariate == "female" and women_pct is not None:
        return replace(row, mean=women_pct / 100.0)
    if row.covariate == "age_years" and age_mean is not None:
        high = min(max(row.high, age_mean + 2.0 * row.sd), person_ranges()["age_years"].possible[1])
        return replace(row, mean=age_mean, high=high)
    if row.covariate == "weight_kg" and weight_mean is not None:
        low, high = person_ranges()["weight_kg"].possible
        relative = row.sd / row.mean
        return replace(row, mean=weight_mean, sd=relative * weight_mean, low=low, high=high)
    return row
