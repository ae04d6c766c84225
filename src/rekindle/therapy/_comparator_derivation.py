"""How the strength of an SSRI and the speed of learning follow from what was observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rekindle.therapy._models import therapy_model
from rekindle.therapy._tables import read_table

_HOURS_PER_DAY = 24.0


class Training(NamedTuple):
    """Hours of training per hour, from start to end (h after the infusion)."""

    rate: float
    start_h: float
    end_h: float


#: A computerised training of 20 minutes twice a day on the four days after an infusion (recalled).
TRAINING = Training(40.0 / (24.0 * 60.0), 24.0, 120.0)
#: What training keeps of the improvement that is lost between day 1 and day 30 without it.
KEPT = 0.75


def derive_ssri_share() -> dict[str, float]:
    """EQ by least squares on the development half of the DIA data, and what the allowed range leaves of it.

    On the residual severity the drug leaves 1 - EQ Q(t) of what placebo leaves. The fit is weighted by the
    number of people and taken at the usual minimum dose, which the trial exceeded in some.

    Returns:
        ``least_squares`` and ``EQ``, pure numbers; the second is inside the range of the parameter.
    """
    rows = read_table("ssri_targets.csv")
    plasticity = _plasticity([float(row["time_h"]) for row in rows])
    above = below = 0.0
    for row, level in zip(rows, plasticity, strict=True):
        left = {
            arm: 1.0 + float(row[f"{arm}_change"]) / float(row[f"{arm}_baseline"])
            for arm in ("drug", "placebo")
        }
        weight = 1.0 / (1.0 / float(row["drug_n"]) + 1.0 / float(row["placebo_n"]))
        above += weight * level * (1.0 - left["drug"] / left["placebo"])
        below += weight * level * level
    parameter = therapy_model(parameters="nominal").parameters["EQ"]
    assert parameter.low is not None
    assert parameter.high is not None
    return {"least_squares": above / below, "EQ": min(parameter.high, max(parameter.low, above / below))}


def derive_learning_speed() -> float:
    """eta_learning (1/h) for which training keeps three quarters of what is lost without it by day 30.

    A course that stays flat, as observed, cannot be reached: with EL and kL fixed, even complete learning
    fades too fast. The anchor is racemate 0.5 mg/kg over 40 min without expectancy.
    """
    from scipy.optimize import brentq

    alone = _course({}, trained=False)
    wanted = alone[1] + KEPT * (alone[0] - alone[1])

    def excess(speed: float) -> float:
        return _course({"eta_learning": speed}, trained=True)[1] - wanted

    return float(brentq(excess, 1e-4, 1e4, rtol=1e-8))


def _plasticity(times: Sequence[float]) -> list[float]:
    rows = [{"TIME": 0.0, "EVID": 2, "ssri_dose_ratio": 1.0}]
    return [float(value) for value in _simulate(rows, times, "ssri_plasticity", {})]


def _course(parameters: Mapping[str, float], *, trained: bool) -> list[float]:
    """Improvement on day 1 and day 30 after one infusion, with or without training."""
    rows: list[dict[str, Any]] = [
        {"TIME": 0.0, "EVID": 1, "AMT": 17.5, "DUR": 2.0 / 3.0, "CMT": f"central_{copy}"} for copy in "SR"
    ]
    rows[0]["training_rate"] = 0.0
    if trained:
        rows += [
            {"TIME": TRAINING.start_h, "EVID": 2, "training_rate": TRAINING.rate},
            {"TIME": TRAINING.end_h, "EVID": 2, "training_rate": 0.0},
        ]
    times = [_HOURS_PER_DAY, 30.0 * _HOURS_PER_DAY]
    return [float(value) for value in _simulate(rows, times, "improvement_share", {**parameters, "EX": 0.0})]


def _simulate(
    rows: Sequence[Mapping[str, Any]], times: Sequence[float], output: str, parameters: Mapping[str, float]
) -> Any:
    from rekindle.engine import EventTable, solve

    model = therapy_model(parameters="nominal")
    events = EventTable.from_rows([dict(row) for row in rows], model)
    return solve(model, events, parameters=dict(parameters), times=times, outputs=[output])[output][0]
