"""Facts about mechanism, time course and safety beside their predictions, roles apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rekindle.report._format import interval, number
from rekindle.report._page import PageTable, Section
from rekindle.report.evidence._points import CALIBRATE, CHECK
from rekindle.report.evidence._tables import role_words

if TYPE_CHECKING:
    from rekindle.evidence.facts import Fact, FactFinding, FactTable, Tension

_ABSENT, _OPEN, _MISSES = "not computed", "no interval", ("outside", "sign wrong")
_FIXED = "no width"
_MAY_BREAK = "\N{ZERO WIDTH SPACE}"
_WORDS = (
    "An interval decides where the fact states one, the direction where it is a sign or a difference "
    "between arms; other numbers stand without judgement. Predictions are those of the most probable "
    "parameters and of a limited number of people: near the edge of an interval another seed may decide "
    "otherwise. Some facts are about states of the model that nobody measures in people. How each number was "
    "read stands in facts.csv."
)
_AVERAGE = (
    "The average weighs the mechanisms as predictions of trials do. Signs, extremes of several numbers, and "
    "numbers that a mechanism does not reach have no mean: there it is the value up to which half of the "
    "weight lies."
)


def facts_section(table: FactTable) -> Section:
    """The known tensions first, then every fact."""
    words = [_WORDS, f"Intervals of predictions: {table.interval_words}."]
    if table.draws:
        words[1] += f" {_FIXED[:1].upper()}{_FIXED[1:]}: no uncertain parameter moves the number."
    if table.weights:
        words.append(_AVERAGE)
    return Section("Facts to reproduce", words, tables=[*tension_tables(table), *fact_tables(table)])


def tension_tables(table: FactTable) -> list[PageTable]:
    """What becomes of each known tension under each mechanism: met, or a miss and to which side."""
    rows = []
    for place, tension in enumerate(table.tensions[table.main]):
        fact = tension.finding.fact
        cells = [_tension_cell(own[place]) for own in table.tensions.values()]
        rows.append((tension.statement, f"{interval(fact.low, fact.high)} {fact.unit}", *cells))
    if not rows:
        return []
    names = (table.label(mechanism) for mechanism in table.tensions)
    return [PageTable("Known tensions of the nominal parameters.", ("tension", "accepted", *names), rows)]


def _tension_cell(tension: Tension) -> str:
    return f"{_with_interval(tension.finding)}: {tension.verdict}"


def fact_tables(table: FactTable, *, short: bool = False) -> list[PageTable]:
    """Every fact by role, misses first; where mechanisms differ, how misses were read, what is absent.

    Args:
        table: the facts.
        short: name each fact by its quantity instead of its statement.
    """
    tables = []
    for role in _roles(table):
        places = [
            place for place, fact in enumerate(table.facts) if fact.role == role and _computed(table, place)
        ]
        if places:
            tables.append(_computed_table(table, role, places, short))
    tables += _differing_table(table)
    misses = [] if short else fact_misses(table.findings[table.main])
    if misses:
        rows = [(one.fact.fact_id, one.fact.role, one.note) for one in misses]
        tables.append(PageTable("How the misses were read.", ("fact", "role", "how"), rows))
    absent = [one for one in table.findings[table.main] if one.verdict == _ABSENT]
    if absent:
        rows = [(_name(one.fact, short), one.fact.role, one.note) for one in absent]
        tables.append(
            PageTable(f"Facts that are not computed: {len(absent)}.", ("fact", "role", "why"), rows)
        )
    return tables


def fact_misses(findings: Sequence[FactFinding]) -> list[FactFinding]:
    """Facts outside their interval or of the wrong sign."""
    return [one for one in findings if one.verdict in _MISSES]


def _computed_table(table: FactTable, role: str, places: Sequence[int], short: bool) -> PageTable:
    findings = table.findings[table.main]
    own = [findings[place] for place in places]
    rows = [
        (
            _name(one.fact, short),
            _expected(one.fact),
            _predicted(one),
            _interval(one),
            one.verdict,
            one.fact.mark,
        )
        for one in sorted(own, key=lambda one: one.verdict not in _MISSES)
    ]
    words = role_words(role)
    counted = f"{len(fact_misses(own))} of {sum(one.verdict != _OPEN for one in own)} that can be judged miss"
    caption = f"{words[:1].upper()}{words[1:]}, {table.label(table.main)}: {counted}."
    return PageTable(caption, ("fact", "expected", "predicted", "90 %", "verdict", "mark"), rows)


def _differing_table(table: FactTable) -> list[PageTable]:
    """Facts of which another mechanism says something else; none with one mechanism."""
    rows = []
    for role in _roles(table):
        for place, fact in enumerate(table.facts):
            if fact.role == role and table.others(place):
                cells = [_cell(own[place]) for own in table.findings.values()]
                rows.append((fact.fact_id, role, _expected(fact), *cells))
    if not rows:
        return []
    names = (table.label(mechanism) for mechanism in table.findings)
    return [PageTable("Where the mechanisms differ.", ("fact", "role", "expected", *names), rows)]


def _cell(finding: FactFinding) -> str:
    return _ABSENT if finding.predicted is None else f"{_with_interval(finding)}, {finding.verdict}"


def _roles(table: FactTable) -> list[str]:
    found = dict.fromkeys(fact.role for fact in table.facts)
    return [role for role in (CHECK, CALIBRATE) if role in found] + [
        role for role in found if role not in (CHECK, CALIBRATE)
    ]


def _computed(table: FactTable, place: int) -> bool:
    return table.findings[table.main][place].verdict != _ABSENT


def _name(fact: Fact, short: bool) -> str:
    # Formulas in a statement may break after a slash, so that the table keeps to the page.
    words = fact.quantity.replace("_", " ") if short else fact.statement.replace("/", f"/{_MAY_BREAK}")
    return f"{fact.fact_id} {words}"


def _expected(fact: Fact) -> str:
    bounds = interval(fact.low, fact.high)
    unit = (
        ""
        if fact.unit in ("fraction", "effect") or fact.is_sign or fact.unit.startswith("ratio")
        else fact.unit
    )
    return " ".join(part for part in (number(fact.expected), bounds and f"({bounds})", unit) if part)


def _with_interval(finding: FactFinding) -> str:
    """The number, with its interval in brackets where it has a width."""
    bounds = _interval(finding)
    return f"{_predicted(finding)} ({bounds})" if bounds not in ("", _FIXED) else _predicted(finding)


def _interval(finding: FactFinding) -> str:
    if finding.low is None or finding.high is None:
        return ""
    low, high = (_reached(end) for end in (finding.low, finding.high))
    return _FIXED if low == high == _predicted(finding) else f"{low} to {high}"


def _predicted(finding: FactFinding) -> str:
    return "–" if finding.predicted is None else _reached(finding.predicted)


def _reached(value: float) -> str:
    return "not reached" if math.isinf(value) else number(value)
