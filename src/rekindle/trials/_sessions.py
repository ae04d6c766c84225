"""What is given in one session of an arm."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.regimen import Dose, Regimen, Session
from rekindle.therapy import dose_records
from rekindle.trials._design import Arm

Array = NDArray[np.float64]

_NOTHING = (Dose(0.0, "mg", 0.5),)


@dataclass(frozen=True, slots=True)
class Given:
    """A session as it is given.

    Attributes:
        arm: the arm.
        dose: dose in mg, if not that of the arm.
        slot: number of the session among all sessions of the trial.
        opens: control class of which the session begins a period, if it does.
    """

    arm: Arm
    dose: float | None
    slot: int
    opens: str | None

    def rows(self, weights_kg: Array) -> list[dict[str, Any]]:
        """Rows of an event table without ID, for people with these body weights; TIME from its start (h)."""
        regimen = session_of(self.arm, self.dose)
        return dose_records(regimen, weight_kg=weights_kg, first_occasion=self.slot, control=self.opens)

    def times(self) -> tuple[float, ...]:
        """Times of the rows, which depend on nobody's weight (h)."""
        return _row_times(self)


@lru_cache(maxsize=4096)
def _row_times(session: Given) -> tuple[float, ...]:
    return tuple(float(row["TIME"]) for row in session.rows(np.ones(1)))


@lru_cache(maxsize=256)
def session_of(arm: Arm, dose: float | None) -> Regimen:
    """One session of an arm, with another dose if one is given."""
    if arm.session is None:
        return Regimen.of(drug="saline", product="iv_infusion", sessions=[Session(0.0, _NOTHING)])
    regimen = arm.session
    if dose is None:
        return regimen
    first = regimen.sessions[0].doses[0]
    doses = (replace(first, amount=dose, unit="mg"),)
    return Regimen.of(drug=regimen.drug, product=regimen.product, sessions=[Session(0.0, doses)])


def dose_mg(arm: Arm, dose: float | None, weight_kg: float) -> float:
    """Amount that one session of an arm brings; 0 without an active substance."""
    if arm.session is None:
        return 0.0
    given = session_of(arm, dose).sessions[0].doses
    return sum(one.amount * (weight_kg if one.unit == "mg/kg" else 1.0) for one in given)
