"""An NVIDIA card through its driver's C interface, which comes with the driver; nothing else is installed.

Functions and numbers are those of the CUDA driver API (``cuda.h``), stable since CUDA 4; the context is the
device's primary one, which other libraries of the process share.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

LIBRARIES = {"linux": ("libcuda.so.1", "libcuda.so"), "win32": ("nvcuda.dll",)}
#: Threads of a block, and registers a thread: four blocks fit into each multiprocessor's 65536 registers.
THREADS, REGISTERS = 128, 128
#: The oldest cards that code is generated for; newer ones take it as well.
OLDEST_CAPABILITY = (7, 0)

_SUCCESS = 0
_MULTIPROCESSORS, _RESIDENT_THREADS, _MAJOR, _MINOR, _DOUBLE_COST = 16, 39, 75, 76, 87
_LOCAL_BYTES = 3
_MAX_REGISTERS, _ERROR_LOG, _ERROR_LOG_BYTES = 0, 5, 6
_LOG_BYTES = 8192

_INT, _HANDLE, _ADDRESS, _SIZE = ctypes.c_int, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_size_t
_UNSIGNED = ctypes.c_uint
PROTOTYPES: Mapping[str, Sequence[Any]] = {
    "cuInit": (_UNSIGNED,),
    "cuDeviceGetCount": (_HANDLE,),
    "cuDeviceGet": (_HANDLE, _INT),
    "cuDeviceGetName": (_HANDLE, _INT, _INT),
    "cuDeviceGetAttribute": (_HANDLE, _INT, _INT),
    "cuDevicePrimaryCtxRetain": (_HANDLE, _INT),
    "cuCtxSetCurrent": (_HANDLE,),
    "cuCtxSynchronize": (),
    "cuGetErrorName": (_INT, _HANDLE),
    "cuGetErrorString": (_INT, _HANDLE),
    "cuLaunchKernel": (_HANDLE, *(_UNSIGNED,) * 7, _HANDLE, _HANDLE, _HANDLE),
    "cuFuncGetAttribute": (_HANDLE, _INT, _HANDLE),
    "cuMemAlloc_v2": (_HANDLE, _SIZE),
    "cuMemFree_v2": (_ADDRESS,),
    "cuMemGetInfo_v2": (_HANDLE, _HANDLE),
    "cuMemcpyDtoH_v2": (_HANDLE, _ADDRESS, _SIZE),
    "cuMemcpyHtoD_v2": (_ADDRESS, _HANDLE, _SIZE),
    "cuModuleGetFunction": (_HANDLE, _HANDLE, ctypes.c_char_p),
    "cuModuleLoadDataEx": (_HANDLE, ctypes.c_char_p, _UNSIGNED, _HANDLE, _HANDLE),
}


class CardError(Exception):
    """What the driver, or its absence, says; the message is for people."""


class Card:
    """The first card that the driver shows (``CUDA_VISIBLE_DEVICES`` chooses another).

    Args:
        library: the driver's library, as ``ctypes`` loads it.

    Raises:
        CardError: no card, or one that cannot be used.

    Attributes:
        name: as the driver calls it.
        capability: its compute capability.
        double_cost: how many times slower it is in double than in single precision.
        busy: seconds in which functions ran on it for us.
    """

    def __init__(self, library: Any) -> None:
        self._process = os.getpid()
        self._functions = {name: _function(library, name) for name in PROTOTYPES}
        self._call("cuInit", 0)
        count = ctypes.c_int()
        self._call("cuDeviceGetCount", ctypes.addressof(count))
        if not count.value:
            raise CardError("the driver shows no card")
        device = ctypes.c_int()
        self._call("cuDeviceGet", ctypes.addressof(device), 0)
        self._device = device.value
        name = ctypes.create_string_buffer(256)
        self._call("cuDeviceGetName", ctypes.addressof(name), len(name), self._device)
        self.name = name.value.decode(errors="replace")
        self.capability = self._attribute(_MAJOR), self._attribute(_MINOR)
        self.double_cost = self._attribute(_DOUBLE_COST)
        self._resident = self._attribute(_MULTIPROCESSORS) * self._attribute(_RESIDENT_THREADS)
        context = ctypes.c_void_p()
        self._call("cuDevicePrimaryCtxRetain", ctypes.addressof(context), self._device)
        self._context = context.value
        self._loaded: dict[str, int] = {}
        self.busy = 0.0

    def _call(self, name: str, *arguments: Any) -> None:
        if os.getpid() != self._process:
            raise CardError("the card belongs to the process that opened it, of which this is a fork")
        status = self._functions[name](*arguments)
        if status != _SUCCESS:
            raise CardError(f"{name} answered {self._words(status)}")

    def _words(self, status: int) -> str:
        found = [f"error {status}"]
        for name in ("cuGetErrorName", "cuGetErrorString"):
            text = ctypes.c_char_p()
            if self._functions[name](status, ctypes.addressof(text)) == _SUCCESS and text.value:
                found.append(text.value.decode(errors="replace"))
        return ", ".join(found)

    def _use(self) -> None:
        """Make the card the calling thread's own."""
        self._call("cuCtxSetCurrent", self._context)

    def _attribute(self, which: int) -> int:
        value = ctypes.c_int()
        self._call("cuDeviceGetAttribute", ctypes.addressof(value), which, self._device)
        return value.value

    # ---- code -------------------------------------------------------------------------------------

    def function(self, text: str, entry: str) -> int:
        """The entry of a text, translated by the driver once."""
        self._use()
        if text not in self._loaded:
            self._loaded[text] = self._load(text, entry)
        return self._loaded[text]

    def _load(self, text: str, entry: str) -> int:
        log = ctypes.create_string_buffer(_LOG_BYTES)
        options = (ctypes.c_int * 3)(_MAX_REGISTERS, _ERROR_LOG, _ERROR_LOG_BYTES)
        values = (ctypes.c_void_p * 3)(REGISTERS, ctypes.addressof(log), _LOG_BYTES)
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        try:
            self._call(
                "cuModuleLoadDataEx", ctypes.addressof(module), text.encode(), len(options),
                ctypes.addressof(options), ctypes.addressof(values),
            )  # fmt: skip
        except CardError as problem:
            said = log.value.decode(errors="replace").strip()
            raise CardError(f"{problem}{': ' if said else ''}{said}") from None
        self._call("cuModuleGetFunction", ctypes.addressof(function), module.value, entry.encode())
        assert function.value is not None
        return function.value

    def own_memory(self, function: int) -> int:
        """Bytes that the driver sets aside for the threads' own memory when a function runs."""
        each = ctypes.c_int()
        self._call("cuFuncGetAttribute", ctypes.addressof(each), _LOCAL_BYTES, function)
        return each.value * self._resident

    def launch(self, function: int, people: int, arguments: Sequence[int]) -> None:
        """Run a function with one thread a person and wait for it; every argument is 8 bytes wide."""
        values = (ctypes.c_uint64 * len(arguments))(*arguments)
        first = ctypes.addressof(values)
        places = (ctypes.c_void_p * len(arguments))(*(first + 8 * i for i in range(len(arguments))))
        blocks, start = -(-people // THREADS), time.perf_counter()
        self._call(
            "cuLaunchKernel", function, blocks, 1, 1, THREADS, 1, 1, 0, None, ctypes.addressof(places), None
        )
        self._call("cuCtxSynchronize")
        self.busy += time.perf_counter() - start

    # ---- memory -----------------------------------------------------------------------------------

    def free_memory(self) -> int:
        """Bytes that can still be reserved."""
        self._use()
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self._call("cuMemGetInfo_v2", ctypes.addressof(free), ctypes.addressof(total))
        return free.value

    @contextmanager
    def memory(self) -> Iterator[Memory]:
        """Memory of the card that is given back at the end of the block."""
        with ExitStack() as stack:
            yield Memory(self, stack)


class Memory:
    """Arrays on a card, given back together."""

    def __init__(self, card: Card, stack: ExitStack) -> None:
        self._card, self._stack = card, stack

    def reserve(self, size: int) -> int:
        """Reserve bytes; returns their address on the card."""
        address = ctypes.c_uint64()
        self._card._call("cuMemAlloc_v2", ctypes.addressof(address), max(size, 8))
        self._stack.callback(self._card._call, "cuMemFree_v2", address.value)
        return address.value

    def upload(self, array: NDArray[Any]) -> int:
        """Copy an array to the card; returns its address there."""
        array = np.ascontiguousarray(array)
        address = self.reserve(array.nbytes)
        if array.nbytes:
            self._card._call("cuMemcpyHtoD_v2", address, array.ctypes.data, array.nbytes)
        return address

    def download(self, address: int, array: NDArray[Any]) -> None:
        """Fill an array from the card."""
        if array.nbytes:
            self._card._call("cuMemcpyDtoH_v2", array.ctypes.data, address, array.nbytes)


def _function(library: Any, name: str) -> Any:
    try:
        function = getattr(library, name)
    except AttributeError:
        raise CardError(f"the driver lacks {name}; it is too old") from None
    function.argtypes, function.restype = list(PROTOTYPES[name]), ctypes.c_int
    return function


def load_driver() -> Any:
    """The driver's library.

    Raises:
        CardError: it is not installed.
    """
    names = LIBRARIES.get(sys.platform, ())
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    if not names:
        raise CardError(f"NVIDIA has no driver for {sys.platform}")
    raise CardError(f"NVIDIA's driver library ({' or '.join(names)}) is not installed")
