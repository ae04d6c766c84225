"""Numbers of generated code: a double, or a vector of doubles with one person in each lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir

DOUBLE = ir.DoubleType()
BIT = ir.IntType(1)
INTEGER = ir.IntType(64)
POINTER = DOUBLE.as_pointer()
INTEGERS = INTEGER.as_pointer()

#: Multiply-add may be fused; nothing else may be reordered, because that can break an exp.
FLAGS = ("contract",)


@dataclass(frozen=True)
class LaneKind:
    """The number that generated code works on: one double, or a vector with one person in each lane."""

    lanes: int = 1

    @property
    def type(self) -> ir.Type:
        """``double`` for one lane, else ``<lanes x double>``."""
        return DOUBLE if self.lanes == 1 else ir.VectorType(DOUBLE, self.lanes)

    @property
    def pointer(self) -> ir.Type:
        """Pointer to an array of such numbers."""
        return self.type.as_pointer()

    @property
    def bits(self) -> ir.Type:
        """What a comparison of two such numbers gives."""
        return BIT if self.lanes == 1 else ir.VectorType(BIT, self.lanes)

    @property
    def integers(self) -> ir.Type:
        """The 64 bits of each lane as integers."""
        return INTEGER if self.lanes == 1 else ir.VectorType(INTEGER, self.lanes)

    def number(self, value: float) -> ir.Constant:
        """A constant, the same in every lane."""
        return number(value) if self.lanes == 1 else ir.Constant(self.type, [number(value)] * self.lanes)

    def whole(self, value: int) -> ir.Constant:
        """An integer constant, the same in every lane."""
        return index(value) if self.lanes == 1 else ir.Constant(self.integers, [index(value)] * self.lanes)

    def spread(self, builder: ir.IRBuilder, value: Any) -> Any:
        """A double, the same in every lane."""
        if self.lanes == 1:
            return value
        lone = builder.insert_element(ir.Constant(self.type, ir.Undefined), value, ir.IntType(32)(0))
        order = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [ir.IntType(32)(0)] * self.lanes)
        return builder.shuffle_vector(lone, ir.Constant(self.type, ir.Undefined), order)

    def lane(self, builder: ir.IRBuilder, value: Any, lane: int) -> Any:
        """The value of one lane."""
        return value if self.lanes == 1 else builder.extract_element(value, ir.IntType(32)(lane))

    def largest(self, builder: ir.IRBuilder, value: Any) -> Any:
        """Largest value over the lanes, as a double; lanes without a number are passed over."""
        return value if self.lanes == 1 else _reduce(builder, "llvm.vector.reduce.fmax", value)

    def most(self, builder: ir.IRBuilder, value: Any) -> Any:
        """Largest of numbers not below zero, as a double; an undefined one counts as larger than any.

        Their bits are compared as whole numbers, which takes a fraction of the time that comparing takes.
        """
        if self.lanes == 1:
            return value
        largest = _reduce(builder, "llvm.vector.reduce.umax", builder.bitcast(value, self.integers))
        return builder.bitcast(largest, DOUBLE)

    def smallest(self, builder: ir.IRBuilder, value: Any) -> Any:
        """Smallest value over the lanes, as a double; lanes without a number are passed over."""
        return value if self.lanes == 1 else _reduce(builder, "llvm.vector.reduce.fmin", value)

    def any(self, builder: ir.IRBuilder, bits: Any) -> Any:
        """Whether a condition holds in any lane, as one bit."""
        return bits if self.lanes == 1 else _reduce(builder, "llvm.vector.reduce.or", bits)


SCALAR = LaneKind(1)


def kind_of(value: Any) -> LaneKind:
    """The kind of a value, a condition or a vector of integers."""
    return LaneKind(value.type.count) if isinstance(value.type, ir.VectorType) else SCALAR


def number(value: float) -> ir.Constant:
    """A double constant."""
    return ir.Constant(DOUBLE, float(value))


def index(value: int) -> ir.Constant:
    """A 64-bit integer constant."""
    return ir.Constant(INTEGER, value)


def keep_apart(function: ir.Function) -> None:
    """Compile a function of the module once and call it, because copies at each call cost seconds."""
    function.linkage = "internal"
    function.attributes.add("noinline")


def place(builder: ir.IRBuilder, pointer: Any, position: Any) -> Any:
    """The address ``pointer + position``."""
    return builder.gep(pointer, [index(position) if isinstance(position, int) else position])


def load(builder: ir.IRBuilder, pointer: Any, position: Any) -> Any:
    """Read ``pointer[position]``."""
    loaded = builder.load(place(builder, pointer, position))
    loaded.align = 8  # arrays come from outside and are aligned like plain doubles
    return loaded


def store(builder: ir.IRBuilder, value: Any, pointer: Any, position: Any) -> None:
    """Write ``pointer[position] = value``."""
    builder.store(value, place(builder, pointer, position)).align = 8


def intrinsic(builder: ir.IRBuilder, name: str, *arguments: Any) -> Any:
    """Call a floating-point intrinsic on doubles or vectors of them."""
    kind = arguments[0].type
    return builder.call(_declared(builder, f"{name}.{_suffix(kind)}", kind, len(arguments), kind), arguments)


def _reduce(builder: ir.IRBuilder, name: str, value: Any) -> Any:
    function = _declared(builder, f"{name}.{_suffix(value.type)}", value.type.element, 1, value.type)
    return builder.call(function, [value])


def _suffix(kind: Any) -> str:
    lanes = f"v{kind.count}" if isinstance(kind, ir.VectorType) else ""
    element = kind.element if lanes else kind
    return lanes + ("f64" if element == DOUBLE else f"i{element.width}")


def _declared(builder: ir.IRBuilder, name: str, result: Any, count: int, kind: Any) -> ir.Function:
    known = builder.module.globals.get(name)
    return known or ir.Function(builder.module, ir.FunctionType(result, [kind] * count), name)
