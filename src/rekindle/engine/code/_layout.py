"""Several arrays in one block of memory."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine.lanes._lanes import place


class Layout:
    """Positions of named arrays that follow each other in one block.

    Args:
        sizes: length of each array, in elements.
    """

    def __init__(self, **sizes: int) -> None:
        self._starts: dict[str, int] = {}
        self.size = 0
        for name, size in sizes.items():
            self._starts[name] = self.size
            self.size += size

    def at(self, builder: ir.IRBuilder, base: Any, name: str) -> Any:
        """Address of one array."""
        return place(builder, base, self._starts[name])

    def all(self, builder: ir.IRBuilder, base: Any) -> dict[str, Any]:
        """Addresses of all arrays by name."""
        return {name: place(builder, base, start) for name, start in self._starts.items()}
