"""Which lines of a data set are left out: the forms of NONMEM's IGNORE."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rekindle.errors import EventError, nearest

_WORDS: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq, "NE": operator.ne, "GT": operator.gt, "GE": operator.ge, "LT": operator.lt,
    "LE": operator.le, "EQN": operator.eq, "NEN": operator.ne, "==": operator.eq, "/=": operator.ne,
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip
_CONDITION = re.compile(
    r"\s*([A-Za-z]\w*)\s*(?:\.(EQN|NEN|EQ|NE|GT|GE|LT|LE)\.|(==|/=|>=|<=|>|<))\s*[\"']?([^\"'\s]+)[\"']?\s*",
    re.IGNORECASE,
)


class Ignore:
    """One or more rules: ``"@"``, a character such as ``"#"`` or ``"C"``, or a condition ``"DOSE.EQ.0"``."""

    def __init__(self, rules: str | Sequence[str]) -> None:
        given = [rules] if isinstance(rules, str) else list(rules)
        self.characters: list[str] = []
        self.conditions: list[tuple[str, Callable[[Any, Any], bool], str]] = []
        for rule in given:
            if len(rule) == 1:
                self.characters.append(rule)
                continue
            for part in rule.strip().strip("()").split(","):
                match = _CONDITION.fullmatch(part)
                if match is None:
                    raise EventError(
                        "RK-EVT-041", given=f"ignore={part[:60]!r}",
                        allowed='"@", one character such as "#" or "C", or a condition such as "DOSE.EQ.0"',
                    )  # fmt: skip
                self.conditions.append((match[1].upper(), _WORDS[(match[2] or match[3]).upper()], match[4]))
        self.text = ", ".join(given)

    def __str__(self) -> str:
        return f'"{self.text}"'

    def line(self, line: str) -> bool:
        """Whether a line begins with an ignored character; ``@`` is any letter, ``@`` or ``#``."""
        first = line.lstrip()[:1].lstrip("\"'")
        for character in self.characters:
            if first == character or (
                character == "@" and (first == "#" or (first.isascii() and first.isalpha()))
            ):
                return True
        return False

    def row(self, cells: Mapping[str, str], number: int) -> bool:
        """Whether a condition holds for a row; a missing entry is 0 there, as in NONMEM."""
        for column, compare, wanted in self.conditions:
            if column not in cells:
                raise EventError(
                    "RK-EVT-041",
                    given=f'ignore names the column "{column}", which the data set does not have'
                    f"{nearest(column, cells)}",
                )
            cell = "0" if cells[column] in ("", ".") else cells[column]
            try:
                holds = compare(float(cell), float(wanted))
            except ValueError:
                if compare not in (operator.eq, operator.ne):
                    raise EventError(
                        "RK-EVT-011", given=f"row {number}: {column} {cell!r} is not a number",
                        remedy="The ignore rule compares it by size",
                    ) from None  # fmt: skip
                holds = compare(cell, wanted)
            if holds:
                return True
        return False
