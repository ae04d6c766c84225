"""Event rows of comparators: midazolam and electroconvulsive sessions, antidepressant, training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rekindle.errors import ParameterError
from rekindle.regimen import Dose, Regimen, Session
from rekindle.therapy._control_response import control_response
from rekindle.therapy._dosing import dose_records
from rekindle.therapy._tables import read_table

Row = dict[str, Any]


def midazolam_records(
    session_days: Sequence[float],
    *,
    weight_kg: float,
    dose_mg_per_kg: float = 0.045,
    duration_h: float = 40.0 / 60.0,
) -> list[Row]:
    """Rows for an event table that give midazolam infusions as an active control.

    The dose and the duration are those of the trial that compared it with ketamine (Murrough 2013). Every
    session fires ``session`` and, 40 min later, ``control_cue``; the size of that cue is the one of the
    control class, or midazolam's own sedation with ``therapy_model(midazolam_cue="sedation")``.

    Raises:
        ParameterError: a weight, dose or duration of 0 or less.

    >>> [row.get("EVENT", row.get("CMT")) for row in midazolam_records([0], weight_kg=70)]
    ['session', 'midazolam', 'control_cue']
    """
    for name, value in (("weight", weight_kg), ("dose", dose_mg_per_kg), ("duration", duration_h)):
        _require_positive(name, value)
    dose = (Dose(dose_mg_per_kg, "mg/kg", duration_h),)
    sessions = [Session(24.0 * day, dose) for day in sorted(session_days)]
    regimen = Regimen.of(drug="midazolam", product="iv_infusion", sessions=sessions)
    return dose_records(regimen, weight_kg=weight_kg)


def ect_records(session_days: Sequence[float]) -> list[Row]:
    """Rows that count electroconvulsive sessions, for ``therapy_model(ect="on")``: a scenario of the user.

    >>> [row["TIME"] for row in ect_records([0, 2])]
    [0.0, 48.0]
    """
    return [{"TIME": 24.0 * day, "EVID": 2, "EVENT": "ect_session"} for day in sorted(session_days)]


def ssri_records(dose_ratio: float, *, start_h: float = 0.0, end_h: float | None = None) -> list[Row]:
    """Rows that start (and stop) a daily antidepressant at a dose relative to its usual minimum dose.

    Raises:
        ParameterError: a dose below 0, or an end before the start.

    >>> [row["ssri_dose_ratio"] for row in ssri_records(2.0, end_h=1000.0)]
    [2.0, 0.0]
    """
    if not (math.isfinite(dose_ratio) and dose_ratio >= 0.0):
        raise ParameterError("RK-PAR-048", given=f"dose ratio {dose_ratio:g}", allowed="0 or more")
    return _between("ssri_dose_ratio", dose_ratio, start_h, end_h)


def training_records(rate: float, *, start_h: float, end_h: float) -> list[Row]:
    """Rows that set the hours of training or psychotherapy per hour between two times.

    Raises:
        ParameterError: a rate outside 0 to 1, or an end before the start.

    >>> [row["training_rate"] for row in training_records(0.03, start_h=24.0, end_h=120.0)]
    [0.0, 0.03, 0.0]
    """
    if not 0.0 <= rate <= 1.0:
        raise ParameterError(
            "RK-PAR-049", given=f"training rate {rate:g}", allowed="Hours per hour, from 0 to 1"
        )
    return _between("training_rate", rate, start_h, end_h)


def refuse_double_count(control_class: str | None, ssri_dose_ratio: float, *, ect: bool = False) -> None:
    """Refuse two layers that would count one effect twice.

    Raises:
        ParameterError: a new antidepressant in a class whose observed course contains one; electroconvulsive
            sessions, whose numbers hold contact and expectancy, in a class with a course of its own.

    >>> refuse_double_count("midazolam", 1.0)
    """
    if ect and control_class is not None and _has_course(control_class):
        raise ParameterError(
            "RK-PAR-053",
            given=f'electroconvulsive sessions together with control class "{control_class}"',
            why="Numbers of such sessions hold contact and natural course, which would count twice",
            remedy="Leave the control class out",
        )
    rows = {row["control_class"]: row for row in read_table("control_designs.csv")}
    if ssri_dose_ratio > 0.0 and control_class in rows and rows[control_class]["antidepressant"] == "inside":
        raise ParameterError(
            "RK-PAR-050",
            given=f'a new antidepressant together with control class "{control_class}"',
            why="The course of this class was observed under a new antidepressant, which would count twice",
            remedy="Set ssri_dose_ratio to 0, or choose another control class",
        )


def _has_course(control_class: str) -> bool:
    found = control_response(control_class).parameters
    return found["A_class"] > 0.0 or found["P_class"] > 0.0


def _between(covariate: str, value: float, start_h: float, end_h: float | None) -> list[Row]:
    if end_h is not None and end_h <= start_h:
        raise ParameterError(
            "RK-PAR-051", given=f"from {start_h:g} to {end_h:g} h", allowed="An end after the start"
        )
    rows: list[Row] = [{"TIME": start_h, "EVID": 2, covariate: value}]
    if start_h > 0.0:
        # A table carries the first value back to its beginning.
        rows.insert(0, {"TIME": 0.0, "EVID": 2, covariate: 0.0})
    if end_h is not None:
        rows.append({"TIME": end_h, "EVID": 2, covariate: 0.0})
    return rows


def _require_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise ParameterError("RK-PAR-052", given=f"{name} {value:g}", allowed=f"A {name} above 0")
