"""The results section of a virtual trial on the terminal: arms side by side, then differences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from rekindle.evidence import Reported
    from rekindle.trials import Finding, PowerRow, ResultRow, TrialRun

    Line = Finding | ResultRow

#: Words of outcomes that are shown for the last day only; every day is in the files.
_LAST_DAY_ONLY = (", LOCF", "missing as none", "LOCF and ANCOVA", "Kaplan-Meier")
#: Words of analyses of a crossover that are shown for the day of the primary result.
_PRIMARY_DAY_ONLY = ("starts adjusted", "periods adjusted", "carry-over", "first period only", "by period")
_AGAINST = " - "
_SAME_DAY = 1e-6


def print_run(result: TrialRun, console: Console, reported: Sequence[Reported] = ()) -> None:
    """Print design, results by arm, differences, the primary result and notes."""
    from rekindle.report import STANDING_NOTICE, primary_sentences, print_table, reported_table, worth_a_line

    design, count = result.task.design, len(result.replicates)
    console.print(f"[bold]{design.title}[/bold]", highlight=False)
    console.print(f"Seed {result.task.seed}.", highlight=False)
    lines: Sequence[Line] = result.rows if count > 1 else result.replicates[0]
    shown = list(_shown(lines, design.primary.day if design.primary else math.nan))
    print_table("Who entered", ("", "all"), _entry_rows(shown), console)
    arms = list(dict.fromkeys(one.arm for one in shown if one.arm != "all" and _AGAINST not in one.arm))
    words = "mean over trials; SD within a trial in brackets" if count > 1 else "SD in brackets"
    print_table(f"Results by arm ({words})", ("", *arms), _arm_rows(shown, arms), console)
    differences = [one for one in shown if _AGAINST in one.arm and worth_a_line(one.value, one.unit)]
    if differences:
        interval = "5 to 95 % of trials" if count > 1 else "95 % interval"
        columns = ("", "arms", "value", interval, "p < 0.05" if count > 1 else "p")
        print_table("Differences", columns, [_difference(one) for one in differences], console)
    if reported:
        found = reported_table(reported)
        print_table(found.caption, found.columns, found.rows, console)
    if result.drawn or result.study:
        _print_variation(result, console)
    for sentence in primary_sentences(result):
        console.print(sentence, highlight=False, markup=False)
    for note in design.notes:
        console.print(f"Note: {note}", highlight=False, markup=False)
    console.print(f"[italic]{STANDING_NOTICE}[/italic]", highlight=False)


def print_power(title: str, rows: Sequence[PowerRow], console: Console) -> None:
    """Print the share of positive trials by size, effect and unblinding."""
    from rekindle.report import number, percent, print_table, version_words

    console.print(f"[bold]{title}[/bold]", highlight=False)
    table: list[tuple[str, ...]] = [
        (
            str(one.number),
            f"{one.effect:g}",
            "yes" if one.unblinding else "no",
            version_words(one),
            percent(one.power),
            f"{percent(one.low)} to {percent(one.high)}",
            number(one.difference),
            str(one.missing),
        )
        for one in rows
    ]
    columns = ["people", "effect", "unblinding", "parameters", "positive", "95 %", "estimate", "no result"]
    if not any(one.missing for one in rows):
        columns, table = columns[:-1], [row[:-1] for row in table]
    caption = f"Power from {rows[0].replicates} simulated trials in each row, with 95 % Monte Carlo intervals"
    print_table(caption, columns, table, console)


def _print_variation(result: TrialRun, console: Console) -> None:
    """People, trials, parameters and studies apart, for the primary scale."""
    from rekindle.report import print_table, variation_table

    found = variation_table(result)
    print_table(f"Kinds of variation: {found.caption}", found.columns, found.rows, console)


def _shown(lines: Iterable[Line], primary_day: float) -> Iterable[Line]:
    known = list(lines)
    last: dict[str, float] = {}
    for one in known:
        if not math.isnan(one.day):
            last[one.outcome] = max(one.day, last.get(one.outcome, 0.0))
    for one in known:
        if any(words in one.outcome for words in _LAST_DAY_ONLY):
            wanted = one.day == last.get(one.outcome)
        elif any(words in one.outcome for words in _PRIMARY_DAY_ONLY):
            wanted = abs(one.day - primary_day) < _SAME_DAY
        else:
            wanted = True
        if wanted:
            yield one


def _entry_rows(lines: Sequence[Line]) -> list[tuple[str, str]]:
    return [(one.outcome, _value(one)) for one in lines if one.arm == "all"]


def _arm_rows(lines: Sequence[Line], arms: Sequence[str]) -> list[tuple[str, ...]]:
    from rekindle.report import day_words

    rows: dict[str, dict[str, str]] = {}
    for one in lines:
        if one.arm in arms:
            rows.setdefault(one.outcome + day_words(one.day), {})[one.arm] = _value(one)
    return [(label, *(cells.get(arm, "") for arm in arms)) for label, cells in rows.items()]


def _difference(one: Line) -> tuple[str, ...]:
    from rekindle.report import day_words, interval_words, p_words, percent

    tested = getattr(one, "significant", None)
    shown = p_words(getattr(one, "p", math.nan)) if tested is None else percent(tested)
    interval = interval_words(one.low, one.high, one.unit)
    return one.outcome + day_words(one.day), one.arm, _value(one, spread=False), interval, shown


def _value(one: Line, *, spread: bool = True) -> str:
    from rekindle.report import number, with_unit

    if one.unit == "day" and not math.isfinite(one.value):
        return "not reached"
    if math.isnan(one.value):
        return ""
    within = f" ({number(one.spread)})" if spread and not math.isnan(one.spread) else ""
    return with_unit(one.value, one.unit) + within
