"""Programs of blocks of people, recorded once and run in the units of work that a block is cut into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rekindle.engine.program._kernel import Kernel
from rekindle.engine.program._program import PartedError, Program, compile_program
from rekindle.engine.program._tape import ExcludedError
from rekindle.engine.records._subjects import Subjects

if TYPE_CHECKING:
    from rekindle.engine.gpu._batch import CardKernel

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Recording:
    """A program and the people in its columns.

    Attributes:
        members: positions of the people among those it was recorded for, ascending.
        program: None for people whose times differ and who are recorded in smaller parts.
    """

    members: Whole
    program: Program | None


def record(kernel: Kernel | CardKernel, subjects: Subjects, fewest: int = 1) -> list[Recording]:
    """Programs for people with one schedule; those for whom there is none are in no recording.

    Args:
        kernel: whose equations.
        subjects: the people.
        fewest: where lags or infusion lengths part people into groups smaller than this, they are left
            without a program.
    """
    found, later, waiting = [], [], [np.arange(len(subjects))]
    while waiting:
        members = waiting.pop()
        chosen = subjects if len(members) == len(subjects) else subjects.take(members)
        try:
            found.append(Recording(members, compile_program(kernel.derivation, kernel.matrix, chosen)))
        except PartedError as parted:
            parts = [members[parted.labels == label] for label in range(int(parted.labels.max()) + 1)]
            waiting += [part for part in parts if len(part) >= fewest]
            later += [part for part in parts if len(part) < fewest]
        except ExcludedError as refused:
            if not refused.excluded.all():
                waiting.append(members[~refused.excluded])
    if later:
        found.append(Recording(np.sort(np.concatenate(later)), None))
    return found


def columns(
    kernel: Kernel | CardKernel,
    subjects: Subjects,
    block: Sequence[int],
    recordings: list[Recording],
    first: int,
    last: int,
) -> Iterator[tuple[Whole, Program, slice]]:
    """What is to be run for the people from ``first`` to ``last`` of a block.

    Args:
        kernel: whose equations.
        subjects: everybody.
        block: places of the people of the block.
        recordings: its programs.
        first, last: positions in the block.

    Yields:
        Their positions, counted from ``first``; a program; its columns.
    """
    for recording in recordings:
        begin, end = np.searchsorted(recording.members, (first, last))
        places = recording.members[begin:end]
        if not len(places):
            continue
        if recording.program is not None:
            yield places - first, recording.program, slice(int(begin), int(end))
            continue
        for part in record(kernel, subjects.take([block[place] for place in places])):
            assert part.program is not None
            yield places[part.members] - first, part.program, slice(0, len(part.members))
