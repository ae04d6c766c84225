"""Engine: integrate any model of the model language for many people with dose events.

It knows nothing of ketamine. One narrow interface: ``solve(model, events, ...) -> Trajectory``; beside it,
for more people than fit into memory, ``simulate_stream(model, chunks, reducers, ...) -> Reduced``.
"""

from typing import TYPE_CHECKING

from rekindle._on_demand import on_demand
from rekindle.engine._solve import DEFAULT_TOLERANCE, output_names, solve
from rekindle.engine._solver_report import SolverReport
from rekindle.engine._trajectory import Trajectory
from rekindle.engine.records._event_table import EventTable
from rekindle.engine.records._parameter_table import ParameterTable
from rekindle.engine.records._records import COLUMNS, Record
from rekindle.engine.records._shared_table import joined, schedule_table
from rekindle.engine.running._whole_files import claim, fingerprint, write_whole

if TYPE_CHECKING:
    from rekindle.engine._policy import Policy, simulate_with_policy
    from rekindle.engine.exchange._petab import Observable, to_petab
    from rekindle.engine.sensitivity._loss import Loss, least_squares
    from rekindle.engine.sensitivity._sensitivities import Sensitivities, loss_gradient, sensitivities
    from rekindle.engine.streaming._reduce_course import Courses
    from rekindle.engine.streaming._reduced import MeanCourses, MeasureSummary, QuantileCourses, Reduced
    from rekindle.engine.streaming._reducers import (
        Area,
        AtMost,
        FirstPassage,
        MeanCourse,
        Measure,
        Peak,
        PeakTime,
        Quantiles,
        Reducer,
        Response,
        TimeAbove,
        TimeBelow,
        Value,
    )
    from rekindle.engine.streaming._stream import Chunk, Chunks, simulate_stream
    from rekindle.engine.streaming._stream_cluster import CLUSTER_RETRIES, cluster_client
else:
    __getattr__ = on_demand(
        __name__,
        {
            "_policy": "Policy, simulate_with_policy",
            "exchange._petab": "Observable, to_petab",
            "streaming._reduce_course": "Courses",
            "streaming._reduced": "MeanCourses, MeasureSummary, QuantileCourses, Reduced",
            "streaming._reducers": "Area, AtMost, FirstPassage, MeanCourse, Measure, Peak, PeakTime, "
            "Quantiles, Reducer, Response, TimeAbove, TimeBelow, Value",
            "sensitivity._loss": "Loss, least_squares",
            "sensitivity._sensitivities": "Sensitivities, loss_gradient, sensitivities",
            "streaming._stream": "Chunk, Chunks, simulate_stream",
            "streaming._stream_cluster": "CLUSTER_RETRIES, cluster_client",
        },
    )

__all__ = [
    "CLUSTER_RETRIES",
    "COLUMNS",
    "DEFAULT_TOLERANCE",
    "Area",
    "AtMost",
    "Chunk",
    "Chunks",
    "Courses",
    "EventTable",
    "FirstPassage",
    "Loss",
    "MeanCourse",
    "MeanCourses",
    "Measure",
    "MeasureSummary",
    "Observable",
    "ParameterTable",
    "Peak",
    "PeakTime",
    "Policy",
    "QuantileCourses",
    "Quantiles",
    "Record",
    "Reduced",
    "Reducer",
    "Response",
    "Sensitivities",
    "SolverReport",
    "TimeAbove",
    "TimeBelow",
    "Trajectory",
    "Value",
    "claim",
    "cluster_client",
    "fingerprint",
    "joined",
    "least_squares",
    "loss_gradient",
    "output_names",
    "schedule_table",
    "sensitivities",
    "simulate_stream",
    "simulate_with_policy",
    "solve",
    "to_petab",
    "write_whole",
]
