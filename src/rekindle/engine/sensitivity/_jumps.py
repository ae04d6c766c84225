"""Where an expression jumps: conditions whose two branches do not meet, and whole numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from rekindle.modelling import Expression, evaluate, substitute, symbols, to_text, topological

_ORDER = ("lt", "le", "gt", "ge")
_PROBES = 64
#: Branches that differ by less than this share of their size at all probes meet.
_MEET = 1e-9


def jump(roots: Iterable[Expression], moving: Collection[str]) -> str:
    """The first part that can jump when one of the moving symbols changes, as text; "" if there is none.

    A condition counts as harmless when its branches meet at its border, which is tried at random points when
    one side of it is a plain name.
    """
    moving = set(moving)
    for node in topological(roots):
        if node.operation == "floor" and symbols(node) & moving:
            return to_text(node)
        if node.operation == "select" and symbols(node.arguments[0]) & moving and not _meets(node):
            return to_text(node)
    return ""


def _meets(node: Expression) -> bool:
    condition, if_true, if_false = node.arguments
    if condition.operation not in _ORDER:
        return False
    for name, other in (condition.arguments, condition.arguments[::-1]):
        if name.operation == "symbol" and name.name not in symbols(other):
            first, second = substitute([if_true, if_false], {name.name: other})
            generator = np.random.default_rng(0)
            values = {s: generator.lognormal(size=_PROBES) for s in sorted(symbols(first, second))}
            a, b = (np.broadcast_to(evaluate(e, values), _PROBES) for e in (first, second))
            fine = np.isfinite(a) & np.isfinite(b)
            return bool(fine.any() and (np.abs(a - b) <= _MEET * (np.abs(a) + np.abs(b)))[fine].all())
    return False
