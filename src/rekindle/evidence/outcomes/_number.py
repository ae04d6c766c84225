"""The number that a row reports, as one hypothesis predicts it, and as several do together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence._row import Row, not_simulated
from rekindle.evidence.outcomes._doubt import Simulated, model_doubt
from rekindle.evidence.outcomes._people import study_number
from rekindle.evidence.outcomes._summary import SHARES, arm_reports, summarise
from rekindle.evidence.outcomes._target import OutcomeTarget
from rekindle.people import Stream, random_generator

Array = NDArray[np.float64]

_QUANTILES = (0.05, 0.95)


@dataclass(frozen=True)
class Number:
    """A predicted number.

    Attributes:
        predicted: its expectation.
        reports: what arms of the stated size would report, shape (k,), with weights that sum to 1.
        people: standard error by the choice of people and raters' errors.
        parameters: standard error by what the calibration leaves open.
        studies: standard error by differences between studies.
        mechanisms: SD between the hypotheses that were averaged; 0 for one.
        sd: SD between people of a number that is their mean.
        shares: whether it is a percentage of people.
    """

    predicted: float
    reports: Array
    weights: Array
    people: float
    parameters: float
    studies: float
    mechanisms: float
    sd: float | None
    shares: bool

    @property
    def interval(self) -> tuple[float, float]:
        """90 % of what arms would report; percentages outwards to whole per cent, as papers print them."""
        if not len(self.reports):
            return self.predicted, self.predicted
        order = np.argsort(self.reports, kind="stable")
        heights = np.cumsum(self.weights[order])
        places = np.searchsorted(heights, np.array(_QUANTILES) * heights[-1])
        low, high = self.reports[order][np.minimum(places, len(order) - 1)].tolist()
        if self.shares:
            low, high = float(math.floor(low)), float(math.ceil(high))
        return min(low, self.predicted), max(high, self.predicted)


def predict_number(row: Row, target: OutcomeTarget, sides: Sequence[Simulated], seed: int) -> Number:
    """Read the number of a row off simulated arms.

    Raises:
        EvidenceError: nobody is left to summarise, or too few people reach an event.
    """
    values, *rest = (
        reading.values(side.course) for side, (_, _, reading) in zip(sides, target.sides, strict=True)
    )
    others = rest[0] if rest else None
    everybody = np.ones((1, len(values)))
    predicted = float(summarise(target.summary, everybody, values, others, everybody)[0])
    if math.isinf(predicted):
        raise not_simulated(
            f"line {row.number}: fewer than half of the people reach it in the time simulated"
        )
    if math.isnan(predicted):
        raise not_simulated(f"line {row.number}: nobody is left to summarise")
    doubt = model_doubt(target, sides)
    key = f"{row.text('arm_id')} {row.word('outcome')} {row.text('time_h')}"
    trial = study_number(target.arm.setup.study_id)
    reports, people = arm_reports(
        target.summary,
        values,
        others,
        target.arm.subjects,
        paired=target.paired,
        generator=random_generator(seed, trial, 0, 0, Stream.RESAMPLING, key),
        model_sd=doubt.sd,
    )
    between = float(np.nanstd(values[:, 0], ddof=1)) if target.summary == "mean" else None
    return Number(
        predicted,
        reports,
        np.full(len(reports), 1.0 / max(len(reports), 1)),
        people,
        doubt.parameters,
        doubt.studies,
        0.0,
        between,
        target.summary in SHARES,
    )


def average(numbers: Mapping[str, Number], weights: Mapping[str, float]) -> Number:
    """The mixture of what the hypotheses predict, each with its weight.

    >>> one = Number(1.0, np.array([1.0]), np.array([1.0]), 0.0, 0.0, 0.0, 0.0, None, False)
    >>> two = Number(3.0, np.array([3.0]), np.array([1.0]), 0.0, 0.0, 0.0, 0.0, None, False)
    >>> both = average({"a": one, "b": two}, {"a": 0.5, "b": 0.5})
    >>> both.predicted, both.mechanisms, both.interval
    (2.0, 1.0, (1.0, 3.0))
    """
    if len(numbers) == 1:
        return next(iter(numbers.values()))
    parts = [(numbers[name], weights[name]) for name in numbers]

    def mean(values: Sequence[float]) -> float:
        return sum(weight * value for (_, weight), value in zip(parts, values, strict=True))

    predicted = mean([one.predicted for one, _ in parts])
    spreads = [one.sd for one, _ in parts]
    known = [value for value in spreads if value is not None]
    return Number(
        predicted,
        np.concatenate([one.reports for one, _ in parts]),
        np.concatenate([weight * one.weights for one, weight in parts]),
        math.sqrt(mean([one.people**2 for one, _ in parts])),
        math.sqrt(mean([one.parameters**2 for one, _ in parts])),
        math.sqrt(mean([one.studies**2 for one, _ in parts])),
        math.sqrt(mean([(one.predicted - predicted) ** 2 for one, _ in parts])),
        math.sqrt(mean([value**2 for value in known])) if len(known) == len(parts) else None,
        parts[0][0].shares,
    )
