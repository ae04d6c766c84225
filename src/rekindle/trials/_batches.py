"""Run many pieces of work: here, in several processes or on a cluster, with finished pieces kept on disk.

A piece is a range of replicates. Its result depends on its own numbers only, so results are the same at any
number of workers and after any interruption.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rekindle.errors import OutputError
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


def run_batches(work: Work, task: Any, batches: Sequence[range], how: Execution) -> list[Content]:
    """Results of all batches in order.

    Args:
        work: a function of a module, called with the task and one batch.
        task: everything that the numbers depend on.
        batches: replicates of each piece.
        how: where and how they are done.

    Raises:
        OutputError: a folder that belongs to another run, or a cluster that cannot be reached.
    """
    store = _Store(how.checkpoint, (task, [tuple(one) for one in batches])) if how.checkpoint else None
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
        folder.mkdir(parents=True, exist_ok=True)
        mine = hashlib.sha256(pickle.dumps(content, protocol=4)).hexdigest()
        note = folder / "trial.json"
        if note.exists():
            if json.loads(note.read_text()).get("fingerprint") != mine:
                raise OutputError(
                    "RK-OUT-005",
                    given=f"{folder} holds an unfinished run with other inputs",
                    why="Mixing two runs would give numbers that belong to neither",
                    remedy="Choose another folder, or delete this one",
                )
        else:
            self._write(note, json.dumps({"fingerprint": mine}))

    def save(self, place: int, content: Content) -> None:
        """Keep one piece; numbers as text that gives the same number back."""
        self._write(self._path(place), json.dumps(content))

    def load(self, place: int) -> Content | None:
        """A finished piece, or None if it is absent or damaged (it is then run again)."""
        try:
            content = json.loads(self._path(place).read_text())
        except (OSError, ValueError):
            return None
        return content if isinstance(content, list) else None

    def _path(self, place: int) -> Path:
        return self.folder / f"replicates_{place:06d}.json"

    def _write(self, path: Path, text: str) -> None:
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(text)
        os.replace(part, path)
