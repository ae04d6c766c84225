"""Conditions of a design file: thresholds on scales and readings, and reports."""

from __future__ import annotations

from collections.abc import Mapping

from rekindle.therapy import adverse_events
from rekindle.trials._design import READINGS, TESTS, Condition, MoodScale
from rekindle.trials._design_section import Section
from rekindle.trials._endpoints import endpoint
from rekindle.trials._ratings import rating_scales


def read_conditions(
    part: Section, key: str, known: Mapping[str, MoodScale], *, scores: bool = False
) -> list[Condition]:
    """Conditions under a key: one, or a list of them; ``scores`` allows nothing else."""
    given = part.raw(key, [])
    found = []
    for one in given if isinstance(given, list) else [given]:
        inner = Section(one, part.file, f"{part.place}, {key}")
        found.append((read_later_score if scores else read_condition)(inner, known))
        inner.finish()
    return found


def read_condition(part: Section, known: Mapping[str, MoodScale]) -> Condition:
    """One condition: a test with its scale, reading or report."""
    if part.has("report"):
        events = (*adverse_events(), "any")
        return Condition("report", "at_least", 1.0, part.choice("report", events))
    tests = [test for test in TESTS if part.has(test)]
    if len(tests) != 1:
        raise part.refusal(
            "RK-DES-003",
            f"{len(tests)} thresholds{': ' if tests else ''}{', '.join(tests)}",
            allowed=f"One of {', '.join(TESTS)}, or report",
            why="A condition is one test; a list of conditions holds if all of them do",
            remedy="Write a list, one condition an entry: [{scale: MADRS, at_least: 20}, ...]",
        )
    limit = part.number(tests[0])
    times = part.whole("consecutive", 1, low=1)
    if part.has("reading"):
        return Condition(part.choice("reading", tuple(READINGS)), tests[0], limit, consecutive=times)
    if not part.has("scale"):
        raise part.refusal(
            "RK-DES-009",
            f"the threshold {tests[0]} {limit:g} has no scale",
            allowed=f"scale: {' or '.join(known)}; reading: {' or '.join(READINGS)}",
            why="The same number means another severity on another scale",
        )
    name = part.choice("scale", tuple(known), code="RK-DES-011")
    _check_limit(part, name, tests[0], limit)
    return Condition(name, tests[0], limit, consecutive=times)


def _check_limit(part: Section, scale: str, test: str, limit: float) -> None:
    """Refuse a limit that no score, or no fall of a score, can have."""
    rated = rating_scales()[scale]
    low, high = (-100.0, 100.0) if test.endswith("pct") else (rated.low, rated.high)
    if not low <= limit <= high:
        raise part.refusal(
            "RK-DES-004",
            f"{limit:g}",
            key=test,
            allowed=f"From {low:g} to {high:g}{' %' if test.endswith('pct') else f', the range of {scale}'}",
            why="No score could ever meet it, or every score would",
        )


def read_definition(top: Section, key: str, known: Mapping[str, MoodScale]) -> Condition | None:
    """A definition under a key, None if the key is missing."""
    if top.raw(key, None) is None:
        return None
    part = top.section(key)
    found = read_later_score(part, known)
    part.finish()
    return found


def read_later_score(part: Section, known: Mapping[str, MoodScale]) -> Condition:
    """A condition on a score, which may be compared with the baseline."""
    found = read_condition(part, known)
    if found.what not in known:
        raise part.refusal(
            "RK-DES-009",
            f"{found.label} is not a score",
            allowed=f"scale: {' or '.join(known)}",
            why="Who may enter, who responds and who relapses is decided by scores",
        )
    return found


def read_score(part: Section, known: Mapping[str, MoodScale]) -> Condition:
    """A condition on a score before treatment."""
    found = read_later_score(part, known)
    if found.test.endswith("pct") or found.consecutive > 1:
        raise part.refusal(
            "RK-DES-004",
            found.label,
            allowed="One score against a limit: at_least, at_most, above or below",
            why="Before treatment there is no other score to compare with",
        )
    return found


def usual_definition(name: str, scale: str) -> Condition:
    """The usual response or remission on a scale."""
    one = endpoint(name, scale)
    return Condition(scale, {"fall_pct": "fall_at_least_pct"}.get(one.rule, one.rule), one.threshold)
