"""How sure a predicted score is, by source: parameters, mechanism, clinics, people, raters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.people._random import Stream, random_generator
from rekindle.people._simulate import course_model, simulate_courses
from rekindle.people._treatment import Course, Setting
from rekindle.people._variability import default_variability
from rekindle.therapy import (
    ParameterSet,
    calibration,
    is_ketamine,
    mechanism_weights,
    parameter_draws,
    residual_errors,
    therapy_model,
)

if TYPE_CHECKING:
    from rekindle.people._person import Person
    from rekindle.regimen import Regimen
    from rekindle.therapy import Compound

Array = NDArray[np.float64]

_SCORE = "madrs_latent"
_QUANTILES = (0.05, 0.95)
#: People of each draw; the same ones in all, so that their choice does not pass for uncertainty.
_PEOPLE = 40
#: Clinics that stand for all: one from each of as many equal shares of their differences.
_CLINICS = 21
_LOWEST, _HIGHEST = 0.0, 60.0


@dataclass(frozen=True, slots=True)
class ScoreUncertainty:
    """MADRS at one time (h from the first dose), and the SD of what is not known of it, points.

    Attributes:
        time_h: time.
        mean: expected score.
        parameters: what the calibration leaves open.
        mechanisms: which hypothesis of the mood effect holds.
        studies: how clinics and studies of one design differ from the model.
        people: how people with the same facts differ.
        raters: error of one rating.
        mean_low, mean_high: 90 % interval of the mean score of such people in one clinic.
        low, high: 90 % interval of one rated score of one such person (all sources).
    """

    time_h: float
    mean: float
    parameters: float
    mechanisms: float
    studies: float
    people: float
    raters: float
    mean_low: float
    mean_high: float
    low: float
    high: float


def score_uncertainty(
    regimen: Regimen,
    people: Sequence[Person],
    times: Sequence[float],
    *,
    setting: Setting | None = None,
    compound: Compound | None = None,
    weights: Mapping[str, float] | None = None,
    switches: Mapping[str, str] | None = None,
    parameters: Mapping[str, float] | None = None,
    draws: int = 8,
    seed: int = 1,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ScoreUncertainty, ...]:
    """Split the uncertainty of a predicted MADRS score into its sources.

    The first people are simulated at parameter sets drawn for each mechanism (``parameter_draws``).
    Their mean differs between draws by the parameters and between mechanisms; within a draw the people
    differ. Differences between clinics have the size that studies of one design were found to have. By the
    law of total variance the squares of the parts add up to the variance of one rated score.

    Args:
        regimen: what is given.
        people: whom it is given to; the first 40 are simulated.
        times: times of the scores, h from the first dose.
        setting, compound, switches: see ``simulate_people``; a mechanism in the switches is not used.
        weights: mechanism -> weight; default ``rekindle.therapy.mechanism_weights()``.
        parameters: values that the user fixes; they are then known.
        draws: parameter sets for each mechanism, at least 2.
        seed: seed of people and draws.
        workers: processes; the numbers do not depend on it.
        progress: called with (simulations done, simulations in all).

    Returns:
        One item for each time.

    >>> from rekindle.people import Person
    >>> from rekindle.regimen import parse_regimen
    >>> dose = parse_regimen("ketamine 0.5 mg/kg iv over 40 min")
    >>> (day,) = score_uncertainty(dose, [Person(n) for n in range(1, 9)], [24.0], draws=3)
    >>> day.low < day.mean_low < day.mean < day.mean_high < day.high
    True
    """
    chosen = dict(weights or mechanism_weights())
    crowd = list(people)[:_PEOPLE]
    scores: dict[str, Array] = {}
    done, total = 0, draws * len(chosen)
    for mechanism in chosen:
        generator = random_generator(seed, 0, 0, 0, Stream.PARAMETERS, f"draws {mechanism}")
        found = []
        for drawn in parameter_draws(mechanism, draws, generator):
            found.append(
                _scores(
                    regimen, crowd, times, setting or Setting(), compound, drawn,
                    {**(switches or {}), "mechanism": mechanism}, parameters or {}, seed, workers,
                )
            )  # fmt: skip
            done += 1
            if progress is not None:
                progress(done, total)
        scores[mechanism] = np.array(found)
    return tuple(
        _split(time, _Parts.at(scores, chosen, place, crowd, seed)) for place, time in enumerate(times)
    )


def _scores(
    regimen: Regimen,
    people: Sequence[Person],
    times: Sequence[float],
    setting: Setting,
    compound: Compound | None,
    drawn: ParameterSet,
    switches: Mapping[str, str],
    given: Mapping[str, float],
    seed: int,
    workers: int,
) -> Array:
    """Scores of everybody at one parameter set, shape (people, times)."""
    model = course_model(regimen, compound, people, **switches)
    control = drawn.control.get(setting.control_class or "", {})
    kinetics = drawn.pharmacokinetics if compound is None or is_ketamine(compound) else {}
    moved = {**kinetics, **drawn.values, **control, **given}
    variability = default_variability(mechanism=switches["mechanism"])
    variability = variability.with_spread(drawn.spread).with_correlation(drawn.correlation)
    found = simulate_courses(
        {person: [Course(regimen)] for person in people},
        times=times,
        model=model,
        setting=setting,
        variability=variability,
        outputs=[_SCORE],
        parameters={name: value for name, value in moved.items() if name in model.parameters},
        seed=seed,
        workers=workers,
    )
    return np.asarray(found[_SCORE])


@dataclass(frozen=True)
class _Parts:
    """Scores at one time with everything that may come on top of them.

    Shapes: ``shares`` and ``studies`` (mechanisms,), ``scores`` (mechanisms, draws, people), ``errors`` of
    raters (mechanisms, draws, people, 1 or clinics).
    """

    shares: Array
    scores: Array
    errors: Array
    studies: Array
    raters: float

    @classmethod
    def at(
        cls, scores: Mapping[str, Array], weights: Mapping[str, float], place: int, people: Sequence[Person],
        seed: int,
    ) -> _Parts:  # fmt: skip
        found = np.array([values[:, :, place] for values in scores.values()])
        raters = next(float(row["sd"]) for row in residual_errors() if row["observation"] == "madrs")
        default = therapy_model().covariates["madrs_baseline"].default
        baseline = float(np.mean([default if p.madrs_baseline is None else p.madrs_baseline for p in people]))
        studies = np.array([baseline * calibration(name).study_spread["mood"] for name in scores])
        generator = random_generator(seed, 0, 0, 0, Stream.OBSERVATION, f"uncertainty {place}")
        return cls(
            np.array([weights[name] for name in scores]),
            found,
            raters * generator.standard_normal((*found.shape, _CLINICS)),
            studies,
            raters,
        )


def _split(time: float, parts: _Parts) -> ScoreUncertainty:
    """Parts of the variance at one time."""
    from scipy.special import ndtri

    shares = parts.shares
    means = parts.scores.mean(axis=2)
    centres = means.mean(axis=1)
    mean = float(shares @ centres)
    clinics = parts.studies[:, None] * ndtri((np.arange(_CLINICS) + 0.5) / _CLINICS)
    rated = parts.scores[..., None] + clinics[:, None, None, :] + parts.errors
    low, high = _quantiles(np.clip(rated, _LOWEST, _HIGHEST), shares)
    mean_low, mean_high = _quantiles(means[..., None] + clinics[:, None, :], shares)
    return ScoreUncertainty(
        time_h=time,
        mean=mean,
        parameters=float(np.sqrt(shares @ means.var(axis=1))),
        mechanisms=float(np.sqrt(shares @ (centres - mean) ** 2)),
        studies=float(np.sqrt(shares @ parts.studies**2)),
        people=float(np.sqrt(shares @ parts.scores.var(axis=2).mean(axis=1))),
        raters=parts.raters,
        mean_low=mean_low,
        mean_high=mean_high,
        low=low,
        high=high,
    )


def _quantiles(values: Array, shares: Array) -> tuple[float, float]:
    """Quantiles of a mixture; the first axis is that of the shares."""
    flat = values.reshape(len(shares), -1)
    weights = np.repeat(shares / flat.shape[1], flat.shape[1])
    order = np.argsort(flat, axis=None, kind="stable")
    low, high = np.interp(_QUANTILES, np.cumsum(weights[order]), flat.ravel()[order]).tolist()
    return low, high
