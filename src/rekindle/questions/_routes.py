"""Question 4: into a vein, as a spray, or swallowed: onset, exposure, effect, side effects, visits."""

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
from rekindle.questions._mood import MOOD, reached
from rekindle.questions._published import held_against
from rekindle.questions._quantity import Quantity, average, of_group, proportion, quantities
from rekindle.questions._question import find_question
from rekindle.questions._session import over_at
from rekindle.questions._words import amount, percent, time
from rekindle.report import Bar, PageFigure, comparison_bars_figure, new_figure, number, styled
from rekindle.therapy import coverage
from rekindle.trials import (
    Measure,
    Treatment,
    comparison_plan,
    endpoint,
    half_time,
    readiness_rule,
    ready_to_leave,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

_PLAN = comparison_plan("routes")
_NAMES = tuple(one.name for one in _PLAN.treatments)
_SHORT = dict(zip(_NAMES, ("iv", "nasal", "oral"), strict=True))
_SETTING = "midazolam"
_PLASMA = "s_ketamine_venous"
_ACUTE = ("cadss", "systolic_change", "p_moaas_4", "p_report_nausea", "p_report_dizziness", _PLASMA)
_DAYS = 28
#: When the reports of a session are complete (h).
_REPORT_H = 1.5
#: Quantity -> heading of its panel in the figure of side effects.
_PANELS = {
    "dissociated": "Dissociated (%)",
    "sedated": "Sedated at the peak (%)",
    "pressure": "Systolic rise (mmHg)",
    "nausea": "Nausea, course (%)",
    "dizziness": "Dizziness, course (%)",
    "not_ready_90": "Not ready at 90 min (%)",
    "not_ready_120": "Not ready at 120 min (%)",
    "ahead_day_1": "Lead on day 1 (points)",
}


def answer(inquiry: Inquiry) -> Findings:
    """Simulate the three routes and their control."""
    plans = {one.name: one.parsed() for one in _PLAN.treatments}
    sessions = [session.time_h for session in plans[_NAMES[0]].sessions]
    after = [start + step for start in sessions for step in (0.0, _REPORT_H, 4.0)]
    times = sorted({*day_grid(_DAYS), *after})
    found = inquiry.ensemble_of(_arms(), times, [MOOD, *_ACUTE])
    numbers = quantities(found, partial(_measures, sessions=sessions, seed=inquiry.seed), inquiry.seed)
    hours = grid(found.best)
    curves = {
        output: {name: found.band(partial(_mean, name=name, output=output)) for name in _NAMES}
        for output in (_PLASMA, "cadss")
    }
    gaps = {name: found.band(partial(difference, name=name)) for name in _NAMES}
    return Findings(
        _sentences(numbers),
        numbers,
        {"course": _course_figure(hours, curves, gaps), "effects": _effects_figure(numbers)},
        {"course": _rows(hours, {**curves, "ahead": gaps})},
        notes=[f"Ready to leave: {readiness_rule()}.", *_labels(inquiry)],
    )


def _arms() -> dict[str, Arm]:
    first = _PLAN.treatments[0]
    sham = Treatment("saline", f"saline iv over 40 min{first.regimen.partition('over 40 min')[2]}")
    arms = {one.name: Arm(one, _SETTING) for one in _PLAN.treatments}
    # Saline, so that nobody notices anything: its cue is 0, as in trials with saline.
    arms["saline"] = Arm(replace(sham, name="saline"), _SETTING, parameters={"control_cue_size": 0.0})
    return arms


def difference(courses: Courses, name: str) -> Array:
    """Mean points by which a route is ahead of saline at each time."""
    return np.asarray((courses["saline"][MOOD] - courses[name][MOOD]).mean(axis=0))


def _mean(courses: Courses, name: str, output: str) -> Array:
    return np.asarray(courses[name][output].mean(axis=0))


def _measures(courses: Courses, sessions: list[float], seed: int) -> Iterator[Measure]:
    times = grid(courses)
    first = times <= 6.0
    limit = endpoint("dissociation", "CADSS").threshold
    for name, short in _SHORT.items():
        found, ahead = courses[name], courses["saline"][MOOD] - courses[name][MOOD]
        plasma = found[_PLASMA]
        day = times <= 24.0
        yield average(
            f"peak_{short}",
            f"{name}: peak of S-ketamine in venous plasma",
            "ng/mL",
            plasma[:, first].max(axis=1),
        )
        yield average(
            f"peak_time_{short}",
            f"{name}: time of that peak",
            "h",
            times[first][plasma[:, first].argmax(axis=1)],
        )
        yield average(
            f"exposure_{short}",
            f"{name}: exposure to S-ketamine over 24 h",
            "ng*h/mL",
            np.trapezoid(plasma[:, day], times[day], axis=1),
        )
        yield of_group(
            f"half_time_{short}",
            f"{name}: time to half of the largest mean difference from saline on day 1",
            "h",
            ahead[:, day],
            lambda curves: half_time(times[times <= 24.0], curves.mean(axis=0)),
        )
        for when in (1, _DAYS):
            yield average(
                f"ahead_day_{when}_{short}", f"{name}: ahead of saline, day {when}", "points",
                ahead[:, at(times, 24.0 * when)],
            )  # fmt: skip
        flags = reached("response", found, 24.0 * _DAYS, seed)
        yield proportion(f"response_{short}", f"{name}: response on day {_DAYS}, blinded", flags)
        cadss = found["cadss"][:, first].max(axis=1)
        yield average(f"cadss_{short}", f"{name}: peak of CADSS, first session", "points", cadss)
        yield proportion(
            f"dissociated_{short}", f"{name}: dissociated (CADSS > {limit:g}), first session", cadss > limit
        )
        yield of_group(
            f"cadss_end_{short}",
            f"{name}: time at which 90 % of those who dissociated no longer do, first session",
            "min",
            found["cadss"][:, first],
            lambda curves: over_at(times[first], curves, limit),
            limit=60.0 * float(times[first][-1]),
        )
        sedated = found["p_moaas_4"][:, first].max(axis=1)
        yield proportion(f"sedated_{short}", f"{name}: MOAA/S 4 or less, highest, first session", sedated)
        rise = found["systolic_change"][:, first].max(axis=1)
        yield average(f"pressure_{short}", f"{name}: systolic rise, first session", "mmHg", rise)
        for report in ("nausea", "dizziness"):
            places = [at(times, start + _REPORT_H) for start in sessions]
            chance = 1.0 - np.prod(1.0 - found[f"p_report_{report}"][:, places], axis=1)
            yield proportion(f"{report}_{short}", f"{name}: {report} in any session", chance)
        for minutes in (90, 120):
            stays = 1.0 - ready_to_leave(found, at(times, minutes / 60.0), seed)
            yield proportion(f"not_ready_{minutes}_{short}", f"{name}: not ready at {minutes} min", stays)


def _sentences(numbers: Mapping[str, Quantity]) -> list[str]:
    def three(key: str, words: str) -> str:
        return ", ".join(
            f"{name} {amount(numbers[f'{key}_{short}'], words if place == 0 else '')}"
            for place, (name, short) in enumerate(_SHORT.items())
        )

    onset = ", ".join(f"{name} {time(numbers[f'half_time_{short}'])}" for name, short in _SHORT.items())
    stays = ", ".join(
        f"{name} {percent(numbers[f'not_ready_120_{short}'])}" for name, short in _SHORT.items()
    )
    return [
        f"On the day after the first session they are ahead of saline by: {three('ahead_day_1', 'points')}. "
        f"Half of the first day's largest lead is there after: {onset}.",
        f"CADSS peaks at: {three('cadss', 'points')}. Not ready to leave after two hours: {stays}. "
        f"{_over(numbers['cadss_end_nasal'])} All three were given eight visits in four weeks; whether at "
        f"home or in a clinic is not asked.",
        f"Exposure to S-ketamine in 24 h: {three('exposure', 'ng h/mL')}.",
    ]


def _over(end: Quantity) -> str:
    """How long dissociation lasts after the spray beside the label, because readiness depends on it."""
    return (
        f"After the spray dissociation is over in nine of ten after {time(end)}, "
        f"{held_against(find_question('routes'), end)}; readiness after the spray depends on it."
    )


def _labels(inquiry: Inquiry) -> list[str]:
    people = inquiry.group()
    told: dict[str, None] = {}
    for one in _PLAN.treatments:
        for person in people:
            found = coverage(one.parsed(), person.weight_kg)
            told |= dict.fromkeys((*found.labels, *found.refusals))
    return list(told)[:3]


def _course_figure(
    hours: Array, curves: Mapping[str, Mapping[str, Curve]], gaps: Mapping[str, Curve]
) -> PageFigure:
    with styled():
        figure, (left, middle, right) = new_figure(9.0, 3.2, 1, 3, width_ratios=[1, 1, 1.15])
        _panel(left, hours, curves[_PLASMA], 6.0, "S-ketamine in plasma (ng/mL)")
        _panel(middle, hours, curves["cadss"], 4.0, "CADSS (points)")
        draw_curves(right, hours / 24.0, gaps, limits=(0.0, None), width=10)
        right.set_xticks(range(0, _DAYS + 1, 7))
        right.set_xlabel("days")
        right.set_ylabel("ahead of saline (points)")
        for axes, title in ((left, "First session"), (middle, "First session"), (right, "Four weeks")):
            axes.set_title(title)
    told = "; ".join(f"{name}: {number(gap[0][-1])} points ahead at the end" for name, gap in gaps.items())
    return PageFigure(
        figure,
        f"Plasma, dissociation and mood by route. {told}.",
        "Means of the same people under three routes; right: difference from saline on the same days, read "
        "once a day. Bands: 90 % of parameter draws.",
    )


def _panel(axes: Axes, hours: Array, curves: Mapping[str, Curve], end: float, label: str) -> None:
    inside = hours <= end
    shown = {name: tuple(part[inside] for part in curve) for name, curve in curves.items()}
    draw_curves(axes, hours[inside], shown, limits=(0.0, None), labels=False)  # type: ignore[arg-type]
    axes.set_ylabel(label)
    axes.set_xlabel("hours")


def _effects_figure(numbers: Mapping[str, Quantity]) -> PageFigure:
    panels = {
        title: {name: _bar(numbers[f"{key}_{short}"]) for name, short in _SHORT.items()}
        for key, title in _PANELS.items()
    }
    told = "; ".join(
        f"{title}: " + ", ".join(f"{name} {number(bar.value)}" for name, bar in bars.items())
        for title, bars in panels.items()
    )
    return PageFigure(
        comparison_bars_figure(panels),
        f"Effects of the routes. {told}.",
        "First session unless a panel says course. Lines: 90 % of parameter draws.",
    )


def _bar(one: Quantity) -> Bar:
    low, high = one.parameters if np.isfinite(one.parameters[0]) else (one.value, one.value)
    return Bar(one.value, low, high)


def _rows(hours: Array, curves: Mapping[str, Mapping[str, Curve]]) -> list[dict[str, object]]:
    return [
        {"quantity": quantity, **row}
        for quantity, own in curves.items()
        for row in curve_rows(own, "route", "time_h", hours, "mean")
    ]
