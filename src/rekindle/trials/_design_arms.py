"""Arms of a design file: what one session brings, and what is given beside it."""

from __future__ import annotations

from rekindle.errors import RekindleError
from rekindle.regimen import Regimen, parse_regimen
from rekindle.trials._design import AGAINST, EVERYBODY, Arm
from rekindle.trials._design_section import Section

#: Treatments whose sessions bring no substance of the model.
INACTIVE = ("saline", "midazolam", "placebo spray", "placebo tablets", "tablets")
NO_SESSIONS = "none"


def read_arms(top: Section) -> dict[str, Arm]:
    """All arms by name."""
    found = {}
    for name, part in top.named("arms").items():
        if name == EVERYBODY or AGAINST in name:
            raise part.refusal(
                "RK-DES-004",
                f'an arm called "{name}"',
                allowed=f'Any name but "{EVERYBODY}", without "{AGAINST}"',
                why="Results would not tell it from everybody, or from a difference of two arms",
                remedy="Choose another name",
            )
        text = part.text("treatment")
        session = None if text in (*INACTIVE, NO_SESSIONS) else _session(part, text)
        found[name] = Arm(
            name,
            text,
            session,
            text != NO_SESSIONS,
            part.flag("control"),
            part.number("antidepressant", 0.0, low=0.0, high=10.0),
            part.number("training_hours_per_day", 0.0, low=0.0, high=24.0),
        )
        part.finish()
    return found


def _session(part: Section, text: str) -> Regimen:
    """One session of an active drug."""
    try:
        session = parse_regimen(text)
    except RekindleError as problem:
        raise part.refusal(
            "RK-DES-013",
            f'"{text}" ({problem.given})',
            key="treatment",
            allowed=f"One session in the regimen language, or {', '.join((*INACTIVE, NO_SESSIONS))}",
            remedy=problem.remedy,
        ) from None
    if len(session.sessions) != 1 or session.drug in ("saline", "none"):
        raise part.refusal(
            "RK-DES-013",
            f'"{text}" is not one session of an active drug',
            key="treatment",
            allowed=f"One session, for example esketamine 56 mg nasal, or {', '.join(INACTIVE)}",
            remedy="Write the days of the sessions in the phases",
        )
    return session
