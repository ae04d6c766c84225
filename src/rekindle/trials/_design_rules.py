"""Rules, dropout and relapse of a design file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rekindle.errors import nearest
from rekindle.trials._design import Arm, MoodScale, Phase, Rule
from rekindle.trials._design_conditions import read_conditions, read_later_score
from rekindle.trials._design_section import Section
from rekindle.trials._dropout import dropout_reasons

_ACTIONS = {
    "leave": "leave",
    "stop": "stop",
    "dose_mg": "dose",
    "skip": "skip",
    "interval_days": "interval",
    "antidepressant": "antidepressant",
}
_WORDY = ("leave", "stop", "skip")


def read_rules(
    top: Section, phases: tuple[Phase, ...], arms: Mapping[str, Arm], known: Mapping[str, MoodScale]
) -> tuple[Rule, ...]:
    """Decisions at visits and sessions."""
    found = []
    for part in top.sections("rules"):
        then = part.section("then")
        actions = [key for key in _ACTIONS if then.has(key)]
        if len(actions) != 1:
            raise then.refusal(
                "RK-DES-003",
                f"{len(actions)} actions{': ' if actions else ''}{', '.join(actions)}",
                allowed=f"One of {', '.join(_ACTIONS)}",
                why="Each rule is one decision, so that the data set can say which was taken",
                remedy="Write one rule for each action",
            )
        key = actions[0]
        value = then.text(key) if key in _WORDY else then.number(key, low=0.0)
        if key == "interval_days" and not value:
            raise then.refusal(
                "RK-DES-010", "0", key=key, allowed="More than 0 days",
                why="Sessions without an interval never end",
            )  # fmt: skip
        then.finish()
        weekly = part.has("weekly_pct")
        found.append(
            Rule(
                part.text("name", f"{key} {value}"),
                tuple(read_conditions(part, "if", known)),
                _ACTIONS[key],
                value,
                part.numbers("days", ()),
                read_names(part, "phases", [one.name for one in phases]),
                read_names(part, "arms", arms),
                part.percent("weekly_pct") if weekly else part.percent("chance_pct", 100.0),
                weekly,
                part.flag("once", key in ("stop", "antidepressant")),
                part.flag("rescue"),
            )
        )
        part.finish()
    return tuple(found)


def read_dropout(
    top: Section, phases: tuple[Phase, ...], arms: Mapping[str, Arm], known: Mapping[str, MoodScale]
) -> tuple[Rule, ...]:
    """Reasons for leaving, as rules that make people leave."""
    found = []
    for number, part in enumerate(top.sections("dropout"), start=1):
        weekly = part.has("weekly_pct")
        reason = part.choice("reason", tuple(dropout_reasons()))
        found.append(
            Rule(
                f"dropout {number}: {reason}",
                tuple(read_conditions(part, "if", known)),
                "leave",
                reason,
                (),
                read_names(part, "phases", [one.name for one in phases]),
                read_names(part, "arms", arms),
                part.percent("weekly_pct") if weekly else part.percent("each_time_pct"),
                weekly,
            )
        )
        part.finish()
    return tuple(found)


def read_names(part: Section, key: str, known: Mapping[str, Any] | list[str]) -> tuple[str, ...]:
    """Names under a key that must be known; none if it is missing."""
    found = part.texts(key, ())
    for name in found:
        if name not in known:
            raise part.refusal(
                "RK-DES-005", f'"{name}"{nearest(name, known)}', key=key, allowed=", ".join(known)
            )
    return found


def read_relapse(top: Section, known: Mapping[str, MoodScale], phases: tuple[Phase, ...]) -> dict[str, Any]:
    """Definition and phase of a relapse."""
    if top.raw("relapse", None) is None:
        return {}
    part = top.section("relapse")
    phase = part.choice("phase", tuple(one.name for one in phases), phases[-1].name)
    found = {"relapse": read_later_score(part, known), "relapse_phase": phase}
    part.finish()
    return found
