"""Accuracy before speed: the loosest tolerance at which an engine is accurate enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks._worker import EngineError, Worker, reference_file

MEDIAN_LIMIT, TAIL_LIMIT = 1.0, 5.0
#: Tolerances tried, a quarter of a decade apart: 10 ** (-step / 4).
_LOOSEST, _TIGHTEST, _PER_DECADE = 16, 52, 4
#: The step shown for an engine that no tolerance makes accurate enough: 1e-9.
_DEFAULT = 36
#: CPU seconds that one try may take before it looks at fewer people.
_PATIENCE = 12.0


@dataclass
class Accuracy:
    """What an engine reached at one tolerance: percentiles 50, 95 and 100 of the error over people."""

    tolerance: float
    usual: tuple[float, float, float]
    stressed: tuple[float, float, float] | None = None
    met: bool = False
    people: int = 0
    failed: str = ""
    rate: float = field(default=0.0, repr=False)


def percentiles(errors: list[float]) -> tuple[float, float, float]:
    """Median, 95th percentile and largest."""
    middle, tail, largest = np.percentile(errors, [50, 95, 100], method="higher")
    return float(middle), float(tail), float(largest)


def tolerance_at(step: int) -> float:
    """A tolerance of the grid.

    >>> tolerance_at(28)
    1e-07
    """
    return float(f"{10 ** (-step / _PER_DECADE):.3g}")


def loosest(passes: Callable[[int], bool]) -> int | None:
    """Smallest step that passes: decades from the loose side, then quarters; None if none does.

    From the loose side, because tight tolerances are slow and some engines give up on the tightest.

    >>> loosest(lambda step: step >= 30)
    30
    """
    for step in range(_LOOSEST, _TIGHTEST + 1, _PER_DECADE):
        if passes(step):
            quarters = range(max(step - _PER_DECADE + 1, _LOOSEST), step)
            return next((quarter for quarter in quarters if passes(quarter)), step)
    return None


class Gate:
    """Searches tolerances and judges.

    Args:
        folder: where the reference solutions lie.
        people: people of each population.
    """

    def __init__(self, folder: Path, people: int) -> None:
        self.folder, self.people = folder, people

    def _errors(self, worker: Worker, name: str, tolerance: float, count: int) -> tuple[float, float, float]:
        path = str(reference_file(self.folder, name, self.people))
        return percentiles(worker.call("accuracy", name, count, tolerance, path))

    def search(self, worker: Worker) -> Accuracy:
        """Loosest tolerance; our own engine must meet both limits in both populations.

        Peers need the median in the usual population only, to their advantage; their tails are shown.
        """
        ours = worker.engine.ours
        try:
            rate = _rate(worker)
            count = self.people if ours else int(min(self.people, max(8, rate * _PATIENCE)))
            step = loosest(lambda step: self._passes(worker, step, count, tails=ours))
            step = _DEFAULT if step is None else step
            usual = self._errors(worker, "W1", tolerance_at(step), count)
            stressed = self._errors(worker, "W1 stress", tolerance_at(step), count)
        except EngineError as problem:
            return Accuracy(np.nan, (np.nan,) * 3, failed=str(problem))
        met = all(e[0] <= MEDIAN_LIMIT and e[1] <= TAIL_LIMIT for e in (usual, stressed))
        return Accuracy(tolerance_at(step), usual, stressed, met, count, rate=rate)

    def _passes(self, worker: Worker, step: int, count: int, *, tails: bool) -> bool:
        names = ("W1", "W1 stress") if tails else ("W1",)
        for name in names:
            try:
                middle, tail, _ = self._errors(worker, name, tolerance_at(step), count)
            except EngineError:
                return False  # some tolerances are too tight, or too loose, for an engine to start at all
            if middle > MEDIAN_LIMIT or (tails and tail > TAIL_LIMIT):
                return False
        return True


def _rate(worker: Worker) -> float:
    """People per CPU second, roughly, after a first run that compiles."""
    count = worker.engine.group
    worker.call("seconds", "W1", count, 1e-5)
    return count / max(worker.call("seconds", "W1", count, 1e-7)["cpu"], 1e-6)
