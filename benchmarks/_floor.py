"""The physical floor: what the right-hand side alone costs, and what the machine can do at most.

The emitter of our own engine compiles the right-hand side for a group of lanes; a tight loop evaluates it
for a few groups whose numbers stay in the nearest cache. No solver can need less than nodes times this.
"""

from __future__ import annotations

import ctypes
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ir
import numpy as np

from benchmarks._equations import Equations, equations
from benchmarks._workload import Workload
from rekindle.engine.code._control_flow import counted_loop
from rekindle.engine.code._emit import emit
from rekindle.engine.code._machine_code import MachineCode
from rekindle.engine.lanes._lanes import INTEGER, LaneKind, index, intrinsic, load, store
from rekindle.modelling import Expression, topological

LANES = 8
_GROUPS = 4
_CHAINS = 16
_RUNS = 7


@dataclass(frozen=True)
class Floor:
    """Seconds of one right-hand side per person, operations in it, and the peak of multiply-adds."""

    seconds: float
    operations: dict[str, int]
    peak_flops: float

    def words(self) -> str:
        """The operations in one line."""
        return ", ".join(f"{count} {name}" for name, count in sorted(self.operations.items()))


def measure_floor(workload: Workload) -> Floor:
    """Compile and time the right-hand side of a workload."""
    system = equations(workload)
    nodes = topological(system.rates)
    operations: Counter[str] = Counter()
    for node in nodes:
        operations.update(_operations(node))
    return Floor(_right_hand_side(workload, system), dict(operations), _peak())


def _operations(node: Expression) -> dict[str, int]:
    """What a node costs; small whole powers are products."""
    if node.operation in ("constant", "symbol"):
        return {}
    products = {2.0: 1, 3.0: 2, 4.0: 2}
    if node.operation == "pow" and node.arguments[1].value in products:
        return {"mul": products[node.arguments[1].value]}
    return {node.operation: 1}


def _right_hand_side(workload: Workload, system: Equations) -> float:
    wide = len(system.hoisted) + len(system.infused)
    code = MachineCode(lambda: _module(system, wide), f"floor {workload.name} {system.rates}")
    function = code.function("rates", None, [ctypes.c_int64, *[ctypes.c_void_p] * 3])
    rows = system.all_constants(workload.people(_GROUPS * LANES))[:, 0]
    constants = _in_lanes(rows)
    # Somewhere in the middle of the course, so that no branch and no exponential is at its resting value.
    states = np.repeat(np.abs(system.initial)[None] + 0.1, _GROUPS * LANES, axis=0)
    values, slopes = _in_lanes(states), np.zeros((_GROUPS, len(system.states), LANES))

    def once(repeats: int) -> None:
        function(repeats, values.ctypes.data, constants.ctypes.data, slopes.ctypes.data)

    return _fastest(once, 20_000) / (_GROUPS * LANES)


def _in_lanes(rows: Any) -> Any:
    """(people, columns) -> (groups, columns, lanes)."""
    return np.ascontiguousarray(rows.reshape(_GROUPS, LANES, -1).transpose(0, 2, 1))


def _module(system: Equations, wide: int) -> ir.Module:
    kind, module = LaneKind(LANES), ir.Module("floor")
    signature = ir.FunctionType(ir.VoidType(), [INTEGER, *[kind.pointer] * 3])
    function = ir.Function(module, signature, "rates")
    builder = ir.IRBuilder(function.append_basic_block())
    repeats, states, constants, slopes = function.args
    count = len(system.states)
    with counted_loop(builder, repeats), counted_loop(builder, index(_GROUPS)) as group:

        def at(base: Any, width: int, column: int) -> Any:
            return builder.gep(base, [builder.add(builder.mul(group, index(width)), index(column))])

        def read(name: str) -> Any:
            if name in system.states:
                return load(builder, at(states, count, system.states.index(name)), 0)
            return load(builder, at(constants, wide, int(name.rsplit("_", 1)[1])), 0)

        for column, value in enumerate(emit(builder, system.rates, read, kind)):
            store(builder, value, at(slopes, count, column), 0)
    builder.ret_void()
    return module


def _peak() -> float:
    """Multiply-adds a second times two, from independent chains in registers."""
    kind, module = LaneKind(LANES), ir.Module("peak")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INTEGER, kind.pointer]), "peak")
    before = function.append_basic_block()
    body, after = function.append_basic_block(), function.append_basic_block()
    builder = ir.IRBuilder(before)
    builder.branch(body)
    builder.position_at_end(body)
    counter = builder.phi(INTEGER)
    counter.add_incoming(index(0), before)
    chains = [builder.phi(kind.type) for _ in range(_CHAINS)]
    factor, term = kind.number(0.999), kind.number(0.001)
    results = [intrinsic(builder, "llvm.fma", chain, factor, term) for chain in chains]
    for place, (chain, result) in enumerate(zip(chains, results, strict=True)):
        chain.add_incoming(kind.number(1.0 + place), before)
        chain.add_incoming(result, body)
    following = builder.add(counter, index(1))
    counter.add_incoming(following, body)
    builder.cbranch(builder.icmp_signed("<", following, function.args[0]), body, after)
    builder.position_at_end(after)
    for place, result in enumerate(results):
        store(builder, result, function.args[1], place)
    builder.ret_void()
    code = MachineCode(lambda: module, "peak")
    run = code.function("peak", None, [ctypes.c_int64, ctypes.c_void_p])
    kept = np.zeros((_CHAINS, LANES))
    return _CHAINS * LANES * 2 / _fastest(lambda repeats: run(repeats, kept.ctypes.data), 2_000_000)


def measure_memory() -> tuple[float, float]:
    """Bytes a second at which numbers are written into a buffer in use and into a new one."""
    size, used, fresh = 1 << 25, [], []
    for _ in range(_RUNS):
        start = time.perf_counter()
        buffer = np.full(size, 1.0)
        between = time.perf_counter()
        buffer.fill(2.0)
        used.append(time.perf_counter() - between)
        fresh.append(between - start)
    return buffer.nbytes / statistics.median(used), buffer.nbytes / statistics.median(fresh)


def _fastest(once: Callable[[int], None], repeats: int) -> float:
    """CPU seconds of one repeat: the median of several runs."""
    once(repeats // 10)
    seconds = []
    for _ in range(_RUNS):
        start = time.process_time()
        once(repeats)
        seconds.append((time.process_time() - start) / repeats)
    return statistics.median(seconds)
