"""From the percentage of an open-label sample to that of a blinded trial, one reason at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rekindle.therapy import ParameterSet
from rekindle.trials import Design, TrialData, World, build_design, endpoint, run_replicates

Array = NDArray[np.float64]

_ARM, _SCALE = "ketamine", "MADRS"


@dataclass(frozen=True, slots=True)
class Step:
    """One reason why a blinded trial shows less, as a switch between the open sample and the trial."""

    switch: str
    words: str


#: The six reasons, in the order of the walk.
STEPS = (
    Step("denominator", "everybody counted, at a fixed visit"),
    Step("antidepressant", "no new antidepressant"),
    Step("setting", "blinded: belief, contact and course of a trial"),
    Step("time", "one dose and one day, not six and two weeks"),
    Step("unblinding", "nobody notices the drug"),
    Step("control", "minus the control arm (difference between arms)"),
)
#: Switches that are part of the two designs; the two others are not in any trial's active arm.
OF_DESIGNS = tuple(step.switch for step in STEPS[:4])


def states() -> list[frozenset[str]]:
    """Switches that are turned, at each of the seven places of the walk."""
    names = [step.switch for step in STEPS]
    return [frozenset(names[:count]) for count in range(len(names) + 1)]


def percentage(
    turned: frozenset[str],
    *,
    people: int,
    seed: int,
    mechanism: str = "disinhibition",
    parameters: ParameterSet | None = None,
) -> float:
    """Response (%) of the design with these switches turned, counted as they say.

    Args:
        turned: switches that stand as in the blinded trial.
        people: people in the ketamine arm.
        seed: seed of all random numbers.
        mechanism: hypothesis that carries the mood effect.
        parameters: replacements; None takes those of the model.
    """
    design = walk_design(turned, people)
    values: dict[str, float] = {}
    if parameters is not None:
        values = {**parameters.pharmacokinetics, **parameters.values}
        values |= parameters.control.get(design.control_class or "", {})
    world = World(mechanism, unblinding="unblinding" not in turned, parameters=values)
    data = run_replicates(design, [0], seed=seed, world=world)[0]
    fixed = "denominator" in turned
    found = responders(design, data, _ARM, fixed=fixed)
    if "control" in turned:
        control = next(name for name, arm in design.arms.items() if arm.control)
        found -= responders(design, data, control, fixed=fixed)
    return found


def responders(design: Design, data: TrialData, arm: str, *, fixed: bool) -> float:
    """Share with a response (%): of everybody at the last visit, or at any visit of those who completed."""
    rule, phase = endpoint("response", _SCALE), design.phases[0].name
    scores: dict[int, dict[float, float]] = {}
    for note in data.notes:
        if note.measure == _SCALE:
            scores.setdefault(note.number, {})[note.day] = note.value
    last = design.phases[0].visits[-1].day
    flags = []
    for one in data.people:
        if one.arms.get(phase) != arm or (not fixed and one.status != "completed"):
            continue
        own = scores.get(one.number, {})
        seen = [own[last]] if fixed and last in own else [] if fixed else list(own.values())
        flags.append(bool(np.any(rule.reached(seen, one.baseline[_SCALE]))) if seen else False)
    return 100.0 * float(np.mean(flags)) if flags else float("nan")


def walk_design(turned: frozenset[str], people: int) -> Design:
    """The design with some parts taken from the blinded trial instead of the open sample."""
    parts = {switch: _content(switch in turned) for switch in OF_DESIGNS}
    setting, time = parts["setting"], parts["time"]
    drugs = parts["antidepressant"]["arms"][_ARM].get("antidepressant", 0)
    phase = {
        **time["phases"][0],
        "allocation": setting["phases"][0]["allocation"],
        "believed": setting["phases"][0]["believed"],
    }
    content: dict[str, Any] = {
        **setting,
        "arms": {name: {**arm, "antidepressant": drugs} for name, arm in setting["arms"].items()},
        "phases": [phase],
        "dropout": parts["denominator"].get("dropout", []),
    }
    design = build_design(content, "walk")
    return replace(design, number=people * len(design.arms))


@cache
def _content(blinded: bool) -> Mapping[str, Any]:
    import yaml

    name = "blinded_trial" if blinded else "open_sample"
    text = files("rekindle.questions").joinpath(f"data/{name}.yaml").read_text(encoding="utf-8")
    content: Mapping[str, Any] = yaml.safe_load(text)
    return content
