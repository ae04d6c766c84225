"""Folders that belong to one run, and files that are complete or absent."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pickle
from pathlib import Path
from typing import Any

from rekindle.errors import OutputError, reason


def fingerprint(content: Any) -> str:
    """Digest of everything that determines the numbers of a run, the same in every process.

    >>> one, other = "".join(["a", "b"]), "".join(["a", "b"])
    >>> fingerprint((one, one)) == fingerprint((one, other))
    True
    """
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, protocol=4)
    pickler.fast = True  # otherwise it would tell equal objects from the same object
    pickler.dump(content)
    return hashlib.sha256(buffer.getbuffer()).hexdigest()


def claim(folder: Path, name: str, mine: str) -> None:
    """Make a folder this run's own.

    Raises:
        OutputError: it belongs to a run with other inputs, its note is damaged, or it cannot be written.
    """
    note = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        theirs = json.loads(note.read_bytes())["fingerprint"] if note.exists() else ""
    except (ValueError, KeyError, TypeError):
        raise OutputError(
            "RK-OUT-056",
            given=f"{note} is damaged",
            why="It says to which run the folder belongs; without it two runs could be mixed",
            remedy="Choose another folder, or delete this one",
        ) from None
    except OSError as problem:
        raise _unwritten(folder, problem) from None
    if not theirs:
        write_whole(note, json.dumps({"fingerprint": mine}).encode())
    elif theirs != mine:
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
        raise _unwritten(path, problem) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _unwritten(path: Path, problem: OSError) -> OutputError:
    return OutputError(
        "RK-OUT-055",
        given=f"{path} cannot be written ({reason(problem)})",
        why="What was finished before is kept",
        remedy="Make room or choose another folder; the same call with a checkpoint goes on",
    )
