"""LLVM text turned into functions that Python can call, with the machine code kept on disk."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import llvmlite
import llvmlite.binding as llvm

from rekindle._disk_cache import DiskCache, source_digest
from rekindle.engine.code._processor import Processor, this_processor

if TYPE_CHECKING:
    import llvmlite.ir as ir


@dataclass(frozen=True)
class Effort:
    """How much LLVM does before it writes machine code.

    Attributes:
        level: of its optimisation, 0 to 3.
        loops: whether it unrolls loops and makes vectors of them, for code that does not consist of vectors.
    """

    level: int = 2
    loops: bool = True


#: The default.
FULL = Effort()
#: For code that consists of vectors and calls: as fast as with all effort, in two thirds of the time.
LIGHT = Effort(1, loops=False)


class MachineCode:
    """A module turned into machine code that stays alive as long as this object.

    Args:
        module: generates the code; called only if the code is not kept.
        key: everything that determines the generated code, besides this package's own source.
        processor: what to compile for; default the one that ``REKINDLE_CPU`` names.
        effort: of optimising.
    """

    _ready = False

    def __init__(
        self,
        module: Callable[[], ir.Module],
        key: str,
        processor: Processor | None = None,
        effort: Effort = FULL,
    ) -> None:
        if not MachineCode._ready:
            llvm.initialize_native_target()
            llvm.initialize_native_asmprinter()
            MachineCode._ready = True
        target = llvm.Target.from_default_triple()
        cpu = processor or this_processor()
        self._machine = target.create_target_machine(opt=2, cpu=cpu.name, features=cpu.features)
        cache = DiskCache.of_user()
        version = f"{llvmlite.__version__} {llvm.llvm_version_info} {effort}"
        name = cache.name(
            version, target.triple, cpu.name, cpu.features, source_digest("engine", "modelling"), key
        )
        code = cache.load(name)
        if code is None:
            code = compiled(module(), target.triple, self._machine, effort)
            cache.save(name, code)
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), self._machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def function(self, name: str, result: Any, arguments: Sequence[Any]) -> Any:
        """A C function of the module, callable from Python (the interpreter lock is released)."""
        return ctypes.CFUNCTYPE(result, *arguments)(self._engine.get_function_address(name))


def compiled(module: ir.Module, triple: str, machine: llvm.TargetMachine, effort: Effort = FULL) -> bytes:
    """Object code of a module for any machine that LLVM knows."""
    code: bytes = machine.emit_object(optimised(module, triple, machine, effort))
    return code


def optimised(
    module: ir.Module, triple: str, machine: llvm.TargetMachine, effort: Effort = FULL
) -> llvm.ModuleRef:
    """A module checked and optimised for a machine."""
    module.triple = triple
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=effort.level)
    if not effort.loops:
        options.loop_unrolling = options.loop_interleaving = False
        options.loop_vectorization = options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(parsed, builder)
    return parsed
