"""A Dask cluster that is given by its address."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from rekindle.errors import OutputError

#: How often a piece is tried again when the machine that ran it was lost.
CLUSTER_RETRIES = 5
#: Seconds to wait for the scheduler.
_PATIENCE = 20


def cluster_client(address: str) -> Any:
    """A client of the scheduler at an address, to be closed by the caller.

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
        return distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as problem:
        raise OutputError(
            "RK-OUT-040",
            given=f'no Dask scheduler answers at "{address}" ({problem})',
            allowed="An address such as tcp://127.0.0.1:8786",
            remedy="Start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
        ) from None
