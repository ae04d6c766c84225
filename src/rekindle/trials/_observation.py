"""From simulated courses to what is written down: scores, readings of a session, reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.people import Stream, random_generator
from rekindle.therapy import adverse_events
from rekindle.trials._agenda import Occasion
from rekindle.trials._design import Design, MoodScale
from rekindle.trials._enrolment import Participant, score
from rekindle.trials._exposure import LEVELS, MOOD, outputs
from rekindle.trials._ratings import rating_scale
from rekindle.trials._requests import moment
from rekindle.trials._study_difference import StudyDifference

Array = NDArray[np.float64]
Readings = Mapping[float, Array]

#: Points at which a looking-back scale is averaged: at least this many, and one a day.
_FEWEST_POINTS = 4
#: A report is complete one hour after the start of the session.
_REPORT_H = 1.0


@dataclass(frozen=True, slots=True)
class SessionReadings:
    """Highest readings of one session (MOAA/S: the lowest), and the events reported in it."""

    cadss: float
    systolic_rise: float
    diastolic_rise: float
    moaas: float
    reports: tuple[str, ...]

    def of(self, name: str) -> float:
        """A reading by name."""
        return float(getattr(self, name))

    def measures(self) -> dict[str, float]:
        """Readings and reports as lines of the data set."""
        found = {name: self.of(name) for name in ("cadss", "systolic_rise", "diastolic_rise", "moaas")}
        return found | dict.fromkeys((f"report: {event}" for event in self.reports), 1.0)


class Observer:
    """Ratings of one person in one phase; every error is drawn by person, phase and occasion.

    Args:
        design: the trial.
        participant: the person.
        phase: name of the phase.
        occasions: number of occasions in it.
        offset: mean difference of the raters of the person's site, points.
        study: how the study differs from the model beyond its design.
        seed: seed of all random numbers.
        replicate: replicate of the trial.
    """

    def __init__(
        self,
        design: Design,
        participant: Participant,
        phase: str,
        occasions: int,
        offset: float,
        study: StudyDifference,
        *,
        seed: int,
        replicate: int,
    ) -> None:
        self.design, self.participant, self.offset, self.study = design, participant, offset, study
        self._place = {name: place for place, name in enumerate(outputs(design))}

        def numbers(name: str) -> np.random.Generator:
            return random_generator(
                seed, replicate, participant.number, 0, Stream.OBSERVATION, f"{phase}: {name}"
            )

        self._noise = {name: numbers(name).standard_normal(occasions) for name in design.scales}
        if design.acute is not None:
            self._pressure = numbers("pressure").standard_normal((occasions, 2))
            self._uniform = numbers("reports").random((occasions, len(adverse_events())))
            # One number for all sessions, as for readiness to leave: who gets drowsy once gets drowsy again.
            self._drowsiness = random_generator(
                seed, replicate, participant.number, 0, Stream.OBSERVATION, "MOAA/S"
            ).random()
            generator, cadss = numbers("CADSS"), rating_scale("CADSS")
            self._background = cadss.draw_background((1,), generator)
            self._errors = cadss.draw_errors((occasions, len(design.acute.minutes)), generator)

    def times(self, occasion: Occasion, *, session: bool) -> list[float]:
        """Times (h) at which the course is needed for an occasion."""
        found = [time for name in occasion.planned for time in self._recalled(occasion, name)]
        if session:
            found += self._session_times(occasion)
        return [time for time in found if time >= 0.0]

    def score(self, occasion: Occasion, name: str, readings: Readings) -> float:
        """What the rater writes down, with the recall window of the scale."""
        true, scale = self.participant.true[name], self.design.scales[name]
        more = self.study.improvement(self.participant.arm)
        shares = [
            readings[time][self._place[MOOD]] + (more if time > 0.0 else 0.0) if time >= 0.0 else 0.0
            for time in self._recalled(occasion, name)
        ]
        latent = true * (1.0 - float(np.mean(shares)))
        return score(latent + self.offset + scale.error * self._noise[name][occasion.place], name)

    def session(self, occasion: Occasion, readings: Readings) -> SessionReadings | None:
        """Readings of the session of an occasion; None if the design takes none."""
        acute = self.design.acute
        if acute is None:
            return None
        times = self._session_times(occasion)
        course = np.array([readings[time] for time in times]) * self.study.acute(self.participant.arm)
        read, place = course[: len(acute.minutes)], occasion.place
        latent = read[:, self._place["cadss"]]
        cadss = rating_scale("CADSS").written(latent, self._errors[place], self._background).max()
        systolic, diastolic = (
            float(read[:, self._place[f"{name}_change"]].max() + error * self._pressure[place, side])
            for side, (name, error) in enumerate(
                (("systolic", acute.systolic_error), ("diastolic", acute.diastolic_error))
            )
        )
        events = adverse_events()
        below = [level for level in LEVELS if self._drowsiness < read[:, self._place[level]].max()]
        reports = tuple(
            event
            for number, event in enumerate(events)
            if self._uniform[place, number] < course[-1, self._place[f"p_report_{event}"]]
        )
        return SessionReadings(float(cadss), systolic, diastolic, 5.0 - len(below), reports)

    def _session_times(self, occasion: Occasion) -> list[float]:
        assert self.design.acute is not None, "asked only when sessions are read"
        hours = [minute / 60.0 for minute in self.design.acute.minutes]
        return [moment(occasion.time_h + hour) for hour in (*hours, max(_REPORT_H, hours[-1]))]

    def _recalled(self, occasion: Occasion, name: str) -> list[float]:
        return recall_times(occasion.time_h, self.design.scales[name])


def recall_times(time_h: float, scale: MoodScale) -> list[float]:
    """Times (h) over which a score is an average: the visit itself, or the days that it looks back on.

    >>> recall_times(48.0, MoodScale("MADRS", 30, 6, 2, recall_days=1.0))
    [45.0, 39.0, 33.0, 27.0]
    """
    if not scale.recall_days:
        return [moment(time_h)]
    count = max(_FEWEST_POINTS, round(scale.recall_days))
    step = 24.0 * scale.recall_days / count
    return [moment(time_h - step * (place + 0.5)) for place in range(count)]
