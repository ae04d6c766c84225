"""Machine code for a system: its row functions and its integration loop.

A row function evaluates a list of expressions for many rows (time, state vector, ramps) of one person.
LLVM is reached through llvmlite, so that no compiler is needed on the user's machine.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import llvmlite.ir as ir
import numpy as np
from numpy.typing import NDArray

from rekindle.engine._control_flow import counted_loop
from rekindle.engine._emit import INTEGER, POINTER, emit, index, load, store
from rekindle.engine._factorisation import Factorisation
from rekindle.engine._hoist import HOISTED, as_number, hoist
from rekindle.engine._machine_code import MachineCode
from rekindle.engine._stepper import StepFunctions, emit_integrate
from rekindle.engine._system import TIME, System
from rekindle.modelling import Expression, constant, differentiate, symbol, symbols

Array = NDArray[np.float64]

_ROW_SIGNATURE = [INTEGER] + [POINTER] * 5
_SLOPE = "slope of "


class CompiledSystem:
    """A system with its machine code.

    Args:
        system: what to compile.

    Attributes:
        forcings: what the nonlinear part sees as known functions of time: linear states, ramps, ``time``.
        peak_names: watched expressions, in the order of the peak slopes.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.states = system.states
        self.outputs = system.outputs
        self.peak_names = self._reachable_peaks()
        self.event_names = tuple(system.model.events)
        self._build()

    def _reachable_peaks(self) -> tuple[str, ...]:
        kept = set(self.system.states)
        return tuple(
            name
            for name, peak in self.system.model.peaks.items()
            if any(assignment.state in kept for assignment in peak.assignments)
        )

    # ---- what is compiled -------------------------------------------------------------------------

    @cached_property
    def row_roots(self) -> dict[str, list[Expression]]:
        """Expressions of every row function."""
        system, model = self.system, self.system.model
        dosing: list[Expression] = []
        for name in model.derivatives:
            rule = model.dosing.get(name)
            parts = (rule.bioavailability, rule.lag, rule.duration, rule.rate) if rule else (None,) * 4
            defaults = (1.0, 0.0, -1.0, -1.0)
            dosing += [
                constant(default) if part is None else model.inline(part)[0]
                for part, default in zip(parts, defaults, strict=True)
            ]
        roots = {
            "outputs": model.inline(*(model.outputs[name].expression for name in self.outputs)),
            "initial": model.inline(*(model.states[name].initial for name in self.states)),
            "dosing": dosing,
            "linear": [*system.matrix.values(), *system.source.values()],
        }
        for name in self.event_names:
            roots[f"event {name}"] = self._after_event(model.events[name].assignments)
        for name in self.peak_names:
            peak = model.peaks[name]
            condition = constant(1.0) if peak.condition is None else model.inline(peak.condition)[0]
            roots[f"peak {name}"] = [as_number(condition), *self._after_event(peak.assignments)]
        return roots

    def _after_event(self, assignments: Sequence[Any]) -> list[Expression]:
        changed = {
            assignment.state: self.system.model.inline(assignment.expression)[0] for assignment in assignments
        }
        return [changed.get(name, symbol(name)) for name in self.states]

    @cached_property
    def forcings(self) -> tuple[str, ...]:
        """Names of the forcings, linear states first."""
        candidates = (*self.system.linear, *self.system.ramps, TIME)
        used = symbols(*self.system.right_hand_side, *self._peak_expressions)
        return tuple(name for name in candidates if name in used)

    @cached_property
    def _peak_expressions(self) -> list[Expression]:
        model = self.system.model
        return model.inline(*(model.peaks[name].expression for name in self.peak_names))

    @cached_property
    def _peak_slopes(self) -> list[Expression]:
        rates = dict(zip(self.system.nonlinear, self.system.right_hand_side, strict=True))
        rates.update({name: symbol(_SLOPE + name) for name in self.forcings})
        return [self._total_slope(expression, rates) for expression in self._peak_expressions]

    @staticmethod
    def _total_slope(expression: Expression, rates: Mapping[str, Expression]) -> Expression:
        total = constant(0.0)
        for name in sorted(symbols(expression) & set(rates)):
            total = total + differentiate(expression, name) * rates[name]
        return total

    @cached_property
    def _jacobian(self) -> dict[tuple[int, int], Expression]:
        entries: dict[tuple[int, int], Expression] = {}
        column = {name: position for position, name in enumerate(self.system.nonlinear)}
        for row, rate in enumerate(self.system.right_hand_side):
            for name in symbols(rate) & set(column):
                slope = differentiate(rate, name)
                if not slope.equals(0.0):
                    entries[row, column[name]] = slope
        return dict(sorted(entries.items()))

    @cached_property
    def _time_slopes(self) -> list[Expression]:
        rates = {name: symbol(_SLOPE + name) for name in self.forcings}
        return [self._total_slope(rate, rates) for rate in self.system.right_hand_side]

    # ---- building ---------------------------------------------------------------------------------

    def _build(self) -> None:
        module = ir.Module("rekindle")
        for name, roots in self.row_roots.items():
            self._emit_rows(module, name, roots)
        self._emit_step_functions(module)
        self._library = MachineCode(module)
        pointers = [ctypes.c_void_p] * 5
        self._rows = {
            name: self._library.function(name, None, [ctypes.c_int64, *pointers]) for name in self.row_roots
        }
        self._prologue = self._library.function("prologue", None, [ctypes.c_void_p] * 2)
        self.integrate = self._library.function(
            "integrate",
            ctypes.c_int64,
            [*[ctypes.c_void_p] * 5, ctypes.c_int64, ctypes.c_double, ctypes.c_double, ctypes.c_void_p,
             ctypes.c_int64, *[ctypes.c_void_p] * 4],
        )  # fmt: skip

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
                        found[symbol_name] = load(builder, constants, self._constant_index[symbol_name])
                return found[symbol_name]

            for column, value in enumerate(emit(builder, roots, read)):
                place = builder.add(builder.mul(row, index(len(roots))), index(column))
                store(builder, value, results, place)
        builder.ret_void()

    @cached_property
    def _constant_index(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.system.constants)}

    def _emit_step_functions(self, module: ir.Module) -> None:
        slopes = [*self._jacobian.values(), *self._time_slopes]
        groups = [list(self.system.right_hand_side), slopes, self._peak_slopes]
        flat, hoisted = hoist([root for group in groups for root in group], set(self._constant_index))
        self.hoisted_count = len(hoisted)
        ends = np.cumsum([len(group) for group in groups])
        rates, slopes, peaks = (flat[end - len(group) : end] for end, group in zip(ends, groups, strict=True))
        self._emit_prologue(module, hoisted)
        n, count = len(self.system.nonlinear), len(self._jacobian)
        factorisation = Factorisation(n, self._jacobian)
        parts = StepFunctions(
            right_hand_side=self._emit_inner(module, "right_hand_side", rates, [len(rates)], slopes=False),
            slopes=self._emit_inner(module, "slopes", slopes, [count, n], slopes=True),
            factor=factorisation.emit_factor(module),
            solve=factorisation.emit_solve(module),
            peaks=self._emit_inner(module, "peaks", peaks, [len(peaks)], slopes=True),
            states=n,
            forcings=len(self.forcings),
            modes=len(self.system.linear),
            jacobian=count,
            factors=len(factorisation.slots),
            peak_count=len(self.peak_names),
        )
        emit_integrate(module, parts)

    def _emit_prologue(self, module: ir.Module, hoisted: Sequence[Expression]) -> None:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, POINTER]), "prologue")
        builder = ir.IRBuilder(function.append_basic_block())
        constants, results = function.args
        values = emit(builder, hoisted, lambda name: load(builder, constants, self._constant_index[name]))
        for position, value in enumerate(values):
            store(builder, value, results, position)
        builder.ret_void()

    def _emit_inner(
        self, module: ir.Module, name: str, roots: Sequence[Expression], sizes: Sequence[int], *, slopes: bool
    ) -> ir.Function:
        """A function (y, forcing values, [forcing slopes,] hoisted, result, ...) of the integration loop."""
        inputs = 4 if slopes else 3
        kind = ir.FunctionType(ir.VoidType(), [POINTER] * (inputs + len(sizes)))
        function = ir.Function(module, kind, name)
        function.linkage = "internal"
        builder = ir.IRBuilder(function.append_basic_block())
        states, values, *rest = function.args[:inputs]
        hoisted = rest[-1]
        places = {s: (states, i) for i, s in enumerate(self.system.nonlinear)}
        places |= {s: (values, i) for i, s in enumerate(self.forcings)}
        places |= {_SLOPE + s: (rest[0], i) for i, s in enumerate(self.forcings)}
        loaded: dict[str, Any] = {}

        def read(symbol_name: str) -> Any:
            if symbol_name not in loaded:
                if symbol_name.startswith(HOISTED):
                    base, position = hoisted, int(symbol_name[len(HOISTED) :])
                else:
                    base, position = places[symbol_name]
                loaded[symbol_name] = load(builder, base, position)
            return loaded[symbol_name]

        results = iter(emit(builder, roots, read))
        for target, size in zip(function.args[inputs:], sizes, strict=True):
            for position in range(size):
                store(builder, next(results), target, position)
        builder.ret_void()
        return function

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
        result = np.empty(max(self.hoisted_count, 1))
        self._prologue(constants.ctypes.data, result.ctypes.data)
        return result
