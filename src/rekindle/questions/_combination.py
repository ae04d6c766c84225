"""Question 7: what an SSRI or psychotherapy would add to one infusion; weakly evidenced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.questions._answer import Findings
from rekindle.questions._draw import Curve, at, curve_rows, day_grid, draw_curves, grid
from rekindle.questions._inquiry import Arm, Courses, Inquiry
from rekindle.questions._mood import MOOD
from rekindle.questions._quantity import Quantity, average, quantities
from rekindle.questions._words import amount
from rekindle.report import QUIET, PageFigure, new_figure, number, styled
from rekindle.trials import Measure, Treatment, comparison_plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

_SETTING = "midazolam"
_DAYS = 42
_LOOKS = (7, 28, 42)
#: First and last day of the trial of training.
_TRIAL_DAYS = (1, 30)
_SALINE = "saline iv over 40 min"
_CLOSED = {"w1": 0.0, "w2": 0.0}
_ALONE, _CONTROL = "ketamine alone", "saline"
_WEAK = "weakly evidenced"


def answer(inquiry: Inquiry) -> Findings:
    """Simulate every addition after ketamine and after saline."""
    arms = _arms()
    found = inquiry.ensemble_of(arms, day_grid(_DAYS), [MOOD])
    numbers = quantities(found, _measures, inquiry.seed)
    hours = grid(found.best)
    curves = {name: found.band(partial(_gain, name=name)) for name in arms if name != _CONTROL}
    return Findings(
        _sentences(numbers),
        numbers,
        {"course": _course_figure(hours / 24.0, curves)},
        {"course": curve_rows(curves, "treatment", "time_h", hours, "ahead")},
    )


def additions() -> dict[str, Treatment]:
    """What is added to one infusion, by its short name.

    >>> sorted(additions())
    ['SSRI', 'psychotherapy', 'training']
    """
    both = comparison_plan("ketamine_and_ssri").treatments
    _, training, psychotherapy = comparison_plan("psychotherapy").treatments
    ssri = next(one for one in both if one.with_ssri and "saline" not in one.regimen)
    return {"SSRI": ssri, "training": training, "psychotherapy": psychotherapy}


def _arms() -> dict[str, Arm]:
    alone = comparison_plan("psychotherapy").treatments[0]
    arms = {
        _CONTROL: Arm(Treatment(_CONTROL, _SALINE), _SETTING),
        _ALONE: Arm(replace(alone, name=_ALONE), _SETTING),
    }
    for name, treatment in additions().items():
        arms[f"ketamine and {name}"] = Arm(treatment, _SETTING)
        arms[f"saline and {name}"] = Arm(replace(treatment, regimen=_SALINE), _SETTING)
        if treatment.with_training:
            arms[f"ketamine and {name}, no window"] = Arm(treatment, _SETTING, parameters=_CLOSED)
    return arms


def _gain(courses: Courses, name: str) -> Array:
    """Mean points ahead of saline alone at each time."""
    return np.asarray((courses[_CONTROL][MOOD] - courses[name][MOOD]).mean(axis=0))


def _measures(courses: Courses) -> Iterator[Measure]:
    times = grid(courses)
    for day in _LOOKS:
        place = at(times, 24.0 * day)
        alone = courses[_ALONE][MOOD][:, place]
        control = courses[_CONTROL][MOOD][:, place]
        yield average(f"alone_{day}", f"ketamine alone ahead of saline, day {day}", "points", control - alone)
        for name, treatment in additions().items():
            key = name.lower()
            after = alone - courses[f"ketamine and {name}"][MOOD][:, place]
            yield average(f"{key}_adds_{day}", f"{name} adds to ketamine, day {day}", "points", after)
            own = control - courses[f"saline and {name}"][MOOD][:, place]
            yield average(f"{key}_alone_{day}", f"{name} adds to saline, day {day}", "points", own)
            if treatment.with_training:
                closed = courses[f"ketamine and {name}, no window"][MOOD][:, place]
                gain = closed - courses[f"ketamine and {name}"][MOOD][:, place]
                yield average(
                    f"{key}_window_{day}", f"{name} after ketamine: by the window, day {day}", "points", gain
                )

    for name in (_ALONE, "ketamine and training"):
        scores = courses[name][MOOD]
        back = scores[:, at(times, 24.0 * _TRIAL_DAYS[1])] - scores[:, at(times, 24.0 * _TRIAL_DAYS[0])]
        key = "return_alone" if name == _ALONE else "return_training"
        yield average(key, f"{name}: return of MADRS from day 1 to day 30", "points", back)


def _sentences(numbers: Mapping[str, Quantity]) -> list[str]:
    return [
        f"Weakly evidenced, and in the model by assumption: on day 28 one infusion alone is "
        f"{amount(numbers['alone_28'], 'points')} ahead of saline. A daily SSRI adds "
        f"{amount(numbers['ssri_adds_28'], 'points')} to it, {amount(numbers['ssri_alone_28'])} to saline.",
        f"Training in the days after the infusion adds {amount(numbers['training_adds_28'], 'points')} to "
        f"ketamine and {amount(numbers['training_alone_28'])} to saline; "
        f"{amount(numbers['training_window_28'])} of it is the plasticity window. Two hours a week of "
        f"psychotherapy add {amount(numbers['psychotherapy_adds_28'], 'points')}, of which the window is "
        f"{amount(numbers['psychotherapy_window_28'])}.",
    ]


def _course_figure(days: Array, curves: Mapping[str, Curve]) -> PageFigure:
    with styled():
        figure, panels = new_figure(9.4, 3.3, 1, 3, sharey=True)
        for place, (axes, name) in enumerate(zip(panels, additions(), strict=True)):
            shown = {
                "ketamine": curves[_ALONE],
                f"ketamine and {name}": curves[f"ketamine and {name}"],
                f"{name} alone": curves[f"saline and {name}"],
            }
            _panel(axes, days, shown, name)
            if not place:
                axes.set_ylabel("ahead of saline (points)")
        top = max(float(curve[2].max()) for curve in curves.values())
        panels[0].set_ylim(-0.5, 1.08 * top)
    told = "; ".join(f"{name} {number(curve[0][-1])}" for name, curve in curves.items())
    return PageFigure(
        figure,
        f"Mean points ahead of saline with an SSRI, training or psychotherapy. On day {_DAYS}: {told}.",
        "Mean difference from saline alone, in the same people. Bands: 90 % of parameter draws; they do not "
        "hold what is assumed of training and its window.",
    )


def _panel(axes: Axes, days: Array, shown: Mapping[str, Curve], name: str) -> None:
    draw_curves(axes, days, shown, labels=False)
    for label, line in zip(shown, axes.get_lines(), strict=True):
        line.set_label(label)
    axes.legend(loc="upper right", fontsize=8.5)
    axes.set_title(name[0].upper() + name[1:])
    axes.set_title(_WEAK, loc="right", fontsize=9.0, fontweight="normal", style="italic", color=QUIET)
    axes.set_xticks(range(0, _DAYS + 1, 14))
    axes.set_xlabel("days")
