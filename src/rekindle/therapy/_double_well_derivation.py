"""How the two wells of ``double_well.csv`` are placed."""

from __future__ import annotations

import math

import numpy as np

#: Tilt at which one of the two wells of x - x^3 vanishes.
FOLD = 2.0 / (3.0 * math.sqrt(3.0))


def derive_double_well(*, jump: float = 0.5, relapse: float = 0.2, least: float = 0.05) -> dict[str, float]:
    """h0_well, hE_well and start_well from the improvements at which people jump and fall back.

    The ill well of dx/dt = x - x^3 + tilt vanishes at tilt = 2/(3 sqrt 3), the well of health at minus that,
    with tilt = -h0 + hE logit(E).

    Args:
        jump: improvement (share) above which there is no ill well.
        relapse: improvement below which there is no well of health.
        least: improvement of an untreated person (``floor_well``), whose resting place is ``start_well``.

    >>> round(derive_double_well()["h0_well"], 4)
    -0.3849
    """
    up, down = (math.log(share / (1.0 - share)) for share in (jump, relapse))
    slope = 2.0 * FOLD / (up - down)
    offset = slope * up - FOLD
    tilt = slope * math.log(least / (1.0 - least)) - offset
    roots = np.roots([-1.0, 0.0, 1.0, tilt])
    start = min(float(root.real) for root in roots if abs(root.imag) < 1e-9)
    return {"h0_well": offset, "hE_well": slope, "start_well": start}
