"""Published studies as designs of virtual trials: which there are, and what each cannot show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from rekindle.errors import DesignError, RekindleError, nearest
from rekindle.evidence._data import development_outcomes, outcomes_not_modelled
from rekindle.evidence._row import Row
from rekindle.evidence._table import read_arms
from rekindle.evidence.studies._assumptions import filled, study_assumptions
from rekindle.evidence.studies._design import design_content
from rekindle.trials import Design, parse_design


@dataclass(frozen=True, slots=True)
class Study:
    """A study of the table.

    Attributes:
        study_id: its identifier.
        words: design and condition.
        reason: why it cannot be run; empty if it can.
        missing: arms that are left out and outcomes that a run does not give, each with the reason.
    """

    study_id: str
    words: str
    reason: str
    missing: tuple[str, ...] = ()


@cache
def studies() -> tuple[Study, ...]:
    """All development studies, and which of them can be run as a virtual trial.

    >>> {one.study_id: one.reason for one in studies()}["DALY2018_P1"]
    ''
    """
    found = []
    for name, rows in study_rows().items():
        words = ", ".join(part for part in (rows[0].text("design"), rows[0].text("condition")) if part)
        try:
            design = study_design(name)
        except RekindleError as problem:
            reason = "; ".join(part for part in (problem.given, problem.why) if part)
            found.append(Study(name, words, reason))
        else:
            left_out = [note for note in design.notes if "is left out" in note]
            found.append(Study(name, words, "", (*left_out, *_not_reproduced(rows))))
    return tuple(found)


def study_design(study_id: str, given: Mapping[str, str] | None = None) -> Design:
    """The design of a published study, as run as far as its rows say.

    Args:
        study_id: its identifier.
        given: other values for what is assumed, column -> value; see ``study_assumptions.csv``.

    Raises:
        DesignError: an unknown study, or a value for something that is not assumed.
        EvidenceError, RegimenError: why it cannot be run.

    >>> sorted(study_design("DALY2018_P1").arms)
    ['esketamine_28', 'esketamine_56', 'esketamine_84', 'placebo']
    """
    return parse_design(study_text(study_id, given), f"{study_id}.yaml")


def study_text(study_id: str, given: Mapping[str, str] | None = None) -> str:
    """The same as YAML text, with everything that had to be assumed under ``notes``.

    Raises:
        DesignError, EvidenceError, RegimenError: see ``study_design``.
    """
    return _text(study_id, tuple(sorted((given or {}).items())))


@cache
def study_rows() -> Mapping[str, list[Row]]:
    """Rows of the table by study."""
    found: dict[str, list[Row]] = {}
    for row in read_arms(development_outcomes()).rows:
        found.setdefault(row.text("study_id"), []).append(row)
    return found


@cache
def _text(study_id: str, given: tuple[tuple[str, str], ...]) -> str:
    import yaml

    known = study_rows()
    if study_id not in known:
        raise DesignError(
            "RK-DES-014",
            given=f'study "{study_id}"{nearest(study_id, known)}',
            allowed=f"Studies: {', '.join(known)}",
            why="A study is run as its rows in the evidence table describe it",
            remedy="See `rekindle trial list`",
        )
    assumptions = study_assumptions(study_id, dict(given))
    rows = filled(known[study_id], assumptions)
    content = design_content(study_id, rows, [one.words for one in assumptions])

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        """Writes what stands twice twice, since people read it."""

        def ignore_aliases(self, data: object) -> bool:
            return True

    return str(yaml.dump(content, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100))


def _not_reproduced(rows: list[Row]) -> list[str]:
    """Outcomes that a run does not give, those with the same reason together."""
    unknown = outcomes_not_modelled()
    reasons: dict[str, list[str]] = {}
    for outcome in dict.fromkeys(row.word("outcome") for row in rows):
        if outcome in unknown:
            reasons.setdefault(unknown[outcome], []).append(outcome)
    return [f"no {' and '.join(names)}: {reason}" for reason, names in reasons.items()]
