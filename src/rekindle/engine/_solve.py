"""The engine's one entry: a model, the events of people, and the outputs wanted -> their trajectories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._ladder import refuse_unfit, report
from rekindle.engine._trajectory import Trajectory
from rekindle.engine.records._event_table import EventTable
from rekindle.engine.records._parameter_table import Parameters, ParameterValues, parameter_array
from rekindle.engine.records._subjects import Subjects
from rekindle.engine.running._device import choose_device
from rekindle.engine.running._error_estimate import Running, run_with_errors
from rekindle.engine.running._job import Job
from rekindle.engine.running._outcomes import Outcomes
from rekindle.errors import EventError, OutputError, SolverError, nearest
from rekindle.modelling import Model

Array = NDArray[np.float64]

#: Relative tolerance of the nonlinear solver unless the caller gives another.
DEFAULT_TOLERANCE = 1e-7

__all__ = ["ParameterValues", "solve"]


def solve(
    model: Model,
    events: EventTable,
    *,
    parameters: Parameters | None = None,
    times: Iterable[float] | None = None,
    outputs: Sequence[str] | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    workers: int = 1,
    checkpoint: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    solver: str = "auto",
    on_failure: str = "raise",
    estimate_error: bool = False,
    device: str = "auto",
) -> Trajectory:
    """Integrate a model for everybody in an event table.

    Args:
        model: any model of the model language.
        events: checked records of one or more people.
        parameters: values that replace the model's own: name -> value, person -> (name -> value), or a
            ``ParameterTable``. A value may be a sequence with one entry per occasion (column OCC).
        times: output times in the model's time unit, the same for everybody; None takes the times of the
            observation records (EVID 0, and EVID 2 without EVENT).
        outputs: names of the outputs wanted; None for all. States that they do not need are not integrated.
        tolerance: relative tolerance of the nonlinear solver; the linear part is exact.
        workers: how many share the people: threads where many people share a schedule, else processes (the
            rule is in ``docs/engine.md``). The numbers do not depend on it.
        checkpoint: folder in which finished people are kept, so that the same call resumes after an
            interruption; None keeps nothing.
        progress: called with (people done, people in all).
        solver: "auto" takes the fastest that fits: people who share the times of their records are stepped
            together in the lanes of one vector, the linear part is solved exactly, the rest by cascade
            collocation ("L2") where the equations suit it, else by Rodas5P ("L1'"). "L1" steps every state by
            Rodas5P (the cross-check); "L0" insists that every state is solved exactly; "driver" carries out
            one person at a time. The report says what was taken and why.
        on_failure: "raise" raises the first failure when everybody else is done, with their trajectory in its
            attribute ``finished``; "keep" gives NaN for those who failed and names them in the solver report.
        estimate_error: run everybody a second time at a tenth of the tolerance, and give the difference as
            ``trajectory.solver.errors`` (see ``SolverReport``). The numbers stay those of the first run; it
            takes somewhat more than twice the time; ``progress`` counts everybody once over both runs.
        device: "auto" takes an NVIDIA card where there is one and the people are many (the rule is in
            ``docs/gpu.md``), "cpu" and "gpu" choose. The solver report says what ran and why. Numbers from a
            card agree with those of the processor within the tolerance.

    Returns:
        A trajectory with one row per person and time. Step sizes are shared by the people of a group, so that
        a person's numbers may change within the tolerance with who else is in the table; they do not change
        with ``workers`` or after an interruption.

    Raises:
        ParameterError: an unknown, missing or non-finite parameter or covariate.
        SolverError: an integration that failed; names person, time and state.
        OutputError: an unknown output, or a checkpoint folder that belongs to another run.

    >>> from rekindle import EventTable, load_model
    >>> model = load_model("model m\\ntime [h]\\nstate C [mg]\\nd/dt(C) = -0.1[1/h]*C\\noutput A [mg] = C")
    >>> events = EventTable.from_rows([dict(ID=1, TIME=0, AMT=100, CMT="C")], model)
    >>> solve(model, events, times=[0, 10])["A"].round(4).tolist()
    [[100.0, 36.7879]]
    """
    names, ramps = output_names(model, outputs), carried_linearly(events)
    subjects = subjects_of(model, events, parameters, times)
    chosen = choose_device(device, solver=solver, ramps=ramps, people=len(subjects))
    job = Job(model, names, ramps, subjects, tolerance, solver, device=chosen)
    return finish(
        job, events, workers=workers, checkpoint=checkpoint, progress=progress, on_failure=on_failure,
        estimate_error=estimate_error,
    )  # fmt: skip


def carried_linearly(events: EventTable) -> tuple[str, ...]:
    """Covariates that move between records."""
    return tuple(name for name, rule in events.carry.items() if rule == "linear")


def subjects_of(
    model: Model, events: EventTable, parameters: Parameters | None, times: Iterable[float] | None
) -> Subjects:
    """What the engine needs of everybody, checked; see ``solve``."""
    grid = None if times is None else output_grid(times)
    values = parameter_array(model, tuple(events.subjects), parameters)
    return Subjects.from_records(events.subjects, values, grid, events.carry)


def finish(
    job: Job,
    events: EventTable,
    *,
    workers: int = 1,
    checkpoint: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_failure: str = "raise",
    estimate_error: bool = False,
) -> Trajectory:
    """Run a job for the people of an event table; see ``solve``."""
    if on_failure not in (allowed := ("raise", "keep")):
        raise SolverError(
            "RK-SOL-020",
            given=f'on_failure "{on_failure}"{nearest(on_failure, allowed)}',
            allowed=f"on_failure: {', '.join(allowed)}",
        )
    refuse_unfit(job)
    options = Running(workers, checkpoint, progress)
    outcomes, errors = run_with_errors(job, options) if estimate_error else (options.run(job), {})
    return _answer(events, outcomes, job, errors, keep=on_failure == "keep")


def _answer(
    events: EventTable, outcomes: Outcomes, job: Job, errors: Mapping[str, float], *, keep: bool
) -> Trajectory:
    """The trajectory, or the first failure with the trajectory of the others."""
    people = job.people.people
    reasons = {
        people[place]: SolverError(**vars(failure)) for place, failure in sorted(outcomes.failures.items())
    }
    named = {person: str(reason) for person, reason in reasons.items()}
    if not reasons or keep:
        return _collect(events, range(len(people)), outcomes, job, named, errors)
    problem, finished = next(iter(reasons.values())), list(outcomes.finished())
    problem.finished = _collect(events, finished, outcomes, job, named, errors) if finished else None
    raise problem


def output_names(model: Model, outputs: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the outputs wanted, all of the model's if none are named.

    Raises:
        OutputError: an output that the model does not have, or none at all.
    """
    names = tuple(model.outputs if outputs is None else outputs)
    for name in names:
        if name not in model.outputs:
            raise OutputError(
                "RK-OUT-002",
                given=f'output "{name}" is not in model "{model.name}"{nearest(name, model.outputs)}',
                allowed=f"Outputs: {', '.join(model.outputs)}",
            )
    if not names:
        raise OutputError("RK-OUT-003", given="no output is asked for", remedy="Declare or name an output")
    return names


def output_grid(times: Iterable[float]) -> Array:
    """Return output times as an array.

    Raises:
        OutputError: none, one that is not finite, or one before another.
    """
    grid = np.asarray(list(times), dtype=float)
    if not len(grid) or not np.isfinite(grid).all() or (np.diff(grid) < 0).any():
        raise OutputError(
            "RK-OUT-004", given="output times", allowed="One or more finite times that do not decrease"
        )
    return grid


def _collect(
    events: EventTable,
    places: Sequence[int],
    outcomes: Outcomes,
    job: Job,
    failed: Mapping[str, str],
    errors: Mapping[str, float],
) -> Trajectory:
    """The trajectory of some people."""
    model, names, people = job.model, job.outputs, job.people
    if len(places) < len(people):
        people, some = people.take(places), Outcomes.empty(people.take(places), len(names))
        for place, chosen in enumerate(places):
            some.of(place)[:], some.counts[place] = outcomes.of(chosen), outcomes.counts[chosen]
        outcomes = some
    if not len(outcomes.values):
        raise EventError(
            "RK-EVT-031",
            given="no output times: the table has no observation records and none were requested",
            remedy="Give times=[...] or add records with EVID 0",
        )
    grid = people.times
    return Trajectory(
        ids=people.people,
        rows_each=people.rows,
        rows=outcomes.values,
        names=names,
        units={name: model.outputs[name].unit for name in names},
        measurable={name: model.outputs[name].measurable for name in names},
        time_unit=model.time_unit,
        grid=grid,
        carry={name: rule for name, rule in events.carry.items() if name in model.covariates},
        solver=report(
            job,
            outcomes.counts,
            failed,
            {person: errors[person] for person in people.people if person in errors},
        ),
        own_times=None if grid is not None else people.observation_times(),
        carried={} if grid is not None else _carried(people),
    )


def _carried(people: Subjects) -> dict[str, tuple[Any, ...]]:
    """What comes back unused, for all rows; people who share records share it."""
    asking = [[record.carried for record in one.records if record.asks] for one in people.courses]
    names = dict.fromkeys(name for own in asking for carried in own for name in carried)
    return {
        name: tuple(carried.get(name) for number in people.course.tolist() for carried in asking[number])
        for name in names
    }
