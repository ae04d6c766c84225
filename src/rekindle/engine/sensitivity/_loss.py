"""Numbers made of outputs, with their slopes: what ``loss_gradient`` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rekindle.engine._trajectory import Trajectory
from rekindle.errors import SolverError

Array = NDArray[np.float64]

#: From the trajectory to a number and its slopes: output -> array of the shape of that output.
Loss = Callable[[Trajectory], tuple[float, Mapping[str, Array]]]


def least_squares(output: str, observed: ArrayLike | None = None, *, sd: ArrayLike = 1.0) -> Loss:
    """Half the sum of squared residuals of one output: the sum of ((output - observed)/sd)**2/2.

    Args:
        output: what was observed.
        observed: values in the unit of the output and of its shape; NaN where nothing was observed. None
            takes the column DV of the observation records, without those that MDV marks as missing.
        sd: standard deviation of the residuals in the unit of the output, one or of the shape of the output.

    Returns:
        A loss for ``loss_gradient``. Losses can be added: write a function that adds values and slopes.

    Raises:
        SolverError: when the loss is taken, if there is nothing to compare with, if a value is censored
            (CENS), or if a standard deviation is not positive.

    >>> from rekindle import EventTable, load_model
    >>> from rekindle.engine import loss_gradient
    >>> text = "model m\\ntime [h]\\nparameter k [1/h] = 0.1\\nstate C [mg]\\nd/dt(C) = -k*C\\noutput A = C"
    >>> model = load_model(text)
    >>> rows = [dict(ID=1, TIME=0, AMT=100, CMT="C"), dict(ID=1, TIME=10, EVID=0, DV=50)]
    >>> value, gradient = loss_gradient(
    ...     model, EventTable.from_rows(rows, model), loss=least_squares("A", sd=5), with_respect_to=["k"])
    >>> round(value, 3), gradient.round(2).tolist()
    (3.491, [194.42])
    """

    def loss(found: Trajectory) -> tuple[float, Mapping[str, Array]]:
        own = found[output]
        wanted = _observed(found, output) if observed is None else np.asarray(observed, dtype=float)
        spread = np.asarray(sd, dtype=float)
        if not (np.isfinite(spread).all() and (spread > 0.0).all()):
            raise SolverError(
                "RK-SOL-067", given=f"sd of the residuals of {output}", allowed="Finite numbers above 0"
            )
        wanted = np.broadcast_to(wanted, own.shape)
        there = np.isfinite(wanted)
        if not there.any():
            raise SolverError(
                "RK-SOL-068",
                given=f"no observed value of {output}",
                remedy="Give observed=..., or a table with DV and no times",
            )
        residuals = np.where(there, (own - np.where(there, wanted, 0.0)) / spread, 0.0)
        return float((residuals**2).sum() / 2), {output: residuals / spread}

    return loss


def _observed(found: Trajectory, output: str) -> Array:
    """The column DV, with NaN where nothing was observed."""
    carried: Mapping[str, tuple[Any, ...]] = found.carried
    if any(carried.get("CENS", ())):
        raise SolverError(
            "RK-SOL-069",
            given=f"censored observations of {output} (CENS is 1)",
            why="Their residuals are not known",
            remedy="Leave them out, or write a loss with their likelihood",
        )
    values = carried.get("DV", (None,) * len(found.time))
    missing = carried.get("MDV", (0,) * len(found.time))
    return np.array(
        [
            np.nan if value is None or marked else float(value)
            for value, marked in zip(values, missing, strict=True)
        ]
    ).reshape(found[output].shape)
