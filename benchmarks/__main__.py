"""Accuracy, then speed, of this engine and its peers: ``make bench`` writes ``docs/performance-figures.md``.

``python -m benchmarks --quick`` takes a few minutes, with fewer people and rounds; ``--engines`` and
``--sections`` choose; ``--out`` writes elsewhere.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks._accuracy import Accuracy, Gate, percentiles
from benchmarks._engines import Engine, all_engines
from benchmarks._figures import Figures
from benchmarks._floor import measure_floor, measure_memory
from benchmarks._gpu import PEOPLE as GPU_PEOPLE
from benchmarks._gpu import gpu
from benchmarks._machine import load, machine
from benchmarks._page import page
from benchmarks._race import Result, race
from benchmarks._sensitivities import measure_sensitivities
from benchmarks._therapy import therapy
from benchmarks._waiting import waiting
from benchmarks._worker import (
    FALLBACK_TOLERANCE,
    REFERENCE_TOLERANCE,
    EngineError,
    Worker,
    reference_file,
)
from benchmarks._workload import Workload, w1
from rekindle.engine._system import build_system
from rekindle.modelling import differentiate, symbols

PAGE = Path(__file__).parent.parent / "docs" / "performance-figures.md"
SECTIONS = ("peers", "w3", "floor", "therapy", "waiting", "gpu")
#: Peers of W2, where every engine solves a linear system.
_KINETIC_PEERS = ("numbalsoda", "heyoka8")
_KINETIC_PEOPLE = 10_000
#: Peers that ``--quick`` leaves out unless they are asked for.
_SLOW = ("diffrax", "kvaerno5", "lsoda", "radau")


def structure(workload: Workload) -> str:
    """The real size of W1, in words."""
    model = workload.model
    system = build_system(model, workload.states)
    rates = dict(zip(model.derivatives, model.inline(*model.derivatives.values()), strict=True))
    entries = sum(
        not differentiate(rate, name).equals(0.0)
        for rate in rates.values()
        for name in symbols(rate) & set(rates)
    )
    return (
        f"{len(system.states)} states, {len(system.linear)} of them in the linear block, {entries} non-zeros "
        f"of the Jacobian, {len(workload.segments)} segments, {len(workload.times)} output times"
    )


class Bench:
    """One run of the benchmark."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.quick: bool = options.quick
        self.sections: Sequence[str] = options.sections
        engines = [e for e in all_engines() if not options.engines or e.ours or e.key in options.engines]
        if self.quick and not options.engines:
            engines = [engine for engine in engines if engine.key not in _SLOW]
        if self.quick:
            engines = [replace(engine, group=min(engine.group, 64)) for engine in engines]
        self.engines = [engine for engine in engines if not engine.missing]
        self.missing = [engine for engine in engines if engine.missing]
        self.people, self.rounds, self.seconds = (16, 3, 0.5) if self.quick else (64, 5, 1.5)
        self.start = time.perf_counter()

    def say(self, text: str) -> None:
        """Progress, with the time since the start."""
        print(f"[{time.perf_counter() - self.start:6.0f} s] {text}", file=sys.stderr, flush=True)

    def run(self) -> str:
        """Measure everything and return the page."""
        for engine in self.missing:
            self.say(f"{engine.label} is missing ({engine.missing}); to have it: {engine.hint}")
        figures = Figures(
            machine(), structure(w1()), "", self.people, self.rounds, self.quick, self.engines, self.missing,
            load=load(), cores=os.cpu_count() or 1,
        )  # fmt: skip
        if "peers" in self.sections:
            with tempfile.TemporaryDirectory() as folder:
                self._compare(Path(folder), figures)
        if "w3" in self.sections:
            self.say("W3: derivatives")
            found = figures.accuracy.get(figures.best("W1") or "", Accuracy(1e-7, (0, 0, 0)))
            figures.tangents = measure_sensitivities(found.tolerance, 64, self.rounds)
        if "floor" in self.sections:
            self.say("floor: one right-hand side")
            figures.floor, figures.memory = measure_floor(w1()), measure_memory()
        if "therapy" in self.sections:
            people, rounds = (64, 1) if self.quick else (256, 3)
            figures.sections["The therapy model itself"] = therapy(people, rounds, self.say)
        if "waiting" in self.sections:
            text, figures.waited = waiting(2 if self.quick else 5, self.say)
            figures.sections["What a user waits for"] = text
        if "gpu" in self.sections:
            figures.sections["W1 on a graphics card"] = gpu(self.say, (10_000,) if self.quick else GPU_PEOPLE)
        return page(figures)

    def _compare(self, folder: Path, figures: Figures) -> None:
        figures.reference = self._references(folder)
        workers = [Worker(engine) for engine in self.engines]
        try:
            self._gates(workers, folder, figures)
            ready = [w for w in workers if not figures.accuracy[w.engine.key].failed]
            tolerances = {w.engine.key: figures.accuracy[w.engine.key].tolerance for w in ready}
            figures.results["W1"] = self._race(ready, "W1", tolerances, 100_000)
            kinetic = [w for w in ready if w.engine.ours or w.engine.key in _KINETIC_PEERS]
            figures.results["W2"] = self._race(kinetic, "W2", tolerances, _KINETIC_PEOPLE)
            for worker in kinetic:
                path = str(reference_file(folder, "W2", self.people))
                arguments = ("W2", self.people, tolerances[worker.engine.key], path)
                if not figures.results["W2"][worker.engine.key].failed:
                    figures.kinetic_errors[worker.engine.key] = percentiles(
                        worker.call("accuracy", *arguments)
                    )
        finally:
            for worker in workers:
                worker.stop()

    def _references(self, folder: Path) -> str:
        """Write reference solutions; returns how they were made."""
        by_key = {engine.key: engine for engine in self.engines + self.missing}
        known = {engine.key: engine for engine in all_engines()}
        engine = known["radau"] if known["heyoka"].missing else known["heyoka"]
        engine = by_key.get(engine.key, engine)
        tolerance = REFERENCE_TOLERANCE if engine.key == "heyoka" else FALLBACK_TOLERANCE
        worker = Worker(engine)
        try:
            for name in ("W1", "W1 stress", "W2"):
                self.say(f"reference of {name} by {engine.label} at {tolerance:g}")
                path = reference_file(folder, name, self.people)
                worker.call("reference", name, self.people, tolerance, str(path))
        finally:
            worker.stop()
        return f"{engine.label} {engine.versions} at tolerance {tolerance:g}"

    def _gates(self, workers: Sequence[Worker], folder: Path, figures: Figures) -> None:
        gate = Gate(folder, self.people)
        for worker in workers:
            found = gate.search(worker)
            figures.accuracy[worker.engine.key] = found
            said = found.failed or (
                f"tolerance {found.tolerance:.2g}, median error {found.usual[0]:.2g}, "
                f"95th {found.usual[1]:.2g}, gate {'met' if found.met else 'not met'}"
            )
            self.say(f"accuracy: {worker.engine.label}: {said}")

    def _race(
        self, workers: Sequence[Worker], name: str, tolerances: dict[str, float], at_most: int
    ) -> dict[str, Result]:
        return race(
            workers, name, tolerances, rounds=self.rounds, seconds=self.seconds, at_most=at_most, say=self.say
        )


def names(allowed: Sequence[str]) -> Callable[[str], list[str]]:
    """Read a list of names with commas between them."""

    def read(text: str) -> list[str]:
        chosen = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in chosen if name not in allowed]
        if unknown:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(allowed)}")
        return chosen

    return read


def parser() -> argparse.ArgumentParser:
    """The command line."""
    known = [engine.key for engine in all_engines()]
    reader = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    reader.add_argument("--quick", action="store_true", help="a few minutes: fewer people, fewer rounds")
    reader.add_argument(
        "--engines", type=names(known), default=[], help=f"of {', '.join(known)}; default all"
    )
    reader.add_argument("--sections", type=names(SECTIONS), default=list(SECTIONS), help=", ".join(SECTIONS))
    reader.add_argument(
        "--out", type=Path, default=PAGE, help="the page; default docs/performance-figures.md"
    )
    return reader


def main() -> int:
    """Write the page; 1 if our own engine misses its accuracy gate."""
    options = parser().parse_args()
    bench = Bench(options)
    try:
        text = bench.run()
    except EngineError as problem:
        print(f"The reference could not be made: {problem}", file=sys.stderr)
        return 2
    options.out.write_text(text, encoding="utf-8")
    print(text)
    missed = [e.label for e in bench.engines if e.ours and f"| {e.label} | " in text and _missed(text, e)]
    if missed:
        print(f"Accuracy gate not met: {', '.join(missed)}", file=sys.stderr)
    return int(bool(missed))


def _missed(text: str, engine: Engine) -> bool:
    rows = [line for line in text.splitlines() if line.startswith(f"| {engine.label} | ")]
    return "not met" in rows[0]


if __name__ == "__main__":
    sys.exit(main())
