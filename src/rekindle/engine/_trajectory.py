"""What a simulation returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._solver_report import SolverReport
from rekindle.errors import OutputError, nearest

if TYPE_CHECKING:
    import pandas

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trajectory(Mapping[str, Array]):
    """Outputs over time for one or more people; behaves as a mapping from output name to values.

    Attributes:
        ids: people, in the order of the event table.
        rows_each: how many rows each person has.
        rows: shape (rows, outputs).
        names: outputs, in the order of the columns of ``rows``.
        units: unit of each output.
        measurable: False for model states that nobody can measure.
        grid: the requested times when they were the same for everybody, else None.
        own_times: without a grid the time of each row.
        carry: carry rules that were applied to covariates.
        solver: what the solver did.
        carried: DV, MDV, CENS, LLOQ and extra columns of the observation records, one entry a row.

    ``trajectory[name]`` has shape (people, times) with a grid, else (rows,).
    """

    ids: tuple[str, ...]
    rows_each: NDArray[np.int64]
    rows: Array
    names: tuple[str, ...]
    units: Mapping[str, str]
    measurable: Mapping[str, bool]
    time_unit: str
    grid: Array | None
    carry: Mapping[str, str]
    solver: SolverReport
    own_times: Array | None = None
    carried: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @cached_property
    def person(self) -> NDArray[np.int64]:
        """For each row, the position of its person in ``ids``."""
        return np.repeat(np.arange(len(self.ids)), self.rows_each)

    @cached_property
    def time(self) -> Array:
        """For each row, its time in ``time_unit``."""
        if self.own_times is not None:
            return self.own_times
        assert self.grid is not None, "there is one or the other"
        return np.tile(self.grid, len(self.ids))

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
        size = f"{len(self.ids)} people, {len(self.rows)} rows, {len(self.names)} outputs"
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
