"""Machine code for one person: the row functions of a system and its integration loop.

A row function evaluates a list of expressions for many rows (time, state vector, ramps) of one person.
LLVM is reached through llvmlite, so that no compiler is needed on the user's machine.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._derivation import Derivation
from rekindle.engine.code._hoist import hoist_groups
from rekindle.engine.code._machine_code import MachineCode
from rekindle.modelling import Expression

if TYPE_CHECKING:
    import llvmlite.ir as ir

Array = NDArray[np.float64]


class CompiledSystem(Derivation):
    """A system with machine code for one person, compiled when it is first needed.

    Args:
        system: what to compile.
    """

    @cached_property
    def _library(self) -> MachineCode:
        return MachineCode(self._module, "one person " + self.system.digest)

    def _module(self) -> ir.Module:
        # Kept code does without all that generates it.
        from rekindle.engine.driver._compiled_source import one_person_module

        return one_person_module(self, *self._hoisted)

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
