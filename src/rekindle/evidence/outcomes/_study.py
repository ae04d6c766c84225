"""What one study shows beyond its design: how its numbers follow when its people improve more or less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence.outcomes._reading import IMPROVEMENT, Reading
from rekindle.evidence.outcomes._simulation import Course

Array = NDArray[np.float64]

#: Kinds of difference: in improvement, as a share of baseline severity; in acute effects, relative; in the SD
#: of scores between people, relative; in a percentage of people beyond mean and SD, percentage points.
MOOD, ACUTE, SPREAD, SHAPE = "mood", "acute", "spread", "shape"
#: Differences between a study and the model are common to its arms in this share of variance (assumed).
SHARED = 0.5
_STEPS = {MOOD: 0.02, ACUTE: 0.1}


def kind_of(reading: Reading) -> str:
    """Which kind of difference moves a reading."""
    return MOOD if IMPROVEMENT in reading.outputs else ACUTE


def moved(course: Course, kind: str) -> tuple[Course, float]:
    """The course of an arm whose people differ from the model, and by how much."""
    step = _STEPS[kind]
    outputs = {
        name: values * (1.0 + step) if kind == ACUTE else values + step * (name == IMPROVEMENT)
        for name, values in course.outputs.items()
    }
    return replace(course, outputs=outputs), step


def between_studies(moves: Array) -> Array:
    """Covariance of numbers between studies, for a spread of 1.

    Args:
        moves: slope of each number when one arm is moved, shape (numbers, arms).

    >>> between_studies(np.array([[1.0, -1.0]])).tolist()
    [[1.0]]
    """
    together = moves.sum(axis=1)
    return np.asarray(SHARED * np.outer(together, together) + (1.0 - SHARED) * moves @ moves.T)
