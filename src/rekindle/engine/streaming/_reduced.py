"""What a streamed simulation returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.streaming._reduce_moments import Moments
from rekindle.engine.streaming._reduce_sketch import QuantileSketch
from rekindle.engine.streaming._reduce_tally import CHANGE, SPREAD, VALUES, Tally
from rekindle.engine.streaming._reducers import Measure, Quantiles
from rekindle.errors import OutputError, nearest
from rekindle.modelling import Model

if TYPE_CHECKING:
    import pandas

Array = NDArray[np.float64]

#: Shares of people at which the measures are summarised.
SUMMARY_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, eq=False)
class QuantileCourses:
    """Quantiles over people at each time.

    Attributes:
        values: shape (shares, times).
        uncertainty: the most that each may be off; 0 where it is exact.
    """

    shares: tuple[float, ...]
    values: Array
    uncertainty: Array
    unit: str


@dataclass(frozen=True, eq=False)
class MeanCourses:
    """Mean, standard deviation and extremes over people at each time; ``count`` people each."""

    mean: Array
    deviation: Array
    least: Array
    greatest: Array
    count: NDArray[np.int64]
    unit: str


@dataclass(frozen=True)
class MeasureSummary:
    """How a number for each person is distributed; for a flag the mean is the share of people.

    Attributes:
        people: people with a number, infinity (never) included.
        finite: people with a finite number, to whom mean and deviation refer.
        quantiles: share -> value.
        uncertainty: share -> the most that the quantile may be off.
        mean_change: mean over people of what leaving out every second time would change.
        largest_change: the largest such change.
    """

    people: int
    finite: int
    mean: float
    deviation: float
    least: float
    greatest: float
    quantiles: Mapping[float, float]
    uncertainty: Mapping[float, float]
    mean_change: float
    largest_change: float
    unit: str


Found = QuantileCourses | MeanCourses | MeasureSummary


@dataclass(frozen=True, eq=False)
class Reduced(Mapping[str, Any]):
    """Results of a streamed simulation by the name of the reducer.

    Attributes:
        found: name -> ``QuantileCourses``, ``MeanCourses`` or ``MeasureSummary``.
        times: output times in ``time_unit``.
        people: people simulated, with those who failed.
        failed: people without a result, who count in no number.
        failures: person -> why, for the first hundred.
        bytes_held: bytes of the accumulators at the end.
        remarks: what was found from an earlier, interrupted run.
    """

    found: Mapping[str, Found]
    times: Array
    time_unit: str
    people: int
    failed: int
    failures: Mapping[str, str]
    bytes_held: int
    remarks: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        if name not in self.found:
            raise OutputError(
                "RK-OUT-052",
                given=f'"{name}" was not asked for{nearest(name, self.found)}',
                allowed=f"Reducers: {', '.join(self.found)}",
            )
        return self.found[name]

    def __contains__(self, name: object) -> bool:
        return name in self.found

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __repr__(self) -> str:
        return f"Reduced({self.people} people, {self.failed} failed; {', '.join(self.found)})"

    def to_frame(self) -> pandas.DataFrame:
        """Tidy table of all results: name, time (none for measures), statistic, value, unit."""
        import pandas

        rows = [row for name, result in self.found.items() for row in _rows(name, result, self.times)]
        return pandas.DataFrame(rows, columns=["name", "time", "statistic", "value", "unit"])


def _rows(name: str, result: Found, times: Array) -> list[tuple[str, float, str, float, str]]:
    if isinstance(result, MeasureSummary):
        numbers = {key: getattr(result, key) for key in ("people", "mean", "deviation", "least", "greatest")}
        numbers |= {_label(share): value for share, value in result.quantiles.items()}
        return [(name, np.nan, key, float(value), result.unit) for key, value in numbers.items()]
    if isinstance(result, QuantileCourses):
        columns = dict(zip(map(_label, result.shares), result.values, strict=True))
    else:
        columns = {key: getattr(result, key) for key in ("mean", "deviation", "least", "greatest")}
    return [
        (name, time, key, value, result.unit)
        for key, column in columns.items()
        for time, value in zip(times.tolist(), column.tolist(), strict=True)
    ]


def _label(share: float) -> str:
    return f"quantile {share:g}"


def conclude(model: Model, tally: Tally, remarks: tuple[str, ...]) -> Reduced:
    """Results from what has been added up."""
    measured = _measures(model, tally)
    found: dict[str, Found] = {}
    for name, reducer in tally.reducers.items():
        unit = model.outputs[reducer.output].unit
        if isinstance(reducer, Measure):
            found[name] = measured[name]
            continue
        state = tally.states[name]
        if isinstance(reducer, Quantiles):
            assert isinstance(state, QuantileSketch)
            found[name] = QuantileCourses(reducer.shares, *state.quantiles(reducer.shares), unit)
        else:
            assert isinstance(state, Moments)
            found[name] = MeanCourses(
                state.average(), state.deviation(), *state.extremes(), state.count, unit
            )
    return Reduced(
        found, tally.times, model.time_unit, tally.people, tally.failed, tally.failures, tally.nbytes, remarks
    )


def _measures(model: Model, tally: Tally) -> dict[str, MeasureSummary]:
    sketch, spread, change = (tally.states[name] for name in (VALUES, SPREAD, CHANGE))
    assert isinstance(sketch, QuantileSketch)
    assert isinstance(spread, Moments)
    assert isinstance(change, Moments)
    if not tally.measures:
        return {}
    values, uncertainty = sketch.quantiles(SUMMARY_SHARES)
    mean, deviation, (least, greatest) = spread.average(), spread.deviation(), spread.extremes()
    shift, largest = change.average(), change.extremes()[1]
    return {
        name: MeasureSummary(
            int(spread.known[i]),
            int(spread.count[i]),
            float(mean[i]),
            float(deviation[i]),
            float(least[i]),
            float(greatest[i]),
            dict(zip(SUMMARY_SHARES, values[:, i].tolist(), strict=True)),
            dict(zip(SUMMARY_SHARES, uncertainty[:, i].tolist(), strict=True)),
            float(shift[i]),
            float(largest[i]),
            measure.unit(model.outputs[measure.output].unit, model.time_unit),
        )
        for i, (name, measure) in enumerate(tally.measures.items())
    }
