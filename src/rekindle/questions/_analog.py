"""Question 8: which affinities and kinetics an analog with less dissociation would need."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from rekindle.people import ONSET_H, AnalogSearch, analog_properties
from rekindle.questions._analog_figures import TITLES, all_figures
from rekindle.questions._analog_study import ESKETAMINE, FREEDOMS, KETAMINE, MEMANTINE, Whole, inside
from rekindle.questions._analog_tables import (
    cloud_rows,
    equal_tables,
    front_rows,
    lever_rows,
    needed_table,
    rank,
    rank_table,
)
from rekindle.questions._analog_tasks import study_all
from rekindle.questions._answer import Findings
from rekindle.questions._inquiry import Inquiry
from rekindle.questions._quantity import Quantity
from rekindle.questions._words import amount
from rekindle.report import interval, number
from rekindle.therapy import PRIOR_ONLY, compounds

#: Properties in a sentence, where the name alone would not do.
_WORDS = {
    "rho": "preference for interneurons",
    "allosteric": "affinity at the allosteric site",
    "direct": "potency of the direct route",
    "equilibration": "exchange with the brain",
}
#: Peaks whose spread is below this share are told as one.
_SAME = 0.02
_NOTHING = (float("nan"), float("nan"))


def answer(inquiry: Inquiry) -> Findings:
    """Search the molecules and say what one with less dissociation would need."""
    whole = study_all(inquiry)
    numbers = {one.key: one for one in _quantities(whole)}
    return Findings(
        _sentences(whole, numbers),
        numbers,
        all_figures(whole),
        {
            "cloud": list(cloud_rows(whole)),
            "properties": list(lever_rows(whole)),
            "fronts": list(front_rows(whole)),
        },
        [*equal_tables(whole), needed_table(whole), rank_table(whole)],
        _notes(whole),
        _effort(whole),
    )


def _effort(whole: Whole) -> list[tuple[str, str]]:
    draws = 0 if whole.doubt is None else len(next(iter(whole.doubt.needed.values())))
    return [
        ("molecules of each cloud", str(len(whole.main.cloud.readouts))),
        ("people", "one typical person, without expectancy"),
        ("parameter draws", f"{draws}, of the same typical person each" if draws else "none"),
    ]


def _quantities(whole: Whole) -> Iterator[Quantity]:
    study, known = whole.main, analog_properties()
    spray = whole.equal[ESKETAMINE][ESKETAMINE]
    for key, name, one in (("ketamine", KETAMINE, study.ketamine), ("esketamine", ESKETAMINE, spray)):
        yield _quantity(
            f"effect_{key}", f"{name}: severity removed at day 1", "% of severity", 100 * one.effect_day_1[0]
        )
        yield _quantity(f"cadss_{key}", f"{name}: peak of CADSS", "points", one.cadss[0])
        yield _quantity(f"liking_{key}", f"{name}: peak of liking", "points", one.liking[0])
        yield _quantity(f"systolic_{key}", f"{name}: peak systolic rise", "mmHg", one.systolic_rise[0])
        yield _quantity(f"onset_{key}", f"{name}: time to half of the effect at day 1", "h", one.onset[0])
    for name, value in study.needed.items():
        if np.isfinite(value):
            spread = _NOTHING if whole.doubt is None else inside(whole.doubt.needed[name])
            label = f"{TITLES[name]}: value that alone halves the peak of CADSS at the effect of ketamine IV"
            yield _quantity(f"needed_{name}", label, known[name].unit, value, spread)
    for freedom, best in whole.best.items():
        if best.found:
            label = f"lowest peak of CADSS over that of ketamine IV at its effect, {freedom} free"
            ratio = float(best.readouts.cadss[0] / study.ketamine.cadss[0])
            spread = _NOTHING if whole.doubt is None else inside(whole.doubt.optima[freedom])
            yield _quantity(f"least_{freedom}", label, "1", ratio, spread)
    for name, other in whole.studies.items():
        label = f"largest effect at day 1 of any molecule, {name}"
        yield _quantity(f"ceiling_{name}", label, "% of severity", 100 * other.ceiling)


def _quantity(
    key: str, label: str, unit: str, value: float, parameters: tuple[float, float] = _NOTHING
) -> Quantity:
    return Quantity(key, label, unit, float(value), _NOTHING, "one typical person", parameters)


def _sentences(whole: Whole, numbers: Mapping[str, Quantity]) -> list[str]:
    study = whole.main

    def told(key: str) -> str:
        return number(numbers[key].value, 2)

    return [
        f"{PRIOR_ONLY.capitalize()}: nothing here is a claim about a compound. Under {study.mechanism}, "
        f"ketamine 0.5 mg/kg IV removes {told('effect_ketamine')} % of the severity at day 1 in a typical "
        f"person, with a peak of CADSS of {told('cadss_ketamine')} points. {_alone(whole, numbers)}",
        _affinity(study.levers["affinity"]),
        _together(whole, numbers),
        _memantine(whole),
        _elsewhere(whole),
        _liking(study.cloud),
    ]


def _alone(whole: Whole, numbers: Mapping[str, Quantity]) -> str:
    known, told = analog_properties(), []
    for name, value in whole.main.needed.items():
        if np.isfinite(value):
            slower = value < known[name].start
            told.append(f"{_WORDS.get(name, name)} {_told(numbers[f'needed_{name}'], slower)}")
    never = [_WORDS.get(name, name) for name, value in whole.main.needed.items() if not np.isfinite(value)]
    if not told:
        return "No property halves this peak alone at the same effect."
    return (
        "Half of this peak at the same effect needs, each alone and the rest as in S-ketamine: "
        f"{'; '.join(told)}. "
        f"Alone no value does it of: {', '.join(never)}."
    )


def _told(one: Quantity, less: bool) -> str:
    """A bound of a property in a sentence; a rate with its half-life, bounded the other way round."""
    low, high = "or less", "or more"
    way, back = (low, high) if less else (high, low)
    if one.unit == "1/h":
        half_life = 60.0 * math.log(2.0) / one.value
        return f"{amount(one, 'per h')} {way}, a half-life of {half_life:.0f} min {back}"
    return f"{amount(one, '' if one.unit == '1' else one.unit)} {way}"


def _affinity(found: AnalogSearch) -> str:
    cadss = found.readouts.cadss[found.reached]
    doses = found.readouts.dose_mg[found.reached]
    if not len(cadss):
        return "No affinity reaches the effect within the doses that were tried."
    fold, low, high = (number(one, 2) for one in (doses.max() / doses.min(), cadss.min(), cadss.max()))
    if np.ptp(cadss) < _SAME * cadss.max():
        return (
            f"Affinity alone only sets the dose: over {fold}-fold doses the peak at equal effect stays at "
            f"{high} points."
        )
    return (
        f"Affinity counts against what else carries the effect: over {fold}-fold doses the peak at equal "
        f"effect lies between {low} and {high} points."
    )


def _together(whole: Whole, numbers: Mapping[str, Quantity]) -> str:
    told = [
        f"{_percent(numbers[f'least_{freedom}'])} with {freedom} free"
        for freedom in FREEDOMS
        if f"least_{freedom}" in numbers
    ]
    if not told:
        return f"No molecule was found that has half of the effect within {ONSET_H:g} h."
    slow = [one for one in whole.by_onset["kinetics"] if one.found]
    price = (
        " With kinetics alone the peak is "
        + ", ".join(
            f"{number(float(one.readouts.cadss[0]), 2)} at {number(float(one.readouts.onset[0]), 2)} h"
            for one in slow
        )
        + f" to half of the effect; ketamine IV needs {number(numbers['onset_ketamine'].value, 2)} h."
        if slow
        else ""
    )
    return (
        f"With half of the effect within {ONSET_H:g} h, the lowest peak that was found is, of that of "
        "ketamine IV: "
        f"{'; '.join(told)}. What it costs is speed.{price}"
    )


def _memantine(whole: Whole) -> str:
    """The compound that puts the answer to the test, because people take it."""
    found = whole.equal[KETAMINE][MEMANTINE]
    if not np.isfinite(found.dose_mg[0]):
        return "Memantine has the effect of ketamine IV at no dose under this mechanism."
    return (
        "Read this as a test of the model first: by the same reasoning one dose of "
        f"{number(found.dose_mg[0], 2)} mg memantine by mouth would have the effect of ketamine IV with a "
        f"peak of {number(found.cadss[0], 1)} points. "
        "If memantine does not relieve depression within a day, slow block is not enough and the part of "
        "this answer that rests on kinetics is wrong. The tables here hold no trial of it."
    )


def _percent(one: Quantity) -> str:
    low, high = (100 * end for end in one.parameters)
    spread = f" ({interval(low, high, 2)})" if np.isfinite(low) else ""
    return f"{number(100 * one.value, 2)} %{spread}"


def _elsewhere(whole: Whole) -> str:
    told = []
    for name, study in whole.studies.items():
        alone = [_WORDS.get(key, key) for key, value in study.needed.items() if np.isfinite(value)]
        told.append(f"{name}: {', '.join(alone) or 'nothing'}; up to {100 * study.ceiling:.0f} % of severity")
    return (
        "What halves the peak alone, and the largest effect that any molecule has at any dose, depend on the "
        "mechanism. "
        f"{'. '.join(one[0].upper() + one[1:] for one in told)}."
    )


def _liking(cloud: AnalogSearch) -> str:
    together, apart = (
        rank(cloud.readouts.liking, other) for other in (cloud.readouts.cadss, cloud.values["liking"])
    )
    return (
        "The liking index goes with dissociation over the molecules (rank correlation "
        f"{number(together, 2)}), because both follow the same concentration here; a liking potency of its "
        f"own ({number(apart, 2)}) is all that tells them apart, and no number of one is known."
    )


def _notes(whole: Whole) -> list[str]:
    missing = [one.label for one in compounds().values() if one.gaps]
    notes = [
        f"Not drawn, because numbers that the model needs are not published: {', '.join(missing)}.",
        f"Equal at day 7 instead of day 1, {_share(whole.week)} of the molecules have the effect of ketamine "
        f"at some dose, with a median peak of CADSS of {_median(whole.week)} points; equal at day 1 it is "
        f"{_share(whole.main.cloud)} with {_median(whole.main.cloud)}.",
    ]
    if whole.doubt is not None:
        never = {
            name: int((~np.isfinite(values)).sum()) for name, values in whole.doubt.needed.items()
            if np.isfinite(whole.main.needed[name])
        }  # fmt: skip
        told = ", ".join(f"{name} in {count}" for name, count in never.items() if count)
        if told:
            draws = len(next(iter(whole.doubt.needed.values())))
            notes.append(f"Of {draws} parameter draws, these leave no value that halves the peak: {told}.")
    return notes


def _share(found: AnalogSearch) -> str:
    return f"{100 * found.reached.mean():.0f} %"


def _median(found: AnalogSearch) -> str:
    return number(float(np.median(found.readouts.cadss[found.reached])), 2) if found.reached.any() else "–"
