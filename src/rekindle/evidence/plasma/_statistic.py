"""What a row observed, as a product of exposures that a simulation can supply."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import UnitError, nearest
from rekindle.evidence._data import assumption
from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence.plasma._arm import Arm
from rekindle.evidence.plasma._notes import Term, counts_from_last_device, ratio_terms
from rekindle.units import conversion_factor

Array = NDArray[np.float64]
Kind = Literal["area", "area_per_mg", "peak", "peak_time", "level", "half_life"]

_PARENTS = {"ketamine": 1.0, "s_ketamine": 0.5, "r_ketamine": 0.5}
_FAMILIES = ("ketamine", "norketamine", "hnk", "dhnk")
ANALYTES = tuple(prefix + family for family in _FAMILIES for prefix in ("", "s_", "r_"))
STATISTICS = (
    "cmax", "tmax", "auc_0_<t>", "auc_inf", "concentration", "half_life", "bioavailability", "clearance",
    "ratio",
)  # fmt: skip
_UNITS = {
    "cmax": "ng/mL",
    "concentration": "ng/mL",
    "auc": "ng*h/mL",
    "tmax": "h",
    "half_life": "h",
    "clearance": "L/h",
}
_PURE = {"bioavailability": {"%": 100.0, "1": 1.0}, "ratio": {"ratio": 1.0, "1": 1.0, "%": 100.0}}
_AREA = re.compile(r"auc_0_(\d+(?:\.\d+)?)\Z")


@dataclass(frozen=True, slots=True)
class Variant:
    """Which simulation: as given or an intravenous reference dose, with the interacting drugs or without."""

    reference: bool = False
    with_agents: bool = True


@dataclass(frozen=True, slots=True)
class Exposure:
    """One number of one simulated person; ``time_h`` is the time of a level or the end of an area."""

    variant: Variant
    output: str
    kind: Kind
    time_h: float = math.inf


@dataclass(frozen=True, slots=True)
class Target:
    """factor * product(exposure^power) - shift: what a row observed, in the unit of the row."""

    powers: tuple[tuple[Exposure, int], ...]
    factor: float = 1.0
    shift: float = 0.0

    def value(self, exposures: Mapping[Exposure, Array]) -> Array:
        """The number for each person."""
        result = np.full_like(exposures[self.powers[0][0]], self.factor)
        with np.errstate(divide="ignore", invalid="ignore"):
            for exposure, power in self.powers:
                result = result * exposures[exposure] ** float(power)
        return np.asarray(result - self.shift)

    def over(self, other: Target) -> Target:
        """Quotient of two targets without a shift."""
        inverse = tuple((exposure, -power) for exposure, power in other.powers)
        return Target((*self.powers, *inverse), self.factor / other.factor)

    def times(self, factor: float) -> Target:
        """The same in another unit."""
        return Target(self.powers, self.factor * factor, self.shift * factor)

    def needs_dose(self) -> bool:
        """Whether the number changes with the size of the dose."""
        own = any(not exposure.variant.reference for exposure, _ in self.powers)
        amounts = [power for exposure, power in self.powers if exposure.kind in ("area", "peak", "level")]
        return own and sum(amounts) != 0

    def needs_duration(self) -> bool:
        """Whether the number changes with the duration of an infusion."""
        own = [exposure for exposure, _ in self.powers if not exposure.variant.reference]
        return any(
            exposure.kind in ("peak", "peak_time", "level")
            or (exposure.kind == "area" and math.isfinite(exposure.time_h))
            for exposure in own
        )


def read_target(row: Row, arm: Arm) -> Target:
    """What a row observed.

    Raises:
        EvidenceError: a statistic, analyte, unit or ratio that cannot be predicted, naming what is missing.
    """
    statistic, analyte = row.word("statistic"), row.word("analyte")
    if statistic == "ratio":
        top, bottom = ratio_terms(row)
        target = _term(row, arm, top).over(_term(row, arm, bottom))
    else:
        target = _plain(row, arm, statistic, analyte, Variant())
        if statistic == "tmax" and counts_from_last_device(row):
            target = Target(target.powers, target.factor, arm.situation.last_device_h)
    target = target.times(_unit_factor(row, statistic, analyte))
    if target.needs_dose() and not arm.dose_known:
        raise not_simulated(f"line {row.number}: no dose is stated, and {statistic} depends on it")
    if target.needs_duration() and not arm.duration_known:
        raise not_simulated(
            f"line {row.number}: no infusion time is stated, and {statistic} depends on it",
            remedy="Fill infusion_min or regimen",
        )
    return target


def _term(row: Row, arm: Arm, term: Term) -> Target:
    agents = "_".join(row.text("co_medication").lower().replace("-", " ").split())
    if term.agent and not (agents and term.agent.startswith(agents)):
        raise not_simulated(
            f'line {row.number}: the ratio speaks of "{term.agent}", co_medication is "{agents or "empty"}"'
        )
    if term.agent == "" and not agents:
        raise not_simulated(f'line {row.number}: the ratio says "without", and co_medication is empty')
    variant = Variant(with_agents=term.agent != "")
    return _plain(row, arm, term.statistic, term.analyte or row.word("analyte"), variant)


def _plain(row: Row, arm: Arm, statistic: str, analyte: str, variant: Variant) -> Target:
    output = _output(row, arm, analyte)
    reference = Variant(reference=True, with_agents=variant.with_agents)
    if statistic in ("clearance", "bioavailability"):
        if analyte not in _PARENTS:
            raise not_simulated(f"line {row.number}: {statistic} of {analyte}", allowed="The parent drug")
        per_mg = Exposure(reference, output, "area_per_mg")
        if statistic == "clearance":
            return Target(((per_mg, -1),), 1000.0 * _share(arm, analyte))
        if arm.situation.prior is not None:
            raise not_simulated(f"line {row.number}: bioavailability with an earlier dose in the same person")
        return Target(((Exposure(variant, output, "area_per_mg"), 1), (per_mg, -1)))
    if statistic == "cmax":
        return Target(((Exposure(variant, output, "peak"), 1),))
    if statistic == "tmax":
        return Target(((Exposure(variant, output, "peak_time"), 1),))
    if statistic == "half_life":
        return Target(((Exposure(variant, output, "half_life"), 1),))
    return Target((_timed(row, statistic, output, variant),))


def _timed(row: Row, statistic: str, output: str, variant: Variant) -> tuple[Exposure, int]:
    """Level at ``time_h``, or area to the time in the name of the statistic."""
    if statistic == "concentration":
        time = row.number_of("time_h", low=0.0)
        if time is None:
            raise not_simulated(f"line {row.number}: time_h is empty", why="A level belongs to a time")
        return Exposure(variant, output, "level", _within(row, time)), 1
    if statistic in ("auc_inf", "auc_0_inf"):
        return Exposure(variant, output, "area"), 1
    area = _AREA.match(statistic)
    if area is None or float(area[1]) == 0.0:
        raise not_simulated(
            f'line {row.number}: statistic is "{statistic}"{nearest(statistic, STATISTICS)}',
            allowed=", ".join(STATISTICS),
        )
    return Exposure(variant, output, "area", _within(row, float(area[1]))), 1


def _within(row: Row, time_h: float) -> float:
    if time_h > assumption("longest_window"):
        raise not_simulated(
            f"line {row.number}: {time_h:g} h", allowed=f"Up to {assumption('longest_window'):g} h"
        )
    return time_h


def _output(row: Row, arm: Arm, analyte: str) -> str:
    if analyte not in ANALYTES:
        raise not_simulated(
            f'line {row.number}: analyte is "{analyte}"{nearest(analyte, ANALYTES)}',
            allowed=", ".join(ANALYTES),
        )
    if _share(arm, analyte) == 0.0:
        raise not_simulated(f"line {row.number}: {arm.situation.drug} does not lead to {analyte}")
    return f"{analyte}_{arm.site}" if analyte in _PARENTS else analyte


def _share(arm: Arm, analyte: str) -> float:
    """Part of a dose that belongs to the enantiomer of an analyte (1 for sums)."""
    if not analyte.startswith(("s_", "r_")):
        return 1.0
    given = {"ketamine": {"s_": 0.5, "r_": 0.5}, "esketamine": {"s_": 1.0}, "arketamine": {"r_": 1.0}}
    return given[arm.situation.drug].get(analyte[:2], 0.0)


def _unit_factor(row: Row, statistic: str, analyte: str) -> float:
    """Factor from the unit of the model to the unit of the row."""
    unit = row.text("unit")
    if statistic in _PURE:
        if unit not in _PURE[statistic]:
            raise not_simulated(
                f'line {row.number}: unit of {statistic} is "{unit}"', allowed=", ".join(_PURE[statistic])
            )
        return _PURE[statistic][unit]
    base = _UNITS["auc" if statistic.startswith("auc") else statistic]
    try:
        return conversion_factor(base, unit)
    except UnitError:
        if "ng" not in base:
            raise
    family = analyte.removeprefix("s_").removeprefix("r_")
    if family == "dhnk":
        raise not_simulated(f"line {row.number}: molar units of {analyte}", allowed="Mass units")
    return conversion_factor(base.replace("ng", "nmol"), unit) / assumption(f"molar_mass_{family}")
