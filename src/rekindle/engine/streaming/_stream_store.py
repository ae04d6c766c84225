"""How far a streamed simulation has come, kept in a folder."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rekindle.engine.running._whole_files import claim, write_whole
from rekindle.engine.streaming._reduce_tally import Tally


class StreamStore:
    """The tally of the first pieces; the file of the step before stays until the next is complete."""

    def __init__(self, folder: Path, mine: str) -> None:
        claim(folder, "stream.json", mine)
        self.path = folder / "tally.npz"

    def save(self, done: int, tally: Tally) -> None:
        """Keep what the first ``done`` pieces added up to."""
        buffer = io.BytesIO()
        np.savez(buffer, done=np.array(done), **tally.arrays())  # type: ignore[arg-type]  # names of arrays
        write_whole(self.path, buffer.getvalue())

    def load(self, empty: Callable[[], Tally]) -> tuple[int, Tally, str]:
        """An earlier run: pieces that are done, what they added up to, and what was found."""
        tally = empty()
        if not self.path.exists():
            return 0, tally, ""
        try:
            with np.load(self.path) as stored:
                arrays = {name: stored[name] for name in stored.files}
            done = int(arrays.pop("done"))
            tally.restore(arrays)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return 0, empty(), f"{self.path.name} is damaged; everybody is simulated again."
        return done, tally, f"Went on after {done} pieces ({tally.people} people) of an earlier run."
