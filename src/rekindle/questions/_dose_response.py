"""Question 3: dose-response for infusion and spray, and why blinded trials show less than open samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.questions._answer import Findings
from rekindle.questions._draw import at, day_grid, grid
from rekindle.questions._inquiry import Arm, Courses, Ensemble, Inquiry
from rekindle.questions._mood import MOOD
from rekindle.questions._published import held_against, observed
from rekindle.questions._quantity import Quantity, average, of_parameters, proportion, quantities
from rekindle.questions._question import find_question
from rekindle.questions._walk import OF_DESIGNS, STEPS, percentage, states
from rekindle.questions._words import amount, percent
from rekindle.report import INK, LINE_COLOURS, OBSERVED, PageFigure, new_figure, number, styled
from rekindle.therapy import ParameterSet, coverage, default_parameters
from rekindle.trials import Measure, Treatment, endpoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Route:
    """Doses by one route in the setting of its trials; dose 0 is its control."""

    key: str
    title: str
    unit: str
    doses: tuple[float, ...]
    regimen: str
    control: str
    observed: Mapping[float, str]


_ROUTES = (
    Route("iv", "Ketamine into a vein", "mg/kg", (0.0, 0.1, 0.2, 0.5, 1.0),
          "ketamine {dose:g} mg/kg iv over 40 min", "midazolam",
          {0.0: "midazolam IV, MADRS change at 24 h", 0.5: "0.5 mg/kg IV, MADRS change at 24 h"}),
    Route("nasal", "Esketamine as a spray", "mg", (0.0, 28.0, 56.0, 84.0, 112.0),
          "esketamine {dose:g} mg nasal", "placebo_spray_existing_ad",
          {0.0: "placebo spray, MADRS change at 24 h",
           **{dose: f"{dose:g} mg spray, MADRS change at 24 h" for dose in (28.0, 56.0, 84.0)}}),
)  # fmt: skip
_SALINE = "saline iv over 40 min"


def answer(inquiry: Inquiry) -> Findings:
    """Simulate every dose once, and walk from the open sample to the blinded trial."""
    found = inquiry.ensemble_of(_arms(), day_grid(1.0), [MOOD, "cadss"], share=0.3)
    walk = _walk(inquiry)
    numbers = {**quantities(found, _measures, inquiry.seed), **walk}
    return Findings(
        _sentences(numbers),
        numbers,
        {"dose": _dose_figure(found), "walk": _walk_figure([walk[f"walk_{place}"] for place in range(7)])},
        {"dose": _dose_rows(numbers)},
        notes=_outside(inquiry),
    )


def _arms() -> dict[str, Arm]:
    arms = {}
    for route in _ROUTES:
        for dose in route.doses:
            name = _name(route, dose)
            regimen = route.regimen.format(dose=dose) if dose else _SALINE
            arms[name] = Arm(Treatment(name, regimen), route.control)
    return arms


def _name(route: Route, dose: float) -> str:
    return f"{route.key} {dose:g}"


def _measures(courses: Courses) -> Iterator[Measure]:
    times = grid(courses)
    limit = endpoint("dissociation", "CADSS").threshold
    for route in _ROUTES:
        control = courses[_name(route, 0.0)]
        for dose in route.doses:
            found, words = courses[_name(route, dose)], f"{dose:g} {route.unit} {route.key}"
            key = f"{route.key}_{dose:g}"
            fall = (found[MOOD][:, :1] - found[MOOD])[:, at(times, 24.0)]
            yield average(f"fall_{key}", f"{words}: fall of MADRS at 24 h, blinded", "points", fall)
            if dose:
                ahead = (control[MOOD] - found[MOOD])[:, at(times, 24.0)]
                yield average(f"ahead_{key}", f"{words}: ahead of control at 24 h", "points", ahead)
                peak = found["cadss"].max(axis=1)
                yield average(f"cadss_{key}", f"{words}: peak of CADSS", "points", peak)
                label = f"{words}: dissociated (CADSS > {limit:g})"
                yield proportion(f"dissociated_{key}", label, peak > limit)


def _walk(inquiry: Inquiry) -> dict[str, Quantity]:
    """The seven percentages of the walk, with the interval that the parameters give each."""
    run = partial(percentage, seed=inquiry.seed, mechanism=inquiry.mechanism)
    best, sets = default_parameters(inquiry.mechanism), inquiry.parameter_draws()
    few = min(inquiry.few, inquiry.people)
    values = _all(run, inquiry.people, best)
    inquiry.tell(0.4)
    drawn = []
    reference = _all(run, few, best) if sets else values
    for place, one in enumerate(sets, 1):
        drawn.append(_all(run, few, one))
        inquiry.tell(0.4 + 0.3 * place / len(sets))
    nothing = (float("nan"), float("nan"))
    labels = ["open sample, as reported", *(step.words for step in STEPS)]
    found = {}
    for place, (label, value) in enumerate(zip(labels, values, strict=True)):
        unit = "percentage points" if place == len(STEPS) else "%"
        moved = np.array([one[place] for one in drawn])
        spread = of_parameters(float(value), float(reference[place]), moved, unit) if drawn else nothing
        last = place == len(STEPS)
        words = f"{'difference in response between arms' if last else 'response'}, walk {place}: {label}"
        found[f"walk_{place}"] = Quantity(
            f"walk_{place}", words, unit, float(value), nothing, "resampled people", spread
        )
    return found


def _all(run: Callable[..., float], people: int, parameters: ParameterSet) -> Array:
    return np.array([run(state, people=people, parameters=parameters) for state in states()])


def _sentences(numbers: Mapping[str, Quantity]) -> list[str]:
    blinded, last = numbers[f"walk_{len(OF_DESIGNS)}"], numbers[f"walk_{len(STEPS)}"]
    steps = [
        (numbers[f"walk_{place}"].value - numbers[f"walk_{place + 1}"].value, step.words)
        for place, step in enumerate(STEPS)
    ]
    size, words = max(steps)
    return [
        f"As a spray, 84 mg are {amount(numbers['ahead_nasal_84'], 'MADRS points')} ahead of placebo after "
        f"24 h in the mean, 28 mg {amount(numbers['ahead_nasal_28'])}; "
        f"{percent(numbers['dissociated_nasal_84'])} and {percent(numbers['dissociated_nasal_28'])} "
        f"dissociate; for the first doses of the spray {_seen(numbers['dissociated_nasal_84'])}.",
        f"Into a vein, 0.5 mg/kg are {amount(numbers['ahead_iv_0.5'], 'MADRS points')} ahead of control, "
        f"0.2 mg/kg {amount(numbers['ahead_iv_0.2'])} and 1 mg/kg {amount(numbers['ahead_iv_1'])}.",
        f"The open sample reports {percent(numbers['walk_0'])} response{_published_open(numbers['walk_0'])}, "
        f"and the drug arm of the blinded trial {percent(blinded)}: the same kind of people, the same drug. "
        f"When nobody notices the drug, the difference between the arms is {amount(last, last.unit)}; it is "
        f"no share of people. The largest step down, by {size:.0f} points, is: {words}.",
    ]


def _seen(one: Quantity) -> str:
    return held_against(find_question("dose_response"), one)


def _published_open(start: Quantity) -> str:
    """Where the open sample stands beside the published ones."""
    question = find_question("dose_response")
    labels = [one.label for one in question.published if one.label.startswith("open label: response")]
    shares = [observed(question, label) for label in labels]
    place = "below" if start.value < min(shares) else "above" if start.value > max(shares) else "within"
    return f", {place} the {number(min(shares))} to {number(max(shares))} % of the published open ones"


def _outside(inquiry: Inquiry) -> list[str]:
    """Doses of people whom no evidence covers, which are simulated all the same."""
    people, told = inquiry.group(), []
    for route in _ROUTES:
        for dose in route.doses[1:]:
            regimen = Treatment("dose", route.regimen.format(dose=dose)).parsed()
            share = np.mean([bool(coverage(regimen, person.weight_kg).refusals) for person in people])
            if share:
                told.append(
                    f"{dose:g} {route.unit} {route.key} lies outside the doses that were studied for "
                    f"{100 * share:.0f} % of these people, by their weight; that part is extrapolation."
                )
    return told


def _dose_figure(found: Ensemble) -> PageFigure:
    told = []
    with styled():
        figure, axes = new_figure(9.0, 5.6, 2, 2, sharex="col", sharey="row")
        for column, route in enumerate(_ROUTES):
            upper, lower = axes[column], axes[column + 2]
            doses = np.array(route.doses)
            falls, cadss = (found.band(partial(curve, route=route)) for curve in (_fall_curve, _cadss_curve))
            _dose_panel(upper, doses, falls)
            _dose_panel(lower, doses, cadss)
            _observed_points(upper, route)
            upper.set_title(route.title)
            lower.set_xlabel(f"dose ({route.unit}); 0 is the control of its trials")
            lower.set_xticks(doses)
            told.append(f"{route.title}: fall {', '.join(number(v) for v in falls[0])}")
        axes[0].set_ylabel("fall of MADRS at 24 h (points)")
        axes[2].set_ylabel("peak of CADSS (points)")
        axes[0].set_ylim(0.0, None)
        axes[2].set_ylim(0.0, None)
        handles, labels = axes[1].get_legend_handles_labels()
        axes[1].legend(handles[-1:], labels[-1:], loc="lower right")
    return PageFigure(
        figure,
        f"Dose-response by route. {'; '.join(told)} points.",
        "Mean of people after one dose, in the setting of the trials of each route. Bands: 90 % of parameter "
        "draws. Dots: published arms, whose people and baselines differ.",
    )


def _fall_curve(courses: Courses, route: Route) -> Array:
    place = at(grid(courses), 24.0)
    found = [courses[_name(route, dose)][MOOD] for dose in route.doses]
    return np.array([(one[:, 0] - one[:, place]).mean() for one in found])


def _cadss_curve(courses: Courses, route: Route) -> Array:
    return np.array([courses[_name(route, dose)]["cadss"].max(axis=1).mean() for dose in route.doses])


def _dose_panel(axes: Axes, doses: Array, curve: Sequence[Array]) -> None:
    value, low, high = curve
    axes.fill_between(doses, low, high, color=LINE_COLOURS[0], alpha=0.13, linewidth=0)
    axes.plot(doses, value, color=LINE_COLOURS[0], marker="o", markersize=4)


def _observed_points(axes: Axes, route: Route) -> None:
    question = find_question("dose_response")
    values = [-observed(question, label) for label in route.observed.values()]
    axes.plot(list(route.observed), values, "D", color=OBSERVED, markersize=5, label="published", zorder=5)


def _walk_figure(walk: Sequence[Quantity]) -> PageFigure:
    values = [one.value for one in walk]
    labels = ["open sample, as reported", *(step.words for step in STEPS)]
    blinded = len(OF_DESIGNS)
    with styled():
        figure, (axes,) = new_figure(9.0, 4.4)
        for place, value in enumerate(values):
            if place:
                before = values[place - 1]
                axes.bar(place - 0.5, before - value, bottom=value, width=0.16,
                         color=LINE_COLOURS[1] if before >= value else LINE_COLOURS[2])  # fmt: skip
            end = place in (0, blinded, len(values) - 1)
            axes.bar(place, value, width=0.62, color=LINE_COLOURS[0], alpha=0.9 if end else 0.4)
            low, high = walk[place].parameters
            if np.isfinite(low):
                axes.plot([place, place], [low, high], color=INK, linewidth=1.1)
            top = max(value, high) if np.isfinite(high) else value
            axes.text(
                place,
                top + 1.5,
                f"{value:.0f}{'' if place == len(STEPS) else ' %'}",
                ha="center",
                fontsize=9.5,
            )
        marked = {0: "OPEN", blinded: "BLINDED, drug arm", len(values) - 1: "DIFFERENCE"}
        named = [
            fill(label, 15) + (f"\n{marked[place]}" if place in marked else "")
            for place, label in enumerate(labels)
        ]
        axes.set_xticks(range(len(values)), named, fontsize=8.5)
        axes.grid(axis="x", visible=False)
        axes.tick_params(axis="x", length=0)
        axes.set_ylim(0.0, min(112.0, max(values) + 18.0))
        axes.set_ylabel("people with a response (%)")
    told = "; ".join(f"{label} {value:.0f} %" for label, value in zip(labels, values, strict=True))
    return PageFigure(
        figure,
        f"Waterfall from the open sample to the difference between the arms: {told}.",
        "Response when one switch after the other is turned; each keeps those before it. Narrow bars: what a "
        "step takes (orange) or adds (green). The last bar is the difference between the arms, in percentage "
        "points, and no share of people. Lines: 90 % of parameter draws.",
    )


def _dose_rows(numbers: Mapping[str, Quantity]) -> list[dict[str, object]]:
    return [
        {
            "route": route.key,
            "dose": dose,
            "unit": route.unit,
            "fall": numbers[f"fall_{route.key}_{dose:g}"].value,
        }
        for route in _ROUTES
        for dose in route.doses
    ]
