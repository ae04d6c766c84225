"""One dose and one visit, before any rule of a product is applied."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from rekindle.errors import RegimenError

DoseUnit = Literal["mg", "mg/kg"]


@dataclass(frozen=True, slots=True)
class Dose:
    """An amount, given at ``offset_h`` hours after the start of its session.

    Attributes:
        amount: total amount of base in ``unit``; 0 only for saline.
        unit: ``"mg"`` or ``"mg/kg"`` (times body weight).
        duration_h: how long the infusion lasts in h; None for a product that is given at once.
        offset_h: start, in h after the start of the session.

    >>> Dose(0.5, "mg/kg", duration_h=2 / 3).offset_h
    0.0
    """

    amount: float
    unit: DoseUnit
    duration_h: float | None = None
    offset_h: float = 0.0

    def __post_init__(self) -> None:
        for name in ("amount", "duration_h", "offset_h"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, float(getattr(self, name)))
        if not (math.isfinite(self.amount) and self.amount >= 0):
            raise RegimenError(
                "RK-REG-009",
                given=f"dose {self.amount!r} {self.unit}",
                allowed="A dose is a positive, finite number",
            )
        if self.unit not in get_args(DoseUnit):
            raise RegimenError(
                "RK-REG-002",
                given=f'unit "{self.unit}" of dose {self.amount!r}',
                allowed='A dose is in "mg" or "mg/kg"',
                remedy="Convert it, or write the regimen as a text, which converts mass units",
            )
        if self.duration_h is not None and not (math.isfinite(self.duration_h) and self.duration_h > 0):
            raise bad_time(f"duration {self.duration_h!r} h", "A duration is a positive, finite time")
        if not (math.isfinite(self.offset_h) and self.offset_h >= 0):
            raise bad_time(f"offset {self.offset_h!r} h", "A dose does not start before its session")


@dataclass(frozen=True, slots=True)
class Session:
    """One visit: doses given together, starting ``time_h`` hours after the start of the regimen.

    The first dose starts the session (offset 0); the others follow in order of time.

    >>> Session(72.0, (Dose(84, "mg"),)).day
    4
    """

    time_h: float
    doses: tuple[Dose, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "time_h", float(self.time_h))
        object.__setattr__(self, "doses", tuple(self.doses))
        if not (math.isfinite(self.time_h) and self.time_h >= 0):
            raise bad_time(f"session at {self.time_h!r} h", "A session does not start before day 1")
        if not self.doses or self.doses[0].offset_h != 0:
            raise RegimenError(
                "RK-REG-021",
                given=f"the session at {self.time_h:g} h has no dose at its own start",
                allowed="A session has one dose or more, and the first has offset 0",
                remedy="Move the time of the session to its first dose",
            )

    @property
    def day(self) -> int:
        """Day of the session; the first day of the regimen is day 1."""
        return int(self.time_h // 24) + 1


def bad_time(given: str, allowed: str) -> RegimenError:
    """Return the refusal of a time or duration that is negative, zero or not finite."""
    return RegimenError("RK-REG-015", given=given, allowed=allowed)
