"""Pieces of work in processes or on a cluster, given back in order, only so many at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

#: Pieces for each process that may be under way or waiting for their turn, so that nobody idles and memory
#: stays bounded.
AHEAD = 2

Work = Callable[[Any, int], Any]


def run_pieces(
    work: Work, task: Any, numbers: Sequence[int], *, workers: int = 1, cluster: str | None = None
) -> Iterator[tuple[int, Any]]:
    """Yield (number, ``work(task, number)``) in the order of the numbers.

    Args:
        work: a function of a module.
        task: what every piece needs.
        numbers: the pieces.
        workers: processes on this machine; when the system ends one, what it had begun is begun again.
        cluster: address of a Dask scheduler, which is then used instead; pieces of a lost worker run again.
    """
    if cluster is not None:
        yield from _on_cluster(work, task, numbers, cluster)
    elif workers <= 1 or len(numbers) <= 1:
        for number in numbers:
            yield number, work(task, number)
    else:
        yield from _in_processes(work, task, numbers, min(workers, len(numbers)))


def in_order(
    submit: Callable[[int], Any], numbers: Sequence[int], ahead: Callable[[], int]
) -> Iterator[tuple[int, Any]]:
    """Yield (number, what came of it) in the order of the numbers.

    Args:
        submit: begins a piece and returns what is waited for.
        numbers: the pieces.
        ahead: how many may be under way.
    """
    waiting: deque[tuple[int, Any]] = deque()
    left = iter(numbers)
    most = ahead()
    while True:
        while len(waiting) < most and (number := next(left, None)) is not None:
            waiting.append((number, submit(number)))
        if not waiting:
            return
        number, future = waiting.popleft()
        yield number, future.result()
        most = ahead()


def _in_processes(work: Work, task: Any, numbers: Sequence[int], workers: int) -> Iterator[tuple[int, Any]]:
    from rekindle.engine.running._processes import Processes

    processes = Processes(work, task, workers)
    try:
        yield from in_order(processes.submit, numbers, lambda: AHEAD * workers)
    finally:
        processes.close()


def _on_cluster(work: Work, task: Any, numbers: Sequence[int], address: str) -> Iterator[tuple[int, Any]]:
    from rekindle.engine.streaming._stream_cluster import CLUSTER_RETRIES, cluster_client

    with cluster_client(address) as client:
        shared = client.scatter(task, broadcast=True)

        def submit(number: int) -> Any:
            return client.submit(work, shared, number, pure=False, retries=CLUSTER_RETRIES)

        def ahead() -> int:
            threads: int = sum(client.nthreads().values())
            return AHEAD * max(threads, 1)

        yield from in_order(submit, numbers, ahead)
