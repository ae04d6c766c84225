"""Pieces of work on a Dask cluster that is given by its address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

from rekindle.engine import CLUSTER_RETRIES, cluster_client


def run_on_cluster(
    address: str,
    work: Callable[[Any, Sequence[int]], list[Any]],
    task: Any,
    pieces: Sequence[Sequence[int]],
) -> Iterator[tuple[int, list[Any]]]:
    """Yield (place, result) as pieces finish; pieces of a lost worker are run again elsewhere.

    Raises:
        OutputError: the package ``distributed`` is missing, or the scheduler does not answer.
    """
    client = cluster_client(address)
    # The client is there, so the package is.
    finished = import_module("distributed").as_completed
    with client:
        shared = client.scatter(task, broadcast=True)
        futures = {
            client.submit(work, shared, list(piece), pure=False, retries=CLUSTER_RETRIES): place
            for place, piece in enumerate(pieces)
        }
        for future in finished(list(futures), loop=client.loop):
            yield futures[future], future.result()
