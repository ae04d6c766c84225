"""How far a streamed simulation has come, kept in a folder."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rekindle.engine._reduce_tally import Tally
from rekindle.errors import OutputError


def fingerprint(content: Any) -> str:
    """Digest of everything that determines the numbers."""
    return hashlib.sha256(pickle.dumps(content, protocol=4)).hexdigest()


def claim(folder: Path, name: str, mine: str) -> None:
    """Make a folder this run's own.

    Raises:
        OutputError: it belongs to a run with other inputs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / name
    if not note.exists():
        write_whole(note, json.dumps({"fingerprint": mine}).encode())
    elif json.loads(note.read_text()).get("fingerprint") != mine:
        raise OutputError(
            "RK-OUT-005",
            given=f"{folder} holds an unfinished run with other inputs",
            why="Mixing two runs would give numbers that belong to neither",
            remedy="Choose another folder, or delete this one",
        )


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is complete or absent, whatever happens meanwhile.

    Raises:
        OutputError: it cannot be written; the disk may be full.
    """
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as problem:
        raise OutputError(
            "RK-OUT-055",
            given=f"{path} cannot be written ({problem.strerror or problem})",
            why="What was finished before is kept",
            remedy="Make room or choose another folder; the same call with a checkpoint goes on",
        ) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


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
