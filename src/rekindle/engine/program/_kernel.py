"""Machine code that carries out the whole program of a lane group in one call.

A program is a list of operations (kind, two to four numbers) that all people of a group share, with one value
a person where they differ. See ``_program`` for how it is made from an event table.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.engine._derivation import Derivation
from rekindle.engine.code._machine_code import FULL, LIGHT, MachineCode
from rekindle.engine.code._processor import Processor

if TYPE_CHECKING:
    import llvmlite.ir as ir

Array = NDArray[np.float64]


class Kernel:
    """The program runner of a system for a number of lanes, compiled for this processor.

    Args:
        derivation: the system and what follows from it; it has no ramps.
        lanes: people in a group.
        integrator: "L1" for Rodas5P, "L2" for cascade collocation.
        processor: compile for another level of this processor's instructions.
    """

    def __init__(
        self,
        derivation: Derivation,
        lanes: int,
        integrator: str = "L1",
        processor: Processor | None = None,
    ) -> None:
        self.derivation, self.lanes, self.integrator = derivation, lanes, integrator
        key = f"{integrator} {lanes} lanes {derivation.system.digest}"
        self.library = MachineCode(self._module, key, processor, LIGHT if integrator == "L2" else FULL)
        pointer, whole = ctypes.c_void_p, ctypes.c_int64
        self.run: Callable[..., int] = self.library.function(
            "run",
            whole,
            [pointer, whole, *[pointer] * 5, whole, pointer, pointer, pointer, whole, pointer, pointer],
        )

    def _module(self) -> ir.Module:
        # Kept code does without all that generates it.
        from rekindle.engine.program._kernel_source import KernelSource

        return KernelSource(self.derivation, self.lanes, self.integrator).module()

    def matrix(self, constants: Array) -> Array:
        """Entries (entries, people) of the linear block for constants (constants, people)."""
        count, people = len(self.derivation.system.matrix), constants.shape[1]
        padded = -(-people // self.lanes) * self.lanes
        spread = constants[:, np.minimum(np.arange(padded), people - 1)] if padded > people else constants
        given = np.ascontiguousarray(spread)
        result = np.empty((count, padded))
        for start in range(0, padded, self.lanes):
            shift = 8 * start
            self._matrix(given.ctypes.data + shift, padded, result.ctypes.data + shift)
        return result[:, :people]

    @cached_property
    def _matrix(self) -> Callable[..., None]:
        pointer = ctypes.c_void_p
        function: Callable[..., None] = self.library.function(
            "matrix", None, [pointer, ctypes.c_int64, pointer]
        )
        return function
