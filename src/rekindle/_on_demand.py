"""Public names of a package that are loaded when they are first asked for, so that starting stays quick."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_demand(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package.

    Args:
        package: its ``__name__``.
        modules: module of the package -> the public names that it defines, as they would follow ``import``.

    >>> on_demand("rekindle", {"units": "PURE, parse_unit as read"})("read")("mg").text
    'mg'
    """
    found = {}
    for module, names in modules.items():
        for name in names.split(","):
            there, _, here = name.strip().partition(" as ")
            found[here or there] = module, there

    def load(name: str) -> Any:
        if name not in found:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, there = found[name]
        value = getattr(import_module(f"{package}.{module}"), there)
        setattr(sys.modules[package], name, value)
        return value

    return load
