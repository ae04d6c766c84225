"""From a latent score to what a rater writes down."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from rekindle.errors import ParameterError, nearest

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RatingScale:
    """A scale with its range and the error of one rating.

    ``kind`` additive: normal error with SD ``sd`` in points. ``kind`` proportional: gamma error with
    coefficient of variation ``sd``.

    ``background`` is the mean of what people score without any drug, gamma distributed with coefficient of
    variation ``background_cv`` (above 1 most people score 0 and few much). It belongs to the person and is
    drowned by a larger effect of the drug, not added to it.
    """

    name: str
    low: float
    high: float
    kind: str
    sd: float
    mark: str
    source: str
    description: str = ""
    background: float = 0.0
    background_cv: float = 0.0

    def rate(self, latent: Array, generator: Generator, background: Generator | None = None) -> Array:
        """Ratings of latent scores: error added, rounded to whole points, kept inside the scale.

        The first axis of ``latent`` is people; a person has one background at all times of a call, and the
        same one in every call with an equal ``background`` generator.

        >>> import numpy as np
        >>> rating_scales()["MADRS"].rate(np.array([30.0, 59.9]), np.random.default_rng(1)).tolist()
        [31.0, 60.0]
        """
        shape = np.shape(latent)
        people = tuple(size if axis == 0 else 1 for axis, size in enumerate(shape))
        errors = self.draw_errors(shape, generator)
        return self.written(latent, errors, self.draw_background(people, background or generator))

    def draw_errors(self, shape: tuple[int, ...], generator: Generator) -> Array:
        """Errors of ratings: what ``written`` adds to latent scores, or multiplies them with."""
        if self.kind == "additive":
            return np.asarray(self.sd * generator.standard_normal(shape))
        form = 1.0 / self.sd**2
        return np.asarray(generator.gamma(form, 1.0 / form, shape))

    def draw_background(self, shape: tuple[int, ...], generator: Generator) -> Array:
        """What people score without any drug; nothing is drawn for a scale without a background."""
        if not self.background:
            return np.zeros(shape)
        form = 1.0 / self.background_cv**2
        return np.asarray(generator.gamma(form, self.background / form, shape))

    def written(self, latent: Array, errors: Array, background: Array) -> Array:
        """Ratings of latent scores with given errors and background, as ``rate`` gives them."""
        scores = latent + errors if self.kind == "additive" else latent * errors
        if self.background:
            scores = np.maximum(scores, background)
        return np.asarray(np.clip(np.round(scores), self.low, self.high))


@cache
def rating_scales() -> Mapping[str, RatingScale]:
    """Scales with an observation model, by name.

    >>> rating_scales()["MADRS"].sd
    2.4
    """
    with files("rekindle.trials").joinpath("data/rating_error.csv").open(encoding="utf-8") as stream:
        return {
            row["scale"]: RatingScale(
                row["scale"],
                float(row["low"]),
                float(row["high"]),
                row["kind"],
                float(row["sd"]),
                row["mark"],
                row["source"],
                row["description"],
                float(row["background"] or 0.0),
                float(row["background_cv"] or 0.0),
            )
            for row in csv.DictReader(stream)
        }


def rating_scale(name: str) -> RatingScale:
    """The scale with this name.

    Raises:
        ParameterError: a scale without an observation model.
    """
    scales = rating_scales()
    if name not in scales:
        raise ParameterError(
            "RK-PAR-060",
            given=f'rating scale "{name}"{nearest(name, scales)}',
            allowed=f"Scales with an observation model: {', '.join(scales)}",
        )
    return scales[name]


def true_baseline(
    observed: Array, scale: RatingScale, generator: Generator, *, mean: float, sd: float
) -> Array:
    """Draw the severity behind observed baselines, which hold a rating error of their own.

    With a normal true severity the posterior of one person shrinks the observed score towards the sample:
    reliability r = 1 - error variance / observed variance, mean + r (observed - mean), variance error² r
    (Kelley's formula). This is where regression to the mean comes from.

    Args:
        observed: observed baseline scores.
        scale: the scale with its rating error.
        generator: source of randomness.
        mean: mean of the observed baselines of the sample.
        sd: standard deviation of the observed baselines of the sample.
    """
    reliability = max(0.0, 1.0 - scale.sd**2 / sd**2)
    centre = mean + reliability * (np.asarray(observed) - mean)
    drawn = centre + scale.sd * np.sqrt(reliability) * generator.standard_normal(np.shape(observed))
    return np.asarray(np.clip(drawn, scale.low, scale.high))
