"""A candidate compound beside S-ketamine at the dose with equal effect, under every mechanism hypothesis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rekindle.engine import Trajectory
from rekindle.errors import ParameterError
from rekindle.people._compound import compound_regimen, simulate_compound
from rekindle.people._person import Person
from rekindle.people._random import Stream, random_generator
from rekindle.regimen import Regimen, Session
from rekindle.therapy import PRIOR_ONLY, Compound, find_compound, therapy_model

#: Hours after the first dose at which the effect is read.
EARLY_H, LATE_H = 24.0, 168.0
#: Acute effects are looked for in this time (h), every 2 minutes.
_ACUTE_H, _STEP_H = 8.0, 1.0 / 30.0
#: Doses of S-ketamine that are searched, as multiples of the lowest, and the accuracy of the found one.
_LOWEST_MG, _HIGHEST_MG, _DOSES, _TOLERANCE = 0.5, 2000.0, 60, 1e-4
#: Effects below this are taken as none.
_NO_EFFECT = 1e-4
_PEAKS = ("dissociation_level", "liking", "systolic_change", "p_moaas_4")


@dataclass(frozen=True, slots=True)
class Readout:
    """What one compound does in a typical person, without expectancy and natural course.

    Attributes:
        dose_mg: total of the first session.
        effect_24h: improvement at 24 h, share of baseline severity.
        effect_7d: the same at 7 days.
        dissociation: highest dissociation, 0 to 1 (a state of the model).
        liking: highest score of liking, 0 to 100; None if the model has no liking.
        systolic_rise: highest rise of systolic pressure, mmHg.
        sedated: highest probability of MOAA/S 4 or less.
    """

    dose_mg: float
    effect_24h: float
    effect_7d: float
    dissociation: float
    liking: float | None
    systolic_rise: float
    sedated: float


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A candidate under one mechanism, and S-ketamine with the same effect at 24 h (None: no dose has it).

    ``low`` and ``high`` hold 90 % of the draws from the ranges that the compound file states.
    """

    mechanism: str
    candidate: Readout
    reference: Readout | None
    low: Readout | None = None
    high: Readout | None = None


@dataclass(frozen=True, slots=True)
class CandidateComparison:
    """A candidate beside S-ketamine; a hypothesis for a study, never a claim about a compound."""

    compound: Compound
    regimen: Regimen
    rows: tuple[CandidateRow, ...]
    draws: int
    label: str = PRIOR_ONLY


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
    compound that is noticed less is not punished for it here.

    Args:
        compound: a complete compound.
        regimen: its regimen, as text or object.
        person: who receives it; default an adult of 70 kg.
        mechanisms: hypotheses; default all of the model.
        draws: number of draws from the ranges that the compound file states (log-uniform), for a cloud.
        seed: seed of the draws.

    Raises:
        ParameterError: an incomplete compound, a route without kinetics, or a product dosed in steps.

    >>> from rekindle.therapy import find_compound
    >>> found = compare_candidate(find_compound("esketamine"), "35 mg iv over 40 min",
    ...                           mechanisms=["disinhibition"])
    >>> round(found.rows[0].reference.dose_mg)
    35
    """
    given = compound_regimen(compound, regimen) if isinstance(regimen, str) else regimen
    _refuse_devices(given)
    someone = person or Person("1")
    names = mechanisms or therapy_model().switches["mechanism"].options
    rows = [_row(compound, given, someone, name, draws, seed) for name in names]
    return CandidateComparison(compound, given, tuple(rows), draws)


def _refuse_devices(regimen: Regimen) -> None:
    if regimen.product.device_mg:
        raise ParameterError(
            "RK-PAR-128",
            given=f"a comparison by {regimen.product.name}",
            allowed="A product that gives any dose, for example iv_infusion",
            why=f"Its dose comes in steps of {regimen.product.device_mg:g} mg, so effects cannot be equal",
        )


def _row(
    compound: Compound, regimen: Regimen, person: Person, mechanism: str, draws: int, seed: int
) -> CandidateRow:
    candidate = _readout(compound, regimen, person, mechanism)
    dose = _equal_dose(regimen, person, mechanism, candidate.effect_24h)
    reference = None
    if dose is not None:
        reference = _readout(find_compound("esketamine"), _with_dose(regimen, dose), person, mechanism)
    cloud = [_readout(one, regimen, person, mechanism) for one in _drawn(compound, draws, seed)]
    low, high = (_quantile(cloud, share) if cloud else None for share in (0.05, 0.95))
    return CandidateRow(mechanism, candidate, reference, low, high)


def _readout(compound: Compound, regimen: Regimen, person: Person, mechanism: str) -> Readout:
    acute = np.arange(0.0, _ACUTE_H + _STEP_H / 2, _STEP_H)
    outputs = ["improvement_share", *(name for name in _PEAKS if name in therapy_model().outputs)]
    found = simulate_compound(
        compound,
        regimen,
        person,
        times=sorted({*acute.tolist(), EARLY_H, LATE_H}),
        outputs=outputs,
        mechanism=mechanism,
        parameters={"EX": 0.0},
    )
    effect = found["improvement_share"][0]
    peaks = {name: float(found[name][0, : len(acute)].max()) for name in outputs[1:]}
    return Readout(
        dose_mg=_first_dose(regimen, person),
        effect_24h=float(effect[-2]),
        effect_7d=float(effect[-1]),
        dissociation=peaks["dissociation_level"],
        liking=peaks.get("liking"),
        systolic_rise=peaks["systolic_change"],
        sedated=peaks["p_moaas_4"],
    )


def _equal_dose(regimen: Regimen, person: Person, mechanism: str, effect: float) -> float | None:
    """The lowest dose (mg) of S-ketamine with this effect at 24 h, None if no dose reaches it."""
    from scipy.optimize import brentq

    if effect < _NO_EFFECT:
        return None
    doses = np.geomspace(_LOWEST_MG, _HIGHEST_MG, _DOSES)

    def effects(amounts: Sequence[float]) -> list[float]:
        return [_effect_of(_with_dose(regimen, amount), person, mechanism) for amount in amounts]

    excess = np.asarray(effects(doses.tolist())) - effect
    above = np.flatnonzero(excess >= 0)
    if not len(above) or above[0] == 0:
        return None
    low, high = doses[above[0] - 1], doses[above[0]]
    return float(brentq(lambda amount: effects([amount])[0] - effect, low, high, rtol=_TOLERANCE))


def _effect_of(regimen: Regimen, person: Person, mechanism: str) -> float:
    found: Trajectory = simulate_compound(
        find_compound("esketamine"),
        regimen,
        person,
        times=[EARLY_H],
        outputs=["improvement_share"],
        mechanism=mechanism,
        parameters={"EX": 0.0},
    )
    return float(found["improvement_share"][0, -1])


def _with_dose(regimen: Regimen, amount: float) -> Regimen:
    """The same sessions of S-ketamine with another total in each."""
    sessions = [_scaled(session, amount) for session in regimen.sessions]
    return Regimen.of(drug="esketamine", product=regimen.product, sessions=sessions)


def _scaled(session: Session, amount: float) -> Session:
    share = amount / len(session.doses)
    return replace(session, doses=tuple(replace(dose, amount=share, unit="mg") for dose in session.doses))


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
    names = ("dose_mg", "effect_24h", "effect_7d", "dissociation", "systolic_rise", "sedated")
    values = {name: float(np.quantile([getattr(one, name) for one in cloud], share)) for name in names}
    liking = [one.liking for one in cloud if one.liking is not None]
    return Readout(**values, liking=float(np.quantile(liking, share)) if liking else None)
