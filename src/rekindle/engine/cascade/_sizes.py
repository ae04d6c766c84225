"""Step sizes: powers of the square root of two, so that what depends on the size is often used again."""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine.code._control_flow import variable
from rekindle.engine.lanes._lanes import DOUBLE, INTEGER, index, number

PER_OCTAVE = 2
_OCTAVES = 64
_MIDDLE = _OCTAVES * PER_OCTAVE


class StepSizes:
    """The grid of sizes, and where on it the next step stands.

    Args:
        module: where the table of sizes goes.
        builder: of the function that takes the steps.

    Attributes:
        h: address of the size chosen.
    """

    def __init__(self, module: ir.Module, builder: ir.IRBuilder) -> None:
        self.builder, self._table = builder, _table(module)
        self._level, self.h = variable(builder, INTEGER), variable(builder, DOUBLE)
        builder.store(index(_MIDDLE), self._level)

    def choose(self, wanted: Any) -> None:
        """The largest size of the grid that is not above the wanted one."""
        b = self.builder
        for step in (-1, 1):
            head, move, after = (b.append_basic_block("size") for _ in range(3))
            b.branch(head)
            b.position_at_end(head)
            level = b.load(self._level)
            other = b.add(level, index(step))
            if step < 0:
                goes, inside = (
                    b.fcmp_ordered(">", self._at(level), wanted),
                    b.icmp_signed(">", level, index(0)),
                )
            else:
                goes = b.fcmp_ordered("<=", self._at(other), wanted)
                inside = b.icmp_signed("<", level, index(2 * _MIDDLE - 1))
            b.cbranch(b.and_(goes, inside), move, after)
            b.position_at_end(move)
            b.store(other, self._level)
            b.branch(head)
            b.position_at_end(after)
        b.store(self._at(b.load(self._level)), self.h)

    def slot(self, h: Any) -> Any:
        """Which of PER_OCTAVE + 1 places is for a size: the last is for those outside the grid."""
        b = self.builder
        level = b.load(self._level)
        on_grid = b.fcmp_ordered("==", h, self._at(level))
        return b.select(on_grid, b.and_(level, index(PER_OCTAVE - 1)), index(PER_OCTAVE))

    def _at(self, level: Any) -> Any:
        return self.builder.load(self.builder.gep(self._table, [index(0), level]))


def _table(module: ir.Module) -> ir.GlobalVariable:
    # Octaves are exact, so that a table of exponentials can be squared.
    sizes = [
        2.0 ** (k // PER_OCTAVE) * 2.0 ** (k % PER_OCTAVE / PER_OCTAVE) for k in range(-_MIDDLE, _MIDDLE + 1)
    ]
    kind = ir.ArrayType(DOUBLE, len(sizes))
    table = ir.GlobalVariable(module, kind, "cascade_step_sizes")
    table.initializer = ir.Constant(kind, [number(size) for size in sizes])
    table.global_constant = True
    table.linkage = "internal"
    return table
