"""Rekindle: simulation of ketamine therapy in depression, from a dose to mood.

For clinicians and researchers. Never a guide to dosing oneself.

Any model::

    model = rekindle.load_model("warfarin.model")
    events = rekindle.EventTable.from_csv("doses.csv", model)
    trajectory = rekindle.simulate(model, events, times=range(0, 121))

The therapy::

    trajectory = rekindle.simulate_people("0.5 mg/kg over 40 min", rekindle.Person(weight_kg=72))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rekindle._on_demand import on_demand

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rekindle.engine import EventTable, Trajectory
    from rekindle.engine import solve as simulate
    from rekindle.errors import RekindleError
    from rekindle.evidence import predict_arms
    from rekindle.modelling import Model
    from rekindle.modelling import read_model as load_model
    from rekindle.people import Person, Population, simulate_people
    from rekindle.regimen import Regimen, parse_regimen
    from rekindle.therapy import therapy_model
    from rekindle.trials import replay_nimh_crossover
else:
    __getattr__ = on_demand(
        __name__,
        {
            "engine": "EventTable, Trajectory, solve as simulate",
            "errors": "RekindleError",
            "evidence": "predict_arms",
            "modelling": "Model, read_model as load_model",
            "people": "Person, Population, simulate_people",
            "regimen": "Regimen, parse_regimen",
            "therapy": "therapy_model",
            "trials": "replay_nimh_crossover",
        },
    )

__all__ = [  # noqa: RUF022 - in the order in which one meets them
    "load_model", "Model", "EventTable", "simulate", "Trajectory",
    "therapy_model", "parse_regimen", "Regimen", "Person", "Population", "simulate_people",
    "replay_nimh_crossover", "predict_arms", "RekindleError", "__version__",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
