"""Ctrl-C: stop at once, keep what is finished, and say how to go on."""

from __future__ import annotations

import multiprocessing
import os
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

#: Folder inside the output folder in which finished people wait for the rest.
UNFINISHED = ".unfinished"
#: Exit code of a run that the user stopped.
INTERRUPTED = 130
_SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def resumable(folder: Path | None) -> Iterator[Path | None]:
    """Give the checkpoint folder of a run; it is removed when the run completes, and kept when it does not.

    Args:
        folder: output folder; None keeps nothing.
    """
    checkpoint = None if folder is None else folder / UNFINISHED
    with _stopped_at_once(what_is_kept(checkpoint, sys.argv[1:])):
        yield checkpoint
    if checkpoint is not None:
        shutil.rmtree(checkpoint, ignore_errors=True)


def what_is_kept(checkpoint: Path | None, arguments: list[str]) -> str:
    """What a user is told after an interruption.

    >>> print(what_is_kept(Path("out/.unfinished"), ["simulate", "saline over 40 min", "--out", "out"]))
    Stopped. What is finished is kept in out/.unfinished. To go on, run the same command:
      rekindle simulate 'saline over 40 min' --out out
    """
    if checkpoint is None:
        return "Stopped. Nothing is kept."
    command = shlex.join(["rekindle", *arguments])
    return f"Stopped. What is finished is kept in {checkpoint}. To go on, run the same command:\n  {command}"


@contextmanager
def _stopped_at_once(message: str) -> Iterator[None]:
    """End this process and its workers on the interrupt signal.

    Waiting for workers would mean waiting for everything that is queued, and unwinding while a pool of
    processes is busy can block. Nothing is lost: files of finished people are complete or absent.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    parent = os.getpid()

    def stop(_: int, __: FrameType | None) -> None:
        if os.getpid() == parent:
            for worker in multiprocessing.active_children():
                worker.kill()
            cursor = _SHOW_CURSOR if os.isatty(2) else ""
            os.write(2, f"{cursor}\n{message}\n".encode())
        os._exit(INTERRUPTED)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
