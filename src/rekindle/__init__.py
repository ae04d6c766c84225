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

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

#: Public name -> (package, name there). Loaded on first use, so that `import rekindle` stays quick.
_PUBLIC = {
    "EventTable": ("engine", "EventTable"),
    "Model": ("modelling", "Model"),
    "Person": ("people", "Person"),
    "Population": ("people", "Population"),
    "Regimen": ("regimen", "Regimen"),
    "RekindleError": ("errors", "RekindleError"),
    "Trajectory": ("engine", "Trajectory"),
    "load_model": ("modelling", "read_model"),
    "parse_regimen": ("regimen", "parse_regimen"),
    "predict_arms": ("evidence", "predict_arms"),
    "replay_nimh_crossover": ("trials", "replay_nimh_crossover"),
    "simulate": ("engine", "solve"),
    "simulate_people": ("people", "simulate_people"),
    "therapy_model": ("therapy", "therapy_model"),
}

__all__ = [  # noqa: RUF022 - in the order in which one meets them
    "load_model", "Model", "EventTable", "simulate", "Trajectory",
    "therapy_model", "parse_regimen", "Regimen", "Person", "Population", "simulate_people",
    "replay_nimh_crossover", "predict_arms", "RekindleError", "__version__",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        package, attribute = _PUBLIC[name]
        value = getattr(import_module(f"rekindle.{package}"), attribute)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'rekindle' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
