"""How strong the rival mechanisms must be to agree with disinhibition one day after an infusion."""

from __future__ import annotations

from rekindle.therapy._models import therapy_model

#: The anchor: racemate 0.5 mg/kg over 40 min in an adult of 70 kg, no expectancy, improvement at 24 h.
_WEIGHT_KG, _DOSE_MG, _DURATION_H, _TIME_H = 70.0, 35.0, 40.0 / 60.0, 24.0


def equal_day_one_strengths() -> dict[str, float]:
    """e_X and e_H for which each single mechanism gives the same improvement at 24 h as disinhibition.

    The numbers in ``parameters/mechanism.csv`` come from here.

    Returns:
        ``{"e_X": ..., "e_H": ...}``, pure numbers, solved to a relative 1e-6.
    """
    from scipy.optimize import brentq

    target = improvement_at_day_one("disinhibition", {})
    strengths = {}
    for name, mechanism in (("e_X", "tonic_eef2"), ("e_H", "hnk_direct")):

        def excess(strength: float, name: str = name, mechanism: str = mechanism) -> float:
            return improvement_at_day_one(mechanism, {name: strength}) - target

        strengths[name] = float(brentq(excess, 1e-3, 50.0, rtol=1e-6))
    return strengths


def improvement_at_day_one(mechanism: str, parameters: dict[str, float]) -> float:
    """Improvement (share of baseline) 24 h after racemate 0.5 mg/kg over 40 min, without expectancy."""
    from rekindle.engine import EventTable, solve

    model = therapy_model(parameters="nominal", mechanism=mechanism)
    rows = [
        {
            "TIME": 0.0,
            "EVID": 1,
            "AMT": _DOSE_MG / 2.0,
            "DUR": _DURATION_H,
            "CMT": f"central_{copy}",
            "weight": _WEIGHT_KG,
        }
        for copy in "SR"
    ]
    found = solve(
        model,
        EventTable.from_rows(rows, model),
        parameters={**parameters, "EX": 0.0},
        times=[_TIME_H],
        outputs=["improvement_share"],
    )
    return float(found["improvement_share"][0, -1])
