"""Permuted blocks within strata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd

import numpy as np

from rekindle.people import Stream, random_generator

#: Smallest block that keeps shares such as 0.35 exact.
_HUNDREDTHS = 100


def block(allocation: Mapping[str, float]) -> tuple[str, ...]:
    """The shortest block with the ratio of an allocation.

    >>> block({"a": 4, "b": 2})
    ('a', 'a', 'b')
    >>> block({"a": 0.5, "b": 0.5})
    ('a', 'b')
    """
    whole = all(value == int(value) for value in allocation.values())
    counts = [round(value if whole else value * _HUNDREDTHS) for value in allocation.values()]
    step = gcd(*counts)
    return tuple(arm for arm, count in zip(allocation, counts, strict=True) for _ in range(count // step))


def randomise(
    strata: Sequence[str], allocation: Mapping[str, float], *, seed: int, replicate: int, phase: str
) -> list[str]:
    """Arm of everybody, in the order in which they come, in permuted blocks within each stratum.

    >>> found = randomise([""] * 6, {"a": 2, "b": 1}, seed=1, replicate=0, phase="one")
    >>> found.count("a"), found[:3].count("a")
    (4, 2)
    """
    shape = block(allocation)
    queues: dict[str, list[str]] = {}
    blocks: dict[str, int] = {}
    found = []
    for stratum in strata:
        queue = queues.setdefault(stratum, [])
        if not queue:
            blocks[stratum] = blocks.get(stratum, 0) + 1
            generator = random_generator(
                seed, replicate, 0, blocks[stratum], Stream.ALLOCATION, f"{phase}: {stratum}"
            )
            queue += [shape[place] for place in generator.permutation(np.arange(len(shape)))]
        found.append(queue.pop(0))
    return found
