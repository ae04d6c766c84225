"""Every error that Rekindle raises on purpose.

The tree::

    RekindleError
    ├── UnitError          a quantity without a unit, or of the wrong dimension
    ├── RegimenError       a regimen text, product or dose that cannot be given
    ├── EventError         an event table with a missing, unknown or contradictory entry
    ├── ModelError         a model text that cannot be read (carries line and column)
    ├── ParameterError     a parameter or covariate that is unknown or outside its range
    ├── SolverError        an integration that failed (names person, time and state)
    ├── PersonError        a person or cohort file with missing or contradictory facts
    ├── DesignError        a trial design that cannot be run as written (names file and key)
    ├── EvidenceError      an evidence table that cannot be read
    └── OutputError        a result that cannot be written or shown

Every message says what was given, what is allowed, why it matters and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


class RekindleError(Exception):
    """Base of all errors, with a stable code and the four parts of the message.

    Args:
        code: stable identifier such as ``"RK-REG-012"``.
        given: what was given, with person and row where there are any.
        allowed: what would have been accepted.
        why: why it matters; may be empty.
        remedy: what to do next.

    >>> print(RegimenError("RK-REG-001", given='dose "84" has no unit', remedy='Write "84 mg".'))
    RK-REG-001: dose "84" has no unit. Write "84 mg".
    """

    def __init__(self, code: str, *, given: str, allowed: str = "", why: str = "", remedy: str = "") -> None:
        self.code, self.given, self.allowed, self.why, self.remedy = code, given, allowed, why, remedy
        parts = [part if part[-1] in ".?!" else part + "." for part in (given, allowed, why, remedy) if part]
        super().__init__(f"{code}: " + " ".join(parts))


class UnitError(RekindleError):
    """A quantity without a unit, with an unknown unit, or of the wrong dimension."""


class RegimenError(RekindleError):
    """A regimen text, product or dose that cannot be given as written."""


class EventError(RekindleError):
    """An event table with a missing, unknown or contradictory entry."""


class ModelError(RekindleError):
    """A model text that cannot be read; ``line`` and ``column`` count from 1 (0 = not from a text)."""

    def __init__(
        self,
        code: str,
        *,
        given: str,
        allowed: str = "",
        why: str = "",
        remedy: str = "",
        line: int = 0,
        column: int = 0,
        file: str = "",
    ) -> None:
        self.line, self.column, self.file = line, column, file
        where = f"{file or 'model text'}, line {line}, column {column}: " if line else ""
        super().__init__(code, given=where + given, allowed=allowed, why=why, remedy=remedy)


class ParameterError(RekindleError):
    """A parameter or covariate that is unknown, missing or outside its validated range."""


class SolverError(RekindleError):
    """An integration that failed; the message names person, time, state and remedy.

    Attributes:
        finished: the ``Trajectory`` of the people who were finished, or None if nobody was.
    """

    finished: Any = None


class PersonError(RekindleError):
    """A person or cohort file with missing or contradictory facts."""


class DesignError(RekindleError):
    """A trial design that cannot be run as written; the message names file and key."""


class EvidenceError(RekindleError):
    """An evidence table that cannot be read."""


class OutputError(RekindleError):
    """A result that cannot be written or shown."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``'; did you mean "x"?'`` for the closest known name, or an empty string.

    >>> nearest("wieght", ["weight", "age"])
    '; did you mean "weight"?'
    """
    match = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{match[0]}"?' if match else ""


def reason(problem: Exception) -> str:
    """Why a file could not be read or written, without what the caller says anyway.

    >>> reason(FileNotFoundError(2, "No such file or directory", "people.csv"))
    'No such file or directory'
    """
    if isinstance(problem, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return (problem.strerror if isinstance(problem, OSError) else None) or str(problem)
