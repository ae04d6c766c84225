"""Threads of this process that run machine code, while the calling thread does what Python has to do.

Machine code is called without Python's lock, so that its threads run side by side.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

from rekindle.engine.program._program_run import ProgramRun
from rekindle.engine.running._outcomes import ProgramResults


class Threads:
    """Some threads that share the lane groups of programs, in the order in which they are handed in.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self._count, self._stopped = count, Event()
        self._pool = ThreadPoolExecutor(count, "rekindle")

    def submit(self, run: ProgramRun) -> ThreadedRun:
        """Begin a program."""
        helpers = min(self._count, run.groups)
        return ThreadedRun(run, [self._pool.submit(run.work, self._stopped.is_set) for _ in range(helpers)])

    def close(self) -> None:
        """End all threads, after the lane groups that they are at; a process with threads must not fork."""
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)


class ThreadedRun:
    """A program that threads are running."""

    def __init__(self, run: ProgramRun, helpers: list[Future[None]]) -> None:
        self._run, self._helpers = run, helpers

    def result(self) -> ProgramResults:
        """Wait for it.

        Raises:
            Exception: what went wrong in a thread.
        """
        for helper in self._helpers:
            helper.result()
        return self._run.results()
