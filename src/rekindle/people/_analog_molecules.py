"""Molecules of a search: made from properties, or what a treatment gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import PersonError, nearest
from rekindle.people._analog import ANALOG_ROUTE, analog
from rekindle.people._compound_regimen import read_treatment
from rekindle.people._equal_effect import Molecule
from rekindle.therapy import find_compound

Array = NDArray[np.float64]


def treated(text: str) -> Molecule:
    """What a treatment gives, as one molecule or the mixture that it is.

    >>> treated("esketamine 84 mg nasal").dose_mg
    84.0
    """
    regimen, compound = read_treatment(text)
    return Molecule.given(compound or find_compound(regimen.drug), regimen)


def molecules_with(values: Mapping[str, Array]) -> list[Molecule]:
    """One invented molecule for each place of the values of its properties."""
    rows = Molecule.given(analog(), f"1 mg {ANALOG_ROUTE.split('_')[0]}").rows
    columns = zip(*(column.tolist() for column in values.values()), strict=True)
    return [Molecule(analog(**dict(zip(values, row, strict=True))), rows, 1.0) for row in columns]


def refuse_unknown(names: Sequence[str], known: Mapping[str, object]) -> None:
    """Refuse names that are no properties.

    Raises:
        PersonError: an unknown property.
    """
    for name in names:
        if name not in known:
            raise PersonError(
                "RK-PER-090",
                given=f'analog property "{name}" is unknown{nearest(name, known)}',
                allowed=f"Properties: {', '.join(known)}",
            )
