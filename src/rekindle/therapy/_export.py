"""Doses of a regimen as the SBML export takes them: times, states, amounts and durations as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rekindle.modelling import Expression, Model, evaluate
from rekindle.regimen import Regimen
from rekindle.therapy._dosing import dose_records


def export_events(
    model: Model, regimen: Regimen, weight_kg: float, model_name: str
) -> list[dict[str, object]]:
    """Doses and named events of one person.

    A modelled duration is computed here. A covariate that differs between doses (the order of a device) acts
    through bioavailability alone, so its effect is put into the amount.

    >>> from rekindle.regimen import parse_regimen
    >>> from rekindle.therapy import therapy_model
    >>> rows = export_events(therapy_model(), parse_regimen("esketamine 10 mg iv over 30 min"), 70.0, "D1")
    >>> rows[1]
    {'time': 0.0, 'state': 'central_S', 'amount': 10.0, 'duration': 0.5}
    """
    rows = dose_records(regimen, weight_kg=weight_kg, events="session" in model.events, model=model_name)
    facts = {"weight": weight_kg}
    return [
        {"time": row["TIME"], "event": row["EVENT"]} if "EVENT" in row else _dose(model, row, facts)
        for row in rows
    ]


def _dose(model: Model, row: Mapping[str, Any], facts: Mapping[str, float]) -> dict[str, object]:
    rule = model.dosing.get(row["CMT"])
    amount, duration = row["AMT"], row.get("DUR", 0.0)
    own = {name: float(row[name]) for name in model.covariates if name in row}
    if rule is not None and rule.bioavailability is not None and own:
        usual = _value(model, rule.bioavailability, facts)
        amount *= _value(model, rule.bioavailability, {**facts, **own}) / usual
    if row.get("RATE") == -2.0 and rule is not None and rule.duration is not None:
        duration = _value(model, rule.duration, {**facts, **own})
    return {"time": row["TIME"], "state": row["CMT"], "amount": amount, "duration": duration}


def _value(model: Model, expression: Expression, facts: Mapping[str, float]) -> float:
    values = {
        name: parameter.value for name, parameter in model.parameters.items() if parameter.value is not None
    }
    values |= {name: item.default for name, item in model.covariates.items() if item.default is not None}
    return float(evaluate(model.inline(expression)[0], {**values, **facts}))
