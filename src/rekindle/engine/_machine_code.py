"""LLVM text turned into functions that Python can call."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import llvmlite.binding as llvm
import llvmlite.ir as ir


class MachineCode:
    """A module turned into machine code that stays alive as long as this object."""

    _ready = False

    def __init__(self, module: ir.Module) -> None:
        if not MachineCode._ready:
            llvm.initialize_native_target()
            llvm.initialize_native_asmprinter()
            MachineCode._ready = True
        target = llvm.Target.from_default_triple()
        self._machine = target.create_target_machine(
            opt=2, cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten()
        )
        module.triple = target.triple
        parsed = llvm.parse_assembly(str(module))
        parsed.verify()
        options = llvm.create_pipeline_tuning_options(speed_level=2)
        builder = llvm.create_pass_builder(self._machine, options)
        builder.getModulePassManager().run(parsed, builder)
        self._engine = llvm.create_mcjit_compiler(parsed, self._machine)
        self._engine.finalize_object()

    def function(self, name: str, result: Any, arguments: Sequence[Any]) -> Any:
        """A C function of the module, callable from Python (the interpreter lock is released)."""
        return ctypes.CFUNCTYPE(result, *arguments)(self._engine.get_function_address(name))
