"""One section of a design file: every key is asked for once, and a key that nobody asked for is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rekindle.errors import DesignError, nearest
from rekindle.trials._design_errors import design_error

_MISSING = object()


class Section:
    """A mapping of a design file with its place in it.

    >>> part = Section({"days": 28}, "design.yaml", "phases, induction")
    >>> part.number("days", low=0)
    28.0
    """

    def __init__(self, content: Any, file: str, place: str = "") -> None:
        self.file, self.place = file, place
        if not isinstance(content, Mapping):
            raise self.refusal("RK-DES-004", f"{content!r}", allowed="name: value, one a line")
        self._content: dict[str, Any] = {str(key): value for key, value in content.items()}
        self._asked: list[str] = []

    def refusal(
        self, code: str, given: str, *, key: str = "", allowed: str = "", why: str = "", remedy: str = ""
    ) -> DesignError:
        """An error that names file and key."""
        where = ", ".join(part for part in (self.file, self.place, key) if part)
        return design_error(code, f"{where}: {given}", allowed=allowed, why=why, remedy=remedy)

    @property
    def names(self) -> tuple[str, ...]:
        """Its keys."""
        return tuple(self._content)

    def has(self, key: str) -> bool:
        """Whether the key is there with a value."""
        return self._content.get(key) is not None

    def raw(self, key: str, default: Any = _MISSING) -> Any:
        """The value of a key as it stands in the file.

        Raises:
            DesignError: the key is missing and has no default.
        """
        self._asked.append(key)
        value = self._content.get(key)
        if value is not None:
            return value
        if default is _MISSING:
            raise self.refusal("RK-DES-003", "is missing", key=key, remedy=f"Add {key}: ...")
        return default

    def section(self, key: str, default: Any = _MISSING) -> Section:
        """A section inside this one."""
        return Section(self.raw(key, default), self.file, self._inside(key))

    def sections(self, key: str) -> list[Section]:
        """A list of sections; empty if the key is missing."""
        found = self.raw(key, [])
        if not isinstance(found, Sequence) or isinstance(found, str):
            raise self.refusal("RK-DES-004", f"{found!r}", key=key, allowed="A list, one entry a line")
        return [Section(one, self.file, self._inside(f"{key} {n}")) for n, one in enumerate(found, start=1)]

    def named(self, key: str) -> dict[str, Section]:
        """Sections by name."""
        inner = self.section(key)
        return {name: inner.section(name) for name in inner.names}

    def text(self, key: str, default: Any = _MISSING) -> str:
        """A text."""
        value = self.raw(key, default)
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise self.refusal("RK-DES-004", f"{value!r}", key=key, allowed="A text")
        return str(value).strip()

    def choice(
        self, key: str, options: Sequence[str], default: Any = _MISSING, code: str = "RK-DES-005"
    ) -> str:
        """One of some texts."""
        value = self.text(key, default)
        if value not in options:
            raise self.refusal(
                code, f'"{value}"{nearest(value, options)}', key=key, allowed=", ".join(options)
            )
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """Yes or no."""
        value = self.raw(key, default)
        if not isinstance(value, bool):
            raise self.refusal("RK-DES-004", f"{value!r}", key=key, allowed="yes or no")
        return value

    def number(
        self, key: str, default: Any = _MISSING, *, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """A finite number between two limits."""
        return self._number(key, self.raw(key, default), low, high)

    def whole(self, key: str, default: Any = _MISSING, *, low: int = 0, high: float = math.inf) -> int:
        """A whole number."""
        value = self.number(key, default, low=low, high=high)
        if value != int(value):
            raise self.refusal("RK-DES-004", f"{value:g}", key=key, allowed="A whole number")
        return int(value)

    def percent(self, key: str, default: Any = _MISSING) -> float:
        """A percentage as a share."""
        return self.number(key, default, low=0.0, high=100.0) / 100.0

    def numbers(
        self, key: str, default: Any = _MISSING, *, low: float = -math.inf, high: float = math.inf
    ) -> tuple[float, ...]:
        """A list of numbers, or one."""
        value = self.raw(key, default)
        many = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        return tuple(self._number(key, one, low, high) for one in many)

    def texts(self, key: str, default: Any = _MISSING) -> tuple[str, ...]:
        """A list of texts, or one."""
        value = self.raw(key, default)
        many = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        return tuple(str(one) for one in many)

    def finish(self) -> None:
        """Refuse what nobody asked for.

        Raises:
            DesignError: an unknown key.
        """
        for key in self._content:
            if key not in self._asked:
                raise self.refusal(
                    "RK-DES-002",
                    f"unknown key{nearest(key, self._asked)}",
                    key=key,
                    allowed=", ".join(dict.fromkeys(self._asked)),
                )

    def _number(self, key: str, value: Any, low: float, high: float) -> float:
        known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not known or not low <= value <= high:
            span = f" from {low:g}" if math.isfinite(low) else ""
            span += f" to {high:g}" if math.isfinite(high) else ""
            raise self.refusal("RK-DES-004", f"{value!r}", key=key, allowed=f"A number{span}")
        return float(value)

    def _inside(self, key: str) -> str:
        return f"{self.place}, {key}" if self.place else key
