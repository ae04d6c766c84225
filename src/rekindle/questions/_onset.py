"""Question 1: how fast and how deep one infusion works, against an SSRI and against saline."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rekindle.questions._answer import Findings
from rekindle.questions._draw import Curve, at, curve_rows, day_grid, draw_curves, grid
from rekindle.questions._inquiry import Arm, Courses, Inquiry
from rekindle.questions._published import held_against, observed
from rekindle.questions._quantity import Quantity, average, of_group, proportion, quantities
from rekindle.questions._question import find_question
from rekindle.questions._words import amount, percent, time
from rekindle.report import QUIET, PageFigure, new_figure, number, styled
from rekindle.trials import Measure, Treatment, comparison_plan, half_time

Array = NDArray[np.float64]

_SETTING = "saline_parallel"
_MOOD = "madrs_latent"
_DAYS = 42
#: Lead (points of MADRS) of which the share of people is told, because gains are very skewed.
_GAIN = 10
_KETAMINE, _SSRI = (
    one.name for one in comparison_plan("ketamine_and_ssri").treatments if " and " not in one.name
)
_SALINE = "saline"
_SHORT = {_KETAMINE: "ketamine", _SSRI: "ssri", _SALINE: "saline"}
_ACTIVE = (_KETAMINE, _SSRI)
#: When the difference is told (h); the first two are too early for a tablet.
_LOOKS = (
    (40 / 60, "40 min"), (4.0, "4 h"), (24.0, "day 1"),
    (168.0, "day 7"), (672.0, "day 28"), (1008.0, "day 42"),
)  # fmt: skip


def answer(inquiry: Inquiry) -> Findings:
    """Simulate the three treatments and say when and how far they part."""
    arms = _arms()
    found = inquiry.ensemble_of(arms, day_grid(_DAYS), [_MOOD])
    numbers = quantities(found, _measures, inquiry.seed)
    bands = {name: found.band(partial(average_score, name=name)) for name in arms}
    gaps = {name: found.band(partial(difference, name=name)) for name in _ACTIVE}
    hours = grid(found.best)
    return Findings(
        _sentences(numbers),
        numbers,
        {
            "course": _course_figure(hours, bands),
            "difference": _difference_figure(hours, gaps),
        },
        {
            "course": curve_rows(bands, "treatment", "time_h", hours, "madrs"),
            "difference": curve_rows(gaps, "treatment", "time_h", hours, "difference"),
        },
        notes=[_note_on_saline(numbers["fall_day_1_saline"])],
    )


def _arms() -> dict[str, Arm]:
    plan = comparison_plan("ketamine_and_ssri")
    treatments = [one for one in plan.treatments if one.name in _ACTIVE]
    treatments.append(Treatment(_SALINE, "saline iv over 40 min"))
    return {one.name: Arm(one, _SETTING) for one in treatments}


def average_score(courses: Courses, name: str) -> Array:
    """Mean MADRS of a treatment at each time."""
    return np.asarray(courses[name][_MOOD].mean(axis=0))


def difference(courses: Courses, name: str) -> Array:
    """Mean points by which a treatment is ahead of saline at each time; positive favours the treatment."""
    return np.asarray((courses[_SALINE][_MOOD] - courses[name][_MOOD]).mean(axis=0))


def _measures(courses: Courses) -> Iterator[Measure]:
    times = grid(courses)
    for name in _ACTIVE:
        short = _SHORT[name]
        ahead = courses[_SALINE][_MOOD] - courses[name][_MOOD]
        yield of_group(
            f"half_time_{short}",
            f"{name}: time to half of its largest mean difference from saline",
            "h",
            ahead,
            lambda curves: half_time(times, curves.mean(axis=0)),
        )
        yield of_group(
            f"day_largest_{short}",
            f"{name}: day of the largest mean difference",
            "days",
            ahead,
            lambda curves: float(times[np.argmax(curves.mean(axis=0))]) / 24.0,
            limit=float(_DAYS),
        )
        yield of_group(
            f"largest_{short}",
            f"{name}: largest mean difference from saline",
            "points",
            ahead,
            lambda curves: float(curves.mean(axis=0).max()),
        )
        for hour, words in _LOOKS[0 if name == _KETAMINE else 2 :]:
            yield average(
                f"difference_{words.replace(' ', '_')}_{short}",
                f"{name} ahead of saline, {words}",
                "points",
                ahead[:, at(times, hour)],
            )
    ketamine, ssri = (courses[_SALINE][_MOOD] - courses[name][_MOOD] for name in _ACTIVE)
    yield of_group(
        "day_overtaken",
        f"day from which {_SSRI} is further ahead of saline than {_KETAMINE}",
        "days",
        np.stack([ketamine, ssri], axis=1),
        lambda curves: _day_overtaken(curves, times),
        limit=float(_DAYS),
    )
    yield proportion(
        "gain_10_ketamine",
        f"{_KETAMINE}: at least {_GAIN} points ahead of saline, day 1",
        ketamine[:, at(times, 24.0)] >= _GAIN,
    )
    for name, short in _SHORT.items():
        fall = courses[name][_MOOD][:, :1] - courses[name][_MOOD]
        for day in (1, 42):
            yield average(
                f"fall_day_{day}_{short}",
                f"{name}: fall of MADRS, day {day}",
                "points",
                fall[:, at(times, 24.0 * day)],
            )


def _sentences(numbers: dict[str, Quantity]) -> list[str]:
    return [
        f"Half of what one infusion of ketamine brings over saline is there after "
        f"{time(numbers['half_time_ketamine'])}; an SSRI needs {time(numbers['half_time_ssri'])} for half of "
        f"what it brings in {_DAYS // 7} weeks.",
        f"Ketamine is furthest ahead after {time(numbers['day_largest_ketamine'])} "
        f"({held_against(find_question('onset'), numbers['day_largest_ketamine'])}): "
        f"{amount(numbers['largest_ketamine'], 'MADRS points')} in the mean. A day after the infusion "
        f"{percent(numbers['gain_10_ketamine'])} of people are at least {_GAIN} points ahead, and the mean "
        f"is {amount(numbers['difference_day_1_ketamine'])}, at the end "
        f"{amount(numbers['difference_day_42_ketamine'])}; the SSRI ends "
        f"{amount(numbers['difference_day_42_ssri'])} ahead of saline. {_crossing(numbers['day_overtaken'])}",
    ]


def _crossing(day: Quantity) -> str:
    if day.at_least:
        return f"The SSRI does not catch up within {_DAYS // 7} weeks."
    return f"The SSRI overtakes it after {time(day)}, if no second infusion is given."


def _day_overtaken(curves: Array, times: Array) -> float:
    """Day from day 1 on at which the mean of the first treatment falls behind that of the second."""
    first, second = curves.mean(axis=0)
    behind = np.flatnonzero((first < second) & (times >= 24.0))
    return float(times[behind[0]]) / 24.0 if len(behind) else float(_DAYS)


def _note_on_saline(fall: Quantity) -> str:
    label = "saline in a crossover, MADRS change on day 2"
    seen = -observed(find_question("onset"), label)
    return (
        f"Saline falls by {amount(fall, 'MADRS points')} on day 1 here, beside {number(seen)} on day 2 in a "
        "crossover. No saline arm of a parallel trial is in these tables, so nothing checks that fall, and "
        "the difference depends on it."
    )


def _course_figure(hours: Array, bands: dict[str, Curve]) -> PageFigure:
    ends = "; ".join(f"{name} {number(band[0][-1])}" for name, band in bands.items())
    first = hours <= 24.0
    with styled():
        figure, (left, right) = new_figure(9.0, 3.7, 1, 2, width_ratios=[1, 1.2], sharey=True)
        day = {name: tuple(part[first] for part in band) for name, band in bands.items()}
        draw_curves(left, hours[first], day, labels=False)  # type: ignore[arg-type]
        draw_curves(right, hours / 24.0, bands)
        left.set_xlabel("hours after the start of the infusion")
        left.set_xticks(range(0, 25, 4))
        left.locator_params(axis="y", integer=True)
        right.set_xlabel("days")
        right.set_xticks(range(0, _DAYS + 1, 7))
        left.set_ylabel("MADRS, mean of people (points)")
        left.set_title("First day")
        right.set_title("Six weeks")
    return PageFigure(
        figure,
        f"Mean MADRS of the three treatments in the same people. At the end: {ends}.",
        "Mean MADRS, without rating error, in the same people; the SSRI starts like saline. Bands: 90 % of "
        "parameter draws.",
    )


def _difference_figure(hours: Array, gaps: dict[str, Curve]) -> PageFigure:
    peaks = "; ".join(f"{name} at most {number(gap[0].max())} points" for name, gap in gaps.items())
    late = hours >= 0.25
    with styled():
        figure, (axes,) = new_figure(8.4, 3.7)
        shown = {name: tuple(part[late] for part in gap) for name, gap in gaps.items()}
        axes.set_xscale("log")
        draw_curves(axes, hours[late], shown)  # type: ignore[arg-type]
        ticks = {0.25: "15 min", 1: "1 h", 4: "4 h", 24: "1 day", 168: "1 week", 1008: "6 weeks"}
        axes.set_xticks(list(ticks), list(ticks.values()))
        axes.minorticks_off()
        axes.axhline(0.0, color=QUIET, linewidth=0.8)
        axes.set_ylabel("ahead of saline (MADRS points)")
        axes.set_xlabel("time after the start of the infusion, or of the first tablet (logarithmic)")
    return PageFigure(
        figure,
        f"Mean difference from saline over six weeks on a logarithmic axis of time; {peaks}.",
        "Mean difference from saline in the same people. Bands: 90 % of parameter draws.",
    )
