"""Facts and predictions as a table, and the known tensions read from it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rekindle.evidence._csv_text import csv_text
from rekindle.evidence._data import assumption
from rekindle.evidence.facts._fact import ABSENT, INSIDE, VERDICTS, Fact

_CELLS = ("fact_id", "statement", "quantity", "expected", "low", "high", "unit", "source", "mark", "role")
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class FactFinding:
    """What the model says of a fact: ``predicted`` is None where nothing is computed, ``note`` says why.

    ``low`` and ``high`` bound 90 % of what uncertain parameters leave open, None without draws; they meet
    where no parameter that is uncertain moves the number.
    """

    fact: Fact
    predicted: float | None
    verdict: str
    note: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Tension:
    """A known miss of the nominal parameters, and what the present ones say of it."""

    name: str
    statement: str
    finding: FactFinding

    @property
    def met(self) -> bool | None:
        """Whether the number lies in its interval now; None if it is not computed."""
        return None if self.finding.verdict == ABSENT else self.finding.verdict == INSIDE

    @property
    def verdict(self) -> str:
        """Met, or a miss and to which side."""
        low, predicted = self.finding.fact.low, self.finding.predicted
        if self.met or predicted is None or low is None:
            return "met" if self.met else ABSENT
        return f"a miss, {'lower' if predicted < low else 'higher'} than accepted"

    @property
    def words(self) -> str:
        """The statement, the numbers and the verdict in two sentences."""
        fact, predicted = self.finding.fact, self.finding.predicted
        if predicted is None:
            return f"{self.statement}. Not computed: {self.finding.note}."
        numbers = f"predicted {predicted:.3g} {fact.unit}, {fact.low:g} to {fact.high:g} accepted"
        return f"{self.statement}. Now {numbers}: {self.verdict}."


@dataclass(frozen=True)
class FactTable:
    """All facts in the order of their table, with a finding for each mechanism.

    Attributes:
        facts: the facts.
        findings: mechanism -> findings in the order of the facts; the first is the main one, and that is
            ``averaged`` where several mechanisms were asked.
        tensions: mechanism -> the known tensions.
        calibrated: mechanism -> whether it has a shipped calibration, or nominal parameters.
        n_people: people simulated for each arm.
        seed: seed of the random numbers.
        weights: mechanism -> its weight in the average; empty without one.
        draws: parameter sets drawn for each interval.
    """

    facts: tuple[Fact, ...]
    findings: Mapping[str, tuple[FactFinding, ...]]
    tensions: Mapping[str, tuple[Tension, ...]]
    calibrated: Mapping[str, bool]
    n_people: int
    seed: int
    weights: Mapping[str, float] = field(default_factory=dict)
    draws: int = 0

    @property
    def main(self) -> str:
        """The mechanism whose numbers stand first."""
        return next(iter(self.findings))

    def label(self, mechanism: str) -> str:
        """The mechanism with its weight in the average, or what its parameters are."""
        if mechanism in self.weights:
            return f"{mechanism} (weight {self.weights[mechanism]:.2f})"
        return mechanism if self.calibrated[mechanism] else f"{mechanism} (nominal parameters)"

    @property
    def interval_words(self) -> str:
        """What the intervals hold, or why there are none."""
        if not self.draws:
            return "none, no parameters were drawn"
        people = round(assumption("people_for_parameters"))
        return (
            f"90 % of what the fitted parameters and the published pharmacokinetics leave open, from "
            f"{self.draws} parameter sets for each mechanism and the same {people} people or fewer in each"
        )

    def counts(self, role: str, mechanism: str | None = None) -> dict[str, int]:
        """Number of facts of a role by verdict, every verdict included."""
        found = Counter(one.verdict for one in self.findings[mechanism or self.main] if one.fact.role == role)
        return {verdict: found[verdict] for verdict in VERDICTS}

    def others(self, place: int) -> dict[str, FactFinding]:
        """Findings of the other mechanisms that differ from the main one, for one fact."""
        first = self.findings[self.main][place]
        return {
            name: found[place]
            for name, found in self.findings.items()
            if name != self.main and _differs(found[place], first)
        }

    def records(self) -> list[dict[str, str]]:
        """One record for each fact, in order, numbers as text."""
        return [self._record(place) for place in range(len(self.facts))]

    def _record(self, place: int) -> dict[str, str]:
        finding = self.findings[self.main][place]
        record = {name: _text(getattr(finding.fact, name)) for name in _CELLS}
        record |= _numbers(finding)
        gap = None if finding.predicted is None else finding.predicted - finding.fact.expected
        record |= {"difference": _text(gap), "verdict": finding.verdict, "note": finding.note}
        for name, found in self.findings.items():
            if name != self.main:
                record |= _numbers(found[place], f"_{name}")
                record[f"verdict_{name}"] = found[place].verdict
                record[f"weight_{name}"] = _text(self.weights.get(name))
        return record

    def summary(self) -> str:
        """Counts by role, and what becomes of each known tension, as lines."""
        lines = []
        for name in self.findings:
            lines.append(self.label(name))
            for role in dict.fromkeys(fact.role for fact in self.facts):
                told = ", ".join(
                    f"{count} {word}" for word, count in self.counts(role, name).items() if count
                )
                lines.append(f"  {role}: {told}")
            lines += [f"  {tension.words}" for tension in self.tensions[name]]
        lines.append(f"{self.n_people} people for each arm, fewer for long courses; seed {self.seed}.")
        lines.append(f"Intervals: {self.interval_words}.")
        return "\n".join(lines)

    def to_csv(self, path: str | Path | None = None) -> str:
        """CSV text; with a path it is also written there (UTF-8).

        Raises:
            OutputError: the file cannot be written.
        """
        records = self.records()
        columns = list(records[0])
        cells = ([record[column] for column in columns] for record in records)
        return csv_text(columns, cells, path, "the facts")


def _numbers(finding: FactFinding, ending: str = "") -> dict[str, str]:
    cells = {"predicted": finding.predicted, "predicted_low": finding.low, "predicted_high": finding.high}
    return {f"{name}{ending}": _text(value) for name, value in cells.items()}


def _differs(one: FactFinding, other: FactFinding) -> bool:
    if one.predicted is None or other.predicted is None:
        return one.verdict != other.verdict
    same = one.predicted == other.predicted or math.isclose(one.predicted, other.predicted, rel_tol=1e-4)
    return not same


def _text(value: str | float | None) -> str:
    if value is None:
        return ""
    # Adding 0 turns a negative zero into zero.
    return value if isinstance(value, str) else f"{value + 0.0:.{_DIGITS}g}"
