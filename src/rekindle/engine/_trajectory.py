"""What a simulation returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import OutputError, nearest

if TYPE_CHECKING:
    import pandas

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SolverReport:
    """What the solver did: which parts were solved how, at what tolerance, in how many steps.

    Attributes:
        solver: step of the ladder: L0 (all states exactly), L1 (all states by Rodas5P), L1' (both), or L2
            (exactly and by cascade collocation; who was run alone, by Rodas5P).
        lanes: most people stepped together.
        groups: lane groups; people without one were run by the general driver, one at a time.
        alone: people run by the general driver.
        failed: person -> why that person has no result (``on_failure="keep"``).
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
        if self.alone:
            parts.append(f"{self.alone} people one at a time")
        if self.failed:
            parts.append(f"failed: {', '.join(self.failed)}")
        return "; ".join(parts) or "no states were needed"


@dataclass(frozen=True, eq=False)
class Trajectory(Mapping[str, Array]):
    """Outputs over time for one or more people; behaves as a mapping from output name to values.

    Attributes:
        ids: people, in the order of the event table.
        person: for each row, the position of its person in ``ids``.
        time: for each row, its time in ``time_unit``.
        rows: shape (rows, outputs).
        names: outputs, in the order of the columns of ``rows``.
        units: unit of each output.
        measurable: False for model states that nobody can measure.
        grid: the requested times when they were the same for everybody, else None.
        carry: carry rules that were applied to covariates.
        solver: what the solver did.
        carried: DV, MDV, CENS, LLOQ and extra columns of the observation records, one entry a row.

    ``trajectory[name]`` has shape (people, times) with a grid, else (rows,).
    """

    ids: tuple[str, ...]
    person: NDArray[np.int64]
    time: Array
    rows: Array
    names: tuple[str, ...]
    units: Mapping[str, str]
    measurable: Mapping[str, bool]
    time_unit: str
    grid: Array | None
    carry: Mapping[str, str]
    solver: SolverReport
    carried: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Array:
        if name not in self.names:
            raise OutputError(
                "RK-OUT-001",
                given=f'output "{name}" was not simulated{nearest(name, self.names)}',
                allowed=f"Outputs: {', '.join(self.names)}",
            )
        column = self.rows[:, self.names.index(name)]
        return column if self.grid is None else column.reshape(len(self.ids), len(self.grid))

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        size = f"{len(self.ids)} people, {len(self.time)} rows, {len(self.names)} outputs"
        return f"Trajectory({size}; {self.solver})"

    def to_frame(self) -> pandas.DataFrame:
        """Tidy table: one row per person and time, one column per output, units in ``frame.attrs``.

        Without a grid the columns carried through the event table follow the outputs.
        """
        import pandas

        frame = pandas.DataFrame(self.rows, columns=list(self.names))
        for name, column in self.carried.items():
            frame[name] = list(column)
        frame.insert(0, "time", self.time)
        frame.insert(0, "id", np.asarray(self.ids, dtype=object)[self.person])
        frame.attrs["units"] = {"time": self.time_unit, **self.units}
        frame.attrs["not_measurable"] = [name for name in self.names if not self.measurable[name]]
        return frame
