"""Whether the cascade solver fits a system, so that the engine can choose a solver and say why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rekindle.engine._derivation import Derivation
from rekindle.engine._system import kept
from rekindle.modelling import Expression, symbols, topological

#: Above this share of states in feedback loops, sweeping costs more than a full Jacobian saves.
_LARGEST_SHARE_IN_LOOPS = 0.5
#: Below this tolerance collocation does not find watched peaks as exactly, in ever more steps.
FINEST = 1e-9
_KINKS = ("select", "min", "max", "abs", "floor")


class Suitability(NamedTuple):
    """Whether the cascade solver fits, and the reason in words."""

    suits: bool
    reason: str


def cascade_suits(derivation: Derivation, tolerance: float = 1e-7) -> Suitability:
    """Judge by feedback, smoothness and tolerance.

    Args:
        derivation: of the system to be solved.
        tolerance: relative tolerance that is asked for.

    Returns:
        Yes or no, with what decided it; a yes may name what the step control has to deal with.
    """
    system = derivation.system
    if not system.nonlinear:
        return Suitability(False, "every state is linear and solved exactly")
    in_loops, kinks = _feedback(derivation)
    count = f"{in_loops} of {len(system.states)} states are in feedback loops"
    if in_loops / len(system.states) > _LARGEST_SHARE_IN_LOOPS:
        return Suitability(False, count)
    if derivation.peak_names and tolerance < FINEST:
        return Suitability(False, f"with watched peaks collocation reaches no tolerance below {FINEST:g}")
    return Suitability(True, f"{count}; kinks left to the step control: {kinks}" if kinks else count)


@lru_cache(maxsize=64)
def _feedback(derivation: Derivation) -> tuple[int, int]:
    """States that have to be swept in loops of two or more, and kinks."""
    system = derivation.system
    return kept("feedback", system.digest, len(system.model.states), lambda: _count(derivation))


def _count(derivation: Derivation) -> tuple[int, int]:
    # Kept numbers do without what finds loops.
    from rekindle.engine.cascade._components import components

    system = derivation.system
    names = set(system.nonlinear)
    rates = dict(zip(system.nonlinear, system.right_hand_side, strict=True))
    groups = components({name: symbols(rate) & names for name, rate in rates.items()})
    swept = sum(len(group) for group in groups if len(group) > 1 and not _direct(group, rates))
    return swept, sum(node.operation in _KINKS for node in topological(system.right_hand_side))


def _direct(group: Sequence[str], rates: Mapping[str, Expression]) -> bool:
    """Whether a loop is linear in its states and solved directly."""
    from rekindle.engine.cascade._linear_loops import couplings, tear

    found = couplings(group, [rates[name] for name in group])
    return found is not None and tear(len(group), set(found)) is not None
