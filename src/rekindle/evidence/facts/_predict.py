"""Every fact beside what the model says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rekindle.errors import EvidenceError, RekindleError, nearest
from rekindle.evidence._data import facts_not_computed, known_tensions, mechanism_facts
from rekindle.evidence.facts._acute import ACUTE
from rekindle.evidence.facts._bench import Bench, Quantity
from rekindle.evidence.facts._fact import ABSENT, Fact, judge, not_computed, read_fact
from rekindle.evidence.facts._mood import MOOD
from rekindle.evidence.facts._plasticity import PLASTICITY
from rekindle.evidence.facts._pressure import PRESSURE
from rekindle.evidence.facts._receptors import RECEPTORS
from rekindle.evidence.facts._table import FactFinding, FactTable, Tension
from rekindle.therapy import calibrated_mechanisms, therapy_model

Progress = Callable[[int, int], None]

#: Name of a quantity -> how it is computed.
QUANTITIES: Mapping[str, Quantity] = {**MOOD, **ACUTE, **PRESSURE, **RECEPTORS, **PLASTICITY}
DEFAULT = "disinhibition"


def predict_facts(
    facts: Mapping[str, Mapping[str, str]] | None = None,
    *,
    n_people: int = 400,
    mechanisms: Sequence[str] = (),
    seed: int = 1,
    workers: int = 1,
    progress: Progress | None = None,
) -> FactTable:
    """Compute every fact that the model can say something about; the others come back with the reason.

    Args:
        facts: identifier -> cells of ``mechanism_facts.csv``; default the shipped table.
        n_people: people simulated for each trial arm; fewer for courses of many sessions.
        mechanisms: hypotheses; default the one of the product, then every other one with a calibration.
        seed: seed of all random numbers.
        workers: processes of the engine.
        progress: called with (facts done, facts in all).

    Raises:
        EvidenceError: a quantity that is not known, or a number that cannot be read.
        ModelError: an unknown mechanism.

    >>> table = predict_facts({"K01": mechanism_facts()["K01"]}, mechanisms=["disinhibition"])
    >>> table.findings["disinhibition"][0].verdict
    'no interval'
    """
    read = [_read(name, row) for name, row in (mechanism_facts() if facts is None else facts).items()]
    others = [one for one in calibrated_mechanisms() if one != DEFAULT]
    chosen = tuple(mechanisms) or (DEFAULT, *others)
    for mechanism in chosen:
        therapy_model(mechanism=mechanism)
    findings: dict[str, tuple[FactFinding, ...]] = {}
    tensions: dict[str, tuple[Tension, ...]] = {}
    for turn, mechanism in enumerate(chosen):
        bench = Bench(mechanism, n_people, seed, workers)
        found = []
        for done, fact in enumerate(read, start=1):
            found.append(_find(bench, fact))
            if progress is not None:
                progress(turn * len(read) + done, len(chosen) * len(read))
        findings[mechanism] = tuple(found)
        tensions[mechanism] = _tensions(bench, found) if facts is None else ()
    calibrated = {mechanism: mechanism in calibrated_mechanisms() for mechanism in chosen}
    return FactTable(tuple(read), findings, tensions, calibrated, n_people, seed)


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


def _find(bench: Bench, fact: Fact) -> FactFinding:
    try:
        if fact.quantity in facts_not_computed():
            raise not_computed(facts_not_computed()[fact.quantity])
        found = QUANTITIES[fact.quantity](bench, fact)
    except RekindleError as problem:
        return FactFinding(fact, None, ABSENT, problem.given)
    return FactFinding(fact, found.value, judge(fact, found.value), found.note)


def _tensions(bench: Bench, found: Sequence[FactFinding]) -> tuple[Tension, ...]:
    """The known tensions; one whose quantity is no fact of its own is computed here."""
    by_id = {finding.fact.fact_id: finding for finding in found}
    tensions = []
    for row in known_tensions():
        finding = by_id.get(row["fact_id"])
        if finding is None:
            cells = {**row, "expected": row["low"]}
            finding = _find(bench, read_fact(row["name"], cells))
        tensions.append(Tension(row["name"], row["statement"], finding))
    return tuple(tensions)
