"""Global sensitivity on the page: which uncertainties matter for three numbers of the typical person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rekindle.evidence.sensitivity import GROUPS, OUTCOMES, Index, Outcome, Sensitivity
from rekindle.report._format import interval, number
from rekindle.report._page import PageFigure, PageTable, Section
from rekindle.report._style import LINE_COLOURS, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Inputs with a smaller total index are not listed on the page; the table as a file holds all.
LISTED = 0.01
_MOST = 8
_TITLES = {
    "effect_24h": "effect at 24 h",
    "effect_day28": "effect on day 28",
    "peak_cadss": "highest CADSS",
}
_PALE = "#9FC5E0"


def sensitivity_section(found: Sequence[Sensitivity], figures: Sequence[PageFigure]) -> Section:
    """What was varied under each hypothesis, what mattered, and how much correlations matter."""
    first = found[0]
    names = ", ".join(one.mechanism for one in found)
    runs = ", ".join(f"{one.samples * (len(one.inputs) + 2)}" for one in found)
    return Section(
        "Global sensitivity",
        [
            "How far three numbers of the typical person (70 kg, 40 years, MADRS 33, belief in active "
            "treatment 0.5, no natural course) depend on what is uncertain, under each of the hypotheses "
            f"{names}: " + "; ".join(f"{_TITLES[one.name]}, {one.words}" for one in OUTCOMES) + ".",
            "Sobol indices: first order is the share of the variance that would go if one input alone were "
            "known, total order what would stay if all others were known. Inputs are independent: the "
            "posterior of each fitted parameter, and what published estimates leave open of each "
            "pharmacokinetic parameter. Shares of a variance have one meaning only then. The posterior does "
            "have correlations; they are kept in the rows for whole groups and in the second SD of the "
            "first table. Which hypothesis holds is no input here.",
            f"{first.samples} base samples of a scrambled Sobol sequence, seed {first.seed}, {runs} sets of "
            "parameters; 90 % confidence by resampling. An index below 0 or above 1 is noise within its "
            "interval. " + " ".join(_idle_words(one) for one in found),
        ],
        figures,
        [_spreads(found), *(_table(found, outcome) for outcome in OUTCOMES)],
    )


def sensitivity_figure(found: Sequence[Sensitivity]) -> PageFigure:
    """First and total indices of the inputs that matter most, a row for each hypothesis."""
    words = " ".join(_leading(one) for one in found)
    return PageFigure(
        _figure(found),
        f"Sobol indices of three numbers of the typical person. {words}",
        f"Sobol indices with 90 % confidence intervals, the {_MOST} largest of each. {words}",
    )


def sensitivity_records(found: Sequence[Sensitivity]) -> list[dict[str, object]]:
    """Every index as a flat record, groups included."""
    return [
        {
            "mechanism": own.mechanism,
            "outcome": one.outcome,
            "input": one.input,
            "first": f"{one.first:.5g}",
            "first_error_90": f"{one.first_error:.3g}",
            "total": f"{one.total:.5g}",
            "total_error_90": f"{one.total_error:.3g}",
        }
        for own in found
        for one in (*own.indices, *own.groups)
    ]


def _idle_words(found: Sensitivity) -> str:
    return f"Moving none of the three under {found.mechanism}: {', '.join(found.idle) or 'nothing'}."


def _leading(found: Sensitivity) -> str:
    """The input that each number depends on most."""
    told = [
        f"{_TITLES[outcome.name]} on {found.of(outcome)[0].input} ({number(found.of(outcome)[0].total, 2)})"
        for outcome in OUTCOMES
    ]
    return f"Largest total indices under {found.mechanism}: {', '.join(told)}."


def _spreads(found: Sequence[Sensitivity]) -> PageTable:
    return PageTable(
        "The three numbers: at the most probable parameters, their SD with independent inputs and with the "
        "correlations of the posterior, and 90 % with correlations.",
        ("number", "hypothesis", "most probable", "SD, independent", "SD, correlated", "90 %"),
        [
            (
                _TITLES[outcome.name],
                own.mechanism,
                number(one.centre),
                number(one.sd, 2),
                number(one.sd_correlated, 2),
                interval(one.low, one.high),
            )
            for outcome in OUTCOMES
            for own in found
            for one in own.spreads
            if one.outcome == outcome.name
        ],
    )


def _table(found: Sequence[Sensitivity], outcome: Outcome) -> PageTable:
    """Inputs that matter under one hypothesis at least, the largest first, then whole groups."""
    known = [{one.input: one for one in own.of(outcome)} for own in found]
    groups = [{one.input: one for one in own.groups if one.outcome == outcome.name} for own in found]
    largest: dict[str, float] = {}
    for own in known:
        for name, one in own.items():
            largest[name] = max(largest.get(name, 0.0), one.total)
    listed = sorted((name for name in largest if largest[name] >= LISTED), key=lambda name: -largest[name])
    rows = [(name, _known_from(found, name), *_pairs(known, name)) for name in listed]
    rows += [
        (name, "correlated" if name == GROUPS["fitted"] else "", *_pairs(groups, name))
        for name in dict.fromkeys(name for own in groups for name in own)
    ]
    title = _TITLES[outcome.name]
    columns = [f"{own.mechanism}: {order}" for own in found for order in ("first order", "total")]
    return PageTable(
        f"{title[:1].upper()}{title[1:]}: inputs with a total index from {LISTED:g}, then whole groups.",
        ("input", "known from", *columns),
        rows,
    )


def _known_from(found: Sequence[Sensitivity], name: str) -> str:
    """Where what is known of an input comes from; a parameter may be fitted under some hypotheses only."""
    told = [
        "prior only" if one.prior_only else one.kind
        for own in found
        for one in own.inputs
        if one.name == name
    ]
    return " or ".join(dict.fromkeys(told))


def _pairs(found: Sequence[Mapping[str, Index]], name: str) -> list[str]:
    cells = []
    for own in found:
        one = own.get(name)
        cells += (
            ["–", "–"]
            if one is None
            else [_with_error(one.first, one.first_error), _with_error(one.total, one.total_error)]
        )
    return cells


def _with_error(value: float, error: float) -> str:
    return f"{value:.2f} ± {error:.2f}"


def _figure(found: Sequence[Sensitivity]) -> Figure:
    with styled():
        figure, axes_list = new_figure(8.4, 1.0 + 2.55 * len(found), len(found), len(OUTCOMES))
        for place, axes in enumerate(axes_list):
            own, outcome = found[place // len(OUTCOMES)], OUTCOMES[place % len(OUTCOMES)]
            _panel(axes, own.of(outcome)[:_MOST])
            if place < len(OUTCOMES):
                axes.set_title(_TITLES[outcome.name])
            if outcome is OUTCOMES[0]:
                axes.set_ylabel(own.mechanism, fontweight="bold")
            if place >= len(axes_list) - len(OUTCOMES):
                axes.set_xlabel("share of variance")
        axes_list[len(OUTCOMES) - 1].legend(loc="lower right")
    return figure


def _panel(axes: Axes, shown: Sequence[Index]) -> None:
    heights = range(len(shown))
    for shift, colour, label, values, errors in (
        (-0.19, LINE_COLOURS[0], "first order", *_bars(shown, first=True)),
        (0.19, _PALE, "total order", *_bars(shown, first=False)),
    ):
        axes.barh(
            [height + shift for height in heights],
            values,
            0.36,
            xerr=errors,
            color=colour,
            error_kw={"linewidth": 0.8},
            label=label,
        )
    axes.set_yticks(list(heights), [one.input for one in shown], fontsize=8.5)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(0.0, 1.05)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _bars(shown: Sequence[Index], *, first: bool) -> tuple[list[float], list[float]]:
    if first:
        return [max(one.first, 0.0) for one in shown], [one.first_error for one in shown]
    return [one.total for one in shown], [one.total_error for one in shown]
