"""What the solver did, in numbers and in words."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SolverReport:
    """What the solver did: which parts were solved how, at what tolerance, in how many steps.

    Attributes:
        solver: step of the ladder: L0 (all states exactly), L1 (all states by Rodas5P), L1' (both), or L2
            (exactly and by cascade collocation; who was run alone, by Rodas5P).
        reason: why that one was chosen.
        lanes: most people stepped together.
        groups: lane groups; people without one were run by the general driver, one at a time.
        alone: people run by the general driver.
        failed: person -> why that person has no result (``on_failure="keep"``).
        errors: person -> estimate of the global error, if it was asked for (``estimate_error``): the largest
            change of any output at any time when the tolerance is ten times smaller, as a share of the
            largest size of that output in that person. What is solved exactly and rounding are not in it.
        on_card: people run on a graphics card, one a thread.
        device_reason: the card's name, or why there was none; and what a card failed to do.
    """

    linear_states: int
    nonlinear_states: int
    tolerance: float
    steps: int
    rejected: int
    steady_state_cycles: int
    solver: str = ""
    lanes: int = 0
    groups: int = 0
    alone: int = 0
    failed: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    errors: Mapping[str, float] = field(default_factory=dict)
    on_card: int = 0
    device_reason: str = ""

    @property
    def device(self) -> str:
        """Where the people were run: "cpu", "gpu" or both."""
        if not self.on_card:
            return "cpu"
        return "gpu and cpu" if self.groups or self.alone else "gpu"

    def __str__(self) -> str:
        parts = []
        if self.linear_states:
            parts.append(f"{self.linear_states} linear states solved exactly")
        if self.nonlinear_states:
            method = "cascade collocation" if self.solver == "L2" else "Rodas5P"
            parts.append(
                f"{self.nonlinear_states} states by {method} at relative tolerance {self.tolerance:g} "
                f"({self.steps} steps, {self.rejected} rejected)"
            )
        if self.steady_state_cycles:
            parts.append(f"steady state after {self.steady_state_cycles} cycles")
        if self.groups:
            parts.append(f"{self.groups} group{'s'[: self.groups > 1]} of up to {self.lanes} people")
        if self.on_card:
            parts.append(f"{self.on_card} people on {self.device_reason}, one a thread")
        if self.alone:
            parts.append(f"{self.alone} people one at a time")
        if self.reason:
            parts.append(f"{self.solver}: {self.reason}")
        if self.errors:
            parts.append(self._errors())
        if self.failed:
            parts.append(f"failed: {', '.join(self.failed)}")
        return "; ".join(parts) or "no states were needed"

    def _errors(self) -> str:
        known = {person: error for person, error in self.errors.items() if not math.isnan(error)}
        if not known:
            return "no error could be estimated"
        worst = max(known, key=lambda person: known[person])
        middle = statistics.median(known.values())
        return f"estimated error {middle:.1g} in the median, {known[worst]:.1g} at most (person {worst})"
