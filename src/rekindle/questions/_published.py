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
from rekindle.report import interval, number

#: Code and line before the words of a refusal, which mean nothing outside the table that was asked for.
_PLACE = re.compile(r"^RK-[A-Z]+-\d+: (?:line \d+: )?")
#: Ending of an outcome -> its unit.
_UNITS = {"_pct": "%", "_ratio": "", "_size": "SD", "_days": "days"}
#: (unit of a fact, unit of the quantity beside it) -> factor.
_FACTORS = {("fraction", "%"): 100.0, ("min", "h"): 1 / 60}


@dataclass(frozen=True, slots=True)
class Beside:
    """One published number beside the simulated one.

    Attributes:
        label: what it is.
        observed: published number; None where only an interval was published.
        observed_words: the same with unit, spread and number of people.
        predicted, low, high: simulated number with its 90 % interval; None where nothing is simulated.
        mark, role, source: where the published number comes from.
        remark: why nothing is simulated, or what had to be assumed.
        inside: whether the published number lies in the simulated interval, or the simulated number in what a
            fact accepts; None where that cannot be said.
    """

    label: str
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


def _arm(one: Published, row: Mapping[str, str], found: Mapping[str, object]) -> Beside:
    value, low, high = (
        float(cell) if isinstance(cell := found[name], float) else None
        for name in ("predicted", "predicted_low", "predicted_high")
    )
    observed, remark = _known(row["value"]), _PLACE.sub("", str(found["reason"] or ""))
    return Beside(
        one.label, observed, _observed(row), value, low, high,
        row["mark"], row["role"], row["source"], remark, _within(observed, low, high),
    )  # fmt: skip


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
        one.label, expected, words, value, low, high,
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


def _observed(row: Mapping[str, str]) -> str:
    unit = row.get("unit") or next(
        (unit for end, unit in _UNITS.items() if row["outcome"].endswith(end)),
        "mmHg" if row["outcome"].startswith(("sbp", "dbp")) else "points",
    )
    parts = [f"{row['value']} {unit}".strip()]
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
    """How many of the published numbers agree, and which do not, in one sentence; empty without any.

    >>> agreement([])
    ''
    """
    judged = [one for one in found if one.inside is not None]
    if not judged:
        return ""
    outside = [one.label for one in judged if not one.inside]
    told = f" Outside: {'; '.join(outside)}." if outside else ""
    return (
        f"Of {len(judged)} published numbers that could be held against it, "
        f"{len(judged) - len(outside)} agree within the interval.{told}"
    )


def cells(one: Beside) -> list[str]:
    """The row of the table without its source, as texts."""
    simulated = "not simulated" if one.predicted is None else number(one.predicted)
    return [
        one.label,
        one.observed_words,
        simulated,
        interval(one.low, one.high) if one.low is not None and one.low == one.low else "",
        f"{one.mark}, {one.role}" if one.role else one.mark,
    ]
