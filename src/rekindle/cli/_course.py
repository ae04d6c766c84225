"""Simulate a regimen in people, with what is not known of the score and with ratings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rekindle.cli._course_outputs import MOOD, wanted_outputs
from rekindle.cli._people import Group

if TYPE_CHECKING:
    from rekindle.engine import Trajectory
    from rekindle.modelling import Model
    from rekindle.people import ScoreUncertainty, Setting
    from rekindle.regimen import Regimen
    from rekindle.therapy import Compound

_SCALE = "MADRS"


@dataclass(frozen=True)
class Request:
    """Everything that determines the numbers of a simulated course; ``model`` receives the doses."""

    regimen: Regimen
    model: Model
    compound: Compound | None
    group: Group
    setting: Setting
    pharmacokinetics: str
    switches: Mapping[str, str]
    parameters: Mapping[str, float]
    seed: int
    duration_h: float | None
    outputs: Sequence[str]
    notes: Sequence[str] = field(default=())
    extrapolate: bool = False


def run_course(
    request: Request,
    *,
    workers: int,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    estimate_error: bool = False,
    device: str = "auto",
) -> Trajectory:
    """Solve the model for everybody."""
    from rekindle.people import output_times, simulate_people

    return simulate_people(
        request.regimen,
        request.group.people,
        times=output_times(request.regimen, request.duration_h),
        outputs=wanted_outputs(request.model, request.outputs),
        setting=request.setting,
        compound=request.compound,
        pharmacokinetics=request.pharmacokinetics,
        switches=request.switches,
        typical=request.group.typical,
        parameters=request.parameters,
        allow_extrapolation=request.extrapolate,
        seed=request.seed,
        workers=workers,
        checkpoint=checkpoint,
        progress=progress,
        estimate_error=estimate_error,
        device=device,
    )


def how_sure(
    request: Request,
    trajectory: Trajectory,
    *,
    draws: int,
    mechanism: str | None,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ScoreUncertainty, ...]:
    """What is not known of the score, by source, on the days of the summary; nothing without mood.

    A mechanism that the user chose is taken as true.
    """
    from rekindle.people import score_uncertainty
    from rekindle.report import SCORE_DAYS
    from rekindle.therapy import calibrated_mechanisms

    assert trajectory.grid is not None
    known = mechanism is None or mechanism in calibrated_mechanisms()
    if draws < 2 or not known or request.group.typical or MOOD not in trajectory.names:
        return ()
    times = [24.0 * day for day in SCORE_DAYS if np.isclose(trajectory.grid, 24.0 * day).any()]
    return score_uncertainty(
        request.regimen,
        request.group.people,
        times,
        setting=request.setting,
        compound=request.compound,
        weights=None if mechanism is None else {mechanism: 1.0},
        switches=request.switches,
        parameters=request.parameters,
        draws=draws,
        seed=request.seed,
        workers=workers,
        progress=progress,
    )


def rated_scores(request: Request, trajectory: Trajectory, days: Sequence[float]) -> dict[float, np.ndarray]:
    """MADRS on some days as raters would write it down; each person has random numbers of their own."""
    from rekindle.people import Stream, random_generator
    from rekindle.trials import rating_scale

    assert trajectory.grid is not None
    scale = rating_scale(_SCALE)
    found = [day for day in days if np.isclose(trajectory.grid, 24.0 * day).any()]
    places = [int(np.flatnonzero(np.isclose(trajectory.grid, 24.0 * day))[0]) for day in found]
    latent = trajectory[MOOD][:, places]
    rated = np.array(
        [
            scale.rate(scores, random_generator(request.seed, 0, person, 0, Stream.OBSERVATION, _SCALE))
            for person, scores in zip(trajectory.ids, latent, strict=True)
        ]
    )
    return {day: rated[:, column] for column, day in enumerate(found)}


def entry_scores(request: Request) -> np.ndarray:
    """MADRS at entry of everybody."""
    default = request.model.covariates["madrs_baseline"].default
    return np.array(
        [
            default if person.madrs_baseline is None else person.madrs_baseline
            for person in request.group.people
        ],
        dtype=float,
    )


def reached_shares(request: Request, trajectory: Trajectory) -> dict[float, dict[str, float]]:
    from rekindle.report import SCORE_DAYS
    from rekindle.trials import endpoint

    baseline = entry_scores(request)
    rules = [endpoint(name, _SCALE) for name in ("response", "remission")]
    return {
        day: {rule.label: float(np.mean(rule.reached(scores, baseline))) for rule in rules}
        for day, scores in rated_scores(request, trajectory, SCORE_DAYS).items()
    }
