"""The most probable parameters, by Gauss-Newton steps with the covariance of the misses kept up to date.

Predicted numbers are means over virtual people, the same ones at every point, so that they are smooth in the
parameters. Each step makes them linear around the present point, by differences over ``STEP`` prior SDs, and
solves the weighted least-squares problem with its prior inside a box (``scipy.optimize.lsq_linear``); the
weights are then those of the new point. The fixed point solves the quasi-score equations. Between steps the
spread between studies is the most probable one given the misses.

References:
    Wedderburn RWM (1974) Quasi-likelihood functions, generalized linear models, and the Gauss-Newton method.
    Biometrika 61:439-447. doi:10.1093/biomet/61.3.439
    Wood SN (2010) Statistical inference for noisy nonlinear ecological dynamic systems. Nature 466:1102-1104
    (normal likelihood of simulated summaries). doi:10.1038/nature09319
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence.calibration._free_parameters import free_parameters
from rekindle.evidence.calibration._problem import Blocks, Problem
from rekindle.evidence.calibration._study_spread import log_prior, most_probable_spread, prior_spread

Array = NDArray[np.float64]

STEP = 0.4
#: Largest move of one parameter in one step, prior SDs.
_BOX = 1.0
_HALVINGS = 4
#: A gain of log posterior that does not matter beside the width of the posterior.
_ENOUGH = 0.1


@dataclass(frozen=True)
class Slopes:
    """Blocks at a point, and the slopes of their predicted numbers, each (numbers, parameters)."""

    point: Array
    base: Blocks
    slopes: tuple[Array, ...]

    def information(self, spread: Mapping[str, float]) -> Array:
        """Expected information of each study, shape (studies, parameters, parameters)."""
        return np.array(
            [
                slope.T @ np.linalg.solve(block.covariance(spread), slope)
                for block, slope in zip(self.base, self.slopes, strict=True)
            ]
        )

    def gradients(self, spread: Mapping[str, float]) -> Array:
        """Quasi-score of each study, shape (studies, parameters)."""
        return np.array(
            [
                slope.T @ np.linalg.solve(block.covariance(spread), block.observed - block.predicted)
                for block, slope in zip(self.base, self.slopes, strict=True)
            ]
        )


@dataclass(frozen=True)
class Fit:
    """The most probable point, what is known around it, and how it was reached.

    ``history`` holds the log posterior after each step.
    """

    problem: Problem
    slopes: Slopes
    study_spread: Mapping[str, float]
    history: tuple[float, ...]
    converged: bool

    @property
    def point(self) -> Array:
        """Most probable parameters in standard units."""
        return self.slopes.point

    @property
    def precision(self) -> Array:
        """Inverse of the posterior covariance in standard units; the prior adds the identity."""
        return np.asarray(self.slopes.information(self.study_spread).sum(axis=0) + np.eye(len(self.point)))

    @property
    def covariance(self) -> Array:
        """Posterior covariance in standard units."""
        return np.asarray(np.linalg.inv(self.precision))


def fit(
    problem: Problem,
    *,
    workers: int = 1,
    most_steps: int = 12,
    progress: Callable[[int, float], None] | None = None,
) -> Fit:
    """Find the most probable parameters.

    Args:
        problem: what is to be met.
        workers: processes; the numbers do not depend on it.
        most_steps: steps after which the search ends, converged or not.
        progress: called after each step with its number and the log posterior.
    """
    point, spread = np.zeros(len(free_parameters())), prior_spread()
    history: list[float] = []
    settled, box = False, _BOX
    for number in range(most_steps + 1):
        spread = most_probable_spread(problem.blocks(point))
        history.append(log_posterior(problem, point, spread))
        if progress is not None:
            progress(number, history[-1])
        settled = number > 0 and abs(history[-1] - history[-2]) < _ENOUGH
        if settled or number == most_steps:
            break
        move = _step(_slopes(problem, point, workers), spread, box)
        point, box = _shortened(problem, point, move, spread, box)
    return Fit(problem, _slopes(problem, point, workers), spread, tuple(history), settled)


def log_posterior(problem: Problem, point: Array, spread: Mapping[str, float]) -> float:
    """Log posterior of a point and of the spread between studies, up to a constant."""
    likelihood = sum(block.log_likelihood(spread) for block in problem.blocks(point))
    return likelihood - 0.5 * float(point @ point) + log_prior(spread)


def _step(slopes: Slopes, spread: Mapping[str, float], box: float) -> Array:
    """Move to the most probable point of the linear problem, inside the box."""
    from scipy.optimize import lsq_linear

    rows, wanted = [np.eye(len(slopes.point))], [-slopes.point]
    for block, slope in zip(slopes.base, slopes.slopes, strict=True):
        root = np.linalg.cholesky(block.covariance(spread))
        rows.append(np.linalg.solve(root, slope))
        wanted.append(np.linalg.solve(root, block.observed - block.predicted))
    return np.asarray(lsq_linear(np.vstack(rows), np.concatenate(wanted), bounds=(-box, box)).x)


def _shortened(
    problem: Problem, point: Array, move: Array, spread: Mapping[str, float], box: float
) -> tuple[Array, float]:
    """The end of the move, or of the first half of halves of it that is better; the box follows it down.

    Where none is better the point is the most probable one.
    """
    before = log_posterior(problem, point, spread)
    for _ in range(_HALVINGS):
        if log_posterior(problem, point + move, most_probable_spread(problem.blocks(point + move))) > before:
            return point + move, box
        move, box = move / 2.0, box / 2.0
    return point, box


def _slopes(problem: Problem, at: Array, workers: int) -> Slopes:
    base = problem.blocks(at)
    points = [at + STEP * direction for direction in np.eye(len(at))]
    if workers > 1:
        # Forked after the point itself is known, so that every process finds its simulations.
        with multiprocessing.get_context("fork").Pool(workers, _inherit, (problem,)) as pool:
            moved = pool.map(_blocks, points, chunksize=1)
        for point, blocks in zip(points, moved, strict=True):
            problem.keep(point, blocks)
    else:
        moved = [problem.blocks(point) for point in points]
    slopes = tuple(
        np.array([(blocks[place].predicted - block.predicted) / STEP for blocks in moved]).T
        for place, block in enumerate(base)
    )
    return Slopes(at, base, slopes)


_inherited: list[Problem] = []


def _inherit(problem: Problem) -> None:
    _inherited[:] = [problem]


def _blocks(point: Array) -> Blocks:
    return _inherited[0].blocks(point)
