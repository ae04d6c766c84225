"""Memory for results, used again by the next run once nobody holds them any more.

The system hands out large arrays page by page as they are first written, which can take as long as the
numbers that are written there.
"""

from __future__ import annotations

import sys
from threading import Lock

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Bytes below which memory is not worth keeping, and above which it is not kept.
_LEAST, _MOST = 4_000_000, 512_000_000

_lock = Lock()
_kept: list[Array] = []


def room_for(rows: int, columns: int) -> Array:
    """An array (rows, columns) with any content.

    >>> room_for(2, 3).shape
    (2, 3)
    """
    size = rows * columns
    if not _LEAST <= 8 * size <= _MOST:
        return np.empty((rows, columns))
    with _lock:
        # Much larger memory is not used, because small results would hold all of it.
        if not _kept or not size <= len(_kept[0]) <= 2 * size or _is_held():
            _kept[:] = [np.empty(size)]
        return _kept[0][:size].reshape(rows, columns)


def _is_held() -> bool:
    """Whether somebody still has results that stand there; arrays refer to the memory they are parts of."""
    return sys.getrefcount(_kept[0]) > 2
