"""Who enters a trial: people are screened one by one until enough have the scores that it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rekindle.people import Person, Population, Stream, random_generator
from rekindle.trials._design import Condition, Design, MoodScale
from rekindle.trials._design_errors import design_error
from rekindle.trials._ratings import rating_scale
from rekindle.trials._study_people import study_distributions

#: What divides people into groups: ``site``, ``sex``, or a threshold at baseline.
Grouping = str | Condition
#: People who may be screened for one who enters.
MOST_SCREENED = 50
_SCREENING, _BASELINE = "screening", "baseline"


@dataclass
class Participant:
    """One person of a trial and everything that has happened to them so far.

    Attributes:
        number: number of the person among those screened; keys every random number.
        person: facts.
        site: site, from 1.
        true: severity behind the scores, by scale.
        screening, baseline: rated scores by scale.
        stratum: words of the strata that the person belongs to.
        parameters: drawn parameters of the model.
        arm: arm at present; empty before the first allocation.
        arms: phase -> arm.
        entered: phases that the person was admitted to (others went on in their arm).
        given: sessions received: time (h), slot, arm, dose (mg; None for the dose of the arm).
        history: scale -> scores so far, the baseline first.
        changes: time (h), covariate, value.
        periods: times (h) at which a period begins.
        status: ``on``, ``completed``, ``left`` or ``not entered`` (a later phase).
        reason: why.
        left_h: when, h.
        treated: False once treatment was stopped.
        dose: dose in mg that a rule has set; None for the dose of the arm.
        interval: days between sessions that a rule has set; 0 for every planned one.
        rescued_h: when the person was rescued.
        acted: rules that have acted.
    """

    number: int
    person: Person
    site: int
    true: Mapping[str, float]
    screening: Mapping[str, float]
    baseline: Mapping[str, float]
    stratum: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    arm: str = ""
    arms: dict[str, str] = field(default_factory=dict)
    entered: set[str] = field(default_factory=set)
    given: list[tuple[float, int, str, float | None]] = field(default_factory=list)
    changes: list[tuple[float, str, float]] = field(default_factory=list)
    periods: list[float] = field(default_factory=list)
    status: str = "on"
    reason: str = ""
    left_h: float = float("nan")
    treated: bool = True
    dose: float | None = None
    interval: float = 0.0
    rescued_h: float = float("nan")
    acted: set[str] = field(default_factory=set)

    def again(self) -> Participant:
        """The same person before anything has happened, with the same parameters."""
        return Participant(
            self.number,
            self.person,
            self.site,
            self.true,
            self.screening,
            self.baseline,
            self.stratum,
            self.parameters,
            {name: [value] for name, value in self.baseline.items()},
        )


def enrol(
    design: Design, seed: int, replicate: int, number: int | None = None
) -> tuple[list[Participant], int]:
    """Screen people until the trial is full; return those who entered, and how many were screened.

    Severity is normal in those who are screened. A score is severity plus the rater's error, so those who
    enter by a high score are on average less ill than they scored: regression to the mean.

    Raises:
        DesignError: hardly anybody has the scores that the trial asks for.
    """
    wanted = design.number if number is None else number
    most, screened = wanted * MOST_SCREENED, 0
    eligible: list[_Screened] = []
    for found in _candidates(design, seed, replicate, most):
        screened += 1
        if found is not None:
            eligible.append(found)
        if len(eligible) == wanted:
            population = Population(
                most, seed, replicate, study_distributions(**design.facts), {"allow_extrapolation": True}
            )
            # Together they are drawn far faster than one by one.
            people = population[:screened]
            return [one.participant(design, people[one.place]) for one in eligible], screened
    raise design_error(
        "RK-DES-012",
        f"{design.source}, eligibility: {len(eligible)} of {screened} people screened may enter",
        allowed=f"At least one in {MOST_SCREENED}",
        remedy="Lower the score at entry, or raise mean and SD of those who are screened",
    )


def meets(condition: Condition, score: float, baseline: float | None = None) -> bool:
    """Whether a score fulfils a condition; a fall is counted from the baseline.

    >>> meets(Condition("MADRS", "fall_at_least_pct", 50), 15, 30)
    True
    """
    limit = condition.limit
    match condition.test:
        case "at_least":
            return score >= limit
        case "at_most":
            return score <= limit
        case "above":
            return score > limit
        case "below":
            return score < limit
    assert baseline is not None, "falls are counted from a baseline"
    fell = baseline > 0 and 100.0 * (baseline - score) >= limit * baseline
    return fell if condition.test == "fall_at_least_pct" else not fell


def holds(condition: Condition, scores: Sequence[float], baseline: float) -> bool:
    """Whether the last scores, as many as the condition asks for, fulfil it.

    >>> holds(Condition("MADRS", "at_least", 22, consecutive=2), [20, 25], 30)
    False
    """
    recent = scores[-condition.consecutive :]
    return len(recent) == condition.consecutive and all(meets(condition, one, baseline) for one in recent)


@dataclass(frozen=True, slots=True)
class _Screened:
    """Somebody who may enter: place among those screened, site, severity, and scores by occasion."""

    place: int
    site: int
    true: Mapping[str, float]
    rated: Mapping[str, Mapping[str, float]]

    def participant(self, design: Design, person: Person) -> Participant:
        """The person who enters."""
        baseline = self.rated[_BASELINE]
        return Participant(
            self.place + 1,
            person,
            self.site,
            self.true,
            self.rated[_SCREENING],
            baseline,
            ", ".join(group_name(one, person, self.site, baseline) for one in design.strata),
            history={name: [value] for name, value in baseline.items()},
        )


def _candidates(design: Design, seed: int, replicate: int, most: int) -> Iterator[_Screened | None]:
    """Everybody who is screened; None for those who may not enter."""
    offsets = site_offsets(design, seed, replicate)
    for place in range(most):
        generator = random_generator(seed, replicate, place + 1, 0, Stream.RATER, "entry")
        z = generator.standard_normal()
        site = int(generator.integers(1, design.sites.number + 1))
        true: dict[str, float] = {}
        rated: dict[str, dict[str, float]] = {_SCREENING: {}, _BASELINE: {}}
        for name, scale in design.scales.items():
            true[name] = float(np.clip(scale.mean + true_sd(scale) * z, *_span(name)))
            for occasion, scores in rated.items():
                # Drawn for every scale and occasion, so that adding one leaves the others as they are.
                noise = random_generator(
                    seed, replicate, place + 1, 0, Stream.RATER, f"{occasion} {name}"
                ).standard_normal()
                scores[name] = score(true[name] + offsets[site - 1] + scale.error * noise, name)
        eligible = all(
            meets(one.condition, rated[at][one.condition.what]) for one in design.eligibility for at in one.at
        )
        yield _Screened(place, site, true, rated) if eligible else None


def true_sd(scale: MoodScale) -> float:
    """SD of severity: that of observed scores less the rating error.

    >>> round(true_sd(MoodScale("MADRS", 33, 5.0, 3.0)), 6)
    4.0
    """
    return float(np.sqrt(scale.sd**2 - scale.error**2))


def score(value: float, scale: str) -> float:
    """A rating as it is written down: whole points inside the scale.

    >>> score(61.2, "MADRS"), score(12.4, "MADRS")
    (60.0, 12.0)
    """
    low, high = _span(scale)
    return float(min(max(round(value), low), high))


def site_offsets(design: Design, seed: int, replicate: int) -> np.ndarray:
    """Mean difference of the raters of every site from the average rater, points."""
    generator = random_generator(seed, replicate, 0, 0, Stream.RATER, "sites")
    return design.sites.offset_sd * generator.standard_normal(design.sites.number)


def _span(scale: str) -> tuple[float, float]:
    one = rating_scale(scale)
    return one.low, one.high


def group_name(grouping: Grouping, person: Person, site: int, baseline: Mapping[str, float]) -> str:
    """The group of a person: their site, their sex, or whether they meet a threshold at baseline.

    >>> group_name(Condition("MADRS", "at_least", 35), Person(1), 1, {"MADRS": 30.0})
    'not MADRS >= 35'
    """
    if isinstance(grouping, Condition):
        words = "" if meets(grouping, baseline[grouping.what]) else "not "
        return words + grouping.label
    return f"site {site}" if grouping == "site" else f"sex {person.sex}"
