"""Versions of one trial: the same people, raters and chances with other parameters, or as another study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rekindle.therapy import ParameterSet
from rekindle.trials._study_difference import StudyDifference


@dataclass(frozen=True)
class Version:
    """What one version of every replicate has of its own.

    Attributes:
        parameter_draws: parameters that replace those of the calibration; replicate r takes draw r modulo
            their number. Empty: the most probable ones.
        study_spread: kind of difference between studies -> SD; empty: the study is as the model says.
    """

    parameter_draws: tuple[ParameterSet, ...] = ()
    study_spread: Mapping[str, float] = field(default_factory=dict)

    def parameters(self, replicate: int) -> ParameterSet | None:
        """Drawn parameters of a replicate; None for the most probable ones."""
        draws = self.parameter_draws
        return draws[replicate % len(draws)] if draws else None

    def study(self, seed: int, replicate: int) -> StudyDifference:
        """How a replicate differs from the model beyond its design."""
        return StudyDifference(self.study_spread, seed, replicate)


BEST = Version()


def versions_of(draws: tuple[ParameterSet, ...], spread: Mapping[str, float]) -> dict[str, Version]:
    """Versions of a run by name: the most probable parameters, drawn ones, and another study on top.

    >>> list(versions_of((), {})), list(versions_of((), {"mood": 0.04}))
    (['best'], ['best', 'study'])
    """
    found = {"best": BEST}
    if draws:
        found["drawn"] = Version(draws)
    if spread:
        found["study"] = Version(draws, spread)
    return found
