"""A fact that the model should reproduce, what the model says of it, and the judgement."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rekindle.errors import EvidenceError

INSIDE, OUTSIDE, RIGHT, WRONG = "inside", "outside", "sign right", "sign wrong"
OPEN, ABSENT = "no interval", "not computed"
VERDICTS = (INSIDE, OUTSIDE, RIGHT, WRONG, OPEN, ABSENT)


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of ``mechanism_facts.csv``; ``low`` and ``high`` are None where no interval is stated."""

    fact_id: str
    statement: str
    quantity: str
    expected: float
    low: float | None
    high: float | None
    unit: str
    source: str
    mark: str
    role: str

    @property
    def is_sign(self) -> bool:
        """Whether ``expected`` is -1, 0 or 1 and stands for a direction."""
        return self.unit.startswith("sign") or self.expected == 0.0

    @property
    def has_direction(self) -> bool:
        """Whether its sign means something: a sign itself, or a difference between arms."""
        return self.is_sign or "difference" in self.quantity or "_minus_" in self.quantity


@dataclass(frozen=True, slots=True)
class Found:
    """A predicted number in the unit of its fact, and how it was read.

    ``extreme`` marks one that was picked out of several; a mean of two of them would be none of either.
    """

    value: float
    note: str = ""
    extreme: bool = False


def read_fact(fact_id: str, row: Mapping[str, str]) -> Fact:
    """One fact from its cells.

    Raises:
        EvidenceError: an expected number or bound that is none, or bounds in the wrong order.
    """
    expected = _number(fact_id, row, "expected")
    if expected is None:
        raise EvidenceError("RK-EVI-051", given=f"fact {fact_id}: expected is empty", allowed="A number")
    low, high = _number(fact_id, row, "low"), _number(fact_id, row, "high")
    if low is not None and high is not None and low > high:
        raise EvidenceError(
            "RK-EVI-051", given=f"fact {fact_id}: low {low:g} is above high {high:g}", allowed="low <= high"
        )
    words = (row.get(name, "") for name in ("unit", "source", "mark", "role"))
    return Fact(fact_id, row.get("statement", ""), row["quantity"], expected, low, high, *words)


def judge(fact: Fact, value: float) -> str:
    """What a predicted value means for a fact.

    An interval decides where there is one. Without one, the direction of a sign or of a difference does;
    any other number is shown without judgement.

    >>> fact = read_fact("X", {"quantity": "a_difference", "expected": "-4", "unit": "points"})
    >>> judge(fact, -1.0), judge(fact, 1.0)
    ('sign right', 'sign wrong')
    """
    if fact.low is not None or fact.high is not None:
        above = fact.low is None or value >= fact.low
        below = fact.high is None or value <= fact.high
        return INSIDE if above and below else OUTSIDE
    if not fact.has_direction:
        return OPEN
    return RIGHT if direction(value) == direction(fact.expected) else WRONG


def direction(size: float, tolerance: float = 0.0) -> float:
    """The sign of a size, 0 up to a tolerance.

    >>> direction(-3.0), direction(1.0, tolerance=2.0)
    (-1.0, 0.0)
    """
    return 0.0 if abs(size) <= tolerance else math.copysign(1.0, size)


def not_computed(reason: str) -> EvidenceError:
    """Return the reason why one fact is not computed; the other facts go on."""
    return EvidenceError("RK-EVI-052", given=reason)


def _number(fact_id: str, row: Mapping[str, str], column: str) -> float | None:
    text = row.get(column, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise EvidenceError(
            "RK-EVI-051", given=f'fact {fact_id}: {column} is "{text}"', allowed="A finite number or nothing"
        )
    return value
