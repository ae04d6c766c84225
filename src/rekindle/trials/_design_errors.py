"""Refusals of a design: file and key, what is allowed, why it matters, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from rekindle.errors import DesignError


@dataclass(frozen=True, slots=True)
class _Usual:
    """Parts of the message that hold for every refusal with one code, unless the place says more."""

    allowed: str
    why: str
    remedy: str


_USUAL = {
    "RK-DES-001": _Usual(
        "A text file in YAML, each key once",
        "A design is read as a whole or not at all",
        "Start from `rekindle trial show esketamine_spray`",
    ),
    "RK-DES-002": _Usual(
        "Known keys only",
        "A key that nobody reads would be passed over in silence",
        "Correct its name, or take it out",
    ),
    "RK-DES-003": _Usual(
        "A value is needed here", "A trial cannot be run without it, and nothing is made up", "Add it"
    ),
    "RK-DES-004": _Usual(
        "A value that can be read", "The trial would be another one than was meant", "Correct the value"
    ),
    "RK-DES-005": _Usual("A name of this design", "Nothing is known under this name", "Correct the name"),
    "RK-DES-006": _Usual(
        "Whole numbers as a ratio (2 and 1), or shares in hundredths that make 1",
        "Everybody who is randomised goes to one arm",
        "Write for example {ketamine: 2, midazolam: 1}",
    ),
    "RK-DES-007": _Usual(
        "Visits, sessions and arms that somebody can reach",
        "Nobody could reach it, so that it would be empty in every result",
        "Move it, or make the phase longer",
    ),
    "RK-DES-008": _Usual(
        "An active arm and a control arm of one comparison",
        "A difference without a control of its own means nothing",
        "Name another arm, or mark the control with control: true",
    ),
    "RK-DES-009": _Usual(
        "A threshold with its scale",
        "The same number means another severity on another scale",
        "Add the scale, for example {scale: MADRS, at_most: 10}",
    ),
    "RK-DES-010": _Usual("A schedule with an end", "A trial has to end", "State how long it lasts"),
    "RK-DES-011": _Usual(
        "Scales with a model of how they are rated",
        "Nothing is known about how it is rated, or the design does not use it",
        "Use one of these, or add it under scales",
    ),
    "RK-DES-012": _Usual("", "The trial would never be full", ""),
    "RK-DES-013": _Usual(
        "One session in the regimen language",
        "The model has to know what goes in",
        "Write it as in `rekindle simulate`, for one session",
    ),
}


def design_error(code: str, given: str, *, allowed: str = "", why: str = "", remedy: str = "") -> DesignError:
    """A refusal with all four parts; those that are not given are the usual ones of the code."""
    usual = _USUAL[code]
    return DesignError(
        code,
        given=given,
        allowed=allowed or usual.allowed,
        why=why or usual.why,
        remedy=remedy or usual.remedy,
    )
