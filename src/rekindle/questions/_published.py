"""What was published, beside what is simulated: arms as their trials were run, facts by quantity."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rekindle.errors import EvidenceError
from rekindle.evidence import development_arms, development_outcomes, mechanism_facts, predict_arms
from rekindle.questions._inquiry import Inquiry
from rekindle.questions._quantity import Quantity
from rekindle.questions._question import Published, Question
from rekindle.questions._words import ends
from rekindle.report import interval, number

#: What a refusal says to the author of a table -> what a reader of a page needs.
_PLAIN = (
    (re.compile(r"^RK-[A-Z]+-\d+: (?:line \d+: )?"), ""),
    (re.compile(r" Fill [^.]*\.$"), ""),
    (re.compile(r"^[a-z0-9_]+_(?:pct|size|days): "), ""),
    (re.compile(r"^[a-z0-9_]+_(?:pct|size|days) in condition \w+\. "), ""),
    (re.compile(r"^nasal (\w+)\. The esketamine device\. "), r"\1 as a spray: "),
)
#: Ending of an outcome -> its unit.
_UNITS = {"_pct": "%", "_ratio": "", "_size": "SD", "_days": "days"}
#: (unit of a fact, unit of the quantity beside it) -> factor.
_FACTORS = {("fraction", "%"): 100.0, ("min", "h"): 1 / 60}
#: A simulated number is told to be far off from this ratio on, or, in these units, from this distance on.
_FAR_RATIO, _FAR_POINTS, _POINTS = 2.0, 10.0, ("%", "points")
_FAR_WORDS = (
    f"Not outside, but off by a factor of {_FAR_RATIO:g} or more, or by more than {_FAR_POINTS:g} points"
)


@dataclass(frozen=True, slots=True)
class Beside:
    """One published number beside the simulated one.

    Attributes:
        label: what it is.
        unit: unit of both numbers; empty for a ratio.
        observed: published number; None where only an interval was published.
        observed_words: the same with unit, spread and number of people.
        predicted, low, high: simulated number with its 90 % interval; None where nothing is simulated.
        mark, role, source: where the published number comes from.
        remark: why nothing is simulated, or what had to be assumed.
        inside: whether the published number lies in the simulated interval, or the simulated number in what a
            fact accepts; None where that cannot be said.
    """

    label: str
    unit: str
    observed: float | None
    observed_words: str
    predicted: float | None
    low: float | None
    high: float | None
    mark: str
    role: str
    source: str
    remark: str
    inside: bool | None

    @property
    def fitted(self) -> bool:
        """Whether the number was used to calibrate, so that agreement is no independent evidence."""
        return self.role == "calibrate"

    @property
    def far(self) -> bool:
        """Whether the numbers differ at least by a factor of two, or by more than ten points or per cent."""
        if self.observed is None or self.predicted is None:
            return False
        apart = self.unit in _POINTS and abs(self.observed - self.predicted) > _FAR_POINTS
        small, large = sorted((abs(self.observed), abs(self.predicted)))
        opposite = self.observed * self.predicted < 0.0
        return apart or opposite or (large > 0.0 and large >= _FAR_RATIO * small)


def beside(
    published: Sequence[Published], quantities: Mapping[str, Quantity], inquiry: Inquiry
) -> list[Beside]:
    """Every published number of a question beside the simulated one, in order.

    Raises:
        EvidenceError: a row that is not in the tables exactly once.
    """
    arms = {one.label: _row(one) for one in published if one.table != "facts"}
    predicted: dict[str, Mapping[str, object]] = {}
    for table in ("outcomes", "plasma"):
        own = [one.label for one in published if one.table == table]
        if own:
            found = predict_arms(
                [arms[label] for label in own],
                n_people=inquiry.people,
                seed=inquiry.seed,
                workers=inquiry.workers,
            )
            predicted |= dict(zip(own, found.rows, strict=True))
    return [
        _fact(one, quantities) if one.table == "facts" else _arm(one, arms[one.label], predicted[one.label])
        for one in published
    ]


def observed(question: Question, label: str) -> float:
    """The published number of a row, by its label.

    >>> from rekindle.questions._question import find_question
    >>> observed(find_question("onset"), "IV ketamine, MADRS change at 24 h")
    -16.5
    """
    one = next(one for one in question.published if one.label == label)
    return float(_row(one)["value"])


def held_against(question: Question, one: Quantity) -> str:
    """What was published on a simulated number and whether the model misses it, as a part of a sentence.

    >>> from rekindle.questions._question import find_question
    >>> nan = (float("nan"),) * 2
    >>> late = Quantity("day_largest_ketamine", "", "days", 7.0, nan, "resampled people", nan)
    >>> held_against(find_question("onset"), late)
    'published 1.5 days, 1 to 2 accepted, which the model misses'
    """
    row = next(row for row in question.published if row.quantity == one.key)
    found = _fact(row, {one.key: one})
    missed = ", which the model misses" if found.inside is False else ""
    seen = found.observed_words.replace(" (", ", ").replace(")", "")  # itself told in brackets
    return f"published {seen}{missed}"


def _arm(one: Published, row: Mapping[str, str], found: Mapping[str, object]) -> Beside:
    value, low, high = (
        float(cell) if isinstance(cell := found[name], float) else None
        for name in ("predicted", "predicted_low", "predicted_high")
    )
    observed, remark = _known(row["value"]), plain_reason(str(found["reason"] or ""))
    return Beside(
        one.label, _unit(row), observed, _observed(row), value, low, high,
        row["mark"], row["role"], row["source"], remark, _within(observed, low, high),
    )  # fmt: skip


def plain_reason(text: str) -> str:
    """Why a row is not simulated, without what only the author of a table needs.

    >>> plain_reason("RK-EVI-010: line 7: the sessions are not stated. Fill session_days, for example 0;3.")
    'The sessions are not stated.'
    """
    for pattern, words in _PLAIN:
        text = pattern.sub(words, text)
    return text[:1].upper() + text[1:]


def _fact(one: Published, quantities: Mapping[str, Quantity]) -> Beside:
    facts = mechanism_facts()
    if one.keys["fact"] not in facts:
        raise _not_once(one, 0)
    row, here = facts[one.keys["fact"]], quantities.get(one.quantity)
    unit = row["unit"] if here is None or row["unit"].startswith("sign") else here.unit
    factor = 1.0 if here is None else _FACTORS.get((row["unit"], here.unit), 1.0)
    expected, least, most = (
        None if (value := _known(row[name])) is None else factor * value
        for name in ("expected", "low", "high")
    )
    spread = interval(least, most)
    words = f"{number(expected or 0.0)} {unit}" + (f" ({spread} accepted)" if spread else "")
    value, low, high = (None, None, None) if here is None else (here.value, *here.parameters)
    inside = _within(value, least, most)
    return Beside(
        one.label, unit, expected, words, value, low, high,
        row["mark"], row["role"], row["source"], "", inside,
    )  # fmt: skip


def _row(one: Published) -> dict[str, str]:
    rows = [row for row in _table(one.table) if _fits(row, one.keys)]
    if len(rows) != 1:
        raise _not_once(one, len(rows))
    return rows[0]


def _fits(row: Mapping[str, str], keys: Mapping[str, str]) -> bool:
    return all(row[key] == value for key, value in keys.items())


@cache
def _table(name: str) -> tuple[dict[str, str], ...]:
    path = {"outcomes": development_outcomes, "plasma": development_arms}[name]()
    return tuple(_rows(path))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _unit(row: Mapping[str, str]) -> str:
    return row.get("unit") or next(
        (unit for end, unit in _UNITS.items() if row["outcome"].endswith(end)),
        "mmHg" if row["outcome"].startswith(("sbp", "dbp")) else "points",
    )


def _observed(row: Mapping[str, str]) -> str:
    parts = [f"{row['value']} {_unit(row)}".strip()]
    if row.get("se"):
        parts.append(f"SE {row['se']}")
    if row.get("sd"):
        parts.append(f"SD {row['sd']}")
    people = row.get("n_at_time") or row.get("n")
    if people:
        parts.append(f"n = {people}")
    return ", ".join(parts)


def _within(value: float | None, low: float | None, high: float | None) -> bool | None:
    if value is None or low is None or high is None or not math.isfinite(value + low + high):
        return None
    return low <= value <= high


def _known(text: str) -> float | None:
    return float(text) if text else None


def _not_once(one: Published, times: int) -> EvidenceError:
    return EvidenceError(
        "RK-EVI-060",
        given=f'"{one.label}" ({one.keys}) is {times} times in the table {one.table}',
        allowed="Keys that pick one row",
        why="The published number must be the one that is meant",
    )


def agreement(found: Sequence[Beside]) -> str:
    """How many published numbers were judged, agree and were fitted, and which do not; empty without any.

    >>> agreement([])
    ''
    """
    if not found:
        return ""
    judged = [one for one in found if one.inside is not None]
    agree = [one for one in judged if one.inside]
    fitted = sum(one.fitted for one in agree)
    how = "all fitted" if fitted == len(agree) else f"{fitted} of them fitted"
    counts = f"{len(agree)} agree within the interval" + (
        f", {how} and no independent evidence" if fitted else ""
    )
    parts = [f"Published numbers: {len(found)}. Of {len(judged)} judged, {counts}."]
    if len(judged) < len(found):
        parts.append(_not_judged(found))
    outside = [one for one in judged if not one.inside]
    far = [one for one in found if one.far and one not in outside]
    for words, rows in (("Outside", outside), (_FAR_WORDS, far)):
        if rows:
            parts.append(f"{words}: {'; '.join(dict.fromkeys(one.label for one in rows))}.")
    return " ".join(parts)


def _not_judged(found: Sequence[Beside]) -> str:
    missing = sum(one.predicted is None for one in found)
    unknown = sum(one.predicted is not None and one.inside is None for one in found)
    reasons = [
        f"{count} {words}"
        for count, words in ((missing, "not simulated"), (unknown, "without an interval to judge by"))
        if count
    ]
    return f"Not judged: {missing + unknown} ({', '.join(reasons)})."


def cells(one: Beside) -> list[str]:
    """The row of the table without its source, as texts."""
    simulated = "not simulated" if one.predicted is None else number(one.predicted)
    return [
        one.label,
        one.observed_words,
        simulated,
        ends(one.predicted, one.low, one.high),
        f"{one.mark}, {one.role}" if one.role else one.mark,
    ]
