"""The program runner for a graphics card: one person a thread, one lane, doses inside the loop over time.

It is the same generated code as for the lanes of a vector, with one lane: exact linear part, Rodas5P for the
rest, events, outputs and peaks. The stages of a step are calls of the same functions on arrays in the
thread's own memory, so that a thread needs no more registers than one right-hand side.
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ir

from rekindle.engine._derivation import Derivation
from rekindle.engine.lanes._lanes import INTEGER, INTEGERS, POINTER, index, keep_apart, place, store
from rekindle.engine.program._kernel_source import KernelSource
from rekindle.engine.rodas import _contract as contract

ENTRY = "rekindle_people"
_PERSON = "one_person"

#: Arguments of the entry, all 8 bytes wide. ``values``, ``constants`` and ``modal`` are rows of ``stride``
#: numbers, one a person; results, controls and scratch memory follow each other person by person.
ARGUMENTS = {
    "operations": INTEGERS, "operation_count": INTEGER, "moments": POINTER, "values": POINTER,
    "constants": POINTER, "modal": POINTER, "structures": INTEGERS, "stride": INTEGER,
    "output_times": POINTER, "output_rows": INTEGERS, "results": POINTER, "results_each": INTEGER,
    "controls": POINTER, "scratch": POINTER, "scratch_each": INTEGER, "statuses": INTEGERS, "people": INTEGER,
}  # fmt: skip


def people_module(derivation: Derivation) -> tuple[ir.Module, ir.Function]:
    """The generated code without an entry, and its function ``void one_person(number, *ARGUMENTS)``."""
    module = KernelSource(derivation, 1).module()
    for function in module.functions:
        if function.blocks:
            function.linkage = "internal"
    run = module.get_global("run")
    for name in ("run", "integrate"):
        keep_apart(module.get_global(name))
    signature = ir.FunctionType(ir.VoidType(), [INTEGER, *ARGUMENTS.values()])
    function = ir.Function(module, signature, _PERSON)
    function.linkage = "internal"
    number, *given = function.args
    builder = ir.IRBuilder(function.append_basic_block())
    own = dict(zip(ARGUMENTS, given, strict=True))
    statuses, scratch_each = own.pop("statuses"), own.pop("scratch_each")
    own.pop("people")
    for row in ("values", "constants", "modal"):
        own[row] = place(builder, own[row], number)
    sizes = (
        ("results", own["results_each"]),
        ("controls", index(contract.CONTROLS)),
        ("scratch", scratch_each),
    )
    for name, size in sizes:
        own[name] = place(builder, own[name], builder.mul(number, size))
    store(builder, builder.call(run, list(own.values())), statuses, number)
    builder.ret_void()
    return module, function


def card_module(derivation: Derivation) -> ir.Module:
    """The generated code with its entry for a card, where the thread's index is the number of the person."""
    module, person = people_module(derivation)
    entry = ir.Function(module, ir.FunctionType(ir.VoidType(), list(ARGUMENTS.values())), ENTRY)
    entry.calling_convention = "ptx_kernel"
    builder = ir.IRBuilder(entry.append_basic_block())
    block, size, thread = (_register(builder, name) for name in ("ctaid.x", "ntid.x", "tid.x"))
    number = builder.add(builder.mul(block, size), thread)
    people = entry.args[list(ARGUMENTS).index("people")]
    with builder.if_then(builder.icmp_signed("<", number, people)):
        builder.call(person, [number, *entry.args])
    builder.ret_void()
    return module


def _register(builder: ir.IRBuilder, name: str) -> Any:
    """A special register of the card, widened to 64 bits."""
    signature = ir.FunctionType(ir.IntType(32), [])
    function = ir.Function(builder.module, signature, f"llvm.nvvm.read.ptx.sreg.{name}")
    return builder.zext(builder.call(function, []), INTEGER)
