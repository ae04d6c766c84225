"""The mechanism hypotheses: scores by study left out, weights, and predictions that would tell them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekindle.evidence.hypotheses import ContrastValue, HypothesisComparison
from rekindle.report._format import interval, number
from rekindle.report._page import PageFigure, PageTable, Section
from rekindle.report._style import LINE_COLOURS, QUIET, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def hypotheses_section(
    compared: HypothesisComparison | None,
    contrasts: Sequence[ContrastValue],
    figures: Sequence[PageFigure],
    errors: PageTable | None = None,
) -> Section:
    """Scores, weights, errors under each and contrasts; what is missing is said."""
    words, tables = [], []
    if compared is not None:
        words.append(_score_words(compared))
        if len(compared.scores) > 1:
            tables += [_scores(compared), _studies(compared)]
    if errors is not None:
        tables.append(errors)
    if contrasts:
        words.append(
            "Each contrast is the improvement of the typical person under one treatment over that under "
            "another, without expectancy; 24 h after the start unless said otherwise. A hypothesis without "
            "a calibration has its nominal strength and no interval. No data that tell them apart are in "
            "the tables."
        )
        tables.append(_contrasts(contrasts))
    return Section("Mechanism hypotheses", words, figures, tables)


def contrast_figure(contrasts: Sequence[ContrastValue]) -> PageFigure:
    """Every contrast under every hypothesis."""
    return PageFigure(
        _figure(contrasts),
        f"Contrasts under each hypothesis. {_apart(contrasts)}",
        "Effect of one treatment over another under each hypothesis; strokes are 90 % of what the "
        f"parameters leave open. {_apart(contrasts)}",
    )


def _score_words(compared: HypothesisComparison) -> str:
    names = ", ".join(score.mechanism for score in compared.scores)
    if len(compared.scores) == 1:
        return f"Only one hypothesis has a calibration ({names}), so that no score can be compared."
    best, second = compared.scores[:2]
    unlike = "" if compared.comparable else " They were not fitted to the same numbers: do not compare them."
    return (
        f"{best.mechanism} predicts studies left out best. {second.mechanism} follows "
        f"{number(-second.difference)} behind in log score (standard error over studies "
        f"{number(second.error)}). Averaged predictions weigh by score and prior (pseudo-BMA+ over "
        f"bootstraps of the studies).{unlike}"
    )


def _scores(compared: HypothesisComparison) -> PageTable:
    weights = compared.weights
    return PageTable(
        f"Log score over {len(compared.studies)} studies, each predicted from all others.",
        (
            "hypothesis",
            "log score",
            "behind the best",
            "standard error",
            *(f"{name} weight" for name in weights),
        ),
        [
            (
                score.mechanism,
                f"{score.log_score:.1f}",
                f"{-score.difference:.1f}",
                f"{score.error:.1f}" if score.difference else "–",
                *(f"{found[score.mechanism]:.2f}" for found in weights.values()),
            )
            for score in compared.scores
        ],
    )


def _studies(compared: HypothesisComparison) -> PageTable:
    names = [score.mechanism for score in compared.scores]
    return PageTable(
        "Log score of each study.",
        ("study", *names),
        [(study, *(f"{value:.1f}" for value in values)) for study, values in compared.studies.items()],
    )


def _contrasts(contrasts: Sequence[ContrastValue]) -> PageTable:
    mechanisms = list(dict.fromkeys(value.mechanism for value in contrasts))
    rows = []
    for contrast, values in grouped_contrasts(contrasts).items():
        found = {value.mechanism: value for value in values}
        rows.append((contrast, values[0].contrast.words, *(_cell(found[name]) for name in mechanisms)))
    return PageTable(
        "Predictions that would tell the hypotheses apart: ratio of improvements, with 90 % where "
        "calibrated.",
        ("contrast", "what is compared", *mechanisms),
        rows,
    )


def grouped_contrasts(contrasts: Sequence[ContrastValue]) -> dict[str, list[ContrastValue]]:
    """Values by contrast."""
    found: dict[str, list[ContrastValue]] = {}
    for value in contrasts:
        found.setdefault(value.contrast.name, []).append(value)
    return found


def _cell(value: ContrastValue) -> str:
    if value.low is None or value.high is None:
        return f"{number(value.value)} (nominal)"
    return f"{number(value.value)} ({interval(value.low, value.high)})"


def _apart(contrasts: Sequence[ContrastValue]) -> str:
    """The contrast in which the hypotheses differ most."""
    groups = grouped_contrasts(contrasts)

    def gap(name: str) -> float:
        values = [one.value for one in groups[name]]
        return max(values) / min(values)

    furthest = max(groups, key=gap)
    told = ", ".join(f"{one.mechanism} {number(one.value)}" for one in groups[furthest])
    return f"They differ most in {furthest}: {told}."


def _figure(contrasts: Sequence[ContrastValue]) -> Figure:
    groups = grouped_contrasts(contrasts)
    mechanisms = list(dict.fromkeys(value.mechanism for value in contrasts))
    with styled():
        figure, (axes,) = new_figure(7.6, 1.0 + 0.42 * len(groups))
        axes.axvline(1.0, color=QUIET, linewidth=0.8)
        for height, values in enumerate(groups.values()):
            for value in values:
                place = mechanisms.index(value.mechanism)
                line = height + 0.24 * (place - (len(mechanisms) - 1) / 2)
                colour = LINE_COLOURS[place % len(LINE_COLOURS)]
                if value.low is not None and value.high is not None:
                    axes.plot([value.low, value.high], [line] * 2, color=colour, linewidth=1.6)
                face = colour if value.calibrated else "white"
                axes.plot([value.value], [line], "o", color=colour, markerfacecolor=face, markersize=5)
        axes.set_yticks(range(len(groups)), list(groups))
        axes.set_ylim(len(groups) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("ratio of improvements")
        _legend(axes, contrasts, mechanisms)
    return figure


def _legend(axes: object, contrasts: Sequence[ContrastValue], mechanisms: Sequence[str]) -> None:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    assert isinstance(axes, Axes)
    calibrated = {value.mechanism: value.calibrated for value in contrasts}
    handles, labels = [], []
    for place, name in enumerate(mechanisms):
        colour = LINE_COLOURS[place % len(LINE_COLOURS)]
        face = colour if calibrated[name] else "white"
        handles.append(Line2D([], [], color=colour, marker="o", markersize=5, markerfacecolor=face))
        labels.append(name if calibrated[name] else f"{name} (nominal)")
    axes.legend(handles, labels, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, fontsize=8.5)
