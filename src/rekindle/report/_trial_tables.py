"""Tables of a virtual trial for its page, and its primary result in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekindle.report._format import number, percent
from rekindle.report._page import PageTable
from rekindle.report._trial_words import day_words, interval_words, p_words, with_unit, worth_a_line
from rekindle.trials import Estimate, Primary, ResultRow, TrialRun, primary_centre

if TYPE_CHECKING:
    from rekindle.evidence import Reported

_AGAINST = " - "
_DASH = "–"
_SAME_DAY = 1e-6
#: Part of the page -> beginnings of the outcomes that belong there.
_PARTS = {
    "participants": ("left: ", "completed", "treatment stopped: ", "rescued"),
    "effect": ("response", "remission", "median time", "relapse"),
    "safety": ("systolic", "diastolic", "dissociation", "sedation", "report of"),
}
#: Outcomes that a table shows for their last day only; every day is in the files.
_EVERY_DAY = ("response (", "remission (", "response so far")


def by_arm(result: TrialRun, part: str) -> PageTable:
    """Outcomes of one part of the page, one column an arm."""
    rows = [row for row in result.rows if row.outcome.startswith(_PARTS[part]) and _AGAINST not in row.arm]
    captions = {
        "participants": "Who stayed and who left, of those who started the compared phase",
        "effect": "Response, remission and times, on the last day where there are several",
        "safety": "People with at least one such reading or report",
    }
    return table_of(captions[part] + _over(result), _last_day(rows))


def table_of(caption: str, rows: Sequence[ResultRow]) -> PageTable:
    """Outcomes with one column an arm."""
    arms = list(dict.fromkeys(row.arm for row in rows))
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        cells.setdefault(row.outcome + day_words(row.day), {})[row.arm] = _cell(row)
    return PageTable(
        caption, ["", *arms], [[name, *(own.get(arm, "") for arm in arms)] for name, own in cells.items()]
    )


def difference_table(result: TrialRun) -> PageTable:
    """Differences between arms on the last and on the deciding day, numbers needed, hazard ratios."""
    rows = [row for row in result.rows if _AGAINST in row.arm and worth_a_line(row.value, row.unit)]
    last: dict[str, float] = {}
    for row in rows:
        if math.isfinite(row.day):
            last[row.outcome] = max(row.day, last.get(row.outcome, 0.0))
    primary = result.task.design.primary
    decisive = math.nan if primary is None else primary.day
    shown = [
        row
        for row in rows
        if not math.isfinite(row.day) or row.day == last[row.outcome] or abs(row.day - decisive) < _SAME_DAY
    ]
    single = len(result.best) == 1
    limits = {one.key: one for one in result.best[0].findings} if single else {}
    table = []
    for row in shown:
        own = limits.get((row.outcome, -1.0 if math.isnan(row.day) else row.day, row.arm))
        low, high = (own.low, own.high) if own is not None else (row.low, row.high)
        tested = p_words(own.p) if own is not None else percent(row.significant)
        interval = interval_words(low, high, row.unit)
        table.append([row.outcome + day_words(row.day), row.arm, _value(row), interval, tested])
    interval, last_column = ("95 % interval", "p") if single else ("5 to 95 % of trials", "p < 0.05")
    words = "On the last day and the day of the primary result; every day is in results.csv"
    caption = words + _over(result)
    return PageTable(caption, ["", "arms", "value", interval, last_column], table)


def variation_table(result: TrialRun) -> PageTable:
    """SD between people, range between trials, SD by parameters and by studies of changes and differences."""
    count = max(len(result.drawn), len(result.study))
    scale = result.task.design.scale
    rows = [
        row
        for row in result.rows
        if row.outcome in (f"{scale} change, observed cases", f"{scale} difference, LOCF and ANCOVA",
                           f"{scale} difference, paired")
    ]  # fmt: skip
    table = [
        [
            f"{row.outcome}{day_words(row.day)}: {row.arm}",
            number(row.value),
            _DASH if _AGAINST in row.arm else number(row.spread),
            _between_trials(row),
            number(row.parameter_sd),
            number(row.study_sd),
            interval_words(row.total_low, row.total_high) if count > 1 else _DASH,
        ]
        for row in _last_day(rows, everything=True)
    ]
    columns = ["", "mean", "people, SD", "trials, 5 to 95 %", "parameters, SD", "studies, SD",
               "all, 5 to 95 %"]  # fmt: skip
    return PageTable("Points on the last day", columns, table)


def reported_table(reported: Sequence[Reported]) -> PageTable:
    """What a study reported beside what virtual trials of its design gave."""
    table = [
        [
            one.outcome + day_words(one.day),
            one.arm,
            with_unit(one.value, one.unit),
            _value(one.simulated),
            _between_trials(one.simulated),
        ]
        for one in reported
    ]
    columns = ["", "arm", "reported", "simulated", "trials, 5 to 95 %"]
    return PageTable("As the study reported it, and as virtual trials of its design gave it", columns, table)


def primary_sentences(result: TrialRun) -> list[str]:
    """The primary result in plain words, the first thing on the page."""
    design, count = result.task.design, len(result.best)
    trials = f"{count} simulated trials" if count > 1 else "One simulated trial"
    first = f"{trials} of {design.number} virtual people."
    primary = design.primary
    if primary is None or not result.primary:
        return [first, "The design names no primary result."]
    what = f"The primary result, the {_measure(primary)} ({' against '.join(primary.arms)}),"
    if count == 1:
        found = result.primary[0]
        said = "positive" if result.positive[0] else "not positive"
        if math.isnan(found.value):
            return [first, f"{what} cannot be had from this trial, which counts as not positive."]
        limits = f"{100.0 * (1.0 - primary.alpha):g} % interval {_primary_interval(primary, found)}"
        value = _primary_value(primary, found.value)
        return [first, f"{what} is {value} ({limits}; p {p_words(found.p)}): {said}."]
    share, low, high = result.positive
    known = [one for one in result.primary if not math.isnan(one.value)]
    value = _primary_value(primary, primary_centre(primary, known))
    over = "median" if primary.analysis == "relapse" else "mean"
    middle = f" is {value} in the {over} over trials. It" if known else ""
    words = [
        f"{first} {what}{middle} is positive in {percent(share)} of them "
        f"(Monte Carlo interval {percent(low)} to {percent(high)})."
    ]
    if missing := len(result.primary) - len(known):
        words[0] += f" In {missing} of them there is no result, which counts as not positive."
    if result.drawn:
        share, low, high = result.positive_drawn
        words.append(
            f"With parameters that are not known for certain it is positive in {percent(share)} "
            f"({percent(low)} to {percent(high)})."
        )
    if result.study:
        share, low, high = result.positive_study
        words.append(
            f"As a new study, which may differ from others of its design, it is positive in {percent(share)} "
            f"({percent(low)} to {percent(high)})."
        )
    if result.drawn:
        words[-1] = f"{words[-1].removesuffix('.')}: the assurance."
    return words


def _primary_value(primary: Primary, value: float) -> str:
    """A primary result as it is reported: a ratio, percentage points, or points.

    >>> _primary_value(Primary("relapse", "MADRS", "blinded", 28.0, ("a", "b")), -math.inf)
    '0'
    >>> _primary_value(Primary("response", "MADRS", "blinded", 28.0, ("a", "b")), 0.144)
    '14.4 percentage points'
    """
    if primary.analysis == "relapse":
        return with_unit(math.exp(value), "ratio")
    if primary.analysis in ("response", "remission"):
        return f"{number(100.0 * value)} percentage points"
    return number(value)


def _primary_interval(primary: Primary, found: Estimate) -> str:
    if math.isnan(found.low):
        return _DASH
    low, high = (_primary_value(primary, one) for one in (found.low, found.high))
    return f"{low.removesuffix(' percentage points')} to {high}"


def _measure(primary: Primary) -> str:
    """What a primary result is a number of.

    >>> _measure(Primary("locf", "MADRS", "blinded", 28.0, ("a", "b")))
    'difference of MADRS in points on day 28'
    """
    if primary.analysis == "relapse":
        return "hazard ratio of relapse"
    day = day_words(primary.day).removeprefix(", ")
    if primary.analysis in ("response", "remission"):
        return f"difference of the shares with {primary.analysis} on {day}"
    return f"difference of {primary.scale} in points on {day}"


def _last_day(rows: Sequence[ResultRow], *, everything: bool = False) -> list[ResultRow]:
    last: dict[tuple[str, str], float] = {}
    for row in rows:
        if math.isfinite(row.day):
            last[row.outcome, row.arm] = max(row.day, last.get((row.outcome, row.arm), 0.0))
    return [
        row
        for row in rows
        if not (everything or row.outcome.startswith(_EVERY_DAY))
        or math.isnan(row.day)
        or row.day == last[row.outcome, row.arm]
    ]


def _over(result: TrialRun) -> str:
    return "; means over trials, 5 to 95 % of trials in brackets" if len(result.best) > 1 else ""


def _cell(row: ResultRow) -> str:
    if not math.isfinite(row.value):
        return "not reached" if row.unit == "day" else _DASH
    value = _value(row)
    return f"{value} ({interval_words(row.low, row.high, row.unit)})" if row.replicates > 1 else value


def _between_trials(row: ResultRow) -> str:
    return interval_words(row.low, row.high, row.unit) if row.replicates > 1 else _DASH


def _value(row: ResultRow) -> str:
    return with_unit(row.value, row.unit)
