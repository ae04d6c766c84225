"""Which states feed back on each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def components(uses: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Strongly connected components of a graph, those that others use first.

    >>> components({"a": [], "b": ["a", "c"], "c": ["b"], "d": ["c"]})
    [['a'], ['b', 'c'], ['d']]
    """
    reach = {name: {name, *used} for name, used in uses.items()}
    for middle in uses:
        for name in uses:
            if middle in reach[name]:
                reach[name] |= reach[middle]
    groups: list[list[str]] = []
    placed: set[str] = set()
    while len(placed) < len(uses):
        for name in uses:
            members = [other for other in uses if other in reach[name] and name in reach[other]]
            if name not in placed and reach[name] - set(members) <= placed:
                groups.append(members)
                placed.update(members)
    return groups
