"""Radau IIA collocation on seven nodes: constants of the cascade solver.

On a step of size h from (t, y) the solution is the polynomial u of degree 7 with u(t) = y that satisfies the
equations at the nodes t + c_i h. With Z_i = u(t + c_i h) - y this is::

    sum_j INVERSE_ij Z_j = h f(t + c_i h, y + Z_i)

The end of a step has order 13, the polynomial between the nodes order 8. INVERSE is the derivative of the
interpolating polynomial at the nodes, so that it is known to rounding.

References:
    Hairer E, Wanner G (1996) Solving Ordinary Differential Equations II, 2nd ed., sections IV.5 and IV.8.
    doi:10.1007/978-3-642-05221-7
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STAGES = 7
#: Numbers kept of every quantity: one for each node, and one for the start of the segment.
PLACES = STAGES + 1
START = STAGES
#: The node whose slope stands for the step in a sweep.
MIDDLE = 3
#: Order of the polynomial between the nodes, which the step control keeps within the tolerance.
ORDER = 8
#: Roots of the difference of the shifted Legendre polynomials of degree 7 and 6.
NODES = (
    0.02931642715978489197, 0.14807859966848429185, 0.33698469028115429910, 0.55867151877155013208,
    0.76923386203005450092, 0.92694567131974111485, 1.0,
)  # fmt: skip

_POINTS = np.array((0.0, *NODES))


def _barycentric() -> Array:
    gaps = _POINTS[:, None] - _POINTS[None, :] + np.eye(STAGES + 1)
    return np.asarray(1.0 / gaps.prod(axis=1))


def _derivatives() -> Array:
    """Row i: slope at point i of the polynomials that are 1 at one point and 0 at the others."""
    weights = _barycentric()
    gaps = _POINTS[:, None] - _POINTS[None, :] + np.eye(STAGES + 1)
    slopes = weights[None, :] / weights[:, None] / gaps
    np.fill_diagonal(slopes, (1.0 / gaps).sum(axis=1) - 1.0)
    return np.asarray(slopes)


_SLOPES = _derivatives()
#: Weights of the interpolating polynomials at the nodes, without the one that belongs to the start.
WEIGHTS = _barycentric()[1:]
INVERSE = _SLOPES[1:, 1:]
#: h u'(t) from the increments Z.
START_SLOPE = _SLOPES[0, 1:]
#: h u'(t + h) from the increments Z.
END_SLOPE = _SLOPES[STAGES, 1:]
#: Collocation matrix: Z = COLLOCATION h f.
COLLOCATION = np.linalg.inv(INVERSE)


def _modes() -> tuple[Array, Array, Array]:
    """Columns V and numbers (a, b) of each pair with INVERSE V = V [[a, b], [-b, a]]; the last has b = 0."""
    values, vectors = np.linalg.eig(INVERSE)
    columns, numbers = [], []
    for place in sorted(np.flatnonzero(values.imag >= 0.0), key=lambda i: -values[i].imag):
        column = vectors[:, place]
        # Turned so that real and imaginary part are at right angles, which conditions the columns best.
        column = column * np.exp(-0.5j * np.angle((column * column).sum()))
        columns += [column.real, column.imag] if values[place].imag else [column.real]
        numbers.append((values[place].real, values[place].imag))
    matrix = np.array(columns).T
    return matrix, np.linalg.inv(matrix), np.array(numbers)


#: INVERSE = MODES blockdiag(MODE_NUMBERS) TO_MODES, real.
MODES, TO_MODES, MODE_NUMBERS = _modes()


def _defect_share() -> float:
    """Largest error that a defect of size 1 at the start leaves inside a step.

    The defect of a collocation polynomial is the node polynomial times a slowly varying factor.
    """
    nodes = np.poly1d(NODES, r=True)
    area = nodes.integ()
    inside = np.abs(area(np.array((*NODES[:-1], 1.0))) - area(0.0))
    return float(inside.max() / abs(nodes(0.0)))


DEFECT_SHARE = _defect_share()
#: A state that decays at the rate k takes away from that error as if it were divided by 1 + DECAY_SHARE k h.
DECAY_SHARE = 1.0 / 40.0
