"""A driver without a card: its C functions work on this machine's memory and run the kernel on its processor.

What runs is the code that the text for a card is written from, compiled for the host, with a loop over the
threads' numbers in the place of the hardware's. Every copy is checked against what was
reserved.
"""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import llvmlite.ir as ir

from rekindle.engine.code._control_flow import counted_loop
from rekindle.engine.code._machine_code import MachineCode
from rekindle.engine.gpu._driver import PROTOTYPES
from rekindle.engine.gpu._kernel import ARGUMENTS, ENTRY, people_module
from rekindle.engine.lanes._lanes import INTEGER

OUT_OF_MEMORY, INVALID_VALUE, INVALID_IMAGE, NO_DEVICE, LAUNCH_FAILED = 2, 1, 200, 100, 719
_NAMES = {2: b"CUDA_ERROR_OUT_OF_MEMORY", 1: b"CUDA_ERROR_INVALID_VALUE", 200: b"CUDA_ERROR_INVALID_IMAGE",
          100: b"CUDA_ERROR_NO_DEVICE", 719: b"CUDA_ERROR_LAUNCH_FAILED"}  # fmt: skip


def host_code(derivation):
    """The kernel for this processor: ``void ENTRY(threads, *ARGUMENTS)``."""

    def module():
        made, person = people_module(derivation)
        entry = ir.Function(made, ir.FunctionType(ir.VoidType(), [INTEGER, *ARGUMENTS.values()]), ENTRY)
        builder = ir.IRBuilder(entry.append_basic_block())
        with counted_loop(builder, entry.args[0]) as number:
            builder.call(person, [number, *entry.args[1:]])
        builder.ret_void()
        return made

    return MachineCode(module, "emulated card " + derivation.system.digest)


def put(address, kind, value):
    kind.from_address(address).value = value


class EmulatedDriver:
    """What ``ctypes.CDLL`` gives for the driver's library: C functions by name."""

    def __init__(self, *, cards=1, capability=(9, 0), double_cost=2, memory=1 << 30, local_bytes=64):
        self.cards, self.memory, self.broken = cards, memory, {}
        self.attributes = {16: 4, 39: 2048, 75: capability[0], 76: capability[1], 87: double_cost}
        self.local_bytes = local_bytes
        self.reserved, self.texts, self.code = {}, {}, []
        self.launches, self.keep = [], []
        for name, arguments in PROTOTYPES.items():
            body = getattr(self, "_" + name)
            # As in the real library, the functions know their own C types.
            given = [ctypes.c_void_p if kind is ctypes.c_char_p else kind for kind in arguments]
            function = ctypes.CFUNCTYPE(ctypes.c_int, *given)(self._or_broken(name, body))
            library_function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.cast(function, ctypes.c_void_p).value)
            self.keep.append(function)
            setattr(self, name, library_function)

    def _or_broken(self, name, body):
        return lambda *given: self.broken.get(name) or body(*given) or 0

    def card_text(self, derivation):
        """A name in the place of the text, which the tests of the text compile."""
        text = f"text of {derivation.system.digest}"
        self.texts[text] = derivation
        return text

    # ---- the driver's functions -------------------------------------------------------------------

    def _cuInit(self, flags):
        return INVALID_VALUE if flags else 0

    def _cuDeviceGetCount(self, count):
        put(count, ctypes.c_int, self.cards)

    def _cuDeviceGet(self, device, ordinal):
        put(device, ctypes.c_int, 7 + ordinal)

    def _cuDeviceGetName(self, name, length, device):
        assert device == 7
        ctypes.memmove(name, b"Emulated card\0", min(length, 14))

    def _cuDeviceGetAttribute(self, value, which, device):
        assert device == 7
        put(value, ctypes.c_int, self.attributes[which])

    def _cuDevicePrimaryCtxRetain(self, context, device):
        assert device == 7
        put(context, ctypes.c_void_p, 0xC0)

    def _cuCtxSetCurrent(self, context):
        assert context == 0xC0

    def _cuCtxSynchronize(self):
        pass

    def _cuGetErrorName(self, status, text):
        put(text, ctypes.c_char_p, _NAMES[status])

    def _cuGetErrorString(self, status, text):
        return INVALID_VALUE

    def _cuModuleLoadDataEx(self, module, text, count, options, values):
        assert list((ctypes.c_int * count).from_address(options)) == [0, 5, 6]
        _, log, size = (ctypes.c_void_p * count).from_address(values)
        text = ctypes.string_at(text).decode()
        if text not in self.texts:
            ctypes.memmove(log, b"unknown text\0", min(size, 13))
            return INVALID_IMAGE
        self.code.append(host_code(self.texts[text]))
        put(module, ctypes.c_void_p, len(self.code))
        return 0

    def _cuModuleGetFunction(self, function, module, entry):
        assert ctypes.string_at(entry).decode() == ENTRY
        put(function, ctypes.c_void_p, module)

    def _cuFuncGetAttribute(self, value, which, function):
        assert which == 3
        assert 1 <= function <= len(self.code)
        put(value, ctypes.c_int, self.local_bytes)

    def _cuMemGetInfo_v2(self, free, total):
        put(free, ctypes.c_size_t, self.memory - sum(map(len, self.reserved.values())))
        put(total, ctypes.c_size_t, self.memory)

    def _cuMemAlloc_v2(self, address, size):
        if size > self.memory - sum(map(len, self.reserved.values())):
            return OUT_OF_MEMORY
        buffer = ctypes.create_string_buffer(size)
        self.reserved[ctypes.addressof(buffer)] = buffer
        put(address, ctypes.c_uint64, ctypes.addressof(buffer))
        return 0

    def _cuMemFree_v2(self, address):
        return 0 if self.reserved.pop(address, None) is not None else INVALID_VALUE

    def _cuMemcpyHtoD_v2(self, address, source, size):
        if size > len(self.reserved.get(address, b"")):
            return INVALID_VALUE
        ctypes.memmove(address, source, size)
        return 0

    def _cuMemcpyDtoH_v2(self, target, address, size):
        if size > len(self.reserved.get(address, b"")):
            return INVALID_VALUE
        ctypes.memmove(target, address, size)
        return 0

    def _cuLaunchKernel(self, function, gx, gy, gz, bx, by, bz, shared, stream, arguments, extra):
        assert (gy, gz, by, bz, shared, stream, extra) == (1, 1, 1, 1, 0, None, None)
        places = (ctypes.c_void_p * len(ARGUMENTS)).from_address(arguments)
        given = SimpleNamespace(
            **{name: ctypes.c_int64.from_address(p).value for name, p in zip(ARGUMENTS, places, strict=True)}
        )
        if not 0 < given.people <= gx * bx:
            return INVALID_VALUE
        pointers = [name for name, kind in ARGUMENTS.items() if kind is not INTEGER]
        if any(getattr(given, name) not in self.reserved for name in pointers):
            return LAUNCH_FAILED
        self.launches.append(given.people)
        kinds = [ctypes.c_int64] * (len(ARGUMENTS) + 1)
        run = self.code[function - 1].function(ENTRY, None, kinds)
        run(given.people, *(getattr(given, name) for name in ARGUMENTS))
        return 0
