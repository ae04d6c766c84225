"""Who runs: the engines, what they need, and how to install it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from benchmarks._workload import Workload


@dataclass(frozen=True)
class Engine:
    """One engine.

    Attributes:
        key: short name on the command line.
        label: name on the page.
        entry: ``module:function`` in ``benchmarks.peers``; the function prepares a workload.
        packages: distributions whose versions the page names.
        hint: how to install it.
        group: people that it takes at once; its runs are multiples of this.
        ours: whether it is this package.
    """

    key: str
    label: str
    entry: str
    packages: tuple[str, ...]
    hint: str
    group: int = 1
    ours: bool = False

    @property
    def versions(self) -> str:
        """Versions of its packages."""
        return ", ".join(f"{name} {_version(name)}" for name in self.packages)

    @property
    def missing(self) -> str:
        """The packages that are not installed."""
        return ", ".join(name for name in self.packages if not _installed(name))

    def prepare(self, workload: Workload) -> Callable[..., Any]:
        """Compile the workload; returns ``run(people, tolerance)`` -> states (people, times, states)."""
        module, function = self.entry.split(":")
        run: Callable[..., Any] = getattr(import_module(f"benchmarks.peers.{module}"), function)(workload)
        return run


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return find_spec(package) is not None
    return True


_NUMBALSODA = "pip install numbalsoda (built from source: cmake, a C++ and a Fortran compiler)"

PEERS = (
    Engine("numbalsoda", "numbalsoda (LSODA)", "numbalsoda:prepare", ("numbalsoda", "numba"), _NUMBALSODA, 8),
    Engine("heyoka8", "heyoka, batch of 8", "heyoka:prepare_batch", ("heyoka",), "pip install heyoka", 8),
    Engine("heyoka", "heyoka, scalar", "heyoka:prepare_scalar", ("heyoka",), "pip install heyoka"),
    Engine(
        "roadrunner", "libroadrunner (CVODE)", "libroadrunner:prepare", ("libroadrunner",),
        "pip install libroadrunner",
    ),
    Engine("copasi", "COPASI (LSODA)", "copasi:prepare", ("copasi-basico",), "pip install copasi-basico"),
    Engine(
        "diffrax", "diffrax Tsit5, vmap", "diffrax:prepare_tsit5", ("diffrax", "jax"),
        "pip install diffrax", 128,
    ),
    Engine(
        "kvaerno5", "diffrax Kvaerno5, vmap", "diffrax:prepare_kvaerno5", ("diffrax", "jax"),
        "pip install diffrax", 16,
    ),
    Engine("lsoda", "SciPy LSODA", "scipy:prepare_lsoda", ("scipy", "numba"), "pip install numba"),
    Engine("radau", "SciPy Radau", "scipy:prepare_radau", ("scipy", "numba"), "pip install numba"),
)  # fmt: skip


_OWN = {
    "auto": ("Rekindle, its own choice", "prepare_auto"),
    "L1": ("Rekindle L1 (Rodas5P)", "prepare_l1"),
    "L1'": ("Rekindle L1' (linear part exactly)", "prepare_l1_exact"),
    "L2": ("Rekindle L2 (cascade collocation)", "prepare_l2"),
}


def own_engines() -> tuple[Engine, ...]:
    """This package, once for every solver that a caller can choose."""
    return tuple(
        Engine(f"rekindle-{s}", label, f"rekindle:{entry}", ("rekindle",), "make bench", 64, True)
        for s, (label, entry) in _OWN.items()
    )


def all_engines() -> tuple[Engine, ...]:
    """Ours, then the peers."""
    return own_engines() + PEERS
