"""The instructions that code is generated for, and how many people fit into one vector of them.

``REKINDLE_CPU`` chooses: ``native`` (the default) or one of the levels of the x86-64 ABI, for the same code
on different machines, or to check one level on a machine with a higher one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache

import llvmlite.binding as llvm

from rekindle.errors import SolverError, nearest

#: Level -> (doubles in a vector, features that it needs beyond the level before).
_LEVELS = {
    "x86-64-v2": (2, ("sse4.2", "popcnt")),
    "x86-64-v3": (4, ("avx2", "fma", "bmi2")),
    "x86-64-v4": (8, ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")),
}


@dataclass(frozen=True)
class Processor:
    """What to generate code for.

    Attributes:
        name: as LLVM calls it.
        features: in LLVM's notation.
        lanes: doubles in its widest vector.
    """

    name: str
    features: str
    lanes: int


@lru_cache(maxsize=1)
def this_processor() -> Processor:
    """What code is generated for on this machine: ``REKINDLE_CPU``, read once, at the first use."""
    return processor(os.environ.get("REKINDLE_CPU") or "native")


def processor(level: str) -> Processor:
    """A level of instructions that this machine has.

    Args:
        level: "native", "x86-64-v2", "x86-64-v3" or "x86-64-v4".

    Raises:
        SolverError: an unknown level, or one that this machine lacks.

    >>> processor("native").lanes in (2, 4, 8)
    True
    """
    host = llvm.get_host_cpu_features()
    if level == "native":
        return Processor(llvm.get_host_cpu_name(), host.flatten(), _host_lanes(host))
    if level not in _LEVELS:
        allowed = ("native", *_LEVELS)
        raise SolverError(
            "RK-SOL-033",
            given=f'REKINDLE_CPU="{level}"{nearest(level, allowed)}',
            allowed=f"One of {', '.join(allowed)}",
        )
    needed = [name for own in list(_LEVELS)[: list(_LEVELS).index(level) + 1] for name in _LEVELS[own][1]]
    lacking = [name for name in needed if not host.get(name)]
    if lacking:
        raise SolverError(
            "RK-SOL-034",
            given=f'REKINDLE_CPU="{level}" on a processor without {", ".join(lacking)}',
            why="The generated code would be stopped by the operating system",
            remedy="Choose a lower level, or unset REKINDLE_CPU for what this processor has",
        )
    return Processor(level, "", _LEVELS[level][0])


def _host_lanes(host: llvm.FeatureMap) -> int:
    """Doubles in the widest vector; two where nothing wider is known, as on 64-bit ARM."""
    if host.get("avx512f") and host.get("avx512dq"):
        return 8
    return 4 if host.get("avx2") else 2
