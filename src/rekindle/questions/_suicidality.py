"""Question 6: suicidal thoughts over the first week after one infusion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence import assumption, mechanism_facts
from rekindle.people import Person, Stream, random_generator
from rekindle.questions._answer import Findings
from rekindle.questions._draw import Curve, at, curve_rows, day_grid, draw_curves, grid
from rekindle.questions._inquiry import Arm, Courses, Crowd, Inquiry
from rekindle.questions._mood import MOOD
from rekindle.questions._quantity import Quantity, of_group, quantities
from rekindle.questions._words import amount
from rekindle.report import QUIET, PageFigure, mark_as_state, new_figure, number, percent, styled
from rekindle.trials import Measure, Treatment

Array = NDArray[np.float64]

_SETTING = "mixed"
_ITEM, _LOWEST, _HIGHEST = "madrs_item10", 0.0, 6.0
_DRUG, _CONTROL, _MOOD_ALONE = "IV ketamine", "control", "IV ketamine, through mood alone"
#: When the effect is told (h).
_TIMES = (4.0, 24.0, 48.0, 72.0, 168.0)
#: First time of the curve (h).
_FIRST_H = 1.0


def answer(inquiry: Inquiry) -> Findings:
    """Simulate drug, control, and the drug without its rest beyond mood."""
    times = day_grid(7.0)
    drug, control = "ketamine 0.5 mg/kg iv over 40 min", "saline iv over 40 min"
    arms = {
        _DRUG: Arm(Treatment(_DRUG, drug), _SETTING),
        _CONTROL: Arm(Treatment(_CONTROL, control), _SETTING),
        _MOOD_ALONE: Arm(Treatment(_MOOD_ALONE, drug), _SETTING, parameters={"ESI": 0.0}),
    }

    def simulate(crowd: Crowd) -> Courses:
        people = Crowd([_with_item(one, inquiry.seed) for one in crowd.people], crowd.parameters)
        return {name: inquiry.simulate(arm, people, times, [MOOD, _ITEM]) for name, arm in arms.items()}

    found = inquiry.ensemble(simulate)
    numbers = quantities(found, _measures, inquiry.seed)
    hours = grid(found.best)
    late = hours[hours >= _FIRST_H]
    sizes = {name: found.band(partial(_sizes, name=name, times=late)) for name in (_DRUG, _MOOD_ALONE)}
    items = {name: found.band(partial(_mean, name=name)) for name in arms}
    return Findings(
        _sentences(numbers),
        numbers,
        {"effect": _effect_figure(late, sizes), "item": _item_figure(hours, items)},
        {"effect": curve_rows(sizes, "arm", "time_h", late, "effect_size")},
        notes=["The error of a rater is part of the spread; rounding and the ends of the item are not."],
    )


def _with_item(person: Person, seed: int) -> Person:
    """The same person with a suicidality item at entry, drawn around the assumed mean."""
    generator = random_generator(seed, 0, person.id, 0, Stream.COVARIATES, "item10")
    drawn = assumption("item10_mean") + assumption("item10_sd") * generator.standard_normal()
    return replace(person, item10_baseline=float(np.clip(drawn, _LOWEST, _HIGHEST)))


def effect_size(drug: Array, control: Array, error: float) -> float:
    """Difference of the means over the pooled SD between people, error of the rater included.

    Positive favours the drug.

    >>> effect_size(np.array([0.0, 1.0]), np.array([1.0, 2.0]), 0.0).__round__(2)
    1.41
    """
    pooled = np.sqrt((np.var(drug, ddof=1) + np.var(control, ddof=1)) / 2.0 + error**2)
    return float((control.mean() - drug.mean()) / pooled) if pooled > 0 else float("nan")


def _pair(courses: Courses, name: str, time_h: float) -> Array:
    """Items of drug and control at a time, shape (people, 2)."""
    place = at(grid(courses), time_h)
    return np.stack([courses[name][_ITEM][:, place], courses[_CONTROL][_ITEM][:, place]], axis=1)


def _size_of(values: Array) -> float:
    return effect_size(values[:, 0], values[:, 1], assumption("item10_error"))


def _sizes(courses: Courses, name: str, times: Array) -> Array:
    return np.array([_size_of(_pair(courses, name, time)) for time in times])


def _mean(courses: Courses, name: str) -> Array:
    return np.asarray(courses[name][_ITEM].mean(axis=0))


def _measures(courses: Courses) -> Iterator[Measure]:
    for time in _TIMES:
        words = f"{time:g} h" if time < 24 else f"day {time / 24:g}"
        values = _pair(courses, _DRUG, time)
        yield of_group(
            f"effect_size_{time:g}",
            f"effect size of the suicidality item, {words}",
            "SD",
            values,
            _size_of,
        )
    for time in (24.0, 168.0):
        place = at(grid(courses), time)
        items = np.stack([courses[name][_ITEM][:, place] for name in (_DRUG, _MOOD_ALONE, _CONTROL)], axis=1)
        yield of_group(
            f"through_mood_{time:g}",
            f"share of the item's difference that comes with mood, day {time / 24:g}",
            "%",
            items,
            _through_mood,
        )


def _through_mood(items: Array) -> float:
    drug, mood_alone, control = items.mean(axis=0)
    return 100.0 * float((control - mood_alone) / (control - drug))


def _sentences(numbers: Mapping[str, Quantity]) -> list[str]:
    return [
        f"The simulated effect size of the suicidality item is {amount(numbers['effect_size_24'])} on day 1, "
        f"{amount(numbers['effect_size_72'])} on day 3 and {amount(numbers['effect_size_168'])} on day 7; "
        f"after four hours it is {amount(numbers['effect_size_4'])}.",
        f"{percent(numbers['through_mood_24'].value / 100)} of the difference on day 1 come with mood, "
        f"{percent(numbers['through_mood_168'].value / 100)} on day 7; the rest is specific to the drug in "
        "the model.",
        "This is a course of thoughts on a scale. It says nothing about suicide or about one person.",
    ]


def _effect_figure(hours: Array, sizes: Mapping[str, Curve]) -> PageFigure:
    fact = mechanism_facts()["C16"]
    with styled():
        figure, (axes,) = new_figure(8.6, 3.7)
        low, high = float(fact["low"]), float(fact["high"])
        axes.axhspan(low, high, color=QUIET, alpha=0.12, linewidth=0)
        axes.text(7.0, high, "published: every assessment to day 7 ", ha="right", va="bottom", fontsize=9.5)
        draw_curves(axes, hours / 24.0, sizes, limits=(0.0, None))
        axes.set_xlim(0.0, 7.0)
        axes.set_xticks(range(8))
        axes.set_ylabel("effect size (SD)")
        axes.set_xlabel("days after the infusion")
    told = "; ".join(f"{name} {number(curve[0][-1])} on day 7" for name, curve in sizes.items())
    return PageFigure(
        figure,
        f"Effect size of the suicidality item over a week. {told}. Published: {number(low)} to "
        f"{number(high)}.",
        "Effect size of the item against control. Bands: 90 % of parameter draws. Grey: the published "
        "centre with its tolerance.",
    )


def _item_figure(hours: Array, items: Mapping[str, Curve]) -> PageFigure:
    with styled():
        figure, (axes,) = new_figure(8.6, 3.5)
        draw_curves(axes, hours / 24.0, items, limits=(0.0, None))
        mark_as_state(axes)
        axes.set_xticks(range(8))
        axes.set_ylabel("item, mean of people (points)")
        axes.set_xlabel("days after the infusion")
    told = "; ".join(f"{name} {number(curve[0][-1])} on day 7" for name, curve in items.items())
    return PageFigure(
        figure,
        f"Predicted suicidality item, a state of the model. {told}.",
        "Predicted item of MADRS, a state of the model, never a measurement. Bands: 90 % of parameter draws.",
    )
