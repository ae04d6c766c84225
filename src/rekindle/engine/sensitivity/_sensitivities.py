"""How outputs change with parameters and initial values: derivatives, solved together with the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._solve import (
    DEFAULT_TOLERANCE,
    ParameterValues,
    carried_linearly,
    finish,
    output_names,
    subjects_of,
)
from rekindle.engine._solver_report import SolverReport
from rekindle.engine._trajectory import Trajectory
from rekindle.engine.records._event_table import EventTable
from rekindle.engine.records._subjects import Subject
from rekindle.engine.running._job import Job
from rekindle.engine.sensitivity._derivatives import Derivatives
from rekindle.engine.sensitivity._doses import written_out
from rekindle.engine.sensitivity._loss import Loss
from rekindle.engine.sensitivity._model import tangent_model
from rekindle.engine.sensitivity._parts import TangentModel
from rekindle.errors import ParameterError, SolverError, nearest
from rekindle.modelling import Model, symbols

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sensitivities:
    """Outputs and their derivatives.

    Attributes:
        outputs: the trajectory of the outputs.
        derivatives: output -> shape (people, times, parameters); without requested times (rows, parameters).
            An array is put together when it is first asked for.
        with_respect_to: parameters, and states for their initial values, in the order of the last axis.
        units: output -> unit of each derivative.
        solver: what the solver did for outputs and derivatives together.
    """

    outputs: Trajectory
    derivatives: Derivatives
    with_respect_to: tuple[str, ...]
    units: Mapping[str, tuple[str, ...]]
    solver: SolverReport

    def of(self, output: str, parameter: str) -> Array:
        """Derivative of one output with respect to one parameter.

        Raises:
            OutputError: an output that was not asked for.
            ParameterError: a parameter that was not asked for.
        """
        if parameter not in self.with_respect_to:
            raise ParameterError(
                "RK-PAR-192",
                given=f'no derivative with respect to "{parameter}"'
                f"{nearest(parameter, self.with_respect_to)}",
                allowed=f"Asked for: {', '.join(self.with_respect_to)}",
            )
        self.outputs[output]  # refuses one that was not asked for
        return self.derivatives.of(output, parameter)

    def gradient(self, slopes: Mapping[str, Array]) -> Array:
        """Gradient (parameters,) of a number whose slopes in the outputs are given, summed over people.

        Args:
            slopes: output -> array of the shape of that output, in 1/unit of the output.
        """
        total = np.zeros(len(self.with_respect_to))
        for name, slope in slopes.items():
            self.outputs[name]  # refuses one that was not asked for
            total += self.derivatives.product(name, np.asarray(slope, dtype=float))
        return total


def sensitivities(
    model: Model,
    events: EventTable,
    *,
    with_respect_to: Sequence[str],
    parameters: ParameterValues | Mapping[str, ParameterValues] | None = None,
    times: Iterable[float] | None = None,
    outputs: Sequence[str] | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    solver: str = "auto",
) -> Sensitivities:
    """Outputs and their derivatives with respect to parameters and initial values.

    The equations are differentiated symbolically and solved with the model under the same error control, and
    so are doses whose amount, lag, duration or rate depends on a parameter, named events and peaks. A
    derivative is that of one person's output with respect to that person's own value, at all occasions
    together. Where an output jumps with a parameter (at the moment of a lagged bolus, say) it is one-sided.

    Args:
        model: any model of the model language.
        events: checked records of one or more people.
        with_respect_to: names of parameters, and of states for their initial values (the same amount is added
            whenever the state is reset).
        parameters: as for ``solve``.
        times: as for ``solve``.
        outputs: names of the outputs wanted; None for all.
        tolerance: relative tolerance of the nonlinear solver, for outputs and derivatives.
        workers: as for ``solve``.
        progress: called with (people done, people in all).
        solver: as for ``solve``.

    Raises:
        ParameterError: an unknown name, or one that is given twice.
        SolverError: a derivative that would be wrong (doses in steady state that depend on the parameter; a
            jump in the equations that it moves), or an integration that failed.

    >>> from rekindle import EventTable, load_model
    >>> text = "model m\\ntime [h]\\nparameter k [1/h] = 0.1\\nstate C [mg]\\nd/dt(C) = -k*C\\noutput A = C"
    >>> model = load_model(text)
    >>> events = EventTable.from_rows([dict(ID=1, TIME=0, AMT=100, CMT="C")], model)
    >>> found = sensitivities(model, events, with_respect_to=["k"], times=[0, 10])
    >>> found.of("A", "k").round(2).tolist(), found.units["A"]
    ([[0.0, -367.88]], ('h*mg',))
    """
    wanted, names = tuple(with_respect_to), output_names(model, outputs)
    tangents = tangent_model(model, wanted, names)
    ramps = carried_linearly(events)
    _refuse_peaks_with_ramps(tangents.model, ramps)
    subjects: Sequence[Subject] = subjects_of(model, events, parameters, times)
    if tangents.doses:
        subjects = tuple(
            replace(subject, records=written_out(model, subject, ramps, tangents.doses))
            for subject in subjects
        )
        records = {subject.person: subject.records for subject in subjects}
        events = EventTable(records, events.carry, events.remarks)
    job = Job(
        tangents.model, tuple(tangents.model.outputs), ramps, subjects, tolerance, solver,
        stepped=tangents.stepped,
    )  # fmt: skip
    return _answer(finish(job, events, workers=workers, progress=progress), tangents, wanted, names)


def _refuse_peaks_with_ramps(model: Model, ramps: Sequence[str]) -> None:
    if not (model.watched and ramps):
        return
    used = set(ramps) & symbols(*(model.inline(*model.derivatives.values())))
    if used:
        raise SolverError(
            "RK-SOL-066",
            given=f"derivatives of a model whose states fire events ({', '.join(model.watched)}), with a "
            f"covariate carried linearly ({', '.join(sorted(used))})",
            why="How the moment of such an event moves would need the slope of the covariate there",
            remedy="Carry the covariate by locf or nocb, or use differences of two runs",
        )


def _answer(
    found: Trajectory, tangents: TangentModel, wanted: tuple[str, ...], names: tuple[str, ...]
) -> Sensitivities:
    outputs = replace(
        found,
        rows=found.rows[:, : len(names)],
        names=names,
        units={name: found.units[name] for name in names},
        measurable={name: found.measurable[name] for name in names},
    )
    units = {name: tuple(tangents.units[name, parameter] for parameter in wanted) for name in names}
    return Sensitivities(outputs, Derivatives(found, names, wanted), wanted, units, found.solver)


def loss_gradient(
    model: Model,
    events: EventTable,
    *,
    loss: Loss,
    with_respect_to: Sequence[str],
    parameters: ParameterValues | Mapping[str, ParameterValues] | None = None,
    times: Iterable[float] | None = None,
    outputs: Sequence[str] | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    workers: int = 1,
    solver: str = "auto",
) -> tuple[float, Array]:
    """Value and gradient of a number that is made of the outputs, such as a sum of squares.

    Solved forward, with the tangents of every parameter; what that costs stands in ``docs/engine.md``.

    Args:
        model: any model of the model language.
        events: checked records of one or more people.
        loss: from the trajectory to the number and its slopes in the outputs, or ``least_squares(...)``.
        with_respect_to: as for ``sensitivities``; everybody's value of a parameter moves together.
        parameters: as for ``solve``.
        times: as for ``solve``.
        outputs: as for ``solve``.
        tolerance: as for ``solve``.
        workers: as for ``solve``.
        solver: as for ``solve``.

    Returns:
        The number, and its gradient (parameters,).

    >>> from rekindle import EventTable, load_model
    >>> text = "model m\\ntime [h]\\nparameter k [1/h] = 0.1\\nstate C [mg]\\nd/dt(C) = -k*C\\noutput A = C"
    >>> model = load_model(text)
    >>> events = EventTable.from_rows([dict(ID=1, TIME=0, AMT=100, CMT="C")], model)
    >>> def miss(found):
    ...     return float(((found["A"] - 50) ** 2).sum()), {"A": 2 * (found["A"] - 50)}
    >>> value, gradient = loss_gradient(
    ...     model, events, loss=miss, with_respect_to=["k"], times=[10], tolerance=1e-9)
    >>> round(value, 3), gradient.round(2).tolist()
    (174.558, [9720.89])
    """
    found = sensitivities(
        model,
        events,
        with_respect_to=with_respect_to,
        parameters=parameters,
        times=times,
        outputs=outputs,
        tolerance=tolerance,
        workers=workers,
        solver=solver,
    )
    value, slopes = loss(found.outputs)
    if not np.isfinite(value):
        raise SolverError(
            "RK-SOL-064",
            given=f"the loss is {value}",
            allowed="A finite number",
            remedy="Check the function given as loss",
        )
    return value, found.gradient(slopes)
