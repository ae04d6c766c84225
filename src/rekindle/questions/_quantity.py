"""Numbers of an answer: over people, with one interval for people and one for parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rekindle.questions._inquiry import LEVEL, Courses, Ensemble
from rekindle.trials import Measure, Result, measure_result, resamples

Array = NDArray[np.float64]
#: Values over people to one number.
Statistic = Callable[[Array], float]
#: Units of which neither less than nothing nor, for shares, more than everything exists.
_LEAST = {"%": 0.0, "h": 0.0, "min": 0.0, "days": 0.0, "ng*h/mL": 0.0, "ng/mL": 0.0}
_MOST = {"%": 100.0}
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of an answer.

    Attributes:
        key: short name.
        label: words with everything that defines it.
        unit: unit; ``%`` is a share of people.
        value: the number; nan where there is none.
        people: interval that holds 90 % of ``over``; nan where there is none.
        over: ``people`` or ``resampled people``.
        parameters: interval that 90 % of parameter draws give it; nan without draws.
        at_least: the end of the simulation came first.
    """

    key: str
    label: str
    unit: str
    value: float
    people: tuple[float, float]
    over: str
    parameters: tuple[float, float]
    at_least: bool = False

    @property
    def varied(self) -> bool:
        """Whether the draws of the parameters differ in it."""
        return not self.parameters[0] == self.parameters[1] == self.value


def mean(values: Array) -> float:
    """Mean over people."""
    return float(np.mean(values))


def share(values: Array) -> float:
    """Share of people, %.

    >>> share(np.array([1.0, 0.0]))
    50.0
    """
    return 100.0 * float(np.mean(values))


def average(key: str, label: str, unit: str, values: ArrayLike) -> Measure:
    """A mean over people, whose interval is that of people."""
    return Measure(key, label, unit, np.asarray(values, float), mean)


def proportion(key: str, label: str, flags: ArrayLike) -> Measure:
    """A share of people; its interval is that of resampled groups."""
    return Measure(key, label, "%", np.asarray(flags, float), share, resampled=True)


def of_group(
    key: str, label: str, unit: str, values: Array, statistic: Statistic, limit: float | None = None
) -> Measure:
    """A number that only a group of people has; ``limit`` is the largest that could be seen."""
    return Measure(key, label, unit, np.asarray(values, float), statistic, resampled=True, limit=limit)


def quantities(
    ensemble: Ensemble, measures: Callable[[Courses], Iterable[Measure]], seed: int
) -> dict[str, Quantity]:
    """All numbers of an ensemble by key."""
    best = list(measures(ensemble.best))
    reference = _values(measures(ensemble.reference)) if ensemble.draws else {}
    drawn = [_values(measures(one)) for one in ensemble.draws]
    picks = {len(one.values): resamples(len(one.values), seed) for one in best if one.values is not None}
    return {
        one.name: _quantity(one, picks, reference.get(one.name, np.nan), [own[one.name] for own in drawn])
        for one in best
    }


def quantity_of(result: Result, key: str, label: str, unit: str) -> Quantity:
    """A number without an interval of the parameters."""
    nothing = (float("nan"), float("nan"))
    return Quantity(
        key, label, unit, result.value, (result.low, result.high), result.over, nothing, result.at_least
    )


def _quantity(
    measure: Measure, picks: Mapping[int, NDArray[np.int64]], reference: float, drawn: Sequence[float]
) -> Quantity:
    assert measure.values is not None, "a question measures what its model has"
    found = measure_result(measure, picks[len(measure.values)])
    # Without the last digits of a solver, which would turn no difference into one of 1e-9.
    value = round(found.value, _DIGITS) + 0.0
    spread = of_parameters(value, reference, np.array(drawn, float), measure.unit)
    return Quantity(
        measure.name,
        measure.label,
        measure.unit,
        value,
        (found.low, found.high),
        found.over,
        spread,
        found.at_least,
    )


def of_parameters(value: float, reference: float, drawn: Array, unit: str) -> tuple[float, float]:
    """The interval of a number: where draws move it to, as they are, so that it need not hold the number.

    Args:
        value: number of everybody.
        reference: the same number of the people of the draws, at the parameters of the model.
        drawn: number at each draw, shape (draws,).
        unit: its unit, which may have a least and a largest number.

    >>> of_parameters(50.0, 40.0, np.array([30.0, 30.0]), "%")
    (40.0, 40.0)
    """
    moves = drawn - reference
    moves = moves[np.isfinite(moves)]
    if not len(moves) or not np.isfinite(value):
        return float("nan"), float("nan")
    ends = value + np.quantile(moves, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    low, high = np.clip(ends, _LEAST.get(unit, -np.inf), _MOST.get(unit, np.inf))
    return round(float(low), _DIGITS), round(float(high), _DIGITS)


def _values(measures: Iterable[Measure]) -> dict[str, float]:
    return {one.name: one.statistic(one.values) for one in measures if one.values is not None}
