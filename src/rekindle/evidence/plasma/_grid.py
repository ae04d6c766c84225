"""At what times a simulation is looked at, so that areas, peaks and slopes come out right.

Areas use Gauss-Legendre quadrature on panels that start at every beginning and end of an input and double
in width from there. The last ones reach thousands of hours: an area to infinity needs no extrapolation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NODES = 6
_FIRST_PANEL_H = 0.02
_HORIZON_H = 6000.0
#: Step and length of the stretches in which a peak is looked for, after each beginning or end of an input.
_FINE_STEP_H, _FINE_LENGTH_H = 1.0 / 60.0, 1.5
_COARSE_STEP_H, _COARSE_LENGTH_H = 5.0 / 60.0, 8.0
_LAST_STEP_H, _LAST_LENGTH_H = 0.5, 48.0
#: Just after a moment at which an input begins; the engine can tell it apart.
_INSTANT_H = 2e-8
#: After the last input: the stretch whose slope is the terminal one.
_SLOPE_H = (120.0, 144.0)


def panels(breaks: Sequence[float], ends: Iterable[float]) -> Array:
    """Edges of quadrature panels from the first break to the horizon, with every finite end among them."""
    edges = {*breaks, _HORIZON_H, *(end for end in ends if math.isfinite(end))}
    stops = [*sorted(breaks)[1:], _HORIZON_H]
    for start, stop in zip(sorted(breaks), stops, strict=True):
        width = _FIRST_PANEL_H
        while start + width < stop:
            edges.add(start + width)
            width *= 2.0
    return np.array(sorted(edges))


def quadrature(edges: Array) -> tuple[Array, Array]:
    """Times and weights of the panels between the edges; sum(weights * values) is the area.

    >>> times, weights = quadrature(panels([0.0], [2.0]))
    >>> area = weights[times < 2.0] @ np.exp(-times[times < 2.0])
    >>> bool(abs(area - (1 - np.exp(-2))) < 1e-9)
    True
    """
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    middle, half = (edges[1:] + edges[:-1]) / 2.0, np.diff(edges) / 2.0
    times = middle[:, None] + half[:, None] * nodes
    return times.ravel(), (half[:, None] * weights).ravel()


def peak_times(breaks: Sequence[float], start: float) -> Array:
    """Times at which a peak after ``start`` is looked for; one a minute after an input begins or ends."""
    last = max(breaks)
    pieces = [np.array([start, *breaks]), np.array(breaks) + _INSTANT_H]
    for moment in breaks:
        pieces.append(np.arange(moment, moment + _FINE_LENGTH_H, _FINE_STEP_H))
    pieces.append(np.arange(start, last + _COARSE_LENGTH_H, _COARSE_STEP_H))
    pieces.append(np.arange(last, last + _LAST_LENGTH_H, _LAST_STEP_H))
    times = np.unique(np.concatenate(pieces))
    return times[times >= start]


def around(times: Array, place: int, count: int = 121) -> Array:
    """Times close together around one of ``times``, between its neighbours."""
    low, high = times[max(place - 1, 0)], times[min(place + 1, len(times) - 1)]
    return np.unique(np.append(np.linspace(low, high, count), times[place]))


def slope_times(breaks: Sequence[float]) -> Array:
    """Two times between which the terminal slope is read."""
    return np.array([max(breaks) + hours for hours in _SLOPE_H])
