"""Question 5: dissociation, sedation and blood pressure after a dose, and who is not ready to leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rekindle.people import Person
from rekindle.questions._answer import Findings
from rekindle.questions._draw import Curve, at, draw_curves, grid
from rekindle.questions._inquiry import Arm, Courses, Crowd, Ensemble, Inquiry
from rekindle.questions._published import held_against
from rekindle.questions._quantity import Quantity, average, of_group, proportion, quantities
from rekindle.questions._question import find_question
from rekindle.questions._words import amount, percent, time
from rekindle.report import QUIET, PageFigure, band_of, new_figure, number, styled
from rekindle.trials import Measure, Treatment, endpoint, readiness_rule, ready_to_leave

Array = NDArray[np.float64]

_HOURS = 4.0
_SWITCHES = {"pressure_covariates": "assumed", "session_pressure": "on"}
_OUTPUTS = ("cadss", "p_moaas_4", "p_moaas_0", "systolic_change", "systolic_pressure")
_ROUTES = {
    "iv": Treatment("IV ketamine", "ketamine 0.5 mg/kg iv over 40 min"),
    "nasal": Treatment("nasal esketamine", "esketamine 84 mg nasal"),
}
#: Share of those who dissociated in whom it is over at the end.
_OVER = 0.9
_MINUTES = (90, 120)
_WORDS = {"cadss": "dissociation", "sedation": "sedation", "pressure": "pressure"}


@dataclass(frozen=True, slots=True)
class Kind:
    """People of one age and pressure at entry."""

    key: str
    words: str
    age_years: float
    systolic: float
    diastolic: float
    hypertension: bool

    def of(self, person: Person) -> Person:
        """The same person with these facts."""
        return replace(
            person,
            age_years=self.age_years,
            systolic_mmhg=self.systolic,
            diastolic_mmhg=self.diastolic,
            hypertension=self.hypertension,
        )


_KINDS = (
    Kind("young", "35 years, 120/80", 35.0, 120.0, 80.0, False),
    Kind("old", "65 years, 120/80", 65.0, 120.0, 80.0, False),
    Kind("young_high", "35 years, 145/90, hypertension", 35.0, 145.0, 90.0, True),
    Kind("old_high", "65 years, 145/90, hypertension", 65.0, 145.0, 90.0, True),
)


def answer(inquiry: Inquiry) -> Findings:
    """Simulate one session by two routes, in everybody and in four kinds of people."""
    times = [minute / 60.0 for minute in range(0, int(60 * _HOURS) + 1, 5)]

    def simulate(crowd: Crowd) -> Courses:
        found = {}
        for key, treatment in _ROUTES.items():
            arm = Arm(treatment, None, switches=_SWITCHES)
            found[key] = inquiry.simulate(arm, crowd, times, _OUTPUTS)
            for kind in _KINDS:
                people = Crowd([kind.of(person) for person in crowd.people], crowd.parameters)
                found[f"{key}_{kind.key}"] = inquiry.simulate(arm, people, times, _OUTPUTS)
        return found

    found = inquiry.ensemble(simulate)
    numbers = quantities(found, partial(_measures, seed=inquiry.seed), inquiry.seed)
    return Findings(
        _sentences(numbers),
        numbers,
        {
            "session": _session_figure(found),
            "waiting": _waiting_figure(found, inquiry.seed),
            "pressure": _pressure_figure(found),
        },
        {"waiting": _rows(found, inquiry.seed)},
        notes=[f"Ready to leave: {readiness_rule()}."],
    )


def _measures(courses: Courses, seed: int) -> Iterator[Measure]:
    times = grid(courses)
    limit = endpoint("dissociation", "CADSS").threshold
    for key, treatment in _ROUTES.items():
        found, name = courses[key], treatment.name
        cadss, sedation, rise = (found[output] for output in ("cadss", "p_moaas_4", "systolic_change"))
        yield proportion(
            f"dissociated_{key}", f"{name}: dissociated (CADSS > {limit:g})", cadss.max(axis=1) > limit
        )
        yield average(f"cadss_{key}", f"{name}: peak of CADSS", "points", cadss.max(axis=1))
        for what, values in (("cadss", cadss), ("sedation", sedation), ("pressure", rise)):
            yield of_group(
                f"{what}_time_{key}", f"{name}: time of the largest mean {_WORDS[what]}", "min", values,
                lambda curves: 60.0 * float(times[curves.mean(axis=0).argmax()]),
            )  # fmt: skip
        yield of_group(
            f"cadss_end_{key}",
            f"{name}: time at which {100 * _OVER:.0f} % of those who dissociated are at {limit:g} or less",
            "min",
            cadss,
            lambda curves: over_at(times, curves, limit),
            limit=60.0 * _HOURS,
        )
        yield proportion(
            f"sedated_{key}", f"{name}: MOAA/S 4 or less, highest probability", sedation.max(axis=1)
        )
        yield proportion(
            f"unconscious_{key}", f"{name}: MOAA/S 0, highest probability", found["p_moaas_0"].max(axis=1)
        )
        yield of_group(
            f"pressure_{key}", f"{name}: largest mean systolic rise, session included", "mmHg", rise,
            lambda curves: float(curves.mean(axis=0).max()),
        )  # fmt: skip
        for minutes in _MINUTES:
            stays = 1.0 - ready_to_leave(found, at(times, minutes / 60.0), seed)
            yield proportion(f"not_ready_{minutes}_{key}", f"{name}: not ready at {minutes} min", stays)
        for kind in _KINDS:
            own = courses[f"{key}_{kind.key}"]
            yield average(
                f"pressure_{key}_{kind.key}", f"{name}, {kind.words}: systolic rise", "mmHg",
                own["systolic_change"].max(axis=1),
            )  # fmt: skip
            for minutes in _MINUTES:
                yield proportion(
                    f"not_ready_{minutes}_{key}_{kind.key}",
                    f"{name}, {kind.words}: not ready at {minutes} min",
                    1.0 - ready_to_leave(own, at(times, minutes / 60.0), seed),
                )


def over_at(times: Array, curves: Array, limit: float) -> float:
    """Minute from which on at most a tenth of those ever above the limit are above it; nan if nobody was.

    >>> over_at(np.array([0.0, 1.0, 2.0]), np.array([[0.0, 9.0, 1.0]]), 4.0)
    120.0
    """
    above = curves[curves.max(axis=1) > limit] > limit
    if not len(above):
        return float("nan")
    late = np.flatnonzero(above.mean(axis=0) > 1.0 - _OVER)
    return 60.0 * float(times[min(late[-1] + 1, len(times) - 1)])


def _sentences(numbers: Mapping[str, Quantity]) -> list[str]:
    told = []
    for key, treatment in _ROUTES.items():
        name = treatment.name[0].upper() + treatment.name[1:]
        told.append(
            f"{name}: {percent(numbers[f'dissociated_{key}'])} dissociate"
            f"{_seen(numbers[f'dissociated_{key}']) if key == 'nasal' else ''}, most strongly after "
            f"{time(numbers[f'cadss_time_{key}'])}, and in nine of ten of them it is over after "
            f"{time(numbers[f'cadss_end_{key}'])}"
            f"{_seen(numbers[f'cadss_end_{key}']) if key == 'nasal' else ''}. "
            f"The mean systolic pressure is highest after {time(numbers[f'pressure_time_{key}'])}."
        )
    stays = "; ".join(
        f"after {treatment.name} {percent(numbers[f'not_ready_90_{key}'])} at 90 min and "
        f"{percent(numbers[f'not_ready_120_{key}'])} at 120 min ({_range(numbers, key)})"
        for key, treatment in _ROUTES.items()
    )
    young, old = _KINDS[0], _KINDS[-1]
    return [
        f"Loss of consciousness (MOAA/S 0), at its highest probability: {_ROUTES['iv'].name} "
        f"{amount(numbers['unconscious_iv'], '%')}, {_ROUTES['nasal'].name} "
        f"{amount(numbers['unconscious_nasal'], '%')}{_seen(numbers['unconscious_nasal'])}. The tail is not "
        "modelled: this is no rate to plan with.",
        *told,
        f"Not ready to leave are {stays}.",
        f"After {_ROUTES['iv'].name} systolic pressure rises by "
        f"{amount(numbers[f'pressure_iv_{young.key}'], 'mmHg')} at {young.words}, and by "
        f"{amount(numbers[f'pressure_iv_{old.key}'], 'mmHg')} at {old.words}, by assumed factors.",
    ]


def _seen(one: Quantity) -> str:
    return f" ({held_against(find_question('session'), one)})"


def _range(numbers: Mapping[str, Quantity], key: str) -> str:
    values = [numbers[f"not_ready_120_{key}_{kind.key}"].value for kind in _KINDS]
    ends = f"{min(values):.0f} %", f"{max(values):.0f} %"
    if ends[0] == ends[1]:
        return "the same at every age and pressure at entry, because dissociation and sedation decide"
    return f"{ends[0]} to {ends[1]} by age and pressure at entry"


def _session_figure(found: Ensemble) -> PageFigure:
    hours = grid(found.best)
    labels = {
        "cadss": "CADSS (points)",
        "p_moaas_4": "MOAA/S 4 or less (%)",
        "systolic_change": "systolic rise (mmHg)",
    }
    told = []
    with styled():
        figure, axes = new_figure(9.0, 3.2, 1, 3)
        for place, (output, label) in enumerate(labels.items()):
            factor = 100.0 if output == "p_moaas_4" else 1.0
            curves = {
                treatment.name: _people_band(hours, factor * found.best[key][output])
                for key, treatment in _ROUTES.items()
            }
            draw_curves(axes[place], hours * 60.0, curves, limits=(0.0, None), labels=place == 2, width=11)
            axes[place].set_title(label)
            axes[place].set_xticks(range(0, int(60 * _HOURS) + 1, 60))
            axes[place].set_xlabel("minutes")
            told.append(f"{label}: " + ", ".join(f"{n} {number(c[0].max())}" for n, c in curves.items()))
    return PageFigure(
        figure,
        f"Median course in everybody after one dose. Largest medians: {'; '.join(told)}.",
        "Median of all people and the middle 80 % of them, after one dose.",
    )


def _people_band(hours: Array, values: Array) -> Curve:
    band = band_of(values, hours, name="", unit="", level=0.8)
    assert band.low is not None, "there is more than one person"
    assert band.high is not None, "there is more than one person"
    return band.median, band.low, band.high


def _waiting(courses: Courses, name: str, seed: int) -> Array:
    places = range(len(grid(courses)))
    return np.array([100.0 * (1.0 - ready_to_leave(courses[name], place, seed).mean()) for place in places])


def _waiting_figure(found: Ensemble, seed: int) -> PageFigure:
    minutes = 60.0 * grid(found.best)
    waiting = {
        treatment.name: clipped(found.band(partial(_waiting, name=key, seed=seed)))
        for key, treatment in _ROUTES.items()
    }
    with styled():
        figure, (axes,) = new_figure(8.4, 3.5)
        draw_curves(axes, minutes, waiting, limits=(0.0, 102.0), width=11)
        for line_at in _MINUTES:
            axes.axvline(line_at, color=QUIET, linewidth=1.0, linestyle=(0, (4, 3)))
        axes.set_xticks(range(0, int(60 * _HOURS) + 1, 30))
        axes.set_xlabel("minutes after the start")
        axes.set_ylabel("not ready to leave (%)")
    told = "; ".join(f"{name} {curve[0][at(minutes, 120)]:.0f} %" for name, curve in waiting.items())
    return PageFigure(
        figure,
        f"Share of people not ready to leave by the assumed rule; at 120 min: {told}.",
        "Not ready to leave by the assumed rule; dashed: 90 and 120 min. Bands: 90 % of parameter draws.",
    )


def _pressure_figure(found: Ensemble) -> PageFigure:
    minutes, told = 60.0 * grid(found.best), []
    with styled():
        figure, panels = new_figure(9.0, 3.5, 1, 2, sharey=True)
        for place, (axes, (key, treatment)) in enumerate(zip(panels, _ROUTES.items(), strict=True)):
            curves = {
                kind.words: _people_band(minutes, found.best[f"{key}_{kind.key}"]["systolic_pressure"])
                for kind in _KINDS
            }
            draw_curves(axes, minutes, curves, labels=place == 1, width=16)
            axes.set_title(treatment.name)
            axes.set_xticks(range(0, int(60 * _HOURS) + 1, 60))
            axes.set_xlabel("minutes after the start")
            told += [f"{treatment.name}, {words} {curve[0].max():.0f}" for words, curve in curves.items()]
        panels[0].set_ylabel("systolic pressure (mmHg)")
    return PageFigure(
        figure,
        f"Systolic pressure by age and pressure at entry. Highest medians: {'; '.join(told)} mmHg.",
        "Systolic pressure by age and pressure at entry: median and the middle 80 % of people. Age and "
        "hypertension act by assumed factors.",
    )


def clipped(curve: Curve) -> Curve:
    """A curve of shares, kept between 0 and 100."""
    value, low, high = (np.clip(part, 0.0, 100.0) for part in curve)
    return value, low, high


def _rows(found: Ensemble, seed: int) -> list[dict[str, object]]:
    minutes = 60.0 * grid(found.best)
    return [
        {"route": key, "people": kind.words, "minute": minute, "not_ready_percent": value}
        for key in _ROUTES
        for kind in _KINDS
        for minute, value in zip(minutes, _waiting(found.best, f"{key}_{kind.key}", seed), strict=True)
    ]
