"""A digest of the equations of a model, the same in every process, by which what follows is kept."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Collection, Iterator, Sequence

from rekindle.modelling import Assignment, Expression, Model, topological

#: Digests found last: a fit asks for that of the same model, which cannot change, at each of its steps.
_recent: deque[tuple[Model, tuple[object, ...], str]] = deque(maxlen=8)

Named = tuple[str, str, Expression | None]


def equations_digest(
    model: Model,
    outputs: Sequence[str],
    ramps: Sequence[str],
    *,
    exact_linear: bool,
    stepped: Collection[str],
) -> str:
    """Digest of all that generated code depends on: equations and names, but no values of parameters."""
    asked = tuple(outputs), tuple(ramps), exact_linear, tuple(stepped)
    for known in _recent:
        if known[0] is model and known[1] == asked:
            return known[2]
    named = [*_equations(model, outputs)]
    options = (list(model.parameters), list(model.covariates), list(ramps), exact_linear, list(stepped))
    rows = [(kind, name, expression is not None) for kind, name, expression in named]
    roots = [expression for _, _, expression in named if expression is not None]
    nodes = topological(roots)
    position = {node: place for place, node in enumerate(nodes)}
    graph = [(n.operation, [position[a] for a in n.arguments], n.name, n.value) for n in nodes]
    content = options, rows, graph, [position[root] for root in roots]
    digest = hashlib.sha256(repr(content).encode()).hexdigest()
    _recent.appendleft((model, asked, digest))
    return digest


def _equations(model: Model, outputs: Sequence[str]) -> Iterator[Named]:
    for name, state in model.states.items():
        yield "initial", name, state.initial
    for name, rate in model.derivatives.items():
        yield "rate", name, rate
    for name, definition in model.definitions.items():
        yield "definition", name, definition.expression
    for name in outputs:
        yield "output", name, model.outputs[name].expression
    for name, rule in model.dosing.items():
        for word in ("bioavailability", "lag", "duration", "rate"):
            yield word, name, getattr(rule, word)
    for name, event in model.events.items():
        yield "event", name, None
        yield from _assigned(event.assignments)
    for name, fired in model.watched.items():
        yield type(fired).__name__, name, fired.watched
        yield "condition", name, fired.condition
        yield from _assigned(fired.assignments)


def _assigned(assignments: Sequence[Assignment]) -> Iterator[Named]:
    for assignment in assignments:
        yield "assignment", assignment.state, assignment.expression
