"""How ``adverse_event.csv`` follows from the incidences on the label of the esketamine spray."""

from __future__ import annotations

import numpy as np

from rekindle.therapy._adverse_events import share_with_report, tendency_spread
from rekindle.therapy._models import therapy_model
from rekindle.therapy._tables import read_table

#: The trials behind the label: twice weekly for four weeks. The dose was 56 or 84 mg; 84 mg is assumed.
_SESSIONS, _REGIMEN, _WEIGHT_KG = 8, "esketamine 84 mg nasal", 70.0


def derive_adverse_events() -> dict[str, float]:
    """adverse_a and adverse_b of every event, so that both columns of the label are met.

    A session without drug has log-odds a, one with exposure A has a + b ln(1 + A/adverse_area). The logarithm
    of the exposure itself would make a session without drug impossible, although placebo has reports.
    The label counts people with any report in four weeks, taken as eight sessions of a typical exposure in
    people of whom each has a tendency of their own (``share_with_report``).

    Returns:
        Parameter name -> value (pure numbers), solved to an absolute 1e-10.
    """
    from scipy.optimize import brentq

    spread = tendency_spread()
    rise = float(
        np.log1p(
            label_exposure() / (therapy_model(parameters="nominal").parameters["adverse_area"].value or 0.0)
        )
    )
    derived: dict[str, float] = {}
    for row in read_table("adverse_event_targets.csv"):
        log_odds = []
        for column in ("placebo_pct", "esketamine_pct"):
            wanted = float(row[column]) / 100.0

            def excess(level: float, wanted: float = wanted) -> float:
                return share_with_report(np.full(_SESSIONS, level), spread) - wanted

            log_odds.append(float(brentq(excess, -30.0, 10.0, xtol=1e-10)))
        derived[f"adverse_a_{row['event']}"] = log_odds[0]
        derived[f"adverse_b_{row['event']}"] = (log_odds[1] - log_odds[0]) / rise
    return derived


def label_exposure() -> float:
    """Exposure in the first hour of a session of the label, uM*h, in a typical adult of 70 kg."""
    from rekindle.engine import EventTable, solve
    from rekindle.regimen import parse_regimen
    from rekindle.therapy._dosing import dose_records

    model = therapy_model(parameters="nominal")
    rows = dose_records(parse_regimen(_REGIMEN), weight_kg=_WEIGHT_KG)
    events = EventTable.from_rows([{**row, "weight": _WEIGHT_KG} for row in rows], model)
    found = solve(model, events, times=[1.5], outputs=["early_exposure"])
    return float(found["early_exposure"][0, -1])
