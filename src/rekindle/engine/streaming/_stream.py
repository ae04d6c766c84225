"""Simulate any number of people in bounded memory: piece by piece, keeping only what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._ladder import refuse_unfit
from rekindle.engine._solve import (
    DEFAULT_TOLERANCE,
    carried_linearly,
    output_grid,
    output_names,
    subjects_of,
)
from rekindle.engine.records._event_table import EventTable
from rekindle.engine.records._parameter_table import Parameters
from rekindle.engine.running._chunk_run import run_chunk
from rekindle.engine.running._job import Job
from rekindle.engine.running._outcomes import Outcomes
from rekindle.engine.running._whole_files import fingerprint
from rekindle.engine.streaming._parquet_parts import ParquetParts
from rekindle.engine.streaming._reduce_course import Courses
from rekindle.engine.streaming._reduce_grid import Grid
from rekindle.engine.streaming._reduce_tally import Tally
from rekindle.engine.streaming._reduced import Reduced, conclude
from rekindle.engine.streaming._reducers import Measure, Reducer, outputs_of
from rekindle.engine.streaming._stream_pieces import run_pieces
from rekindle.engine.streaming._stream_store import StreamStore
from rekindle.errors import OutputError, SolverError
from rekindle.modelling import Model

Array = NDArray[np.float64]

#: A state of so many bytes is kept after every piece, a larger one the more rarely: writing it takes time.
_BYTES_A_PIECE = 4_000_000
#: Units of work into which a piece is cut at least: few, because what their people share is worked out once.
_UNITS_OF_A_PIECE = 4


class Chunk(NamedTuple):
    """Some people: their events, and their parameters as ``solve`` takes them."""

    events: EventTable
    parameters: Parameters | None = None


class Chunks(Protocol):
    """People in pieces; a piece is made when it is asked for, in the process that simulates it."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Chunk: ...


@dataclass(frozen=True)
class StreamTask:
    """Everything that determines the numbers of a streamed run."""

    model: Model
    chunks: Chunks
    reducers: Mapping[str, Reducer]
    times: Array
    tolerance: float
    solver: str


class Piece(NamedTuple):
    """A piece of the population, reduced; ``numbers`` are the measures (people, measures)."""

    tally: Tally
    people: tuple[str, ...]
    numbers: Array


def simulate_stream(
    model: Model,
    chunks: Chunks,
    reducers: Mapping[str, Reducer],
    *,
    times: Iterable[float],
    tolerance: float = DEFAULT_TOLERANCE,
    solver: str = "auto",
    workers: int = 1,
    cluster: str | None = None,
    checkpoint: str | Path | None = None,
    parquet: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Reduced:
    """Simulate people piece by piece and return what the reducers ask for.

    In memory are the accumulators, at most 24 bytes for each bin of each time of each ``Quantiles`` (4096
    bins, 200 times: 20 MB) and, in each process, what two pieces need. It does not grow with the number of
    people. Pieces are merged in their order, so that the numbers have the same bits at any number of workers
    and after any interruption (on machines with vectors of one width).

    Args:
        model: any model of the model language.
        chunks: the people: a list of ``Chunk``, or an object with ``len`` and ``[number]`` that makes them.
            With several workers or a checkpoint it must pickle. Some hundred people each, a multiple of 48,
            are a good size.
        reducers: name -> what is wanted.
        times: output times, the same for everybody; measures of a person see between them (``_reduce_grid``).
        tolerance: relative tolerance of the nonlinear solver.
        solver: see ``solve``.
        workers: processes on this machine.
        cluster: address of a Dask scheduler, which is then used instead.
        checkpoint: folder in which the state is kept, so that the same call resumes after an interruption.
        parquet: folder for the measures of every person, a file for each piece as it is finished.
        progress: called with (pieces done, pieces in all).

    Raises:
        OutputError: reducers that do not fit the model or the times, or a folder that belongs to another run.
        ParameterError: an unknown, missing or non-finite parameter or covariate.

    People whose integration fails are counted and left out; see ``Reduced.failures``.

    >>> from rekindle.engine import Area, EventTable
    >>> from rekindle.modelling import read_model
    >>> model = read_model("model m\\ntime [h]\\nstate C [mg]\\nd/dt(C) = -0.1[1/h]*C\\noutput A [mg] = C")
    >>> rows = [[dict(ID=i, TIME=0, AMT=i, CMT="C")] for i in (1, 2, 3)]
    >>> chunks = [Chunk(EventTable.from_rows(one, model)) for one in rows]
    >>> found = simulate_stream(model, chunks, {"area": Area("A")}, times=range(0, 101))
    >>> found.people, round(found["area"].mean, 1), found["area"].unit
    (3, 20.0, 'mg*h')
    """
    grid = output_grid(times)
    _refuse_impossible(model, reducers, grid, parquet is not None)
    task = StreamTask(model, chunks, dict(reducers), grid, tolerance, solver)
    mine = fingerprint(task) if checkpoint is not None or parquet is not None else ""
    tally, done, remark = Tally(task.reducers, grid), 0, ""
    store = None if checkpoint is None else StreamStore(Path(checkpoint), mine)
    if store:
        done, tally, remark = store.load(lambda: Tally(task.reducers, grid))
    parts = None if parquet is None else ParquetParts(Path(parquet), mine, _units(model, tally))
    lost = [number for number in range(done) if parts and not parts.holds(number)]
    numbers = [*lost, *range(done, len(chunks))]
    pieces = run_pieces(simulate_piece, task, numbers, workers=workers, cluster=cluster)
    _add_up(pieces, tally, done, len(chunks), store, parts, progress)
    again = f"{len(lost)} Parquet files were missing or damaged and are written again." if lost else ""
    return conclude(model, tally, tuple(text for text in (remark, again) if text))


def _add_up(
    pieces: Iterator[tuple[int, Piece]],
    tally: Tally,
    first: int,
    total: int,
    store: StreamStore | None,
    parts: ParquetParts | None,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Merge pieces from ``first`` on; of those before, only the file is written."""
    if progress:
        progress(first, total)
    done, kept, merging = first, first, False
    try:
        for number, piece in pieces:
            if parts:
                parts.save(number, piece.people, piece.numbers)
            if number < first:
                continue
            merging = True
            tally.merge(piece.tally)
            done, merging = number + 1, False
            if store and done - kept > tally.nbytes // _BYTES_A_PIECE:
                store.save(done, tally)
                kept = done
            if progress:
                progress(done, total)
    finally:
        if store and done > kept and not merging:
            store.save(done, tally)


def simulate_piece(task: StreamTask, number: int) -> Piece:
    """Simulate the people of a piece and reduce them, some at a time, right behind the kernel."""
    chunk = task.chunks[number]
    grid = _grid(task, chunk.events)
    names = output_names(task.model, outputs_of(tuple(task.reducers.values())))
    subjects = subjects_of(task.model, chunk.events, chunk.parameters, grid.times)
    ramps = carried_linearly(chunk.events)
    job = Job(task.model, names, ramps, subjects, task.tolerance, task.solver, units=_UNITS_OF_A_PIECE)
    refuse_unfit(job)
    tally = Tally(task.reducers, task.times)
    between = {measure.output for measure in tally.measures.values() if measure.between_times}
    numbers = np.empty((len(subjects), len(tally.measures)))
    job.prepare()
    for unit in job.chunks:
        places = [place for batch in unit for place in batch.places]
        outcomes = run_chunk(job, unit)
        values, failures = outcomes.together(), _failures(job, places, outcomes)
        courses = {
            name: Courses.on(grid, values[:, :, column], between=name in between)
            for column, name in enumerate(names)
        }
        numbers[places] = tally.update(courses, failures)
    return Piece(tally, tuple(chunk.events.subjects), numbers)


def _failures(job: Job, places: list[int], outcomes: Outcomes) -> dict[str, str]:
    """Why people failed, by their names; their outputs are NaN."""
    return {
        job.people.people[places[place]]: str(SolverError(**vars(failure)))
        for place, failure in sorted(outcomes.failures.items())
    }


def _grid(task: StreamTask, events: EventTable) -> Grid:
    """The requested times, and between them what the measures need."""
    spans = [
        reducer.span(task.times)
        for reducer in task.reducers.values()
        if isinstance(reducer, Measure) and reducer.between_times
    ]
    if not spans:
        return Grid.plain(task.times)
    return Grid.fine(task.times, events, min(start for start, _ in spans), max(end for _, end in spans))


def _units(model: Model, tally: Tally) -> dict[str, str]:
    return {
        name: measure.unit(model.outputs[measure.output].unit, model.time_unit)
        for name, measure in tally.measures.items()
    }


def _refuse_impossible(model: Model, reducers: Mapping[str, Reducer], times: Array, parquet: bool) -> None:
    output_names(model, outputs_of(tuple(reducers.values())))
    measures = [reducer for reducer in reducers.values() if isinstance(reducer, Measure)]
    for measure in measures:
        measure.check(times)
    if parquet and not measures:
        raise OutputError(
            "RK-OUT-053",
            given="Parquet files of single people, and no reducer that gives a number for each",
            allowed="Peak, PeakTime, Area, TimeAbove, TimeBelow, FirstPassage, Value, Response, AtMost",
            remedy="Ask for one of them, or leave parquet out",
        )
    if parquet and "id" in reducers:
        raise OutputError(
            "RK-OUT-054", given='a reducer named "id" beside Parquet files', remedy="Give it another name"
        )
