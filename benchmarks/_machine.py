"""The machine and the versions that the figures belong to."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

_VECTORS = ("avx512f", "avx2", "avx")


def machine() -> str:
    """Processor, vector units, cores, load, system and versions."""
    name, vectors = platform.processor() or platform.machine(), "vector units unknown"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        flags = next(line.split(":", 1)[1].split() for line in lines if line.startswith("flags"))
        vectors = next((flag for flag in _VECTORS if flag in flags), "no AVX")
    except (OSError, StopIteration):
        pass
    packages = ", ".join(f"{p} {version(p)}" for p in ("rekindle", "numpy", "scipy", "llvmlite"))
    return (
        f"{name} ({vectors}), {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, {packages}"
    )


def load() -> float | None:
    """How many processes wanted to run in the last minute, where the system says."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None
