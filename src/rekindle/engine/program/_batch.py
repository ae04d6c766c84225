"""The people of a batch under way in lanes, with their outputs written where they belong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.running._outcomes import Outcomes, ProgramResults

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


class Promise(Protocol):
    """What comes of a program that is under way."""

    def result(self) -> ProgramResults:
        """Wait for it."""
        ...


@dataclass(frozen=True)
class Kept:
    """What came of a program that is done."""

    results: ProgramResults

    def result(self) -> ProgramResults:
        """What came of it."""
        return self.results


class BatchRun:
    """Programs of people with one schedule.

    Args:
        found: takes the results.
    """

    def __init__(self, found: Outcomes) -> None:
        self._found, self._values = found, found.together()
        self._under_way: list[tuple[Whole, Promise]] = []

    def room(self, places: Whole) -> Array | None:
        """Where the results of people belong, if they stand beside each other."""
        beside = len(places) and places[-1] - places[0] == len(places) - 1
        return self._values[places[0] : places[-1] + 1] if beside else None

    def add(self, places: Whole, promise: Promise) -> None:
        """Wait later for a program with the people at these places."""
        self._under_way.append((places, promise))

    def result(self) -> NDArray[np.bool_]:
        """Wait for all; who has a result. The general driver has to run the others."""
        fine = np.zeros(len(self._found), bool)
        for places, promise in self._under_way:
            results = promise.result()
            if not np.may_share_memory(results.values, self._values):
                self._values[places] = results.values
            self._found.counts[places], fine[places] = results.counts, results.fine
        self._under_way.clear()
        return fine
