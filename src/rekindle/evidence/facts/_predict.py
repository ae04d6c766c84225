"""Every fact beside what the model says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rekindle.errors import EvidenceError, RekindleError, nearest
from rekindle.evidence._data import facts_not_computed, known_tensions, mechanism_facts
from rekindle.evidence.facts._acute import ACUTE
from rekindle.evidence.facts._average import Predicted, averaged
from rekindle.evidence.facts._bench import Bench, Quantity
from rekindle.evidence.facts._doubt import drawn_benches, spread_of
from rekindle.evidence.facts._fact import Fact, Found, not_computed, read_fact
from rekindle.evidence.facts._mood import MOOD
from rekindle.evidence.facts._plasticity import PLASTICITY
from rekindle.evidence.facts._pressure import PRESSURE
from rekindle.evidence.facts._receptors import RECEPTORS
from rekindle.evidence.facts._table import FactFinding, FactTable, Tension
from rekindle.therapy import calibrated_mechanisms, mechanism_weights, therapy_model

Progress = Callable[[int, int], None]

#: Name of a quantity -> how it is computed.
QUANTITIES: Mapping[str, Quantity] = {**MOOD, **ACUTE, **PRESSURE, **RECEPTORS, **PLASTICITY}
#: All calibrated mechanisms by their weights.
AVERAGED = "averaged"


def predict_facts(
    facts: Mapping[str, Mapping[str, str]] | None = None,
    *,
    n_people: int = 400,
    mechanisms: Sequence[str] = (),
    draws: int = 16,
    seed: int = 1,
    workers: int = 1,
    progress: Progress | None = None,
) -> FactTable:
    """Compute every fact that the model can say something about; the others come back with the reason.

    Intervals hold what the fitted parameters and the published pharmacokinetics leave open: facts are read
    again at drawn parameter sets, on fewer people who are the same in all sets. The choice of people, raters
    and differences between studies are not in them, because a fact is about people in general.

    Args:
        facts: identifier -> cells of ``mechanism_facts.csv``; default the shipped table.
        n_people: people simulated for each trial arm; fewer for courses of many sessions.
        mechanisms: hypotheses; default every calibrated one, with their average by weight before them.
        draws: parameter sets for the interval of each fact, 0 for none; a mechanism that is not calibrated
            has none.
        seed: seed of all random numbers.
        workers: processes of the engine.
        progress: called with (facts done, facts in all); every parameter set counts all facts.

    Raises:
        EvidenceError: a quantity that is not known, or a number that cannot be read.
        ModelError: an unknown mechanism.

    >>> table = predict_facts({"K01": mechanism_facts()["K01"]}, mechanisms=["disinhibition"], draws=2)
    >>> table.findings["disinhibition"][0].verdict
    'no interval'
    """
    read = [_read(name, row) for name, row in (mechanism_facts() if facts is None else facts).items()]
    tense = known_tensions() if facts is None else ()
    asked = [*read, *(_of_tension(row) for row in tense if not row["fact_id"])]
    weights = {} if mechanisms else mechanism_weights()
    chosen = tuple(mechanisms) or tuple(weights)
    for mechanism in chosen:
        therapy_model(mechanism=mechanism)
    calibrated = {mechanism: mechanism in calibrated_mechanisms() for mechanism in chosen}
    sets = {mechanism: draws if calibrated[mechanism] else 0 for mechanism in chosen}
    tell = _Counter(progress, len(asked) * sum(count + 1 + (count > 0) for count in sets.values()))
    each = {
        mechanism: _predict(Bench(mechanism, n_people, seed, workers), asked, count, tell)
        for mechanism, count in sets.items()
    }
    found = {mechanism: [one.finding() for one in own] for mechanism, own in each.items()}
    if len(weights) > 1:
        together = [
            averaged({mechanism: own[place] for mechanism, own in each.items()}, weights)
            for place in range(len(asked))
        ]
        found, calibrated = {AVERAGED: together, **found}, {AVERAGED: True, **calibrated}
    return FactTable(
        tuple(read),
        {mechanism: tuple(own[: len(read)]) for mechanism, own in found.items()},
        {mechanism: _tensions(tense, own) for mechanism, own in found.items()},
        calibrated,
        n_people,
        seed,
        weights if len(weights) > 1 else {},
        max(sets.values()),
    )


class _Counter:
    """Counts facts for a progress bar."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def __call__(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)


def _predict(bench: Bench, asked: Sequence[Fact], draws: int, tell: _Counter) -> list[Predicted]:
    """Every fact under one mechanism, at the most probable and at drawn parameters."""
    found = _read_off(bench, asked, tell)
    if not draws:
        return [Predicted(fact, *one) for fact, one in zip(asked, found, strict=True)]
    few, *drawn = (
        [None if one is None else one.value for one, _ in _read_off(own, asked, tell)]
        for own in drawn_benches(bench, draws)
    )
    return [
        Predicted(fact, one, reason, ())
        if one is None
        else Predicted(fact, one, reason, spread_of(fact, one, few[place], [own[place] for own in drawn]))
        for place, (fact, (one, reason)) in enumerate(zip(asked, found, strict=True))
    ]


def _read_off(bench: Bench, asked: Sequence[Fact], tell: _Counter) -> list[tuple[Found | None, str]]:
    """Each number, or the reason why there is none."""
    found: list[tuple[Found | None, str]] = []
    for fact in asked:
        try:
            if fact.quantity in facts_not_computed():
                raise not_computed(facts_not_computed()[fact.quantity])
            found.append((QUANTITIES[fact.quantity](bench, fact), ""))
        except RekindleError as problem:
            found.append((None, problem.given))
        tell()
    return found


def _read(name: str, row: Mapping[str, str]) -> Fact:
    quantity = row.get("quantity", "")
    known = (*QUANTITIES, *facts_not_computed())
    if quantity not in known:
        raise EvidenceError(
            "RK-EVI-050",
            given=f'fact {name}: quantity "{quantity}" is not known{nearest(quantity, known)}',
            allowed="A quantity of the shipped mechanism_facts.csv",
            why="It would look like a fact that was checked",
        )
    return read_fact(name, row)


def _of_tension(row: Mapping[str, str]) -> Fact:
    """A tension whose quantity is no fact of its own."""
    return read_fact(row["name"], {**row, "expected": row["low"]})


def _tensions(rows: Sequence[Mapping[str, str]], found: Sequence[FactFinding]) -> tuple[Tension, ...]:
    by_id = {finding.fact.fact_id: finding for finding in found}
    return tuple(Tension(row["name"], row["statement"], by_id[row["fact_id"] or row["name"]]) for row in rows)
