"""How a study differs from the model beyond its design: the kinds of it, and what its arms share."""

from __future__ import annotations

import math

#: Kinds of difference: in improvement, as a share of baseline severity; in acute effects, relative; in the SD
#: of scores between people, relative; in a percentage of people beyond mean and SD, percentage points.
STUDY_KINDS = ("mood", "acute", "spread", "shape")
#: Differences between a study and the model are common to its arms in this share of variance (assumed).
SHARED_BETWEEN_ARMS = 0.5


def arm_difference(together: float, own: float) -> float:
    """Difference of one arm, for a spread of 1, from two standard normal numbers.

    Args:
        together: the number of the study, the same in all of its arms.
        own: the number of the arm.

    >>> round(arm_difference(1.0, 0.0) ** 2, 6), round(arm_difference(0.0, 1.0) ** 2, 6)
    (0.5, 0.5)
    """
    return math.sqrt(SHARED_BETWEEN_ARMS) * together + math.sqrt(1.0 - SHARED_BETWEEN_ARMS) * own
