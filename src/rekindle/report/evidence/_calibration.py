"""The calibration behind the predictions: what moved, what did not, and what each study contributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekindle.report._format import interval, number
from rekindle.report._page import PageFigure, PageTable, Section
from rekindle.report._style import INK, LINE_COLOURS, QUIET, new_figure, styled
from rekindle.report.evidence._figure_agreement import BAND_COLOUR
from rekindle.report.evidence._groupings import signed
from rekindle.therapy import Calibration, calibration, calibration_studies

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Correlations of the posterior above this size are listed.
LISTED_CORRELATION = 0.5
#: Shifts without a study that the table names, the largest first.
_SHIFTS = 4
_POINT_90 = 1.6448536269514722


def calibration_sections(mechanisms: Sequence[str]) -> list[Section]:
    """One section for each hypothesis with a calibration."""
    return [_section(name) for name in mechanisms]


def calibration_figures(mechanisms: Sequence[str]) -> dict[str, PageFigure]:
    """Posterior beside prior, for each hypothesis."""
    return {f"calibration_{name}": _page_figure(calibration(name)) for name in mechanisms}


def correlated(found: Calibration) -> list[tuple[str, str, float]]:
    """Pairs of parameters that the data tell apart badly, the strongest first."""
    names = [parameter.name for parameter in found.parameters]
    pairs = [
        (names[row], names[column], found.correlation[row][column])
        for row in range(len(names))
        for column in range(row)
        if abs(found.correlation[row][column]) > LISTED_CORRELATION
    ]
    return sorted(pairs, key=lambda pair: -abs(pair[2]))


def _section(mechanism: str) -> Section:
    found = calibration(mechanism)
    studies = calibration_studies(mechanism)
    idle = [parameter.name for parameter in found.parameters if parameter.prior_only]
    spread = ", ".join(f"{kind} {value:.3g}" for kind, value in found.study_spread.items())
    provenance = found.provenance
    converged = provenance.get("converged") == "yes"
    badly = max(studies, key=lambda study: study.rms_miss)
    words = [
        f"{len(found.parameters)} parameters were free; the numbers of {len(studies)} studies and "
        f"{provenance.get('real patients', 'no')} real patients moved them. The search "
        f"{'converged' if converged else 'did not converge'}. Differences between studies: {spread}.",
        f"Prior only, so that the data said nothing about them: {', '.join(idle) or 'none'}.",
        f"Predicted worst from all other studies is {badly.study_id} (root-mean-square miss "
        f"{number(badly.rms_miss)} of its own SDs).",
    ]
    tables = [_parameters(found), _studies(mechanism), *_correlations(found)]
    return Section(f"Calibration: {mechanism}", words, [_page_figure(found)], tables)


def _parameters(found: Calibration) -> PageTable:
    return PageTable(
        "Fitted parameters. The ratio is posterior over prior SD; near 1 the data did not speak.",
        ("parameter", "prior", "fitted", "90 %", "ratio", ""),
        [
            (
                one.name,
                number(one.prior),
                number(one.value),
                interval(one.low, one.high),
                f"{one.sd_ratio:.2f}",
                "prior only" if one.prior_only else "",
            )
            for one in found.parameters
        ],
    )


def _studies(mechanism: str) -> PageTable:
    rows = []
    for study in calibration_studies(mechanism):
        shifts = sorted(study.shifts.items(), key=lambda item: -abs(item[1]))
        told = "; ".join(f"{name} {signed(by)}" for name, by in shifts[:_SHIFTS])
        more = f"; {len(shifts) - _SHIFTS} more" if len(shifts) > _SHIFTS else ""
        rows.append(
            (
                study.study_id,
                str(study.numbers),
                number(study.log_score),
                f"{study.rms_miss:.2f}",
                told + more,
            )
        )
    return PageTable(
        "Each study left out: the log density of its numbers as predicted from all others, its "
        "root-mean-square miss in SDs of that prediction, and what would move without it (posterior SDs).",
        ("study", "numbers", "log score", "miss", "moves without it"),
        rows,
    )


def _correlations(found: Calibration) -> list[PageTable]:
    pairs = correlated(found)
    if not pairs:
        return []
    return [
        PageTable(
            f"Correlations of the posterior above {LISTED_CORRELATION:g} in size: what the data tell apart "
            "badly.",
            ("parameter", "and", "correlation"),
            [(first, second, f"{value:+.2f}") for first, second, value in pairs],
        )
    ]


def _page_figure(found: Calibration) -> PageFigure:
    moved = [one for one in found.parameters if not one.prior_only]
    far = sorted(moved, key=lambda one: -abs(one.standard))
    named = ", ".join(one.name for one in far[:3])
    return PageFigure(
        _figure(found),
        f"Fitted parameters in prior SDs from their prior. Furthest from it: {named}.",
        "Posterior beside prior, in prior standard deviations: the shade is the 90 % interval of the prior, "
        "the strokes that of the posterior; grey parameters are prior only.",
    )


def _figure(found: Calibration) -> Figure:
    with styled():
        figure, (axes,) = new_figure(7.6, 0.8 + 0.185 * len(found.parameters))
        axes.axvspan(-_POINT_90, _POINT_90, color=BAND_COLOUR, linewidth=0)
        axes.axvline(0.0, color=QUIET, linewidth=0.8)
        for height, one in enumerate(found.parameters):
            place, reach = one.standard, _POINT_90 * one.sd_ratio
            colour = QUIET if one.prior_only else LINE_COLOURS[0]
            axes.plot([place - reach, place + reach], [height] * 2, color=colour, linewidth=1.6)
            axes.plot([place], [height], "o", color=colour, markersize=4.5)
        axes.set_yticks(range(len(found.parameters)), [one.name for one in found.parameters], fontsize=8)
        axes.set_ylim(len(found.parameters) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("prior SDs from the prior", color=INK)
    return figure
