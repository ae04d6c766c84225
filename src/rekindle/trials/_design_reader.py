"""Read a trial design (YAML) into its dataclasses; what cannot be run is refused with file and key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from rekindle.errors import RekindleError, nearest, reason
from rekindle.people import person_ranges
from rekindle.therapy import control_response
from rekindle.trials._design import (
    CONTINUE,
    ENTRY,
    MISSING,
    OBSERVED,
    PHASE,
    Acute,
    Arm,
    Condition,
    Design,
    Eligibility,
    MoodScale,
    Phase,
    Primary,
    Sites,
)
from rekindle.trials._design_arms import read_arms
from rekindle.trials._design_check import cautions, check_design
from rekindle.trials._design_conditions import read_definition, read_score, usual_definition
from rekindle.trials._design_doses import check_doses
from rekindle.trials._design_errors import design_error
from rekindle.trials._design_phases import read_phase
from rekindle.trials._design_rules import read_dropout, read_names, read_relapse, read_rules
from rekindle.trials._design_section import Section
from rekindle.trials._ratings import rating_scales
from rekindle.trials._scales import scales
from rekindle.trials._tables import read_table

#: People of one trial; a mistyped number should not run for a year.
MOST_PEOPLE = 100_000
_DAY_MIN = 1440.0
_ANALYSES = ("observed", "locf", "mmrm", "response", "remission", "relapse", "paired", "crossover")


def read_design(path: str | PathLike[str]) -> Design:
    """Read a design file.

    Args:
        path: a YAML file; see the documentation page on trials for its keys.

    Raises:
        DesignError: a file that cannot be read or a design that cannot be run, naming file and key.
    """
    name = Path(path).name
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise design_error(
            "RK-DES-001", f"{name} cannot be read ({reason(problem)})", remedy="Give the path of a YAML file"
        ) from None
    return parse_design(text, name)


def parse_design(text: str, source: str = "design") -> Design:
    """Read a design from YAML text; ``source`` names it in messages.

    Raises:
        DesignError: see ``read_design``.
    """
    return build_design(_yaml(text, source), source)


def build_design(content: Any, source: str = "design") -> Design:
    """Make a design from what a YAML file holds.

    Raises:
        DesignError: see ``read_design``.
    """
    top = Section(content, source)
    known = _scales(top)
    arms = read_arms(top)
    phases = tuple(read_phase(one, arms, known) for one in top.sections("phases"))
    if not phases:
        raise top.refusal("RK-DES-003", "is missing", key="phases", remedy="Add one phase or more")
    control_class = _control_class(top)
    people, scale = top.section("people"), next(iter(known))
    sites = top.section("sites", {})
    design = Design(
        title=top.text("title", source),
        source=source,
        number=people.whole("number", low=2, high=MOST_PEOPLE),
        control_class=control_class,
        arms=arms,
        phases=phases,
        scales=known,
        facts=_facts(people),
        eligibility=tuple(_eligibility(one, known) for one in top.sections("eligibility")),
        sites=Sites(
            sites.whole("number", 1, low=1, high=MOST_PEOPLE), sites.number("offset_sd", 0.0, low=0.0)
        ),
        strata=_groupings(top, "stratify", known),
        subgroups=_groupings(top, "subgroups", known),
        rules=read_rules(top, phases, arms, known),
        dropout=read_dropout(top, phases, arms, known),
        acute=_acute(top),
        missed_sessions=top.percent("missed_sessions_pct", 0.0),
        missed_visits=top.percent("missed_visits_pct", 0.0),
        response=read_definition(top, "response", known) or usual_definition("response", scale),
        remission=read_definition(top, "remission", known) or usual_definition("remission", scale),
        **read_relapse(top, known, phases),
        session_rise=top.flag("session_rise", (control_class or "").startswith("placebo_spray")),
        change_from=top.choice("change_from", (ENTRY, PHASE), ENTRY),
        after_rescue=top.choice("after_rescue", (OBSERVED, MISSING), OBSERVED),
        notes=top.texts("notes", ()),
        primary=_primary(top, phases, arms, known),
    )
    extrapolate = top.flag("extrapolate")
    people.finish()
    sites.finish()
    top.finish()
    check_design(design)
    added = (*cautions(design), *check_doses(design, extrapolate=extrapolate))
    return replace(design, notes=(*design.notes, *added))


def _facts(people: Section) -> dict[str, float]:
    known = person_ranges()
    spans = {
        "women_pct": (0.0, 100.0),
        "age_mean": known["age_years"].possible,
        "weight_mean": known["weight_kg"].possible,
    }
    return {
        name: people.number(name, low=low, high=high)
        for name, (low, high) in spans.items()
        if people.raw(name, None) is not None
    }


def _yaml(text: str, name: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Refuses a key that is stated twice, which YAML would let pass."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
            for key in keys:
                if keys.count(key) > 1:
                    raise design_error("RK-DES-001", f"{name}: {key} is stated twice")
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader=Loader)
    except yaml.YAMLError as problem:
        raise design_error("RK-DES-001", f"{name} is not YAML ({problem})") from None


def _control_class(top: Section) -> str | None:
    name = top.raw("control_class", None)
    if name is None:
        return None
    try:
        return control_response(str(name)).name
    except RekindleError as problem:
        raise top.refusal(
            "RK-DES-005", problem.given, key="control_class", allowed=problem.allowed, why=problem.why
        ) from None


def _scales(top: Section) -> dict[str, MoodScale]:
    rated = {name: one for name, one in rating_scales().items() if one.kind == "additive"}
    found = {}
    for name, part in top.named("scales").items():
        if name not in rated:
            why = "It has items and ranges here, but no model of how it is rated" if name in scales() else ""
            raise top.refusal(
                "RK-DES-011",
                f'scale "{name}"{nearest(name, rated)}',
                key="scales",
                allowed=", ".join(rated),
                why=why,
            )
        found[name] = MoodScale(
            name,
            part.number("mean", low=rated[name].low, high=rated[name].high),
            part.number("sd", low=0.0),
            part.number("rater_sd", rated[name].sd, low=0.0),
            part.number("recall_days", 0.0, low=0.0),
        )
        if found[name].sd <= found[name].error:
            raise part.refusal(
                "RK-DES-004",
                f"{found[name].sd:g}",
                key="sd",
                allowed=f"More than the rating error, {found[name].error:g} points",
                why="Observed scores hold that error",
            )
        part.finish()
    if not found:
        raise top.refusal("RK-DES-003", "is empty", key="scales", remedy="Name one scale or more")
    return found


def _eligibility(part: Section, known: Mapping[str, MoodScale]) -> Eligibility:
    at = part.choice("at", ("screening", "baseline", "both"), "baseline")
    found = Eligibility(read_score(part, known), ("screening", "baseline") if at == "both" else (at,))
    part.finish()
    return found


def _groupings(top: Section, key: str, known: Mapping[str, MoodScale]) -> tuple[str | Condition, ...]:
    found: list[str | Condition] = []
    given = top.raw(key, [])
    for one in given if isinstance(given, list) else [given]:
        if isinstance(one, Mapping):
            part = Section(one, top.file, key)
            found.append(read_score(part, known))
            part.finish()
        elif one in ("site", "sex"):
            found.append(str(one))
        else:
            raise top.refusal(
                "RK-DES-005", f'"{one}"', key=key, allowed="site, sex, or a threshold on a scale"
            )
    return tuple(found)


def _acute(top: Section) -> Acute | None:
    if top.raw("acute", None) is None:
        return None
    part = top.section("acute")
    usual = {row["name"]: float(row["value"]) for row in read_table("trial_observation.csv")}
    minutes = tuple(sorted(part.numbers("minutes", low=1.0, high=_DAY_MIN)))
    if not minutes:
        raise part.refusal("RK-DES-003", "is empty", key="minutes", remedy="Write minutes: [40, 80, 120]")
    found = Acute(
        minutes,
        part.number("systolic_error", usual["systolic_error"], low=0.0),
        part.number("diastolic_error", usual["diastolic_error"], low=0.0),
    )
    part.finish()
    return found


def _look(part: Section) -> tuple[float, float]:
    found = part.number("share", low=0.01, high=0.99), part.number("alpha", low=0.0, high=1.0)
    part.finish()
    return found


def _looks(part: Section) -> tuple[tuple[float, float], ...]:
    """Interim analyses in order of time."""
    found = tuple(_look(one) for one in part.sections("interim"))
    shares = [share for share, _ in found]
    if shares != sorted(set(shares)):
        raise part.refusal(
            "RK-DES-004",
            f"shares {', '.join(f'{share:g}' for share in shares)}",
            key="interim",
            allowed="Rising shares, each once",
            why="The trial stops at the first analysis that allows it",
            remedy="Write the earliest analysis first",
        )
    return found


def _primary(
    top: Section, phases: tuple[Phase, ...], arms: Mapping[str, Arm], known: Mapping[str, MoodScale]
) -> Primary | None:
    if top.raw("primary", None) is None:
        return None
    part = top.section("primary")
    names = read_names(part, "arms", arms)
    if len(names) != 2:
        raise part.refusal(
            "RK-DES-003", f"{len(names)} arms", key="arms", allowed="Two: active, then control"
        )
    compared = [one.name for one in phases if one.assign != CONTINUE and len(one.allocation) > 1]
    usual = compared[-1] if compared else phases[-1].name
    phase = part.choice("phase", tuple(one.name for one in phases), usual)
    length = next(one.days for one in phases if one.name == phase)
    found = Primary(
        part.choice("analysis", _ANALYSES),
        part.choice("scale", tuple(known), next(iter(known)), code="RK-DES-011"),
        phase,
        part.number("day", length),
        (names[0], names[1]),
        part.number("alpha", 0.05, low=0.0, high=1.0),
        _looks(part),
    )
    part.finish()
    return found
