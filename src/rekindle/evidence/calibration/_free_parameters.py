"""What the calibration may move, with its prior: a table, and the way from standard units to parameters."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rekindle.therapy import ParameterSet, from_line, named_parameter_set, to_line

_TABLE = Path(__file__).parent / "data" / "free_parameters.csv"
#: Distance between the 5 % and the 95 % point of a standard normal distribution.
_WIDTH_90 = 3.2897072539029435
#: Groups of ``acts_on`` that are not a control class.
EVERYWHERE, DRUG, ANTIDEPRESSANT = "all", "drug", "antidepressant"


@dataclass(frozen=True)
class FreeParameter:
    """One parameter that may be fitted.

    Its prior is normal on ``scale`` (log or logit) around ``centre``; there its 90 % interval is as wide as
    from ``low`` to ``high``.
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
        return (
            self.centre
            if standard == 0.0
            else from_line(self.scale, to_line(self.scale, self.centre) + self.sd * standard)
        )

    @property
    def sd(self) -> float:
        """Prior SD on the scale of the parameter."""
        return (to_line(self.scale, self.high) - to_line(self.scale, self.low)) / _WIDTH_90


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
