"""Run many pieces of work: here, in several processes or on a cluster, with finished pieces kept on disk.

A piece is a range of replicates. Its result depends on its own numbers only, so results are the same at any
number of workers and after any interruption.
"""

from __future__ import annotations

import json
import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rekindle.engine import claim, fingerprint, write_whole
from rekindle.trials._cluster import run_on_cluster

#: What a piece gives back: plain numbers, texts and lists, so that it can be kept as text.
Content = list[Any]
Work = Callable[[Any, Sequence[int]], Content]


@dataclass(frozen=True, slots=True)
class Execution:
    """Where and how pieces are done.

    Attributes:
        workers: processes on this machine.
        cluster: address of a Dask scheduler, which is then used instead.
        checkpoint: folder in which finished pieces are kept.
        progress: called with (replicates done, replicates in all).
    """

    workers: int = 1
    cluster: str | None = None
    checkpoint: Path | None = None
    progress: Callable[[int, int], None] | None = None


def run_batches(
    work: Work, task: Any, batches: Sequence[range], how: Execution, *, made_with: Any = None
) -> list[Content]:
    """Results of all batches in order.

    Args:
        work: a function of a module, called with the task and one batch.
        task: everything that the numbers depend on.
        batches: replicates of each piece.
        how: where and how they are done.
        made_with: what else the numbers depend on, such as the values of a model; pieces kept by a run with
            something else are refused.

    Raises:
        OutputError: a folder that belongs to another run, or a cluster that cannot be reached.
    """
    identity = (task, [tuple(one) for one in batches], made_with)
    store = _Store(how.checkpoint, identity) if how.checkpoint else None
    results: dict[int, Content] = {}
    for place in range(len(batches)):
        kept = store.load(place) if store else None
        if kept is not None:
            results[place] = kept
    total, done = sum(map(len, batches)), sum(len(batches[place]) for place in results)
    if how.progress:
        how.progress(done, total)
    missing = [place for place in range(len(batches)) if place not in results]
    pieces: Iterator[tuple[int, Content]]
    if how.cluster is not None:
        stream = run_on_cluster(how.cluster, work, task, [batches[place] for place in missing])
        pieces = ((missing[number], content) for number, content in stream)
    else:
        pieces = _run_here(work, task, batches, missing, how.workers)
    for place, content in pieces:
        results[place] = content
        if store:
            store.save(place, content)
        done += len(batches[place])
        if how.progress:
            how.progress(done, total)
    return [results[place] for place in range(len(batches))]


def _run_here(
    work: Work, task: Any, batches: Sequence[range], missing: Sequence[int], workers: int
) -> Iterator[tuple[int, Content]]:
    if workers <= 1 or len(missing) <= 1:
        for place in missing:
            yield place, work(task, batches[place])
        return
    # Forked workers inherit what is loaded and compiled; elsewhere each starts anew.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    pool = ProcessPoolExecutor(min(workers, len(missing)), context, _start_worker)
    try:
        pending = {pool.submit(work, task, batches[place]): place for place in missing}
        for future in as_completed(pending):
            yield pending[future], future.result()
    finally:
        # After an interruption nothing that is queued should run on.
        pool.shutdown(wait=False, cancel_futures=True)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means


class _Store:
    """Finished pieces in a folder; each file is complete or absent."""

    def __init__(self, folder: Path, content: Any) -> None:
        self.folder = folder
        claim(folder, "trial.json", fingerprint(content))

    def save(self, place: int, content: Content) -> None:
        """Keep one piece; numbers as text that gives the same number back."""
        write_whole(self._path(place), json.dumps(content).encode())

    def load(self, place: int) -> Content | None:
        """A finished piece, or None if it is absent or damaged (it is then run again)."""
        try:
            content = json.loads(self._path(place).read_text())
        except (OSError, ValueError):
            return None
        return content if isinstance(content, list) else None

    def _path(self, place: int) -> Path:
        return self.folder / f"replicates_{place:06d}.json"
