"""Rating scales as data: items, ranges, scoring, thresholds, recall windows. Item texts are not shipped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rekindle.errors import ParameterError, nearest
from rekindle.trials._tables import read_table

#: QIDS: items that share a domain, of which the highest counts; every other item is a domain of its own.
_QIDS_DOMAINS = ((1, 2, 3, 4), (6, 7, 8, 9), (15, 16))
_RULE_WORDS = {
    "fall_pct": "fall >= {} %",
    "fall_points": "fall >= {} points",
    "difference": "difference >= {} points",
    "at_most": "<= {}",
    "at_least": ">= {}",
    "above": "> {}",
    "below": "< {}",
}


@dataclass(frozen=True, slots=True)
class ScaleThreshold:
    """A named threshold on a scale; ``rule`` says what is compared with ``value`` (points or per cent)."""

    name: str
    scale: str
    rule: str
    value: float
    mark: str
    source: str

    @property
    def label(self) -> str:
        """Name with scale and threshold.

        >>> scale("PHQ-9").threshold("remission").label
        'remission (PHQ-9 < 5)'
        """
        return f"{self.name} ({self.scale} {_RULE_WORDS[self.rule].format(f'{self.value:g}')})"


@dataclass(frozen=True, slots=True)
class Scale:
    """One rating scale.

    Attributes:
        item_highs: largest score of every item that is answered; the smallest is 0.
        counted: numbers of the items that count, from 1; empty for all.
        scoring: ``sum``, ``qids`` (highest item of each domain) or ``category`` (no total).
        low, high: range of the total.
        recall_window: time that an answer looks back on.
    """

    name: str
    item_highs: tuple[int, ...]
    counted: tuple[int, ...]
    scoring: str
    low: int
    high: int
    recall_window: str
    thresholds: tuple[ScaleThreshold, ...]
    mark: str
    source: str
    description: str = ""

    def score(self, items: Sequence[int]) -> int:
        """Total of one set of answers, in the order of the scale.

        Raises:
            ParameterError: a wrong number of items, an item outside its range, or a scale without a total.

        >>> scale("MADRS").score([3, 3, 4, 2, 1, 3, 4, 4, 2, 1])
        27
        """
        if self.scoring == "category":
            raise ParameterError(
                "RK-PAR-064",
                given=f"a total of {self.name}",
                why="Its answers are categories; a total would hide the urgent ones",
                remedy="Use ideation_is_urgent",
            )
        checked = self._checked(items)
        if self.scoring == "qids":
            shared = {item for domain in _QIDS_DOMAINS for item in domain}
            highest = sum(max(checked[item - 1] for item in domain) for domain in _QIDS_DOMAINS)
            return highest + sum(value for item, value in enumerate(checked, 1) if item not in shared)
        return sum(checked[item - 1] for item in self.counted or range(1, len(checked) + 1))

    def check_total(self, total: float) -> float:
        """Return a total that the scale can have.

        Raises:
            ParameterError: a total outside the range.
        """
        if not (math.isfinite(total) and self.low <= total <= self.high):
            raise ParameterError(
                "RK-PAR-065",
                given=f"{self.name} of {total:g}",
                allowed=f"{self.low} to {self.high} points",
            )
        return total

    def threshold(self, name: str) -> ScaleThreshold:
        """The threshold with this name.

        Raises:
            ParameterError: a threshold that is not defined on this scale.
        """
        known = {threshold.name: threshold for threshold in self.thresholds}
        if name not in known:
            raise ParameterError(
                "RK-PAR-066",
                given=f'threshold "{name}" of {self.name}{nearest(name, known)}',
                allowed=f"Thresholds: {', '.join(known) or 'none'}",
            )
        return known[name]

    def _checked(self, items: Sequence[int]) -> list[int]:
        if len(items) != len(self.item_highs):
            raise ParameterError(
                "RK-PAR-067",
                given=f"{len(items)} items of {self.name}",
                allowed=f"{len(self.item_highs)} items",
                why="A missing item is not a score of 0",
            )
        for number, (value, high) in enumerate(zip(items, self.item_highs, strict=True), 1):
            if isinstance(value, bool) or value != int(value) or not 0 <= value <= high:
                raise ParameterError(
                    "RK-PAR-068",
                    given=f"item {number} of {self.name} is {value}",
                    allowed=f"A whole number from 0 to {high}",
                )
        return [int(value) for value in items]


@cache
def scales() -> Mapping[str, Scale]:
    """All rating scales by name.

    >>> scales()["HAM-D17"].high
    52
    """
    thresholds = [
        ScaleThreshold(
            row["name"], row["scale"], row["rule"], float(row["value"]), row["mark"], row["source"]
        )
        for row in read_table("scale_thresholds.csv")
    ]
    return {
        row["scale"]: Scale(
            row["scale"],
            _highs(row["item_highs"]),
            tuple(int(item) for item in row["counted"].split(";") if item),
            row["scoring"],
            int(row["low"]),
            int(row["high"]),
            row["recall_window"],
            tuple(threshold for threshold in thresholds if threshold.scale == row["scale"]),
            row["mark"],
            row["source"],
            row["description"],
        )
        for row in read_table("scales.csv")
    }


def scale(name: str) -> Scale:
    """The rating scale with this name.

    Raises:
        ParameterError: an unknown scale.

    >>> scale("CADSS-6").counted
    (1, 2, 6, 7, 15, 22)
    """
    if name not in scales():
        raise ParameterError(
            "RK-PAR-069",
            given=f'scale "{name}"{nearest(name, scales())}',
            allowed=f"Scales: {', '.join(scales())}",
        )
    return scales()[name]


def convert_score(total: float, from_scale: str, to_scale: str) -> float:
    """Total on another scale (points), only where a source gives a line, and only in its direction.

    Raises:
        ParameterError: no conversion is known, or a total outside its range.

    >>> round(convert_score(30, "MADRS", "HAM-D17"), 2)
    18.81
    """
    scale(from_scale).check_total(total)
    target = scale(to_scale)
    for row in read_table("scale_conversions.csv"):
        if (row["from_scale"], row["to_scale"]) == (from_scale, to_scale):
            value = float(row["intercept"]) + float(row["slope"]) * total
            return min(float(target.high), max(float(target.low), value))
    known = ", ".join(
        f"{row['from_scale']} to {row['to_scale']}" for row in read_table("scale_conversions.csv")
    )
    raise ParameterError(
        "RK-PAR-090",
        given=f"a conversion from {from_scale} to {to_scale}",
        allowed=f"Conversions with a source: {known}",
        why="Scales ask about different things and look back over different times",
    )


def ideation_is_urgent(ideation: int, behaviour: bool) -> bool:
    """Whether C-SSRS answers are urgent: ideation of 4 or 5, or any behaviour. For observed answers only.

    Raises:
        ParameterError: ideation outside 0 to 5.

    >>> ideation_is_urgent(2, behaviour=True), ideation_is_urgent(3, behaviour=False)
    (True, False)
    """
    screen = scale("C-SSRS")
    return bool(behaviour) or screen._checked([ideation])[0] >= screen.threshold("urgent ideation").value


def _highs(text: str) -> tuple[int, ...]:
    """Largest item scores from ``1-3:4;4-6:2``: items 1 to 3 up to 4, items 4 to 6 up to 2."""
    highs: list[int] = []
    for part in text.split(";"):
        items, high = part.split(":")
        first, last = (items.split("-") * 2)[:2]
        highs += [int(high)] * (int(last) - int(first) + 1)
    return tuple(highs)
