"""From a regimen to dose records: how each product enters the body (pharmacokinetics, dosing rules)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import RegimenError
from rekindle.regimen import Dose, Regimen, Session
from rekindle.therapy._control_response import control_response
from rekindle.therapy._models import NASAL_VARIANTS
from rekindle.therapy._tables import read_table

Array = NDArray[np.float64]

#: Share of an amount that goes to each enantiomer's copy of the model.
ENANTIOMERS: dict[str, dict[str, float]] = {
    "ketamine": {"S": 0.5, "R": 0.5},
    "esketamine": {"S": 1.0},
    "arketamine": {"R": 1.0},
}
#: Drugs whose sessions bring no active substance.
INACTIVE = ("saline", "none")
#: An active control: it has a plasma course of its own and is noticed, and nothing else.
MIDAZOLAM = "midazolam"
#: When a control session makes its people notice something, after its start.
CONTROL_CUE_H = 40.0 / 60.0


def dose_records(
    regimen: Regimen,
    *,
    weight_kg: float | Array,
    first_occasion: int = 1,
    control: str | None = None,
    events: bool = True,
    model: str = "D1",
) -> list[dict[str, Any]]:
    """Rows for an event table that give this regimen to one person.

    Args:
        regimen: what is given and when.
        weight_kg: body weight, for doses per kilogram. An array (people,) makes arrays of such amounts,
            for products without devices.
        first_occasion: OCC of the first session; every session is one occasion.
        control: control class of the trial; adds the event ``period`` at the first session.
        events: write the rows that fire ``session``, ``control_cue`` and ``period`` (therapy model only).
        model: name of the pharmacokinetic model that receives the doses; see ``pharmacokinetic_models``.

    Returns:
        Rows sorted by TIME (h) with TIME, EVID, OCC and, where they apply, AMT (mg), CMT, RATE or DUR (h),
        EVENT, device. A racemate dose is halved between the two copies; models of one species get all of it.

    Raises:
        RegimenError: a product or drug that the model cannot receive, or a dose that the product cannot give.
        ParameterError: an unknown control class.

    >>> from rekindle.regimen import parse_regimen
    >>> rows = dose_records(parse_regimen("ketamine 0.5 mg/kg iv over 40 min"), weight_kg=70)
    >>> [(row["TIME"], row.get("EVENT") or row["CMT"], row.get("AMT")) for row in rows]
    [(0.0, 'session', None), (0.0, 'central_S', 17.5), (0.0, 'central_R', 17.5)]
    """
    if not np.all(np.isfinite(weight_kg) & (np.asarray(weight_kg) > 0.0)):
        raise RegimenError("RK-REG-081", given=f"weight {weight_kg} kg", allowed="A weight above 0 kg")
    model = "D1" if model in NASAL_VARIANTS else model
    rows: list[dict[str, Any]] = []
    if control is not None:
        control_response(control)  # refuses unknown names
        if events and regimen.sessions:
            rows.append(
                {"TIME": regimen.sessions[0].time_h, "EVID": 2, "EVENT": "period", "OCC": first_occasion}
            )
    for occasion, session in enumerate(regimen.sessions, start=first_occasion):
        found = _session_events(regimen, session) if events else []
        if regimen.drug == MIDAZOLAM:
            found += _midazolam_doses(regimen, session, weight_kg, events)
        elif regimen.drug not in INACTIVE:
            found += _session_doses(regimen, session, weight_kg, model)
        rows.extend({**row, "OCC": occasion} for row in found)
    return sorted(rows, key=lambda row: float(row["TIME"]))


def _session_events(regimen: Regimen, session: Session) -> list[dict[str, Any]]:
    rows = [{"TIME": session.time_h, "EVID": 2, "EVENT": "session"}]
    if regimen.drug in (MIDAZOLAM, *INACTIVE):
        rows.append({"TIME": session.time_h + CONTROL_CUE_H, "EVID": 2, "EVENT": "control_cue"})
    return rows


def _session_doses(
    regimen: Regimen, session: Session, weight_kg: float | Array, model: str
) -> list[dict[str, Any]]:
    entries = _entries(regimen, model)
    shares = ENANTIOMERS[regimen.drug] if model == "D1" else {"": 1.0}
    rows = []
    for order, (time, amount, dose) in enumerate(_portions(regimen, session, weight_kg), start=1):
        for entry in entries:
            for copy, share in shares.items():
                row: dict[str, Any] = {
                    "TIME": time,
                    "EVID": 1,
                    "AMT": amount * share,
                    "CMT": f"{entry['state']}_{copy}" if copy else entry["state"],
                    **_timing(entry, dose),
                }
                if regimen.product.device_mg:
                    row["device"] = order
                rows.append(row)
    return rows


def _midazolam_doses(
    regimen: Regimen, session: Session, weight_kg: float | Array, whole_therapy: bool
) -> list[dict[str, Any]]:
    if not whole_therapy:
        raise RegimenError(
            "RK-REG-083",
            given="midazolam for a model of ketamine plasma alone",
            allowed="Midazolam has a plasma course in the whole therapy only",
            remedy="Leave the parameter set out (model D1)",
        )
    return [
        {"TIME": time, "EVID": 1, "AMT": amount, "DUR": dose.duration_h, "CMT": MIDAZOLAM}
        for time, amount, dose in _portions(regimen, session, weight_kg)
    ]


def _portions(
    regimen: Regimen, session: Session, weight_kg: float | Array
) -> Iterator[tuple[float, Any, Dose]]:
    """Time and amount of every separate administration of a session: devices one by one, else doses."""
    product = regimen.product
    for dose in session.doses:
        amount: Any = dose.amount * weight_kg if dose.unit == "mg/kg" else dose.amount
        times = product.device_times(amount)
        for after in times:
            yield session.time_h + dose.offset_h + after, amount / len(times), dose


def _timing(entry: Mapping[str, str], dose: Dose) -> dict[str, float]:
    match entry["timing"]:
        case "given":
            assert dose.duration_h is not None, "the regimen refuses such a dose without a duration"
            return {"DUR": dose.duration_h}
        case "fixed":
            return {"DUR": float(entry["duration_h"])}
        case "modelled":
            return {"RATE": -2.0}
        case _:
            return {}


def _entries(regimen: Regimen, model: str) -> list[dict[str, str]]:
    table = [row for row in read_table("entries.csv") if row["model"] == model]
    found = [row for row in table if row["product"] == regimen.product.name]
    if not found:
        products = sorted({row["product"] for row in table})
        raise RegimenError(
            "RK-REG-082",
            given=f'product "{regimen.product.name}" for model "{model}"',
            allowed=f"Products that the model can receive: {', '.join(products) or 'none'}",
            remedy="Choose another product, or model D1, which has all routes",
        )
    return found
