"""What the calibration may move, with its prior: a table, and the way from standard units to parameters."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rekindle.therapy import ParameterSet, moved_from_prior, named_parameter_set

_TABLE = Path(__file__).parent / "data" / "free_parameters.csv"
#: Groups of ``acts_on`` that are not a control class.
EVERYWHERE, DRUG, ANTIDEPRESSANT = "all", "drug", "antidepressant"


@dataclass(frozen=True)
class FreeParameter:
    """One parameter that may be fitted.

    Its prior on ``scale`` (log or logit) has its median at ``centre`` and its 5 % and 95 % points at ``low``
    and ``high``: half of a normal distribution on each side.
    ``acts_on`` names the arms that it can change: all, drug (arms with an active drug), antidepressant,
    or a control class.
    """

    name: str
    scale: str
    centre: float
    low: float
    high: float
    acts_on: str
    source: str

    def value(self, standard: float) -> float:
        """Parameter at a number of prior SDs from the centre.

        >>> free_parameters()[0].value(0.0)
        0.28
        """
        return moved_from_prior(self.scale, (self.low, self.centre, self.high), standard)


@cache
def free_parameters() -> tuple[FreeParameter, ...]:
    """The parameters that the calibration may move, in the order of their table.

    >>> len({parameter.name for parameter in free_parameters()}) == len(free_parameters())
    True
    """
    with _TABLE.open(encoding="utf-8", newline="") as stream:
        return tuple(
            FreeParameter(
                row["name"],
                row["scale"],
                float(row["centre"]),
                float(row["low"]),
                float(row["high"]),
                row["acts_on"],
                row["source"],
            )
            for row in csv.DictReader(stream)
        )


def parameter_set(standard: Sequence[float]) -> ParameterSet:
    """The parameters at a point in standard units, one for each free parameter.

    >>> parameter_set([0.0] * len(free_parameters())).values["EP"]
    0.28
    """
    found = {
        parameter.name: parameter.value(float(place))
        for parameter, place in zip(free_parameters(), standard, strict=True)
    }
    return named_parameter_set(found)
