"""A summary on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekindle.report._format import duration, interval, number, percent
from rekindle.report._page import STANDING_NOTICE
from rekindle.report._style import STATE_NOTICE
from rekindle.report._summary import CourseSummary, Peak

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


#: How sure a score is, by source; see ``rekindle.people.score_uncertainty``.
SURE_TITLE = "How sure: MADRS with everything that is not known, and the SD that each source adds (points)"
SURE_COLUMNS = (
    "day", "mean", "90 %, mean", "90 %, rating", "people", "raters", "clinics", "param.", "mech.",
)  # fmt: skip


def print_summary(summary: CourseSummary, console: Console) -> None:
    """Write a summary: what was simulated, the peaks, the scores, and the states that nobody measures."""
    console.print(f"[bold]{_plain(summary.title)}[/bold]", highlight=False)
    for sentence in summary.what:
        console.print(_plain(sentence), highlight=False)
    if summary.peaks:
        _print("Peaks", _peak_table(summary, summary.peaks), console)
    if summary.scores:
        _print("Mood (lower is better; without rating error)", _score_table(summary), console)
    if summary.sure:
        print_table(SURE_TITLE, SURE_COLUMNS, sure_rows(summary), console)
    if summary.states:
        _print(f"Peaks ({STATE_NOTICE})", _peak_table(summary, summary.states), console)
    for note in summary.notes:
        console.print(f"Note: {_plain(note)}", highlight=False)
    console.print(f"[italic]{STANDING_NOTICE}[/italic]", highlight=False)


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    console: Console,
    *,
    numbers: bool = True,
) -> None:
    """Write a table of texts; ``numbers`` aligns every column but the first to the right."""
    table = _table()
    for place, name in enumerate(columns):
        table.add_column(_plain(name), justify="right" if place and numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_plain(cell) for cell in row))
    _print(title, table, console)


def peak_rows(summary: CourseSummary, peaks: Sequence[Peak]) -> list[list[str]]:
    """Label, median with unit, interval (unless there is one person only) and time of the peak, as texts."""
    rows = []
    for peak in peaks:
        spread = [interval(peak.size.low, peak.size.high)] if summary.people > 1 else []
        size = f"{number(peak.size.value)} {_unit(peak.size.unit)}".strip()
        rows.append([peak.label, size, *spread, f"{duration(peak.time.value)} {peak.since}"])
    return rows


def peak_columns(summary: CourseSummary) -> list[str]:
    """Headings that go with ``peak_rows``."""
    return ["", "median", summary.interval, "when"] if summary.people > 1 else ["", "value", "when"]


def score_columns(summary: CourseSummary) -> list[str]:
    """Headings that go with ``score_rows``."""
    spread = [summary.interval] if summary.people > 1 else []
    return ["day", "MADRS", *spread, *_shares(summary)]


def score_rows(summary: CourseSummary) -> list[list[str]]:
    """Day, median score, interval and shares, as texts."""
    rows = []
    for row in summary.scores:
        cells = [number(row.day), f"{row.score.value:.1f}"]
        if summary.people > 1:
            cells.append(f"{row.score.low:.1f} to {row.score.high:.1f}")
        rows.append(cells + [percent(row.shares[name]) for name in _shares(summary)])
    return rows


def sure_rows(summary: CourseSummary) -> list[list[str]]:
    """Rows that go with ``SURE_COLUMNS``, as texts."""
    return [
        [
            number(one.time_h / 24.0),
            f"{one.mean:.1f}",
            f"{one.mean_low:.0f} to {one.mean_high:.0f}",
            f"{one.low:.0f} to {one.high:.0f}",
            *(f"{sd:.1f}" for sd in (one.people, one.raters, one.studies, one.parameters, one.mechanisms)),
        ]
        for one in summary.sure
    ]


def _print(title: str, table: Table, console: Console) -> None:
    """A table under its title, which is not broken to the width of a narrow table."""
    console.print()
    console.print(f"[bold]{_plain(title)}[/bold]", highlight=False)
    console.print(table)


def _peak_table(summary: CourseSummary, peaks: Sequence[Peak]) -> Table:
    table = _table()
    for place, name in enumerate(peak_columns(summary)):
        table.add_column(name, justify="right" if place else "left")
    for row in peak_rows(summary, peaks):
        table.add_row(*row)
    return table


def _score_table(summary: CourseSummary) -> Table:
    table = _table()
    for place, name in enumerate(score_columns(summary)):
        table.add_column(name, justify="right" if place else "left")
    for row in score_rows(summary):
        table.add_row(*row)
    return table


def _table() -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)


def _shares(summary: CourseSummary) -> list[str]:
    return list(summary.scores[0].shares) if summary.scores else []


def _unit(unit: str) -> str:
    return "" if unit == "1" else unit


def _plain(text: str) -> str:
    """Text in which nothing is taken for markup."""
    from rich.markup import escape

    return escape(text)
