"""Question 9: inflammation as a moderator; anxiety and PTSD as far as evidence goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.questions._answer import Findings
from rekindle.questions._draw import Curve, at, curve_rows, day_grid, draw_curves, grid
from rekindle.questions._inquiry import Arm, Courses, Crowd, Inquiry
from rekindle.questions._mood import MOOD, reached
from rekindle.questions._quantity import Quantity, average, proportion, quantities
from rekindle.questions._words import amount, percent
from rekindle.report import LINE_COLOURS, QUIET, PageFigure, new_figure, number, styled
from rekindle.trials import Measure, ReportedResult, Treatment, comparison_plan, condition_results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

#: Inflammation (z-score) -> words.
_LEVELS = {-1.0: "less than average (z = -1)", 0.0: "average", 1.0: "more (z = 1)", 2.0: "much more (z = 2)"}
_SETTING = "midazolam"
_PLAN = comparison_plan("schedules").treatments[1]
_CONDITIONS = {"ptsd": "PTSD", "anxiety": "social anxiety"}
_AFTER = (1, 14)


def answer(inquiry: Inquiry) -> Findings:
    """Simulate six infusions at four levels of inflammation, and show what other conditions reported."""
    end = _PLAN.parsed().sessions[-1].time_h
    times = day_grid(end / 24.0 + 28.0)
    sham = Treatment("saline", f"saline iv over 40 min{_PLAN.regimen.partition('over 40 min')[2]}")

    def simulate(crowd: Crowd) -> Courses:
        found = {}
        for level in _LEVELS:
            people = [replace(person, inflammation_z=level) for person in crowd.people]
            own = Crowd(people, crowd.parameters)
            for drug, treatment in (("ketamine", _PLAN), ("saline", sham)):
                found[f"{drug} {level:g}"] = inquiry.simulate(Arm(treatment, _SETTING), own, times, [MOOD])
        return found

    found = inquiry.ensemble(simulate)
    numbers = quantities(found, partial(_measures, end=end, seed=inquiry.seed), inquiry.seed)
    hours = grid(found.best)
    curves = {words: found.band(partial(_ahead, level=level)) for level, words in _LEVELS.items()}
    return Findings(
        _sentences(numbers),
        numbers,
        {"inflammation": _inflammation_figure(hours / 24.0, curves), "conditions": _conditions_figure()},
        {"inflammation": curve_rows(curves, "inflammation", "time_h", hours, "ahead")},
    )


def _ahead(courses: Courses, level: float) -> Array:
    drug, control = courses[f"ketamine {level:g}"], courses[f"saline {level:g}"]
    return np.asarray((control[MOOD] - drug[MOOD]).mean(axis=0))


def _measures(courses: Courses, end: float, seed: int) -> Iterator[Measure]:
    times = grid(courses)
    for level, words in _LEVELS.items():
        drug, control = courses[f"ketamine {level:g}"], courses[f"saline {level:g}"]
        for day in _AFTER:
            place = at(times, end + 24.0 * day)
            yield average(
                f"ahead_{day}_{level:g}",
                f"inflammation {words}: ahead of saline, day {day} after six infusions",
                "points",
                (control[MOOD] - drug[MOOD])[:, place],
            )
        flags = reached("response", drug, end + 24.0, seed)
        label = f"inflammation {words}: response one day after six infusions, blinded"
        yield proportion(f"response_{level:g}", label, flags)


def _sentences(numbers: Mapping[str, Quantity]) -> list[str]:
    small = min(result.n or 0 for name in _CONDITIONS for result in condition_results(name))
    return [
        f"By assumption, more inflammation means less effect: a day after six infusions people at z = 2 are "
        f"{amount(numbers['ahead_1_2'], 'points')} ahead of saline and average people "
        f"{amount(numbers['ahead_1_0'])}; two weeks later {amount(numbers['ahead_14_2'])} and "
        f"{amount(numbers['ahead_14_0'])}. In response are {percent(numbers['response_2'])} and "
        f"{percent(numbers['response_0'])}.",
        f"For anxiety and PTSD nothing is simulated: there is one small trial each (the smallest number of "
        f"people behind a value is {small}), on scales of their own. The figure shows what they reported.",
    ]


def _inflammation_figure(days: Array, curves: Mapping[str, Curve]) -> PageFigure:
    with styled():
        figure, (axes,) = new_figure(8.6, 3.6)
        draw_curves(axes, days, curves, limits=(0.0, None), width=16)
        axes.set_title("direction and size assumed", loc="right", fontsize=9.0, fontweight="normal",
                       style="italic", color=QUIET)  # fmt: skip
        axes.set_xticks(range(0, int(days[-1]) + 1, 7))
        axes.set_ylabel("ahead of saline (points)")
        axes.set_xlabel("days after the first of six infusions")
    told = "; ".join(f"{words} {number(curve[0][-1])}" for words, curve in curves.items())
    return PageFigure(
        figure,
        f"Mean difference from saline by inflammation. At the end: {told} points.",
        "Mean difference from saline, read once a day, by inflammation. Bands: 90 % of parameter draws; they "
        "do not hold what is assumed of inflammation.",
    )


def _conditions_figure() -> PageFigure:
    rows = [
        (condition, result)
        for condition in _CONDITIONS
        for result in sorted(condition_results(condition), key=lambda one: one.scale)
        if result.unit == "%"
    ]
    with styled():
        figure, (axes,) = new_figure(8.6, 0.9 + 0.42 * len(rows))
        for place, (_, result) in enumerate(rows):
            _reported_bar(axes, place, result)
        axes.set_yticks(
            range(len(rows)),
            [fill(f"{_CONDITIONS[name]}, {one.scale}: {one.arm}", 44) for name, one in rows],
        )
        axes.invert_yaxis()
        axes.set_xlim(0.0, 100.0)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("people with a response, as each trial defined it (%)")
    told = "; ".join(f"{_CONDITIONS[name]}, {one.scale}, {one.arm}: {one.value:g} %" for name, one in rows)
    return PageFigure(
        figure,
        f"Reported response in PTSD and social anxiety. {told}.",
        "Published, not simulated: response in PTSD and social anxiety, with the number of people.",
    )


def _reported_bar(axes: Axes, place: int, result: ReportedResult) -> None:
    colour = LINE_COLOURS[0] if result.drug == "ketamine" else LINE_COLOURS[5]
    axes.barh(place, result.value, height=0.62, color=colour, alpha=0.85)
    people = "" if result.n is None else f", n = {result.n}"
    inside = result.value > 75.0
    axes.text(
        result.value + (-1.0 if inside else 1.0), place, f"{result.value:g} %{people}", va="center",
        ha="right" if inside else "left", fontsize=9.0, color="white" if inside else None,
    )  # fmt: skip
