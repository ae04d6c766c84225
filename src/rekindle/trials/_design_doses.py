"""Doses of a design: what is beyond the evidence is refused or labelled, what no device gives is refused."""

from __future__ import annotations

from rekindle.errors import RekindleError
from rekindle.regimen import Regimen
from rekindle.therapy import coverage
from rekindle.trials._design import Arm, Design, Rule
from rekindle.trials._design_errors import design_error
from rekindle.trials._sessions import session_of
from rekindle.trials._study_people import study_distributions


def check_doses(design: Design, *, extrapolate: bool) -> tuple[str, ...]:
    """Labels of doses that the evidence does not cover.

    Raises:
        DesignError: a dose far outside the evidence without ``extrapolate``, or one that no device gives.
    """
    rows = study_distributions(**design.facts).rows
    weight = next(row.mean for row in rows if row.covariate == "weight_kg")
    sessions = [(f"arms, {arm.name}", arm.session) for arm in design.arms.values() if arm.session is not None]
    sessions += [
        (f"rules, {rule.name}", _with_dose(design, rule, arm))
        for rule in design.rules
        if rule.action == "dose"
        for arm in design.arms.values()
        if arm.session is not None and (not rule.arms or arm.name in rule.arms)
    ]
    labels: dict[str, None] = {}
    for place, session in sessions:
        found = coverage(session, weight)
        if found.refusals and not extrapolate:
            raise design_error(
                "RK-DES-013",
                f"{design.source}, {place}: {found.refusals[0]}, at {weight:g} kg",
                allowed="Doses of the evidence with a margin of a factor of two",
                why="Nothing in this package says what such a dose does",
                remedy="Correct the dose, or add extrapolate: yes; results then carry this label",
            )
        labels |= dict.fromkeys(f"Extrapolation: {label}." for label in found.labels)
    return tuple(labels)


def _with_dose(design: Design, rule: Rule, arm: Arm) -> Regimen:
    try:
        return session_of(arm, float(rule.value))
    except RekindleError as problem:
        raise design_error(
            "RK-DES-013", f"{design.source}, rules, {rule.name}: {problem.given}", allowed=problem.allowed,
            why=problem.why, remedy="Choose a dose that the arm's product can give",
        ) from None  # fmt: skip
