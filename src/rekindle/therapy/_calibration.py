"""The shipped calibration: fitted parameters with their uncertainty, read from its result files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from rekindle.errors import ParameterError, nearest
from rekindle.therapy._parameter_set import ParameterSet, named_parameter_set
from rekindle.therapy._tables import FOLDER, read_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray

#: 95 % point of a standard normal distribution.
_POINT_90 = 1.6448536269514722
#: Which values a model takes: those of the last calibration, or those of the parameter tables alone.
PARAMETER_SETS = ("calibrated", "nominal")


@dataclass(frozen=True, slots=True)
class CalibratedParameter:
    """One fitted parameter: ``low`` and ``high`` bound 90 % of its posterior.

    Its posterior is normal in standard units of its prior (see ``moved_from_prior``), around ``standard``
    with SD ``sd_ratio``, posterior over prior SD; ``prior_only`` says that the data did not speak. The prior
    has its median at ``prior`` and its 90 % points at ``prior_low`` and ``prior_high``.
    """

    name: str
    scale: str
    value: float
    low: float
    high: float
    standard: float
    sd_ratio: float
    prior: float
    prior_low: float
    prior_high: float
    prior_only: bool

    def at(self, standard: float) -> float:
        """The parameter at a number of prior SDs from the median of its prior."""
        return moved_from_prior(self.scale, (self.prior_low, self.prior, self.prior_high), standard)


@dataclass(frozen=True)
class Calibration:
    """Result of ``rekindle evidence calibrate`` for one mechanism hypothesis.

    Attributes:
        mechanism: the hypothesis.
        parameters: fitted parameters.
        correlation: of their posterior, in standard units.
        study_spread: kind -> SD by which a study differs from the model (``mood`` as a share of baseline).
        provenance: how the result came about.
    """

    mechanism: str
    parameters: tuple[CalibratedParameter, ...]
    correlation: tuple[tuple[float, ...], ...]
    study_spread: dict[str, float]
    provenance: dict[str, str]

    @cached_property
    def parameter_set(self) -> ParameterSet:
        """The most probable values."""
        return self._set([parameter.value for parameter in self.parameters])

    def draws(self, count: int, generator: Generator) -> list[ParameterSet]:
        """Parameter sets drawn from the posterior."""
        moves = generator.standard_normal((count, len(self.parameters))) @ self._root.T
        return [
            self._set([p.at(p.standard + float(move)) for p, move in zip(self.parameters, row, strict=True)])
            for row in moves
        ]

    @cached_property
    def _root(self) -> NDArray[np.float64]:
        import numpy as np

        spread = np.array([parameter.sd_ratio for parameter in self.parameters])
        return np.asarray(np.linalg.cholesky(np.array(self.correlation) * np.outer(spread, spread)))

    def _set(self, values: Sequence[float]) -> ParameterSet:
        return named_parameter_set({p.name: v for p, v in zip(self.parameters, values, strict=True)})


def calibration(mechanism: str = "disinhibition") -> Calibration:
    """The shipped calibration of a mechanism hypothesis.

    Raises:
        ParameterError: a mechanism without one.

    >>> calibration().parameter_set.values["EP"] > 0
    True
    """
    known = calibrated_mechanisms()
    if mechanism not in known:
        raise ParameterError(
            "RK-PAR-180",
            given=f'calibration of mechanism "{mechanism}"{nearest(mechanism, known)}',
            allowed=f"Calibrated: {', '.join(known)}",
        )
    return _read(mechanism)


def default_parameters(mechanism: str = "disinhibition") -> ParameterSet:
    """Replacements by the shipped calibration of a mechanism; none without one.

    >>> isinstance(default_parameters("mixture"), ParameterSet)
    True
    """
    known = mechanism in calibrated_mechanisms()
    return calibration(mechanism).parameter_set if known else ParameterSet()


@cache
def calibrated_mechanisms() -> tuple[str, ...]:
    """Mechanism hypotheses with a shipped calibration.

    >>> "disinhibition" in calibrated_mechanisms()
    True
    """
    return tuple(sorted(path.parent.name for path in (FOLDER / "calibration").glob("*/parameters.csv")))


def to_line(scale: str, value: float) -> float:
    """A parameter on the scale where its distribution is normal.

    >>> to_line("logit", 0.5)
    0.0
    """
    return math.log(value) if scale == "log" else math.log(value / (1.0 - value))


def from_line(scale: str, moved: float) -> float:
    """The way back from ``to_line``.

    >>> from_line("log", 0.0)
    1.0
    """
    return math.exp(moved) if scale == "log" else 1.0 / (1.0 + math.exp(-moved))


def moved_from_prior(scale: str, prior: tuple[float, float, float], standard: float) -> float:
    """A parameter at a number of prior SDs from the median of its prior.

    On ``scale`` (log or logit) the prior is half of a normal distribution on each side of its median.

    Args:
        scale: log or logit.
        prior: its 5 % point, median and 95 % point.
        standard: where; -1.645 is the 5 % point.

    >>> [round(moved_from_prior("log", (0.5, 1.0, 3.0), place), 3) for place in (-1.645, 0.0, 1.645)]
    [0.5, 1.0, 3.0]
    """
    low, median, high = prior
    if standard == 0.0:
        return median
    centre = to_line(scale, median)
    side = to_line(scale, high) - centre if standard > 0.0 else centre - to_line(scale, low)
    return from_line(scale, centre + standard * side / _POINT_90)


@cache
def _read(mechanism: str) -> Calibration:
    folder = f"calibration/{mechanism}"
    parameters = tuple(
        CalibratedParameter(
            row["name"],
            row["scale"],
            float(row["value"]),
            float(row["low"]),
            float(row["high"]),
            float(row["standard"]),
            float(row["sd_ratio"]),
            float(row["prior"]),
            float(row["prior_low"]),
            float(row["prior_high"]),
            row["prior_only"] == "yes",
        )
        for row in read_table(f"{folder}/parameters.csv")
    )
    rows = read_table(f"{folder}/correlation.csv")
    names = [parameter.name for parameter in parameters]
    provenance = {row["name"]: row["value"] for row in read_table(f"{folder}/provenance.csv")}
    spread = "study_spread "
    return Calibration(
        mechanism,
        parameters,
        tuple(tuple(float(row[name]) for name in names) for row in rows),
        {name.removeprefix(spread): float(v) for name, v in provenance.items() if name.startswith(spread)},
        provenance,
    )
