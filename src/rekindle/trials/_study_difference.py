"""How one virtual trial differs from the model as a whole: a new study is not the average of all studies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from rekindle.people import Stream, random_generator
from rekindle.therapy import STUDY_KINDS, arm_difference

_MOOD, _ACUTE, _, _SHAPE = STUDY_KINDS


@dataclass(frozen=True)
class StudyDifference:
    """What sets one replicate apart from the model beyond its design.

    Every number is drawn by its own name, so that it depends on seed and replicate only. The SD of scores
    (kind ``spread``) stays that of the model.

    Attributes:
        spread: kind of difference -> SD, as the calibration found it (``Calibration.study_spread``); a kind
            that is not named does not differ.
        seed, replicate: they key the random numbers.
    """

    spread: Mapping[str, float] = field(default_factory=dict)
    seed: int = 1
    replicate: int = 0

    def improvement(self, arm: str) -> float:
        """By how much more people of an arm improve, as a share of baseline severity.

        >>> StudyDifference().improvement("ketamine")
        0.0
        """
        return self._of_arm(_MOOD, arm)

    def acute(self, arm: str) -> float:
        """Factor on acute effects of an arm."""
        return max(0.0, 1.0 + self._of_arm(_ACUTE, arm))

    def count(self, outcome: str, arm: str, events: int, people: int) -> float:
        """Number of people with an outcome as the study counts it.

        It is moved by no more than its distance from nobody or everybody, up and down alike, so that over
        many studies its mean stays.

        >>> StudyDifference().count("response", "ketamine", 7, 20)
        7.0
        >>> 0.0 <= StudyDifference({"shape": 50.0}).count("response", "ketamine", 1, 20) <= 2.0
        True
        """
        sd = self.spread.get(_SHAPE, 0.0)
        if not sd:
            return float(events)
        room = min(events, people - events)
        points = sd * _standard(self.seed, self.replicate, f"{_SHAPE}, {outcome}: {arm}")
        return events + min(max(people * points / 100.0, -room), room)

    def _of_arm(self, kind: str, arm: str) -> float:
        sd = self.spread.get(kind, 0.0)
        if not sd:
            return 0.0
        together = _standard(self.seed, self.replicate, kind)
        return sd * arm_difference(together, _standard(self.seed, self.replicate, f"{kind}: {arm}"))


@lru_cache(maxsize=4096)
def _standard(seed: int, replicate: int, name: str) -> float:
    """A standard normal number of a replicate by its name."""
    generator = random_generator(seed, replicate, 0, 0, Stream.PARAMETERS, f"study difference, {name}")
    return float(generator.standard_normal())
