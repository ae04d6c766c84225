"""What was read or derived from models, kept on disk: the nodes of all expressions in one flat table.

Expressions share most of their nodes, so that a table is read several times as quickly as each by itself.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from rekindle._disk_cache import DiskCache
from rekindle.modelling._expression import Expression, from_table, to_table

Kept = TypeVar("Kept")


def remember(name: str, make: Callable[[], Kept], cache: DiskCache | None = None) -> Kept:
    """What is kept under a name, or what ``make`` gives, which is then kept.

    Args:
        name: from ``DiskCache.name``; it has to name the source of the classes of what is kept as well.
        make: makes it.
        cache: where; by default that of the user.
    """
    cache = cache or DiskCache.of_user()
    found: Kept | None = load_object(cache, name)
    if found is None:
        found = make()
        save_object(cache, name, found)
    return found


def load_object(cache: DiskCache, name: str) -> Any:
    """What ``save_object`` kept, or None."""
    content = cache.load(name)
    if content is None:
        return None
    table, roots, body = pickle.loads(content)
    nodes = from_table(table)
    return _Reader(io.BytesIO(body), [nodes[place] for place in roots]).load()


def save_object(cache: DiskCache, name: str, found: object) -> None:
    """Keep an object that pickles."""
    if cache.folder is None:
        return
    body = io.BytesIO()
    writer = _Writer(body)
    writer.dump(found)
    cache.save(name, pickle.dumps((*to_table(writer.roots), body.getvalue()), protocol=5))


class _Writer(pickle.Pickler):
    """Pickles an object with a number for every expression."""

    def __init__(self, body: io.BytesIO) -> None:
        super().__init__(body, protocol=5)
        self.roots: list[Expression] = []
        self._places: dict[Expression, int] = {}

    def persistent_id(self, found: object) -> int | None:
        """The number of an expression; None for everything else."""
        if not isinstance(found, Expression):
            return None
        if found not in self._places:
            self._places[found] = len(self.roots)
            self.roots.append(found)
        return self._places[found]


class _Reader(pickle.Unpickler):
    """Reads what ``_Writer`` wrote."""

    def __init__(self, body: io.BytesIO, roots: Sequence[Expression]) -> None:
        super().__init__(body)
        self._roots = roots

    def persistent_load(self, place: int) -> Expression:
        """The expression with a number."""
        return self._roots[place]
