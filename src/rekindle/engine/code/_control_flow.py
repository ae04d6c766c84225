"""Loops and mutable scalars for generated LLVM code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.lanes._lanes import INTEGER, index


@contextmanager
def counted_loop(builder: ir.IRBuilder, count: Any, start: Any = 0) -> Iterator[Any]:
    """Run the body with a counter from ``start`` to ``count - 1`` (integers or 64-bit values)."""
    first = index(start) if isinstance(start, int) else start
    last = index(count) if isinstance(count, int) else count
    counter = variable(builder, INTEGER)
    builder.store(first, counter)
    head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    value = builder.load(counter)
    builder.cbranch(builder.icmp_signed("<", value, last), body, after)
    builder.position_at_end(body)
    yield value
    builder.store(builder.add(value, index(1)), counter)
    builder.branch(head)
    builder.position_at_end(after)


def variable(builder: ir.IRBuilder, kind: ir.Type, size: int = 1) -> Any:
    """Reserve stack space once, in the entry block, whatever loop the caller is in."""
    with builder.goto_entry_block():
        return builder.alloca(kind, size=max(size, 1))
