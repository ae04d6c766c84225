"""The text (PTX) of a system for NVIDIA cards, written by LLVM and kept on disk; no CUDA toolkit takes part.

The driver of the card translates the text for the card at hand. It may fuse products and sums where the
emitter allows it; the others are marked as rounded by themselves (``.rn``), because the exact remainders
inside log and pow would be lost if they were fused.
"""

from __future__ import annotations

import llvmlite
import llvmlite.binding as llvm

from rekindle._disk_cache import DiskCache, source_digest
from rekindle.engine._derivation import Derivation
from rekindle.engine.code._machine_code import optimised
from rekindle.engine.gpu._driver import OLDEST_CAPABILITY
from rekindle.engine.gpu._kernel import card_module

TRIPLE = "nvptx64-nvidia-cuda"
ARCHITECTURE = "sm_{}{}".format(*OLDEST_CAPABILITY)


def card_text(derivation: Derivation) -> str:
    """PTX of the program runner of a system."""
    cache = DiskCache.of_user()
    version = f"{llvmlite.__version__} {llvm.llvm_version_info}"
    name = cache.name(
        version, TRIPLE, ARCHITECTURE, source_digest("engine", "modelling"), derivation.system.digest
    )
    kept = cache.load(name)
    if kept is None:
        kept = _compile(derivation).encode()
        cache.save(name, kept)
    return kept.decode()


def _compile(derivation: Derivation) -> str:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(TRIPLE).create_target_machine(cpu=ARCHITECTURE, opt=2)
    module = card_module(derivation)
    module.data_layout = str(machine.target_data)
    text: str = machine.emit_assembly(optimised(module, TRIPLE, machine))
    return text
