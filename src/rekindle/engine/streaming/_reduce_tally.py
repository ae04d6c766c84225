"""What is held of a population while its people come piece by piece."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.streaming._reduce_course import Courses
from rekindle.engine.streaming._reduce_moments import Moments
from rekindle.engine.streaming._reduce_sketch import FEWEST_BINS, QuantileSketch
from rekindle.engine.streaming._reducers import MeanCourse, Measure, Quantiles, Reducer

Array = NDArray[np.float64]
State = Moments | QuantileSketch

#: Failed people who are named; of the others only the number is kept.
MOST_NAMED = 100
#: States of the measures of a person, which share no name with those of reducers over time.
VALUES, SPREAD, CHANGE = "measures: values", "measures: spread", "measures: change"


@dataclass
class Tally:
    """Accumulators of all reducers.

    Attributes:
        reducers: name -> reducer.
        times: output times.
        people: people seen, with those who failed.
        failed: people without a result.
        failures: person -> why, for the first of them.
        states: accumulators by name.
    """

    reducers: Mapping[str, Reducer]
    times: Array
    people: int = 0
    failed: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, reducer in self.reducers.items():
            if isinstance(reducer, Quantiles):
                self.states[name] = QuantileSketch(len(self.times), reducer.bins)
            elif isinstance(reducer, MeanCourse):
                self.states[name] = Moments(len(self.times))
        measures = len(self.measures)
        self.states[VALUES] = QuantileSketch(measures, FEWEST_BINS)
        self.states[SPREAD], self.states[CHANGE] = Moments(measures), Moments(measures)

    @property
    def measures(self) -> dict[str, Measure]:
        """The reducers that give a number for each person."""
        return {name: found for name, found in self.reducers.items() if isinstance(found, Measure)}

    @property
    def nbytes(self) -> int:
        """Bytes held by the accumulators."""
        return sum(state.nbytes for state in self.states.values())

    def update(self, courses: Mapping[str, Courses], failures: Mapping[str, str]) -> Array:
        """Add people by the courses of the outputs; gives their measures (people, measures)."""
        for name, reducer in self.reducers.items():
            if not isinstance(reducer, Measure):
                self.states[name].update(courses[reducer.output].values)
        numbers, changes = self._measured(courses)
        for name, values in ((VALUES, numbers), (SPREAD, numbers), (CHANGE, changes)):
            self.states[name].update(values)
        self.people += len(next(iter(courses.values())).values)
        self._note(len(failures), failures)
        return numbers

    def _measured(self, courses: Mapping[str, Courses]) -> tuple[Array, Array]:
        people = len(next(iter(courses.values())).values)
        numbers, changes = np.empty((people, len(self.measures))), np.zeros((people, len(self.measures)))
        compared = {name: course.compared() for name, course in courses.items()}
        for place, measure in enumerate(self.measures.values()):
            own = courses[measure.output]
            numbers[:, place] = measure.numbers(own)
            if measure.between_times:
                other = measure.numbers(compared[measure.output])
                with np.errstate(invalid="ignore"):
                    apart = np.abs(other - numbers[:, place])
                changes[:, place] = np.where(other == numbers[:, place], 0.0, apart)
        return numbers, changes

    def merge(self, other: Tally) -> None:
        """Add what another tally of the same reducers holds."""
        for name, state in self.states.items():
            state.merge(other.states[name])  # type: ignore[arg-type]  # both are made from the same reducers
        self.people += other.people
        self._note(other.failed, other.failures)

    def _note(self, failed: int, failures: Mapping[str, str]) -> None:
        self.failed += failed
        room = MOST_NAMED - len(self.failures)
        self.failures |= dict(list(failures.items())[: max(room, 0)])

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What has to be kept to go on later."""
        kept: dict[str, NDArray[np.generic]] = {
            "people": np.array([self.people, self.failed]),
            "failures": np.array(list(self.failures.items()), dtype=np.str_).reshape(-1, 2),
        }
        for number, state in enumerate(self.states.values()):
            kept |= {f"{number}.{part}": array for part, array in state.arrays().items()}
        return kept

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Take up what ``arrays`` gave."""
        self.people, self.failed = (int(number) for number in arrays["people"])
        self.failures = {str(person): str(why) for person, why in arrays["failures"]}
        for number, state in enumerate(self.states.values()):
            start = f"{number}."
            state.restore({k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)})
