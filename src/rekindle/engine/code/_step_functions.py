"""The model's own functions that the integration loop calls, in lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

from rekindle.engine._derivation import SLOPE, Derivation
from rekindle.engine.code._emit import emit
from rekindle.engine.code._hoist import DERIVED, HOISTED, derive
from rekindle.engine.lanes._lanes import LaneKind, keep_apart, load, store
from rekindle.engine.rodas._factorisation import Factorisation
from rekindle.modelling import Expression, symbols

#: Name of a symbol -> (array it stands in, position).
Places = Mapping[str, tuple[Any, int]]


@dataclass(frozen=True)
class WatchFunctions:
    """Functions that follow a solution, whatever the method of stepping, and their sizes."""

    peaks: ir.Function  # (y, forcing, forcing slopes, hoisted, peak slopes)
    derive: ir.Function  # (forcing values, hoisted): fills the derived values after the forcings
    states: int
    forcings: int
    derived: int
    modes: int
    peak_count: int


@dataclass(frozen=True)
class StepFunctions(WatchFunctions):
    """The same with what a step of Rodas5P calls."""

    right_hand_side: ir.Function  # (y, forcing, hoisted, rates)
    slopes: ir.Function  # (y, forcing, forcing slopes, hoisted, jacobian, time slope)
    factor: ir.Function
    solve: ir.Function
    jacobian: int
    factors: int


def reader(builder: ir.IRBuilder, places: Places, hoisted: Any) -> Callable[[str], Any]:
    """Read symbols from their arrays, each once; hoisted ones by the number in their name."""
    loaded: dict[str, Any] = {}

    def read(name: str) -> Any:
        if name not in loaded:
            if name.startswith(HOISTED):
                base, position = hoisted, int(name[len(HOISTED) :])
            else:
                base, position = places[name]
            loaded[name] = load(builder, base, position)
        return loaded[name]

    return read


def emit_step_functions(
    module: ir.Module,
    derivation: Derivation,
    roots: Mapping[str, Sequence[Expression]],
    kind: LaneKind,
    *,
    quick: bool = False,
) -> StepFunctions:
    """Emit them from the hoisted ``step_roots`` of a derivation; ``quick`` as for ``emit``."""
    names = ("right_hand_side", "slopes", "peaks")
    n, count = len(derivation.system.nonlinear), len(derivation.jacobian)
    factorisation = Factorisation(n, derivation.jacobian, kind)
    groups, derived = derive(roots[names[0]], set(derivation.forcings), [roots[name] for name in names[1:]])
    roots = dict(zip(names, groups, strict=True))

    def inner(name: str, sizes: Sequence[int], *, slopes: bool) -> ir.Function:
        return _emit_inner(module, derivation, name, roots[name], sizes, kind, slopes=slopes, quick=quick)

    return StepFunctions(
        right_hand_side=inner("right_hand_side", [n], slopes=False),
        slopes=inner("slopes", [count, n], slopes=True),
        factor=factorisation.emit_factor(module),
        solve=factorisation.emit_solve(module),
        jacobian=count,
        factors=len(factorisation.slots),
        **_watching(module, derivation, roots["peaks"], derived, kind),
    )


def emit_watch_functions(
    module: ir.Module, derivation: Derivation, peaks: Sequence[Expression], kind: LaneKind
) -> WatchFunctions:
    """Emit what follows a solution from the hoisted slopes of what peak events watch."""
    (peaks,), derived = derive(peaks, set(derivation.forcings), [])
    return WatchFunctions(**_watching(module, derivation, peaks, derived, kind))


def _watching(
    module: ir.Module,
    derivation: Derivation,
    peaks: Sequence[Expression],
    derived: Sequence[Expression],
    kind: LaneKind,
) -> dict[str, Any]:
    return {
        "peaks": _emit_inner(module, derivation, "peaks", peaks, [len(peaks)], kind, slopes=True),
        "derive": _emit_derive(module, derivation, derived, kind),
        "states": len(derivation.system.nonlinear),
        "forcings": len(derivation.forcings),
        "derived": len(derived),
        "modes": len(derivation.system.linear),
        "peak_count": len(peaks),
    }


def _emit_inner(
    module: ir.Module,
    derivation: Derivation,
    name: str,
    roots: Sequence[Expression],
    sizes: Sequence[int],
    kind: LaneKind,
    *,
    slopes: bool,
    quick: bool = False,
) -> ir.Function:
    """A function (y, forcing values, [forcing slopes,] hoisted, result, ...) of the integration loop."""
    inputs = 4 if slopes else 3
    signature = ir.FunctionType(ir.VoidType(), [kind.pointer] * (inputs + len(sizes)))
    function = ir.Function(module, signature, name)
    keep_apart(function)
    for argument in function.args:
        argument.add_attribute("noalias")
    builder = ir.IRBuilder(function.append_basic_block())
    states, values, *rest = function.args[:inputs]
    places = {s: (states, i) for i, s in enumerate(derivation.system.nonlinear)}
    places |= {s: (values, i) for i, s in enumerate(derivation.forcings)}
    places |= {SLOPE + s: (rest[0], i) for i, s in enumerate(derivation.forcings)}
    places |= _derived_places(derivation, values, roots)
    results = iter(emit(builder, roots, reader(builder, places, rest[-1]), kind, quick=quick))
    for target, size in zip(function.args[inputs:], sizes, strict=True):
        for position in range(size):
            store(builder, next(results), target, position)
    builder.ret_void()
    return function


def _derived_places(derivation: Derivation, values: Any, roots: Sequence[Expression]) -> Places:
    first = len(derivation.forcings)
    names = (name for name in symbols(*roots) if name.startswith(DERIVED))
    return {name: (values, first + int(name[len(DERIVED) :])) for name in names}


def _emit_derive(
    module: ir.Module, derivation: Derivation, derived: Sequence[Expression], kind: LaneKind
) -> ir.Function:
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [kind.pointer] * 2), "derive")
    keep_apart(function)
    values, hoisted = function.args
    builder = ir.IRBuilder(function.append_basic_block())
    places = {s: (values, i) for i, s in enumerate(derivation.forcings)}
    for position, value in enumerate(emit(builder, derived, reader(builder, places, hoisted), kind)):
        store(builder, value, values, len(derivation.forcings) + position)
    builder.ret_void()
    return function


def emit_prologue(
    module: ir.Module, derivation: Derivation, hoisted: Sequence[Expression], kind: LaneKind
) -> ir.Function:
    """``void prologue(constants, hoisted)``: everything that stays constant between events."""
    signature = ir.FunctionType(ir.VoidType(), [kind.pointer, kind.pointer])
    function = ir.Function(module, signature, "prologue")
    builder = ir.IRBuilder(function.append_basic_block())
    constants, results = function.args
    places = {name: (constants, i) for name, i in derivation.constant_index.items()}
    for position, value in enumerate(emit(builder, hoisted, reader(builder, places, None), kind)):
        store(builder, value, results, position)
    builder.ret_void()
    return function
