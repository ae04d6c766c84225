"""Results of finished people, kept in a folder so that a run can go on after an interruption."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from rekindle.engine.records._subjects import Subjects
from rekindle.engine.running._outcomes import COUNTS, Outcomes
from rekindle.engine.running._whole_files import claim, write_whole


class KeptResults:
    """Finished chunks in a folder; each file is complete or absent."""

    def __init__(self, folder: Path, mine: str) -> None:
        self.folder = folder
        claim(folder, "run.json", mine)

    def _path(self, number: int) -> Path:
        return self.folder / f"people_{number:06d}.npz"

    def save(self, number: int, part: Outcomes) -> None:
        """Keep one finished chunk; one with failures is run again when the call is repeated."""
        if part.failures:
            return
        buffer = io.BytesIO()
        np.savez(buffer, starts=part.starts, values=part.values, counts=part.counts)
        write_whole(self._path(number), buffer.getvalue())

    def load(self, number: int, people: Subjects, outputs: int) -> Outcomes | None:
        """A finished chunk, or None if it is absent or damaged (it is then run again)."""
        try:
            with np.load(self._path(number)) as stored:
                kept = Outcomes(stored["starts"], stored["values"], stored["counts"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        wanted = np.concatenate([[0], np.cumsum(people.rows)])
        shapes = (kept.values.shape, kept.counts.shape)
        fits = np.array_equal(kept.starts, wanted) and shapes == (
            (wanted[-1], outputs), (len(people), len(COUNTS))
        )  # fmt: skip
        return kept if fits else None
