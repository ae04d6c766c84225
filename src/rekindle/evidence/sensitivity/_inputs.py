"""What is uncertain of the typical person: fitted parameters and pharmacokinetics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.therapy import (
    calibration,
    moved_pharmacokinetics,
    nasal_variants,
    therapy_model,
    uncertain_pharmacokinetics,
)

Array = NDArray[np.float64]

FITTED, PUBLISHED, VARIANT = "fitted", "published", "variant"


@dataclass(frozen=True, slots=True)
class UncertainInput:
    """One independent uncertainty; ``sd`` is on ``scale``, where it is normal, or in prior SDs if fitted.

    ``kind`` says where it comes from: the posterior of the calibration (``fitted``), published estimates of
    pharmacokinetics (``published``), or the choice between nasal variants (``variant``, uniform, no ``sd``).
    """

    name: str
    kind: str
    scale: str = ""
    sd: float = 0.0
    parameters: tuple[str, ...] = ()
    prior_only: bool = False


def uncertain_inputs(mechanism: str = "disinhibition") -> tuple[UncertainInput, ...]:
    """All uncertainties that can concern the typical person under a calibrated hypothesis.

    Spreads between people and the natural course of trial arms are not among them: the typical person has
    neither.

    Raises:
        ParameterError: a mechanism without a calibration.

    >>> {one.kind for one in uncertain_inputs()} == {FITTED, PUBLISHED, VARIANT}
    True
    """
    known = therapy_model(mechanism=mechanism).parameters
    fitted = tuple(
        UncertainInput(one.name, FITTED, one.scale, one.sd_ratio, (one.name,), one.prior_only)
        for one in calibration(mechanism).parameters
        if one.name in known
    )
    published = tuple(
        UncertainInput(_short(row.parameters), PUBLISHED, row.scale, row.sd, row.parameters)
        for row in uncertain_pharmacokinetics()
    )
    return (*fitted, *published, UncertainInput("nasal variant", VARIANT))


def parameter_set(inputs: Sequence[UncertainInput], moves: Array, mechanism: str) -> Mapping[str, float]:
    """Parameter values at a number of SDs of each input; a variant is chosen by a number from 0 to 1.

    >>> inputs = uncertain_inputs()
    >>> centre = parameter_set(inputs, np.zeros(len(inputs)), "disinhibition")
    >>> centre["EP"] == calibration().parameter_set.values["EP"]
    True
    """
    values: dict[str, float] = {}
    fitted = {one.name: one for one in calibration(mechanism).parameters}
    for one, move in zip(inputs, moves, strict=True):
        if one.kind == VARIANT:
            variants = nasal_variants()
            values |= variants[min(int(move * len(variants)), len(variants) - 1)]
        elif one.kind == FITTED:
            centre = fitted[one.name]
            moved = centre.at(centre.standard + float(move) * one.sd)
            values[one.name] = centre.value if move == 0.0 else moved
        else:
            values |= {
                name: moved_pharmacokinetics(name, one.scale, float(move) * one.sd) for name in one.parameters
            }
    return values


def _short(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
