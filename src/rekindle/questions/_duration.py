"""Question 2: how long one dose lasts, what repeated sessions add, and the relapse curve after stopping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.questions._answer import Findings
from rekindle.questions._draw import Curve, at, curve_rows, day_grid, draw_curves, grid
from rekindle.questions._inquiry import Arm, Courses, Inquiry
from rekindle.questions._mood import MOOD, days_to_relapse, median_relapse, reached, without_relapse
from rekindle.questions._published import observed
from rekindle.questions._quantity import Quantity, average, of_group, proportion, quantities
from rekindle.questions._question import find_question
from rekindle.questions._words import amount, percent, time
from rekindle.report import OBSERVED, QUIET, PageFigure, new_figure, number, styled
from rekindle.trials import Measure, Treatment, comparison_plan, lasting_days

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

_PLAN = comparison_plan("schedules")
_NAMES = tuple(one.name for one in _PLAN.treatments)
_SHORT = dict(zip(_NAMES, ("one", "six", "weekly"), strict=True))
_BLINDED, _OPEN = "saline_parallel", "open_label"
#: Follow-up after the last session (days), and days between visits.
_FOLLOW, _STEP = 83.0, 3.5
#: Days on which a response is counted after one infusion.
_DAYS = (1, 7, 14, 28)
_OBSERVED = "median days to relapse after six open-label infusions"


def answer(inquiry: Inquiry) -> Findings:
    """Simulate three schedules against saline, and open label until relapse."""
    ends = {one.name: one.parsed().sessions[-1].time_h for one in _PLAN.treatments}
    horizon = max(ends.values()) / 24.0 + _FOLLOW + 1.0
    visits = {name: _visits(end) for name, end in ends.items()}
    times = sorted({*day_grid(horizon), *(time for own in visits.values() for time in own)})
    found = inquiry.ensemble_of(_arms(), times, [MOOD])
    measures = partial(_measures, ends=ends, visits=visits, seed=inquiry.seed)
    numbers = quantities(found, measures, inquiry.seed)
    hours = grid(found.best)
    gaps = {name: found.band(partial(difference, name=name)) for name in _NAMES}
    days = np.arange(0.0, _FOLLOW + 0.1, _STEP)
    relapse = {
        name: found.band(partial(_free, name=name, end=ends[name], days=days, seed=inquiry.seed))
        for name in _NAMES
    }
    return Findings(
        _sentences(numbers),
        numbers,
        {"difference": _difference_figure(hours / 24.0, gaps), "relapse": _relapse_figure(days, relapse)},
        {
            "difference": curve_rows(gaps, "schedule", "day", hours / 24.0, "difference"),
            "relapse": curve_rows(relapse, "schedule", "day", days, "free"),
        },
    )


def _arms() -> dict[str, Arm]:
    arms = {}
    for one in _PLAN.treatments:
        sham = Treatment("saline", f"saline iv over 40 min{one.regimen.partition('over 40 min')[2]}")
        arms[one.name] = Arm(one, _BLINDED)
        arms[f"saline, {one.name}"] = Arm(replace(sham, name=f"saline, {one.name}"), _BLINDED)
        arms[f"open, {one.name}"] = Arm(one, _OPEN)
    return arms


def _visits(end_h: float) -> list[float]:
    return [end_h + 24.0, *(end_h + 24.0 * _STEP * place for place in range(1, int(_FOLLOW / _STEP) + 1))]


def difference(courses: Courses, name: str) -> Array:
    """Mean points by which a schedule is ahead of saline on the same days, at each time."""
    return np.asarray((courses[f"saline, {name}"][MOOD] - courses[name][MOOD]).mean(axis=0))


def _free(courses: Courses, name: str, end: float, days: Array, seed: int) -> Array:
    found = courses[f"open, {name}"]
    return without_relapse(days_to_relapse(found, end, _visits(end), seed), days)


def _measures(
    courses: Courses, ends: dict[str, float], visits: dict[str, list[float]], seed: int
) -> Iterator[Measure]:
    times = grid(courses)
    for name, short in _SHORT.items():
        ahead, end = courses[f"saline, {name}"][MOOD] - courses[name][MOOD], ends[name]
        yield of_group(
            f"largest_{short}", f"{name}: largest mean difference from saline", "points", ahead,
            lambda curves: float(curves.mean(axis=0).max()),
        )  # fmt: skip
        yield of_group(
            f"lasting_{short}",
            f"{name}: days after the last session until half of the largest mean difference is left",
            "days",
            ahead,
            lambda curves, end=end: lasting_days(times, curves.mean(axis=0), end),  # type: ignore[misc]
            limit=(float(times[-1]) - end) / 24.0,
        )
        for after in (1, 7, 28):
            yield average(
                f"difference_{after}_{short}",
                f"{name}: ahead of saline, day {after} after the last session",
                "points",
                ahead[:, at(times, end + 24.0 * after)],
            )
        relapse = days_to_relapse(courses[f"open, {name}"], end, visits[name], seed)
        yield proportion(
            f"responders_{short}",
            f"{name}, open label: response one day after the last session",
            np.isfinite(relapse) | np.isposinf(relapse),
        )
        yield of_group(
            f"relapse_{short}",
            f"{name}, open label: median time to relapse of those with a response",
            "days",
            relapse,
            lambda days: median_relapse(days, _FOLLOW),
            limit=_FOLLOW,
        )
        yield of_group(
            f"free_28_{short}",
            f"{name}, open label: without relapse 28 days after the last session, of those with a response",
            "%",
            relapse,
            lambda days: float(without_relapse(days, np.array([28.0]))[0]),
        )
    one, six = _NAMES[:2]
    leads = [
        (courses[f"saline, {name}"][MOOD] - courses[name][MOOD])[:, at(times, ends[name] + 24.0)]
        for name in (one, six)
    ]
    label = f"{six} further ahead of saline than {one}, one day after the last session"
    yield average("six_more_1", label, "points", leads[1] - leads[0])
    for day in _DAYS:
        for arm, words in ((one, one), (f"saline, {one}", "saline")):
            flags = reached("response", courses[arm], 24.0 * day, seed)
            key = f"response_day_{day}_{'one' if arm == one else 'saline'}"
            yield proportion(key, f"{words}, blinded: response on day {day}", flags)


def _sentences(numbers: dict[str, Quantity]) -> list[str]:
    first, later = numbers["response_day_1_one"], numbers["response_day_14_one"]
    return [
        f"After one infusion half of the largest mean difference from saline is left after "
        f"{time(numbers['lasting_one'])}. {percent(first)} of people are in response on day 1 and "
        f"{percent(later)} on day 14; under saline "
        f"{percent(numbers['response_day_1_saline'])} and {percent(numbers['response_day_14_saline'])}.",
        f"One day after the last session the lead over saline is {amount(numbers['difference_1_six'])} MADRS "
        f"points with six infusions and {amount(numbers['difference_1_one'])} with one; four weeks after it, "
        f"{amount(numbers['difference_28_six'])} and {amount(numbers['difference_28_one'])}. "
        f"{_more(numbers['six_more_1'])} No trial in these tables compared the two. Open label, "
        f"where time and contact count as well, {percent(numbers['responders_six'])} and "
        f"{percent(numbers['responders_one'])} are in response one day after the last session.",
        f"After six open-label infusions half of those with a response have relapsed after "
        f"{time(numbers['relapse_six'])}, {_beside_observed(numbers['relapse_six'])}; with four weekly "
        f"infusions more, {_weekly(numbers['relapse_weekly'])}.",
    ]


def _more(lead: Quantity) -> str:
    """Whether six infusions are further ahead than one, with the reason where they are not."""
    if lead.value > 0.0:
        return f"On that first day six are {amount(lead, 'points')} further ahead than one."
    return (
        f"In the model six are no further ahead than one on that first day ({amount(lead, 'points')}): the "
        "effect saturates, and saline given six times gathers contact as well."
    )


def _beside_observed(days: Quantity) -> str:
    """The observed median, and by which factor the model is off where it is two or more."""
    seen = observed(find_question("duration"), _OBSERVED)
    factor = max(days.value / seen, seen / days.value)
    if not factor >= 2.0:
        return f"beside {number(seen)} observed days in one trial"
    least = "more than " if days.at_least else ""
    return f"wrong by a factor of {least}{number(factor, 2)} from {number(seen)} observed days in one trial"


def _weekly(days: Quantity) -> str:
    if days.at_least:
        return "fewer than half had relapsed when the simulation ended"
    return f"after {time(days)} from the last one"


def _difference_figure(days: Array, gaps: dict[str, Curve]) -> PageFigure:
    told = "; ".join(f"{name}: at most {number(gap[0].max())}" for name, gap in gaps.items())
    with styled():
        figure, (axes,) = new_figure(8.6, 3.7)
        draw_curves(axes, days, gaps, limits=(0.0, None))
        axes.set_xticks(range(0, int(days[-1]) + 1, 14))
        axes.set_ylabel("ahead of saline (MADRS points)")
        axes.set_xlabel("days after the first infusion")
    return PageFigure(
        figure,
        f"Mean difference from saline given on the same days. {told} points.",
        "Mean difference from saline on the same days, read once a day. Bands: 90 % of parameter draws.",
    )


def _relapse_figure(days: Array, relapse: dict[str, Curve]) -> PageFigure:
    told = "; ".join(f"{name}: {number(curve[0][-1])} % at the end" for name, curve in relapse.items())
    with styled():
        figure, (axes,) = new_figure(8.6, 3.7)
        bounded = {name: tuple(np.clip(part, 0, 100) for part in curve) for name, curve in relapse.items()}
        draw_curves(axes, days, bounded, limits=(0.0, 104.0))  # type: ignore[arg-type]
        axes.axhline(50.0, color=QUIET, linewidth=1.0, linestyle=(0, (4, 3)))
        _mark_observed(axes)
        axes.set_xticks(range(0, int(_FOLLOW) + 1, 14))
        axes.set_ylabel("without relapse (% of those in response)")
        axes.set_xlabel("days after the last session")
    return PageFigure(
        figure,
        f"Share without relapse after an open-label course, of people who had responded. {told}.",
        "Without relapse after an open-label course, of people with a response one day after its end. "
        "Bands: 90 % of parameter draws.",
    )


def _mark_observed(axes: Axes) -> None:
    """The published median after six infusions, where the curve would have to pass."""
    days = observed(find_question("duration"), _OBSERVED)
    axes.plot([days], [50.0], marker="o", color=OBSERVED, linestyle="none", zorder=5)
    # Below and before the point no curve passes that is anywhere near it.
    axes.annotate("observed median\nafter six infusions", (days, 50.0), xytext=(-6, -6),
                  textcoords="offset points", va="top", ha="right", fontsize=9.5)  # fmt: skip
