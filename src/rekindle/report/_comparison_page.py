"""The report of a comparison: texts of its tables, its figures, its page and its files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rekindle.report._bands import Band, band_of
from rekindle.report._figures_comparison import Bar, comparison_bars_figure, comparison_mood_figure
from rekindle.report._format import interval, number
from rekindle.report._page import Page, PageFigure, PageTable, Section, render_page
from rekindle.trials import endpoint, readiness_rule

if TYPE_CHECKING:
    from rekindle.trials import Comparison, Result

_MOOD = "madrs_latent"
#: Outcome -> heading of its panel in the figure of acute effects.
_PANELS = {
    "dissociation": "CADSS, peak (points)",
    "systolic_rise": "Systolic rise (mmHg)",
    "sedation": "Sedation (%)",
    "liking": "Liking (50 neutral)",
    "nausea": "Nausea (%)",
    "dizziness": "Dizziness (%)",
    "ready_90_min": "Ready at 90 min (%)",
    "ready_120_min": "Ready at 120 min (%)",
}
#: What every comparison must say.
REMARKS = (
    "All treatments are given to the same virtual people with the same random numbers, "
    "so that a difference comes from the treatment.",
    "Falls, response and remission hold everything that such a course brings: drug, contact, expectancy "
    "and natural course.",
    "Intervals hold 90 % of people; for shares, onset and duration 90 % of resampled groups of people. "
    "They say nothing about errors of the model.",
    "Ready to leave follows an assumed rule, which is no rule for discharge: " + readiness_rule() + ".",
    "Liking is an index of reinforcement, never a risk of misuse.",
)


def outcome_rows(comparison: Comparison) -> list[list[str]]:
    """Outcome and, for every treatment, the value with its interval, as texts."""
    return [
        [
            _label(comparison, name),
            *(_cell(comparison.results[one.name][name]) for one in comparison.treatments),
        ]
        for name in comparison.outcomes
    ]


def difference_rows(comparison: Comparison) -> list[list[str]]:
    """Outcome and, for every treatment but the first, the paired difference against the first, as texts."""
    return [
        [_label(comparison, name), *(_cell(own[name]) for own in comparison.differences.values())]
        for name in comparison.outcomes
    ]


def comparison_figures(comparison: Comparison) -> dict[str, PageFigure]:
    """The figures by file name."""
    bands = mood_bands(comparison)
    names = [one.name for one in comparison.treatments]
    panels = {
        title: {name: _bar(comparison.results[name][outcome]) for name in names}
        for outcome, title in _PANELS.items()
    }
    ends = "; ".join(
        f"{name}: lowest {number(float(band.median.min()))}, {number(float(band.median[-1]))} at the end"
        for name, band in bands.items()
    )
    acute = "; ".join(
        f"{title}: " + ", ".join(f"{name} {number(bar.value)}" for name, bar in bars.items())
        for title, bars in panels.items()
    )
    remission = endpoint("remission", "MADRS").threshold
    shares = {
        _short(outcome): {name: _bar(comparison.results[name][outcome]) for name in names}
        for outcome in comparison.outcomes
        if outcome.startswith(("response_day_", "remission_day_"))
    }
    reached = "; ".join(
        f"{title}: " + ", ".join(f"{name} {number(bar.value)}" for name, bar in bars.items())
        for title, bars in shares.items()
    )
    course = "Course of the MADRS score without rating error, in the same people"
    effects = "First session: acute effects and readiness to leave; nausea and dizziness: in any session"
    return {
        "mood": PageFigure(
            comparison_mood_figure(bands, threshold=remission),
            f"{course}. {ends}.",
            f"{course}. Line: median; band: the middle half of people.",
        ),
        "response": PageFigure(
            comparison_bars_figure(shares, columns=len(shares) // 2),
            f"Response and remission. {reached}.",
            f"Response (a fall of half) and remission (MADRS at most {remission:g}) by simulated ratings. "
            "Line: 90 % interval.",
        ),
        "acute": PageFigure(
            comparison_bars_figure(panels), f"{effects}. {acute}.", f"{effects}. Line: 90 % interval."
        ),
    }


def mood_bands(comparison: Comparison) -> dict[str, Band]:
    """Treatment -> median score and middle half of people."""
    bands = {}
    for name, found in comparison.trajectories.items():
        assert found.grid is not None
        bands[name] = band_of(found[_MOOD], found.grid, name=_MOOD, unit="points", label=name, level=0.5)
    return bands


def comparison_page(comparison: Comparison, figures: Mapping[str, PageFigure]) -> Page:
    """The page of a comparison."""
    names = [one.name for one in comparison.treatments]
    given = PageTable(
        "What is given", ["treatment", "what"], [[o.name, o.words()] for o in comparison.treatments]
    )
    table = PageTable("Every outcome, with its 90 % interval", ["", *names], outcome_rows(comparison))
    against = PageTable(
        f"Difference against {names[0]}, within the same people",
        ["", *list(comparison.differences)],
        difference_rows(comparison),
    )
    lead = [
        f"{len(names)} treatments in the same {comparison.people} virtual people, over "
        f"{number(comparison.horizon_days)} days. {setting_words(comparison)}"
    ]
    sections = [
        Section("Treatments", tables=[given]),
        Section("Mood", figures=[figures["mood"], figures["response"]]),
        Section("During a session", figures=[figures["acute"]]),
        Section("Side by side", tables=[table, against] if comparison.differences else [table]),
        Section("Remarks", [*REMARKS, *comparison.notes]),
    ]
    facts = [("people", str(comparison.people)), ("seed", str(comparison.seed))]
    return Page(comparison.title, lead, sections, facts)


def setting_words(comparison: Comparison) -> str:
    """The setting that all treatments share, in one sentence."""
    if comparison.control_class is None:
        return "Open label; no natural course is added."
    return f"Setting of all of them: that of trials with control class {comparison.control_class}."


def comparison_records(comparison: Comparison) -> list[dict[str, Any]]:
    """Rows of a tidy table: treatment, outcome, unit, value, interval, difference; None if unknown."""
    rows = []
    for one in comparison.treatments:
        for name, (label, unit) in comparison.outcomes.items():
            row: dict[str, Any] = {"treatment": one.name, "outcome": name, "label": label, "unit": unit}
            row |= asdict(comparison.results[one.name][name])
            if one.name in comparison.differences:
                own = asdict(comparison.differences[one.name][name])
                row |= {f"difference_{key}": own[key] for key in ("value", "low", "high")}
            else:
                row |= dict.fromkeys(("difference_value", "difference_low", "difference_high"))
            rows.append({key: _known(value) for key, value in row.items()})
    return rows


def write_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Write the page, figures and tables into a folder; return what was written, the page first."""
    import pandas

    from rekindle.report._tables import write_table

    folder.mkdir(parents=True, exist_ok=True)
    figures = comparison_figures(comparison)
    written = [path for name, figure in figures.items() for path in figure.save(folder / name)]
    written += write_table(pandas.DataFrame(comparison_records(comparison)), folder / "outcomes")
    written += write_table(pandas.DataFrame(_course_rows(comparison)), folder / "mood_course")
    page = folder / "report.html"
    page.write_text(render_page(comparison_page(comparison, figures)), encoding="utf-8")
    return [page, *written]


def _course_rows(comparison: Comparison) -> Sequence[dict[str, Any]]:
    return [
        {"treatment": name, "time_h": time, "madrs_median": middle, "madrs_low": low, "madrs_high": high}
        for name, band in mood_bands(comparison).items()
        for time, middle, low, high in zip(
            band.time_h.tolist(),
            band.median.tolist(),
            (band.median if band.low is None else band.low).tolist(),
            (band.median if band.high is None else band.high).tolist(),
            strict=True,
        )
    ]


def _label(comparison: Comparison, name: str) -> str:
    label, unit = comparison.outcomes[name]
    return label if unit == "1" else f"{label}, {unit}"


def _short(outcome: str) -> str:
    """Heading of a panel of response or remission.

    >>> _short("remission_day_56")
    'Remission, day 56 (%)'
    """
    name, _, day = outcome.partition("_day_")
    return f"{name.capitalize()}, day {day} (%)"


def _cell(result: Result) -> str:
    if not math.isfinite(result.value):
        return "–"
    value = number(result.value)
    if result.at_least:
        return f"more than {value}"
    if result.low == result.high == result.value:
        return value
    return f"{value} ({interval(result.low, result.high)})"


def _bar(result: Result) -> Bar:
    absent = "not reported" if result.over == "people of the trial" else "not modelled"
    return Bar(result.value, result.low, result.high, absent)


def _known(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
