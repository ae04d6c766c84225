"""Pieces of work on a Dask cluster that is given by its address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from rekindle.errors import OutputError

#: How often a piece is tried again when the machine that ran it was lost.
_RETRIES = 5
#: Seconds to wait for the scheduler.
_PATIENCE = 20


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
    if find_spec("distributed") is None:
        raise OutputError(
            "RK-OUT-020",
            given="distributed is not installed",
            why="A cluster cannot be used without it",
            remedy="Run: pip install 'rekindle[cluster]'",
        )
    distributed: Any = import_module("distributed")

    try:
        client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as problem:
        raise OutputError(
            "RK-OUT-040",
            given=f'no Dask scheduler answers at "{address}" ({problem})',
            allowed="An address such as tcp://127.0.0.1:8786",
            remedy="Start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
        ) from None
    finished = distributed.as_completed
    with client:
        shared = client.scatter(task, broadcast=True)
        futures = {
            client.submit(work, shared, list(piece), pure=False, retries=_RETRIES): place
            for place, piece in enumerate(pieces)
        }
        for future in finished(list(futures), loop=client.loop):
            yield futures[future], future.result()
