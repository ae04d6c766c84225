"""The code for one person, generated: what ``CompiledSystem`` has compiled where it is not kept already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.ir as ir

from rekindle.engine._derivation import Derivation
from rekindle.engine._system import TIME
from rekindle.engine.code._control_flow import counted_loop
from rekindle.engine.code._emit import emit
from rekindle.engine.code._step_functions import emit_prologue, emit_step_functions
from rekindle.engine.lanes._lanes import INTEGER, POINTER, SCALAR, index, load, store
from rekindle.engine.rodas._stepper import emit_integrate
from rekindle.modelling import Expression

_ROW_SIGNATURE = [INTEGER] + [POINTER] * 5


def one_person_module(
    derivation: Derivation, roots: dict[str, list[Expression]], hoisted: list[Expression]
) -> ir.Module:
    """Row functions, prologue and integration loop.

    Args:
        derivation: the system and what follows from it.
        roots: what the loop evaluates, in terms of hoisted subexpressions.
        hoisted: those subexpressions.
    """
    module = ir.Module("rekindle")
    for name, rows in derivation.row_roots.items():
        _emit_rows(module, derivation, name, rows)
    emit_prologue(module, derivation, hoisted, SCALAR)
    emit_integrate(module, emit_step_functions(module, derivation, roots, SCALAR), SCALAR)
    return module


def _emit_rows(module: ir.Module, derivation: Derivation, name: str, roots: Sequence[Expression]) -> None:
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), _ROW_SIGNATURE), name)
    builder = ir.IRBuilder(function.append_basic_block())
    rows, times, states, constants, ramps, results = function.args
    places = {s: (states, len(derivation.states), i) for i, s in enumerate(derivation.states)}
    places |= {s: (ramps, len(derivation.system.ramps), i) for i, s in enumerate(derivation.system.ramps)}
    with counted_loop(builder, rows) as row:
        found: dict[str, Any] = {}

        def read(symbol_name: str) -> Any:
            if symbol_name not in found:
                if symbol_name == TIME:
                    found[symbol_name] = load(builder, times, row)
                elif symbol_name in places:
                    base, width, column = places[symbol_name]
                    place = builder.add(builder.mul(row, index(width)), index(column))
                    found[symbol_name] = load(builder, base, place)
                else:
                    found[symbol_name] = load(builder, constants, derivation.constant_index[symbol_name])
            return found[symbol_name]

        for column, value in enumerate(emit(builder, roots, read)):
            place = builder.add(builder.mul(row, index(len(roots))), index(column))
            store(builder, value, results, place)
    builder.ret_void()
