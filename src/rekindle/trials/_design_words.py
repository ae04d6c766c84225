"""A design in plain words, for the page of a trial and for anybody who has to agree to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rekindle.trials._design import CONTINUE, CROSS, MISSING, PHASE, Condition, Design, Phase, Rule

_ANALYSES = {
    "observed": "mean change of those who were seen (Welch's t)",
    "locf": "analysis of covariance with the last score carried forward",
    "mmrm": "mixed model for repeated measures (unstructured covariance, Kenward and Roger)",
    "paired": "difference within people (paired t)",
    "crossover": "difference within people, adjusted for the period and for the score at its start",
    "response": "share with a response; missing means none",
    "remission": "share in remission; missing means none",
    "relapse": "hazard ratio of relapse (Cox model)",
}
_FACTS = {
    "women_pct": "{:g} % women",
    "age_mean": "mean age {:g} years",
    "weight_mean": "mean weight {:g} kg",
}
_MANY_DAYS = 8


def design_words(design: Design) -> list[tuple[str, str]]:
    """What is done, one line for each part of the design: (part, words).

    >>> from rekindle.trials import shipped_design
    >>> dict(design_words(shipped_design("saline_crossover")))["people"]
    '18 people enter'
    """
    return [
        ("people", _people(design)),
        *_entry(design),
        *(("arm " + name, _arm(design, name)) for name in design.arms),
        *(("phase " + phase.name, _phase(design, phase)) for phase in design.phases),
        *_sessions(design),
        *((f"rule: {rule.name}", _rule(design, rule)) for rule in design.rules),
        *_leaving(design),
        *_definitions(design),
        *_primary(design),
    ]


def _people(design: Design) -> str:
    words = [f"{design.number} people enter"]
    words += [_FACTS[name].format(value) for name, value in design.facts.items()]
    if (sites := design.sites).number > 1:
        words.append(f"{sites.number} sites whose raters differ by {sites.offset_sd:g} points (SD)")
    return ", ".join(words)


def _entry(design: Design) -> Iterator[tuple[str, str]]:
    for name, scale in design.scales.items():
        recall = f", looking back over {scale.recall_days:g} days" if scale.recall_days else ""
        yield (
            f"scale {name}",
            f"{scale.mean:g} (SD {scale.sd:g}) in everybody who is screened, "
            f"rating error {scale.error:.2g} points{recall}",
        )
    if design.eligibility:
        parts = [f"{one.condition.label} at {' and '.join(one.at)}" for one in design.eligibility]
        yield "eligibility", "; ".join(parts)
    if design.strata:
        yield "stratified by", _groups(design.strata)
    if design.subgroups:
        yield "subgroups", _groups(design.subgroups)


def _arm(design: Design, name: str) -> str:
    arm = design.arms[name]
    words = [arm.treatment if arm.sessions else "no sessions"]
    if arm.antidepressant:
        words.append(f"a new antidepressant at {arm.antidepressant:g} times its usual minimum dose")
    if arm.training_hours_per_day:
        words.append(f"{60.0 * arm.training_hours_per_day:.0f} min of training or psychotherapy a day")
    if arm.control:
        words.append("control")
    return ", ".join(words)


def _phase(design: Design, phase: Phase) -> str:
    words = [f"{phase.days:g} days"]
    if phase.assign == CROSS:
        words.append("everybody changes to the next arm")
    elif phase.assign == CONTINUE:
        words.append("everybody stays in the arm of before")
    elif len(phase.allocation) > 1:
        words.append("allocated " + " : ".join(f"{arm} {share:g}" for arm, share in phase.allocation.items()))
    if phase.enter or phase.only:
        parts = [one.label for one in phase.enter]
        parts += [f"arm {' or '.join(phase.only)}"] if phase.only else []
        rest = "leave" if phase.others == "leave" else "go on in their arm"
        words.append(f"only people with {' and '.join(parts)}; the others {rest}")
    if phase.sessions:
        words.append("sessions on " + _days(phase.sessions))
    if phase.visits:
        windows = sorted({visit.window for visit in phase.visits if visit.window})
        give = f", up to {windows[-1]:g} days earlier or later" if windows else ""
        words.append("visits on " + _days(sorted({visit.day for visit in phase.visits})) + give)
    return "; ".join(words)


def _sessions(design: Design) -> Iterator[tuple[str, str]]:
    if design.acute is not None:
        minutes = ", ".join(f"{minute:g}" for minute in design.acute.minutes)
        yield "readings of a session", f"CADSS, blood pressure, MOAA/S and reports at {minutes} min"
    shares = {"sessions": design.missed_sessions, "visits": design.missed_visits}
    missed = [f"{100 * share:.3g} % of {name}" for name, share in shares.items() if share]
    if missed:
        yield "missed at random", " and ".join(missed)


def _rule(design: Design, rule: Rule) -> str:
    actions = {
        "leave": "the person leaves ({})",
        "stop": "treatment stops ({}), visits go on",
        "dose": "the dose becomes {:g} mg",
        "skip": "this session is left out ({})",
        "interval": "sessions are {:g} days apart",
        "antidepressant": "an antidepressant is started at {:g} times its usual minimum dose",
    }
    return f"{_when(rule)}{actions[rule.action].format(rule.value)}{', as rescue' if rule.rescue else ''}"


def _when(rule: Rule) -> str:
    words = []
    if rule.arms:
        words.append(f"in {', '.join(rule.arms)}")
    if rule.days:
        words.append("on " + _days(rule.days))
    if rule.conditions:
        words.append("if " + " and ".join(one.label for one in rule.conditions))
    if rule.chance < 1.0:
        words.append(f"with a chance of {100 * rule.chance:.3g} %" + (" a week" if rule.weekly else ""))
    return ", ".join(words) + ": " if words else ""


def _leaving(design: Design) -> Iterator[tuple[str, str]]:
    for rule in design.dropout:
        often = f"{100 * rule.chance:.3g} % {'a week' if rule.weekly else 'each time'}"
        met = " and ".join(one.label for one in rule.conditions)
        yield f"dropout: {rule.value}", f"{often} of those with {met}" if met else often


def _definitions(design: Design) -> Iterator[tuple[str, str]]:
    if design.change_from == PHASE:
        yield "changes", "counted from the start of the compared phase"
    if design.after_rescue == MISSING:
        yield "after a rescue", "scores count as missing"
    for name, rule in (("response", design.response), ("remission", design.remission)):
        if rule is not None:
            yield name, rule.label
    if design.relapse is not None:
        yield "relapse", f"{design.relapse.label}, in phase {design.relapse_phase}"


def _primary(design: Design) -> Iterator[tuple[str, str]]:
    one = design.primary
    if one is None:
        return
    day = "" if one.analysis == "relapse" else f" on {_days([one.day])}"
    yield (
        "primary result",
        f"{one.scale}{day} of phase {one.phase}, {' against '.join(one.arms)}: {_ANALYSES[one.analysis]}, "
        f"two-sided alpha {one.alpha:g}",
    )
    for share, alpha in one.looks:
        yield "interim analysis", f"after {100 * share:g} % of the people; the trial stops if p < {alpha:g}"


def _groups(given: Sequence[str | Condition]) -> str:
    return ", ".join(one.label if isinstance(one, Condition) else one for one in given)


def _days(days: Sequence[float]) -> str:
    """Days in words; hours on the first day.

    >>> _days([1 / 6, 1.0, 7.0]), _days(range(0, 28, 2))
    ('4 h, day 1, 7', 'day 0 to 26 (14 times)')
    """
    if len(days) > _MANY_DAYS:
        return f"day {days[0]:g} to {days[-1]:g} ({len(days)} times)"
    hours = [f"{24.0 * day:.3g} h" for day in days if 0.0 < day < 1.0]
    whole = ", ".join(f"{day:g}" for day in days if not 0.0 < day < 1.0)
    return ", ".join([*hours, *([f"day {whole}"] if whole else [])])
