"""Arithmetic on generated numbers of one kind, with plain numbers spread over the lanes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import llvmlite.ir as ir

from rekindle.engine.lanes._lanes import LaneKind, intrinsic

#: Adding it leaves the nearest whole number in the low bits of the sum.
MAGIC = 6755399441055744.0


class Numbers:
    """A builder that works on values of one kind; floats among the operands become constants."""

    def __init__(self, builder: ir.IRBuilder, kind: LaneKind) -> None:
        self.builder, self.kind = builder, kind

    def value(self, given: Any) -> Any:
        return self.kind.number(given) if isinstance(given, float) else given

    def add(self, left: Any, right: Any) -> Any:
        return self.builder.fadd(self.value(left), self.value(right))

    def sub(self, left: Any, right: Any) -> Any:
        return self.builder.fsub(self.value(left), self.value(right))

    def mul(self, left: Any, right: Any) -> Any:
        return self.builder.fmul(self.value(left), self.value(right))

    def div(self, left: Any, right: Any) -> Any:
        return self.builder.fdiv(self.value(left), self.value(right))

    def fma(self, left: Any, right: Any, added: Any) -> Any:
        """Multiply and add, in one instruction where the processor has it, else rounded twice."""
        return intrinsic(self.builder, "llvm.fmuladd", *map(self.value, (left, right, added)))

    def fma_exact(self, left: Any, right: Any, added: Any) -> Any:
        """The same rounded once on every processor, where what rounding lost is to be found."""
        return intrinsic(self.builder, "llvm.fma", *map(self.value, (left, right, added)))

    def magnitude(self, value: Any) -> Any:
        return intrinsic(self.builder, "llvm.fabs", value)

    def compare(self, sign: str, left: Any, right: Any) -> Any:
        return self.builder.fcmp_ordered(sign, self.value(left), self.value(right))

    def choose(self, condition: Any, yes: Any, no: Any) -> Any:
        return self.builder.select(condition, self.value(yes), self.value(no))

    def bits(self, value: Any) -> Any:
        return self.builder.bitcast(value, self.kind.integers)

    def from_bits(self, bits: Any) -> Any:
        return self.builder.bitcast(bits, self.kind.type)

    def polynomial(self, x: Any, coefficients: Sequence[float]) -> Any:
        """Sum of coefficient k times x^k, in pairs, so that few multiplications wait for others."""
        terms = [self.value(c) for c in coefficients]
        power = x
        while len(terms) > 1:
            pairs = [self.fma(terms[k + 1], power, terms[k]) for k in range(0, len(terms) - 1, 2)]
            terms = pairs + terms[len(pairs) * 2 :]
            power = self.mul(power, power)
        return terms[0]

    def two_to(self, shifted: Any) -> Any:
        """2^n from n + magic number."""
        exponent = self.builder.add(self.bits(shifted), self.kind.whole(1023))
        return self.from_bits(self.builder.shl(exponent, self.kind.whole(52)))
