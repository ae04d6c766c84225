"""Everything about typical parameters that is uncertain, drawn together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rekindle.therapy._calibration import calibration
from rekindle.therapy._parameter_set import ParameterSet
from rekindle.therapy._pharmacokinetic_uncertainty import pharmacokinetic_draws

if TYPE_CHECKING:
    from numpy.random import Generator


def parameter_draws(mechanism: str, count: int, generator: Generator) -> list[ParameterSet]:
    """Parameter sets that the evidence leaves possible.

    Fitted parameters come from the posterior of the calibration, those of the pharmacokinetics from what was
    published of them. Both are drawn independently, which makes intervals rather too wide than too narrow:
    the fit was made at the typical pharmacokinetics, and at others it would take part of a difference back.

    Args:
        mechanism: a calibrated mechanism hypothesis.
        count: number of sets.
        generator: random numbers.

    Raises:
        ParameterError: a mechanism without a calibration.

    >>> import numpy as np
    >>> (one,) = parameter_draws("disinhibition", 1, np.random.default_rng(1))
    >>> "EP" in one.values, "CLint" in one.pharmacokinetics
    (True, True)
    """
    fitted = calibration(mechanism).draws(count, generator)
    exposures = pharmacokinetic_draws(count, generator)
    return [replace(one, pharmacokinetics=exposure) for one, exposure in zip(fitted, exposures, strict=True)]
