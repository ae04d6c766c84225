"""LLVM text turned into functions that Python can call, with the machine code kept on disk."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import llvmlite.ir as ir

from rekindle._disk_cache import DiskCache, source_digest

_SPEED_LEVEL = 2


class MachineCode:
    """A module turned into machine code that stays alive as long as this object.

    Args:
        module: generates the code; called only if the code is not kept.
        key: everything that determines the generated code, besides this package's own source.
    """

    _ready = False

    def __init__(self, module: Callable[[], ir.Module], key: str) -> None:
        if not MachineCode._ready:
            llvm.initialize_native_target()
            llvm.initialize_native_asmprinter()
            MachineCode._ready = True
        target = llvm.Target.from_default_triple()
        processor, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
        self._machine = target.create_target_machine(opt=2, cpu=processor, features=features)
        cache = DiskCache.of_user()
        version = f"{llvmlite.__version__} {llvm.llvm_version_info} {_SPEED_LEVEL}"
        name = cache.name(
            version, target.triple, processor, features, source_digest("engine", "modelling"), key
        )
        code = cache.load(name)
        if code is None:
            code = self._compile(module(), target.triple)
            cache.save(name, code)
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), self._machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def _compile(self, module: ir.Module, triple: str) -> bytes:
        module.triple = triple
        parsed = llvm.parse_assembly(str(module))
        parsed.verify()
        options = llvm.create_pipeline_tuning_options(speed_level=_SPEED_LEVEL)
        builder = llvm.create_pass_builder(self._machine, options)
        builder.getModulePassManager().run(parsed, builder)
        code: bytes = self._machine.emit_object(parsed)
        return code

    def function(self, name: str, result: Any, arguments: Sequence[Any]) -> Any:
        """A C function of the module, callable from Python (the interpreter lock is released)."""
        return ctypes.CFUNCTYPE(result, *arguments)(self._engine.get_function_address(name))
