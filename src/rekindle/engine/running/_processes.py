"""Processes of this machine that share work, and are started anew when the system ends one of them."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from rekindle.errors import SolverError

#: How often processes may be lost while one piece is waited for.
MOST_LOSSES = 2

Work = Callable[[Any, int], Any]


class Processes:
    """A pool of processes for pieces of work.

    When a process is lost, pieces under way are done again when their turn comes, so that one that takes too
    much memory is then nearly alone, and if it is lost again it is known which it was.

    Args:
        work: a function of a module.
        task: what every piece needs.
        workers: how many processes.
    """

    def __init__(self, work: Work, task: Any, workers: int) -> None:
        self._work, self._task, self._workers = work, task, workers
        self._under_way: dict[int, Future[Any]] = {}
        self._pool = self._started()

    def submit(self, number: int) -> Promise:
        """Begin a piece."""
        with contextlib.suppress(BrokenProcessPool):  # what is missing is begun when its turn comes
            self._under_way[number] = self._pool.submit(_run, number)
        return Promise(self, number)

    def result(self, number: int) -> Any:
        """What a piece gave, waited for.

        Raises:
            SolverError: processes were lost again and again.
        """
        for _ in range(1 + MOST_LOSSES):
            try:
                if number not in self._under_way:
                    self._under_way[number] = self._pool.submit(_run, number)
                found = self._under_way[number].result()
            except BrokenProcessPool:
                self._start_again()
                continue
            del self._under_way[number]
            return found
        raise SolverError(
            "RK-SOL-035",
            given=f"a worker process was ended from outside {1 + MOST_LOSSES} times "
            f"while piece {number} was worked at",
            why="Most often the system ends processes when memory runs out",
            remedy="Use fewer workers or smaller pieces; what was finished before is kept in the checkpoint "
            "folder, if there is one, and the same call goes on",
        )

    def close(self) -> None:
        """Let nothing that is queued run on, after an interruption too."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _started(self) -> ProcessPoolExecutor:
        # Forked workers inherit what is loaded; elsewhere each starts anew.
        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        return ProcessPoolExecutor(self._workers, context, _start, (self._work, self._task))

    def _start_again(self) -> None:
        warnings.warn(
            "a worker process was ended from outside; its work is done again", RuntimeWarning, stacklevel=2
        )
        self.close()
        self._pool = self._started()
        self._under_way = {n: future for n, future in self._under_way.items() if _finished(future)}


class Promise:
    """The result of a piece that is under way."""

    def __init__(self, processes: Processes, number: int) -> None:
        self._processes, self._number = processes, number

    def result(self) -> Any:
        """Wait for it."""
        return self._processes.result(self._number)


def _finished(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and not isinstance(future.exception(), BrokenProcessPool)


_mine: tuple[Work, Any] | None = None


def _start(work: Work, task: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    global _mine
    _mine = work, task


def _run(number: int) -> Any:
    assert _mine is not None
    work, task = _mine
    return work(task, number)
