"""Machine code for one person: the row functions of a system and its integration loop.

A row function evaluates a list of expressions for many rows (time, state vector, ramps) of one person.
LLVM is reached through llvmlite, so that no compiler is needed on the user's machine.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import llvmlite.ir as ir
import numpy as np
from numpy.typing import NDArray

from rekindle.engine._derivation import Derivation
from rekindle.engine._system import TIME
from rekindle.engine.code._control_flow import counted_loop
from rekindle.engine.code._emit import emit
from rekindle.engine.code._machine_code import MachineCode
from rekindle.engine.code._step_functions import emit_prologue, emit_step_functions, hoist_groups
from rekindle.engine.lanes._lanes import INTEGER, POINTER, SCALAR, index, load, store
from rekindle.engine.rodas._stepper import emit_integrate
from rekindle.modelling import Expression

Array = NDArray[np.float64]

_ROW_SIGNATURE = [INTEGER] + [POINTER] * 5


class CompiledSystem(Derivation):
    """A system with machine code for one person, compiled when it is first needed.

    Args:
        system: what to compile.
    """

    @cached_property
    def _library(self) -> MachineCode:
        return MachineCode(self._module, "one person " + self.system.digest)

    def _module(self) -> ir.Module:
        module = ir.Module("rekindle")
        for name, rows in self.row_roots.items():
            self._emit_rows(module, name, rows)
        roots, hoisted = self._hoisted
        emit_prologue(module, self, hoisted, SCALAR)
        emit_integrate(module, emit_step_functions(module, self, roots, SCALAR), SCALAR)
        return module

    def prepare(self) -> None:
        """Compile now."""
        self._library  # noqa: B018

    @cached_property
    def _hoisted(self) -> tuple[dict[str, list[Expression]], list[Expression]]:
        return hoist_groups(self.step_roots, set(self.constant_index))

    @cached_property
    def integrate(self) -> Callable[..., int]:
        """The integration loop; see ``_stepper``."""
        function: Callable[..., int] = self._library.function(
            "integrate",
            ctypes.c_int64,
            [*[ctypes.c_void_p] * 6, ctypes.c_int64, ctypes.c_double, ctypes.c_double, ctypes.c_void_p,
             ctypes.c_int64, *[ctypes.c_void_p] * 4],
        )  # fmt: skip
        return function

    @cached_property
    def _prologue(self) -> Callable[..., None]:
        function: Callable[..., None] = self._library.function("prologue", None, [ctypes.c_void_p] * 2)
        return function

    @cached_property
    def _rows(self) -> dict[str, Callable[..., None]]:
        kinds = [ctypes.c_int64, *[ctypes.c_void_p] * 5]
        return {name: self._library.function(name, None, kinds) for name in self.row_roots}

    def _emit_rows(self, module: ir.Module, name: str, roots: Sequence[Expression]) -> None:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), _ROW_SIGNATURE), name)
        builder = ir.IRBuilder(function.append_basic_block())
        rows, times, states, constants, ramps, results = function.args
        places = {s: (states, len(self.states), i) for i, s in enumerate(self.states)}
        places |= {s: (ramps, len(self.system.ramps), i) for i, s in enumerate(self.system.ramps)}
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
                        found[symbol_name] = load(builder, constants, self.constant_index[symbol_name])
                return found[symbol_name]

            for column, value in enumerate(emit(builder, roots, read)):
                place = builder.add(builder.mul(row, index(len(roots))), index(column))
                store(builder, value, results, place)
        builder.ret_void()

    # ---- running ----------------------------------------------------------------------------------

    def rows(
        self, name: str, times: Array, states: Array, constants: Array, ramps: Array | None = None
    ) -> Array:
        """Evaluate a row function: result (rows, expressions) for states (rows, states)."""
        count = len(times)
        result = np.empty((count, len(self.row_roots[name])))
        if result.size:
            filler = times if ramps is None else ramps
            self._rows[name](
                count, times.ctypes.data, states.ctypes.data, constants.ctypes.data, filler.ctypes.data,
                result.ctypes.data,
            )  # fmt: skip
        return result

    def hoisted(self, constants: Array) -> Array:
        """Values of all subexpressions that stay constant between events."""
        result = np.empty(max(len(self._hoisted[1]), 1))
        self._prologue(constants.ctypes.data, result.ctypes.data)
        return result
