"""Which step of the solver ladder a run takes, why, and which it cannot take."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._solver_report import SolverReport
from rekindle.engine.running._job import SOLVERS, Job
from rekindle.engine.running._outcomes import COUNTS, ON_CARD
from rekindle.errors import SolverError, nearest

Whole = NDArray[np.int64]


def refuse_unfit(job: Job) -> None:
    """Refuse a solver that does not exist or that this model does not permit.

    Raises:
        SolverError: with the reason.
    """
    if job.solver not in SOLVERS:
        raise SolverError(
            "RK-SOL-020",
            given=f'solver "{job.solver}"{nearest(job.solver, SOLVERS)}',
            allowed=f"solver: {', '.join(SOLVERS)}",
        )
    why = ""
    if job.solver == "L0" and job.compiled.system.nonlinear:
        stepped = job.compiled.system.nonlinear
        rest = f" and {len(stepped) - 3} more" if len(stepped) > 3 else ""
        watched = job.compiled.peak_names
        why = f"not solved exactly: {', '.join(stepped[:3])}{rest}"
        why += f"; peaks are watched: {', '.join(watched)}" if watched else ""
    if job.solver == "L2" and job.ramps:
        why = f"covariates move between records: {', '.join(job.ramps)}"
    if why:
        raise SolverError(
            "RK-SOL-021",
            given=f'solver "{job.solver}" for model "{job.model.name}"',
            why=f"This model does not permit it ({why})",
            remedy='Use solver "auto", which takes the fastest that fits, or "L1", which takes any model',
        )


def report(job: Job, counts: Whole, failed: Mapping[str, str], errors: Mapping[str, float]) -> SolverReport:
    """What was done for a job; ``counts`` has a row for each person, see ``COUNTS``."""
    steps, rejected, cycles, lanes, groups = (counts[:, i] for i in range(len(COUNTS)))
    system = job.compiled.system
    ladder = "L1" if not system.linear else "L1'" if system.nonlinear else "L0"
    if job.integrator == "L2" and (lanes > 0).any():
        ladder = "L2"
    on_card = int((lanes == ON_CARD).sum())
    return SolverReport(
        len(system.linear),
        len(system.nonlinear),
        job.tolerance,
        int(steps.sum()),
        int(rejected.sum()),
        int(cycles.sum()),
        ladder,
        int(lanes.max(initial=0)),
        int(groups.sum()),
        int((lanes == 0).sum()),
        dict(failed),
        _reason(job, ladder, on_card),
        dict(errors),
        on_card,
        _device_reason(job, on_card),
    )


def _device_reason(job: Job, on_card: int) -> str:
    group = job.device.group
    if group > 1 and not on_card and not job.card_troubles:
        return f"fewer than {group} people share their times of dosing"
    return "; ".join([job.device.reason, *job.card_troubles])


def _reason(job: Job, ladder: str, on_card: int) -> str:
    if job.solver != "auto":
        return "as asked for" if job.solver == ladder else f'"{job.solver}" was asked for'
    if on_card and ladder != "L2":
        return "a card steps by Rodas5P"
    suits = job.suitability
    if suits.suits and ladder != "L2":
        if job.ramps:
            return f"covariates move between records: {', '.join(job.ramps)}"
        return "everybody was run one at a time"
    return suits.reason
