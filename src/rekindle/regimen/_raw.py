"""What the parser hands over: the phrases of a regimen text, with their position in it."""

from __future__ import annotations

from dataclasses import dataclass

from rekindle.regimen._cadence import Cadence
from rekindle.regimen._dose import DoseUnit


@dataclass(frozen=True, slots=True)
class RawStep:
    """One step of a visit; ``amount`` None for saline, ``after_h`` None when it follows the step before."""

    position: int
    amount: float | None
    unit: DoseUnit
    duration_h: float | None
    after_h: float | None


@dataclass(frozen=True, slots=True)
class RawSchedule:
    """When a block is given. ``listed`` wins over the cadence; ``start_h`` None: when it is due."""

    position: int
    cadence: Cadence | None = None
    count: int = 1
    start_h: float | None = None
    listed: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class RawBlock:
    """One block between two "then"; without steps it repeats those of the block before it."""

    position: int
    steps: tuple[RawStep, ...]
    schedule: RawSchedule | None
