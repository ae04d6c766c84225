"""How far a long run is: a bar on a terminal, a line now and then elsewhere; always on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Nothing is shown for runs that are shorter (s).
_PATIENCE = 2.0
#: Time between two lines where there is no terminal (s).
_LINE_EVERY = 10.0


@contextmanager
def progress_bar(what: str = "people") -> Iterator[Callable[[int, int], None]]:
    """Give a function to be called with (done, all)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    task = bar.add_task(what)
    start = last_line = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal last_line
        now = time.monotonic()
        if now - start < _PATIENCE:
            return
        if console.is_terminal:
            bar.start()
            bar.update(task, completed=done, total=total)
        elif now - last_line > _LINE_EVERY:
            last_line = now
            console.print(f"{done} of {total} {what}", highlight=False)

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()
