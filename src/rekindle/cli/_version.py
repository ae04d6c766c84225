"""The version that every result carries."""

from __future__ import annotations

from importlib import import_module


def version() -> str:
    """Version of the installed package.

    >>> version().count(".")
    2
    """
    return str(import_module("rekindle").__version__)
