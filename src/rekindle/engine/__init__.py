"""Engine: integrate any model of the model language for many people with dose events.

It knows nothing of ketamine. One narrow interface: ``solve(model, events, ...) -> Trajectory``.
"""

from rekindle.engine._event_table import EventTable
from rekindle.engine._petab import Observable, to_petab
from rekindle.engine._records import COLUMNS, Record
from rekindle.engine._sensitivities import Sensitivities, loss_gradient, sensitivities
from rekindle.engine._solve import DEFAULT_TOLERANCE, output_names, solve
from rekindle.engine._trajectory import SolverReport, Trajectory

__all__ = [
    "COLUMNS",
    "DEFAULT_TOLERANCE",
    "EventTable",
    "Observable",
    "Record",
    "Sensitivities",
    "SolverReport",
    "Trajectory",
    "loss_gradient",
    "output_names",
    "sensitivities",
    "solve",
    "to_petab",
]
