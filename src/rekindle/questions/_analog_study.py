"""What is searched for the question of an analog: clouds, single properties, fronts and doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rekindle.people import AnalogOptimum, AnalogSearch, Readouts, analog_properties
from rekindle.questions._inquiry import LEVEL

Array = NDArray[np.float64]

KETAMINE, ESKETAMINE = "ketamine 0.5 mg/kg iv over 40 min", "esketamine 84 mg nasal"
MEMANTINE = "memantine oral"
#: Name in figures -> treatment whose dose is moved.
SHIPPED = {
    "ketamine IV": KETAMINE,
    "arketamine IV": "arketamine 0.5 mg/kg iv over 40 min",
    MEMANTINE: "memantine 20 mg oral",
    "analog-h1 IV (invented)": "analog-h1 40 mg iv over 40 min",
}
SPRAY, SPRAYS = "esketamine nasal", tuple(f"esketamine {dose} mg nasal" for dose in (28, 56, 84))
ALL = "both"
#: What a chemist may change -> the properties that this is.
FREEDOMS: dict[str, tuple[str, ...]] = {
    "kinetics": ("clearance", "equilibration", "absorption"),
    "receptors": ("rho", "trapping", "allosteric", "direct"),
    ALL: ("rho", "trapping", "allosteric", "direct", "clearance", "equilibration", "absorption"),
}
#: Share of the peak of ketamine that is asked for.
HALF = 0.5
#: Points of CADSS that moving one property through its whole range must save on a front.
THRIFT = 1.0


@dataclass(frozen=True)
class Study:
    """Everything under one mechanism.

    Attributes:
        cloud: molecules with all properties drawn.
        levers: property -> one property through its range.
        curves: name -> a shipped compound over doses.
        by_effect: freedom -> lowest dissociation for rising effects.
    """

    mechanism: str
    cloud: AnalogSearch
    levers: Mapping[str, AnalogSearch]
    curves: Mapping[str, Readouts]
    by_effect: Mapping[str, Sequence[AnalogOptimum]]

    @property
    def ketamine(self) -> Readouts:
        """The reference at its usual dose."""
        return self.cloud.reference

    @cached_property
    def ceiling(self) -> float:
        """Largest effect that any molecule of the cloud has at any dose."""
        return float(self.cloud.largest.max())

    @cached_property
    def needed(self) -> dict[str, float]:
        """Property -> value at which it alone halves the peak of CADSS; nan where none does."""
        return {name: needed(found) for name, found in self.levers.items()}


@dataclass(frozen=True)
class Doubt:
    """What the uncertainty of the parameters leaves of the main mechanism.

    Attributes:
        ratios: property -> CADSS over that of ketamine, (draws, values).
        needed: property -> value that halves it, for each draw.
        optima: freedom -> CADSS of the found molecule over that of ketamine, for each draw.
    """

    ratios: Mapping[str, Array]
    needed: Mapping[str, Array]
    optima: Mapping[str, Array]


@dataclass(frozen=True)
class Whole:
    """All mechanisms, and more of the main one."""

    studies: Mapping[str, Study]
    main: Study
    by_onset: Mapping[str, Sequence[AnalogOptimum]]
    best: Mapping[str, AnalogOptimum]
    equal: Mapping[str, Mapping[str, Readouts]]
    week: AnalogSearch
    doubt: Doubt | None


def needed(found: AnalogSearch) -> float:
    """Value of the one property, from S-ketamine outwards, at which CADSS is half the reference's."""
    (name, values), cadss = next(iter(found.values.items())), found.readouts.cadss
    limit = HALF * float(found.reference.cadss[0])
    start = analog_properties()[name].start
    ends = []
    for side in (values <= start, values >= start):
        order = np.flatnonzero(side)
        order = order[np.argsort(np.abs(np.log(values[order] / start)))]
        order = order[np.isfinite(cadss[order])]
        below = np.flatnonzero(cadss[order] <= limit)
        if not len(below):
            continue
        inner, outer = order[max(below[0] - 1, 0)], order[below[0]]
        share = (cadss[inner] - limit) / (cadss[inner] - cadss[outer]) if inner != outer else 0.0
        ends.append(float(values[inner] * (values[outer] / values[inner]) ** share))
    return min(ends, key=lambda one: abs(np.log(one / start)), default=float("nan"))


def inside(values: Array) -> tuple[float, float]:
    """The interval that holds the level of all questions; nan without any value."""
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
