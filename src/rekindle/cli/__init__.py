"""The command line: one file a command, loaded when it is called.

>>> callable(main)
True
"""

from rekindle.cli._main import main

__all__ = ["main"]
