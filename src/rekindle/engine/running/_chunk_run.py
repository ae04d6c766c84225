"""A unit of work under way: programs in machine code, everybody else by the general driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from rekindle.engine._plan import Batch
from rekindle.engine.gpu._driver import CardError
from rekindle.engine.program._batch import BatchRun, Kept, Promise
from rekindle.engine.program._program_run import ProgramRun
from rekindle.engine.running._device import card_failure
from rekindle.engine.running._job import Job
from rekindle.engine.running._outcomes import Outcomes

#: Has a program run, here and now or by threads.
Submit = Callable[[ProgramRun], Promise]


def run_chunk(job: Job, chunk: Sequence[Batch], room: Outcomes | None = None) -> Outcomes:
    """Results of a unit of work, in ``room`` if it is given."""
    return ChunkRun(job, chunk, room).result()


def _here_and_now(run: ProgramRun) -> Promise:
    run.work()
    return Kept(run.results())


class ChunkRun:
    """A unit of work; when this is made its programs have been recorded and handed on.

    Args:
        job: what it belongs to.
        chunk: its batches.
        room: where the results go; None for new memory.
        submit: has a program run.
    """

    def __init__(
        self, job: Job, chunk: Sequence[Batch], room: Outcomes | None = None, submit: Submit = _here_and_now
    ) -> None:
        self._job, self._submit = job, submit
        if room is None:
            people = job.people.take([place for batch in chunk for place in batch.places])
            room = Outcomes.empty(people, len(job.outputs))
        self._room, first = room, 0
        self._under_way: list[tuple[Batch, range, Outcomes, BatchRun]] = []
        for batch in chunk:
            places = range(first, first + len(batch.places))
            own = room.part(places.start, places.stop)
            self._under_way.append((batch, places, own, self._begin(batch, own)))
            first = places.stop

    def result(self) -> Outcomes:
        """Wait for the programs, and run who is in none of them, or was not finished, one by one."""
        for batch, places, own, run in self._under_way:
            for place in np.flatnonzero(~run.result()).tolist():
                own.put_one(place, self._job.run_alone(batch.places[place]))
            self._room.put(places, own)
        return self._room

    def _begin(self, batch: Batch, found: Outcomes) -> BatchRun:
        if batch.on_card:
            return self._begin_on_card(batch, found)
        run, job = BatchRun(found), self._job
        if batch.lanes:
            kernel = job.kernel(batch.lanes)
            for places, program, columns in job.programs(job.kernel(batch.block.lanes), batch):
                own = ProgramRun(kernel, program, job.tolerance, columns, run.room(places))
                run.add(places, self._submit(own))
        return run

    def _begin_on_card(self, batch: Batch, found: Outcomes) -> BatchRun:
        """Results from the card; where it fails, an error if it was asked for, else from the processor."""
        run, job = BatchRun(found), self._job
        card = job.card_kernel
        try:
            for places, program, columns in job.programs(card, batch):
                if program.constants.shape[1] >= job.device.group:
                    run.add(places, Kept(card.run_program(program, job.tolerance)))
                    continue
                kernel = job.kernel(batch.lanes)  # lags part them
                own = ProgramRun(kernel, program, job.tolerance, columns, run.room(places))
                run.add(places, self._submit(own))
        except CardError as problem:
            if job.device.required:
                raise card_failure(card.card.name, problem) from None
            job.card_troubles.append(str(problem))
            return self._begin(replace(batch, on_card=False), found)
        return run
