"""Everything that a run measured, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks._accuracy import Accuracy
from benchmarks._engines import Engine
from benchmarks._floor import Floor
from benchmarks._race import Ratio, Result, ratio
from benchmarks._waiting import Waited

#: Right-hand sides that a step needs at least: Rodas5P has eight stages, L2 seven nodes.
STAGES, NODES = 8, 7


@dataclass
class Figures:
    """Everything that the page says.

    Attributes:
        structure: states, non-zeros and so on of W1, in words.
        missing: engines that are not installed.
        accuracy: engine -> its gate.
        results: workload -> engine -> its race.
        kinetic_errors: engine -> errors of W2.
        memory: bytes a second at which a used and a new buffer are filled.
        waited: medians and limits that the goals need, from the section on waiting.
        sections: heading -> text, in order, after the comparison.
        load: of the machine before the run, if known.
        cores: of the machine.
    """

    machine: str
    structure: str
    reference: str
    people: int
    rounds: int
    quick: bool
    engines: Sequence[Engine]
    missing: Sequence[Engine] = ()
    accuracy: dict[str, Accuracy] = field(default_factory=dict)
    results: dict[str, dict[str, Result]] = field(default_factory=dict)
    kinetic_errors: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    floor: Floor | None = None
    memory: tuple[float, float] | None = None
    tangents: tuple[Ratio, float] | None = None
    waited: Waited = field(default_factory=Waited)
    sections: dict[str, str] = field(default_factory=dict)
    load: float | None = None
    cores: int = 1

    def best(self, workload: str) -> str | None:
        """Our fastest engine in a race."""
        rates = {
            e.key: self.results.get(workload, {}).get(e.key, Result(0)).rate for e in self.engines if e.ours
        }
        rates = {key: rate for key, rate in rates.items() if np.isfinite(rate)}
        return max(rates, key=lambda key: rates[key]) if rates else None

    def ratio_to(self, workload: str, ours: str | None, peer: str) -> Ratio | None:
        """How many times faster ours is."""
        results = self.results.get(workload, {})
        if ours not in results or peer not in results or ours is None:
            return None
        fast, slow = results[ours], results[peer]
        return ratio(fast, slow) if fast.rates and slow.rates else None

    def above_floor(self, key: str) -> float | None:
        """Time a person takes over nodes times the right-hand side."""
        result = self.results.get("W1", {}).get(key)
        if self.floor is None or result is None or not result.rates or not result.last.get("steps"):
            return None
        return 1 / result.rate / (result.last["steps"] * self.nodes(key) * self.floor.seconds)

    def nodes(self, key: str) -> int:
        """Right-hand sides in a step."""
        said = self.results["W1"][key].last.get("solver", "")
        return NODES if said.startswith("L2") or key.endswith("L2") else STAGES
