"""Facts of a person file that cannot be true together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rekindle.errors import PersonError
from rekindle.people._person import BMI_TOLERANCE

Fact = bool | float | str


def refuse_contradictions(file: str, known: Mapping[str, Fact]) -> None:
    """Refuse facts that cannot be true together.

    Raises:
        PersonError: naming both.
    """

    def refuse(fields: str, why: str) -> None:
        raise PersonError(
            "RK-PER-052",
            given=f"{file}: {fields} contradict each other",
            why=why,
            remedy="Correct one of them, or write unknown",
        )

    get = known.get
    for name in ("pregnant", "breastfeeding"):
        if get(name) is True and get("sex") == "M":
            refuse(f"sex M and {name} yes", "One of the two is a mistake")
    if get("psychosis_now") is True and get("psychosis_history") is False:
        refuse("psychosis_now yes and psychosis_history no", "What is there now is part of the history")
    event = get("weeks_since_cardiovascular_event")
    if isinstance(event, float) and math.isfinite(event) and get("heart_disease") is False:
        refuse(
            f"weeks_since_cardiovascular_event {event:g} and heart_disease no", "The event is a heart disease"
        )
    dose = get("diazepam_equivalent_mg")
    if isinstance(dose, float) and dose > 0 and get("cns_depressants") is False:
        refuse(
            f"diazepam_equivalent_mg {dose:g} and cns_depressants no", "A benzodiazepine is such a sedative"
        )
    number = get("sedatives")
    if isinstance(number, float) and number > 0 and get("cns_depressants") is False:
        refuse(f"sedatives {number:g} and cns_depressants no", "Sedatives depress the central nervous system")
    _refuse_pressure(get("systolic_mmhg"), get("diastolic_mmhg"), refuse)
    weight, height, bmi = (get(name) for name in ("weight_kg", "height_cm", "bmi"))
    if isinstance(weight, float) and isinstance(height, float) and isinstance(bmi, float):
        computed = weight / (height / 100) ** 2
        if abs(computed / bmi - 1) > BMI_TOLERANCE:
            refuse(
                f"weight_kg {weight:g}, height_cm {height:g} and bmi {bmi:g}",
                f"Weight and height make {computed:.1f} kg/m^2",
            )


def _refuse_pressure(systolic: Fact | None, diastolic: Fact | None, refuse: Any) -> None:
    if isinstance(systolic, float) and isinstance(diastolic, float) and systolic <= diastolic:
        refuse(
            f"systolic_mmhg {systolic:g} and diastolic_mmhg {diastolic:g}",
            "Systolic pressure is the higher of the two",
        )
