"""How ``control_response.csv`` follows from the observed control arms of the development data."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from rekindle.therapy._control_response import expectancy_course
from rekindle.therapy._tables import read_table

#: Steps of the quadrature of the lag of mood.
_STEPS = 4000


def derive_control_response(parameters: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """A_class and P_class of every control class, by least squares on the observed fractions.

    Improvement of a control arm is the natural course composed with expectancy and followed with the lag of
    mood, so it is linear in A_class and P_class once the two time scales are chosen::

        Y(T) = integral over t of k(T - t) [1 - (1 - EX X(t)) (1 - A a(t) - P b(t))]
        a(t) = 1 - exp(-t/tau_class)    b(t) = exp(-t/tau_P)    k(s) = exp(-s/tauY)/tauY

    Contact does not fade in the classes that have observations (k_fade 0). Both are kept at 0 or above.
    Classes that are ``like`` another take its values.

    Args:
        parameters: x0, x1, EX (shares), kX (1/h) and tauY (h) of the therapy model.

    Returns:
        class -> the columns of ``control_response.csv`` that are numbers.

    >>> numbers = derive_control_response({"x0": 0.5, "x1": 0.3, "EX": 0.15, "kX": 0.00413, "tauY": 0.75})
    >>> numbers["open_label"]["A_class"]
    0.0
    """
    derived: dict[str, dict[str, float]] = {}
    for design in read_table("control_designs.csv"):
        numbers = {
            name: float(design[name])
            for name in ("tau_class", "k_fade", "tau_P", "believed_probability", "control_cue_size")
        }
        lasting, transient = 0.0, 0.0
        if design["like"]:
            source = derived[design["like"]]
            lasting, transient = source["A_class"], source["P_class"]
        else:
            targets = [
                row
                for row in read_table("control_targets.csv")
                if row["control_class"] == design["control_class"]
            ]
            if targets:
                lasting, transient = _least_squares(design, targets, numbers, parameters)
        derived[design["control_class"]] = {"A_class": lasting, "P_class": transient, **numbers}
    return derived


def _least_squares(
    design: Mapping[str, str],
    targets: list[dict[str, str]],
    numbers: Mapping[str, float],
    parameters: Mapping[str, float],
) -> tuple[float, float]:
    sessions = [24.0 * float(day) for day in design["session_days"].split(";")]
    matrix, wanted = [], []
    for row in targets:
        known, lasting, transient = _weights(float(row["time_h"]), sessions, numbers, parameters)
        matrix.append((lasting, transient))
        wanted.append(-float(row["change"]) / float(row["baseline"]) - known)
    both, right = np.array(matrix), np.array(wanted)
    best, best_error = np.zeros(2), float(right @ right)
    for columns in [(0, 1), (0,), (1,)] if design["transient"] == "yes" else [(0,)]:
        values = np.zeros(2)
        values[list(columns)] = np.linalg.lstsq(both[:, columns], right, rcond=None)[0]
        error = float(np.sum((both @ values - right) ** 2))
        if (values >= 0.0).all() and error < best_error:
            best, best_error = values, error
    return float(best[0]), float(best[1])


def _weights(
    time: float, sessions: list[float], numbers: Mapping[str, float], parameters: Mapping[str, float]
) -> tuple[float, float, float]:
    """What expectancy alone gives at this time, and what one unit of A_class and of P_class adds."""
    lag = parameters["tauY"]
    # Midpoints of equal shares of the kernel between the start and this time.
    reached = 1.0 - math.exp(-time / lag)
    shares = (np.arange(_STEPS) + 0.5) / _STEPS * reached
    moments = time + lag * np.log1p(-shares)
    expectancy = np.array(
        expectancy_course(
            moments.tolist(),
            sessions,
            believed_probability=numbers["believed_probability"],
            control_cue_size=numbers["control_cue_size"],
            x0=parameters["x0"],
            x1=parameters["x1"],
            kX=parameters["kX"],
        )
    )
    left = 1.0 - parameters["EX"] * expectancy
    mean = reached / _STEPS
    lasting = mean * float(np.sum(left * -np.expm1(-moments / numbers["tau_class"])))
    transient = mean * float(np.sum(left * np.exp(-moments / numbers["tau_P"])))
    return mean * float(np.sum(1.0 - left)), lasting, transient
