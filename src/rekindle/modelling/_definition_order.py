"""The order in which definitions can be computed."""

from __future__ import annotations

from collections.abc import Mapping

from rekindle.modelling._composition import Placed
from rekindle.modelling._declarations import declaration
from rekindle.modelling._lexer import refusal
from rekindle.modelling._syntax import DefinitionLine, names_in


def dependent_last(lines: Mapping[str, Placed]) -> list[str]:
    """Names of definitions, each after those that it uses; otherwise in the order of the text.

    Raises:
        ModelError: definitions that use each other in a circle.
    """
    ordered: dict[str, None] = {}
    for start in lines:
        trail: dict[str, list[str]] = {} if start in ordered else {start: _uses(lines[start], lines)}
        while trail:
            name, left = next(reversed(trail.items()))
            if not left:
                ordered[name] = None
                del trail[name]
                continue
            used = left.pop(0)
            if used in trail:
                circle = [*list(trail)[list(trail).index(used) :], used]
                raise refusal(
                    declaration(lines[used]).name,
                    "RK-MOD-013",
                    f"definitions use each other in a circle: {' -> '.join(circle[:10])}",
                    remedy="Make one of them a state, or solve the circle by hand",
                )
            if used not in ordered:
                trail[used] = _uses(lines[used], lines)
    return list(ordered)


def _uses(placed: Placed, lines: Mapping[str, Placed]) -> list[str]:
    assert isinstance(placed.line, DefinitionLine)
    names = (placed.scope.full(token.text) for token in names_in(placed.line.expression))
    return [name for name in dict.fromkeys(names) if name in lines]
