"""What is given in one session of an arm."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rekindle.regimen import Dose, Regimen, Session
from rekindle.therapy import dose_records
from rekindle.trials._design import Arm, Design

Array = NDArray[np.float64]

_NOTHING = (Dose(0.0, "mg", 0.5),)


class Given(NamedTuple):
    """A session as it is given: name of the arm, dose in mg if not that of the arm, number among all sessions
    of the trial, and whether it opens a period."""

    arm: str
    dose: float | None
    slot: int
    opens: bool


def session_rows(design: Design, given: Given, weights_kg: Array) -> list[dict[str, Any]]:
    """Rows of an event table without ID, for people with these body weights; TIME from its start (h)."""
    return dose_records(
        session_of(design.arms[given.arm], given.dose),
        weight_kg=weights_kg,
        first_occasion=given.slot,
        control=design.control_class if given.opens else None,
    )


def row_times(design: Design, given: Given) -> tuple[float, ...]:
    """Times of these rows, which depend on nobody's weight (h)."""
    return _row_times(
        session_of(design.arms[given.arm], given.dose), design.control_class if given.opens else None
    )


@lru_cache(maxsize=256)
def _row_times(session: Regimen, control: str | None) -> tuple[float, ...]:
    return tuple(row["TIME"] for row in dose_records(session, weight_kg=1.0, control=control))


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
