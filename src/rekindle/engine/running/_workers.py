"""Running many people: in this process, its threads or several processes, with what is finished kept."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from rekindle.engine._plan import CHUNK, Batch
from rekindle.engine.running._chunk_run import ChunkRun, run_chunk
from rekindle.engine.running._job import Job
from rekindle.engine.running._outcomes import Outcomes
from rekindle.engine.running._threads import Threads
from rekindle.engine.streaming._stream_pieces import AHEAD, in_order, run_pieces

#: People for each program and worker from which threads are used, and people for each program who are enough
#: at any number of workers. Programs are recorded by Python, whose lock lets one thread at a time go on;
#: processes have to send their results. In CPU seconds of whoever takes longest, for W1, two threads were 1.3
#: times as fast as one worker with 4 people a program, 1.3 with 8, 1.5 with 16 and 1.8 with 48, two processes
#: 1.5, 1.3, 1.0 and 1.0 times.
PEOPLE_A_WORKER, PEOPLE_ENOUGH = 4, CHUNK


def run_job(
    job: Job,
    *,
    workers: int = 1,
    checkpoint: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Outcomes:
    """Results of all people in order; identical at any number of workers."""
    chunks = [[place for batch in chunk for place in batch.places] for chunk in job.chunks]
    store = None
    if checkpoint is not None:
        from rekindle.engine.running._kept_results import KeptResults

        store = KeptResults(Path(checkpoint), job.fingerprint())
    found, done = Outcomes.empty(job.people, len(job.outputs)), 0
    missing = []
    for number, places in enumerate(chunks):
        kept = store.load(number, job.people.take(places), len(job.outputs)) if store else None
        if kept is None:
            missing.append(number)
        else:
            found.put(places, kept)
            done += len(places)
    if progress:
        progress(done, len(found))
    if missing:
        job.prepare()
    with contextlib.closing(_run_numbers(job, missing, workers, found)) as parts:
        for number, part in parts:
            found.put(chunks[number], part)
            if store:
                store.save(number, part)
            done += len(part)
            if progress:
                progress(done, len(found))
    return found


def _run_numbers(
    job: Job, missing: Sequence[int], workers: int, found: Outcomes
) -> Generator[tuple[int, Outcomes]]:
    # A card is used by this process alone, before others are forked, which must not touch it.
    on_card = [number for number in missing if any(batch.on_card for batch in job.chunks[number])]
    rest = sorted(set(missing).difference(on_card))
    if workers <= 1 or len(rest) <= 1:
        on_card, rest = list(missing), []
    for number in on_card:
        yield number, run_chunk(job, job.chunks[number], _room(job.chunks[number], found))
    if rest and mostly_machine_code(job, rest, workers):
        yield from _in_threads(job, rest, workers, found)
    elif rest:
        job.record_first(rest[0])  # so that forked processes inherit it
        yield from run_pieces(_run_number, job, rest, workers=workers)


def mostly_machine_code(job: Job, numbers: Sequence[int], workers: int) -> bool:
    """Whether so many people share each program that threads finish units of work sooner than processes.

    What lags and infusion lengths do to programs is judged by the first block of people.
    """
    batches = [batch for number in numbers for batch in job.chunks[number]]
    together = [batch for batch in batches if batch.lanes]
    if not together:
        return False
    people = sum(len(batch.places) for batch in batches)
    alone = people - job.share_in_programs(together[0]) * sum(len(batch.places) for batch in together)
    programs = len({batch.block for batch in together}) + alone
    return people >= min(PEOPLE_A_WORKER * workers, PEOPLE_ENOUGH) * programs


def _in_threads(
    job: Job, numbers: Sequence[int], workers: int, found: Outcomes
) -> Generator[tuple[int, Outcomes]]:
    threads = Threads(workers)

    def begin(number: int) -> ChunkRun:
        chunk = job.chunks[number]
        return ChunkRun(job, chunk, _room(chunk, found), threads.submit)

    try:
        yield from in_order(begin, numbers, lambda: AHEAD * workers)
    finally:
        threads.close()


def _room(chunk: Sequence[Batch], found: Outcomes) -> Outcomes | None:
    """Where the results of a unit of work belong, if its people stand next to each other."""
    first = last = chunk[0].places[0]
    for batch in chunk:  # places ascend within a batch
        begin, end = batch.places[0], batch.places[-1] + 1
        if begin != last or end - begin != len(batch.places):
            return None
        last = end
    return found.part(first, last)


def _run_number(job: Job, number: int) -> Outcomes:
    return run_chunk(job, job.chunks[number])
