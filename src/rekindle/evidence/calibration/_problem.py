"""The calibration as a function: a point in standard units -> every block of observations, predicted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rekindle.evidence._table import Source
from rekindle.evidence.calibration._block import Block
from rekindle.evidence.calibration._free_parameters import free_parameters
from rekindle.evidence.calibration._individuals import (
    Individuals,
    announce_individuals,
    individual_block,
    individual_studies,
)
from rekindle.evidence.calibration._simulator import Simulator
from rekindle.evidence.calibration._studies import announce, study_block
from rekindle.evidence.calibration._targets import LeftOut, StudyTargets, read_targets

Array = NDArray[np.float64]
Blocks = tuple[Block, ...]


@dataclass
class Problem:
    """Studies to be met, and the simulator that predicts them.

    Args:
        studies: published numbers by study.
        individuals: studies whose patients are fitted one by one.
        left_out: rows that are not fitted, with reasons.
        simulator: virtual people.
        checkpoint: folder that keeps every point that has been looked at; None keeps nothing.
    """

    studies: tuple[StudyTargets, ...]
    individuals: tuple[Individuals, ...]
    left_out: tuple[LeftOut, ...]
    simulator: Simulator
    checkpoint: Path | None = None
    _seen: dict[bytes, Blocks] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        source: Source,
        *,
        people: int,
        seed: int,
        mechanism: str,
        checkpoint: Path | None = None,
        progress: Callable[[], None] | None = None,
    ) -> Problem:
        """Read a table of outcomes and get ready to predict its rows.

        Raises:
            EvidenceError: a row of unknown weight, or no row that can be fitted.
        """
        studies, left_out = read_targets(source)
        simulator = Simulator(people, seed, 1, mechanism, progress)
        individuals = individual_studies(left_out)
        for study in studies:
            announce(study, simulator)
        for patients in individuals:
            announce_individuals(patients, simulator)
        return cls(studies, individuals, left_out, simulator, checkpoint)

    def blocks(self, standard: Array) -> Blocks:
        """Every study, predicted at a point in standard units."""
        key = np.ascontiguousarray(standard, dtype=float).tobytes()
        if key not in self._seen:
            self._seen[key] = self._restore(standard) or self._predict(standard)
        return self._seen[key]

    def keep(self, standard: Array, blocks: Blocks) -> None:
        """Take a point that was predicted elsewhere."""
        self._seen[np.ascontiguousarray(standard, dtype=float).tobytes()] = blocks

    def _predict(self, standard: Array) -> Blocks:
        blocks = (
            *(study_block(study, self.simulator, standard) for study in self.studies),
            *(individual_block(study, self.simulator, standard) for study in self.individuals),
        )
        if self.checkpoint is not None:
            self._store(standard, blocks)
        return blocks

    # ---- checkpoint -------------------------------------------------------------------------------

    def _file(self, standard: Array) -> Path:
        assert self.checkpoint is not None
        told = (self.simulator.people, self.simulator.seed, self.simulator.mechanism, free_parameters())
        rows = [target.row.cells for study in self.studies for target in study.targets]
        text = repr((told, rows, np.asarray(standard).tolist()))
        return self.checkpoint / f"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}.npz"

    def _store(self, standard: Array, blocks: Sequence[Block]) -> None:
        path = self._file(standard)
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Array] = {}
        for place, block in enumerate(blocks):
            arrays[f"{place} observed"], arrays[f"{place} predicted"] = block.observed, block.predicted
            arrays[f"{place} sampling"] = block.sampling
            arrays[f"{place} labels"] = np.array([block.study_id, *block.labels])
            arrays |= {f"{place} between {kind}": matrix for kind, matrix in block.between.items()}
        part = path.with_suffix(f".{id(blocks)}.part")
        with part.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
        part.replace(path)

    def _restore(self, standard: Array) -> Blocks | None:
        if self.checkpoint is None or not (path := self._file(standard)).is_file():
            return None
        with np.load(path) as stored:
            return tuple(
                _block(stored, f"{place} ") for place in range(len(self.studies) + len(self.individuals))
            )


def _block(stored: Mapping[str, Array], place: str) -> Block:
    study, *labels = (str(label) for label in stored[f"{place}labels"])
    between = f"{place}between "
    return Block(
        study,
        tuple(labels),
        stored[f"{place}observed"],
        stored[f"{place}predicted"],
        stored[f"{place}sampling"],
        {name.removeprefix(between): stored[name] for name in stored if name.startswith(between)},
    )
