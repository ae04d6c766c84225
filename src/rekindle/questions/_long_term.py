"""Question 10: a year of maintenance: mood, cumulative exposure, tolerance of dissociation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rekindle.questions._answer import Findings
from rekindle.questions._draw import Curve, at, curve_rows, draw_curves, grid
from rekindle.questions._inquiry import Arm, Courses, Inquiry
from rekindle.questions._mood import MOOD, reached
from rekindle.questions._quantity import Quantity, average, proportion, quantities
from rekindle.questions._words import amount, percent
from rekindle.report import LINE_COLOURS, PageFigure, mark_as_state, new_figure, number, styled
from rekindle.therapy import therapy_model
from rekindle.trials import Measure, Treatment, cumulative_exposure, endpoint

Array = NDArray[np.float64]

_INDUCTION = "esketamine 84 mg nasal, twice weekly x 4 weeks, then weekly x 4"
_MAINTAINED, _STOPPED = "maintained for a year", "stopped after eight weeks"
_PLANS = {
    _MAINTAINED: Treatment(_MAINTAINED, f"{_INDUCTION}, then every 2 weeks x 22"),
    _STOPPED: Treatment(_STOPPED, _INDUCTION),
}
_SHORT = {_MAINTAINED: "kept", _STOPPED: "stopped"}
_SETTING, _DAYS = "open_label", 364
_BLADDER = "bladder_exposure"
#: Times within a session at which dissociation is read (h).
_PEAK_H = (0.5, 0.67, 0.83)
_LOOKS = (28, 56, 182, 364)


def answer(inquiry: Inquiry) -> Findings:
    """Simulate a year of maintenance and the same people without it."""
    starts = [session.time_h for session in _PLANS[_MAINTAINED].parsed().sessions]
    times = sorted(
        {round(start + after, 9) for start in starts for after in (0.0, *_PEAK_H, 4.0)}
        | {24.0 * day for day in range(_DAYS + 1)}
    )
    arms = {name: Arm(plan, _SETTING) for name, plan in _PLANS.items()}
    found = inquiry.ensemble_of(arms, times, [MOOD, "cadss", _BLADDER])
    numbers = quantities(found, partial(_measures, starts=starts, seed=inquiry.seed), inquiry.seed)
    hours = grid(found.best)
    daily = np.array([at(hours, 24.0 * day) for day in range(_DAYS + 1)])
    days = np.arange(0.0, _DAYS + 1.0)
    mood, bladder = (
        {name: found.band(partial(_mean, name=name, output=output, places=daily)) for name in _PLANS}
        for output in (MOOD, _BLADDER)
    )
    peaks = found.band(partial(session_peaks, starts=starts))
    return Findings(
        _sentences(numbers, len(starts)),
        numbers,
        {
            "mood": _mood_figure(days, mood),
            "burden": _burden_figure(days, bladder, np.array(starts) / 24.0, peaks),
        },
        {
            "mood": curve_rows(mood, "plan", "day", days, "madrs"),
            "bladder": curve_rows(bladder, "plan", "day", days, "index"),
        },
    )


def session_peaks(courses: Courses, starts: list[float]) -> Array:
    """Mean peak of CADSS in each session of the maintained course."""
    found = courses[_MAINTAINED]
    return np.array([_peak(found["cadss"], grid(courses), start).mean() for start in starts])


def _peak(cadss: Array, times: Array, start: float) -> Array:
    return np.asarray(cadss[:, [at(times, start + after) for after in _PEAK_H]].max(axis=1))


def _mean(courses: Courses, name: str, output: str, places: Array) -> Array:
    return np.asarray(courses[name][output][:, places].mean(axis=0))


def _measures(courses: Courses, starts: list[float], seed: int) -> Iterator[Measure]:
    times = grid(courses)
    remission = endpoint("remission", "MADRS").label
    for name, short in _SHORT.items():
        found = courses[name]
        for day in _LOOKS:
            flags = reached("remission", found, 24.0 * day, seed)
            yield proportion(f"remission_{day}_{short}", f"{name}: {remission}, day {day}", flags)
        fall = found[MOOD][:, :1] - found[MOOD]
        yield average(f"fall_{short}", f"{name}: fall of MADRS after a year", "points", fall[:, -1])
        index = found[_BLADDER]
        yield average(f"bladder_{short}", f"{name}: highest bladder index", "ng*h/mL", index.max(axis=1))
        area = cumulative_exposure(found, _fading())
        assert area is not None, "the compound is ketamine"
        yield average(f"exposure_{short}", f"{name}: plasma exposure over the year", "ng*h/mL", area)
    for place, words in ((0, "first session"), (7, "eighth session"), (len(starts) - 1, "last session")):
        peak = _peak(courses[_MAINTAINED]["cadss"], times, starts[place])
        yield average(f"cadss_{place + 1}", f"peak of CADSS, {words}", "points", peak)


def _fading() -> float:
    """Rate at which the bladder index fades (1/h)."""
    rate = therapy_model().parameters["kUb"].value
    assert rate is not None, "the data file gives it"
    return rate


def _sentences(numbers: Mapping[str, Quantity], sessions: int) -> list[str]:
    first, eighth, last = (numbers[f"cadss_{place}"] for place in (1, 8, sessions))
    return [
        f"After a year {percent(numbers['remission_364_kept'])} of those who go on are in remission, and "
        f"{percent(numbers['remission_364_stopped'])} of the same people if they stop after eight weeks; on "
        f"day 28 it was {percent(numbers['remission_28_kept'])}. Nobody is selected here.",
        f"The year takes {sessions} sessions and an exposure of "
        f"{amount(numbers['exposure_kept'], 'ng h/mL')}, against {amount(numbers['exposure_stopped'])} with "
        "induction alone.",
        f"CADSS peaks at {amount(first, 'points')} in the first session, {amount(eighth)} in the eighth and "
        f"{amount(last)} in the last: tolerance builds up while sessions are close and fades when they are "
        "rare.",
    ]


def _mood_figure(days: Array, mood: Mapping[str, Curve]) -> PageFigure:
    with styled():
        figure, (axes,) = new_figure(8.8, 3.7)
        draw_curves(axes, days, mood, limits=(0.0, None), width=14)
        axes.set_xticks(range(0, _DAYS + 1, 56))
        axes.set_ylabel("MADRS, mean of people (points)")
        axes.set_xlabel("days")
    told = "; ".join(f"{name} {number(curve[0][-1])}" for name, curve in mood.items())
    return PageFigure(
        figure,
        f"Mean MADRS over a year. At the end: {told}.",
        "Mean MADRS of the same people, open label, read once a day. Bands: 90 % of parameter draws.",
    )


def _burden_figure(days: Array, bladder: Mapping[str, Curve], sessions: Array, peaks: Curve) -> PageFigure:
    with styled():
        figure, (left, right) = new_figure(10.0, 3.5, 1, 2)
        value, low, high = peaks
        left.fill_between(sessions, low, high, color=LINE_COLOURS[0], alpha=0.13, linewidth=0)
        left.plot(sessions, value, color=LINE_COLOURS[0], marker="o", markersize=3.5)
        left.set_ylim(0.0, None)
        left.set_title("Peak of CADSS in each session")
        left.set_ylabel("points, mean of people")
        thousands = {name: tuple(part / 1000.0 for part in curve) for name, curve in bladder.items()}
        draw_curves(right, days, thousands, limits=(0.0, None), width=12)  # type: ignore[arg-type]
        right.set_title("Bladder index")
        mark_as_state(right)
        right.set_ylabel("1000 ng h/mL, mean of people")
        for axes in (left, right):
            axes.set_xticks(range(0, _DAYS + 1, 56))
            axes.set_xlabel("days")
    told = "; ".join(f"{name} at most {number(curve[0].max())}" for name, curve in bladder.items())
    return PageFigure(
        figure,
        f"Dissociation from {number(value[0])} to {number(value[-1])} points over the sessions of a year. "
        f"Bladder index: {told} ng h/mL.",
        "Left: tolerance of dissociation. Right: an index of exposure that fades, a state of the model "
        "without a threshold. Bands: 90 % of parameter draws.",
    )
