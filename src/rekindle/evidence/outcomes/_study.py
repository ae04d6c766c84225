"""What one study shows beyond its design: how its numbers follow when its people improve more or less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence.outcomes._reading import IMPROVEMENT, Reading
from rekindle.evidence.outcomes._simulation import Course
from rekindle.therapy import SHARED_BETWEEN_ARMS, STUDY_KINDS

Array = NDArray[np.float64]

MOOD, ACUTE, SPREAD, SHAPE = STUDY_KINDS
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
    own = (1.0 - SHARED_BETWEEN_ARMS) * moves @ moves.T
    return np.asarray(SHARED_BETWEEN_ARMS * np.outer(together, together) + own)
