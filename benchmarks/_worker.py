"""Each engine lives in a process of its own, so that libraries do not meet and runs can alternate."""

from __future__ import annotations

import multiprocessing
import os
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._engines import Engine
from benchmarks._quiet import quiet
from benchmarks._workload import Workload, w1, w2

_ONE_CORE = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1", "JAX_PLATFORMS": "cpu",
}  # fmt: skip
#: Reference tolerance of heyoka, and of SciPy's Radau where heyoka is missing.
REFERENCE_TOLERANCE, FALLBACK_TOLERANCE = 1e-16, 1e-13


@cache
def find_workload(name: str) -> Workload:
    """W1, "W1 stress" or W2."""
    return {"W1": w1, "W1 stress": lambda: w1().stressed, "W2": w2}[name]()


def errors(found: Any, reference: Any) -> Any:
    """Error of each person: max over states and times of |y - y_ref| / (1e-8 + 1e-6 |y_ref|)."""
    with np.errstate(invalid="ignore"):
        measure = np.abs(found - reference) / (1e-8 + 1e-6 * np.abs(reference))
    return np.nan_to_num(measure, nan=np.inf).max(axis=(1, 2))


class _Engineer:
    """What happens inside the process."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.runs: dict[str, Any] = {}

    def run_of(self, name: str) -> tuple[Workload, Any]:
        # The stress population has other people in the same equations.
        equations = name.split()[0]
        if equations not in self.runs:
            self.runs[equations] = self.engine.prepare(find_workload(equations))
        return find_workload(name), self.runs[equations]

    def reference(self, name: str, count: int, tolerance: float, path: str) -> None:
        workload, run = self.run_of(name)
        np.save(path, run(workload.people(count), tolerance))

    def accuracy(self, name: str, count: int, tolerance: float, path: str) -> list[float]:
        workload, run = self.run_of(name)
        padded = -(-count // self.engine.group) * self.engine.group if self.engine.group > 8 else count
        found = run(workload.people(padded), tolerance)[:count]
        return [float(e) for e in errors(found, np.load(path)[:count])]

    def seconds(self, name: str, count: int, tolerance: float) -> dict[str, Any]:
        workload, run = self.run_of(name)
        people = workload.people(count)
        start, wall = time.process_time(), time.perf_counter()
        found = run(people, tolerance)
        cpu, waited = time.process_time() - start, time.perf_counter() - wall
        return {
            "cpu": cpu, "wall": waited, "bytes": found.nbytes, "finite": bool(np.isfinite(found).all()),
            "steps": getattr(run, "steps", None), "report": str(getattr(run, "report", None) or ""),
            "solver": getattr(getattr(run, "report", None), "solver", ""),
        }  # fmt: skip


def _serve(engine: Engine, pipe: Any) -> None:
    engineer = _Engineer(engine)
    while True:
        task = pipe.recv()
        if task is None:
            return
        name, arguments = task
        try:
            with quiet():
                answer = getattr(engineer, name)(*arguments)
            pipe.send((True, answer))
        except Exception as problem:  # noqa: BLE001 - a peer may fail in any way; the page names the failure
            pipe.send((False, f"{type(problem).__name__}: {problem}"[:300]))


class EngineError(Exception):
    """An engine raised or its process died; the text says how."""


class Worker:
    """One engine in its process. ``call`` waits, so that only one engine works at a time."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        os.environ.update(_ONE_CORE)
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(engine, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def call(self, name: str, *arguments: Any) -> Any:
        """Run a task of the engine.

        Raises:
            EngineError: with what it said.
        """
        try:
            self._pipe.send((name, arguments))
            good, answer = self._pipe.recv()
        except (EOFError, OSError) as problem:
            raise EngineError(f"its process ended ({problem or 'no message'})") from None
        if not good:
            raise EngineError(answer)
        return answer

    def stop(self) -> None:
        """End the process."""
        with suppress(OSError):
            self._pipe.send(None)
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.terminate()


def reference_file(folder: Path, name: str, count: int) -> Path:
    """Where the reference solution of a workload lies during the run."""
    return folder / f"{name.replace(' ', '_')}_{count}.npy"
