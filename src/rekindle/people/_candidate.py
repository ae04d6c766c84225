"""A candidate compound beside S-ketamine at the dose with equal effect, under every mechanism hypothesis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from rekindle.engine import Trajectory
from rekindle.people._compound import simulate_compound
from rekindle.people._compound_regimen import compound_regimen
from rekindle.people._person import Person
from rekindle.people._random import Stream, random_generator
from rekindle.regimen import Regimen, Session
from rekindle.therapy import PRIOR_ONLY, Compound, find_compound, therapy_model

#: Hours after the first dose at which the effect is read.
EARLY_H, LATE_H = 24.0, 168.0
#: Acute effects are looked for in this time (h), every 2 minutes.
_ACUTE_H, _STEP_H = 8.0, 1.0 / 30.0
#: Step of the days after it (h).
_STEP_LATER_H = 6.0
#: Doses of S-ketamine that are searched, as multiples of the lowest, and the accuracy of the found one.
_LOWEST_MG, _HIGHEST_MG, _DOSES, _TOLERANCE = 0.5, 2000.0, 60, 1e-4
#: Effects below this are taken as none.
_NO_EFFECT = 1e-4
_PEAKS = {
    "plasma": "ketamine_venous",
    "block": "interneuron_block",
    "pyramidal_block": "pyramidal_block",
    "glutamate": "glutamate_level",
    "dissociation": "dissociation_level",
    "liking": "liking",
    "systolic_rise": "systolic_change",
    "sedated": "p_moaas_4",
}
#: Devices of a session that are searched with a product that comes in devices.
_MOST_DEVICES = 12


@dataclass(frozen=True, slots=True)
class Readout:
    """What one compound does in a typical person, without expectancy and natural course.

    Attributes:
        dose_mg: total of the first session.
        effect_24h: improvement at 24 h, share of baseline severity.
        effect_7d: the same at 7 days.
        plasma: highest venous concentration of the parents, ng/mL.
        block: highest block of receptors on interneurons, 0 to 1 (a state of the model, as the next two).
        pyramidal_block: the same on pyramidal cells.
        glutamate: highest glutamate, 1 is the baseline.
        dissociation: highest dissociation, 0 to 1 (a state of the model).
        liking: highest score of liking, 0 to 100.
        systolic_rise: highest rise of systolic pressure, mmHg.
        sedated: highest probability of MOAA/S 4 or less.
    """

    dose_mg: float
    effect_24h: float
    effect_7d: float
    plasma: float
    block: float
    pyramidal_block: float
    glutamate: float
    dissociation: float
    liking: float
    systolic_rise: float
    sedated: float


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A candidate under one mechanism, and S-ketamine with the same effect at 24 h (None: no dose has it).

    ``low`` and ``high`` hold 90 % of the draws from the ranges that the compound file states. The courses are
    those from which the readouts were taken.
    """

    mechanism: str
    candidate: Readout
    reference: Readout | None
    low: Readout | None = None
    high: Readout | None = None
    candidate_course: Trajectory | None = None
    reference_course: Trajectory | None = None


@dataclass(frozen=True, slots=True)
class CandidateComparison:
    """A candidate beside S-ketamine; a hypothesis for a study, never a claim about a compound.

    ``equal`` False: the product comes in devices, so the reference is the number of devices whose effect at
    24 h is nearest, not equal.
    """

    compound: Compound
    regimen: Regimen
    rows: tuple[CandidateRow, ...]
    draws: int
    label: str = PRIOR_ONLY

    @property
    def equal(self) -> bool:
        """Whether the reference has the same effect, and not only the nearest that its devices allow."""
        return self.regimen.product.device_mg is None

    @property
    def reference_words(self) -> str:
        """What the candidate is held against.

        >>> from rekindle.therapy import find_compound
        >>> compare_candidate(find_compound("analog-h1"), "56 mg nasal",
        ...                   mechanisms=["disinhibition"]).reference_words
        'S-ketamine, nearest effect'
        """
        what = "equal effect" if self.equal else "nearest effect"
        return f"S-ketamine, {what}"


def compare_candidate(
    compound: Compound,
    regimen: Regimen | str,
    *,
    person: Person | None = None,
    mechanisms: Sequence[str] | None = None,
    draws: int = 0,
    seed: int = 1,
) -> CandidateComparison:
    """Hold a compound against S-ketamine at the dose with the same effect at 24 h, for each mechanism.

    The same route and sessions are used for both. Only pharmacology counts: expectancy is off, so that a
    compound that is noticed less is not punished for it here. With a product that comes in devices the
    reference is the number of devices (at most 12) whose effect is nearest.

    Args:
        compound: a complete compound.
        regimen: its regimen, as text or object.
        person: who receives it; default an adult of 70 kg.
        mechanisms: hypotheses; default all of the model.
        draws: number of draws from the ranges that the compound file states (log-uniform), for a cloud.
        seed: seed of the draws.

    Raises:
        ParameterError: an incomplete compound, or a route without kinetics.

    >>> from rekindle.therapy import find_compound
    >>> found = compare_candidate(find_compound("esketamine"), "35 mg iv over 40 min",
    ...                           mechanisms=["disinhibition"])
    >>> round(found.rows[0].reference.dose_mg)
    35
    """
    given = compound_regimen(compound, regimen) if isinstance(regimen, str) else regimen
    someone = person or Person("1")
    names = mechanisms or therapy_model().switches["mechanism"].options
    rows = [_row(compound, given, someone, name, draws, seed) for name in names]
    return CandidateComparison(compound, given, tuple(rows), draws)


def _row(
    compound: Compound, regimen: Regimen, person: Person, mechanism: str, draws: int, seed: int
) -> CandidateRow:
    course = _course(compound, regimen, person, mechanism)
    candidate = _readout(course, _first_dose(regimen, person))
    find = _equal_dose if regimen.product.device_mg is None else _nearest_devices
    dose = find(regimen, person, mechanism, candidate.effect_24h)
    reference, beside = None, None
    if dose is not None:
        beside = _course(find_compound("esketamine"), _with_dose(regimen, dose), person, mechanism)
        reference = _readout(beside, dose)
    cloud = [
        _readout(_course(one, regimen, person, mechanism), candidate.dose_mg)
        for one in _drawn(compound, draws, seed)
    ]
    low, high = (_quantile(cloud, share) if cloud else None for share in (0.05, 0.95))
    return CandidateRow(mechanism, candidate, reference, low, high, course, beside)


def _course(compound: Compound, regimen: Regimen, person: Person, mechanism: str) -> Trajectory:
    acute = np.arange(0.0, _ACUTE_H + _STEP_H / 2, _STEP_H)
    later = np.arange(_STEP_LATER_H * math.ceil(_ACUTE_H / _STEP_LATER_H), LATE_H + 1.0, _STEP_LATER_H)
    return simulate_compound(
        compound,
        regimen,
        person,
        times=sorted({*acute.tolist(), *later.tolist()}),
        outputs=["improvement_share", "tonic_block", *_PEAKS.values()],
        mechanism=mechanism,
        parameters={"EX": 0.0},
    )


def _readout(course: Trajectory, dose_mg: float) -> Readout:
    times = np.asarray(course.grid)
    effect = course["improvement_share"][0]
    acute = times <= _ACUTE_H + 1e-9
    peaks = {name: float(course[output][0, acute].max()) for name, output in _PEAKS.items()}
    early, late = (float(effect[np.argmin(np.abs(times - hour))]) for hour in (EARLY_H, LATE_H))
    return Readout(dose_mg=dose_mg, effect_24h=early, effect_7d=late, **peaks)


def _equal_dose(regimen: Regimen, person: Person, mechanism: str, effect: float) -> float | None:
    """The lowest dose (mg) of S-ketamine with this effect at 24 h, None if no dose reaches it."""
    from scipy.optimize import brentq

    if effect < _NO_EFFECT:
        return None
    effect_of = _effects(regimen, person, mechanism)
    doses = np.geomspace(_LOWEST_MG, _HIGHEST_MG, _DOSES)
    excess = np.asarray([effect_of(dose) for dose in doses.tolist()]) - effect
    above = np.flatnonzero(excess >= 0)
    if not len(above) or above[0] == 0:
        return None
    low, high = doses[above[0] - 1], doses[above[0]]
    return float(brentq(lambda amount: effect_of(amount) - effect, low, high, rtol=_TOLERANCE))


def _nearest_devices(regimen: Regimen, person: Person, mechanism: str, effect: float) -> float | None:
    """Content (mg) of the devices of S-ketamine with the nearest effect at 24 h, None if none reaches it."""
    device = regimen.product.device_mg or 0.0
    effect_of = _effects(regimen, person, mechanism)
    found = [effect_of(count * device) for count in range(1, _MOST_DEVICES + 1)]
    if effect < _NO_EFFECT or effect > max(found):
        return None
    return device * (1 + int(np.argmin(np.abs(np.asarray(found) - effect))))


def _effects(regimen: Regimen, person: Person, mechanism: str) -> Callable[[float], float]:
    """Effect of S-ketamine at 24 h as a function of the dose of each session (mg)."""

    def effect(amount: float) -> float:
        found = simulate_compound(
            find_compound("esketamine"),
            _with_dose(regimen, amount),
            person,
            times=[EARLY_H],
            outputs=["improvement_share"],
            mechanism=mechanism,
            parameters={"EX": 0.0},
        )
        return float(found["improvement_share"][0, -1])

    return effect


def _with_dose(regimen: Regimen, amount: float) -> Regimen:
    """The same sessions of S-ketamine with another total in each."""
    whole = regimen.product.device_mg is not None
    sessions = [_scaled(session, amount, whole=whole) for session in regimen.sessions]
    return Regimen.of(drug="esketamine", product=regimen.product, sessions=sessions)


def _scaled(session: Session, amount: float, *, whole: bool) -> Session:
    """A session with another total; ``whole``: in one dose, because devices cannot be divided."""
    doses = session.doses[:1] if whole else session.doses
    share = amount / len(doses)
    return replace(session, doses=tuple(replace(dose, amount=share, unit="mg") for dose in doses))


def _first_dose(regimen: Regimen, person: Person) -> float:
    return sum(
        dose.amount * (person.weight_kg if dose.unit == "mg/kg" else 1.0)
        for dose in regimen.sessions[0].doses
    )


def _drawn(compound: Compound, draws: int, seed: int) -> Iterator[Compound]:
    """Compounds with numbers drawn log-uniformly from the ranges of the file."""
    for number in range(1, draws + 1):
        species = []
        for one in compound.species:
            measures = dict(one.measures)
            for name, measure in measures.items():
                if measure.value and measure.low and measure.high:
                    # Keyed by the field alone, so that both enantiomers move together.
                    generator = random_generator(seed, 0, number, 0, Stream.PARAMETERS, name)
                    low, high = math.log(measure.low), math.log(measure.high)
                    value = math.exp(low + (high - low) * float(generator.random()))
                    measures[name] = replace(measure, value=value)
            species.append(replace(one, measures=measures))
        yield replace(compound, species=tuple(species))


def _quantile(cloud: Sequence[Readout], share: float) -> Readout:
    names = [field.name for field in fields(Readout)]
    return Readout(
        **{name: float(np.quantile([getattr(one, name) for one in cloud], share)) for name in names}
    )
