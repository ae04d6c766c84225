"""Global sensitivity on the page: which uncertainties matter for three numbers of the typical person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekindle.evidence.sensitivity import GROUPS, OUTCOMES, Index, Outcome, Sensitivity
from rekindle.report._format import interval, number
from rekindle.report._page import PageFigure, PageTable, Section
from rekindle.report._style import LINE_COLOURS, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Inputs with a smaller total index are not listed on the page; the table as a file holds all.
LISTED = 0.01
_MOST = 10
_TITLES = {
    "effect_24h": "effect at 24 h",
    "effect_day28": "effect on day 28",
    "peak_cadss": "highest CADSS",
}
_PALE = "#9FC5E0"


def sensitivity_section(found: Sensitivity, figures: Sequence[PageFigure]) -> Section:
    """What was varied, what mattered, and how much correlations matter."""
    return Section(
        "Global sensitivity",
        [
            "How far three numbers of the typical person (70 kg, 40 years, MADRS 33, belief in active "
            "treatment 0.5, no natural course) depend on what is uncertain, under the hypothesis "
            f"{found.mechanism}: " + "; ".join(f"{_TITLES[one.name]}, {one.words}" for one in OUTCOMES) + ".",
            "Sobol indices: first order is the share of the variance that would go if one input alone were "
            "known, total order what would stay if all others were known. Inputs are independent: the "
            "posterior of each fitted parameter, and what published estimates leave open of each "
            "pharmacokinetic parameter. Shares of a variance have one meaning only then. The posterior does "
            "have correlations; they are kept in the rows for whole groups and in the second SD of the "
            "first table.",
            f"{found.samples} base samples of a scrambled Sobol sequence, seed {found.seed}, "
            f"{found.samples * (len(found.inputs) + 2)} sets of parameters; 90 % confidence by resampling. "
            "An index below 0 or above 1 is noise within its interval. Moving none of the three: "
            f"{', '.join(found.idle) or 'nothing'}.",
        ],
        figures,
        [_spreads(found), *(_table(found, outcome) for outcome in OUTCOMES)],
    )


def sensitivity_figure(found: Sensitivity) -> PageFigure:
    """First and total indices of the inputs that matter most."""
    leading = [
        f"{_TITLES[outcome.name]} on {found.of(outcome)[0].input} ({number(found.of(outcome)[0].total, 2)})"
        for outcome in OUTCOMES
    ]
    words = f"The largest total indices: {', '.join(leading)}."
    return PageFigure(
        _figure(found),
        f"Sobol indices of three numbers of the typical person. {words}",
        f"Sobol indices with 90 % confidence intervals, the {_MOST} largest of each. {words}",
    )


def sensitivity_records(found: Sensitivity) -> list[dict[str, object]]:
    """Every index as a flat record, groups included."""
    return [
        {
            "outcome": one.outcome,
            "input": one.input,
            "first": f"{one.first:.5g}",
            "first_error_90": f"{one.first_error:.3g}",
            "total": f"{one.total:.5g}",
            "total_error_90": f"{one.total_error:.3g}",
        }
        for one in (*found.indices, *found.groups)
    ]


def _spreads(found: Sensitivity) -> PageTable:
    return PageTable(
        "The three numbers: at the most probable parameters, their SD with independent inputs and with the "
        "correlations of the posterior, and 90 % with correlations.",
        ("number", "most probable", "SD, independent", "SD, correlated", "90 %"),
        [
            (
                _TITLES[one.outcome],
                number(one.centre),
                number(one.sd, 2),
                number(one.sd_correlated, 2),
                interval(one.low, one.high),
            )
            for one in found.spreads
        ],
    )


def _table(found: Sensitivity, outcome: Outcome) -> PageTable:
    prior_only = {one.name for one in found.inputs if one.prior_only}
    listed = [one for one in found.of(outcome) if one.total >= LISTED]
    whole = [one for one in found.groups if one.outcome == outcome.name]
    remarks = {one.name: one.kind for one in found.inputs}
    rows = [
        (
            one.input,
            "prior only" if one.input in prior_only else remarks[one.input],
            _with_error(one.first, one.first_error),
            _with_error(one.total, one.total_error),
        )
        for one in listed
    ]
    rows += [
        (
            one.input,
            "correlated" if one.input == GROUPS["fitted"] else "",
            _with_error(one.first, one.first_error),
            _with_error(one.total, one.total_error),
        )
        for one in whole
    ]
    title = _TITLES[outcome.name]
    return PageTable(
        f"{title[:1].upper()}{title[1:]}: inputs with a total index from {LISTED:g}, then whole groups.",
        ("input", "known from", "first order", "total order"),
        rows,
    )


def _with_error(value: float, error: float) -> str:
    return f"{value:.2f} ± {error:.2f}"


def _figure(found: Sensitivity) -> Figure:
    with styled():
        figure, axes_list = new_figure(8.4, 4.4, 1, len(OUTCOMES))
        for axes, outcome in zip(axes_list, OUTCOMES, strict=True):
            shown = found.of(outcome)[:_MOST]
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
            axes.set_title(_TITLES[outcome.name])
            axes.set_xlabel("share of variance")
        axes_list[-1].legend(loc="lower right")
    return figure


def _bars(shown: Sequence[Index], *, first: bool) -> tuple[list[float], list[float]]:
    if first:
        return [max(one.first, 0.0) for one in shown], [one.first_error for one in shown]
    return [one.total for one in shown], [one.total_error for one in shown]
