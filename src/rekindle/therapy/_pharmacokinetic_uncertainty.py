"""How well the typical pharmacokinetic parameters are known: from published estimates, and drawn as sets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from statistics import stdev
from typing import TYPE_CHECKING

from rekindle.therapy._calibration import from_line, to_line
from rekindle.therapy._models import NASAL_VARIANTS, pharmacokinetic_model
from rekindle.therapy._tables import read_table

if TYPE_CHECKING:
    from numpy.random import Generator

_POINT_90 = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class UncertainParameter:
    """Parameters whose typical values share one uncertainty.

    ``sd`` is the standard deviation on ``scale`` (log, logit or linear), which follows from the published
    ``numbers`` by ``rule``:

    ========== ============================ ============================================================
    rule       numbers                      standard deviation
    ========== ============================ ============================================================
    spread     independent estimates        SD of their logarithms
    interval90 its two ends                 width over 2 x 1.645, of logarithms unless the scale is linear
    means      mean, SD, n; mean, SD, n     standard error of the logarithm of the ratio of two means
    sampling   SD between people, n         SD over the root of n: the least that one study leaves open
    error      value, its error             relative error
    ========== ============================ ============================================================

    ``factor`` carries it from what was published to the parameter.
    """

    parameters: tuple[str, ...]
    scale: str
    rule: str
    sd: float
    mark: str
    source: str
    description: str


@cache
def uncertain_pharmacokinetics() -> tuple[UncertainParameter, ...]:
    """Everything that is not known of the default pharmacokinetic model, beside its nasal variants.

    A parameter that is not named here has no published uncertainty and none is made up for it.

    >>> known = {one.parameters[0]: one for one in uncertain_pharmacokinetics()}
    >>> known["CLint"].rule, known["F_im"].mark
    ('spread', 'assumed')
    """
    return tuple(
        UncertainParameter(
            tuple(row["parameters"].split()),
            row["scale"],
            row["rule"],
            _sd(row["rule"], row["scale"], [float(number) for number in row["numbers"].split(";")])
            * float(row["factor"]),
            row["mark"],
            row["source"],
            row["description"],
        )
        for row in read_table("pharmacokinetic_uncertainty.csv")
    )


def pharmacokinetic_draws(count: int, generator: Generator) -> list[dict[str, float]]:
    """Sets of typical parameters of D1 that the published evidence leaves possible.

    Parameters are drawn independently, because no published model states their correlations. How a nasal
    dose splits between nose and gut is one of the three variants that fit the nasal table equally well.

    Args:
        count: number of sets.
        generator: random numbers.

    >>> import numpy as np
    >>> first, second = pharmacokinetic_draws(2, np.random.default_rng(1))
    >>> first["CLint"] != second["CLint"], first["ratio_V1_R"] == first["ratio_V2_R"]
    (True, True)
    """
    rows = uncertain_pharmacokinetics()
    moves = generator.standard_normal((count, len(rows)))
    variants = generator.integers(0, len(nasal_variants()), size=count)
    return [
        {
            **nasal_variants()[variant],
            **{
                name: moved_pharmacokinetics(name, row.scale, float(move) * row.sd)
                for row, move in zip(rows, line, strict=True)
                for name in row.parameters
            },
        }
        for line, variant in zip(moves, variants, strict=True)
    ]


def moved_pharmacokinetics(name: str, scale: str, by: float) -> float:
    """The value of a parameter of D1, moved on its scale.

    >>> moved_pharmacokinetics("CLint", "log", 0.0) == pharmacokinetic_model().parameters["CLint"].value
    True
    """
    value = pharmacokinetic_model("D1").parameters[name].value
    assert value is not None, name
    if scale == "linear":
        return value + by
    return value * math.exp(by) if scale == "log" else from_line(scale, to_line(scale, value) + by)


@cache
def nasal_variants() -> tuple[Mapping[str, float], ...]:
    """The published nasal table allows these splits of a spray between nose and gut.

    >>> [round(one["FRn"], 3) for one in nasal_variants()]
    [0.444, 0.482, 0.506]
    """
    return tuple(
        {row["name"]: float(row["value"]) for row in read_table(f"parameters/alternatives/{name}.csv")}
        for name in NASAL_VARIANTS
    )


def _sd(rule: str, scale: str, numbers: list[float]) -> float:
    if rule == "spread":
        return stdev(math.log(number) for number in numbers)
    if rule == "interval90":
        low, high = numbers if scale == "linear" else map(math.log, numbers)
        return (high - low) / (2.0 * _POINT_90)
    if rule == "means":
        mean, sd, size, other_mean, other_sd, other_size = numbers
        return math.hypot(sd / mean / math.sqrt(size), other_sd / other_mean / math.sqrt(other_size))
    value, size = numbers
    return value / math.sqrt(size) if rule == "sampling" else size / value
