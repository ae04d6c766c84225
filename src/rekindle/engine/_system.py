"""What the engine needs to know of a model: which states matter, which are linear, what each symbol is.

The states that the requested outputs do not depend on are left out. Of the rest, the largest block of
states whose equations are linear with coefficients that stay constant between events is split off, to be
solved exactly; the remaining states see it as known functions of time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from rekindle._disk_cache import DiskCache, source_digest
from rekindle.engine._equations_digest import equations_digest
from rekindle.modelling import (
    Expression,
    Model,
    constant,
    differentiate,
    remember,
    substitute,
    symbol,
    symbols,
)

TIME = "time"
#: With fewer states a model is split more quickly than it is found on the disk.
_WORTH_KEEPING = 8

Kept = TypeVar("Kept")


def infusion_name(state: str) -> str:
    """Name of the symbol for the rate at which doses now run into a state."""
    return f"infusion({state})"


class Split(NamedTuple):
    """What ``System`` holds beside the model itself."""

    linear: tuple[str, ...]
    nonlinear: tuple[str, ...]
    matrix: Mapping[tuple[int, int], Expression]
    source: Mapping[int, Expression]
    right_hand_side: tuple[Expression, ...]


@dataclass(frozen=True)
class System:
    """A model reduced to what the requested outputs need.

    Attributes:
        digest: of everything that it was made from.
        linear: states solved exactly, in order of declaration.
        nonlinear: the other states, upstream first.
        constants: symbols that do not change between events: parameters, stepwise covariates, infusions.
        ramps: covariates that change linearly between records.
        matrix: non-zero entries of the linear block, (row, column) -> expression of constants.
        source: constant part of the linear block, row -> expression of constants.
        right_hand_side: nonlinear derivatives in the order of ``nonlinear``.
    """

    model: Model
    digest: str
    outputs: tuple[str, ...]
    linear: tuple[str, ...]
    nonlinear: tuple[str, ...]
    constants: tuple[str, ...]
    ramps: tuple[str, ...]
    matrix: Mapping[tuple[int, int], Expression]
    source: Mapping[int, Expression]
    right_hand_side: tuple[Expression, ...]

    @property
    def states(self) -> tuple[str, ...]:
        """Linear states, then nonlinear ones: the layout of the state vector."""
        return self.linear + self.nonlinear


def build_system(
    model: Model,
    outputs: Sequence[str],
    ramps: Iterable[str] = (),
    *,
    exact_linear: bool = True,
    stepped: Collection[str] = (),
) -> System:
    """Reduce a model to the states that the outputs need and split off its linear block.

    Args:
        model: the declared model.
        outputs: names of the outputs wanted.
        ramps: covariates carried linearly between records.
        exact_linear: False leaves every state to the nonlinear solver (the fallback and the cross-check).
        stepped: states left to the nonlinear solver in any case.
    """
    ramps, outputs = tuple(ramps), tuple(outputs)
    digest = equations_digest(model, outputs, ramps, exact_linear=exact_linear, stepped=stepped)

    def split() -> Split:
        return _split(model, outputs, ramps, exact_linear=exact_linear, stepped=stepped)

    found = kept("system", digest, len(model.states), split)
    return System(
        model=model,
        digest=digest,
        outputs=outputs,
        constants=(
            *model.parameters,
            *(name for name in model.covariates if name not in ramps),
            *(infusion_name(name) for name in model.derivatives),
        ),
        ramps=ramps,
        **found._asdict(),
    )


def kept(what: str, digest: str, states: int, make: Callable[[], Kept]) -> Kept:
    """What follows from the equations with a digest, taken from the disk if it was worked out before."""
    if states < _WORTH_KEEPING:
        return make()
    return remember(DiskCache.name(what, source_digest("engine", "modelling"), digest), make)


def _split(
    model: Model,
    outputs: Sequence[str],
    ramps: Sequence[str],
    *,
    exact_linear: bool,
    stepped: Collection[str],
) -> Split:
    names = list(model.derivatives)
    rates = dict(zip(names, model.inline(*model.derivatives.values()), strict=True))
    # A dose enters a state as an addition to its rate, so that an infusion is part of the linear source.
    rates = {name: rate + symbol(infusion_name(name)) for name, rate in rates.items()}
    needed = needed_states(model, outputs, rates)
    rates = {name: rate for name, rate in rates.items() if name in needed}
    linear, jacobian = _linear_block(rates, set(ramps), stepped) if exact_linear else ((), {})
    nonlinear = _upstream_first([name for name in rates if name not in linear], rates)
    position = {name: index for index, name in enumerate(linear)}
    zero = {name: constant(0.0) for name in linear}
    source = {position[name]: substitute([rates[name]], zero)[0] for name in linear}
    return Split(
        linear=linear,
        nonlinear=nonlinear,
        matrix={(position[row], position[column]): entry for (row, column), entry in jacobian.items()},
        source={row: entry for row, entry in source.items() if not entry.equals(0.0)},
        right_hand_side=tuple(rates[name] for name in nonlinear),
    )


def needed_states(model: Model, outputs: Sequence[str], rates: Mapping[str, Expression]) -> set[str]:
    """States that the outputs depend on, directly, through equations, or through event assignments."""
    groups: list[tuple[set[str], set[str]]] = [({name}, symbols(rate)) for name, rate in rates.items()]
    for event in model.events.values():
        for assignment in event.assignments:
            groups.append(({assignment.state}, symbols(*model.inline(assignment.expression))))
    for fired in model.watched.values():
        watched = symbols(*model.inline(fired.watched, *([fired.condition] if fired.condition else [])))
        for assignment in fired.assignments:
            groups.append(({assignment.state}, watched | symbols(*model.inline(assignment.expression))))
    wanted = symbols(*model.inline(*(model.outputs[name].expression for name in outputs)))
    while True:
        grown = wanted | {used for targets, uses in groups if targets & wanted for used in uses}
        if grown == wanted:
            return wanted & set(rates)
        wanted = grown


def _linear_block(
    rates: Mapping[str, Expression], moving: set[str], stepped: Collection[str]
) -> tuple[tuple[str, ...], dict[tuple[str, str], Expression]]:
    """Largest set of states whose rates are linear in the set with coefficients constant between events."""
    states = set(rates)
    forbidden = moving | {TIME}
    used = {name: symbols(rate) & (states | forbidden) for name, rate in rates.items()}
    slopes = {name: {s: differentiate(rates[name], s) for s in sorted(used[name] & states)} for name in rates}
    block = {
        name
        for name in rates
        if name not in stepped
        and not used[name] & forbidden
        and all(not symbols(slope) & (states | forbidden) for slope in slopes[name].values())
    }
    while True:
        kept = {name for name in block if used[name] & states <= block}
        if kept == block:
            break
        block = kept
    ordered = tuple(name for name in rates if name in block)
    jacobian = {
        (row, column): slope
        for row in ordered
        for column, slope in slopes[row].items()
        if not slope.equals(0.0)
    }
    return ordered, jacobian


def _upstream_first(names: Sequence[str], rates: Mapping[str, Expression]) -> tuple[str, ...]:
    """Order states so that what is upstream comes first, which keeps the factorisation free of fill-in."""
    uses = {name: symbols(rates[name]) & set(names) - {name} for name in names}
    ordered: list[str] = []
    left = list(names)
    while left:
        ready = [name for name in left if not uses[name] - set(ordered)]
        if not ready:  # a feedback loop: break it at the state that waits for the fewest others
            ready = [min(left, key=lambda name: len(uses[name] - set(ordered)))]
        ordered.extend(ready)
        left = [name for name in left if name not in ready]
    return tuple(ordered)
