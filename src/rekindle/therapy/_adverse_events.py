"""Reports of adverse events: from the exposure of each session to the share of people who report one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rekindle.errors import ParameterError, nearest
from rekindle.therapy._models import therapy_model
from rekindle.therapy._tables import read_table

#: Points of the quadrature over people.
_NODES = 60
#: Effects that are known to occur, without an incidence that a model could be set to.
_WITHOUT_INCIDENCE = ("confusion", "agitation")


def adverse_events() -> tuple[str, ...]:
    """Names of the adverse events with an incidence.

    >>> "nausea" in adverse_events()
    True
    """
    return tuple(row["event"] for row in read_table("adverse_event_targets.csv"))


def check_adverse_event(event: str) -> str:
    """Return the name of an adverse event that is modelled.

    Raises:
        ParameterError: an unknown event, or one without a usable incidence (confusion, agitation).
    """
    if event in _WITHOUT_INCIDENCE:
        raise ParameterError(
            "RK-PAR-043",
            given=f'adverse event "{event}"',
            allowed=f"Events: {', '.join(adverse_events())}",
            why="It occurs, but no incidence is known that could be used, so it is not modelled",
            remedy="Anxiety is the nearest reported event",
        )
    if event not in adverse_events():
        raise ParameterError(
            "RK-PAR-044",
            given=f'adverse event "{event}"{nearest(event, adverse_events())}',
            allowed=f"Events: {', '.join(adverse_events())}",
        )
    return event


def adverse_event_incidence(event: str, areas_uM_h: Sequence[float]) -> float:
    """Share of people who report an event at least once over a course.

    In one person the sessions are independent given a tendency of that person, whose logarithm is normal
    (``adverse_tendency`` in ``variability.csv``, assumed, the same tendency for all events).

    Args:
        event: one of ``adverse_events``.
        areas_uM_h: exposure of every session, the output ``early_exposure`` one hour after its start or later
            (uM*h); 0 for a session without drug.

    Returns:
        A share, 0 to 1.

    Raises:
        ParameterError: an unknown event or a negative exposure.

    >>> round(adverse_event_incidence("headache", [0.0] * 8), 2)
    0.17
    """
    check_adverse_event(event)
    areas = np.asarray(areas_uM_h, dtype=float)
    if not (np.isfinite(areas).all() and (areas >= 0.0).all()):
        raise ParameterError(
            "RK-PAR-045", given="exposure of a session", allowed="Finite areas of 0 or more, in uM*h"
        )
    a, b, scale = (_value(name) for name in (f"adverse_a_{event}", f"adverse_b_{event}", "adverse_area"))
    return share_with_report(a + b * np.log1p(areas / scale), tendency_spread())


def share_with_report(log_odds: NDArray[np.float64], spread: float) -> float:
    """Share of people with a report in at least one session, for a normal spread of log-odds.

    Args:
        log_odds: of the typical person, one for each session.
        spread: standard deviation of the log-odds between people.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    shifted = np.asarray(log_odds)[:, None] + spread * nodes[None, :]
    without = np.exp(-np.logaddexp(0.0, shifted).sum(axis=0))
    return float(1.0 - weights @ without / math.sqrt(2.0 * math.pi))


def tendency_spread() -> float:
    """Standard deviation of the log-odds of a report between people."""
    rows = read_table("parameters/variability.csv")
    return next(float(row["omega"]) for row in rows if row["parameter"] == "adverse_tendency")


def _value(name: str) -> float:
    value = therapy_model(parameters="nominal").parameters[name].value
    assert value is not None, "the data file gives all three"
    return value
